"""Stars as peaks of an image convolved with a Gaussian, as DAOFIND and starfind find them."""

import math
from typing import NamedTuple

import numpy as np

from jwst_cal.errors import ParameterError
from jwst_cal.kernels.convolve import convolve, peaks

__all__ = ["find", "gaussian", "squares"]

#: Full width at half maximum of a Gaussian, in standard deviations.
SIGMA_TO_FWHM = 2 * math.sqrt(2 * math.log(2))
#: Least radius of a Gaussian, pixels.
LEAST_RADIUS = 2.0


class Gaussian(NamedTuple):
    """
    A Gaussian in a circle, to compare stars with.

    Attributes
    ----------
    values : float64 [row, col]
        The Gaussian in the whole square, 1 in the middle.
    inside : bool [row, col]
        The pixels of the circle.
    kernel : float64 [row, col]
        It in the circle, less its mean, scaled such that a convolution gives the height of the
        Gaussian that fits best.
    error : float
        Standard deviation of such a height, in that of a pixel.
    sigma : float
        Its width, pixels.
    """

    values: np.ndarray
    inside: np.ndarray
    kernel: np.ndarray
    error: float
    sigma: float


def gaussian(fwhm, radius):
    """
    Make a Gaussian.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum, pixels.
    radius : float
        Radius of the circle in standard deviations; it is at least 2 pixels.

    Returns
    -------
    Gaussian
        In a square with an odd number of pixels.

    Raises
    ------
    ParameterError
        If a number is not positive.

    Notes
    -----
    Source: Stetson 1987, PASP 99, 191.
    """
    if not (fwhm > 0 and radius > 0):
        raise ParameterError(f"Parameters 'kernel_fwhm' and 'sigma_radius': {fwhm} and {radius} "
                             "where positive numbers are needed")
    sigma = fwhm / SIGMA_TO_FWHM
    reach = max(LEAST_RADIUS, radius * sigma)
    half = int(reach)
    y, x = np.mgrid[-half:half + 1, -half:half + 1]
    inside = np.hypot(x, y) <= reach
    values = np.exp(-(x**2 + y**2) / (2 * sigma**2))
    kernel = values * inside
    mean = kernel.sum() / inside.sum()
    scale = (kernel**2).sum() - mean * kernel.sum()
    return Gaussian(values, inside, (kernel - mean) / scale * inside, 1 / math.sqrt(scale), sigma)


def squares(image, places, half):
    """
    Take a square of pixels around each place.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    places : int [place, 2]
        Columns and rows.
    half : int
        How many pixels to either side.

    Returns
    -------
    values : float32 [place, row, col]
        The squares, 0 beyond the image.
    inside : bool [place, row, col]
        Which pixels are in the image.
    """
    steps = np.arange(-half, half + 1)
    cols, rows = (places[:, axis, None] + steps for axis in (0, 1))
    rows, cols = rows[:, :, None], cols[:, None, :]
    inside = (rows >= 0) & (rows < image.shape[0]) & (cols >= 0) & (cols < image.shape[1])
    values = image[np.clip(rows, 0, image.shape[0] - 1), np.clip(cols, 0, image.shape[1] - 1)]
    return np.where(inside, values, np.zeros((), image.dtype)), inside


def find(image, uncovered, threshold, search):
    """
    Find stars.

    Parameters
    ----------
    image : float32 [row, col]
        Values without background.
    uncovered : bool [row, col]
        Pixels that are no stars.
    threshold : float
        What the height of a star exceeds.
    search : Search
        Parameters; ``starfinder`` is ``dao`` or ``iraf``.

    Returns
    -------
    astropy.table.QTable or None
        ``id``, ``xcentroid``, ``ycentroid``, ``flux`` and what the finder tells of the shape, the
        brightest first; None if there are none.

    Raises
    ------
    ParameterError
        If the kernel has no size, or no star is to be kept.

    Notes
    -----
    Source: Stetson 1987, PASP 99, 191 (``dao``); ``starfind`` of IRAF (``iraf``); both in the form
    of photutils.detection.
    """
    from astropy.table import QTable

    if search.brightest is not None and search.brightest < 1:
        raise ParameterError(f"Parameter 'brightest': {search.brightest} where at least 1 is "
                             "needed")
    compared = gaussian(search.kernel_fwhm, search.sigma_radius)
    if search.starfinder == "dao":
        measured, threshold = _daofind, threshold * compared.error
    else:
        measured = _starfind
    convolved = convolve(image, None, compared.kernel)  # which is symmetric
    apart = max(2, int(search.minsep_fwhm * search.kernel_fwhm + 0.5))
    places = np.argwhere(peaks(convolved, uncovered, threshold, apart))[:, ::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        stars, chosen = measured(image, convolved, places, compared, threshold, search)
    stars = {name: values[chosen] for name, values in stars.items()}
    if not chosen.any():
        return None
    if search.brightest is not None:
        order = np.argsort(stars["flux"])[::-1][:search.brightest]
        stars = {name: values[order] for name, values in stars.items()}
    return QTable({"id": np.arange(1, len(stars["flux"]) + 1), **stars})


def _within(values, low, high):
    return (values >= low) & (values <= high)


def _not_too_bright(peak, search):
    return True if search.peakmax is None else peak <= search.peakmax


def _starfind(image, convolved, places, compared, threshold, search):
    """Measure stars by their moments; which to keep."""
    from astropy.units import deg

    half = len(compared.kernel) // 2
    values = squares(image, places, half)[0]
    # in float32 as photutils has it: stars that are equal come in the order of what is left
    sky = np.sum(values * ~compared.inside, axis=(1, 2)) / np.count_nonzero(~compared.inside)
    values = np.maximum((values - sky[:, None, None]) * compared.inside.astype(float), 0)
    steps = np.arange(-half, half + 1, dtype=float)
    flux = values.sum(axis=(1, 2))
    down, across = values.sum(axis=2), values.sum(axis=1)
    y, x = (along @ steps / flux for along in (down, across))
    dy, dx = (steps - middle[:, None] for middle in (y, x))
    yy, xx = ((along * step**2).sum(axis=1) / flux
              for along, step in ((down, dy), (across, dx)))
    xy = np.einsum("sij,si,sj->s", values, dy, dx) / flux
    fwhm = 2 * np.sqrt(math.log(2) * (xx + yy))
    roundness = np.hypot(xx - yy, 2 * xy) / (xx + yy)
    stars = {
        "xcentroid": places[:, 0] + x, "ycentroid": places[:, 1] + y, "fwhm": fwhm,
        "sharpness": fwhm / search.kernel_fwhm, "roundness": roundness,
        "orientation": np.degrees(np.arctan2(2 * xy, xx - yy) / 2) % 360,
        "n_pixels": np.count_nonzero(values, axis=(1, 2)), "peak": values.max(axis=(1, 2)),
        "flux": flux, "mag": -2.5 * np.log10(flux)}
    known = np.isfinite([stars[name] for name in ("xcentroid", "ycentroid", "sharpness",
                                                  "roundness", "orientation", "peak", "flux")])
    chosen = (known.all(axis=0) & np.isfinite(sky) & (stars["n_pixels"] > 1)
              & _within(stars["sharpness"], search.sharplo, search.sharphi)
              & _within(roundness, search.roundlo, search.roundhi)
              & _not_too_bright(stars["peak"], search))
    stars["orientation"] = stars["orientation"] * deg
    return stars, chosen


def _daofind(image, convolved, places, compared, threshold, search):
    """Measure stars by Gaussians that fit their marginal sums; which to keep."""
    from jwst_cal.photometry import _apertures

    half = len(compared.kernel) // 2
    values = squares(image, places, half)[0].astype(np.float64)
    sharpness, symmetry = _apertures.shapes(image, places, search.kernel_fwhm, search.sigma_radius)
    (dx, height_x), (dy, height_y) = (_marginal_fit(values, compared, axis) for axis in (2, 1))
    peak, flux = (part.astype(image.dtype)
                  for part in (values[:, half, half], values.sum(axis=(1, 2))))
    stars = {
        "xcentroid": places[:, 0] + dx, "ycentroid": places[:, 1] + dy, "sharpness": sharpness,
        "roundness1": symmetry, "roundness2": 2 * (height_x - height_y) / (height_x + height_y),
        "n_pixels": np.full(len(places), compared.kernel.size), "peak": peak, "flux": flux,
        "mag": -2.5 * np.log10(flux),
        "daofind_mag": -2.5 * np.log10(convolved[places[:, 1], places[:, 0]] / threshold)}
    known = np.isfinite([height_x, height_y] + [stars[name] for name in (
        "xcentroid", "ycentroid", "sharpness", "roundness1", "roundness2", "peak", "flux")])
    chosen = (known.all(axis=0) & _within(sharpness, search.sharplo, search.sharphi)
              & _not_too_bright(peak, search))
    for roundness in (symmetry, stars["roundness2"]):
        chosen &= _within(roundness, search.roundlo, search.roundhi)
    return stars, chosen


def _marginal_fit(values, compared, axis):
    """
    Fit the Gaussian to the sums of each star across an axis, with weights that fall outwards.

    Returns
    -------
    shift, height : float64 [star]
        Where its middle is, pixels; NaN where the height is not positive.
    """
    half = len(compared.kernel) // 2
    away = half - np.arange(2 * half + 1)
    weight = half + 1.0 - np.abs(away)
    if axis == 1:
        data, model = values @ weight, compared.values @ weight
    else:
        data, model = weight @ values, weight @ compared.values
    slope = model * away

    def total(*factors):
        return (np.prod(np.broadcast_arrays(*factors), axis=0) * weight).sum(axis=-1)

    mean = total(model) / weight.sum()
    height = (total(data, model) - total(data) * mean) / (total(model, model)
                                                          - total(model) * mean)
    shift = (total(model, slope) - (total(data, slope) - total(slope) * total(data))) / (
        height * total(slope, slope) / compared.sigma**2)
    # a shift out of the square: the mean place of the light instead, if that is inside; its sign
    # along y is that of photutils
    other = total(data, away if axis == 2 else -away) / total(data)
    shift = np.where(np.abs(shift) > half + 0.5, np.where(total(data) == 0, 0, other), shift)
    shift = np.where(np.abs(shift) > half + 0.5, 0, shift)
    return np.where(height > 0, (shift, height), np.nan)
