"""Drizzling: overlaps, conservation, every kernel beside its twin, threads, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.kernels import drizzle as compiled
from tests.twins import drizzle as twin

both = pytest.mark.parametrize("drizzle", [compiled.drizzle, twin.drizzle],
                               ids=["kernel", "twin"])


def grid(shape, angle=0.0, scale=1.0, shift=(0.0, 0.0), bend=0.0):
    """Places of a rotated, scaled, shifted, bent image."""
    y, x = np.indices(shape).astype(float)
    a = np.deg2rad(angle)
    return (scale * (np.cos(a) * x - np.sin(a) * y) + shift[0] + bend * x * y,
            scale * (np.sin(a) * x + np.cos(a) * y) + shift[1] + bend * x * x)


def spread(drizzle, x, y, weight, values=None, shape=(30, 32), **options):
    return drizzle(x, y, weight, np.ones_like(weight) if values is None else values, shape,
                   **options)


@both
def test_a_shift_by_half_a_pixel(drizzle):
    data = np.array([[1, 2], [3, 4]], np.float32)
    x, y = grid((2, 2), shift=(1.5, 1.0))
    sums = spread(drizzle, x, y, np.ones((2, 2), np.float32), data + 9, (4, 5), level=9.0,
                  variances=[data**2])
    assert_allclose(sums.weight[1:3, 1:4], [[0.5, 1, 0.5], [0.5, 1, 0.5]])
    assert_allclose(sums.values[1], [0, 0.5, 1.5, 1, 0], atol=1e-12)
    assert_allclose(sums.roots[0], sums.values)
    assert sums.dq is None


@both
@pytest.mark.parametrize("angle", [0, 20, 45, 133])
@pytest.mark.parametrize("pixfrac", [1.0, 0.6])
def test_weight_is_conserved(drizzle, angle, pixfrac):
    rng = np.random.default_rng(1)
    x, y = grid((9, 8), angle, 1.3, (15, 14), 0.002)
    weight = rng.random((9, 8)).astype(np.float32)
    sums = spread(drizzle, x, y, weight, pixfrac=pixfrac)
    assert_allclose(sums.weight.sum(), weight.sum(dtype=float), rtol=1e-12)


@both
def test_a_pixel_of_no_weight_or_no_place_gives_nothing(drizzle):
    x, y = grid((3, 3), shift=(5, 5))
    weight = np.ones((3, 3), np.float32)
    weight[0, 0] = 0
    data = np.ones((3, 3), np.float32)
    data[0, 0] = np.nan
    x[2, 2] = np.nan
    sums = spread(drizzle, x, y, weight, data, kernel="point")
    assert sums.weight.sum() == 7
    assert sums.values.sum() == 7


@pytest.mark.parametrize("kernel", compiled.KERNELS)
@pytest.mark.parametrize(("angle", "scale", "ratio", "pixfrac"), [
    (0, 1, 1.0, 1.0), (30, 1.7, 0.6, 0.8), (75, 0.4, 2.5, 1.0)])
def test_kernel_and_twin_agree(kernel, angle, scale, ratio, pixfrac):
    rng = np.random.default_rng(7)
    x, y = grid((12, 11), angle, scale, (12, 9), 0.004)
    x[4, 5] = np.nan
    weight = rng.random((12, 11)).astype(np.float32)
    values, *variances = (rng.normal(size=(12, 11)).astype(np.float32) for _ in range(3))
    variances[0], variances[1] = np.square(variances[0]), np.abs(variances[1])
    dq = rng.integers(0, 2**31, (12, 11)).astype(np.uint32)
    ours, theirs = (spread(function, x, y, weight, values, variances=variances, level=0.5, dq=dq,
                           rows=(1, 10), kernel=kernel, pixfrac=pixfrac, scale_ratio=ratio,
                           first=(2, 3)) for function in (compiled.drizzle, twin.drizzle))
    assert_allclose(ours.weight, theirs.weight, rtol=1e-9, atol=1e-10)
    assert_allclose(ours.values, theirs.values, rtol=1e-9, atol=1e-10)
    assert_allclose(ours.roots, theirs.roots, rtol=1e-9, atol=1e-10)
    assert np.count_nonzero(ours.dq != theirs.dq) <= 1


@settings(max_examples=30)
@given(st.integers(2, 9), st.integers(2, 9), st.floats(-180, 180), st.floats(0.2, 4),
       st.floats(-20, 40), st.floats(-20, 40), st.floats(0.05, 1), st.integers(0, 99))
def test_any_place(n_rows, n_cols, angle, scale, x0, y0, pixfrac, seed):
    rng = np.random.default_rng(seed)
    x, y = grid((n_rows, n_cols), angle, scale, (x0, y0))
    weight = rng.random((n_rows, n_cols)).astype(np.float32)
    data = rng.normal(size=(n_rows, n_cols)).astype(np.float32)
    ours = spread(compiled.drizzle, x, y, weight, data, pixfrac=pixfrac)
    theirs = spread(twin.drizzle, x, y, weight, data, pixfrac=pixfrac)
    assert_allclose(ours.weight, theirs.weight, atol=1e-7 * max(1, 1 / pixfrac**2))
    assert_allclose(ours.values, theirs.values, atol=4e-7 * max(1, 1 / pixfrac**2))


@pytest.mark.parametrize("kernel", compiled.KERNELS)
def test_bytes_do_not_depend_on_threads(kernel):
    rng = np.random.default_rng(3)
    x, y = grid((40, 50), 33, 0.7, (10, 2), 0.001)
    weight, data = (rng.random((40, 50)).astype(np.float32) for _ in range(2))
    dq = rng.integers(0, 9, weight.shape).astype(np.uint32)
    one, *others = (spread(compiled.drizzle, x, y, weight, data, (60, 61), variances=[data], dq=dq,
                           kernel=kernel, n_threads=n) for n in (1, 2, 7))
    for sums in others:
        for name, array in sums._asdict().items():
            assert_array_equal(array, getattr(one, name))


@pytest.mark.parametrize("pixfrac", [1.0, 0.8])
def test_sums_in_bands_are_the_sums(pixfrac):
    rng = np.random.default_rng(4)
    x, y = grid((20, 20), 12, 1.1, (8, 3))
    weight, data = (rng.random((20, 20)).astype(np.float32) for _ in range(2))
    whole = spread(compiled.drizzle, x, y, weight, data, (40, 40), pixfrac=pixfrac)
    for start in (0, 17):
        near = np.flatnonzero((y.max(axis=1) > start - 3) & (y.min(axis=1) < start + 20))
        part = slice(max(0, near[0] - 1), near[-1] + 2)
        sums = spread(compiled.drizzle, *(array[part] for array in (x, y, weight, data)), (17, 40),
                      first=(start, 0), rows=(near[0] - part.start, near[-1] + 1 - part.start),
                      pixfrac=pixfrac)
        assert_array_equal(sums.weight, whole.weight[start:start + 17])
        assert_array_equal(sums.values, whole.values[start:start + 17])


@both
@pytest.mark.parametrize(("angle", "scale"), [(2, 1.01), (45, 1), (10, 3)])
def test_what_is_not_finite_stays_where_it_is(drizzle, angle, scale):
    x, y = grid((5, 20), angle, scale, (15, 3))
    weight, data = np.ones((5, 20), np.float32), np.ones((5, 20), np.float32)
    clean = spread(drizzle, x, y, weight, data, (75, 120)).weight
    weight[2, 11] = 0
    without = spread(drizzle, x, y, weight, data, (75, 120)).weight
    weight[2, 11], data[2, 11] = 1, np.nan
    variance = np.ones_like(data)
    variance[2, 11] = -1
    sums = spread(drizzle, x, y, weight, data, (75, 120), variances=[variance])
    assert_allclose(sums.weight, clean, atol=1e-12)
    assert_array_equal(np.isnan(sums.values), clean - without > 1e-9)
    assert_array_equal(np.isnan(sums.roots[0]), clean - without > 1e-9)


@pytest.mark.parametrize("n_cols", [7, 8, 9, 31])
@pytest.mark.parametrize(("angle", "scale", "bend"), [
    (0.4, 1.0, 0), (4, 1.02, 0.001), (50, 1, 0), (0.2, 2, 0), (0, 3, 0.02), (1, 0.4, 0)])
def test_blocks_of_columns(n_cols, angle, scale, bend):
    """Pixels in line, across, of many output pixels, with holes, at the window's edges."""
    rng = np.random.default_rng(n_cols)
    x, y = grid((6, n_cols), angle, scale, (-3, -2), bend)
    weight, data = (rng.random((6, n_cols)).astype(np.float32) for _ in range(2))
    weight[rng.random(weight.shape) < 0.1] = 0
    ours, theirs = (spread(function, x, y, weight, data, (20, 26))
                    for function in (compiled.drizzle, twin.drizzle))
    assert_allclose(ours.weight, theirs.weight, rtol=1e-11, atol=1e-12)
    assert_allclose(ours.values, theirs.values, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("change", "message"), [
    ({"kernel": "round"}, "kernel: 'round'"),
    ({"pixfrac": 1.5}, "out of its range"),
    ({"scale_ratio": 0.0}, "out of its range"),
    ({"x": np.zeros((2, 3))}, "shape"),
    ({"variances": [np.ones((3, 3), np.float32)] * 8}, "variances: 8 where at most 7"),
    ({"dq": np.zeros((3, 2), np.uint32)}, "dq: shape"),
    ({"rows": (0, 4)}, "out of its range"),
    ({"shape": (0, 4)}, "is empty"),
])
def test_refusals(change, message):
    given = {"x": np.zeros((3, 3)), "y": np.zeros((3, 3)), "weight": np.ones((3, 3), np.float32),
             "values": np.ones((3, 3), np.float32), "shape": (4, 4)} | change
    with pytest.raises(ValueError, match=message):
        compiled.drizzle(**given)
