"""Blotted images and outliers: beside numpy, edges, threads, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.kernels import blot as compiled
from tests.twins import blot as twin

both = pytest.mark.parametrize("kernel", [compiled, twin], ids=["kernel", "twin"])
sides = st.integers(1, 40)


def draw(rng, shape, share=0.05):
    image = rng.normal(size=shape).astype(np.float32)
    image[rng.random(shape) < share] = rng.choice([np.nan, 1e30, np.inf, 0, 50])
    return image


@given(sides, sides, sides, sides, st.integers(0, 999))
def test_kernel_and_twin_agree(n_rows, n_cols, rows, cols, seed):
    rng = np.random.default_rng(seed)
    image = draw(rng, (n_rows, n_cols))
    x, y = (rng.uniform(-2, n + 2, (rows, cols)) for n in (n_cols, n_rows))
    whole = rng.random((rows, cols)) < 0.2
    x[whole], y[whole] = np.rint(x[whole]), np.rint(y[whole])
    x[rng.random(x.shape) < 0.05] = np.nan
    assert_array_equal(compiled.blot(image, x, y), twin.blot(image, x, y))


@given(sides, sides, st.floats(0, 5), st.floats(0, 2), st.floats(-1, 1), st.integers(0, 999))
def test_outliers_of_kernel_and_twin_agree(n_rows, n_cols, snr, scale, level, seed):
    rng = np.random.default_rng(seed)
    data, err, blotted = (draw(rng, (n_rows, n_cols)) for _ in range(3))
    options = {"snr": (snr + 1, snr), "scale": (scale, scale / 2), "level": level}
    assert_array_equal(compiled.outliers(data, np.abs(err), blotted, **options),
                       twin.outliers(data, np.abs(err), blotted, **options))


@both
def test_values_between_pixels_and_at_the_edges(kernel):
    image = np.array([[1, 2, 3], [5, 6, 7]], np.float32)
    x = np.array([[0, 0.5, 0.25, 2.0, 2.9, 1.5, 2.9, 3.0, -0.1]])
    y = np.array([[0, 0.0, 0.50, 0.5, 0.5, 1.9, 1.5, 0.0, 0.0]])
    assert_allclose(kernel.blot(image, x, y),
                    [[1, 1.5, 3.25, 5, 5, 6.5, 7, np.nan, np.nan]])


@both
def test_an_outlier_takes_its_fainter_neighbours_along(kernel):
    data, blotted = np.zeros((7, 7), np.float32), np.zeros((7, 7), np.float32)
    err = np.ones_like(data)
    data[3, 3], data[3, 4], data[5, 5], data[0, 0] = 6, -4.5, 4.5, 5.5
    options = {"snr": (5, 4), "scale": (1.2, 0.7)}
    found = kernel.outliers(data, err, blotted, **options)
    assert_array_equal(np.argwhere(found), [(0, 0), (3, 3), (3, 4)])
    blotted[2, 3] = 2  # a slope of 2 raises the limits by 2.4 and 1.4
    assert_array_equal(np.argwhere(kernel.outliers(data, err, blotted, **options)), [(0, 0)])
    blotted[2, 3], data[3, 3], err[0, 0] = 0, np.nan, np.nan
    assert_array_equal(np.argwhere(kernel.outliers(data, err, blotted, level=0.4, **options)),
                       [(0, 0)])


def test_bytes_do_not_depend_on_threads():
    rng = np.random.default_rng(3)
    data, err, blotted = (draw(rng, (301, 257)) for _ in range(3))
    x, y = rng.uniform(-2, 300, (2, 301, 257))
    results = [(compiled.blot(data, x, y, n_threads=n).tobytes(),
                compiled.outliers(data, err, blotted, snr=(2, 1), scale=(1, 0.5),
                                  n_threads=n).tobytes()) for n in (1, 2, 7)]
    assert results[0] == results[1] == results[2]


def test_refusals():
    image, places = np.ones((3, 4), np.float32), np.ones((2, 2))
    with pytest.raises(ValueError, match=r"y: shape \(1, 2\)"):
        compiled.blot(image, places, places[:1])
    with pytest.raises(ValueError, match="empty"):
        compiled.blot(image[:0], places, places)
    with pytest.raises(ValueError, match="err: shape"):
        compiled.outliers(image, image[:2], image, snr=(1, 1), scale=(1, 1))
    with pytest.raises(TypeError):
        compiled.blot(image.astype(complex), places, places)
