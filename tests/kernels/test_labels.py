"""Connected pixels above a threshold: kernel and twin through one body, and photutils."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from twins import labels as twin

from jwst_cal.kernels.labels import label

BOTH = pytest.mark.parametrize("run", [label, twin.label])
#: A spiral of one pixel's width, a diagonal that touches the right edge, a pixel alone.
DRAWING = np.array([[1, 1, 1, 1, 1, 0, 0, 0],
                    [0, 0, 0, 0, 1, 0, 0, 1],
                    [1, 1, 1, 0, 1, 0, 1, 0],
                    [1, 0, 0, 0, 1, 0, 0, 0],
                    [1, 1, 1, 1, 1, 0, 1, 0]], np.float32)


def over(image, level=0.0):
    return np.full_like(image, level)


@BOTH
def test_a_known_drawing(run):
    segments, n = run(DRAWING, over(DRAWING), n_pixels=1)
    assert n == 3
    np.testing.assert_array_equal(segments[0], [1, 1, 1, 1, 1, 0, 0, 0])
    np.testing.assert_array_equal(segments[:, 6:], [[0, 0], [0, 2], [2, 0], [0, 0], [3, 0]])
    assert run(DRAWING, over(DRAWING), n_pixels=1, connectivity=4)[1] == 4
    segments, n = run(DRAWING, over(DRAWING), n_pixels=2)
    assert (n, segments[4, 6]) == (2, 0)


@BOTH
def test_threshold_mask_and_nan(run):
    image = np.float32([[1, 2, np.nan, 3, np.inf]])
    threshold = np.float32([[1, 1, 1, np.nan, 1]])
    assert run(image, threshold, n_pixels=1)[0].tolist() == [[0, 1, 0, 0, 2]]
    assert run(image, threshold, times=2, n_pixels=1)[0].tolist() == [[0, 0, 0, 0, 1]]
    masked = np.array([[False, True, False, False, False]])
    assert run(image, threshold, masked, n_pixels=1)[0].tolist() == [[0, 0, 0, 0, 1]]


@BOTH
def test_none(run):
    segments, n = run(DRAWING, over(DRAWING, 1), n_pixels=1)
    assert (n, segments.any(), segments.dtype) == (0, False, np.int32)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_kernel_is_its_twin_for_any_team(n_threads, connectivity):
    rng = np.random.default_rng(8)
    image = ndimage.gaussian_filter(rng.normal(size=(131, 203)), 0.7).astype(np.float32)
    image[rng.random(image.shape) < 0.01] = np.nan
    threshold = rng.uniform(-0.1, 0.2, image.shape).astype(np.float32)
    masked = rng.random(image.shape) < 0.02
    for n_pixels in (1, 5, 30):
        options = {"n_pixels": n_pixels, "connectivity": connectivity, "times": 0.7}
        segments, n = label(image, threshold, masked, n_threads=n_threads, **options)
        expected, n_expected = twin.label(image, threshold, masked, **options)
        np.testing.assert_array_equal(segments, expected)
        assert n == n_expected > 5


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_as_photutils(data):
    from photutils.segmentation import detect_sources

    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 20)))
    image = data.draw(arrays(np.float32, shape, elements=st.one_of(
        st.integers(0, 1).map(float), st.floats(width=32))))
    masked = data.draw(arrays(bool, shape, elements=st.booleans(), fill=st.just(False)))
    masked[0, 0] = False  # photutils refuses an image that is all masked
    options = {"n_pixels": data.draw(st.integers(1, 4)),
               "connectivity": data.draw(st.sampled_from([4, 8]))}
    threshold = data.draw(st.floats(0, 1, width=32))
    segments, n = label(image, over(image, threshold), masked, n_threads=data.draw(
        st.sampled_from([1, 2, 7])), **options)
    found = detect_sources(image, over(image, threshold), options["n_pixels"], mask=masked,
                           connectivity=options["connectivity"]) if n else None
    np.testing.assert_array_equal(segments, 0 if found is None else found.data)
    np.testing.assert_array_equal(segments, twin.label(image, over(image, threshold), masked,
                                                       **options)[0])


def test_refusals():
    with pytest.raises(ValueError, match="range"):
        label(DRAWING, over(DRAWING), n_pixels=0)
    with pytest.raises(ValueError, match="range"):
        label(DRAWING, over(DRAWING), n_pixels=1, connectivity=6)
    with pytest.raises(ValueError, match="threshold"):
        label(DRAWING, over(DRAWING)[1:], n_pixels=1)
    with pytest.raises(ValueError, match="mask"):
        label(DRAWING, over(DRAWING), DRAWING[1:] > 0, n_pixels=1)
    with pytest.raises(TypeError, match="bool"):
        label(DRAWING, over(DRAWING), DRAWING, n_pixels=1)
