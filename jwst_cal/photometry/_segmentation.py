"""Sources as connected pixels above a threshold, those that overlap taken apart."""

import numpy as np

from jwst_cal.kernels.convolve import convolve
from jwst_cal.kernels.segments import divisible
from jwst_cal.photometry import _isophotes, _photutils

__all__ = ["find"]


def find(image, error, uncovered, threshold, search, *, wcs=None):
    """
    Find sources as connected pixels.

    Parameters
    ----------
    image, error : float32 [row, col]
        Values without background, and standard deviations.
    uncovered : bool [row, col]
        Pixels without data.
    threshold : float32 [row, col]
        What the pixels of a source exceed in the convolved image.
    search : Search
        Parameters.
    wcs : gwcs.WCS, optional
        For the corners of the sources on the sky.

    Returns
    -------
    table : astropy.table.QTable or None
        The sources; None if there are none.
    segments : SegmentationImage or None
        Which pixel belongs to which source.
    """
    import warnings

    _photutils.loaded()
    from astropy.utils.exceptions import AstropyUserWarning
    from photutils import use_future_column_names
    from photutils.segmentation import detect_sources
    from photutils.utils import NoDetectionsWarning

    with warnings.catch_warnings(), use_future_column_names():
        warnings.simplefilter("ignore", AstropyUserWarning)  # that there are NaN
        warnings.simplefilter("ignore", NoDetectionsWarning)
        convolved = _convolved(image, search.kernel_fwhm, uncovered)
        segments = detect_sources(convolved, threshold, search.npixels, mask=uncovered,
                                  connectivity=int(search.connectivity))
        if segments is None:
            return None, None
        if search.deblend:
            segments = _taken_apart(convolved, segments, search)
    measured = _isophotes.measure(image, error, uncovered, convolved,
                                  np.asarray(segments.data, np.int32), search, wcs=wcs)
    return measured, segments


def _taken_apart(convolved, segments, search):
    """Divide segments that are several sources; of most a kernel tells that they are not."""
    from photutils.segmentation import deblend_sources

    connectivity = int(search.connectivity)
    may = divisible(convolved, np.asarray(segments.data, np.int32), n_pixels=search.npixels,
                    connectivity=connectivity)[segments.labels - 1]
    if not may.any():
        return segments
    return deblend_sources(convolved, segments, search.npixels, labels=segments.labels[may],
                           n_levels=search.nlevels, contrast=search.contrast,
                           mode=search.multithresh_mode, connectivity=connectivity,
                           progress_bar=False)


def _convolved(image, fwhm, uncovered):
    """Convolve with a Gaussian; what is not finite or not covered is interpolated over."""
    from astropy.convolution import Gaussian2DKernel
    from astropy.stats import gaussian_fwhm_to_sigma

    if fwhm <= 0:
        return image
    kernel = Gaussian2DKernel(fwhm * gaussian_fwhm_to_sigma).array
    return convolve(image, uncovered, kernel / kernel.sum())
