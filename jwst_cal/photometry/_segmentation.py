"""Sources as connected pixels above a threshold, those that overlap taken apart."""

import math

import numpy as np

from jwst_cal.errors import ParameterError
from jwst_cal.kernels.convolve import convolve
from jwst_cal.kernels.labels import label
from jwst_cal.photometry import _blends, _isophotes
from jwst_cal.photometry._stars import SIGMA_TO_FWHM

__all__ = ["find"]


def find(image, error, uncovered, scatter, search, *, wcs=None):
    """
    Find sources as connected pixels.

    Parameters
    ----------
    image, error : float32 [row, col]
        Values without background, and standard deviations.
    uncovered : bool [row, col]
        Pixels without data.
    scatter : float32 [row, col]
        Standard deviation of the background, which the pixels of a source exceed in the convolved
        image by a factor.
    search : Search
        Parameters.
    wcs : gwcs.WCS, optional
        For the corners of the sources on the sky.

    Returns
    -------
    table : astropy.table.QTable or None
        The sources; None if there are none.
    segments : int32 [row, col] or None
        Which pixel belongs to which source; 0 for none.

    Raises
    ------
    ParameterError
        If ``npixels`` is less than 1.
    """
    if search.npixels < 1:
        raise ParameterError(f"Parameter 'npixels': {search.npixels} where at least 1 is needed")
    convolved = _convolved(image, search.kernel_fwhm, uncovered)
    segments, n_found = label(convolved, scatter, uncovered, times=search.snr_threshold,
                              n_pixels=search.npixels, connectivity=int(search.connectivity))
    if not n_found:
        return None, None
    if search.deblend:
        segments = _blends.taken_apart(convolved, segments, n_found, search)
    measured = _isophotes.measure(image, error, uncovered, convolved, segments, search, wcs=wcs)
    return measured, segments


def _convolved(image, fwhm, uncovered):
    """Convolve with a Gaussian; what is not finite or not covered is interpolated over."""
    return image if fwhm <= 0 else convolve(image, uncovered, gaussian(fwhm))


def gaussian(fwhm):
    """
    Make a Gaussian to convolve with, to four standard deviations to either side.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum, pixels.

    Returns
    -------
    float64 [row, col]
        Values at the centres of pixels; their sum is 1.
    """
    sigma = fwhm / SIGMA_TO_FWHM
    reach = math.ceil(8 * sigma) // 2
    away = np.arange(-reach, reach + 1) ** 2 / (2 * sigma**2)
    kernel = np.exp(-(away + away[:, None]))
    return kernel / kernel.sum()
