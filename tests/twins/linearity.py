"""Linear counts from measured ones, in numpy: the specification of kernels/linearity."""

import numpy as np


def polynomial(coeffs, value):
    result = coeffs[-1] * value
    for term in coeffs[-2:0:-1]:
        result = (result + term) * value
    return result + coeffs[0]


def usable(coeffs, dq, no_correction):
    bad = (dq & no_correction != 0) | np.isnan(coeffs).any(axis=0) | (coeffs[1] == 0)
    identity = np.arange(len(coeffs), dtype=np.float32) == 1
    return np.where(bad, identity[:, None, None].astype(np.float32), coeffs), bad


def correct_reads(ramp, saturated, coeffs, inverse, reads):
    time = reads.mean(axis=1)
    last = np.maximum((~saturated).sum(axis=0) - 1, 2)[None] - 1
    kept = np.where(saturated, ramp, polynomial(coeffs, ramp))
    rate = (np.take_along_axis(kept, last, 0)[0] - kept[0]) / (time[last[0]] - time[0])
    result = ramp.copy()
    for group, values in enumerate(ramp):
        since = (reads[group] - time[0])[:, None, None]
        measured = polynomial(inverse, kept[0] + rate * since)
        measured += values - measured.mean(axis=0)
        result[group] = polynomial(coeffs, measured).mean(axis=0)
    return result


def linearity(data, groupdq, pixeldq, coeffs, dq, *, saturated, no_correction, inverse=None,
              reads=None, zeroframe=None, n_threads=None):
    coeffs, bad = usable(coeffs, dq, no_correction)
    pixeldq |= dq | np.where(bad, no_correction, 0).astype(np.uint32)
    if inverse is not None:
        inverse, bad = usable(inverse, dq, no_correction)
        pixeldq |= np.where(bad, no_correction, 0).astype(np.uint32)
    for ramp, flags in zip(data, groupdq & saturated != 0, strict=True):
        linear = (polynomial(coeffs, ramp) if inverse is None
                  else correct_reads(ramp, flags, coeffs, inverse, reads))
        ramp[~flags] = linear[~flags]
    if zeroframe is not None:
        zeroframe[...] = np.where(zeroframe == 0, 0, polynomial(coeffs, zeroframe))
