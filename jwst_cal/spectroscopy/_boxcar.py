"""Box extraction: sums of pixels across the dispersion, in all integrations.

The dispersion is along rows. An integration is done as numpy does it on one image; rows without
weight are left out.
"""

import warnings
from typing import NamedTuple

import numpy as np

__all__ = ["COMPONENTS", "Images", "Sums", "extract"]

#: Variances, by what they come from.
COMPONENTS = ("poisson", "rnoise", "flat")
#: Error of a median over that of a mean.
MEDIAN = 1.2
#: Condition number from which a polynomial is not determined.
SINGULAR = 1e10
#: Pixels in hand at a time.
_AT_ONCE = 1 << 20


class Images(NamedTuple):
    """
    What is extracted from.

    Attributes
    ----------
    data : float32 [integration, row, col]
        NaN where it is not to be used.
    variances : dict of float32 [integration, row, col]
        By component; None for none.
    """

    data: np.ndarray
    variances: dict

    def part(self, integrations, rows):
        """Take some integrations and rows."""
        return Images(self.data[integrations, rows], {
            name: None if variance is None else variance[integrations, rows]
            for name, variance in self.variances.items()})

    @property
    def known(self):
        """Where neither the data nor the variance is NaN or infinite, bool."""
        total = np.isfinite(self.data)
        present = [variance for variance in self.variances.values() if variance is not None]
        return total & np.isfinite(sum(present)) if present else total


class Sums(NamedTuple):
    """
    Spectra, float64 [integration, col].

    Attributes
    ----------
    flux, background : float64 [integration, col]
        Sum over the aperture, NaN where it has no pixel; and what was subtracted from it.
    flux_variances, background_variances : dict of float64 [integration, col]
        By component; that of the flux holds that of the background.
    n_pixels : float64 [integration, col]
        Pixels that were summed.
    """

    flux: np.ndarray
    background: np.ndarray
    flux_variances: dict
    background_variances: dict
    n_pixels: np.ndarray


def extract(images, weights, background=None, *, fit="poly", order=0, smoothing=0, scene=None):
    """
    Sum up the pixels of an aperture, less the background.

    Parameters
    ----------
    images : Images
        The integrations.
    weights : float64 [row, col]
        Of the aperture, 0 to 1.
    background : float64 [row, col], optional
        Not 0 where the background is measured.
    fit : str
        ``poly`` or ``median``, of each column.
    order : int
        Degree of the polynomial.
    smoothing : int
        Columns over which the image is smoothed for that, 0 for none.
    scene : float32 [integration, row, col], OUT, optional
        Background and mean flux in the aperture.

    Returns
    -------
    Sums
        Of each integration.
    """
    n_ints, (n_rows, n_cols) = len(images.data), weights.shape
    used = weights.any(axis=1)
    if background is not None:
        used |= background.any(axis=1)
    rows = _spanned(used) if scene is None else slice(None)
    heights = np.linspace(-1, 1, n_rows)[rows]
    weights = weights[rows]
    measure = None
    if background is not None:
        measure = (_Median(background[rows], weights) if fit == "median" else
                   _Polynomial(background[rows], weights, heights, order))
    sums = _none(n_ints, n_cols)
    step = max(1, _AT_ONCE // max(weights.size, 1))
    for first in range(0, n_ints, step):
        integrations = slice(first, first + step)
        part = images.part(integrations, rows)
        level = None
        if measure is not None:
            level = measure(part, _smoothed(part.data, smoothing))
        _sum_up(_part(sums, integrations), part, weights, level,
                None if scene is None else scene[integrations])
    return sums


def _spanned(used):
    """The rows from the first to the last that is used."""
    at = np.flatnonzero(used)
    return slice(at[0], at[-1] + 1) if at.size else slice(0, 1)


def _none(n_ints, n_cols):
    def zeros():
        return np.zeros((n_ints, n_cols))

    return Sums(zeros(), zeros(), {name: zeros() for name in COMPONENTS},
                {name: zeros() for name in COMPONENTS}, zeros())


def _part(sums, integrations):
    """Views of the arrays of some integrations."""
    return Sums(*({name: array[integrations] for name, array in found.items()}
                  if isinstance(found, dict) else found[integrations] for found in sums))


def _sum_up(sums, images, weights, level, scene):
    """Sum up integrations; ``level`` is the background and its variances."""
    image = images.data if level is None else images.data - level.image
    known = np.isfinite(image)
    shares = np.where(known, weights, 0.0)
    image = np.where(shares == 0, 0, image)
    sums.flux[:] = np.sum(image * shares, axis=1)
    sums.n_pixels[:] = np.sum(shares, axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = shares**2
        for name, variance in images.variances.items():
            if variance is not None:
                sums.flux_variances[name][:] = np.nansum(variance * squares, axis=1)
    if level is not None:
        for name, variance in level.variances.items():
            sums.background_variances[name][:] = variance
            sums.flux_variances[name][:] += variance
        with np.errstate(invalid="ignore"):
            found = np.sum(level.image * shares, axis=1)
        sums.background[:] = np.where(np.isfinite(found), found, 0.0)
    if scene is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(sums.n_pixels > 0, sums.flux / sums.n_pixels, 0.0)
        scene[:] = mean[:, np.newaxis] * shares + (0.0 if level is None else level.image)
    sums.flux[np.isclose(sums.n_pixels, 0)] = np.nan


class _Level(NamedTuple):
    """
    A background.

    Attributes
    ----------
    image : float [integration, row, col]
        Rows may be one for all.
    variances : dict of float64 [integration, col]
        Of its sum over the aperture.
    """

    image: np.ndarray
    variances: dict


def _smoothed(data, length):
    """Running mean along rows, over what is known."""
    if length <= 1:
        return data
    from astropy.convolution import convolve

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "nan_treatment='interpolate', however, NaN values")
        return convolve(data, np.ones((1, 1, length)) / length, boundary="extend")


class _Median:
    """Median of the background pixels of each column."""

    def __init__(self, background, weights):
        self._inside = background != 0
        self._height = np.sum(weights, axis=0)

    def __call__(self, images, smooth):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
            values = np.where(self._inside, smooth, smooth.dtype.type(np.nan))
            median = np.nanmedian(values, axis=1)
        known = images.known & self._inside
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = known / known.sum(axis=1, keepdims=True)
        return _Level(median[:, np.newaxis], {
            name: MEDIAN**2 * self._height**2 * np.nansum(variance * shares**2, axis=1)
            for name, variance in images.variances.items() if variance is not None})


class _Polynomial:
    """Polynomial fitted to the background pixels of each column."""

    def __init__(self, background, weights, heights, order):
        self._inside = background != 0
        self._powers = np.vander(heights, order + 1, increasing=True)  # [row, term]
        self._sums = np.einsum("yx,yp->xp", weights, self._powers)
        self._whole = self._solution(self._inside)

    def _solution(self, used):
        """Weights of pixels for each coefficient, [row, col, term], and for the sum, [row, col]."""
        design = used[..., np.newaxis] * self._powers[:, np.newaxis]
        matrix = np.einsum("yxp,yxq->xpq", design, design)
        with np.errstate(invalid="ignore", divide="ignore"):
            solvable = np.linalg.cond(matrix) < SINGULAR
        inverse = np.zeros_like(matrix)
        inverse[solvable] = np.linalg.inv(matrix[solvable])
        shares = np.einsum("xpq,yxq->yxp", inverse, design)
        return shares, np.einsum("yxp,xp->yx", shares, self._sums)

    def __call__(self, images, smooth):
        level = np.empty(images.data.shape)
        variances = {name: np.zeros((len(level), level.shape[2])) for name, variance in
                     images.variances.items() if variance is not None}
        for k, used in enumerate(images.known & np.isfinite(smooth) & self._inside):
            whole = np.array_equal(used, self._inside)
            shares, in_sum = self._whole if whole else self._solution(used)
            values = np.where(used, smooth[k], 0.0)
            coefficients = np.einsum("yxp,yx->xp", shares, values)
            level[k] = np.einsum("yp,xp->yx", self._powers, coefficients)
            for name, found in variances.items():
                found[k] = np.nansum(images.variances[name][k] * in_sum**2, axis=0)
        return _Level(level, variances)
