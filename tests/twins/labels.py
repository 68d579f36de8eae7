"""Numpy twin of jwst_cal.kernels.labels."""

import numpy as np
from scipy import ndimage


def label(image, threshold, mask=None, *, n_pixels, connectivity=8, times=1, n_threads=None):
    if connectivity not in (4, 8) or n_pixels < 1:
        raise ValueError("out of range")
    with np.errstate(all="ignore"):
        above = image > np.float32(times) * threshold
    if mask is not None:
        above &= ~mask
    segments, n = ndimage.label(above, ndimage.generate_binary_structure(2, connectivity // 4))
    large = np.bincount(segments.ravel(), minlength=n + 1) >= n_pixels
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int32)
    return numbers[segments], int(large.sum())
