"""Pixels of a region, moments and histogram of the values in a range, by numpy."""

import numpy as np


def take(image, spans, *, flags=None, bits=0, n_threads=None):
    """Take the values of some pixels; see the kernel."""
    good = np.isfinite(image)
    if flags is not None:
        good &= (flags & np.uint32(bits)) == 0
    values = np.where(good, image, np.float32(np.nan))
    return np.concatenate([image[:0, 0], *(values[row, start:stop] for row, start, stop in spans)])


def range_moments(values, low, high, *, about=0.0, n_threads=None):
    """Count, mean, standard deviation and extremes; see the kernel."""
    low, high = np.float32(low), np.float32(high)
    kept = values[(values >= low) & (values <= high)]
    if not kept.size:
        return 0, np.nan, np.nan, np.nan, np.nan
    std = kept.std(ddof=1, dtype=float) if kept.size > 1 else np.nan
    return kept.size, kept.mean(dtype=float), std, kept.min(), kept.max()


def histogram(values, low, high, per_unit, n_bins, *, n_threads=None):
    """Count in bins; see the kernel."""
    low, high, per_unit = np.float32(low), np.float32(high), np.float32(per_unit)
    at = per_unit * (values[(values >= low) & (values < high)] - low)
    return np.bincount(at[at < n_bins].astype(int), minlength=n_bins).astype(np.uint32)
