"""Raw counts in numpy: the specification of kernels/counts."""

import numpy as np


def counts(stored, *, n_threads=None):
    if stored.dtype != np.dtype(">i2"):
        raise TypeError(f"stored: dtype {stored.dtype} where >i2 is needed")
    if not stored.size:
        raise ValueError(f"stored: shape {stored.shape} is empty")
    return stored.astype(np.float32) + np.float32(32768)
