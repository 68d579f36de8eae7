"""Variances of images combined: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import combine as twins

from jwst_cal.kernels.combine import add_variances

BOTH = pytest.mark.parametrize("run", [add_variances, twins.add_variances])


def scene(seed, n_rows, n_cols, n, more):
    rng = np.random.default_rng(seed)
    weight = rng.uniform(0.1, 3, (n_rows, n_cols))
    sums = [rng.uniform(0, 9, weight.shape) for _ in range(n)]
    for array in (weight, *sums):
        odd = rng.random(array.shape)
        for at, value in enumerate((0, np.nan, np.inf, 1e-300, 1e200)):
            array[(odd > at / 50) & (odd < (at + 1) / 50)] = value
    totals, weights = ([rng.uniform(0, 9, (n_rows, n_cols + more)) for _ in range(n)]
                       for _ in range(2))
    return weight, sums, totals, weights


@BOTH
def test_variances_are_added_with_the_square_of_the_weights(run):
    weight, sums = np.array([[2.0, 1.0, 0.0]]), [np.array([[6.0, 2.0, 0.0]]),
                                                 np.array([[4.0, np.inf, 0.0]])]
    totals, weights = ([np.ones((1, 5)) for _ in range(2)] for _ in range(2))
    run(weight, sums, totals, weights, first_col=1, image_weight=3.0)
    assert totals[0].tolist() == [[1, 1 + 9 * 9, 1 + 4 * 9, 1, 1]]
    assert weights[0].tolist() == [[1, 4, 4, 1, 1]]
    assert totals[1].tolist() == [[1, 1 + 4 * 9, 1, 1, 1]]
    assert weights[1].tolist() == [[1, 4, 1, 1, 1]]
    run(weight, sums, totals, weights, first_col=1, weigh_by=1)  # of the second: 1 / 4, 0, 0
    assert totals[0].tolist() == [[1, 82 + 9 / 16, 37, 1, 1]]
    assert weights[1].tolist() == [[1, 4.25, 1, 1, 1]]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 70), st.integers(1, 8),
       st.integers(0, 5), st.booleans(), st.sampled_from([0.0, 1.0, 1e160, -1.0, np.nan]))
def test_kernel_and_twin_agree(seed, n_rows, n_cols, n, more, weighed, image_weight):
    found, wanted = (scene(seed, n_rows, n_cols, n, more) for _ in range(2))
    for run, arrays in ((add_variances, found), (twins.add_variances, wanted)):
        run(*arrays, first_col=seed % (more + 1), weigh_by=seed % n if weighed else None,
            image_weight=image_weight)
    np.testing.assert_array_equal(found[2:], wanted[2:])


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    arrays, wanted = (scene(4, 33, 65, 3, 2) for _ in range(2))
    add_variances(*arrays, first_col=2, weigh_by=0, n_threads=n_threads)
    twins.add_variances(*wanted, first_col=2, weigh_by=0)
    assert np.array(arrays[2:]).tobytes() == np.array(wanted[2:]).tobytes()


@pytest.mark.parametrize(("change", "message"), [
    ({"sums": [np.ones((2, 4))] * 2}, "sums: 2 where 1"),
    ({"sums": [np.ones((2, 5))]}, r"sums\[0\]: shape"),
    ({"totals": [np.ones((3, 6))]}, r"totals\[0\]: shape"),
    ({"weights": [np.ones((2, 5))]}, r"weights\[0\]: shape"),
    ({"first_col": 3}, "argument"), ({"weigh_by": 1}, "argument"), ({"weigh_by": -2}, "argument")])
def test_refuses(change, message):
    given = {"weight": np.ones((2, 4)), "sums": [np.ones((2, 4))], "totals": [np.ones((2, 6))],
             "weights": [np.ones((2, 6))]} | change
    with pytest.raises(ValueError, match=message):
        add_variances(**given)
