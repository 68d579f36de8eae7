"""Raw counts in numpy: the specification of kernels/counts."""

import numpy as np


def counts(stored, *, out=None, n_threads=None):
    if stored.dtype != np.dtype(">i2"):
        raise TypeError(f"stored: dtype {stored.dtype} where >i2 is needed")
    if not stored.size:
        raise ValueError(f"stored: shape {stored.shape} is empty")
    if out is None:
        out = np.empty(stored.shape, np.float32)
    if out.shape != stored.shape:
        raise ValueError(f"out: shape {out.shape} where {stored.shape} is needed")
    np.add(stored, np.float32(32768), out=out, dtype=np.float32)
    return out
