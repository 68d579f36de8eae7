"""Boxes, fluxes and moments of segments: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import moments as twins

from jwst_cal.kernels.moments import moments

BOTH = pytest.mark.parametrize("run", [moments, twins.moments])


def scene(seed, shape, n_labels, odd=0.05):
    """Rectangles that overlap, and what is odd about images."""
    rng = np.random.default_rng(seed)
    segments = np.zeros(shape, np.int32)
    for label in range(1, n_labels + 1):
        row, col = (rng.integers(0, n) for n in shape)
        segments[row:row + rng.integers(1, 9), col:col + rng.integers(1, 12)] = label
    image, error, smooth = rng.uniform(0.1, 3, (3, *shape)).astype(np.float32)
    image *= rng.choice([1, 1, 1, -1], shape)
    for array in (image, smooth):
        array[rng.random(shape) < odd] = rng.choice([np.nan, np.inf, -np.inf, -4, 0])
    return segments, image, error, smooth, rng.random(shape) < odd


def agree(found, wanted):
    for name in found._fields:
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-12,
                                   atol=1e-11, err_msg=name)


@BOTH
def test_two_segments(run):
    segments = np.zeros((5, 7), np.int32)
    segments[1:3, 2:5], segments[4, 6] = 1, 3
    image = np.arange(35, dtype=np.float32).reshape(5, 7)
    smooth, error = np.ones((5, 7), np.float32), np.full((5, 7), 2, np.float32)
    image[1, 2], smooth[2, 4] = np.nan, -1
    uncovered = np.zeros((5, 7), bool)
    uncovered[2, 2] = True
    found = run(segments, image, error, smooth, uncovered, n_labels=3)
    assert [part.tolist() for part in found[:4]] == [[2, np.iinfo(np.int32).max, 6], [4, -1, 6],
                                                     [1, np.iinfo(np.int32).max, 4], [2, -1, 4]]
    assert found.area.tolist() == [4, 0, 1]
    assert found.flux.tolist() == [10 + 11 + 17 + 18, 0, 34]
    assert found.variance.tolist() == [16, 0, 4]
    assert found.mass.tolist() == [4, 0, 1]
    assert found.x == pytest.approx([3, np.nan, 6], nan_ok=True)
    assert found.y == pytest.approx([1.25, np.nan, 4], nan_ok=True)
    assert found.xx == pytest.approx([0.5, np.nan, 0], nan_ok=True)
    assert found.xy == pytest.approx([0, np.nan, 0], nan_ok=True)
    assert found.yy == pytest.approx([3 / 16, np.nan, 0], nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.integers(0, 9),
       st.floats(0, 1))
def test_kernel_and_twin_agree(seed, n_rows, n_cols, n_labels, odd):
    given = scene(seed, (n_rows, n_cols), n_labels, odd)
    agree(moments(*given, n_labels=n_labels), twins.moments(*given, n_labels=n_labels))


def test_labels_beyond_the_last_do_not_count():
    segments, *images = scene(5, (30, 40), 8)
    found = moments(segments, *images, n_labels=3)
    agree(found, twins.moments(segments, *images, n_labels=3))
    assert len(found.area) == 3
    agree(moments(np.where(segments > 3, -segments, segments), *images, n_labels=3), found)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    given = scene(3, (200, 150), 60)
    for part, other in zip(moments(*given, n_labels=60, n_threads=n_threads),
                           moments(*given, n_labels=60, n_threads=1), strict=True):
        assert part.tobytes() == other.tobytes()


@BOTH
def test_refuses(run):
    with pytest.raises(ValueError, match="argument"):
        run(*scene(1, (4, 5), 2), n_labels=-1)


def test_refuses_another_shape():
    segments, image, *rest = scene(1, (4, 5), 2)
    with pytest.raises(ValueError, match=r"image: shape \(3, 5\)"):
        moments(segments, image[1:], *rest, n_labels=2)
    with pytest.raises(TypeError, match="segments: dtype float64"):
        moments(segments * 1.0, image, *rest, n_labels=2)
