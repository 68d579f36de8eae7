"""Sky matching beside the official step: methods, statistics, limits, detectors of one exposure."""

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.associations import io
from jwst_cal.background.skymatch import SkyMatchStep
from tests import images
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

CASES = {
    "default": {},
    "up": {"match_down": False, "skystat": "mean", "nclip": 2, "lsigma": 2.5, "usigma": 3.0},
    "median": {"skystat": "median", "stepsize": 20, "subtract": True},
    "local": {"skymethod": "local", "skystat": "midpt", "binwidth": 0.05},
    "global": {"skymethod": "global", "dqbits": "~DO_NOT_USE", "nclip": 0, "subtract": True},
    "both": {"skymethod": "global+match", "skystat": "mode", "subtract": True},
    "limits": {"skymethod": "global+match", "skystat": "mode", "lower": 1.8, "upper": 2.9},
    "all-bits": {"skymethod": "local", "dqbits": "None", "upper": 60.0},
    "user": {"skymethod": "user", "subtract": True},
}
FLAT = {"skymethod": "local", "skystat": "midpt"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Five images, two of them of one exposure and one far away, and their association."""
    folder = tmp_path_factory.mktemp("images")
    paths = images.references("NIRCAM", folder)
    names = []
    for number, (dx, dy, roll) in enumerate(
            [(0, 0, 0), (2.5, 0, 0), (1.2, 0.5, 2), (-0.7, 1.0, -3), (90, 0, 0)], 1):
        image = images.placed(paths, number, dx, dy, roll, level=2 + 0.1 * number)
        bright = images.image(seed=number)
        image.data += bright.data
        image.dq |= bright.dq
        image.dq[:7] |= 512
        image.data[bright.dq == 4] += 3
        if number == 2:
            image.meta.observation.exposure_number = "00001"
        image.save(folder / image.meta.filename)
        names.append(image.meta.filename)
    image.data[:] = 5
    image.dq[:] = 0
    image.save(folder / "flat_cal.fits")
    for table, members in (("asn", names), ("flat", ["flat_cal.fits"])):
        io.write({"asn_type": "image3", "asn_rule": "test", "asn_pool": "none", "asn_id": "a3001",
                  "program": "00001", "version_id": None, "degraded_status": "none",
                  "constraints": "none", "asn_rule_version": "1",
                  "products": [{"name": "mosaic", "members": [
                      {"expname": name, "exptype": "science"} for name in members]}]},
                 folder / f"{table}.json")
    (folder / "sky.txt").write_text("".join(
        f"{name} {number / 8}\n" for number, name in enumerate(names)))
    return folder


def _parameters(name, folder):
    return {**CASES[name], **({"skylist": str(folder / "sky.txt")} if name == "user" else {})}


@pytest.fixture(scope="module")
def official(inputs, tmp_path_factory):
    targets = {name: tmp_path_factory.mktemp(f"official-{name}") for name in [*CASES, "flat"]}
    oracle.run_steps(tmp_path_factory.mktemp("official"), [
        ("jwst.skymatch.SkyMatchStep", [inputs / "asn.json"], targets[name],
         _parameters(name, inputs)) for name in CASES] + [
        ("jwst.skymatch.SkyMatchStep", [inputs / "flat.json"], targets["flat"], FLAT)])
    return targets


@pytest.mark.parametrize("name", CASES)
def test_levels_and_images_agree(name, inputs, official, tmp_path):
    SkyMatchStep.call(str(inputs / "asn.json"), save_results=True, output_dir=str(tmp_path),
                      **_parameters(name, inputs))
    theirs, ours = (sorted(folder.glob("*.fits")) for folder in (official[name], tmp_path))
    assert [path.name for path in ours] == [path.name for path in theirs]
    assert len(ours) == 5
    for mine, other in zip(ours, theirs, strict=True):
        with datamodels.open(mine) as a, datamodels.open(other) as b:
            assert a.meta.cal_step.skymatch == b.meta.cal_step.skymatch
            assert a.meta.background.method == b.meta.background.method
            assert a.meta.background.subtracted == b.meta.background.subtracted
            level, expected = a.meta.background.level, b.meta.background.level
            assert (level is None) == (expected is None)
            if level is not None:
                # corners of outlines lie between two pixels: rounding takes in one more or less
                assert level == pytest.approx(expected, rel=1e-4 if "stepsize" in CASES[name]
                                              else 1e-5, abs=1e-6)
            np.testing.assert_allclose(a.data, b.data, rtol=0, atol=6e-5)
            np.testing.assert_array_equal(a.dq, b.dq)


def test_constant_values_have_their_value_not_their_number(inputs, official):
    (path,) = official["flat"].glob("*.fits")
    with datamodels.open(path) as theirs:
        assert theirs.meta.background.level in (0, theirs.data.size)
    result = SkyMatchStep.call(str(inputs / "flat.json"), **FLAT)
    with result:
        image = result.borrow(0)
        assert image.meta.background.level == 5
        result.shelve(image)
