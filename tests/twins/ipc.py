"""Crosstalk of neighbouring pixels in numpy: the specification of kernels/ipc."""

import numpy as np


def ipc(data, kernel, *, region=None, rows=None, n_threads=None):
    region = (slice(None), slice(None)) if region is None else region
    rows = np.arange(data.shape[1]) if rows is None else rows
    n_j, n_i = kernel.shape[:2]
    middle = (n_j // 2, n_i // 2)
    order = [at for at in np.ndindex(n_j, n_i) if at != middle] + [middle]
    for plane in data:
        image = plane[rows]
        counts = image[region]
        padded = np.pad(counts, ((n_j // 2, n_j - 1 - n_j // 2), (n_i // 2, n_i - 1 - n_i // 2)))
        total = np.zeros_like(counts)
        for j, i in order:
            factor = kernel[j, i] if kernel.ndim == 2 else kernel[j, i][region]
            top, left = n_j - 1 - j, n_i - 1 - i
            total += factor * padded[top : top + counts.shape[0], left : left + counts.shape[1]]
        image[region] = total
        plane[rows] = image
