"""Photometry of time series beside the official step."""

import numpy as np
import pytest
from astropy.table import QTable

from jwst_cal.photometry import TSOPhotometryStep
from jwst_cal.pipelines import Image2Pipeline
from tests import images
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

CASES = {
    "default": {},
    "large": {"radius": 7.3, "radius_inner": 9.0, "radius_outer": 15.5, "fit_box_width": 13},
    "moving": {"moving_centroid": True},
    "planned": {"centroid_source": False},
    "no-star": {},
    "edge": {"radius": 5.0},
    "weak-lens": {},
    "electrons": {},
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("series")
    paths = images.references("NIRCAM", folder)
    rates = images.time_series(5, 5000 + 100 * np.arange(5), drift=0.3, noise=0.3)
    rng = np.random.default_rng(3)
    (cube,) = Image2Pipeline.call(rates, steps=images.overrides(Image2Pipeline, paths))
    cube.dq[rng.random(cube.dq.shape) < 0.01] |= 1
    cube.data[1, 49, 62] = np.nan
    names = {}
    for case in CASES:
        model = cube.copy()
        if case == "no-star":
            model.dq[:] = 1
        if case == "edge":
            model.meta.wcsinfo.siaf_xref_sci, model.meta.wcsinfo.siaf_yref_sci = 3.0, 2.0
        if case == "weak-lens":
            model.meta.instrument.pupil, model.meta.subarray.name = "WLP8", "SUB64P"
        if case == "electrons":
            model.meta.bunit_data = model.meta.bunit_err = "DN/s"
            model.data *= 100
        names[case] = folder / f"jw00001001001_02101_00001-{case}_nrca1_calints.fits"
        model.save(names[case])
    return names, paths


@pytest.fixture(scope="module")
def official(inputs, tmp_path_factory):
    names, paths = inputs
    folder = tmp_path_factory.mktemp("official")
    oracle.run_steps(folder, [
        ("jwst.tso_photometry.TSOPhotometryStep", [names[case]], folder,
         {**parameters, "save_catalog": True, "save_results": False,
          "override_gain": paths["gain"]})
        for case, parameters in CASES.items()])
    return {case: QTable.read(folder / names[case].name.replace("calints.fits", "phot.ecsv"))
            for case in CASES}


@pytest.mark.parametrize("case", CASES)
def test_same_table(case, inputs, official):
    names, paths = inputs
    ours = TSOPhotometryStep.call(str(names[case]), override_gain=paths["gain"], **CASES[case])
    theirs = official[case]
    assert list(ours.columns) == list(theirs.columns)
    assert ours.meta == dict(theirs.meta)
    for name in theirs.columns:
        assert getattr(ours[name], "unit", None) == getattr(theirs[name], "unit", None), name
        if name.startswith("psf_") and case != "electrons":
            continue
        assert np.allclose(np.asarray(ours[name]), np.asarray(theirs[name]), rtol=1e-5,
                           equal_nan=True), name


def test_only_ours_fits_the_gaussian_in_any_unit(inputs, official):
    names, paths = inputs
    fits = {case: (TSOPhotometryStep.call(str(names[case]), override_gain=paths["gain"]),
                   official[case]) for case in ("default", "electrons")}
    for which, ratio in ((0, 1.0), (1, 1.3)):  # ours, official
        width = [fits[case][which]["psf_width_x"].value for case in fits]
        assert np.allclose(width[0] / width[1], ratio, atol=0.05)
