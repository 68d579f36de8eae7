"""Smoothing of images: kernel and numpy twin through one body, beside astropy and scipy."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import convolve as twins
from twins.convolve import convolve as twin

from jwst_cal.kernels.convolve import convolve, peaks

BOTH = pytest.mark.parametrize("run", [convolve, twin])
BOTH_PEAKS = pytest.mark.parametrize("search", [peaks, twins.peaks])


def scene(seed, shape, missing=0.05, nan=0.02):
    rng = np.random.default_rng(seed)
    image = rng.normal(3, 10, shape).astype(np.float32)
    image[rng.random(shape) < nan] = np.nan
    return image, rng.random(shape) < missing


def of_astropy(image, missing, kernel):
    from astropy import convolution

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convolution.convolve(image, kernel, mask=missing)


@BOTH
@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (130, 71)])
@pytest.mark.parametrize("fwhm", [1.0, 2.0, 3.3])
def test_it_is_that_of_astropy(run, shape, fwhm):
    from astropy.convolution import Gaussian2DKernel
    from astropy.stats import gaussian_fwhm_to_sigma

    kernel = Gaussian2DKernel(fwhm * gaussian_fwhm_to_sigma)
    for missing in (0, 0.05, 0.6):
        image, unused = scene(1, shape, missing)
        found = run(image, unused, kernel.array / kernel.array.sum())
        np.testing.assert_array_equal(found, of_astropy(image, unused, kernel))


@BOTH
def test_nothing_known_is_nan(run):
    image, missing = np.ones((9, 9), np.float32), np.zeros((9, 9), bool)
    missing[2:7, 2:7] = True
    found = run(image, missing, np.full((3, 3), 1 / 9))
    assert np.isnan(found[4, 4])
    assert np.isfinite(found[2, 2])


@BOTH
@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (130, 71)])
def test_the_plain_sum_is_that_of_scipy(run, shape):
    from scipy import ndimage

    image = scene(1, shape, nan=0.01)[0]
    image[0, 0] = np.inf
    y, x = np.mgrid[-2:3, -3:4]
    kernel = np.where(x * x + y * y < 8, np.exp(-(x * x + y * y) / 3.0) - 0.2, 0)
    np.testing.assert_array_equal(run(image, None, kernel),
                                  ndimage.correlate(image, kernel, mode="constant"))


@BOTH_PEAKS
def test_of_neighbours_the_highest_is_a_peak(search):
    image, unusable = np.zeros((12, 14), np.float32), np.zeros((12, 14), bool)
    image[2, 3], image[2, 5], image[8, 0], image[11, 13] = 9, 8, 7, 6
    assert np.argwhere(search(image, unusable, 5.0, 2)).tolist() == [[2, 3], [8, 0], [11, 13]]
    assert np.argwhere(search(image, unusable, 5.0, 1)).tolist() == [[2, 3], [2, 5], [8, 0],
                                                                     [11, 13]]
    assert np.argwhere(search(image, unusable, 7.0, 2)).tolist() == [[2, 3]]
    image[2, 5] = 9  # neither exceeds the other
    unusable[2, 3] = True
    assert np.argwhere(search(image, unusable, 8.0, 2)).tolist() == [[2, 5]]


@BOTH_PEAKS
def test_beyond_the_edges_is_0_and_nan_exceeds_nothing(search):
    image = np.full((3, 4), -1, np.float32)
    image[1, 1] = np.nan
    found = search(image, np.zeros((3, 4), bool), -2.0, 1)
    assert np.argwhere(found).tolist() == [[1, 2]]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.integers(0, 6),
       st.floats(-40, 40))
def test_peaks_of_kernel_and_twin_agree(seed, n_rows, n_cols, radius, threshold):
    image, unusable = scene(seed, (n_rows, n_cols))
    found, wanted = (search(image, unusable, threshold, radius)
                     for search in (peaks, twins.peaks))
    np.testing.assert_array_equal(found, wanted)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 140), st.integers(1, 60), st.integers(0, 4),
       st.integers(0, 4), st.floats(0, 1))
def test_kernel_and_twin_agree(seed, n_rows, n_cols, up, half, missing):
    image, unused = scene(seed, (n_rows, n_cols), missing)
    kernel = np.random.default_rng(seed).random((2 * up + 1, 2 * half + 1)) + 0.1
    kernel /= kernel.sum()
    kernel[::2, ::2] *= seed % 2
    for given_ in (unused, None):
        found, wanted = (run(image, given_, kernel) for run in (convolve, twin))
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    image, missing = scene(3, (333, 65))
    kernel = np.full((5, 7), 1 / 35)
    for unused in (missing, None):
        assert convolve(image, unused, kernel, n_threads=n_threads).tobytes() == convolve(
            image, unused, kernel, n_threads=1).tobytes()
    assert convolve(image, missing, kernel, n_threads=n_threads).tobytes() == twin(
        image, missing, kernel).tobytes()
    np.testing.assert_array_equal(peaks(image, missing, 2.0, 3, n_threads=n_threads),
                                  twins.peaks(image, missing, 2.0, 3))


@pytest.mark.parametrize(("shape", "kernel", "message"), [
    ((4, 5), (3, 3), r"missing: shape \(4, 5\)"), ((4, 6), (2, 3), "argument")],
    ids=["narrow missing", "even kernel"])
def test_refuses(shape, kernel, message):
    with pytest.raises(ValueError, match=message):
        convolve(np.ones((4, 6), np.float32), np.zeros(shape, bool), np.ones(kernel))


@pytest.mark.parametrize(("shape", "radius", "message"), [
    ((4, 5), 2, r"unusable: shape \(4, 5\)"), ((4, 6), -1, "argument"), ((4, 6), 513, "argument")],
    ids=["narrow", "negative radius", "large radius"])
def test_peaks_refuse(shape, radius, message):
    with pytest.raises(ValueError, match=message):
        peaks(np.ones((4, 6), np.float32), np.zeros(shape, bool), 0.0, radius)
