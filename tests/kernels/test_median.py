"""Medians through stacks: beside numpy, missing values, windows, threads, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from jwst_cal.kernels import median as compiled
from tests.twins import median as twin

both = pytest.mark.parametrize("kernel", [compiled, twin], ids=["kernel", "twin"])


def draw(n, rows, cols, missing, seed):
    rng = np.random.default_rng(seed)
    stack = rng.choice([rng.normal(size=(n, rows, cols)), np.ones((n, rows, cols))]).astype("f4")
    stack[rng.random(stack.shape) < missing] = np.nan
    stack[rng.random(stack.shape) < 0.02] = rng.choice([np.inf, -np.inf, 3e38, -3e38, 0])
    return stack


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 40),
       st.sampled_from([0, 0.1, 0.5, 1]), st.integers(0, 999))
def test_kernel_and_twin_agree(n, rows, cols, missing, seed):
    stack = draw(n, rows, cols, missing, seed)
    assert_array_equal(compiled.median(stack), twin.median(stack))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 3), st.integers(1, 40),
       st.sampled_from([0, 0.02]), st.integers(0, 999))
def test_rolling_kernel_and_twin_agree(n, width, rows, cols, missing, seed):
    stack = draw(max(n, width), rows, cols, missing, seed)
    assert_array_equal(compiled.rolling_median(stack, width), twin.rolling_median(stack, width))


@both
def test_known_values(kernel):
    stack = np.array([[[1, np.nan, 5, np.nan]], [[4, 2, np.nan, np.nan]], [[3, 8, 7, np.nan]]],
                     np.float32)
    assert_array_equal(kernel.median(stack), [[3, 5, 6, np.nan]])
    series = np.array([5, 1, 9, 3, 2, 7], np.float32)[:, None, None]
    assert_array_equal(kernel.rolling_median(series, 3).ravel(), [5, 5, 3, 3, 3, 3])
    assert_array_equal(kernel.rolling_median(series, 2).ravel(), [3, 3, 5, 6, 2.5, 4.5])
    series[2] = np.nan
    assert_array_equal(kernel.rolling_median(series, 3).ravel(), [np.nan] * 4 + [3, 3])


@pytest.mark.parametrize("n", [1, 2, 601, 3000])
def test_as_numpy_for_any_number_of_images(n):
    stack = draw(n, 2, 9, 0.3, n)
    stack[~(np.abs(stack) < 100)] = np.nan
    stack[0] = 1
    assert_array_equal(compiled.median(stack), np.nanmedian(stack, axis=0))


def test_bytes_do_not_depend_on_threads():
    stack = draw(25, 90, 111, 0.1, 1)
    results = [(compiled.median(stack, n_threads=n).tobytes(),
                compiled.rolling_median(stack, 6, n_threads=n).tobytes()) for n in (1, 2, 7)]
    assert results[0] == results[1] == results[2]


def test_refusals():
    stack = np.ones((3, 2, 2), np.float32)
    for width in (0, 4):
        with pytest.raises(ValueError, match="range"):
            compiled.rolling_median(stack, width)
    with pytest.raises(ValueError, match="needed"):
        compiled.median(stack[0])
    with pytest.raises(ValueError, match="empty"):
        compiled.median(stack[:0])
    with pytest.raises(TypeError):
        compiled.median(np.ones((1, 1, 1), complex))
