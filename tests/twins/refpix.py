"""Reference-pixel correction in numpy: the specification of kernels/refpix."""

import itertools

import numpy as np


def _clipped_mean(values, limit):
    """In the dtype of the values; sums by numpy's own order."""
    values = values[~np.isnan(values)]
    while values.size:
        if (values == values[0]).all():
            return float(values[0])
        mean, spread = values.mean(), values.std() * values.dtype.type(limit)
        left = values[(values >= mean - spread) & (values <= mean + spread)]
        if left.size == values.size:
            return float(mean)
        values = left
    return np.nan


def reference_means(data, start, pixels, *, limit, n_single=0, base=None, n_threads=None):
    sets = [slice(*ends) for ends in itertools.pairwise(start)]
    means = np.empty((len(data), len(sets)))
    for k, plane in enumerate(data):
        counts = (plane if base is None else plane - base).ravel()[pixels]
        counts = counts if k < n_single else counts.astype(np.float64)
        means[k] = [_clipped_mean(counts[s], limit) for s in sets]
    return means


def side_signal(data, values, pixels, value, *, window, gain=1.0, n_single=0, n_threads=None):
    signal = np.empty((len(data), pixels.shape[1] - window + 1))
    for k, plane in enumerate(data):
        off = np.append(values[k], 0)[value]
        counts = plane.ravel()[pixels] - off
        counts = counts.astype(np.float32) if k < n_single else counts
        medians = np.full((2, signal.shape[1]), np.nan)
        for side, i in np.ndindex(*medians.shape):
            rows = slice(i, i + window)
            good = counts[side, rows][pixels[side, rows] >= 0]
            good = good[~np.isnan(good)]
            if good.size:
                medians[side, i] = np.median(good)
        left, right = np.where(np.isnan(medians), medians[::-1], medians)
        signal[k] = gain * np.nan_to_num(0.5 * (left + right))
    return signal


def subtract_reference(data, values, which, *, along_rows=False, signal=None, channel=None,
                       n_single=0, base=None, keep_zeros=False, n_threads=None):
    for k, plane in enumerate(data):
        missing = (plane == 0) & keep_zeros
        image = plane.T if along_rows else plane
        off = np.append(values[k], 0)[which]
        off = np.resize(off, image.shape)
        narrow = np.float32 if k < n_single or base is not None else np.float64
        counts = image if base is None else image - (base.T if along_rows else base)
        counts = (counts - off).astype(narrow)
        if signal is not None:
            lines = signal[k, np.zeros(image.shape[1], int) if channel is None else channel]
            counts = (counts - lines.T).astype(np.float32)
        counts = counts.astype(np.float32)
        image[...] = counts if base is None else counts + (base.T if along_rows else base)
        plane[missing] = 0
