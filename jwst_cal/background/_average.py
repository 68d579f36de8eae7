"""The mean of background exposures, freed of sources by clipping."""

import numpy as np

__all__ = ["clipped_mean", "onto"]


def onto(window, other, *arrays):
    """
    Put arrays of another cut of the same detector where a cut has them.

    Parameters
    ----------
    window, other : tuple of int
        First row, first column (from 0), rows and columns of the cut, and of the arrays' one.
    *arrays : array [..., row, col]
        Arrays of the other cut; floating-point ones become NaN outside it, others 0.

    Returns
    -------
    list of array [..., row, col] or None
        Arrays of the shape of the cut; None when the two share no pixel.
    """
    (y0, x0, n_rows, n_cols), (v0, u0, m_rows, m_cols) = window, other
    top, bottom = max(y0, v0), min(y0 + n_rows, v0 + m_rows)
    left, right = max(x0, u0), min(x0 + n_cols, u0 + m_cols)
    if top >= bottom or left >= right:
        return None
    placed = []
    for array in arrays:
        fill = np.nan if array.dtype.kind == "f" else 0
        out = np.full((*array.shape[:-2], n_rows, n_cols), fill, array.dtype.newbyteorder("="))
        out[..., top - y0:bottom - y0, left - x0:right - x0] = (
            array[..., top - v0:bottom - v0, left - u0:right - u0])
        placed.append(out)
    return placed


def clipped_mean(values, squares, *, sigma=3.0, maxiters=None, rows=64):
    """
    Average along the first axis, without values far from the median.

    Parameters
    ----------
    values : float [exposure, row, col]
        Values; NaN is not used.
    squares : float [exposure, row, col]
        Their variances.
    sigma : float
        Limit, in standard deviations of a pixel's values.
    maxiters : int, optional
        Rounds of clipping; by default until nothing changes.
    rows : int
        Rows treated at a time.

    Returns
    -------
    mean : float64 [row, col]
        Mean of what was kept; 0 where nothing was.
    total : float64 [row, col]
        Sum of the variances of what was kept.
    count : int [row, col]
        Number of values kept.
    """
    from astropy.stats import sigma_clip

    shape = values.shape[1:]
    mean, total = np.zeros(shape), np.zeros(shape)
    count = np.zeros(shape, np.intp)
    for y in range(0, shape[0], rows):
        band = (slice(None), slice(y, y + rows))
        part = np.ma.masked_invalid(np.asarray(values[band], np.float64))
        kept = ~np.ma.getmaskarray(sigma_clip(part, sigma=sigma, maxiters=maxiters, axis=0))
        n = kept.sum(axis=0)
        count[band[1]] = n
        summed = np.where(kept, part.data, 0).sum(axis=0)
        mean[band[1]] = np.divide(summed, n, out=np.zeros_like(summed), where=n > 0)
        total[band[1]] = np.where(kept, squares[band], 0).sum(axis=0)
    return mean, total, count
