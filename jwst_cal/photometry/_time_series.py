"""A star in every integration: centroid, width, sums in apertures."""

from typing import NamedTuple

import numpy as np

from jwst_cal.kernels.circles import circle_weights
from jwst_cal.photometry._stars import SIGMA_TO_FWHM

#: Integrations at work at a time: bounds the memory of long series.
BLOCK = 64


class Found(NamedTuple):
    """Where the star is in each integration, and how wide and bright."""

    #: (2, n): x and y, pixels from 0; NaN where it was not found.
    centroids: np.ndarray
    #: (2, n): standard deviations along x and y, pixels; None if it was found nowhere.
    widths: np.ndarray | None
    #: (n,): total flux of the Gaussian; None likewise.
    fluxes: np.ndarray | None


class Series:
    """
    A time series of images.

    Parameters
    ----------
    data, err : ndarray of float32, (n, rows, columns)
        Values and errors; not changed.
    unusable : ndarray of bool, (n, rows, columns)
        Pixels that centroids and fits leave out; NaN are left out besides.
    factor : float or ndarray, (rows, columns)
        Conversion of values and errors.
    """

    def __init__(self, data, err, unusable, factor):
        self.data, self.err, self.unusable = data, err, unusable
        self.factor = np.asarray(factor)
        self.shape = data.shape[1:]

    def _blocks(self):
        for start in range(0, len(self.data), BLOCK):
            yield slice(start, start + BLOCK)

    def _converted(self, array, where, part=(slice(None), slice(None))):
        factor = self.factor[part] if self.factor.ndim else self.factor
        return array[where][(slice(None), *part)] * factor

    def centroids(self, x, y, width, radius):
        """
        Find centres of mass in a box; the background is the median outside of a circle.

        Parameters
        ----------
        x, y : float
            Centre of the box and of the circle.
        width : int
            Side of the box, pixels.
        radius : float
            Of the circle.

        Returns
        -------
        ndarray of float64, (2, n)
            x and y; NaN without a pixel in the box, or where they lie outside of the image.
        """
        found = np.full((2, len(self.data)), np.nan)
        box = box_around(self.shape, x, y, width)
        if box is None:
            return found
        rows, columns = box
        row = np.arange(rows.start, rows.stop)[:, None]
        column = np.arange(columns.start, columns.stop)
        for block in self._blocks():
            values = self._in_box(block, box, (x, y), radius).astype(np.float64)
            values[np.isnan(values)] = 0
            total = values.sum(axis=(1, 2))
            with np.errstate(divide="ignore", invalid="ignore"):
                found[0, block] = (values * column).sum(axis=(1, 2)) / total
                found[1, block] = (values * row).sum(axis=(1, 2)) / total
        with np.errstate(invalid="ignore"):
            inside = ((found >= 0) & (found < np.array(self.shape[::-1])[:, None])).all(axis=0)
        found[:, ~inside] = np.nan
        return found

    def _in_box(self, block, box, centre, radius):
        """Values in a box less the background; NaN where unusable."""
        values = self._converted(self.data, block, box) - self._background(block, centre, radius)
        values[self.unusable[block][(slice(None), *box)]] = np.nan
        return values

    def _background(self, block, centre, radius):
        """Medians outside of a circle, (n, 1, 1)."""
        row, column = np.ogrid[: self.shape[0], : self.shape[1]]
        outside = (column - centre[0]) ** 2 + (row - centre[1]) ** 2 >= radius**2
        values = self._converted(self.data, block)[:, outside]
        usable = ~np.isnan(values).all(axis=1)
        medians = np.full(len(values), np.nan, values.dtype)
        medians[usable] = np.nanmedian(values[usable], axis=1)
        return medians[:, None, None]

    def fit_gaussians(self, centroids, width, centre, radius):
        """
        Fit a Gaussian, integrated over pixels, at the centroid of each integration.

        Parameters
        ----------
        centroids : ndarray, (2, n)
            x and y, held fixed.
        width : int
            Side of the box that is fitted, pixels.
        centre, radius : (float, float), float
            Circle outside of which the background is the median.

        Returns
        -------
        widths : ndarray of float64, (2, n)
            Standard deviations along x and y, pixels.
        fluxes : ndarray of float64, (n,)
            All NaN where no fit is possible.
        """
        widths = np.full((2, len(self.data)), np.nan)
        fluxes = np.full(len(self.data), np.nan)
        for block in self._blocks():
            background = self._background(block, centre, radius)
            for k in range(block.start, min(block.stop, len(self.data))):
                box = box_around(self.shape, *centroids[:, k], width)
                if box is None:
                    continue
                one = slice(k, k + 1)
                values = self._converted(self.data, one, box)[0] - background[k - block.start]
                values[self.unusable[k][box]] = np.nan
                widths[:, k], fluxes[k] = fit_gaussian(
                    values, centroids[0, k] - box[1].start, centroids[1, k] - box[0].start, width)
        return widths, fluxes

    def apertures(self, x, y, radius, inner, outer):
        """
        Add up what lies in a circle, and in a ring around it; pixels count by their exact overlap.

        Parameters
        ----------
        x, y : float or ndarray, (n,)
            Centre; one for all integrations or one each.
        radius, inner, outer : float
            Of the circle and of the ring, pixels.

        Returns
        -------
        dict of str to ndarray of float64, (n,)
            Sums and errors: ``aperture_sum``, ``annulus_sum``, ``annulus_mean``,
            ``aperture_bkg``, ``net_aperture_sum``, each followed by its ``_err``. NaN where the
            centre is NaN or no pixel lies inside.

        Raises
        ------
        ValueError
            If a radius is not positive.
        """
        circle, circle_err, circle_area = self._sums(x, y, radius)
        ring, ring_err, ring_area = self._sums(x, y, outer, inner)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean, mean_err = ring / ring_area, ring_err / ring_area
        background, background_err = mean * circle_area, mean_err * circle_area
        return _columns(circle, circle_err, ring, ring_err, mean, mean_err, background,
                        background_err, circle - background,
                        np.sqrt(circle_err**2 + background_err**2))

    def _sums(self, x, y, *radii):
        """Sum, error and area of usable pixels in a circle or, of two radii, ring: each (3, n)."""
        result = np.full((3, len(self.data)), np.nan)
        if np.ndim(x) == 0:
            for block in self._blocks():
                self._add(result, block, (x, y), radii)
            return result
        for k in np.flatnonzero(np.isfinite(x) & np.isfinite(y)):
            self._add(result, slice(k, k + 1), (x[k], y[k]), radii)
        return result

    def _add(self, result, block, place, radii):
        box, weight = inside(self.shape, *place, *radii)
        values = self._converted(self.data, block, box).astype(np.float64)
        errors = self._converted(self.err, block, box).astype(np.float64)
        usable = np.isfinite(values) & (weight > 0)
        weight = weight * usable
        any_usable = usable.any(axis=(1, 2))
        found = ((np.where(usable, values, 0) * weight).sum(axis=(1, 2)),
                 np.sqrt((np.where(usable, errors, 0) ** 2 * weight).sum(axis=(1, 2))),
                 weight.sum(axis=(1, 2)))
        for k, row in enumerate(found):
            result[k, block] = np.where(any_usable, row, np.nan)

    def totals(self):
        """Add up whole images: the columns of :meth:`apertures` without a background."""
        total, error = np.empty((2, len(self.data)))
        for block in self._blocks():
            values = self._converted(self.data, block)
            errors = self._converted(self.err, block)
            total[block] = np.nansum(values, axis=(1, 2), dtype=np.float64)
            error[block] = np.sqrt(np.nansum(np.square(errors, dtype=np.float64), axis=(1, 2)))
        none = np.full(len(total), np.nan)
        return _columns(total, error, *[none] * 6, total, error)


def _columns(*values):
    names = ("aperture_sum", "annulus_sum", "annulus_mean", "aperture_bkg", "net_aperture_sum")
    return dict(zip((f"{name}{end}" for name in names for end in ("", "_err")), values,
                    strict=True))


def inside(shape, x, y, outer, inner=None):
    """
    Return the part of each pixel that is in a circle, or in a ring.

    Parameters
    ----------
    shape : (int, int)
        Of the image.
    x, y : float
        Centre.
    outer, inner : float, optional
        Radii, pixels.

    Returns
    -------
    box : (slice, slice)
        Rows and columns that the circle touches; without pixels where it is outside.
    weight : ndarray of float64, (rows, columns)
        Of these.

    Raises
    ------
    ValueError
        If a radius is not positive.
    """
    box = tuple(slice(*(int(np.clip(np.rint(at + way * (outer + 1)), 0, size)) for way in (-1, 1)))
                for size, at in zip(shape, (y, x), strict=True))
    rows, columns = (part.stop - part.start for part in box)
    if not rows * columns:
        return box, np.zeros((rows, columns))
    place = x - box[1].start, y - box[0].start
    weight = circle_weights((rows, columns), *place, outer)
    if inner is not None:
        weight = weight - circle_weights((rows, columns), *place, inner)
    return box, weight


def box_around(shape, x, y, width):
    """
    Return the part of an image that a box covers.

    Parameters
    ----------
    shape : (int, int)
        Of the image.
    x, y : float
        Centre.
    width : int
        Side of the box, pixels.

    Returns
    -------
    (slice, slice) or None
        Rows and columns; None where the centre is NaN or the box lies outside.
    """
    parts = []
    for size, at in zip(shape, (y, x), strict=True):
        if not np.isfinite(at):
            return None
        start = int(np.ceil(at - width / 2))
        part = slice(max(start, 0), min(start + width, size))
        if part.start >= part.stop:
            return None
        parts.append(part)
    return tuple(parts)


def fit_gaussian(values, x, y, width):
    """
    Fit the flux and the two widths of a Gaussian that is integrated over the pixels.

    Parameters
    ----------
    values : ndarray, (rows, columns)
        Image without background; NaN are left out.
    x, y : float
        Centre, held fixed.
    width : int
        Largest full width at half maximum; half of it is the first guess.

    Returns
    -------
    widths : (float, float)
        Standard deviations along x and y, pixels; NaN with fewer than three pixels.
    flux : float
    """
    from scipy.optimize import least_squares
    from scipy.special import erf

    usable = np.isfinite(values)
    measured = values[usable].astype(np.float64)
    if measured.size < 3:
        return (np.nan, np.nan), np.nan
    columns, rows = np.arange(values.shape[1]) - x, np.arange(values.shape[0]) - y

    def line(offset, fwhm):
        """Share of each pixel along an axis, and its derivative."""
        root = np.sqrt(2) * max(fwhm, 1e-12) / SIGMA_TO_FWHM
        upper, lower = (offset + 0.5) / root, (offset - 0.5) / root
        slope = (lower * np.exp(-lower**2) - upper * np.exp(-upper**2)) / np.sqrt(np.pi)
        return (erf(upper) - erf(lower)) / 2, slope / max(fwhm, 1e-12)

    def residuals(parameters):
        flux, x_fwhm, y_fwhm = parameters
        image = flux * np.outer(line(rows, y_fwhm)[0], line(columns, x_fwhm)[0])
        return image[usable] - measured

    def derivatives(parameters):
        flux, x_fwhm, y_fwhm = parameters
        (along_x, x_slope), (along_y, y_slope) = line(columns, x_fwhm), line(rows, y_fwhm)
        return np.stack([np.outer(along_y, along_x)[usable],
                         flux * np.outer(along_y, x_slope)[usable],
                         flux * np.outer(y_slope, along_x)[usable]], axis=1)

    total = max(measured.sum(), 0.0)
    fit = least_squares(residuals, (total, width / 2, width / 2), jac=derivatives,
                        bounds=((0, 0, 0), (np.inf, width, width)), x_scale="jac",
                        xtol=1e-10, ftol=1e-12,
                        gtol=None)  # that one depends on the unit
    flux, x_fwhm, y_fwhm = fit.x
    return (x_fwhm / SIGMA_TO_FWHM, y_fwhm / SIGMA_TO_FWHM), flux

