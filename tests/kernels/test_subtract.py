"""Subtraction of a reference, kernel and numpy twin through one body."""

import numpy as np
import pytest
from twins.subtract import subtract as twin

from jwst_cal.kernels.subtract import subtract


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def data(rng):
    return rng.normal(1000, 50, (3, 4, 5, 33)).astype(np.float32)


@pytest.mark.parametrize("run", [subtract, twin])
def test_an_image_is_taken_off_every_group(run, data):
    image = np.arange(5 * 33, dtype=np.float32).reshape(5, 33)
    image[2, 3] = np.nan
    wanted = data - np.nan_to_num(image)
    run(data, image)
    np.testing.assert_array_equal(data, wanted)


@pytest.mark.parametrize("run", [subtract, twin])
def test_a_ramp_corrects_the_groups_it_has_by_integration(run, data, rng):
    ramp = rng.normal(0, 10, (2, 3, 5, 33)).astype(np.float32)
    wanted = data.copy()
    for integration, index in enumerate([0, 1, 1]):
        wanted[integration, :3] -= ramp[index]
    run(data, ramp, which=[0, 1, 1])
    np.testing.assert_array_equal(data, wanted)


@pytest.mark.parametrize("run", [subtract, twin])
def test_a_longer_ramp_loses_its_end(run, data, rng):
    ramp = rng.normal(0, 10, (1, 9, 5, 33)).astype(np.float32)
    wanted = data - ramp[:, :4]
    run(data, ramp)
    np.testing.assert_array_equal(data, wanted)


@pytest.mark.parametrize("run", [subtract, twin])
def test_a_missing_value_stays_zero(run, data, rng):
    zeroframe = data[:, :1]
    zeroframe[1, 0, 2, 3] = 0
    images = rng.normal(5, 1, (3, 5, 33)).astype(np.float32)
    zeroframe = np.ascontiguousarray(zeroframe)
    run(zeroframe, images, which=[2, 1, 0], zero_is_bad=True)
    assert zeroframe[1, 0, 2, 3] == 0
    np.testing.assert_array_equal(zeroframe[0, 0], data[0, 0] - images[2])


@pytest.mark.parametrize("zero_is_bad", [False, True])
def test_a_big_endian_reference_is_read_as_it_lies(zero_is_bad, data, rng):
    ramp = rng.normal(5, 1, (2, 4, 5, 33)).astype(np.float32)
    ramp[0, 1, 2, 3] = np.nan
    wanted = data.copy()
    subtract(wanted, ramp, zero_is_bad=zero_is_bad)
    subtract(data, ramp.astype(">f4"), zero_is_bad=zero_is_bad)
    assert data.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads, data, rng):
    images = rng.normal(5, 1, (3, 5, 33)).astype(np.float32)
    wanted = data.copy()
    twin(wanted, images, which=[2, 1, 0])
    subtract(data, images, which=[2, 1, 0], n_threads=n_threads)
    assert data.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    ("reference", "which", "message"),
    [
        (np.zeros((5, 32), np.float32), None, r"reference: shape \(5, 32\)"),
        (np.zeros(33, np.float32), None, r"reference: shape \(33,\)"),
        (np.zeros((1, 1, 1, 5, 33), np.float32), None, "more than four axes"),
        (np.zeros((2, 5, 33), np.float32), [0, 1, 2], "which: 0 to 2 where 0 to 1"),
        (np.zeros((2, 5, 33), np.float32), [0, 1], r"which: shape \(2,\) where \(3\)"),
    ],
    ids=["narrow reference", "row reference", "five axes", "which too large", "which too short"],
)
def test_refuses(reference, which, message, data):
    with pytest.raises(ValueError, match=message):
        subtract(data, reference, which=which)


def test_refuses_read_only_data(data):
    data.flags.writeable = False
    with pytest.raises(ValueError, match="data: read-only"):
        subtract(data, np.zeros((5, 33), np.float32))
