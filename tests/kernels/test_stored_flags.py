"""Flags of reference files, kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from twins.stored_flags import stored_flags as twin

from jwst_cal.kernels.stored_flags import stored_flags

BOTH = pytest.mark.parametrize("convert", [stored_flags, twin])
SAME = np.uint32(1) << np.arange(32, dtype=np.uint32)


def as_stored(flags):
    return (np.asarray(flags).astype(np.int64) - (1 << 31)).astype(">i4")


@BOTH
def test_bits_that_mean_themselves(convert):
    flags = np.array([[0, 1, 2**31, 2**32 - 1, 0x12345678, 4]])
    out = convert(as_stored(flags), SAME)
    assert out.dtype == np.uint32
    np.testing.assert_array_equal(out, flags)


@BOTH
def test_bits_are_translated_and_unknown_ones_dropped(convert):
    meaning = np.zeros(32, np.uint32)
    meaning[[0, 3, 31]] = 1, 1 | 1 << 20, 1 << 31
    flags = np.zeros(40, np.int64)
    flags[[0, 17, 18, 39]] = 1, 8, 2, 2**31 | 8 | 4
    out = convert(as_stored(flags), meaning)
    expected = np.zeros(40, np.uint32)
    expected[[0, 17, 39]] = 1, 1 | 1 << 20, 1 << 31 | 1 << 20 | 1
    np.testing.assert_array_equal(out, expected)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_kernel_is_its_twin(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=23))
    words = data.draw(hnp.arrays(np.int32, shape, elements=st.sampled_from(
        [-2**31, -2**31, -2**31 + 1, -1, 0, 5, 2**31 - 1]))).astype(">i4")
    meaning = data.draw(hnp.arrays(np.uint32, 32))
    np.testing.assert_array_equal(stored_flags(words, meaning), twin(words, meaning))


@BOTH
def test_read_only_and_strided_input(convert):
    words = np.broadcast_to(as_stored(np.arange(300)[::3]), (2, 100))
    np.testing.assert_array_equal(convert(words, SAME)[1], np.arange(300)[::3])


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    rng = np.random.default_rng(1)
    words = as_stored(rng.integers(0, 2**32, 200_001) * (rng.random(200_001) < 0.05))
    meaning = rng.permutation(SAME)
    assert stored_flags(words, meaning, n_threads=n_threads).tobytes() == (
        twin(words, meaning).tobytes())


@BOTH
@pytest.mark.parametrize("dtype", [">i2", "<i4", ">u4", ">f4"])
def test_another_dtype_is_refused(convert, dtype):
    with pytest.raises(TypeError, match="where >i4 is needed"):
        convert(np.zeros(4, dtype), SAME)


@BOTH
def test_nothing_is_refused(convert):
    with pytest.raises(ValueError, match="empty"):
        convert(np.zeros((0, 3), ">i4"), SAME)


@BOTH
def test_another_number_of_meanings_is_refused(convert):
    with pytest.raises(ValueError, match="meaning: shape"):
        convert(np.zeros(3, ">i4"), SAME[:31])
