"""Division by the response of the detector in numpy: the specification of kernels/flat."""

import numpy as np


def clean(flat, flat_dq, *, unusable, missing, n_threads=None):
    flags = flat_dq.astype(np.uint32)
    flags[np.isnan(flat) | (flat == 0)] |= np.uint32(unusable | missing)
    flags[flags & np.uint32(missing) != 0] |= np.uint32(unusable)
    values = np.where(flags & np.uint32(unusable) == 0, flat, np.float32(1))
    return values, flags, np.count_nonzero(flags & np.uint32(unusable | missing))


def divide(data, variances, flat, flat_err, *, n_threads=None):
    with np.errstate(all="ignore"):
        square = flat * flat
        data /= flat
        var_flat = data * data / square * (flat_err * flat_err)
        total = np.zeros_like(data)
        for variance in variances:
            variance /= square
            total += variance
        return var_flat, np.sqrt(total + var_flat)


def multiply(data, variances, flat, *, n_threads=None):
    with np.errstate(all="ignore"):
        square = flat * flat
        data *= flat
        total = np.zeros_like(data)
        for variance in variances:
            variance *= square
            total += variance
        return np.sqrt(total)
