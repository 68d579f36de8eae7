"""The nearest neighbour of each of many places: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from twins import neighbours as twins

from jwst_cal.kernels.neighbours import neighbours

BOTH = pytest.mark.parametrize("run", [neighbours, twins.neighbours])


@BOTH
def test_some_places(run):
    nearest, distance = run(np.array([[0, 0], [np.nan, 1], [3, 4.0], [3, 4], [-3, 4], [1, np.inf]]))
    assert nearest.tolist() == [2, -1, 3, 2, 0, -1]
    np.testing.assert_array_equal(distance, [5, np.nan, 0, 0, 5, np.nan])
    assert nearest.dtype == np.int32


@BOTH
def test_one_place_has_no_neighbour(run):
    for places in ([[3.0, 4.0]], [[3.0, 4.0], [np.nan, 4.0]], [[np.inf, 1]]):
        nearest, distance = run(np.array(places))
        assert (nearest == -1).all()
        assert np.isnan(distance).all()


PLACES = arrays.array_shapes(min_dims=1, max_dims=1, max_side=40).flatmap(
    lambda shape: arrays.arrays(np.float64, (*shape, 2), elements=st.one_of(
        st.integers(-5, 5).map(float), st.floats(-99, 99),
        st.sampled_from([np.nan, np.inf, 1e200]))))


@settings(max_examples=200, deadline=None)
@given(PLACES)
def test_kernel_and_twin_agree(places):
    for found, wanted in zip(neighbours(places), twins.neighbours(places), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    places = np.random.default_rng(3).integers(0, 60, (900, 2)) / 2
    found = neighbours(places, n_threads=n_threads)
    for part, other in zip(found, neighbours(places, n_threads=1), strict=True):
        assert part.tobytes() == other.tobytes()


def test_as_scipy():
    from scipy.spatial import KDTree

    places = np.random.default_rng(4).uniform(0, 900, (2000, 2))
    away, which = KDTree(places).query(places, k=[2])
    nearest, distance = neighbours(places)
    np.testing.assert_array_equal(nearest, which[:, 0])
    np.testing.assert_array_equal(distance, away[:, 0])


def test_refuses_another_shape():
    with pytest.raises(ValueError, match=r"positions: shape \(3, 3\)"):
        neighbours(np.ones((3, 3)))
