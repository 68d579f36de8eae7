"""Groups after a saturation, in numpy: the specification of kernels/persistence."""

import numpy as np


def persistence(data, groupdq, window, *, time, duration, threshold=None, saturated, flags,
                n_threads=None):
    threshold = np.float32(np.inf if threshold is None else threshold)
    flagged = dropped = 0
    for ramp, q, times in zip(data, groupdq, time, strict=True):
        count = np.cumsum(q & saturated != 0, axis=0)
        for counts, flag, so_far, now in zip(ramp, q, count, times, strict=True):
            end = now + duration
            window[window < now] = 0
            window[so_far == 1] = end
            window[(counts > threshold) & ~(window > 0)] = end
            late = (window != 0) & (window - end > 0)
            window[late] = 0
            flag[window > 0] |= flags
            dropped += np.count_nonzero(late)
            flagged += np.count_nonzero(window > 0)
    return flagged, dropped
