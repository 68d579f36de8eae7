"""The flat field of random exposures, here and in the official package, bit by bit."""

import subprocess

import numpy as np
import pytest

from jwst_cal import registry
from tests.parity import flats, setup

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    path = tmp_path_factory.mktemp("flats") / "out.npz"
    subprocess.run([str(setup.find()[0]), flats.__file__, str(path)], check=True,
                   capture_output=True)
    return np.load(path)


@pytest.mark.parametrize("name", flats.CASES)
def test_every_bit_is_the_same(official, name):
    rate, flat, parameters = flats.make(name)
    step = registry.load("flat_field")(**parameters, override_flat=flat, override_fflat="N/A",
                                       override_sflat="N/A", override_dflat="N/A")
    for key, array in flats.arrays(step.run(rate)).items():
        np.testing.assert_array_equal(array, official[f"{name}/{key}"], err_msg=key)


def test_the_flat_is_saved_as_it_was_applied(official, tmp_path):
    """There the whole reference is saved."""
    found = flats.saved_shape(registry.load("flat_field"), tmp_path, "run")
    assert found == (48, 64)
    assert tuple(official["saved"]) == (60, 80)
