"""Sorting and sigma clipping in numpy: the specification of kernels/clipping."""

import numpy as np


def sort_chosen(values, chosen=None, *, n_threads=None):
    found = values.ravel() if chosen is None else values[chosen.astype(bool)]
    return np.sort(found[np.isfinite(found)])


def limits(values, sigma, max_passes):
    """The last limits that are set."""
    low, high = -np.inf, np.inf
    for _ in range(max_passes if len(values) else 0):
        inside = values[(values >= low) & (values <= high)]
        if not len(inside):
            break
        low, high = np.median(inside) + np.array([-sigma, sigma]) * inside.std()
        values, before = inside[(inside >= low) & (inside <= high)], inside
        if len(values) == len(before):
            break
    return low, high


def clip(ordered, *, sigma, max_passes=5, centre=None, n_threads=None):
    values = ordered.astype(np.float64)
    if centre is not None:
        values = values[values <= centre]
        values = np.concatenate([values, 2 * centre - values])
    low, high = limits(values, sigma, max_passes)
    kept = values[(values >= low) & (values <= high)]
    if not len(kept):
        return np.nan, np.nan, np.nan
    return kept.mean(), np.median(kept), kept.std()


def middle(values, *, n_threads=None):
    ordered = np.sort(values, axis=None)
    if np.isnan(ordered[-1]):
        return np.nan, np.nan
    return float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
