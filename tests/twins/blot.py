"""An image on the pixels of another, and what differs from it, by numpy."""

import numpy as np
from scipy.ndimage import binary_dilation


def blot(image, x, y, *, n_threads=None):
    """Interpolate bilinearly; see the kernel."""
    x, y = (np.nan_to_num(place, nan=-1).astype(np.float32) for place in (x, y))
    n_rows, n_cols = image.shape
    inside = (x >= 0) & (x < n_cols) & (y >= 0) & (y < n_rows)
    row, col = (np.where(inside, place, 0).astype(int) for place in (y, x))
    one = np.float32(1)
    sx, sy = ((np.where(inside, place, 0) - whole.astype(np.float32))
              for place, whole in ((x, col), (y, row)))
    tx, ty = one - sx, one - sy
    right, below = np.minimum(col + 1, n_cols - 1), np.minimum(row + 1, n_rows - 1)
    with np.errstate(invalid="ignore", over="ignore"):
        value = (tx * ty * image[row, col] + sx * ty * image[row, right]
                 + sy * tx * image[below, col] + sx * sy * image[below, right])
        along_y = ty * image[row, col] + sy * image[below, col]
        along_x = tx * image[row, col] + sx * image[row, right]
    value = np.where(col == n_cols - 1, along_y, np.where(row == n_rows - 1, along_x, value))
    value = np.where((col == n_cols - 1) & (row == n_rows - 1), image[row, col], value)
    return np.where(inside, value, np.float32(np.nan))


def outliers(data, err, blotted, *, snr, scale, level=0.0, n_threads=None):
    """Find pixels that differ; see the kernel."""
    deriv = np.zeros_like(blotted)
    with np.errstate(invalid="ignore", over="ignore"):
        across, down = (np.abs(np.diff(blotted, axis=axis)) for axis in (1, 0))
        deriv[1:] = np.where(np.isfinite(down), down, 0)
        for part, step in ((deriv[:-1], down), (deriv[:, 1:], across), (deriv[:, :-1], across)):
            np.copyto(part, step, where=step > part)
        away = np.abs(data - blotted - np.float32(level))
        noise = np.nan_to_num(err, nan=0.0, posinf=np.finfo(np.float32).max, neginf=-np.inf)
        first, second = (away > np.float32(s) * deriv + np.float32(n) * noise
                         for n, s in zip(snr, scale, strict=True))
    return binary_dilation(first, np.ones((3, 3))) & second
