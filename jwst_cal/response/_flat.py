"""Division by an image of the detector's response, with errors."""

import numpy as np

from jwst_cal import flags

__all__ = ["clean", "divide", "multiply"]

UNUSABLE = flags.pixel["DO_NOT_USE"] | flags.pixel["NO_FLAT_FIELD"]


def clean(flat, flat_dq):
    """
    Make a flat safe to divide by: 1 where it is not usable, which the flags tell.

    Parameters
    ----------
    flat : float32 [row, col]
        Relative response.
    flat_dq : uint32 [row, col]
        Its flags.

    Returns
    -------
    flat : float32 [row, col]
        1 where the flat is NaN, 0 or flagged DO_NOT_USE or NO_FLAT_FIELD.
    flat_dq : uint32 [row, col]
        With DO_NOT_USE and NO_FLAT_FIELD where the flat is NaN or 0, DO_NOT_USE where it had
        NO_FLAT_FIELD.
    """
    flat_dq = flat_dq.astype(np.uint32)
    flat_dq[np.isnan(flat) | (flat == 0)] |= UNUSABLE
    flat_dq[flat_dq & flags.pixel["NO_FLAT_FIELD"] != 0] |= flags.pixel["DO_NOT_USE"]
    usable = (flat_dq & flags.pixel["DO_NOT_USE"]) == 0
    return np.where(usable, flat, np.float32(1)).astype(np.float32), flat_dq


def divide(data, variances, flat, flat_err):
    """
    Divide an image or a cube by a flat, in place.

    Parameters
    ----------
    data : float32 [row, col] or [integration, row, col]
        Values.
    variances : sequence of float32, shape of data
        Variances that scale with the flat's square.
    flat, flat_err : float32 [row, col]
        Flat, as from :func:`clean`, and its error.

    Returns
    -------
    var_flat : float32, shape of data
        Variance that the flat's error causes.
    err : float32, shape of data
        Square root of the sum of the scaled variances and of ``var_flat``.
    """
    var_flat, err = np.empty_like(data), np.empty_like(data)
    for rows in _bands(data):
        square = flat[rows] * flat[rows]
        data[..., rows, :] /= flat[rows]
        part = data[..., rows, :] ** 2
        part /= square
        part *= flat_err[rows] ** 2
        var_flat[..., rows, :] = part
        total = np.zeros_like(part)
        for variance in variances:
            variance[..., rows, :] /= square
            total += variance[..., rows, :]
        total += part
        np.sqrt(total, out=err[..., rows, :])
    return var_flat, err


def multiply(data, variances, flat):
    """
    Undo :func:`divide`, in place.

    Parameters
    ----------
    data, variances, flat
        As for :func:`divide`.

    Returns
    -------
    err : float32, shape of data
        Square root of the sum of the scaled variances.
    """
    err = np.empty_like(data)
    for rows in _bands(data):
        square = flat[rows] * flat[rows]
        data[..., rows, :] *= flat[rows]
        total = np.zeros_like(data[..., rows, :])
        for variance in variances:
            variance[..., rows, :] *= square
            total += variance[..., rows, :]
        np.sqrt(total, out=err[..., rows, :])
    return err


def _bands(data, rows=64):
    """Bands of rows small enough to stay in the cache."""
    return [slice(y, y + rows) for y in range(0, data.shape[-2], rows)]
