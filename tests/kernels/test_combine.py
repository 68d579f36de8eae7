"""Images combined: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import combine as twins

from jwst_cal.kernels import combine
from jwst_cal.kernels.combine import add_sums, add_variances, mean_variances, weighted_mean

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


def sums_of(module, seed, n_rows, n_cols, more, n_threads=None):
    """All that is made of sums of two images, the second beside the first."""
    weight, (values, *_), totals, weights = scene(seed, n_rows, n_cols, 3, more)
    shape = n_rows, n_cols + more
    total_weight, total = np.zeros(shape), np.zeros(shape)
    context = np.zeros(shape, np.uint32)
    options = {"n_threads": n_threads}
    for bit, first_col in ((1, 0), (1 << 31, more)):
        with np.errstate(all="ignore"):
            module.add_sums(weight, values, total_weight, total, first_col=first_col, bit=bit,
                            context=context, **options)
    results = [np.empty(shape, np.float32) for _ in range(6)]
    module.weighted_mean(total, total_weight, *results[:2], fill=-7.0, **options)
    totals[1] = weights[1] = None
    weights[0][0, 0] = totals[0][0, 0] = weights[2][0, 0] = totals[2][0, 0] = 0
    module.mean_variances(totals, weights, results[2:5], results[5], factor=0.3, **options)
    return total_weight, total, context, *results


@pytest.mark.parametrize("module", [combine, twins], ids=["kernel", "twin"])
def test_mean_and_errors_of_two_images(module):
    total_weight, total, context = np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((1, 3), np.uint32)
    add = module.add_sums
    add(np.array([[2.0, 1.0]]), np.array([[6.0, 1.0]]), total_weight, total, context=context, bit=1)
    add(np.array([[3.0]]), np.array([[3.0]]), total_weight, total, context=context, bit=2,
        first_col=1)
    mean, weight, one, none, err = (np.empty((1, 3), np.float32) for _ in range(5))
    module.weighted_mean(total, total_weight, mean, weight, fill=np.nan)
    np.testing.assert_array_equal(mean, [[3, 1, np.nan]])
    assert weight.tolist() == [[2, 4, 0]]
    assert context.tolist() == [[1, 3, 0]]
    module.mean_variances([np.array([[8.0, 36.0, 0.0]]), None], [np.array([[2.0, 3.0, 0.0]]), None],
                          [one, none], err, factor=2.0)
    np.testing.assert_array_equal(one, [[4, 8, np.nan]])
    np.testing.assert_array_equal(none, [[np.nan] * 3])
    np.testing.assert_allclose(err, [[2, np.sqrt(8), np.nan]])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 300), st.integers(0, 5))
def test_sums_as_the_twin_has_them(seed, n_rows, n_cols, more):
    for found, wanted in zip(sums_of(combine, seed, n_rows, n_cols, more),
                             sums_of(twins, seed, n_rows, n_cols, more), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_bytes_of_sums_do_not_depend_on_threads():
    one, two, seven = ([array.tobytes() for array in sums_of(combine, 4, 33, 165, 2, n)]
                       for n in (1, 2, 7))
    assert one == two == seven


@pytest.mark.parametrize(("run", "arguments", "message"), [
    (add_sums, (np.ones((2, 4)), np.ones((2, 5)), np.ones((2, 6)), np.ones((2, 6))),
     "values: shape"),
    (add_sums, (np.ones((2, 4)), np.ones((2, 4)), np.ones((2, 3)), np.ones((2, 3))), "argument"),
    (weighted_mean, (np.ones((2, 4)), np.ones((2, 4)), np.ones((2, 3), np.float32),
                     np.ones((2, 4), np.float32)), "mean: shape"),
    (mean_variances, ([], [], [], np.ones((2, 4), np.float32)), "variances: 0"),
    (mean_variances, ([None], [None], [np.ones((2, 3), np.float32)], np.ones((2, 4), np.float32)),
     r"variances\[0\]: shape")])
def test_sums_refuse(run, arguments, message):
    with pytest.raises(ValueError, match=message):
        run(*arguments)
