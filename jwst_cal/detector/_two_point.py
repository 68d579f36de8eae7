"""Jumps in ramps by the two-point difference method: which rule applies, and the call of it."""

import numpy as np

from jwst_cal.kernels.jump import dead_groups, typical
from jwst_cal.kernels.jump import jump as flag_by_kernel

__all__ = ["choose_method", "flag", "groups_in", "observed"]


def groups_in(seconds, group_time):
    """
    Count the whole groups that fit in a time.

    Parameters
    ----------
    seconds, group_time : float, s

    Returns
    -------
    int
    """
    return int(seconds // group_time)


def observed(groupdq, *, group_time, do_not_use):
    """
    Sum the time in which the pixels could record an event.

    Parameters
    ----------
    groupdq : uint8 [integration, group, row, col]
    group_time : float, s
    do_not_use : int
        Groups with this bit in every pixel do not count.

    Returns
    -------
    float, s
        Group intervals times pixels; 0 or less when there is no interval.
    """
    dead = dead_groups(groupdq, bits=do_not_use)
    n_intervals = int(dead.size - dead.sum()) - dead.shape[0]
    return n_intervals * group_time * groupdq[0, 0].size


def choose_method(
    dead, *, min_diffs_single_pass, minimum_groups, minimum_sigclip_groups, only_use_ints
):
    """
    Choose how outliers are told, from the number of groups that can be used.

    Parameters
    ----------
    dead : bool [integration, group]
        Groups in which every pixel is flagged as not to be used.
    min_diffs_single_pass : int
        Differences of an integration from which one pass suffices.
    minimum_groups : int
        Usable groups of an integration below which nothing is done.
    minimum_sigclip_groups : int
        Integrations (or groups of the exposure) from which sigma clipping is used.
    only_use_ints : bool
        Sigma clipping compares a group over the integrations, not all groups.

    Returns
    -------
    {"clip", "single_pass", "sigma_ints", "sigma_all"} or None
        ``None``: too few groups.
    """
    n_integrations, n_groups = dead.shape
    compared = n_integrations if only_use_ints else int(dead.size - dead.sum())
    if compared >= minimum_sigclip_groups:
        return "sigma_ints" if only_use_ints else "sigma_all"
    usable = n_groups - int(dead.sum(axis=1).max())
    if usable < minimum_groups:
        return None
    return "single_pass" if usable - 1 >= min_diffs_single_pass else "clip"


def flag(
    data,
    groupdq,
    *,
    gain,
    read_noise,
    n_frames,
    group_time,
    jump,
    saturated,
    do_not_use,
    rejection_threshold=4.0,
    three_group_rejection_threshold=6.0,
    four_group_rejection_threshold=5.0,
    flag_4_neighbors=True,
    max_jump_to_flag_neighbors=1000.0,
    min_jump_to_flag_neighbors=10.0,
    after_jump_flag_dn1=0.0,
    after_jump_flag_time1=0.0,
    after_jump_flag_dn2=0.0,
    after_jump_flag_time2=0.0,
    min_diffs_single_pass=10,
    minimum_groups=3,
    minimum_sigclip_groups=100,
    only_use_ints=True,
    n_threads=None,
):
    """
    Flag the jumps of one exposure in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Linearised, dark-subtracted ramps. NaN is treated as flagged.
    groupdq : uint8 [integration, group, row, col]
        Flags; changed.
    gain : float32 [row, col], e-/DN
    read_noise : float32 [row, col], DN
        Of the difference of two reads (CDS).
    n_frames : int
        Reads averaged in a group.
    group_time : float, s
    jump, saturated, do_not_use : int
        Bits of groupdq.
    rejection_threshold, three_group_rejection_threshold, four_group_rejection_threshold : float
        In sigma, for ramps with at least five, three and four usable groups.
    flag_4_neighbors : bool
        Flag the four pixels beside a jump.
    max_jump_to_flag_neighbors, min_jump_to_flag_neighbors : float, sigma
        Only jumps between these flag their neighbours.
    after_jump_flag_dn1, after_jump_flag_dn2 : float, DN
        Jumps of at least this size flag the groups after them,
    after_jump_flag_time1, after_jump_flag_time2 : float, s
        for this long.
    min_diffs_single_pass, minimum_groups, minimum_sigclip_groups, only_use_ints
        See `choose_method`.
    n_threads : int, optional

    Returns
    -------
    int or None
        Samples flagged before neighbours and later groups are added; ``None`` when there were too
        few groups to look for any.

    Raises
    ------
    TypeError, ValueError
        If an array has another dtype or shape.

    Notes
    -----
    Source: Anderson and Gordon 2011, PASP 123, 1237.
    Differs from jwst 3.0.0: `minimum_groups` is honoured, where the reference takes 3 on one core.
    """
    dead = dead_groups(groupdq, bits=do_not_use)
    method = choose_method(
        dead,
        min_diffs_single_pass=min_diffs_single_pass,
        minimum_groups=minimum_groups,
        minimum_sigclip_groups=minimum_sigclip_groups,
        only_use_ints=only_use_ints,
    )
    if method is None:
        redundant = (groupdq & (saturated | do_not_use)) != 0
        groupdq[redundant] &= ~np.uint8(jump)
        return None
    after = [groups_in(t, group_time) if t else 0
             for t in (after_jump_flag_time1, after_jump_flag_time2)]
    typical_gain = typical(gain) if max(after) > 0 else np.float32(0)
    return flag_by_kernel(
        data,
        groupdq,
        gain=gain,
        read_noise=read_noise,
        n_frames=n_frames,
        method=method,
        threshold=rejection_threshold,
        threshold_three=four_group_rejection_threshold,
        threshold_two=three_group_rejection_threshold,
        flag_neighbors=flag_4_neighbors,
        min_neighbor=min_jump_to_flag_neighbors,
        max_neighbor=max_jump_to_flag_neighbors,
        after_electrons=[dn * typical_gain for dn in (after_jump_flag_dn1, after_jump_flag_dn2)],
        after_groups=after,
        jump=jump,
        unusable=saturated | do_not_use,
        do_not_use=do_not_use,
        n_threads=n_threads,
    )
