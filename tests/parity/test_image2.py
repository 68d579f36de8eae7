"""calwebb_image2 beside the official one: every instrument's images, products and headers."""

import re

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.background.bkg_subtract import BackgroundStep
from jwst_cal.pipelines.image2 import Image2Pipeline
from tests import images
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

#: A coefficient of the polynomials in the header: powers of x and y.
SIP_TERM = re.compile(r"meta\.wcsinfo\.[ab]p?_(\d)_(\d)")
SIP_ERRORS = ("meta.wcsinfo.sipmxerr", "meta.wcsinfo.sipiverr")
ARRAYS = ("data", "err", "dq", "var_poisson", "var_rnoise", "var_flat", "area")
#: Name, what :func:`tests.images.image` is given, parameters by step, number of backgrounds.
CASES = {
    "nircam": (("NIRCAM", 1), {}, 0),
    "niriss": (("NIRISS", 2), {"assign_wcs": {"sip_degree": 3, "sip_inv_degree": 3}}, 0),
    "miri": (("MIRI", 3), {}, 0),
    "fgs": (("FGS", 4), {"assign_wcs": {"sip_approx": False}}, 0),
    "miri-no-time": (("MIRI", 5), {"photom": {"apply_time_correction": False}}, 0),
    "nircam-ints": (("NIRCAM", 6, (96, 128), 3), {}, 0),
    "nircam-background": (("NIRCAM", 7), {"bkg_subtract": {"sigma": 2.0}}, 4),
    "nircam-background-ints": (("NIRCAM", 8, (96, 128), 5), {"bkg_subtract": {"maxiters": 1}}, 3),
    "nircam-inverse": (("NIRCAM", 9), {"photom": {"inverse": True},
                                       "flat_field": {"inverse": True}}, 0),
}


def _prepare(folder, name):
    """Write exposure, backgrounds and association; return input, overrides."""
    about, steps, n_backgrounds = CASES[name]
    science = images.image(*about)
    science.save(folder / science.meta.filename)
    paths = images.references(about[0], folder)
    steps = images.overrides(Image2Pipeline, paths, steps)
    given = science.meta.filename
    if n_backgrounds:
        from jwst_cal.associations import io

        members = [{"expname": given, "exptype": "science"}]
        for number in range(n_backgrounds):
            background = images.image(about[0], 100 + number, *about[2:])
            background.save(folder / background.meta.filename)
            members.append({"expname": background.meta.filename, "exptype": "background"})
        given = "asn.json"
        io.write({"asn_type": "image2", "asn_rule": "test", "asn_pool": "none", "asn_id": "a3001",
                  "program": "00001", "version_id": None, "degraded_status": "none",
                  "constraints": "none", "asn_rule_version": "1",
                  "products": [{"name": science.meta.filename.replace("_rate.fits", ""),
                                "members": members}]}, folder / given)
    return given, steps


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """What each case is given, our parameters, and the folder of the official products."""
    cases, runs = {}, []
    for name in CASES:
        folder = tmp_path_factory.mktemp(name)
        given, steps = _prepare(folder, name)
        steps["resample"] = {"skip": True}
        (folder / "official").mkdir()
        cases[name] = (folder, given, steps)
        runs.append(("jwst.pipeline.Image2Pipeline", [given], folder / "official",
                     {"steps": steps}))
        # the official pipeline looks for members in the working directory
        for file in folder.glob("*.*"):
            (folder / "official" / file.name).symlink_to(file)
    oracle.run_steps(tmp_path_factory.mktemp("official"), runs)
    return cases


@pytest.fixture(scope="module", params=CASES)
def products(request, official):
    """Our calibrated model, read back, and the official one."""
    folder, given, steps = official[request.param]
    ours = folder / "ours"
    ours.mkdir()
    Image2Pipeline.call(str(folder / given), steps=steps, save_results=True, output_dir=str(ours))
    (mine,) = ours.glob("*.fits")
    (other,) = (folder / "official").glob("*_cal*.fits")
    assert mine.name == other.name
    with datamodels.open(mine) as a, datamodels.open(other) as b:
        yield request.param, a, b


def test_arrays_agree(products):
    name, ours, official = products
    for array in ARRAYS:
        a, b = getattr(ours, array), getattr(official, array)
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        if "background" in name or name == "miri":
            # the mean is summed in another order; the throughput is computed in float32 there
            size = np.nanmax(np.abs(b)) if array != "dq" else 0
            np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-7 * size)
        else:
            np.testing.assert_array_equal(a, b, err_msg=array)


def test_coordinates_agree_within_a_ten_thousandth_of_a_pixel(products):
    _, ours, official = products
    y, x = np.mgrid[0:96:7, 0:128:7]
    world = official.meta.wcs(x, y)
    np.testing.assert_allclose(ours.meta.wcs(x, y), world, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.meta.wcs.invert(*world), (x, y), atol=1e-4)
    assert ours.meta.wcs.available_frames == official.meta.wcs.available_frames
    assert ours.meta.wcs.bounding_box == official.meta.wcs.bounding_box


def test_headers_agree(products):
    name, ours, official = products
    a, b = ours.to_flat_dict(include_arrays=False), official.to_flat_dict(include_arrays=False)
    own = ("meta.date", "meta.calibration_software", "meta.ref_file.crds", "meta.provenance",
           "meta.cal_logs", "cal_logs", "meta.wcs", "meta.cal_step.resample",
           "meta.model_type", "meta.prd", "_fits_hash", "extra_fits", "history", "asdf")
    different = {}
    rel = 1e-6 if name == "miri" else 1e-9
    for key in sorted(a.keys() | b.keys()):
        if key.startswith(own) and not key.startswith("meta.wcsinfo"):
            continue
        mine, other = a.get(key), b.get(key)
        term = SIP_TERM.fullmatch(key)
        if term and None not in (mine, other):  # both are fits to places of 1e-14 degrees
            assert abs(mine - other) * 128 ** (int(term[1]) + int(term[2])) < 1e-6
            continue
        if key in SIP_ERRORS and None not in (mine, other):
            assert mine == pytest.approx(other, rel=0, abs=1e-6)
            continue
        if mine == other or (isinstance(mine, float)
                             and mine == pytest.approx(other, rel=rel, abs=1e-15)):
            continue
        different[key] = (mine, other)
    assert not different


def test_a_background_of_another_subarray_lands_where_it_belongs(tmp_path):
    """The official package puts the shared part in the corner of the exposure."""
    science = images.image("NIRCAM", 1)
    science.data[:] = 10.0
    background = images.image("NIRCAM", 2, (60, 70))
    background.meta.subarray.xstart, background.meta.subarray.ystart = 121, 71
    background.data[:] = 3.0
    for model in (science, background):
        model.dq[:] = 0
        model.save(tmp_path / model.meta.filename)
    ours = BackgroundStep().run(science, [background]).data
    assert set(np.unique(ours)) == {7.0, 10.0}
    np.testing.assert_array_equal(np.argwhere(ours == 7.0)[0], (20, 20))
    oracle.run_steps(tmp_path, [(
        "jwst.background.BackgroundStep", [tmp_path / science.meta.filename], tmp_path,
        {"output_file": "x", "bkg_list": [str(tmp_path / background.meta.filename)]})])
    with datamodels.open(tmp_path / "x_backgroundstep.fits") as official:
        np.testing.assert_array_equal(np.argwhere(official.data == 7.0)[0], (0, 0))
