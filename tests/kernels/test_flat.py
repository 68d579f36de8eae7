"""Division by the response of the detector: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import flat as twins

from jwst_cal.kernels import flat

BOTH = pytest.mark.parametrize("kernels", [flat, twins], ids=["kernel", "twin"])
BITS = {"unusable": 1, "missing": 8}


@BOTH
def test_what_is_not_usable(kernels):
    response = np.float32([[np.nan, 0, 2, 2, 2, -0.0]])
    flags = np.uint32([[0, 4, 1, 8, 4, 0]])
    values, found, n_bad = kernels.clean(response, flags, **BITS)
    assert values.tolist() == [[1, 1, 1, 1, 2, 1]]
    assert found.tolist() == [[9, 13, 1, 9, 4, 9]]
    assert n_bad == 5
    assert flags.tolist() == [[0, 4, 1, 8, 4, 0]]


@BOTH
@pytest.mark.parametrize("shape", [(1, 3), (2, 1, 3)])
def test_values_and_errors(kernels, shape):
    data, poisson, rnoise = (np.full(shape, value, np.float32) for value in (8, 4, 12))
    response, width = np.float32([[2, 4, 1]]), np.float32([[0.5, 0, 3]])
    var_flat, err = kernels.divide(data, [poisson, rnoise], response, width)
    np.testing.assert_array_equal(data, np.broadcast_to([[4, 2, 8]], shape))
    np.testing.assert_array_equal(rnoise, np.broadcast_to([[3, 0.75, 12]], shape))
    np.testing.assert_array_equal(var_flat, np.broadcast_to([[1, 0, 576]], shape))
    np.testing.assert_allclose(err**2, np.broadcast_to([[5, 1, 592]], shape), rtol=1e-6)
    err = kernels.multiply(data, [poisson, rnoise], response)
    np.testing.assert_array_equal(data, np.full(shape, 8))
    np.testing.assert_array_equal(err, np.full(shape, 4))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), n_images=st.sampled_from([None, 1, 3]),
       rows=st.integers(1, 40), cols=st.integers(1, 70), n=st.integers(0, 4),
       undo=st.booleans())
def test_kernel_is_the_twin(seed, n_images, rows, cols, n, undo):
    rng = np.random.default_rng(seed)
    shape = (rows, cols) if n_images is None else (n_images, rows, cols)

    def drawn(shape):
        values = rng.normal(1, 9, shape).astype(np.float32)
        for odd in (np.nan, np.inf, 0, 1e-40, -1e30):
            values[rng.random(shape) < 0.02] = odd
        return values

    response, width = drawn((rows, cols)), drawn((rows, cols))
    flags = rng.choice(np.uint32([0, 1, 8, 4]), (rows, cols))
    cleaned = [kernels.clean(response, flags, **BITS) for kernels in (flat, twins)]
    for ours, theirs in zip(*cleaned, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    given = [drawn(shape) for _ in range(n + 1)]
    results = []
    for kernels in (flat, twins):
        data, *variances = (array.copy() for array in given)
        found = ([kernels.multiply(data, variances, cleaned[0][0])] if undo
                 else kernels.divide(data, variances, cleaned[0][0], width))
        results.append([data, *variances, *found])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("n_threads", [2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    rng = np.random.default_rng(5)
    given = [rng.normal(5, 2, (3, 70, 90)).astype(np.float32) for _ in range(3)]
    response, width = given[0][0] + 1, given[1][0]
    flags = rng.integers(0, 9, (70, 90), np.uint32)
    results = []
    for team in (1, n_threads):
        data, *variances = (array.copy() for array in given)
        values, found, n_bad = flat.clean(response, flags, **BITS, n_threads=team)
        results.append([data, *variances, values, found, np.array(n_bad),
                        *flat.divide(data, variances, values, width, n_threads=team)])
    assert [array.tobytes() for array in results[0]] == [array.tobytes() for array in results[1]]


def test_what_does_not_fit_is_refused():
    data = np.ones((4, 5), np.float32)
    with pytest.raises(ValueError, match=r"flat: shape \(5, 4\) where \(4, 5\) is needed"):
        flat.divide(data, [], data.T, data)
    with pytest.raises(TypeError, match=r"variances\[0\]: dtype float64"):
        flat.multiply(data, [data.astype(float)], data)
    with pytest.raises(ValueError, match="variances: 5 where at most 4"):
        flat.multiply(data, [data.copy()] * 5, data)
    with pytest.raises(ValueError, match="data: 1 axes"):
        flat.multiply(data[0], [], data)
    with pytest.raises(ValueError, match="data: not C-contiguous"):
        flat.multiply(data[:, :3], [], data[:, :3])
