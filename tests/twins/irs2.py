"""Between the array of IRS2 and its samples in time: the specification of kernels/irs2."""

import numpy as np


def pair_statistics(data, first, *, n_threads=None):
    one, other = data[:, first], data[:, np.asarray(first) + 1]
    both = np.stack([one, other]).astype(np.float64)
    difference = np.abs(other - one).astype(np.float64)
    return np.stack([difference.mean(axis=(0, 2)), both.mean(axis=(0, 1, 3)),
                     both.std(axis=(0, 1, 3))], axis=1)


def group_mean(data, *, n_threads=None):
    return np.mean(data, axis=0, dtype=np.float64)


def _samples(plane, mean, row, slot, line, n_slots, backwards):
    """From the mean and the trend, in float32: [pixel, line]."""
    n = plane.shape[1]
    x = (plane[row] - mean[row]).astype(np.float32)[:, :: -1 if backwards else 1]
    t = n_slots * np.arange(n) + np.asarray(slot)[:, np.newaxis] - (n * n_slots - 1) / 2
    trend = line[:, :1] + line[:, 1:] * t.astype(np.float32)
    return np.where(x == 0, x, x - trend)


def put_in_time_order(plane, mean, stream, *, row, slot, to, line, n_slots, backwards=False,
                      n_threads=None):
    x = _samples(plane, mean, row, slot, line, n_slots, backwards)
    stream[to] = np.where(np.isfinite(x), x, 0)


def fill_missing(stream, weights, *, n_threads=None):
    samples = stream.T.ravel()
    total, known = np.zeros(samples.size), np.zeros(samples.size)
    middle = len(weights) // 2
    for k, weight in enumerate(weights[::-1]):
        around = np.roll(samples, middle - k)
        total += weight * around
        known += np.where(around != 0, weight, 0)
    known = known.astype(np.float32)
    mean = np.divide(total.astype(np.float32), known, out=np.zeros_like(known), where=known != 0)
    return np.where(samples == 0, mean, samples).reshape(stream.shape[::-1]).T


def subtract_noise(plane, mean, noise, out, *, row, slot, to, line, with_mean, n_slots,
                   backwards=False, n_threads=None):
    x = _samples(plane, mean, row, slot, line, n_slots, backwards) - noise
    x = x[:, :: -1 if backwards else 1]
    out[to] = np.where(np.asarray(with_mean)[:, np.newaxis], (x + mean[row]).astype(np.float32), x)
