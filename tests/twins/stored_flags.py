"""Flags of a reference file in numpy: the specification of kernels/stored_flags."""

import numpy as np


def stored_flags(stored, meaning, *, n_threads=None):
    if stored.dtype != np.dtype(">i4"):
        raise TypeError(f"stored: dtype {stored.dtype} where >i4 is needed")
    if not stored.size:
        raise ValueError(f"stored: shape {stored.shape} is empty")
    if np.shape(meaning) != (32,):
        raise ValueError(f"meaning: shape {np.shape(meaning)} where (32,) is needed")
    words = stored.astype(np.int64) + (1 << 31)
    flags = np.zeros(stored.shape, np.uint32)
    for bit in range(32):
        flags[words >> bit & 1 == 1] |= meaning[bit]
    return flags
