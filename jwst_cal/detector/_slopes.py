"""Slopes of ramps by optimally weighted least squares: times, usable groups, and the kernel."""

import logging
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jwst_cal.kernels.slope import Flags, Rates, Segments, slope

__all__ = ["Flags", "SlopeFit", "first_group_time", "fit_slopes", "usable_groups"]

log = logging.getLogger(__name__)


class SlopeFit(NamedTuple):
    """
    Rates of an exposure.

    Attributes
    ----------
    rate : Rates
        Over all integrations: [row, col]. Slope and error in DN/s, variances in (DN/s)^2.
    rateints : Rates
        Of each integration: [integration, row, col].
    segments : Segments or None
        Of each segment of each ramp: [integration, segment, row, col].
    """

    rate: Rates
    rateints: Rates
    segments: Segments | None


def first_group_time(frame_time, n_frames):
    """
    Return the mean time of the first group's frames since the reset.

    Parameters
    ----------
    frame_time : float, s
        Time of one frame.
    n_frames : int
        Frames averaged in a group.

    Returns
    -------
    float
        Seconds.
    """
    return frame_time * (n_frames + 1) / 2


def _is_unused(groupdq, group, flags, suppress_one_group):
    """Whether no ramp can use a group: flagged, or in a ramp that has one good group only."""
    for integration in groupdq:
        maybe = integration[group] & flags.do_not_use == 0
        if maybe.any() and not suppress_one_group:
            return False
        where = np.argwhere(maybe)
        for start in range(0, len(where), 4096):
            row, col = where[start : start + 4096].T
            good = integration[:, row, col] & ~np.uint8(flags.persistence) == 0
            if (good.sum(axis=0) != 1).any():
                return False
    return True


def usable_groups(groupdq, *, flags, suppress_one_group=True):
    """
    Find the groups left when those at the ends that no pixel can use are dropped.

    Parameters
    ----------
    groupdq : uint8 [integration, group, row, col]
        Flags of the groups.
    flags : Flags
        The bits.
    suppress_one_group : bool
        Whether ramps with one good group are not fitted.

    Returns
    -------
    first, n_groups : int
        First group and number of groups. Any number of leading groups is dropped, and at most
        one at the end: the last frame's.
    """
    first, end = 0, groupdq.shape[1]
    while first < end and _is_unused(groupdq, first, flags, suppress_one_group):
        first += 1
    if first < end and _is_unused(groupdq, end - 1, flags, suppress_one_group):
        end -= 1
    return first, end - first


def fit_slopes(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    pixeldq: NDArray[np.uint32],
    gain: NDArray[np.float32],
    read_noise: NDArray[np.float32],
    *,
    flags: Flags,
    group_time: float,
    frame_time: float,
    n_frames: int,
    group_gap: int = 0,
    drop_frames: int = 0,
    dark_current: NDArray[np.float32] | None = None,
    zeroframe: NDArray[np.float32] | None = None,
    suppress_one_group: bool = True,
    drop_unused_groups: bool = False,
    segments: bool = False,
    in_place: bool = False,
    n_threads: int | None = None,
) -> SlopeFit | None:
    """
    Fit the count rate of every ramp and of every pixel.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Ramps. A NaN counts as a group not to be used.
    groupdq : uint8 [integration, group, row, col]
        Flags of the groups.
    pixeldq : uint32 [row, col]
        Flags of the pixels; those with DO_NOT_USE or SATURATED are not fitted.
    gain : float32 [row, col], e-/DN
        Pixels where it is NaN or not positive are not fitted.
    read_noise : float32 [row, col], DN
        Noise of a difference of two frames.
    flags : Flags
        The bits to read and set.
    group_time, frame_time : float, s
        Time from group to group and of one frame.
    n_frames, group_gap, drop_frames : int
        Frames averaged in a group, dropped between groups, dropped after the reset.
    dark_current : float32 [row, col], DN/s, optional
        Added to the signal's rate in the Poisson variance.
    zeroframe : float32 [integration, row, col], DN, optional
        First frame, used where no group is good and `suppress_one_group` is off.
    suppress_one_group : bool
        Whether ramps with one good group are not fitted. Exposures of one group always are.
    drop_unused_groups : bool
        Whether groups at the ends that no pixel can use are left out (MIRI). A jump in the first
        group that remains is then ignored.
    segments : bool
        Whether to return every segment too.
    in_place : bool
        Whether the ramps may be lost: the rates of the integrations take their place then.
    n_threads : int, optional
        Threads.

    Returns
    -------
    SlopeFit or None
        None when nothing can be fitted: every ramp is saturated from its first group on, or
        fewer than two groups remain of those dropped.

    Raises
    ------
    ValueError
        If shapes do not match, or a time or count is not positive.

    Notes
    -----
    Source: Fixsen et al. 2000, PASP 112, 1350; Robberto 2008, JWST-STScI-0001490.
    Differs from jwst 3.0.0: a ramp without a usable segment is NaN and DO_NOT_USE also when its
    groups are flagged otherwise (there: 0 with error 0 and no flag); a group that is NaN is left
    out (there: it enters the fit as 0 DN); a group flagged PERSISTENCE alone counts as good when
    the good groups are counted; in exposures of one group, flagged integrations do not enter the
    Poisson variance; ``zeroframe`` is used whatever the number of threads.
    """
    n_groups = groupdq.shape[1]
    suppress_one_group = bool(suppress_one_group) and n_groups > 1
    first, used = 0, n_groups
    if drop_unused_groups and n_groups > 1:
        first, used = usable_groups(groupdq, flags=flags, suppress_one_group=suppress_one_group)
        log.info("Left out %d leading and %d final groups that no pixel can use",
                 first, n_groups - first - used)
        if used < 2:
            log.warning("%d groups are left of %d, a fit needs 2: nothing was fitted",
                        used, n_groups)
            return None
    if all((plane[first] & flags.saturated).all() for plane in groupdq):
        log.warning("Every ramp is saturated from its first group on: nothing was fitted")
        return None
    # Times in float32, as the exposure's variances were in jwst 3.0.0.
    group_time, frame_time = float(np.float32(group_time)), float(np.float32(frame_time))
    return SlopeFit(*slope(
        data, groupdq, pixeldq, gain, read_noise,
        flags=flags,
        group_time=group_time,
        frame_time=frame_time,
        first_time=first_group_time(frame_time, n_frames),
        n_frames=n_frames,
        groups=(first, used),
        dark_current=dark_current,
        zeroframe=zeroframe,
        suppress_one_group=suppress_one_group,
        clear_first_jump=first > 0,
        pedestal_groups=((n_frames + 1) / 2 + drop_frames) / (n_frames + group_gap),
        segments=segments,
        in_place=in_place,
        n_threads=n_threads,
    ))
