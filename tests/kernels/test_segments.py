"""Segments that may be divided: kernel and twin through one body, and photutils' deblending."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from twins import segments as twin

from jwst_cal.kernels.segments import divisible

BOTH = pytest.mark.parametrize("run", [divisible, twin.divisible])
ROW = np.float32([[1, 5, 6, 2, 7, 8, 1, 9]])


@BOTH
def test_two_parts_of_enough_pixels(run):
    labels = np.ones((1, 8), np.int32)
    assert run(ROW, labels, n_pixels=2).tolist() == [True]
    assert run(ROW, labels, n_pixels=3).tolist() == [False]
    labels[0, 3:] = [2, 2, 2, 0, 3]  # the saddle goes with the second
    assert run(ROW, labels, n_pixels=1).tolist() == [False] * 3


@BOTH
def test_neighbours(run):
    image = np.float32([[9, 1], [1, 8]])
    labels = np.ones((2, 2), np.int32)
    assert run(image, labels, n_pixels=1, connectivity=4).tolist() == [True]
    assert run(image, labels, n_pixels=1, connectivity=8).tolist() == [False]


@BOTH
def test_none(run):
    assert run(ROW, np.zeros((1, 8), np.int32), n_pixels=1).shape == (0,)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_kernel_is_its_twin_for_any_team(n_threads, connectivity):
    rng = np.random.default_rng(6)
    image = ndimage.gaussian_filter(rng.normal(size=(70, 90)), 1.5).astype(np.float32)
    image[rng.random(image.shape) < 0.01] = np.nan
    labels, n = ndimage.label(image > 0)
    for n_pixels in (1, 4, 15):
        found = divisible(image, labels.astype(np.int32), n_pixels=n_pixels, n_threads=n_threads,
                          connectivity=connectivity)
        assert 0 < found.sum() < n
        np.testing.assert_array_equal(found, twin.divisible(
            image, labels, n_pixels=n_pixels, connectivity=connectivity))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_odd_shapes_and_values(data):
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 9)))
    image = data.draw(arrays(np.float32, shape, elements=st.one_of(
        st.integers(0, 4).map(float), st.floats(width=32))))
    labels = data.draw(arrays(np.int32, shape, elements=st.integers(0, 3)))
    options = {"n_pixels": data.draw(st.integers(1, 4)),
               "connectivity": data.draw(st.sampled_from([4, 8]))}
    np.testing.assert_array_equal(divisible(image, labels, **options),
                                  twin.divisible(image, labels, **options))


@pytest.mark.parametrize("mode", ["exponential", "linear"])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_photutils_divides_none_of_the_others(mode, connectivity):
    from photutils.segmentation import deblend_sources, detect_sources

    rng = np.random.default_rng(2)
    y, x = np.mgrid[:120, :130]
    image = rng.normal(0, 0.3, x.shape)
    for _ in range(60):
        cx, cy, flux = *rng.uniform(0, 120, 2), rng.uniform(2, 30)
        image += flux * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 8)
    image = image.astype(np.float32)
    found = detect_sources(image, 0.8, 5, connectivity=connectivity)
    may = divisible(image, found.data.astype(np.int32), n_pixels=5, connectivity=connectivity)
    assert 3 < may.sum() < len(may) - 3
    options = {"n_levels": 16, "contrast": 0.0, "mode": mode, "connectivity": connectivity,
               "progress_bar": False}
    whole = deblend_sources(image, found, 5, **options)
    some = deblend_sources(image, found, 5, labels=found.labels[may], **options)
    np.testing.assert_array_equal(some.data, whole.data)
    assert whole.n_labels > found.n_labels


def test_refusals():
    labels = np.ones((1, 8), np.int32)
    with pytest.raises(ValueError, match="range"):
        divisible(ROW, labels, n_pixels=0)
    with pytest.raises(ValueError, match="range"):
        divisible(ROW, labels, n_pixels=1, connectivity=6)
    with pytest.raises(ValueError, match="range"):
        divisible(ROW, -labels, n_pixels=1)
    with pytest.raises(ValueError, match="segments"):
        divisible(ROW, labels[:, :5], n_pixels=1)
    with pytest.raises(TypeError, match="int32"):
        divisible(ROW, labels.astype(float), n_pixels=1)
