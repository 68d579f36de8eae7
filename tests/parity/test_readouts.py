"""Random exposures of every readout through one detector step, here and in the official package."""

import subprocess

import numpy as np
import pytest

from jwst_cal import registry
from tests.parity import readouts, setup

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    path = tmp_path_factory.mktemp("readouts") / "out.npz"
    subprocess.run([str(setup.find()[0]), readouts.__file__, str(path)], check=True,
                   capture_output=True)
    return np.load(path)


@pytest.mark.parametrize("name", readouts.CASES)
def test_every_bit_is_the_same(official, name):
    step, ramp, parameters = readouts.make(name)
    np.testing.assert_array_equal(ramp.data, official[f"{name}/input"])
    before = readouts.arrays(ramp.copy())
    result = readouts.arrays(registry.load(step)(**parameters).run(ramp))
    for key, array in result.items():
        np.testing.assert_array_equal(array, official[f"{name}/{key}"], err_msg=key)
    assert any(np.any(array != before[key]) for key, array in result.items())


def test_one_reference_pixel_without_a_value_costs_half_an_amplifier_there(official):
    _, ramp, parameters = readouts.make("one nan")
    ours = registry.load("refpix")(**parameters).run(ramp).data
    theirs = official["one nan/data"]
    assert np.argwhere(np.isnan(ours)).tolist() == [[0, 1, 2, 700]]
    assert np.isnan(theirs[0, 1, :, 512:1024:2]).all()
    assert np.count_nonzero(np.isnan(theirs)) == 2048 * 256
    same = ~np.isnan(theirs)
    np.testing.assert_array_equal(ours[same], theirs[same])
