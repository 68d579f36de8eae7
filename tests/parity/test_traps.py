"""The trap model of persistence, here and in the last official release that had it."""

import os
import subprocess

import numpy as np
import pytest

from jwst_cal import models
from jwst_cal.detector.persistence import PersistenceStep
from tests.parity import setup, traps

REASON = setup.find()[1] or setup.classic()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
    pytest.mark.filterwarnings("ignore"),
]
STEM = "jw00001001001_02101_00001_nrca1"


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    path = tmp_path_factory.mktemp("traps") / "out.npz"
    subprocess.run([str(setup.find()[0]), traps.__file__, str(path)], check=True,
                   capture_output=True,
                   env={**os.environ, "PYTHONPATH": str(setup.classic()[0])})
    return np.load(path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def ours(name):
    """Our results of the two exposures in a row, each with its input."""
    found, ramps = traps.make(name)
    overrides = {f"override_{reftype}": model for reftype, model in found.items()}
    previous = None
    for ramp in ramps:
        given = np.array(ramp.data)
        step = PersistenceStep(flag_pers_cutoff=traps.CUTOFF, save_persistence=True,
                               input_trapsfilled=previous, **overrides)
        result = step.run(ramp)
        previous = f"{STEM}_trapsfilled.fits"
        with models.open(previous) as filled, models.open(f"{STEM}_output_pers.fits") as released:
            yield given, traps.arrays(result, filled, released)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", traps.CASES)
def test_every_bit_is_the_same(official, name):
    """But for the rounding of traps outside of a subarray, which there empty group by group."""
    for k, (given, arrays) in enumerate(ours(name)):
        np.testing.assert_array_equal(given, official[f"{name}/{k}/input"])
        theirs = {key: official[f"{name}/{k}/{key}"] for key in arrays}
        if name == "whole, then a subarray":
            np.testing.assert_allclose(arrays["filled"], theirs["filled"], rtol=1e-6)
            window = np.s_[:, 8:48, 14:64] if k else np.s_[:]
            arrays["filled"] = arrays["filled"][window]
            theirs["filled"] = theirs["filled"][window]
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, theirs[key], err_msg=f"{key} of exposure {k}")
    assert arrays["released"].max() > traps.CUTOFF
    assert arrays["pixeldq"].any()


@pytest.mark.usefixtures("here")
def test_a_group_without_a_value_costs_the_pixel_nothing_more(official):
    """There its traps are NaN from then on, the pixel later, and no pixel at all is flagged."""
    (_, first), (_, second) = ours("nan")
    theirs = [{key: official[f"nan/{k}/{key}"] for key in first} for k in (0, 1)]
    assert np.argwhere(np.isnan(first["data"])).tolist() == [[0, 2, 3, 4]]
    assert np.isnan(theirs[0]["data"][1, :, 3, 4]).all()
    assert np.isnan(theirs[0]["filled"][:, 3, 4]).all()
    assert np.isfinite(first["filled"]).all()
    assert np.count_nonzero(~np.isfinite(second["data"])) == 1
    assert not np.array_equal(first["pixeldq"], theirs[0]["pixeldq"])
    assert set(zip(*np.nonzero(theirs[0]["pixeldq"]), strict=True)) < set(
        zip(*np.nonzero(first["pixeldq"]), strict=True))
    same = np.ones((40, 50), bool)
    same[3, 4] = False
    for ours_, there in zip((first, second), theirs, strict=True):
        for key in ("data", "filled", "released"):
            np.testing.assert_array_equal(ours_[key][..., same], there[key][..., same])


@pytest.mark.usefixtures("here")
def test_a_chain_of_subarrays_stays_in_its_place(official):
    """There the second takes the traps of the detector's corner: the frame was given up."""
    (_, first), (_, second) = ours("subarray of a chain")
    name = "subarray of a chain"
    np.testing.assert_array_equal(first["filled"], official[f"{name}/0/filled"])
    window = np.s_[:, 8:48, 14:64]
    here, there = second["released"][0, 0], official[f"{name}/1/released"][0, 0]
    full = first["filled"][window].sum(axis=0) > 300
    assert full.any()
    assert (here[full] > 0).all()
    corner = np.abs(official[f"{name}/0/filled"][:, :40, :50]).sum(axis=0) == 0
    assert (there[corner] == 0).all()
    assert (corner & full).any()


@pytest.mark.usefixtures("here")
def test_references_that_are_odd_but_usable(official):
    """There a limit of 0 fills all traps, a rate of 0 is noise, a positive one empties."""
    (_, first), _ = ours("odd references")
    there = official["odd references/0/filled"]
    assert (first["filled"][:, 3, 4] == 0).all()
    assert there[0, 3, 4] > 0
    noise = np.abs(there[0] - first["filled"][0]) > 0.5 * np.abs(first["filled"][0])
    assert np.count_nonzero(noise) > 1000
    assert np.count_nonzero(there[1] < 0.9 * first["filled"][1]) > 20
    assert np.median(np.abs(there[2] - first["filled"][2])) == 0


@pytest.mark.usefixtures("here")
def test_resets_that_are_not_told(official):
    """There the step fails."""
    assert "NoneType" in str(official["no resets/error"])
    (_, first), _ = ours("no resets")
    assert np.isfinite(first["filled"]).all()
