"""Smoothing of an image in numpy: the specification of kernels/convolve."""

import numpy as np


def convolve(image, missing, kernel, *, n_threads=None):
    if kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        raise ValueError("kernel: an even number of rows or columns")
    reach = [(n // 2, n // 2) for n in kernel.shape]
    known = ~(missing | np.isnan(image))
    values = np.pad(np.where(known, image, 0).astype(np.float64), reach)
    known = np.pad(known.astype(np.float64), reach, constant_values=1)
    top, bottom = np.zeros(image.shape), np.zeros(image.shape)
    for (row, col), factor in np.ndenumerate(kernel):
        part = slice(row, row + image.shape[0]), slice(col, col + image.shape[1])
        top += factor * values[part]
        bottom += factor * known[part]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom == 0, np.nan, top / bottom).astype(np.float32)
