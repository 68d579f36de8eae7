"""Outlier detection beside the official step: flags, medians, blotted images, names, headers."""

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.associations import io
from jwst_cal.coadd.outlier_detection import OutlierDetectionStep
from tests import images
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

#: Input and parameters.
CASES = {
    "default": ("asn.json", {"save_intermediate_results": True}),
    "on-disk": ("asn.json", {"in_memory": False, "snr": "4.0 3.0", "scale": "2.1 0.5",
                             "maskpt": 0.3}),
    "turbo": ("asn.json", {"kernel": "turbo", "pixfrac": 0.8, "weight_type": "exptime",
                           "fillval": "0", "backg": 0.05}),
    "point": ("asn.json", {"kernel": "point", "good_bits": "~DO_NOT_USE+JUMP_DET"}),
    "splines": ("asn.json", {"pixmap_stepsize": 8.0, "pixmap_order": 3}),
    "unresampled": ("same.json", {"resample_data": False, "save_intermediate_results": True}),
    "alone": ("one.json", {}),
    "series": ("series_calints.fits", {"save_intermediate_results": True}),
    "series-even": ("series_calints.fits", {"rolling_window_width": 8, "snr": "3.0 1.0",
                                            "good_bits": "~DO_NOT_USE+SATURATED"}),
    "series-whole": ("series_calints.fits", {"rolling_window_width": 60,
                                             "save_intermediate_results": True}),
    "coronagraph": ("coron_calints.fits", {"save_intermediate_results": True, "snr": "4.0 1.0"}),
}

#: Where the official step is wrong.
TWO = {"rolling_window_width": 2, "save_intermediate_results": True}


def _cube(kind, seed):
    cube = images.image(n_ints=30, seed=seed, shape=(24, 40))
    rng = np.random.default_rng(seed)
    cube.meta.exposure.type, cube.meta.exposure.nints = kind, 30
    cube.data[rng.random(cube.data.shape) < 0.01] += 4
    cube.err[rng.random(cube.err.shape) < 0.01] = np.nan
    cube.dq[rng.random(cube.dq.shape) < 0.002] |= 2
    return cube


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Five dithered images with cosmic rays, two of them of one exposure; series; coronagraph."""
    folder = tmp_path_factory.mktemp("images")
    paths = images.references("NIRCAM", folder)
    names = []
    for number, (dx, dy, roll) in enumerate(
            [(0, 0, 0), (2.0, 0.3, 0), (0.62, 0.45, 2), (-0.47, 0.9, -3), (0.4, -0.7, 1)], 1):
        image = images.placed(paths, number, dx, dy, roll, level=0.0)
        bright = images.image(seed=7)
        image.data += bright.data
        image.err = np.sqrt(0.01 + 0.01 * np.abs(image.data)).astype(np.float32)
        rng = np.random.default_rng(number)
        image.data[rng.random(image.data.shape) < 0.01] += rng.exponential(5)
        image.var_rnoise *= rng.uniform(0.5, 2, image.data.shape).astype(np.float32)
        other = images.image(seed=number)
        image.dq |= other.dq
        image.dq[np.isnan(image.data)] |= 1
        image.data[image.dq & 1 != 0] = np.nan
        image.meta.background.level = 0.1 * number
        image.meta.background.subtracted = number == 3
        image.data += np.float32(0.0 if number == 3 else 0.1 * number)
        if number == 2:
            image.meta.observation.exposure_number = "00001"
        image.save(folder / image.meta.filename)
        names.append(image.meta.filename)
    for table, members in (("asn", names), ("same", names), ("one", names[:1])):
        io.write({"asn_type": "image3", "asn_rule": "test", "asn_pool": "none", "asn_id": "a3001",
                  "program": "00001", "version_id": None, "degraded_status": "none",
                  "constraints": "none", "asn_rule_version": "1",
                  "products": [{"name": "mosaic", "members": [
                      {"expname": name, "exptype": "science"} for name in members]}]},
                 folder / f"{table}.json")
    _cube("NRC_TSIMAGE", 3).save(folder / "series_calints.fits")
    _cube("MIR_4QPM", 4).save(folder / "coron_calints.fits")
    return folder


@pytest.fixture(scope="module")
def official(inputs, tmp_path_factory):
    targets = {name: tmp_path_factory.mktemp(f"official-{name}") for name in [*CASES, "two"]}
    oracle.run_steps(tmp_path_factory.mktemp("official"), [
        ("jwst.outlier_detection.OutlierDetectionStep", [inputs / CASES[name][0]], targets[name],
         CASES[name][1], CASES[name][0].endswith("fits"))  # of a cube it does not take the name
        for name in CASES] + [
        ("jwst.outlier_detection.OutlierDetectionStep", [inputs / "series_calints.fits"],
         targets["two"], TWO, True)])
    return targets


@pytest.fixture(scope="module", params=CASES)
def pair(request, inputs, official, tmp_path_factory):
    """Name of a case, folders of our products and of the official ones."""
    ours = tmp_path_factory.mktemp("ours")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ours)
        OutlierDetectionStep.call(str(inputs / CASES[request.param][0]), save_results=True,
                                  output_dir=str(ours), **CASES[request.param][1])
    return request.param, ours, official[request.param]


def _both(pair, pattern):
    _, ours, official = pair
    for mine in sorted(ours.glob(pattern)):
        with datamodels.open(mine) as a, datamodels.open(official / mine.name) as b:
            yield mine.name, a, b


def test_products_have_the_same_names(pair):
    _, ours, official = pair
    names = sorted(path.name for path in ours.iterdir())
    assert names == sorted(path.name for path in official.iterdir())
    assert names


def test_flags_agree(pair):
    n_found = 0
    for name, ours, official in _both(pair, "*outlierdetectionstep.fits"):
        assert (ours.meta.cal_step.outlier_detection
                == official.meta.cal_step.outlier_detection)
        different = np.argwhere(ours.dq != official.dq)
        n_found += np.count_nonzero(official.dq & 16)
        assert not different.size, f"{name}: {different[:9].tolist()}"
        for array in ("data", "err", "var_rnoise", "var_poisson"):
            np.testing.assert_array_equal(getattr(ours, array), getattr(official, array))
    assert n_found > 100 or pair[0] == "alone"


def test_intermediate_products_agree(pair):
    for suffix in ("outlier_i2d", "median", "blot"):
        for name, ours, official in _both(pair, f"*_{suffix}.fits"):
            a, b = ours.data, official.data
            assert type(ours) is type(official)
            inner = np.ones(b.shape, bool)
            if suffix != "blot" and CASES[pair[0]][0] == "asn.json":
                inner[:] = False
                inner[4:-4, 4:-4] = True  # the official drizzle loses parts at the edges
            elif suffix == "blot":
                inner[:] = False
                inner[6:-6, 6:-6] = True
            np.testing.assert_array_equal(np.isnan(a)[inner], np.isnan(b)[inner], err_msg=name)
            np.testing.assert_allclose(a[inner], b[inner], rtol=1e-5, atol=2e-6, err_msg=name)
            assert (ours.meta.wcs is None) == (official.meta.wcs is None)


def test_headers_of_intermediate_products_agree(pair):
    own = ("meta.date", "meta.calibration_software", "meta.ref_file", "meta.provenance",
           "meta.cal_logs", "cal_logs", "meta.wcs", "meta.model_type", "meta.prd", "_fits_hash",
           "extra_fits", "history", "asdf", "meta.wcsinfo.s_region")
    for suffix in ("outlier_i2d", "median", "blot"):
        for name, ours, official in _both(pair, f"*_{suffix}.fits"):
            a, b = (model.to_flat_dict(include_arrays=False) for model in (ours, official))
            keys = [key for key in sorted(a.keys() | b.keys()) if not key.startswith(own)]
            if suffix == "outlier_i2d":  # there exposures are counted from the first product on
                assert a["meta.resample.pointings"] == 1 <= b["meta.resample.pointings"]
                keys.remove("meta.resample.pointings")
            different = {key: (a.get(key), b.get(key)) for key in keys
                         if a.get(key) != pytest.approx(b.get(key), rel=1e-8, abs=1e-12)}
            assert not different, name


def test_a_window_of_two_integrations(inputs, official, tmp_path):
    """There every integration gets the median of the last two."""
    OutlierDetectionStep.call(str(inputs / "series_calints.fits"), output_dir=str(tmp_path), **TWO)
    (mine,), (other,) = (list(folder.glob("*_median.fits")) for folder in (tmp_path,
                                                                           official["two"]))
    with (datamodels.open(mine) as ours, datamodels.open(other) as theirs,
          datamodels.open(inputs / "series_calints.fits") as given):
        data = np.where(given.dq & 1, np.nan, given.data).astype(np.float64)
        pairs = (0.5 * (data[:-1] + data[1:])).astype(np.float32)
        np.testing.assert_array_equal(ours.data, pairs[[0, *range(len(pairs))]])
        np.testing.assert_array_equal(theirs.data, np.broadcast_to(pairs[-1], data.shape))
