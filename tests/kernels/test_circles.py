"""Sums in circular apertures: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import circles as twins

from jwst_cal.kernels.circles import circle_sums, circle_weights

BOTH = pytest.mark.parametrize("weights", [circle_weights, twins.circle_weights])
SUMS = pytest.mark.parametrize("run", [circle_sums, twins.circle_sums])


@BOTH
@pytest.mark.parametrize("radius", [0.05, 0.4, 0.5, 0.6, np.sqrt(0.5), 1, 1.5, 4.2, 12.0])
@pytest.mark.parametrize("place", [(20, 20), (20.5, 20.5), (20.5, 20), (19.83, 20.07)])
def test_the_parts_make_up_the_circle(weights, radius, place):
    weight = weights((41, 41), *place, radius)
    assert weight.sum() == pytest.approx(np.pi * radius**2, rel=1e-12)
    x, y = np.arange(41) - place[0], np.arange(41)[:, None] - place[1]
    away = np.hypot(x, y)
    assert (weight[away >= radius + np.sqrt(0.5)] == 0).all()
    assert (weight[away <= radius - np.sqrt(0.5)] == 1).all()


@BOTH
def test_parts_of_one_pixel(weights):
    half = weights((3, 3), 0.5, 1.0, 0.25)  # on the edge of two
    assert half[1] == pytest.approx([np.pi / 32, np.pi / 32, 0], rel=1e-14)
    corner = weights((3, 3), 0.5, 0.5, 0.25)
    assert corner[:2, :2] == pytest.approx(np.full((2, 2), np.pi / 64), rel=1e-14)
    assert weights((3, 5), 1, 1, 1.5)[1, 3] == 0  # a tangent


@BOTH
@pytest.mark.parametrize("given", [(np.nan, 1, 1), (1, np.inf, 1), (1, 1, 0), (1, 1, -2.0),
                                   (1, 1, np.nan), (1, 1, np.inf)])
def test_refuses_what_is_no_circle(weights, given):
    with pytest.raises(ValueError, match="argument"):
        weights((3, 3), *given)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 25), st.integers(1, 25), st.floats(-9, 30), st.floats(-9, 30),
       st.floats(1e-3, 20))
def test_weights_agree(n_rows, n_cols, x, y, radius):
    found, wanted = (weights((n_rows, n_cols), x, y, radius)
                     for weights in (circle_weights, twins.circle_weights))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14 * max(1, radius**2))
    assert (found >= 0).all()
    assert (found <= 1).all()


@SUMS
def test_sums(run):
    image = np.arange(30, dtype=np.float32).reshape(5, 6)
    error = np.full((5, 6), 2, np.float32)
    places = np.array([[2, 2], [np.nan, 1], [-9, 2], [6.2, 2.0], [-1.4, -1.4]])
    total, width = run(image, error, places, np.array([0.5, 1.0]))
    assert total[0] == pytest.approx([14 * np.pi / 4, *[np.nan] * 4], nan_ok=True)
    assert total[1, 0] == pytest.approx(14 * np.pi)
    assert width[1, 0] == pytest.approx(2 * np.sqrt(np.pi))
    assert 0 < total[1, 3] < 17 * np.pi / 2
    assert total[1, 4] == width[1, 4] == 0  # the square touches the image, the circle does not


@SUMS
def test_every_pixel_inside_counts(run):
    image, error = np.ones((2, 7, 7), np.float32)
    image[3, 5], error[1, 3] = np.nan, np.inf
    total, width = run(image, error, np.array([[3.0, 3.0]]), np.array([1.4, 1.6]))
    assert np.isnan(total[:, 0]).tolist() == [False, True]
    assert np.isinf(width[:, 0]).tolist() == [False, True]


def scene(seed, shape, n_sources):
    rng = np.random.default_rng(seed)
    image, error = rng.uniform(1, 3, (2, *shape)).astype(np.float32)
    positions = rng.uniform(-9, max(shape) + 9, (n_sources, 2))
    positions[::7] = np.rint(positions[::7])
    positions[::11] = rng.choice([np.nan, np.inf, -np.inf, 1e300])
    return image, error, positions


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30),
       st.lists(st.floats(1e-2, 30), min_size=1, max_size=3))
def test_kernel_and_twin_agree(seed, n_rows, n_cols, radii):
    given = *scene(seed, (n_rows, n_cols), 12), np.array(radii)
    for found, wanted in zip(circle_sums(*given), twins.circle_sums(*given), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    given = *scene(3, (120, 90), 80), np.array([1.5, 3.5, 8.0])
    for part, other in zip(circle_sums(*given, n_threads=n_threads),
                           circle_sums(*given, n_threads=1), strict=True):
        assert part.tobytes() == other.tobytes()


def test_refuses():
    image, error, positions = scene(1, (4, 6), 3)
    with pytest.raises(ValueError, match=r"positions: shape \(3, 3\)"):
        circle_sums(image, error, np.ones((3, 3)), np.ones(1))
    with pytest.raises(ValueError, match=r"error: shape \(3, 6\)"):
        circle_sums(image, error[:3], positions, np.ones(1))
    for radius in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="argument"):
            circle_sums(image, error, positions, np.array([2, radius]))
