"""Groups from which on charge spills, in numpy: the specification of kernels/charge_migration."""

import numpy as np


def charge_migration(data, groupdq, *, threshold, unused, flags, n_threads=None):
    found = 0
    for ramp, q in zip(data, groupdq, strict=True):
        over = np.logical_or.accumulate((ramp > np.float32(threshold)) & (q != unused))
        spread = over.copy()
        spread[:, 1:] |= over[:, :-1]
        spread[:, :-1] |= over[:, 1:]
        spread[:, :, 1:] |= over[:, :, :-1]
        spread[:, :, :-1] |= over[:, :, 1:]
        q[spread] |= flags
        found += np.count_nonzero(over[-1])
    return found
