"""Moments and histograms of a range: beside numpy, threads, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.kernels import sky as compiled
from tests.twins import sky as twin

both = pytest.mark.parametrize("kernel", [compiled, twin], ids=["kernel", "twin"])


def draw(n, seed, level=10.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(level, 1, n).astype(np.float32)
    values[rng.random(n) < 0.05] = np.nan
    values[rng.random(n) < 0.02] = rng.choice([1e30, -1e30, np.inf, -np.inf, 0])
    return values


@given(st.integers(1, 40000), st.integers(0, 999), st.floats(0, 20), st.floats(0, 20),
       st.sampled_from([0.0, 10.0, 1e4]))
def test_kernel_and_twin_agree(n, seed, low, high, about):
    values = draw(n, seed)
    ours = compiled.range_moments(values, low, high, about=about)
    other = twin.range_moments(values, low, high)
    assert ours[0] == other[0]
    assert ours[3:] == other[3:] or ours[0] == 0
    assert_allclose(ours[1:3], other[1:3], rtol=1e-12, atol=1e-12)
    bins = [seed % 7 + 1, 300][seed % 2]
    args = (values, low, high, 0.7 + seed, bins)
    assert_array_equal(compiled.histogram(*args), twin.histogram(*args))


@both
def test_known_values(kernel):
    values = np.array([1, 2, np.nan, 3, 9, -5], np.float32)
    assert_allclose(kernel.range_moments(values, 1, 3), (3, 2, 1, 1, 3))
    assert kernel.range_moments(values, 4, 5)[0] == 0
    assert np.isnan(kernel.range_moments(values, 4, 5)[1:]).all()
    count, mean, std, *_ = kernel.range_moments(values, 9, 9)
    assert (count, mean, np.isnan(std)) == (1, 9, True)
    assert_array_equal(kernel.histogram(values, 1, 9, 0.5, 3), [2, 1, 0])
    assert_array_equal(kernel.histogram(values, 1, 100, 0.5, 3), [2, 1, 0])


@pytest.mark.parametrize("about", [0.0, 1e9, -3e20])
def test_a_far_guess_costs_no_accuracy(about):
    values = np.random.default_rng(1).normal(5e3, 0.01, 100000).astype(np.float32)
    _, mean, std, *_ = compiled.range_moments(values, -1e6, 1e6, about=about)
    assert_allclose((mean, std), (values.mean(dtype=float), values.std(ddof=1, dtype=float)),
                    rtol=1e-9)


def test_bytes_do_not_depend_on_threads():
    values = draw(300001, 5)
    moments = [compiled.range_moments(values, 5, 15, about=9, n_threads=n) for n in (1, 2, 7)]
    assert moments[0] == moments[1] == moments[2]
    counts = [compiled.histogram(values, 5, 15, 9.7, 97, n_threads=n).tobytes() for n in (1, 2, 7)]
    assert counts[0] == counts[1] == counts[2]


def test_refusals():
    values = np.ones(3, np.float32)
    with pytest.raises(ValueError, match="empty"):
        compiled.range_moments(values[:0], 0, 1)
    with pytest.raises(ValueError, match="range"):
        compiled.range_moments(values, 0, 1, about=np.nan)
    with pytest.raises(ValueError, match="range"):
        compiled.histogram(values, 0, 1, 1.0, 0)
    with pytest.raises(ValueError, match="range"):
        compiled.histogram(values, 0, 1, np.inf, 3)
    with pytest.raises(TypeError):
        compiled.range_moments(np.array(["a"]), 0, 1)


def region(seed, n_rows, n_cols, n):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(n_rows, n_cols)).astype(np.float32)
    for value in (np.nan, np.inf, -np.inf):
        image[rng.random(image.shape) < 0.05] = value
    start = rng.integers(0, n_cols, n)
    return image, {
        "spans": np.stack([rng.integers(0, n_rows, n), start, rng.integers(start, n_cols) + 1], -1),
        "flags": rng.integers(0, 8, image.shape, dtype=np.uint32), "bits": 5}


@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 70), st.integers(0, 20), st.booleans())
def test_pixels_that_are_taken(seed, n_rows, n_cols, n, flagged):
    image, about = region(seed, n_rows, n_cols, n)
    if not flagged:
        del about["flags"]
    assert_array_equal(compiled.take(image, **about), twin.take(image, **about))


@pytest.mark.parametrize("kernel", [compiled, twin], ids=["kernel", "twin"])
def test_known_pixels(kernel):
    image = np.float32([[1, np.inf, 3], [4, 5, 6]])
    flags, spans = np.uint32([[0, 0, 2], [1, 0, 3]]), np.array([[1, 0, 3], [0, 1, 3]])
    assert_array_equal(kernel.take(image, spans, flags=flags, bits=1),
                       np.float32([np.nan, 5, np.nan, np.nan, 3]))


def test_bytes_of_pixels_do_not_depend_on_threads():
    image, about = region(5, 60, 80, 50)
    one, two, seven = (compiled.take(image, n_threads=n, **about).tobytes() for n in (1, 2, 7))
    assert one == two == seven


@pytest.mark.parametrize("span", [(3, 0, 1), (-1, 0, 1), (0, 2, 2), (0, 0, 5), (0, -1, 2)])
def test_spans_that_are_refused(span):
    with pytest.raises(ValueError, match="argument"):
        compiled.take(np.ones((3, 4), np.float32), np.array([span]))
    with pytest.raises(ValueError, match="flags: shape"):
        compiled.take(np.ones((3, 4), np.float32), np.array([[0, 0, 1]]),
                      flags=np.zeros((4, 3), np.uint32))
