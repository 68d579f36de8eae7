"""Where the spectra of NIRISS SOSS lie, at a given position of its pupil wheel."""

from typing import NamedTuple

import numpy as np

__all__ = ["Order", "rows_of_trace", "trace_mask"]

#: Rows of SUBSTRIP256, in which traces are given.
N_ROWS = 256


class Order(NamedTuple):
    """
    One spectral order of a PASTASOSS reference.

    ``trace`` [point, (x, y)] holds at the commanded position of the wheel, about which it turns
    around ``pivot``. ``wavelength`` holds the coefficients of a polynomial in x and angle, both
    scaled from ``scale`` [(least, most), (x, angle)] to 0...1, ordered by degree.
    """

    trace: np.ndarray
    pivot: tuple
    wavelength: np.ndarray
    scale: np.ndarray


def _turned(order, angle, row_offset):
    """Trace turned by an angle, at the columns that it has points in; rows beyond the strip go."""
    x, y = np.array(order.trace, float).T
    y = y + row_offset
    x0, y0 = order.pivot
    turn = np.radians(angle)
    x_turned = x0 + np.cos(turn) * (x - x0) - np.sin(turn) * (y - y0)
    y_turned = y0 + np.sin(turn) * (x - x0) + np.cos(turn) * (y - y0)
    y = _along(x, x_turned, y_turned)
    inside = y <= N_ROWS - 1
    return x[inside], y[inside]


def _along(at, x, y):
    """Interpolate linearly, beyond the ends as between the last two points there."""
    by_x = np.argsort(x)
    x, y = x[by_x], y[by_x]
    found = np.interp(at, x, y)
    for end, beyond, beside in ((0, at < x[0], 1), (-1, at > x[-1], -2)):
        slope = (y[end] - y[beside]) / (x[end] - x[beside])
        found = np.where(beyond, y[end] + (at - x[end]) * slope, found)
    return found


def _wavelengths(order, x, angle):
    """Wavelengths of columns."""
    (low_x, low_angle), (high_x, high_angle) = order.scale
    u = (x - low_x) / (high_x - low_x)
    v = (angle - low_angle) / (high_angle - low_angle)
    total, terms = np.zeros_like(u), iter(order.wavelength)
    for degree in range(int(np.sqrt(2 * len(order.wavelength)))):
        for power in range(degree + 1):
            total += next(terms) * u ** (degree - power) * v**power
    return total


def rows_of_trace(order, *, angle, wavelengths, n_cols, row_offset=0.0):
    """
    Find the row of the spectrum in every column.

    Parameters
    ----------
    order : Order
        The trace.
    angle : float
        Position of the pupil wheel, degrees from the commanded one.
    wavelengths : float [wavelength]
        Wavelengths over which the trace is followed, beyond its last points in a straight line.
    n_cols : int
        Columns.
    row_offset : float
        Added to the rows of the reference.

    Returns
    -------
    float [col]
        Rows; before the first and after the last wavelength as there.
    """
    x, y = _turned(order, angle, row_offset)
    of_x = _wavelengths(order, x, angle)
    xs, ys = _along(wavelengths, of_x, x), _along(wavelengths, of_x, y)
    by_x = np.argsort(xs)
    return np.interp(np.arange(n_cols), xs[by_x], ys[by_x])


def trace_mask(shape, rows, *, half_width=16):
    """
    Mark what is near a trace.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    rows : float [col]
        Row of the trace in every column.
    half_width : float
        Distance in rows that still is near.

    Returns
    -------
    bool [row, col]
        True near the trace.
    """
    index = np.arange(shape[0])[:, None]
    return (index >= np.floor(rows - half_width)) & (index <= np.ceil(rows + half_width))
