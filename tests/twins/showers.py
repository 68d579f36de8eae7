"""Showers in numpy and scipy: the specification, after the manual in csrc/showers.h."""

import numpy as np
from scipy import ndimage
from twins.large_events import find_ellipses


def _differences(data, groupdq, gain, spoilt):
    electrons = np.where(spoilt(groupdq), np.float32(np.nan), data * gain)
    return np.diff(electrons, axis=1)


def _smoothed(ratio, ring):
    """Mean over a ring of the values that are there; outside of the plane there are zeros."""
    reach = np.abs(ring).max()
    kernel = np.zeros((2 * reach + 1,) * 2)
    kernel[tuple((ring + reach).T)] = 1
    kernel = kernel[::-1, ::-1]  # scipy turns it round
    there = np.isfinite(ratio)
    total = ndimage.convolve(np.where(there, ratio, 0.0), kernel, mode="constant", cval=0)
    count = ndimage.convolve(there.astype(float), kernel, mode="constant", cval=1)
    return np.where(there & (count > 0.5), total / np.maximum(count, 1), np.nan)


def find_showers(data, groupdq, *, gain, masked, idle, median, sigma, ring, threshold, min_area,
                 jump, saturated, do_not_use, n_threads=None):
    """Integration, group and ellipse of each shower; same signature as the kernel."""
    unusable, ring = saturated | do_not_use, np.asarray(ring)
    diffs = _differences(data, groupdq, gain, lambda q: ((q & unusable) != 0) | (q == jump))
    ratios = np.abs(diffs - median) / sigma
    usable = ((groupdq & do_not_use == 0) & ~idle).any(axis=(2, 3))
    where, ellipses = [], []
    for integration, first in enumerate(usable.argmax(axis=1)):
        for group in range(first + 1, data.shape[1]):
            flagged = masked | ((groupdq[integration, group] & (unusable | jump)) != 0)
            ratio = np.where(flagged, np.nan, ratios[integration, group - 1])
            mask = (_smoothed(ratio, ring) > threshold).astype(np.uint8)
            for ellipse in find_ellipses(mask, bit=1, min_area=min_area):
                where.append((integration, group))
                ellipses.append(ellipse)
    return np.reshape(where, (-1, 2)).astype(int), np.reshape(ellipses, (-1, 5))


def limit_showers(data, groupdq, *, before, gain, idle, limit, bits, n_threads=None):
    """Restore flags that change the mean difference too much; same signature as the kernel."""
    with np.errstate(invalid="ignore", divide="ignore"):
        means = []
        for dq in (before, groupdq):
            diffs = _differences(data, dq, gain, lambda q: (q & bits) != 0)
            n = np.sum(~np.isnan(diffs), axis=1)
            means.append(np.nansum(diffs, axis=1) / n)
        change = np.abs(means[0] - means[1])
        restored = ~np.isfinite(change) | (change > limit) | idle
    restored = np.broadcast_to(restored[:, None], groupdq.shape)
    groupdq[restored] = before[restored]
