"""Resampling: fluxes and positions kept, weights, frames, memory, what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.associations import io
from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.coadd import _output_frame, _pixel_map
from jwst_cal.coadd.resample import ResampleStep
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.models import ModelContainer
from tests import images


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return images.references("NIRCAM", tmp_path_factory.mktemp("references"))


@pytest.fixture
def make(references):
    """Make a flat image with coordinates, moved by arcseconds, with stars at places on the sky."""
    def one(number=1, dx=0.0, dy=0.0, roll=0.0, stars=(), level=2.0):
        image = images.image(seed=number)
        info = image.meta.wcsinfo
        info.ra_ref += dx / 3600 / np.cos(np.deg2rad(info.dec_ref))
        info.dec_ref += dy / 3600
        info.roll_ref += roll
        image.meta.observation.exposure_number = f"{number:05d}"
        given = {f"override_{kind}": references.get(kind, "N/A")
                 for kind in AssignWcsStep.references}
        image = AssignWcsStep(**given).run(image)
        image.dq[:], image.data[:] = 0, level
        image.var_rnoise[:], image.var_poisson[:] = 0.04, 0.01
        image.var_flat = np.full_like(image.data, 0.02)
        y, x = np.indices(image.data.shape)
        for ra, dec, flux in stars:
            cx, cy = image.meta.wcs.invert(ra, dec)
            image.data += flux / (2 * np.pi * 4) * np.exp(-((x - cx)**2 + (y - cy)**2) / 8)
        image.meta.photometry.pixelarea_steradians = (0.031 / 3600 * np.pi / 180) ** 2
        return image
    return one


PLACES = [(80.0988, -69.4006), (80.0992, -69.4008)]


def centroid(image, ra, dec, radius=9):
    """Where a star is in the image, and its flux above the sky."""
    x, y = image.meta.wcs.invert(ra, dec)
    rows, cols = (slice(int(v) - radius, int(v) + radius + 1) for v in (y, x))
    part = image.data[rows, cols].astype(float) - 2.0
    yy, xx = np.indices(part.shape)
    total = part.sum()
    return ((xx * part).sum() / total + cols.start - x, (yy * part).sum() / total + rows.start - y,
            total)


def test_mosaics_are_no_exposures(make):
    mosaic = ResampleStep().run([make(1), make(2, dx=1.0)])
    mosaic.meta.filename = "x_i2d.fits"
    with pytest.raises(InputError, match=r"x_i2d.fits: RA_REF.* missing; resample takes exposures"):
        ResampleStep().run([mosaic])


def test_an_image_far_away_is_named(make, caplog):
    from jwst_cal.models import ModelLibrary

    near = [make(1), make(2, dx=1.0)]
    ResampleStep()._frame(ModelLibrary(near))
    assert "The images fill" not in caplog.text
    frame, _ = ResampleStep()._frame(ModelLibrary([*near, make(3, dx=500.0)]))
    (line,) = (text for text in caplog.messages if "The images fill" in text)
    assert f"an output of {frame.shape[1]} columns and {frame.shape[0]} rows" in line
    assert "_00003_nrca1" in line
    away = float(line.split(" is ")[-1].split()[0])
    assert away == pytest.approx(500 / 3600, rel=0.01)


@pytest.mark.parametrize("kernel", ["square", "turbo", "gaussian"])
def test_stars_stay_where_they_are(make, kernel):
    stars = [(*place, 500.0) for place in PLACES]
    inputs = [make(n, dx, dy, roll, stars) for n, (dx, dy, roll) in enumerate(
        [(0, 0, 0), (0.3, 0.11, 3), (-0.2, 0.4, -2)], 1)]
    result = ResampleStep(kernel=kernel).run(ModelContainer(inputs))
    for place in PLACES:
        dx, dy, _ = centroid(result, *place)
        assert_allclose((dx, dy), 0, atol=0.06 if kernel == "gaussian" else 0.01)


def test_surface_brightness_is_kept_and_flux_with_it(make):
    stars = [(*PLACES[0], 500.0)]
    for ratio in (1.0, 0.5, 2.0):
        result = ResampleStep(pixel_scale_ratio=ratio).run(make(stars=stars))
        assert np.nanmedian(result.data) == pytest.approx(2.0, rel=1e-5)
        _, _, flux = centroid(result, *PLACES[0], radius=int(9 / ratio))
        pixel = result.meta.photometry.pixelarea_arcsecsq
        assert flux * pixel == pytest.approx(500 * 0.031**2, rel=0.01)


def test_pixels_without_area_are_points(make):
    none, point = (ResampleStep(**options).run(make(roll=9.0)) for options in (
        {"pixfrac": 0.0}, {"kernel": "point"}))
    assert_array_equal(none.wht, point.wht)


def test_errors_of_a_mean_of_two(make):
    one = ResampleStep().run(make())
    two = ResampleStep().run(ModelContainer([make(1), make(2)]))
    assert np.nanmedian(one.err) == pytest.approx(np.sqrt(0.07), rel=1e-5)
    assert np.nanmedian(two.err) == pytest.approx(np.sqrt(0.035), rel=1e-5)
    assert np.nanmedian(two.var_poisson) == pytest.approx(0.005, rel=1e-5)


def test_weights(make):
    quiet, noisy = make(1, level=1.0), make(2, level=4.0)
    noisy.var_rnoise[:] = 0.08
    by_noise = ResampleStep().run(ModelContainer([quiet, noisy]))
    assert np.nanmedian(by_noise.data) == pytest.approx((1 * 2 + 4) / 3, rel=1e-5)
    noisy.meta.exposure.measurement_time = 300.0
    by_time = ResampleStep(weight_type="exptime").run(ModelContainer([quiet, noisy]))
    assert np.nanmedian(by_time.data) == pytest.approx((1 + 3 * 4) / 4, rel=1e-5)
    equal = ResampleStep(weight_type="None").run(ModelContainer([quiet, noisy]))
    assert np.nanmedian(equal.data) == pytest.approx(2.5, rel=1e-5)


def test_what_is_flagged_does_not_enter(make):
    image = make()
    image.data[40:50, 60:70] = 1000.0
    image.dq[40:50, 60:70] = 1
    result = ResampleStep().run(image)
    assert np.nanmax(result.data) == pytest.approx(2.0, rel=1e-5)
    assert np.isnan(result.data).sum() > 50
    assert image.data.max() == 1000


def test_context_tells_the_images(make):
    result = ResampleStep().run(ModelContainer([make(1), make(2, 1.0), make(3, -1.0)]))
    assert set(np.unique(result.con)) >= {1, 3, 5, 7}
    assert result.con.shape == (1, *result.data.shape)
    many = ResampleStep().run(ModelContainer([make(n) for n in range(1, 35)]))
    assert many.con.shape[0] == 2
    assert many.con[1].max() == 0b11
    assert many.meta.resample.pointings == 34


def test_the_sky_level_is_taken_off(make):
    image = make()
    image.meta.background.level, image.meta.background.subtracted = 0.5, False
    assert np.nanmedian(ResampleStep().run(image).data) == pytest.approx(1.5, rel=1e-5)
    image.meta.background.subtracted = True
    assert np.nanmedian(ResampleStep().run(image).data) == pytest.approx(2.0, rel=1e-5)


def test_exposure_times_of_two_detectors_count_once(make):
    a, b = make(1), make(2, 1.0)
    b.meta.observation.exposure_number = a.meta.observation.exposure_number
    result = ResampleStep().run(ModelContainer([a, b]))
    assert result.meta.exposure.exposure_time == 100
    assert result.meta.resample.pointings == 1


def test_each_exposure_by_itself(make):
    result = ResampleStep(single=True).run(ModelContainer([make(1), make(2, 1.0)]))
    with result:
        first, second = (result.borrow(k) for k in (0, 1))
        assert first.data.shape == second.data.shape
        assert first.meta.filename.endswith("nrca1_outlier_i2d.fits")
        assert np.nanmedian(first.err) > 0
        assert np.isnan(first.data).sum() > 0
        for k, model in enumerate((first, second)):
            result.shelve(model, k, modify=False)


def test_images_on_disk_give_the_same_as_in_memory(make, tmp_path):
    members = []
    for number in (1, 2, 3):
        image = make(number, 0.2 * number, roll=number, stars=[(*PLACES[0], 300.0)])
        image.save(tmp_path / image.meta.filename)
        members.append({"expname": image.meta.filename, "exptype": "science"})
    io.write({"products": [{"name": "mosaic", "members": members}]}, tmp_path / "asn.json")
    memory, disk = (ResampleStep(in_memory=where).run(str(tmp_path / "asn.json"))
                    for where in (True, False))
    assert memory.meta.filename == "mosaic"
    for name in ("data", "wht", "err", "con"):
        assert_array_equal(getattr(memory, name), getattr(disk, name))


@pytest.mark.parametrize("pixfrac", [1.0, 0.8])
def test_result_of_bands_is_that_of_the_whole(make, monkeypatch, pixfrac):
    from jwst_cal.coadd import _drizzle

    image = make(stars=[(*PLACES[0], 300.0)], roll=17)
    bands = []
    for rows in (13, 10_000):
        monkeypatch.setattr(_drizzle, "BAND", rows)
        bands.append(ResampleStep(pixfrac=pixfrac).run(image))
    for name in ("data", "wht", "err", "var_flat"):
        assert_array_equal(getattr(bands[0], name), getattr(bands[1], name))


def test_frame_asked_for(make):
    result = ResampleStep(output_shape=[90, 70], crpix=[44.0, 30.0], crval=list(PLACES[0]),
                          rotation=0.0, pixel_scale=0.05).run(make())
    assert result.data.shape == (70, 90)
    assert_allclose(result.meta.wcs.invert(*PLACES[0]), (44, 30), atol=1e-6)
    assert result.meta.photometry.pixelarea_arcsecsq == pytest.approx(0.0025)
    up = np.array(result.meta.wcs(44.0, 31.0)) - PLACES[0]
    assert up[0] == pytest.approx(0, abs=1e-9)
    assert up[1] * 3600 == pytest.approx(0.05, rel=1e-6)


def test_frame_of_a_file(make, tmp_path):
    import asdf

    first = ResampleStep(rotation=10.0).run(make())
    asdf.AsdfFile({"wcs": first.meta.wcs}).write_to(tmp_path / "frame.asdf")
    again = ResampleStep(output_wcs=str(tmp_path / "frame.asdf")).run(make(2, 0.5))
    assert again.data.shape == first.data.shape
    assert_allclose(again.meta.wcs(3.0, 4.0), first.meta.wcs(3.0, 4.0))
    assert again.meta.resample.pixel_scale_ratio == pytest.approx(
        np.sqrt(again.meta.photometry.pixelarea_steradians) / (0.031 / 3600 * np.pi / 180),
        rel=1e-6)


def test_pixel_maps_meet_their_bound(make):
    image = make()
    frame = _output_frame.around([(image.meta.wcs, image.meta.wcsinfo.instance, image.data.shape,
                                   image.meta.wcsinfo.s_region)])
    x, y = _pixel_map.PixelMap(image.meta.wcs, frame.wcs, image.data.shape).rows(0, 96)
    cols, rows = np.meshgrid(np.arange(128.0), np.arange(96.0))
    exact = frame.wcs.invert(*image.meta.wcs(cols, rows), with_bounding_box=False)
    assert_allclose((x, y), exact, rtol=0, atol=_pixel_map.TOLERANCE)


def test_a_rough_map_is_evaluated_everywhere():
    class Rough:
        bounding_box = None

        def __call__(self, x, y, with_bounding_box=True):
            return np.floor(x * 1.7), y

        def invert(self, x, y, with_bounding_box=True):
            return x, y

    x, y = _pixel_map.PixelMap(Rough(), Rough(), (40, 50)).rows(10, 12)
    assert_array_equal(x[0], np.floor(np.arange(50) * 1.7))
    assert_array_equal(y[:, 3], [10, 11])


def test_mean_pixel_area_of_a_small_image(make):
    wcs = make().meta.wcs
    steps = _output_frame.scale_at(wcs, *wcs(63.5, 47.5))
    assert _output_frame.mean_pixel_area(wcs, (96, 128)) == pytest.approx(
        np.deg2rad(steps) ** 2, rel=1e-6)


def test_a_ramp_is_refused(small_ramp):
    with pytest.raises(InputError, match=r"resample takes 2-D images, this is RampModel"):
        ResampleStep().run(small_ramp)


def test_an_image_without_coordinates():
    with pytest.raises(InputError, match="no coordinates; assign_wcs must come first"):
        ResampleStep().run(images.image())


@pytest.mark.parametrize(("parameters", "message"), [
    ({"fillval": "many"}, "'fillval' of resample: 'MANY'"),
    ({"pixmap_order": 2}, "'pixmap_order' of resample: 2"),
    ({"output_wcs": "nowhere.asdf"}, r"'output_wcs' of resample: .*nowhere\.asdf cannot be read"),
    ({"pixel_scale": 500.0}, "0 columns and 0 rows"),
    ({"pixel_scale": -1.0}, "'pixel_scale' of resample: -1.0 where a positive number"),
    ({"pixel_scale_ratio": 0.0}, "'pixel_scale_ratio' of resample: 0.0 where a positive number"),
    ({"crval": [260.0, 69.0]}, "do not lie on a plane that touches the sky at 260, 69 degrees"),
])
def test_parameters_that_make_no_output(make, parameters, message):
    with pytest.raises(ParameterError, match=message):
        ResampleStep(**parameters).run(make())


def test_no_time_to_weigh_by(make):
    image = make()
    image.meta.exposure.measurement_time = image.meta.exposure.exposure_time = None
    with pytest.raises(InputError, match="no exposure time to weigh by"):
        ResampleStep(weight_type="exptime").run(image)
