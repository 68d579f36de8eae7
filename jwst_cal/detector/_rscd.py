"""The first groups of MIRI ramps, disturbed by the reset switch charge decay."""

from typing import NamedTuple

import numpy as np

__all__ = ["Skipped", "flag_first_groups", "groups_to_skip"]

#: Exposures of at most this many groups lose one, whatever the table says.
SHORT_RAMP = 5
#: Groups that have to be left after those skipped; the last one is flagged elsewhere.
LEFT = 3


class Skipped(NamedTuple):
    """What `flag_first_groups` did."""

    n_lowered: int  #: pixels that lose fewer groups in some integration, to escape saturation
    n_single: int  #: those among them that lose none in some integration


def groups_to_skip(wanted, n_groups):
    """
    Limit the number of first groups to skip by the length of the ramp.

    Parameters
    ----------
    wanted : int
        Groups to skip by the reference table.
    n_groups : int
        Groups in an integration.

    Returns
    -------
    int
        One in ramps of at most five groups, and never so many that fewer than three are left.
    """
    return max(0, min(1 if n_groups <= SHORT_RAMP else wanted, n_groups - LEFT))


def flag_first_groups(groupdq, pixeldq, *, n_skip, saturated, do_not_use, estimated):
    """
    Flag the first groups of each ramp, fewer where the pixel saturates early, in place.

    Parameters
    ----------
    groupdq : uint8 [integration, group, row, col]
        Changed in place; more than ``n_skip + 1`` groups.
    pixeldq : uint32 [row, col]
        Changed in place: `estimated` where fewer groups were flagged in some integration.
    n_skip : int
        Groups to flag.
    saturated, do_not_use : int
        Bits of `groupdq`.
    estimated : int
        Bit of `pixeldq`.

    Returns
    -------
    Skipped
        Counts of pixels.

    Notes
    -----
    Two groups after those flagged should be free of saturation. Where the second of them is not,
    and the first group of all is, one group less is flagged, and so on.
    Differs from jwst 3.0.0: nothing in the flags; `n_single` counts no pixels when none are to be
    skipped, where there it may count all of them.
    """
    bit = np.uint8(saturated)
    early = [np.nonzero((ramp[1 : n_skip + 2] & bit != 0) & (ramp[0] & bit == 0))
             for ramp in groupdq]
    # from the last of these groups back to one in which no ramp is saturated
    free = [k for k in range(n_skip + 1) if not any((group == k).any() for group, *_ in early)]
    start = free[-1] + 1 if free else 0
    lowered, single = (np.zeros(pixeldq.shape, bool) for _ in range(2))
    for ramp, (group, *pixel) in zip(groupdq, early, strict=True):
        less = np.zeros(pixeldq.shape, np.int32)
        np.add.at(less, tuple(where[group >= start] for where in pixel), 1)
        skip = np.maximum(n_skip - less, 0)
        for k in range(n_skip):
            ramp[k] |= (skip > k) * np.uint8(do_not_use)
        lowered |= skip < n_skip
        single |= (skip == 0) & (skip < n_skip)
    pixeldq[lowered] |= estimated
    return Skipped(int(np.count_nonzero(lowered)), int(np.count_nonzero(single)))
