"""Subtraction of a reference in numpy: the specification of kernels/subtract."""

import numpy as np


def subtract(data, reference, *, which=None, zero_is_bad=False, n_threads=None):
    reference = np.nan_to_num(reference, nan=0.0, posinf=np.inf, neginf=-np.inf)
    if reference.ndim == 2:
        reference = reference[np.newaxis]
    if reference.ndim == 3:
        reference = np.repeat(reference[:, np.newaxis], data.shape[1], axis=1)
    n_corrected = min(data.shape[1], reference.shape[1])
    which = np.zeros(len(data), int) if which is None else which
    for values, index in zip(data, which, strict=True):
        missing = values[:n_corrected] == 0
        values[:n_corrected] -= reference[index, :n_corrected]
        if zero_is_bad:
            values[:n_corrected][missing] = 0
