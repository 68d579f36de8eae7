"""A coarse grid made as fine as an image: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import magnify as twins

from jwst_cal.kernels.magnify import magnify

BOTH = pytest.mark.parametrize("run", [magnify, twins.magnify])


def scene(seed, n_rows, n_cols, n_terms):
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 1, (n_rows, n_terms)), rng.normal(0, 10, (n_terms, n_cols)),
            rng.random((n_rows, n_cols)) < 0.1)


@BOTH
def test_a_grid(run):
    value = run(np.array([[1.0, 0], [0.5, 0.5], [0, 1]]), np.array([[2.0, 4], [10, 20]]),
                np.array([[0, 0], [0, 0], [1, 0]], bool), least=3, most=15)
    assert value.dtype == np.float32
    assert value.tolist() == [[3, 4], [6, 12], [0, 15]]


@BOTH
def test_what_is_left_of_an_image(run):
    image = np.float32([[5, np.nan, 1, np.inf]])
    left = run(np.ones((1, 1)), np.full((1, 4), 2.0), np.array([[0, 0, 1, 0]], bool), image=image,
               least=0, most=3)
    np.testing.assert_array_equal(left, np.float32([[3, np.nan, 1, np.inf]]))
    assert left.dtype == np.float32


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 90), st.integers(1, 9))
def test_kernel_and_twin_agree(seed, n_rows, n_cols, n_terms):
    given = scene(seed, n_rows, n_cols, n_terms)
    for limits in ({"least": -8, "most": 9.5}, {"least": -np.inf, "most": np.inf}):
        image = given[2] + np.float32(seed % 97)
        for other in ({}, {"image": image}):
            np.testing.assert_array_equal(magnify(*given, **limits, **other),
                                          twins.magnify(*given, **limits, **other))


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    given = scene(3, 200, 150, 6)
    found, one = (magnify(*given, least=-9, most=9, n_threads=n) for n in (n_threads, 1))
    assert found.tobytes() == one.tobytes()


@BOTH
@pytest.mark.parametrize("limits", [(1, 0), (np.nan, 1), (0, np.nan)])
def test_refuses(run, limits):
    with pytest.raises(ValueError, match="argument"):
        run(*scene(1, 4, 5, 2), least=limits[0], most=limits[1])


def test_refuses_another_shape():
    down, across, hidden = scene(1, 4, 5, 2)
    with pytest.raises(ValueError, match=r"across: shape \(1, 5\)"):
        magnify(down, across[1:], hidden, least=0, most=1)
    with pytest.raises(ValueError, match=r"hidden: shape \(4, 4\)"):
        magnify(down, across, hidden[:, 1:], least=0, most=1)
    with pytest.raises(ValueError, match=r"image: shape \(4, 4\)"):
        magnify(down, across, hidden, least=0, most=1, image=np.zeros((4, 4), np.float32))
