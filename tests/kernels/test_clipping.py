"""Sorting and sigma clipping, kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from twins import clipping as twin

from jwst_cal.kernels.clipping import clip, middle, sort_chosen

BOTH_SORT = pytest.mark.parametrize("run", [sort_chosen, twin.sort_chosen])
BOTH_CLIP = pytest.mark.parametrize("run", [clip, twin.clip])
BOTH_MIDDLE = pytest.mark.parametrize("run", [middle, twin.middle])


@BOTH_SORT
def test_sorts_what_is_chosen_and_finite(run):
    values = np.array([[3, -2, np.nan, 1e30], [np.inf, 0, -5e-40, -np.inf]], np.float32)
    chosen = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], bool)
    assert run(values, chosen).tolist() == np.float32([-2, -5e-40, 0, 3]).tolist()
    assert run(values).tolist() == np.float32([-2, -5e-40, 0, 3, 1e30]).tolist()
    assert run(values, np.zeros((2, 4), bool)).tolist() == []
    assert values[0, 0] == 3


@BOTH_CLIP
def test_outliers_are_left_out(run):
    ordered = np.sort(np.float32([*range(-10, 11), 1e6, -3e7]))
    mean, median, std = run(ordered, sigma=3.0)
    assert (mean, median) == (0, 0)
    assert std == pytest.approx(np.std(np.arange(-10, 11)))


@BOTH_CLIP
def test_the_lower_half_is_mirrored(run):
    ordered = np.float32([-9, -3, -1, 2, 50, 60, 70])
    mean, median, std = run(ordered, sigma=5.0, centre=2.5)
    assert (mean, median) == (2.5, 2.5)
    assert std == pytest.approx(np.sqrt(np.mean(np.square([11.5, 5.5, 3.5, 0.5]))))


@BOTH_CLIP
def test_passes_are_counted(run):
    ordered = np.float32([0] * 300 + [1] * 300 + [10**k for k in range(1, 9)])
    stds = [run(ordered, sigma=3.0, max_passes=n)[2] for n in range(10)]
    assert (np.diff(stds[:8]) < 0).all()
    assert stds[8] == stds[9] == 0.5


@BOTH_CLIP
def test_a_narrow_distribution_far_from_the_first_median(run):
    ordered = np.sort(np.float32([1, 2, 1e-21, 3e-21]))
    assert run(ordered, sigma=1.5) == pytest.approx((2e-21, 2e-21, 1e-21), rel=1e-5)


@BOTH_CLIP
def test_nothing_has_no_statistics(run):
    assert np.isnan(run(np.empty(0, np.float32), sigma=3.0)).all()
    assert np.isnan(run(np.float32([5]), sigma=3.0, centre=4.0)).all()


def test_very_large_values_leave_no_rounding_behind():
    rng = np.random.default_rng(2)
    ordered = np.sort(rng.normal(0, 1e-3, 50000).astype(np.float32))
    many = np.sort(np.concatenate([ordered, np.float32([1e30, 3e33, -2e35, 3e38])]))
    assert clip(many, sigma=3.0, max_passes=50) == pytest.approx(
        clip(ordered, sigma=3.0, max_passes=50), rel=1e-12)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    rng = np.random.default_rng(4)
    values = rng.standard_cauchy(100_003).astype(np.float32)
    values[rng.random(len(values)) < 0.01] = np.nan
    chosen = rng.random(len(values)) < 0.7
    ordered = sort_chosen(values, chosen, n_threads=n_threads)
    np.testing.assert_array_equal(ordered, twin.sort_chosen(values, chosen))
    for centre in (None, 0.5):
        one = clip(ordered, sigma=3.0, centre=centre, n_threads=1)
        assert clip(ordered, sigma=3.0, centre=centre, n_threads=n_threads) == one
        assert one == pytest.approx(twin.clip(ordered, sigma=3.0, centre=centre), rel=1e-10)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, st.integers(1, 40), elements=st.floats(width=32)), st.integers(1, 9),
       st.integers(0, 6), st.booleans())
def test_kernel_is_its_twin(values, n_threads, max_passes, mirrored):
    ordered = sort_chosen(values, n_threads=n_threads)
    np.testing.assert_array_equal(ordered, twin.sort_chosen(values))
    centre = float(np.median(ordered.astype(float))) if mirrored and len(ordered) else None
    found = clip(ordered, sigma=1.4953, max_passes=max_passes, centre=centre)
    expected = twin.clip(ordered, sigma=1.4953, max_passes=max_passes, centre=centre)
    size = np.abs(ordered).max(initial=0)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * size)


@BOTH_MIDDLE
def test_the_middle(run):
    assert run(np.float32([[3, 1, 2]])) == (2, 2)
    assert run(np.float32([3, -1, 2, np.inf])) == (2, 3)
    assert run(np.float32([-5e-40, -np.inf])) == (-np.inf, np.float32(-5e-40))
    assert np.isnan(run(np.float32([1, 2, np.nan]))).all()
    assert np.isnan(run(-np.float32([1, 2, np.nan]))).all()


@settings(max_examples=100, deadline=None)
@given(arrays(np.float32, st.integers(1, 60), elements=st.floats(width=32)),
       st.sampled_from([1, 2, 7]), st.booleans())
def test_the_middle_is_that_of_the_twin(values, n_threads, near):
    if near:  # of which the first digits are the same
        values = np.float32(1) + np.nan_to_num(values, posinf=0, neginf=0) % np.float32(1e-3)
    np.testing.assert_array_equal(middle(values, n_threads=n_threads), twin.middle(values))


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: sort_chosen(np.ones(3, complex)), TypeError, "values: dtype complex"),
        (lambda: sort_chosen(np.ones(0, np.float32)), ValueError, "values: shape .0,. is empty"),
        (lambda: sort_chosen(np.ones(3, np.float32), np.ones(2, bool)), ValueError,
         "chosen: shape"),
        (lambda: sort_chosen(np.ones(3, np.float32), np.ones(3)), TypeError, "chosen: dtype"),
        (lambda: middle(np.ones((0, 2), np.float32)), ValueError, "values: shape .0, 2. is empty"),
        (lambda: middle(np.ones(3, complex)), TypeError, "values: dtype complex"),
        (lambda: clip(np.ones(3), sigma=3.0), TypeError, "ordered: dtype float64"),
        (lambda: clip(np.ones(3, np.float32), sigma=0.0), ValueError, "out of its range"),
        (lambda: clip(np.ones(3, np.float32), sigma=np.nan), ValueError, "out of its range"),
        (lambda: clip(np.ones(3, np.float32), sigma=1.0, max_passes=-1), ValueError,
         "out of its range"),
    ],
    ids=["complex", "nothing", "other shape", "float choice", "no middle", "complex middle",
         "float64 ordered", "no sigma", "sigma NaN", "negative passes"],
)
def test_refuses(run, error, message):
    with pytest.raises(error, match=message):
        run()
