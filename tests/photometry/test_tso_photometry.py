"""Photometry of time series: fluxes, places and times of a star that is known."""

import numpy as np
import pytest
from astropy import units
from astropy.table import QTable
from stdatamodels.jwst.datamodels import GainModel

from jwst_cal.errors import InputError, ParameterError
from jwst_cal.photometry import TSOPhotometryStep, _time_series
from jwst_cal.pipelines import Image2Pipeline
from tests import images

FLUXES = 5000 * (1 + 0.01 * np.sin(np.arange(6)))


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return images.references("NIRCAM", tmp_path_factory.mktemp("references"))


@pytest.fixture(scope="module")
def calibrate(paths):
    def work(rates):
        steps = images.overrides(Image2Pipeline, paths)
        steps["flat_field"] = {"skip": True}
        (cal,) = Image2Pipeline.call(rates, steps=steps)
        return cal

    return work


@pytest.fixture(scope="module")
def cal(calibrate):
    return calibrate(images.time_series(6, FLUXES))


def measure(cube, **parameters):
    return TSOPhotometryStep.call(cube, override_gain="N/A", **parameters)


def test_light_curve(cal):
    table = measure(cal, radius=6.0, radius_inner=8.0, radius_outer=14.0)
    factor = cal.meta.photometry.conversion_megajanskys * 1e6 * \
        cal.meta.photometry.pixelarea_steradians
    found = table["net_aperture_sum"].to_value("Jy") / factor
    sigma = table["net_aperture_sum_err"].to_value("Jy") / factor
    assert len(table) == 6
    assert (np.abs(found - FLUXES) < 4 * sigma).all()
    assert (sigma < 0.2 * np.ptp(FLUXES)).all()


def test_place_width_and_sky_position(cal):
    table = measure(cal, radius=6.0)
    assert np.allclose(table["aperture_x"].value, images.STAR[0], atol=0.02)
    assert np.allclose(table["aperture_y"].value, images.STAR[1], atol=0.02)
    for axis in "xy":
        assert np.allclose(table[f"psf_width_{axis}"].value, images.STAR_SIGMA, atol=0.01)
    ra, dec = cal.meta.wcs(*images.STAR)
    assert np.allclose(table["aperture_ra_icrs"].value, ra, atol=1e-7)
    assert np.allclose(table["aperture_dec_icrs"].value, dec, atol=1e-7)


def test_columns_units_and_header(cal):
    table = measure(cal)
    assert isinstance(table, QTable)
    assert list(table.columns)[:4] == ["MJD", "BJD_TDB", "aperture_sum", "aperture_sum_err"]
    assert table["psf_flux"].unit == units.Jy
    assert table["centroid_x"].unit == units.pix
    assert table.meta["apertures"].startswith("Photometry measured in a circular aperture of r=3.0")
    assert table.meta["target_name"] == "a star"


def test_times_are_of_the_segment(calibrate):
    table = measure(calibrate(images.time_series(3, first=5)))
    assert np.allclose(table["MJD"], 60300 + 0.001 * (np.arange(5, 8) + 0.5))
    assert np.allclose(table["BJD_TDB"] - table["MJD"], 0.003)


def test_aperture_follows_a_drifting_star(calibrate):
    cube = calibrate(images.time_series(6, FLUXES, drift=0.5))
    still, moving = (measure(cube, moving_centroid=m, radius=4.0) for m in (False, True))
    assert np.allclose(np.diff(moving["aperture_x"].value), 0.5, atol=0.03)
    assert np.ptp(still["aperture_x"].value) == 0
    flux = [t["net_aperture_sum"].value / FLUXES for t in (still, moving)]
    assert np.ptp(flux[1]) < np.ptp(flux[0]) / 2


def test_planned_place_without_centroids(cal):
    table = measure(cal, centroid_source=False)
    assert (table["aperture_x"].value == 61).all()
    assert (table["aperture_y"].value == 48).all()
    assert "centroid_x" not in table.columns


def test_no_star_falls_back_on_the_planned_place(cal, caplog):
    cube = cal.copy()
    cube.dq[:] = 1
    table = measure(cube)
    assert (table["aperture_x"].value == 61).all()
    assert np.isnan(table["centroid_x"].value).all()
    assert "could not be found" in caplog.text
    assert "psf_flux" not in table.columns


def test_counts_become_electrons(cal, paths, tmp_path):
    cube = cal.copy()
    cube.meta.bunit_data = cube.meta.bunit_err = "DN/s"
    gain = GainModel(data=np.full((256, 288), 2.0, np.float32))
    gain.meta.instrument.name, gain.meta.instrument.detector = "NIRCAM", "NRCA1"
    sub = gain.meta.subarray
    sub.name, sub.xstart, sub.ystart, sub.ysize, sub.xsize = "GENERIC", 1, 1, 256, 288
    sub.fastaxis, sub.slowaxis = 1, 2
    gain.save(tmp_path / "gain.fits")
    table = TSOPhotometryStep.call(cube, override_gain=str(tmp_path / "gain.fits"))
    jansky = measure(cal)
    assert table["aperture_sum"].unit == units.electron
    factor = 200 / (1e6 * cal.meta.photometry.pixelarea_steradians)
    assert np.allclose(table["aperture_sum"].value, jansky["aperture_sum"].value * factor,
                       rtol=1e-5)


def test_whole_subarray_of_a_weak_lens(cal):
    cube = cal.copy()
    cube.meta.instrument.pupil, cube.meta.subarray.name = "WLP8", "SUB64P"
    table = measure(cube)
    factor = 1e6 * cube.meta.photometry.pixelarea_steradians
    total = cube.data.sum(axis=(1, 2), dtype=np.float64) * factor
    assert np.allclose(table["net_aperture_sum"].value, total, rtol=1e-6)
    assert np.isnan(table["annulus_sum"]).all()


def test_the_input_is_not_changed(cal):
    before = cal.data.copy()
    measure(cal)
    assert np.array_equal(cal.data, before)
    assert cal.meta.bunit_data == "MJy/sr"


def test_even_boxes_are_made_odd(cal, caplog):
    even, odd = measure(cal, fit_box_width=12), measure(cal, fit_box_width=11)
    assert "fit_box_width becomes 11" in caplog.text
    assert np.array_equal(even["centroid_x"].value, odd["centroid_x"].value)


def test_table_is_saved_beside_the_products(cal, tmp_path):
    measure(cal, save_catalog=True, output_dir=str(tmp_path))
    (path,) = tmp_path.iterdir()
    assert path.name == "jw00001001001_02101_00001-seg001_nrca1_phot.ecsv"
    assert len(QTable.read(path)) == 6


@pytest.mark.parametrize(("change", "message"), [
    (lambda m: setattr(m.meta.wcsinfo, "siaf_xref_sci", None), "XREF_SCI missing"),
    (lambda m: setattr(m.meta, "bunit_data", None), "BUNIT of SCI missing"),
    (lambda m: setattr(m, "int_times", None), "no INT_TIMES table"),
    (lambda m: setattr(m.meta.exposure, "integration_start", 9), "INT_TIMES has integrations"),
    (lambda m: m.meta.instance.pop("wcs"), "no coordinates"),
])
def test_refused(cal, change, message):
    cube = cal.copy()
    change(cube)
    with pytest.raises(InputError, match=message):
        measure(cube)


@pytest.mark.parametrize("radii", [{"radius": 0.0}, {"radius_inner": 5.0}, {"radius_inner": 0.0}])
def test_radii_of_no_ring_are_refused(cal, radii):
    with pytest.raises(ParameterError, match=r"tso_photometry: .* the radius of a circle"):
        measure(cal, **radii)


@pytest.mark.parametrize("place", [(7.3, 4.6), (0.2, 9.1), (-2.0, 3.0), (30.5, 5.0)])
def test_shares_of_pixels_are_those_of_photutils(place):
    from photutils.aperture import CircularAnnulus, CircularAperture

    shape = 12, 16
    for aperture, radii in ((CircularAperture(place, 3.2), (3.2,)),
                            (CircularAnnulus(place, 2.1, 4.4), (4.4, 2.1))):
        box, weight = _time_series.inside(shape, *place, *radii)
        whole = np.zeros(shape)
        whole[box] = weight
        theirs = aperture.to_mask(method="exact").to_image(shape)
        np.testing.assert_allclose(whole, 0 if theirs is None else theirs, atol=1e-14)


def test_gaussian_fit_recovers_flux_and_widths():
    row, column = np.indices((11, 11))
    values = 300 / (2 * np.pi * 1.5 * 2.5) * np.exp(
        -(column - 5.2) ** 2 / (2 * 1.5**2) - (row - 4.9) ** 2 / (2 * 2.5**2))
    (x, y), flux = _time_series.fit_gaussian(values, 5.2, 4.9, 11)
    # the values are at the centres of pixels, the model is averaged over them
    assert x == pytest.approx(np.sqrt(1.5**2 - 1 / 12), rel=2e-3)
    assert y == pytest.approx(np.sqrt(2.5**2 - 1 / 12), rel=2e-3)
    assert flux == pytest.approx(300, rel=5e-3)
