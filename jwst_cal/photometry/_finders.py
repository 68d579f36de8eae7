"""Sources in an image: three finders, one table."""

import logging
from dataclasses import dataclass

import numpy as np

from jwst_cal.kernels.clipping import middle
from jwst_cal.photometry import _background, _stars

__all__ = ["FINDERS", "Search", "find_sources"]

log = logging.getLogger(__name__)

FINDERS = ("dao", "iraf", "segmentation")
#: Columns of a catalogue without sources.
EMPTY = {"id": int, "xcentroid": float, "ycentroid": float, "flux": float}


@dataclass(frozen=True, kw_only=True)
class Search:
    """
    How sources are looked for; parameters of the steps have these names.

    Attributes
    ----------
    starfinder : {'dao', 'iraf', 'segmentation'}
        Which finder.
    snr_threshold : float
        Threshold above the background, in standard deviations of its noise.
    kernel_fwhm : float
        Full width at half maximum of the Gaussian that the image is convolved with, pixels.
    bkg_boxsize : int
        Side of the boxes in which the background is measured, pixels.
    minsep_fwhm, sigma_radius, sharplo, sharphi, roundlo, roundhi, brightest, peakmax
        Of ``dao`` and ``iraf``.
    npixels, connectivity, nlevels, contrast, multithresh_mode, localbkg_width, apermask_method, \
kron_params, deblend
        Of ``segmentation``.
    """

    starfinder: str
    snr_threshold: float
    kernel_fwhm: float
    bkg_boxsize: int
    minsep_fwhm: float
    sigma_radius: float
    sharplo: float
    sharphi: float
    roundlo: float
    roundhi: float
    brightest: int
    peakmax: float | None
    npixels: int
    connectivity: str
    nlevels: int
    contrast: float
    multithresh_mode: str
    localbkg_width: int
    apermask_method: str
    kron_params: list[float] | None
    deblend: bool


def find_sources(image, error, uncovered, search, *, wcs=None):
    """
    Find the sources in an image.

    Parameters
    ----------
    image : float32 [row, col]
        Values, with their background.
    error : float32 [row, col]
        Standard deviations.
    uncovered : bool [row, col]
        Pixels without data.
    search : Search
        How.
    wcs : gwcs.WCS, optional
        For positions on the sky (``segmentation``).

    Returns
    -------
    catalogue : astropy.table.QTable
        Columns of the finder, at least ``id``, ``xcentroid``, ``ycentroid`` (pixels from 0),
        ``flux``; without rows when there are no sources.
    segments : int32 [row, col] or None
        Which pixel belongs to which source, 0 for none (``segmentation``).

    Notes
    -----
    Source: the finders are those of photutils, in :mod:`._stars` and :mod:`._segmentation`.
    """
    segments = None
    try:
        background = _background.measure(image, uncovered, box=search.bkg_boxsize)
    except ValueError as reason:
        log.warning("The background cannot be measured: %s", reason)
        return _empty(), None
    if background.whole:
        log.info("No box of %d pixels has enough data: the background is that of the whole image",
                 search.bkg_boxsize)
    image = background.above
    if search.starfinder == "segmentation":
        from jwst_cal.photometry import _segmentation

        table, segments = _segmentation.find(image, error, uncovered, background.scatter, search,
                                             wcs=wcs)
    else:
        above = np.float32(search.snr_threshold)
        typical = np.mean(above * np.array(middle(background.scatter), np.float32))
        table = _stars.find(image, uncovered, float(typical), search)
    if table is None or not len(table):
        return _empty(), None
    return table, segments


def _empty():
    """Make a catalogue without sources."""
    from astropy.table import QTable

    return QTable(names=list(EMPTY), dtype=list(EMPTY.values()))
