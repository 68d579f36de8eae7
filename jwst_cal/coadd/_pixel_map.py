"""Where the pixels of one image lie in another: evaluated at few places, then interpolated."""

import logging
import math

import numpy as np

from jwst_cal.kernels.pixel_map import pixel_map

__all__ = ["TOLERANCE", "PixelMap"]

log = logging.getLogger(__name__)

#: Largest error of an interpolated place, in pixels of the target.
TOLERANCE = 1e-6
#: Numbers of Chebyshev nodes along an axis that are tried in turn.
NODES = (12, 20, 32)
#: Columns between those at which the limits of a row are looked up, and what may be missed.
LIMITS_STEP, LIMITS_MARGIN = 32, 0.1
#: Places at which the interpolation is checked against the transformation itself.
N_CHECKS = 64


class PixelMap:
    """
    The places in a target frame of the pixels of a source.

    Parameters
    ----------
    source, target : gwcs.WCS
        Coordinates of the source and of the target; both lead to the same sky.
    shape : (int, int)
        Rows and columns of the source.
    step : float
        Above 1, the transformation is evaluated every so many pixels only, and interpolated by
        splines of the given order, as the reference release does.
    order : {1, 3}
        Order of those splines.

    Raises
    ------
    ValueError
        If the order is neither 1 nor 3.

    Notes
    -----
    With ``step`` 1, tensor products of Chebyshev polynomials stand for the transformation where
    they agree with it within TOLERANCE at check points, which distortions do; else every pixel is
    evaluated. Source: Trefethen 2013, Approximation Theory and Approximation Practice.
    """

    def __init__(self, source, target, shape, *, step=1.0, order=1):
        self.shape = tuple(shape)
        (x0, x1), (y0, y1) = self._bounds = _bounds(source, shape)
        self._coefficients = self._whole = None
        if x1 < x0 or y1 < y0:
            return

        def at(x, y):
            sky = source(x, y, with_bounding_box=False)
            return target.invert(*sky, with_bounding_box=False)

        if step > 1 and max(x1 - x0, y1 - y0) >= 10:
            self._whole = _splines(at, (x0, x1), (y0, y1), step, order)
        else:
            self._coefficients = _chebyshev(at, (x0, x1), (y0, y1))
        if self._coefficients is None and self._whole is None:
            self._whole = at(*np.meshgrid(np.arange(x0, x1 + 1.0), np.arange(y0, y1 + 1.0)))

    @property
    def is_small(self):
        """Whether it is kept as coefficients, not pixel by pixel."""
        return self._whole is None

    def limits(self):
        """
        Give the region of the target that the pixels fill, row by row.

        Returns
        -------
        low, high : float64 [row]
            Least and largest y of the rows of the source, within LIMITS_MARGIN; infinite, and low
            above high, for rows without places.
        columns : (float, float) or None
            Least and largest x; None when there is no place at all.
        """
        (x0, x1), (y0, y1) = self._bounds
        low, high = (np.full(self.shape[0], sign * np.inf) for sign in (1, -1))
        if x1 < x0 or y1 < y0:
            return low, high, None
        if self._coefficients is not None:
            n = min(x1 - x0 + 1, (x1 - x0) // LIMITS_STEP + 2)
            x, y = pixel_map(self._coefficients, (y1 - y0 + 1, n))
        else:
            x, y = self._whole
        known = np.isfinite(y).any(axis=1)
        rows = np.flatnonzero(known) + y0
        low[rows] = np.nanmin(y[known], axis=1) - LIMITS_MARGIN
        high[rows] = np.nanmax(y[known], axis=1) + LIMITS_MARGIN
        columns = ((float(np.nanmin(x)) - LIMITS_MARGIN, float(np.nanmax(x)) + LIMITS_MARGIN)
                   if rows.size else None)
        return low, high, columns

    def rows(self, start, stop):
        """
        Give the places of some rows.

        Parameters
        ----------
        start, stop : int
            First row, and the one after the last.

        Returns
        -------
        x, y : float64 [row, col]
            Places, NaN outside the source's bounding box.
        """
        (x0, x1), (y0, y1) = self._bounds
        first, last = max(start, y0), min(stop, y1 + 1)
        shape = stop - start, self.shape[1]
        if x1 < x0 or first >= last:
            return tuple(np.full((2, *shape), np.nan))
        wanted = first - y0, last - y0
        if self._coefficients is not None:
            places = pixel_map(self._coefficients, (y1 - y0 + 1, x1 - x0 + 1), rows=wanted)
        else:
            places = [np.ascontiguousarray(part[slice(*wanted)], np.float64)
                      for part in self._whole]
        if places[0].shape != shape:
            whole = np.full((2, *shape), np.nan)
            whole[:, first - start:last - start, x0:x1 + 1] = places
            places = whole
        return tuple(places)


def _bounds(wcs, shape):
    """First and last column and row inside the bounding box."""
    n_rows, n_cols = shape
    if wcs.bounding_box is None:
        return (0, n_cols - 1), (0, n_rows - 1)
    return tuple(
        (max(0, math.ceil(low)), min(n - 1, math.floor(high)))
        for (low, high), n in zip(wcs.bounding_box.bounding_box(order="F"), (n_cols, n_rows),
                                  strict=True))


def _chebyshev(at, across, down):
    """Coefficients of x and y, or None when they are not good enough."""
    from numpy.polynomial.chebyshev import chebval2d

    n_cols, n_rows = across[1] - across[0] + 1, down[1] - down[0] + 1
    u_check, v_check = _spread(N_CHECKS)
    truth = at((u_check + 1) / 2 * (n_cols - 1) + across[0],
               (v_check + 1) / 2 * (n_rows - 1) + down[0])
    if not np.isfinite(truth).all():
        return None
    for n in NODES:
        if n > max(n_cols, n_rows):
            return None
        node = np.cos(np.pi * (np.arange(n) + 0.5) / n)
        x = (node + 1) / 2 * (n_cols - 1) + across[0]
        y = (node + 1) / 2 * (n_rows - 1) + down[0]
        values = at(*np.meshgrid(x, y))
        if not np.isfinite(values).all():
            return None
        found = np.array([_coefficients(part) for part in values])
        worst = max(np.abs(chebval2d(v_check, u_check, part) - true).max()
                    for part, true in zip(found, truth, strict=True))
        if worst <= TOLERANCE:
            log.debug("%d x %d nodes: pixel map within %.1e pixel", n, n, worst)
            return found
    log.debug("Pixel map is not smooth (%.1e pixel): every pixel is evaluated", worst)
    return None


def _coefficients(values):
    """Chebyshev coefficients of a function given at the nodes along both axes."""
    n = len(values)
    k, angle = np.arange(n), np.pi * (np.arange(n) + 0.5) / n
    to_coefficients = np.cos(k[:, None] * angle) * (2.0 / n)
    to_coefficients[0] /= 2
    # summed in a fixed order: a library of linear algebra would not give the same bits everywhere
    half = (to_coefficients[:, :, None] * values[None]).sum(axis=1)
    return (half[:, :, None] * to_coefficients.T[None]).sum(axis=1)


def _spread(n):
    """Points from -1 to 1 that fill the square evenly, and its corners."""
    k = np.arange(1, n + 1)
    u, v = (k * 0.7548776662466927) % 1, (k * 0.5698402909980532) % 1  # Roberts' sequence
    u[:4], v[:4] = (0, 0, 1, 1), (0, 1, 0, 1)
    return 2 * u - 1, 2 * v - 1


def _splines(at, across, down, step, order):
    """Places from splines through every so many pixels; None where they are not finite."""
    from scipy.interpolate import RectBivariateSpline

    if order not in (1, 3):
        raise ValueError(f"pixmap_order: {order} where 1 or 3 is needed")
    x, y = (np.linspace(low, high, max(math.ceil((high - low + 1) / step),
                                       min(10, high - low + 1)))
            for low, high in (across, down))
    values = at(*np.meshgrid(x, y))
    if not np.isfinite(values).all():
        return None
    columns, rows = np.arange(across[0], across[1] + 1), np.arange(down[0], down[1] + 1)
    return [RectBivariateSpline(y, x, part, kx=order, ky=order)(rows, columns) for part in values]
