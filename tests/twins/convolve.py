"""Smoothing of an image and its peaks in numpy: the specification of kernels/convolve."""

import numpy as np


def convolve(image, missing, kernel, *, n_threads=None):
    if kernel.shape[0] % 2 == 0 or kernel.shape[1] % 2 == 0:
        raise ValueError("kernel: an even number of rows or columns")
    reach = [(n // 2, n // 2) for n in kernel.shape]
    if missing is None:
        values, total = np.pad(image.astype(np.float64), reach), np.zeros(image.shape)
        with np.errstate(invalid="ignore", over="ignore"):
            for (row, col), factor in np.ndenumerate(kernel):
                if factor != 0:
                    total += factor * values[row:row + image.shape[0], col:col + image.shape[1]]
            return total.astype(np.float32)
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


def peaks(image, unusable, threshold, radius, *, n_threads=None):
    if not 0 <= radius <= 512:
        raise ValueError(f"radius: {radius}")
    found = (image > threshold) & ~unusable
    padded = np.pad(image, radius)
    for row, col in np.argwhere(found):
        y, x = np.mgrid[-radius:radius + 1, -radius:radius + 1]
        around = padded[row:row + 2 * radius + 1, col:col + 2 * radius + 1]
        found[row, col] = not (around[x * x + y * y <= radius**2] > image[row, col]).any()
    return found
