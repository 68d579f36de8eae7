"""Saturation flags in numpy: the specification of kernels/saturation."""

import numpy as np


def grown(mask, rings):
    """True within `rings` rows and columns of a true pixel."""
    padded = np.pad(mask, rings)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * rings + 1,) * 2)
    return windows.any(axis=(2, 3))


def saturation(data, groupdq, pixeldq, limit, limit_dq, *, rings, no_check, unchecked_limit,
               saturated, low, do_not_use, reads_per_group=None, bias=None, rows=None,
               second_only=False, zeroframe=None, n_threads=None):
    rows = slice(None) if rows is None else rows
    bias = np.zeros_like(limit) if bias is None else bias
    unchecked = np.isnan(limit) | (limit_dq & no_check != 0)
    pixeldq[rows] |= limit_dq | np.where(np.isnan(limit), no_check, 0).astype(np.uint32)
    limit = np.where(unchecked, np.float32(unchecked_limit), limit)
    reads = reads_per_group or 1
    counts = np.zeros(2, int)
    for ramp, whole in zip(data[:, :, rows], groupdq, strict=True):
        q = whole[:, rows]
        reached = np.logical_or.accumulate(ramp >= limit)
        for g, mask in enumerate(reached):
            before = (q[g] & saturated != 0) & (not second_only)
            q[g][grown(mask | before, rings)] |= saturated
        q[ramp <= 0] |= low
        for g in range(len(q) - 1 if reads > 1 and not second_only else 0):
            part = np.where(unchecked, 1, (g * reads + (reads + 1) / 2) / ((g + 1) * reads))
            late = (ramp[g] >= limit * part) & (q[g] & (saturated | do_not_use) == 0)
            q[g][grown(late & (q[g + 1] & saturated != 0), rings)] |= do_not_use
        if reads > 1 and len(q) > 2:
            expected = (ramp[0] - bias).astype(float) / ((reads + 1) / 2) * (3 * reads) + bias
            late = expected < limit
            late &= ramp[1] - ramp[0] > (limit - ramp[0]) / np.float32(reads)
            if second_only:
                q[1][grown(late & (ramp[2] >= limit), rings)] |= saturated
            else:
                late &= (q[2] & saturated != 0) & (q[1] & saturated == 0)
                q[1][late] |= do_not_use
        whole[:, rows] = q
        counts += np.any(q & saturated, axis=0).sum(), np.any(ramp <= 0, axis=0).sum()
    for frame in [] if zeroframe is None else zeroframe:
        image = frame[rows]
        image[grown(image >= limit, rings) | (image <= 0)] = 0
        frame[rows] = image
    return tuple(counts)
