"""Subarrays read in several stripes through each step, here and in the official package."""

import json
import subprocess

import numpy as np
import pytest

from jwst_cal import registry
from jwst_cal.framework.stripes import layout
from tests.parity import setup, stripes

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    path = tmp_path_factory.mktemp("stripes") / "out.npz"
    subprocess.run([str(setup.find()[0]), stripes.__file__, str(path)], check=True,
                   capture_output=True)
    with np.load(path) as file:
        yield file


def ours(name):
    step, model, parameters = stripes.make(name)
    before = np.array(model.data)
    result = stripes.last(registry.load(step)(**parameters).run(model))
    return before, stripes.results(result)


def expected(official, name):
    return {key.removeprefix(f"{name}/"): official[key] for key in official.files
            if key.startswith(f"{name}/")}


@pytest.mark.parametrize("name", stripes.CASES)
def test_every_bit_is_the_same(official, name):
    before, found = ours(name)
    wanted = expected(official, name)
    np.testing.assert_array_equal(before, wanted.pop("input"))
    assert found.keys() == wanted.keys()
    assert json.loads(str(found.pop("meta"))) == json.loads(str(wanted.pop("meta")))
    if name == "ramp_fit, read times":  # by likelihood: within rounding
        same = found.pop("dq") == wanted.pop("dq")
        assert same.mean() > 0.999  # faint: docs/differences.rst
        for key, array in found.items():
            np.testing.assert_allclose(array[same], wanted[key][same], rtol=1e-5, err_msg=key)
        return
    for key, array in found.items():
        np.testing.assert_array_equal(array, wanted[key], err_msg=key)


def test_rows_of_any_keywords_are_the_same(official):
    for k, model in enumerate(stripes.layouts()):
        subarray = model.meta.subarray.instance
        np.testing.assert_array_equal(layout(model).position, official[f"layout {k}"],
                                      err_msg=str(subarray))
    assert k == 199


def test_flags_of_reference_pixels_are_those_of_their_own_superstripe(official):
    """There those of the first superstripe count in all."""
    name = "refpix, flags of each stripe"
    _, found = ours(name)
    wanted = expected(official, name)
    rows = slice(14, 134)  # of the first superstripe, after its reference rows and those skipped
    axis_rows = found["data"].shape[2]
    first = slice(0, 120)
    assert rows.stop < axis_rows
    np.testing.assert_array_equal(found["data"][:, :, first], wanted["data"][:, :, first])
    assert (found["data"][:, :, 120:] != wanted["data"][:, :, 120:]).mean() > 0.9


def test_zeroframe_of_repeated_stripes_is_the_first(official):
    """There it is the last one's."""
    name = "refpix, zeroframe of repeats"
    _, model, _ = stripes.make(name)
    _, found = ours(name)
    wanted = expected(official, name)
    np.testing.assert_array_equal(found["data"], wanted["data"])
    assert (found["zeroframe"] != wanted["zeroframe"]).mean() > 0.9
    rows = slice(1, None, 2)  # one reference row, one row of the stripe, four times; from the end
    raw = model.zeroframe[:64, ::-1][:, rows]
    offset = found["zeroframe"][0, ::-1] - raw[:, 0]
    assert np.median(np.abs(offset - np.median(offset, axis=1, keepdims=True))) < 40
