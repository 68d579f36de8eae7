"""Resampling beside the official step: kernels, weights, frames, several images, headers."""

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.associations import io
from jwst_cal.coadd.resample import ResampleStep
from jwst_cal.pipelines.image2 import Image2Pipeline
from tests import images
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

#: Number of images and parameters. ``output_shape`` keeps some of the output free of edges.
CASES = {
    "one": (1, {}),
    "three": (3, {}),
    "small-pixels": (2, {"pixel_scale_ratio": 0.6, "pixfrac": 0.7, "weight_type": "exptime"}),
    "large-pixels": (3, {"pixel_scale": 0.08, "rotation": 20.0, "report_var": False}),
    "frame": (2, {"crpix": [60.0, 55.0], "crval": [80.0988, -69.4006], "rotation": 0.0,
                  "output_shape": [150, 140], "fillval": "-1.5"}),
    "gaussian": (2, {"kernel": "gaussian", "pixfrac": 0.9}),
    "point": (2, {"kernel": "point", "enable_ctx": False}),
    "turbo": (2, {"kernel": "turbo", "pixel_scale_ratio": 1.3, "propagate_dq": True}),
    "lanczos2": (1, {"kernel": "lanczos2"}),
    "lanczos3": (2, {"kernel": "lanczos3", "enable_err": False}),
    "splines": (2, {"pixmap_stepsize": 8.0, "pixmap_order": 3}),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Three calibrated images with pointings of their own, and an association of each number."""
    folder = tmp_path_factory.mktemp("images")
    paths = images.references("NIRCAM", folder)
    steps = images.overrides(Image2Pipeline, paths, {"resample": {"skip": True}})
    names = []
    for number, (dx, dy, roll) in enumerate([(0, 0, 0), (0.35, 0.21, 1.5), (-0.4, 0.5, -2)], 1):
        rate = images.image(seed=number)
        info = rate.meta.wcsinfo
        info.ra_ref += dx / 3600 / np.cos(np.deg2rad(info.dec_ref))
        info.dec_ref += dy / 3600
        info.roll_ref += roll
        rate.meta.observation.exposure_number = f"{number:05d}"
        rate.meta.exposure.start_time += number
        rate.meta.exposure.end_time += number
        (cal,) = Image2Pipeline.call(rate, steps=steps)
        cal.meta.background.level = 0.1 * number
        cal.meta.background.subtracted = number == 2
        cal.dq[3 * number, 5] |= 4
        cal.save(folder / cal.meta.filename)
        names.append(cal.meta.filename)
    for count in (2, 3):
        members = [{"expname": name, "exptype": "science"} for name in names[:count]]
        io.write({"asn_type": "image3", "asn_rule": "test", "asn_pool": "none", "asn_id": "a3001",
                  "program": "00001", "version_id": None, "degraded_status": "none",
                  "constraints": "none", "asn_rule_version": "1",
                  "products": [{"name": "mosaic", "members": members}]}, folder / f"{count}.json")
    return folder, {1: names[0], 2: "2.json", 3: "3.json"}


@pytest.fixture(scope="module")
def official(inputs, tmp_path_factory):
    """Folders of the official products."""
    folder, names = inputs
    targets = {name: tmp_path_factory.mktemp(f"official-{name}") for name in CASES}
    oracle.run_steps(tmp_path_factory.mktemp("official"), [
        ("jwst.resample.ResampleStep", [folder / names[count]], targets[name], parameters)
        for name, (count, parameters) in CASES.items()])
    return targets


@pytest.fixture(scope="module", params=CASES)
def products(request, inputs, official, tmp_path_factory):
    """Our result, read back, and the official one."""
    count, parameters = CASES[request.param]
    folder, names = inputs
    ours = tmp_path_factory.mktemp("ours")
    ResampleStep.call(str(folder / names[count]), save_results=True, output_dir=str(ours),
                      **parameters)
    (other,) = official[request.param].glob("*resamplestep.fits")
    (mine,) = ours.glob("*.fits")
    assert mine.name == other.name
    with datamodels.open(mine) as a, datamodels.open(other) as b:
        yield request.param, a, b


def _inner(official):
    """Pixels away from the edges of the output, where the official drizzle loses parts."""
    inner = np.zeros(official.wht.shape, bool)
    inner[4:-4, 4:-4] = True
    return inner


def test_arrays_agree(products):
    name, ours, official = products
    inner = _inner(official)
    for array in ("wht", "data", "err", "var_poisson", "var_rnoise", "var_flat"):
        a, b = getattr(ours, array, None), getattr(official, array, None)
        assert (a is None) == (b is None), array
        if a is None:
            continue
        assert a.shape == b.shape
        np.testing.assert_array_equal(np.isnan(a)[inner], np.isnan(b)[inner], err_msg=array)
        # values from weights that nearly cancel (lanczos) or nearly vanish are not compared
        solid = inner & (np.abs(official.wht) > 1e-3 * np.nanmax(official.wht))
        solid &= np.isfinite(b)
        # of small images the official mean pixel area, by which errors are scaled, is off by 1e-4
        # lanczos kernels are tables: a place that differs in the last digit may be in the next row
        rtol = 1e-3 if name.startswith("lanczos") else 1e-5
        if name == "large-pixels" and array not in ("data", "wht"):
            rtol = 1e-4
        np.testing.assert_allclose(a[solid], b[solid], rtol=rtol,
                                   atol=1e-6 * np.abs(b[solid]).max(), err_msg=array)


def test_context_and_flags_agree(products):
    _, ours, official = products
    inner = _inner(official)
    assert (ours.con is None) == (official.con is None)
    if official.con is not None:
        assert ours.con.shape == official.con.shape
        # an overlap of less than 1e-12 of a pixel counts on one side only
        assert np.count_nonzero(ours.con[:, inner] != official.con[:, inner]) <= 2
    if official.hasattr("dq"):
        assert np.count_nonzero(ours.dq[inner] != official.dq[inner]) <= 2


def test_coordinates_agree(products):
    _, ours, official = products
    y, x = np.mgrid[0:100:9, 0:100:9]
    np.testing.assert_allclose(ours.meta.wcs(x, y), official.meta.wcs(x, y), rtol=0, atol=1e-11)
    assert ours.meta.wcs.bounding_box == official.meta.wcs.bounding_box


def test_headers_agree(products):
    name, ours, official = products
    a, b = ours.to_flat_dict(include_arrays=False), official.to_flat_dict(include_arrays=False)
    own = ("meta.date", "meta.calibration_software", "meta.ref_file", "meta.provenance",
           "meta.cal_logs", "cal_logs", "meta.wcs.", "meta.model_type", "meta.prd",
           "_fits_hash", "extra_fits", "history", "asdf", "hdrtab", "meta.wcsinfo.s_region")
    different = {}
    for key in sorted(a.keys() | b.keys()):
        mine, other = a.get(key), b.get(key)
        if key == "meta.wcs":
            continue
        close = isinstance(mine, float) and mine == pytest.approx(
            other, rel=1e-4 if name == "large-pixels" else 1e-8, abs=1e-12)
        if not (key.startswith(own) or mine == other or close):
            different[key] = (mine, other)
    assert not different
    outline, theirs = (np.array([word for word in model.meta.wcsinfo.s_region.split()
                                 if word[-1].isdigit()], float) for model in (ours, official))
    np.testing.assert_allclose(outline, theirs, rtol=0, atol=3e-9)


def test_tables_of_headers_agree(products):
    _, ours, official = products
    assert ours.hasattr("hdrtab") == official.hasattr("hdrtab")
    if official.hasattr("hdrtab"):
        assert ours.hdrtab.dtype.names == official.hdrtab.dtype.names
        for column in official.hdrtab.dtype.names:
            if column not in ("CAL_VER", "CAL_VCS", "CRDS_VER", "CRDS_CTX"):
                np.testing.assert_array_equal(ours.hdrtab[column], official.hdrtab[column])
