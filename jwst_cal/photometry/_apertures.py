"""Photometry of many sources: circular apertures, rings of background, shapes."""

from typing import NamedTuple

import numpy as np

from jwst_cal.kernels.circles import circle_sums
from jwst_cal.kernels.rings import ring_medians
from jwst_cal.photometry import _stars

__all__ = ["Apertures", "local_background", "magnitudes", "shapes", "sums"]

#: Where a source is put whose position is not known: nothing of the image is there.
NOWHERE = -1000.0
#: Clipping of the background, and at most so many rounds.
SIGMA, ROUNDS = 3.0, 5
#: AB magnitude of 1 Jy.
ZERO_POINT = 8.9


class Apertures(NamedTuple):
    """
    The apertures of a catalogue.

    Attributes
    ----------
    energies : int [3]
        Encircled energies, percent.
    radii, corrections : float32 [3]
        Radii in pixels; total flux in units of that in the aperture.
    inner, outer : float
        Radii of the ring of background, pixels.
    """

    energies: np.ndarray
    radii: np.ndarray
    corrections: np.ndarray
    inner: float
    outer: float


def known(positions):
    """Put sources that have no position where no pixels are."""
    return np.where(np.isfinite(positions), positions, NOWHERE)


def _pixels(positions):
    """The pixels that the positions are in, columns and rows."""
    return np.ceil(known(positions) - 0.5).astype(int)


def local_background(image, positions, inner, outer):
    """
    Measure the background in a ring around each source.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    positions : float64 [source, 2]
        Columns and rows.
    inner, outer : float
        Radii, pixels; pixels count whose centre is between them.

    Returns
    -------
    median, error : float64 [source]
        Median after sigma clipping, and its standard error; NaN where there are no pixels.
    """
    median, std, count = ring_medians(image, positions, inner=inner, outer=outer, sigma=SIGMA,
                                      max_passes=ROUNDS)
    with np.errstate(divide="ignore"):
        return median, np.sqrt(np.pi / (2.0 * count)) * std


def sums(image, error, positions, radii):
    """
    Add up what is in circles around each source.

    Parameters
    ----------
    image, error : float32 [row, col]
        Values and standard deviations.
    positions : float64 [source, 2]
        Columns and rows.
    radii : float [radius]
        Radii, pixels; pixels at the edge count by the part that is inside.

    Returns
    -------
    total, error : float64 [radius, source]
        Sum and its standard deviation; NaN where there is no image.
    """
    return circle_sums(image, error, positions, np.asarray(radii, np.float64))


def shapes(image, positions, fwhm, radius=1.5):
    """
    Measure how sharp and round sources are, as DAOFIND does.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    positions : float64 [source, 2]
        Columns and rows.
    fwhm : float
        Full width at half maximum of the Gaussian they are compared with, pixels.
    radius : float
        Where it ends, standard deviations.

    Returns
    -------
    sharpness, roundness : float64 [source]
        Height of the central pixel above the mean of the others, in that of the Gaussian that
        fits best; twice the difference between quadrants that are opposite, in the sum of all.

    Notes
    -----
    Source: Stetson 1987, PASP 99, 191.
    """
    compared = _stars.gaussian(max(fwhm, 1e-3), radius)  # a point at least
    half = len(compared.kernel) // 2
    wide, inside = _stars.squares(image, _pixels(positions), 2 * half)
    wide = wide.astype(np.float64)
    views = np.lib.stride_tricks.sliding_window_view(wide, compared.kernel.shape, axis=(1, 2))
    convolved = np.einsum("nijkl,kl->nij", views, compared.kernel)  # the kernel is symmetric
    convolved = np.where(inside[:, half:-half, half:-half], convolved, 0)
    values = wide[:, half:-half, half:-half]
    peak = values[:, half, half]
    with np.errstate(divide="ignore", invalid="ignore"):
        around = ((values * compared.inside).sum(axis=(1, 2)) - peak) / (compared.inside.sum() - 1)
        sharpness = (peak - around) / convolved[:, half, half]
        ring = convolved.copy()
        ring[:, half, half] = 0
        total = np.abs(ring).sum(axis=(1, 2))
        roundness = 2 * (ring * _quadrants(half)).sum(axis=(1, 2)) / np.where(total, total, np.nan)
    return sharpness, roundness


def _quadrants(half):
    """Signs of the quadrants, each with the half axis that comes before it."""
    y, x = np.mgrid[-half:half + 1, -half:half + 1]
    return np.where((x > 0) & (y <= 0) | (x < 0) & (y >= 0), -1, 1)


def magnitudes(flux, error):
    """
    Convert fluxes to AB magnitudes.

    Parameters
    ----------
    flux, error : float64 [source]
        Jy.

    Returns
    -------
    magnitude, error : float64 [source]
        NaN for negative fluxes.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        magnitude = -2.5 * np.log10(flux) + ZERO_POINT
        width = 2.5 * np.log10(1.0 + error / flux)
        magnitude[flux < 0] = width[flux < 0] = np.nan
    return magnitude, width.astype(magnitude.dtype)
