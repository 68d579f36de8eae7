"""Medians through a stack of images, by numpy."""

import warnings

import numpy as np


def median(images, *, n_threads=None):
    """Median of each pixel; see the kernel."""
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = (np.nanpercentile(images.astype(float), 50, axis=0, method=method)
                     for method in ("lower", "higher"))
        return np.where(low == high, low, 0.5 * (low + high)).astype(np.float32)


def rolling_median(images, width, *, n_threads=None):
    """Median of a window that moves; see the kernel."""
    windows = np.lib.stride_tricks.sliding_window_view(images.astype(float), width, axis=0)
    ordered = np.sort(windows, axis=-1)
    low, high = ordered[..., (width - 1) // 2], ordered[..., width // 2]
    with np.errstate(over="ignore", invalid="ignore"):
        middle = np.where(low == high, low, 0.5 * (low + high))
        middle = np.where(np.isnan(windows).any(axis=-1), np.nan, middle).astype(np.float32)
    before = width // 2
    return np.pad(middle, ((before, width - 1 - before), (0, 0), (0, 0)), mode="edge")
