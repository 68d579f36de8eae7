"""Charge traps in numpy: the specification of kernels/traps."""

import numpy as np


def _slope(ramp, q, saturated, jump):
    if len(ramp) == 1:
        return np.where(np.isfinite(ramp[0]), ramp[0], np.float32(0))
    differences = np.diff(ramp, axis=0)
    lost = (q[1:] & saturated != 0) | ~np.isfinite(differences)
    differences[lost] = np.inf
    differences.sort(axis=0)
    kept = len(differences) - lost.sum(axis=0) - np.count_nonzero(q & jump, axis=0)
    used = np.arange(len(differences))[:, None, None] < kept
    total = np.zeros(ramp.shape[1:], np.float32)
    for difference, use in zip(differences, used, strict=True):
        total += np.where(use, difference, np.float32(0))
    return np.where(kept > 0, total / np.maximum(kept, 1).astype(np.float32), np.float32(0))


def traps(data, groupdq, pixeldq, filled, *, density, full, group_time, cutoff, saturated, jump,
          flag, decay, between, slow, instant, ramp, soak, hit, persistence=None, n_threads=None):
    n_groups, touched = data.shape[1], np.zeros(data.shape[2:], bool)
    for i, (cube, q) in enumerate(zip(data, groupdq, strict=True)):
        slope = _slope(cube, q, saturated, jump)
        rate = np.where(np.isnan(full), 0, slope / (full * np.float32(group_time)))
        decayed, jumped = np.zeros(filled.shape), np.zeros(filled.shape, np.float32)
        for g, counts in enumerate(cube):
            if i and not g:
                filled -= filled * between[:, None, None]
            now = filled * decay[:, None, None]
            decayed += now
            filled -= now
            released = sum(decayed)
            counts -= released
            touched |= released >= cutoff
            if persistence is not None:
                persistence[i, g] = released
            if g:
                size = np.where(q[g] & jump != 0, counts - cube[g - 1] - slope, np.float32(0))
                size = density * np.where((size > 0) & (size < np.inf), size, np.float32(0))
                jumped[:] = jumped + size * hit[:, g, None, None]
        n = np.count_nonzero(cube > full, axis=0)
        for k, state in enumerate(filled):
            more = density * rate**2 * ramp[min(i, 1), k][n]
            more = np.where(n == n_groups, density * instant[k], more)
            empty = density * slow[k] - (more - density * instant[k])
            state += np.where(n > 0, more + empty * soak[k][n], more) + jumped[k]
    pixeldq[touched] |= np.uint32(flag)
    return np.count_nonzero(touched)
