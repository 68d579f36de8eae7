"""Sorting and sigma clipping in numpy: the specification of kernels/clipping."""

import numpy as np


def sort_chosen(values, chosen=None, *, n_threads=None):
    found = values.ravel() if chosen is None else values[chosen.astype(bool)]
    return np.sort(found[np.isfinite(found)])


def clip(ordered, *, sigma, max_passes=5, centre=None, n_threads=None):
    values = ordered.astype(np.float64)
    if centre is not None:
        values = values[values <= centre]
        values = np.concatenate([values, 2 * centre - values])
    kept = values
    for _ in range(max_passes if len(values) else 0):
        low, high = np.median(kept) + np.array([-sigma, sigma]) * kept.std()
        before, kept = kept, kept[(kept >= low) & (kept <= high)]
        if len(kept) == len(before):
            break
    if max_passes and len(values):
        kept = values[(values >= low) & (values <= high)]
    if not len(kept):
        return np.nan, np.nan, np.nan
    return kept.mean(), np.median(kept), kept.std()
