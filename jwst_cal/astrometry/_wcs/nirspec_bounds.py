"""Where the spectra of NIRSpec's slits lie on the detector."""

import math

import numpy as np

__all__ = ["boxes", "falls_on_the_detector", "pixels"]

#: Step of the wavelengths along the edges of a spectrum, m.
STEP = 1e-10
#: Wavelengths at which these edges are evaluated first.
COARSE = 400
#: Pixels added on each side along and across the dispersion, and what the coordinates count from.
MARGINS = 10, 2
ONE_BASED = 1
LAST = 2047
#: Rows on either side of an edge among which the first one with light is sought.
_NEAR = 2


def _extremes(spectrum, wavelengths):
    """
    Find the extreme pixels of the edges of spectra.

    As if every wavelength were evaluated: those about the extremes among some are. Returns
    float64 [quantity, slit] (x low, x high, y low, y high) and the pixels x, y [slit, edge, node].
    """
    n = int((wavelengths[1] - wavelengths[0]) / STEP)
    grid = np.linspace(*wavelengths, n)
    nodes = np.unique(np.linspace(0, n - 1, min(n, COARSE)).round().astype(int))
    rough = spectrum(grid[nodes])
    kinds = (rough[0], np.argmin), (rough[0], np.argmax), (rough[1], np.argmin), (rough[1],
                                                                                 np.argmax)
    if nodes.size == n:
        found = [values.reshape(len(values), -1) for values in rough]
    else:
        at = np.stack([find(values, axis=-1) for values, find in kinds], axis=-1)
        width = 2 * int(np.diff(nodes).max()) + 1
        start = np.clip(nodes[np.maximum(at - 1, 0)], 0, max(n - width, 0))
        around = np.minimum(start[..., None] + np.arange(width), n - 1)
        fine = spectrum(grid[around.reshape(*at.shape[:2], -1)])
        found = [np.concatenate([a.reshape(len(a), -1), b.reshape(len(b), -1)], axis=1)
                 for a, b in zip(rough, fine, strict=True)]
    return np.stack([found[0].min(1), found[0].max(1), found[1].min(1), found[1].max(1)]), rough


def _limits(low, high, margin):
    return (max(0, low - ONE_BASED - margin) - 0.5, min(LAST, high - ONE_BASED + margin) + 0.5)


def pixels(limits):
    """
    List the whole pixels between limits.

    Parameters
    ----------
    limits : tuple of float
        Outer edges; the centre of a pixel is a whole number.

    Returns
    -------
    range
        The pixels.
    """
    return range(math.floor(limits[0] + 0.5), math.ceil(limits[1] - 0.5) + 1)


def boxes(spectrum, wavelengths, to_slit=None):
    """
    Give the bounding boxes of spectra.

    Parameters
    ----------
    spectrum : callable
        Takes wavelengths, float64 [node] (the same for all) or [slit, edge, node], m; returns the
        pixels x and y of the lower and the upper edge of each slit, float64 [slit, edge, node].
    wavelengths : tuple of float
        First and last, m.
    to_slit : list of callable, optional
        Of each slit, takes pixels x and y and tells which of them see it. With it, rows are those
        in which a pixel does, and two more.

    Returns
    -------
    list of ((float, float), (float, float))
        Limits of x and of y of each slit, clipped to a detector.
    """
    extremes, (x, y) = _extremes(spectrum, wavelengths)
    found = []
    for k, (x_low, x_high, y_low, y_high) in enumerate(extremes.T):
        box = _limits(x_low, x_high, MARGINS[0]), _limits(y_low, y_high, MARGINS[1])
        if to_slit is not None and all(low <= high for low, high in box):
            rows = _rows(box, x[k], y[k], to_slit[k])
            if rows is not None:
                box = box[0], _limits(*rows, MARGINS[1])
        found.append(box)
    return found


def _rows(box, x, y, sees):
    """First and last row of a box in which a pixel sees the slit; None where there is none."""
    columns, rows = (np.array(pixels(limits), float) for limits in box)
    if not columns.size or not rows.size:
        return None
    inside = (x >= box[0][0]) & (x <= box[0][1])
    if inside.any():
        ends = []
        for edge, first in ((np.floor(y[inside].min()), True), (np.ceil(y[inside].max()), False)):
            near = rows[abs(rows - edge) <= _NEAR]
            lit = _lit(near, columns, sees)
            clear = rows.size and near.size and (
                near[0] == rows[0] or not lit[0] if first else near[-1] == rows[-1] or not lit[-1])
            if not clear or not lit.any():
                break
            ends.append(near[lit][0 if first else -1])
        else:
            return ends
    lit = _lit(rows, columns, sees)  # no edge where it was expected
    return (rows[lit][0], rows[lit][-1]) if lit.any() else None


def _lit(rows, columns, sees):
    """Tell in which rows a pixel sees the slit."""
    if not rows.size:
        return np.zeros(0, bool)
    return sees(*np.meshgrid(columns, rows)).any(axis=1)


def falls_on_the_detector(box):
    """
    Tell whether a spectrum falls on the detector.

    Parameters
    ----------
    box : ((float, float), (float, float))
        Limits of x and of y.

    Returns
    -------
    bool
        False also for a box of less than two columns or a row.
    """
    (x_low, x_high), (y_low, y_high) = box
    return not (x_low >= LAST + 1 or y_low >= LAST + 1 or x_high <= 0 or y_high <= 0
                or x_high - x_low < 2 or y_high - y_low < 1)
