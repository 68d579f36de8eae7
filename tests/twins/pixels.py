"""What is done to each pixel of calibrated images in numpy: the specification of kernels/pixels."""

import numpy as np


def reconcile(arrays, flags, bits, *, n_threads=None):
    bad = np.logical_or.reduce([np.isnan(array) for array in arrays])
    if flags is not None:
        bad |= (flags & np.uint32(bits)) != 0
        flags[bad] |= np.uint32(bits)
    for array in arrays:
        array[bad] = np.nan


def flag(flags, chosen, bits, *, n_threads=None):
    flags[chosen] |= np.uint32(bits)
    return np.count_nonzero(chosen)


def leave_out(values, weight, limit, *, n_threads=None):
    values[weight < np.float64(limit)] = np.nan


def inverse_variance(variance, flags, bits, *, n_threads=None):
    with np.errstate(all="ignore"):
        inverse = np.float32(1) / variance
    inverse[~np.isfinite(inverse) | ((flags & np.uint32(bits)) != 0)] = 0
    return inverse


def scale(arrays, factors, *, divide=False, n_threads=None):
    with np.errstate(all="ignore"):
        for array, factor in zip(arrays, factors, strict=True):
            (np.divide if divide else np.multiply)(array, np.float64(factor), out=array)
