"""Smoothing of images: kernel and numpy twin through one body, beside astropy."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.convolve import convolve as twin

from jwst_cal.kernels.convolve import convolve

BOTH = pytest.mark.parametrize("run", [convolve, twin])


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


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 140), st.integers(1, 60), st.integers(0, 4),
       st.integers(0, 4), st.floats(0, 1))
def test_kernel_and_twin_agree(seed, n_rows, n_cols, up, half, missing):
    image, unused = scene(seed, (n_rows, n_cols), missing)
    kernel = np.random.default_rng(seed).random((2 * up + 1, 2 * half + 1)) + 0.1
    kernel /= kernel.sum()
    found, wanted = (run(image, unused, kernel) for run in (convolve, twin))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    image, missing = scene(3, (333, 65))
    kernel = np.full((5, 7), 1 / 35)
    assert convolve(image, missing, kernel, n_threads=n_threads).tobytes() == twin(
        image, missing, kernel).tobytes()


@pytest.mark.parametrize(("shape", "kernel", "message"), [
    ((4, 5), (3, 3), r"missing: shape \(4, 5\)"), ((4, 6), (2, 3), "argument")],
    ids=["narrow missing", "even kernel"])
def test_refuses(shape, kernel, message):
    with pytest.raises(ValueError, match=message):
        convolve(np.ones((4, 6), np.float32), np.zeros(shape, bool), np.ones(kernel))
