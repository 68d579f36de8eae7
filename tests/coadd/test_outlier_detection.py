"""Outliers: injected ones found in images, time series and coronagraphs, products, refusals."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal import flags
from jwst_cal.associations import io
from jwst_cal.coadd import _median
from jwst_cal.coadd.outlier_detection import OutlierDetectionStep
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.models import ModelContainer, ModelLibrary
from tests import images

OUTLIER, DO_NOT_USE = (int(flags.pixel[name]) for name in ("OUTLIER", "DO_NOT_USE"))
PLACES = [(0, 0, 0), (0.31, 0.17, 1), (-0.23, 0.34, -1), (0.12, -0.29, 2)]
NOISE = 0.05


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return images.references("NIRCAM", tmp_path_factory.mktemp("references"))


@pytest.fixture(scope="module")
def originals(references):
    """Four dithered images of sky and stars, without outliers."""
    found = []
    for number, (dx, dy, roll) in enumerate(PLACES, 1):
        image = images.placed(references, number, dx, dy, roll, noise=NOISE)
        y, x = np.indices(image.data.shape)
        for ra, dec, flux in ((80.0988, -69.4006, 900.0), (80.0992, -69.4008, 300.0)):
            cx, cy = image.meta.wcs.invert(ra, dec)
            image.data += flux / 12.5 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 4)
        image.err = np.sqrt(NOISE**2 + np.abs(image.data - 2) * 0.02).astype(np.float32)
        found.append(image)
    return found


@pytest.fixture
def four(originals):
    return [image.copy() for image in originals]


def hit(image, seed, number=40, least=1.5):
    """Put cosmic rays into an image; their pixels."""
    rng = np.random.default_rng(seed)
    hits = np.zeros(image.data.shape, bool)
    hits[rng.integers(4, 92, number), rng.integers(4, 124, number)] = True
    image.data[hits] += rng.uniform(least, 30, hits.sum())
    return hits


def run(inputs, **parameters):
    result = OutlierDetectionStep(**parameters).run(ModelContainer(inputs))
    if not hasattr(result, "borrow"):
        return list(result)
    with result:
        found = [result.borrow(k) for k in range(len(result))]
        for image in found:
            result.shelve(image)
    return found


@pytest.mark.parametrize("parameters", [
    {}, {"kernel": "turbo", "pixfrac": 0.9}, {"kernel": "point"}, {"weight_type": "exptime"},
    {"pixmap_stepsize": 8.0, "pixmap_order": 3},
], ids=str)
def test_cosmic_rays_are_found_and_little_else(four, parameters):
    hits = [hit(image, seed) for seed, image in enumerate(four)]
    before = [image.dq.copy() for image in four]
    n_hits = n_found = n_false = 0
    for image, truth, old in zip(run(four, **parameters), hits, before, strict=True):
        found = (image.dq & OUTLIER) != 0
        # at the rim of the mosaic the median is of one or two images
        inner = np.zeros_like(truth)
        inner[15:-15, 15:-15] = True
        n_hits += (truth & inner).sum()
        n_found += (found & truth & inner).sum()
        n_false += (found & ~truth & inner).sum()
        assert_array_equal(image.dq[found], OUTLIER | DO_NOT_USE | old[found])
        assert_array_equal(image.dq[~found], old[~found])
        for name in ("data", "err", "var_rnoise", "var_poisson", "var_flat"):
            assert_array_equal(np.isnan(getattr(image, name)), found)
        assert image.meta.cal_step.outlier_detection == "COMPLETE"
    assert n_found >= 0.95 * n_hits > 80
    assert n_false <= 8  # of 25000 pixels


def test_stars_are_no_outliers(four):
    for image in run(four):
        assert (image.dq & OUTLIER != 0).sum() <= 3


def test_levels_of_the_sky_are_taken_off(four):
    hits = [hit(image, seed) for seed, image in enumerate(four)]
    expected = run([image.copy() for image in four])
    for number, image in enumerate(four):
        image.data += 0.7 * number
        image.meta.background.level, image.meta.background.subtracted = 0.7 * number, False
    for image, other, truth in zip(run(four), expected, hits, strict=True):
        assert np.count_nonzero(image.dq != other.dq) <= 2
        assert ((image.dq & OUTLIER != 0) & truth).sum() > 20


def test_background_where_the_header_has_none(four):
    """backg is taken off the difference, so that a wrong one makes outliers of everything."""
    found = run(four, backg=3.0)
    assert all((image.dq & OUTLIER != 0).mean() > 0.5 for image in found)


def test_without_resampling(originals):
    four = [originals[0].copy() for _ in range(4)]
    hits = [hit(image, seed) for seed, image in enumerate(four)]
    for image, truth in zip(run(four, resample_data=False), hits, strict=True):
        found = image.dq & OUTLIER != 0
        assert_array_equal(found, truth)
    four[2].data = four[2].data[:90]
    with pytest.raises(InputError, match=r"\(90, 128\) pixels where \(96, 128\) are needed"):
        run(four, resample_data=False)


def test_limits(four):
    hits = [hit(image, seed) for seed, image in enumerate(four)]
    for image in run(four, snr="1e6 1e6"):
        assert not (image.dq & OUTLIER).any()
    assert hits[0].any()


def test_low_weights_are_not_in_the_median():
    data, weight = np.ones((2, 40), np.float32), np.full((2, 40), 10, np.float32)
    weight[0, :3], weight[1, 5] = (0, 6.9, 7.5), 1e4
    limit = _median.without_low_weights(data, weight, 0.7)
    assert limit == pytest.approx(7.0, rel=0.01)
    assert_array_equal(np.argwhere(np.isnan(data)), [(0, 0), (0, 1)])
    assert np.isnan(_median.without_low_weights(data, np.zeros_like(weight), 0.7))


@pytest.mark.parametrize("budget", [1, 700, None])
def test_stacks_on_disk_as_in_memory(tmp_path, monkeypatch, budget):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(2)
    frames = rng.normal(size=(5, 17, 11)).astype(np.float32)
    frames[rng.random(frames.shape) < 0.3] = np.nan
    memory, disk = (_median.Stack(5, (17, 11), kind, budget) for kind in (True, False))
    assert disk.rows_at_a_time == {1: 1, 700: 3, None: 3}[budget]
    for frame in frames:
        memory.add(frame)
        disk.add(frame)
    with pytest.raises(ValueError, match=r"\(3, 11\)"):
        disk.add(frames[0, :3])
    assert_array_equal(memory.median(), disk.median())
    assert not list(tmp_path.iterdir())


def association(four, folder):
    for image in four:
        image.save(folder / image.meta.filename)
    members = [{"expname": image.meta.filename, "exptype": "science"} for image in four]
    io.write({"asn_type": "image3", "asn_rule": "test", "asn_id": "a3001", "asn_pool": "none",
              "products": [{"name": "mosaic", "members": members}]}, folder / "asn.json")


@pytest.mark.parametrize("in_memory", [True, False])
def test_products(four, tmp_path, monkeypatch, in_memory):
    monkeypatch.chdir(tmp_path)
    for seed, image in enumerate(four):
        hit(image, seed)
    four[1].meta.observation.exposure_number = "00001"
    association(four, tmp_path)
    expected = run([image.copy() for image in four])
    result = OutlierDetectionStep.call("asn.json", in_memory=in_memory, save_results=True,
                                       save_intermediate_results=True)
    assert result.on_disk is not in_memory
    root = "jw00001001001_02101_{:05d}_nrca1_a3001_{}.fits"
    names = {root.format(1, "median"), *(root.format(n, "outlier_i2d") for n in (1, 3, 4)),
             *(root.format(n, suffix) for n in (1, 2, 3, 4) for suffix in
               ("blot", "outlierdetectionstep"))}
    assert {path.name for path in tmp_path.glob("*_a3001_*.fits")} == names
    from jwst_cal import models

    for number, image in enumerate(expected, 1):
        with models.open(root.format(number, "outlierdetectionstep")) as saved:
            assert_array_equal(saved.dq, image.dq)
            assert saved.meta.cal_step.outlier_detection == "COMPLETE"
        with models.open(root.format(number, "blot")) as blot:
            assert np.nanmedian(blot.data) == pytest.approx(2, abs=0.02)
            assert blot.data.shape == image.data.shape
    with models.open(root.format(1, "median")) as median, models.open(
            root.format(3, "outlier_i2d")) as one:
        assert median.data.shape == one.data.shape == one.wht.shape
        assert median.meta.wcs(5, 5) == one.meta.wcs(5, 5)
        assert np.isfinite(median.data).mean() > 0.6
        assert one.meta.resample.pointings == 1


def test_one_image_alone_fails(four, caplog):
    (alone,) = run(four[:1])
    assert alone.meta.cal_step.outlier_detection == "FAILED"
    assert "there is none to compare with" in caplog.text
    assert not (alone.dq & OUTLIER).any()


def test_images_without_overlap_have_no_outliers(references, four):
    far = images.placed(references, 9, 40.0)
    found = run([four[0], far])
    assert sum((image.dq & OUTLIER != 0).sum() for image in found) <= 3


def test_all_pixels_flagged(four):
    for image in four:
        image.dq[:] = 1
    for image in run(four):
        assert not (image.dq & OUTLIER).any()
        assert np.isnan(image.data).all()


class TestIntegrations:
    def cube(self, kind="NRC_TSIMAGE", n_ints=30, seed=1):
        image = images.image(n_ints=n_ints, seed=seed, shape=(20, 30))
        rng = np.random.default_rng(seed)
        image.meta.exposure.type, image.meta.exposure.nints = kind, n_ints
        image.data = rng.normal(5, NOISE, image.data.shape).astype(np.float32)
        image.err = np.full_like(image.data, NOISE)
        image.var_rnoise, image.var_poisson = image.err**2, image.err * 0
        image.dq = np.zeros(image.data.shape, np.uint32)
        image.meta.filename = "jw00001001001_02101_00001_nrca1_calints.fits"
        return image

    @pytest.mark.parametrize(("kind", "width", "slope"), [
        ("NRC_TSIMAGE", 9, 0.04), ("NRC_TSIMAGE", 1, 0.0), ("NRC_TSIMAGE", 99, 0.0),
        ("NRC_CORON", 25, 0.0), ("NRC_TSIMAGE", 8, 0.04)])
    def test_cosmic_rays_are_found(self, kind, width, slope):
        cube = self.cube(kind)
        cube.data += (slope * np.arange(30))[:, None, None].astype(np.float32)
        hits = np.random.default_rng(4).random(cube.data.shape) < 0.004
        cube.data[hits] += 1.0
        result = OutlierDetectionStep(rolling_window_width=width).run(cube)
        found = (result.dq & OUTLIER) != 0
        middle = slice(6, -6) if slope else slice(None)  # at the ends the median lags behind
        assert_array_equal(found[middle], hits[middle])
        assert np.isnan(result.data[found]).all()
        assert result.meta.cal_step.outlier_detection == "COMPLETE"

    def test_flagged_integrations_leave_no_median_to_their_neighbours(self):
        cube = self.cube()
        cube.dq[10, 3, 4], cube.data[10, 3, 4] = 4, 100
        cube.data[12, 3, 4], cube.data[25, 3, 4] = 9, 9
        result = OutlierDetectionStep(rolling_window_width=5, good_bits="~JUMP_DET").run(cube)
        found = (result.dq[:, 3, 4] & OUTLIER) != 0
        assert_array_equal(np.flatnonzero(found), [25])

    @pytest.mark.parametrize(("kind", "ndim"), [("NRC_TSIMAGE", 3), ("MIR_4QPM", 2)])
    def test_median_is_saved(self, tmp_path, kind, ndim):
        from jwst_cal import models

        step = OutlierDetectionStep(save_intermediate_results=True, output_dir=str(tmp_path),
                                    rolling_window_width=7)
        step.run(self.cube(kind))
        (path,) = tmp_path.glob("*")
        assert path.name == "jw00001001001_02101_00001_nrca1_median.fits"
        with models.open(path) as saved:
            assert saved.data.ndim == ndim
            assert_allclose(saved.data, 5, atol=5 * NOISE)

    def test_several_at_once_are_refused(self):
        with pytest.raises(InputError, match="mode 'coron' takes one exposure with its integ"):
            OutlierDetectionStep().run(ModelContainer([self.cube("NRC_CORON")] * 2))
        step = OutlierDetectionStep()
        step.mode = "tso"
        with pytest.raises(InputError, match="mode 'tso' takes one exposure"):
            step.run(images.image())


class TestRefusals:
    @pytest.mark.parametrize(("kind", "mode"), [("NRS_IFU", "ifu"), ("NIS_WFSS", "spec")])
    def test_spectra(self, four, kind, mode):
        for image in four:
            image.meta.exposure.type = kind
        with pytest.raises(InputError, match=rf"EXP_TYPE={kind}.*not in mode '{mode}'"):
            run(four)

    def test_other_modes_fail_and_go_on(self, four, caplog):
        for image in four:
            image.meta.exposure.type = "NRC_TACQ"
        found = run(four)
        assert {image.meta.cal_step.outlier_detection for image in found} == {"FAILED"}
        assert "EXP_TYPE=NRC_TACQ has no outlier detection" in caplog.text

    def test_no_coordinates(self, four):
        four[2].meta.wcs = None
        with pytest.raises(InputError, match=r"00003_nrca1_cal.fits: no coordinates"):
            run(four)

    @pytest.mark.parametrize("parameters", [
        {"snr": "5"}, {"scale": "a b"}, {"good_bits": "~NOTHING"}, {"fillval": "x"},
        {"pixmap_order": 2}], ids=str)
    def test_parameters(self, four, parameters):
        (name,) = parameters
        with pytest.raises(ParameterError, match=f"'{name}' of outlier_detection"):
            run(four, **parameters)


def test_a_library_keeps_its_models(four):
    library = ModelLibrary(four)
    assert OutlierDetectionStep().run(library) is library


@pytest.mark.parametrize("options", [{}, {"step": 8.0, "order": 3}], ids=str)
def test_limits_of_a_map_hold_all_its_places(originals, options):
    from jwst_cal.coadd import _pixel_map

    source, target = originals[0].meta.wcs, originals[1].meta.wcs
    pixel_map = _pixel_map.PixelMap(source, target, (96, 128), **options)
    assert pixel_map.is_small is not bool(options)
    x, y = pixel_map.rows(0, 96)
    low, high, (left, right) = pixel_map.limits()
    for limit, places in ((low, y.min(axis=1)), (-high, -y.max(axis=1)), (left, x.min()),
                          (-right, -x.max())):
        assert np.all(limit <= places)
        assert np.all(places - limit < 0.2)
