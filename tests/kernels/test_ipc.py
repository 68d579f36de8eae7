"""Crosstalk of neighbouring pixels, kernel and numpy twin through one body."""

import numpy as np
import pytest
from twins.ipc import ipc as twin

from jwst_cal.kernels.ipc import ipc

BOTH = pytest.mark.parametrize("run", [ipc, twin])
KERNEL = np.array([[0, 0.01, 0], [0.02, 0.9, 0.03], [0, 0.04, 0]], np.float32)


@BOTH
def test_a_point_becomes_the_kernel(run):
    data = np.zeros((1, 5, 6), np.float32)
    data[0, 2, 3] = 1000
    run(data, KERNEL)
    np.testing.assert_allclose(data[0, 1:4, 2:5], 1000 * KERNEL, rtol=1e-6)
    assert np.count_nonzero(data) == 5


@BOTH
def test_reference_pixels_are_neither_changed_nor_used(run):
    data = np.full((2, 8, 9), 100, np.float32)
    data[:, :2] = data[:, :, 7:] = 9999
    run(data, KERNEL, region=(slice(2, 8), slice(0, 7)))
    assert (data[:, :2] == 9999).all()
    assert (data[:, :, 7:] == 9999).all()
    np.testing.assert_allclose(data[:, 3:7, 1:6], 100, rtol=1e-6)
    np.testing.assert_allclose(data[:, 2, 1:6], 100 * (1 - KERNEL[2, 1]), rtol=1e-6)


@BOTH
def test_each_pixel_may_have_its_kernel(run):
    data = np.full((1, 5, 6), 10, np.float32)
    kernel = np.zeros((3, 3, 5, 6), np.float32)
    kernel[1, 1] = np.arange(30).reshape(5, 6)
    run(data, kernel)
    np.testing.assert_array_equal(data[0], 10 * kernel[1, 1])


@BOTH
def test_interleaved_rows_stay(run):
    data = np.zeros((1, 6, 6), np.float32)
    data[0, 3] = 77
    data[0, 2, 3] = 1000
    run(data, KERNEL, rows=np.array([0, 1, 2, 4, 5]))
    assert (data[0, 3] == 77).all()
    np.testing.assert_allclose(data[0, [1, 2, 4], 3], 1000 * KERNEL[:, 1], rtol=1e-6)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("size", [(1, 1), (3, 3), (5, 3), (2, 4)])
@pytest.mark.parametrize("of_pixel", [False, True])
def test_kernel_is_its_twin_to_the_byte_for_any_team(n_threads, size, of_pixel):
    results = []
    for run in (ipc, twin):
        rng = np.random.default_rng(7)
        data = rng.normal(500, 100, (5, 23, 61)).astype(np.float32)
        data[0, 3, 4] = np.nan
        kernel = rng.normal(0, 0.1, (*size, *((21, 61) if of_pixel else ()))).astype(np.float32)
        rows = np.delete(np.arange(23), [5, 17])
        run(data, kernel, region=(slice(4, 21), slice(0, 57)), rows=rows, n_threads=n_threads)
        results.append(data)
    np.testing.assert_array_equal(*results)


@BOTH
def test_a_region_without_pixels_changes_nothing(run):
    data = np.ones((1, 4, 4), np.float32)
    run(data, KERNEL, region=(slice(4, 4), slice(0, 4)))
    assert (data == 1).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"kernel": np.ones(3, np.float32)}, ValueError, "kernel: shape .* two or four axes"),
        ({"kernel": np.ones((3, 3, 4, 5), np.float32)}, ValueError, "kernel: shape"),
        ({"kernel": np.ones((0, 3), np.float32)}, ValueError, "is empty"),
        ({"data": np.ones((1, 4, 4))}, TypeError, "data: dtype float64"),
        ({"rows": np.array([0, 4])}, ValueError, "out of its range"),
        ({"rows": np.arange(5)}, ValueError, "out of its range"),
    ],
    ids=["a line", "narrow kernels", "empty kernel", "float64 data", "row beyond", "more rows"],
)
def test_refuses(change, error, message):
    given = {"data": np.ones((1, 4, 4), np.float32), "kernel": KERNEL} | change
    with pytest.raises(error, match=message):
        ipc(**given)
