"""Snowballs and showers: large events, flagged beyond what the two-point difference finds."""

import logging
import warnings

import numpy as np

from jwst_cal.detector._two_point import groups_in
from jwst_cal.kernels import memory
from jwst_cal.kernels.jump import dead_groups, median_difference
from jwst_cal.kernels.large_events import flag_ellipses
from jwst_cal.kernels.large_events import flag_snowballs as flag_by_kernel
from jwst_cal.kernels.showers import find_showers, limit_showers

log = logging.getLogger(__name__)

__all__ = ["flag_showers", "flag_snowballs", "ring"]

#: Differences of the exposure below which no showers are looked for.
LEAST_DIFFERENCES = 10
#: Values of many integrations that are worked on at once.
_AT_ONCE = 1 << 22


def flag_snowballs(
    groupdq,
    *,
    group_time,
    jump,
    saturated,
    min_sat_area=1.0,
    min_jump_area=5.0,
    expand_factor=2.0,
    sat_required_snowball=True,
    min_sat_radius_extend=2.5,
    sat_expand=2,
    edge_size=25,
    mask_snowball_core_next_int=True,
    snowball_time_masked_next_int=4000,
    max_extended_radius=200,
    n_threads=None,
):
    """
    Find the snowballs of an exposure and expand their flags in place.

    Parameters
    ----------
    groupdq : uint8 [integration, group, row, col]
        Flags with the jumps found; changed.
    group_time : float, s
    jump, saturated : int
        Bits of groupdq.
    min_sat_area, min_jump_area : float, pixels
        Least area of the newly saturated core, and of the event.
    expand_factor : float
        Growth of the minor axis; the major axis grows by as many pixels.
    sat_required_snowball : bool
        Only events with a core count. Otherwise all large enough are expanded, and no cores.
    min_sat_radius_extend : float, pixels
        Cores whose minor axis exceeds this are expanded. (A diameter, in spite of the name.)
    sat_expand : int, pixels
        By this on each side.
    edge_size : int, pixels
        Nearer to the edge no core is required: it may lie outside.
    mask_snowball_core_next_int : bool
        Flag the cores in the next integration, too,
    snowball_time_masked_next_int : float, s
        for so long.
    max_extended_radius : int, pixels
        Limit of the semi-axes.
    n_threads : int, optional

    Returns
    -------
    int
        Number of snowballs.

    Raises
    ------
    TypeError, ValueError
        If groupdq has another dtype or shape.

    Notes
    -----
    Source: Regan 2023 (STScI), on showers and snowballs in JWST.
    Differs from jwst 3.0.0: the right edge is where the columns end; there, where the rows end,
    so that in a wide subarray most events need no core.
    """
    next_groups = groups_in(snowball_time_masked_next_int, group_time)
    return flag_by_kernel(
        groupdq,
        min_jump_area=min_jump_area,
        min_core_area=min_sat_area,
        expand_factor=expand_factor,
        core_required=sat_required_snowball,
        min_core_diameter=min_sat_radius_extend,
        core_growth=2 * sat_expand,
        max_diameter=2 * max_extended_radius,
        edge=edge_size,
        next_groups=max(next_groups, 0) if mask_snowball_core_next_int else 0,
        jump=jump,
        saturated=saturated,
        n_threads=n_threads,
    )


def ring(inner_radius, width):
    """
    List the pixels of a ring about the origin.

    Parameters
    ----------
    inner_radius, width : float, pixels

    Returns
    -------
    int32 [pixel, 2]
        Row and column.
    """
    outer = inner_radius + width
    reach = max(int(outer), 0)
    rows, cols = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    far = rows**2 + cols**2
    inside = (far >= inner_radius**2) & (far <= outer**2)
    return np.stack([rows[inside], cols[inside]], axis=1).astype(np.int32)


def _clipped_differences(data, groupdq, gain, unusable, jump):
    """Median and standard deviation of each group's differences over many integrations."""
    from astropy.stats import sigma_clipped_stats

    n_ints, n_groups, n_rows, n_cols = data.shape
    median, scatter = (np.empty((n_groups - 1, n_rows, n_cols), np.float32) for _ in range(2))
    at_once = max(1, _AT_ONCE // (n_ints * n_groups * n_cols))
    for row in range(0, n_rows, at_once):
        rows = np.s_[..., row : row + at_once, :]
        spoilt = ((groupdq[rows] & unusable) != 0) | (groupdq[rows] == jump)
        electrons = np.where(spoilt, np.float32(np.nan), data[rows] * gain[rows])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, median[rows], scatter[rows] = sigma_clipped_stats(
                np.diff(electrons, axis=1), sigma=5, axis=0)
    return median, scatter


def flag_showers(
    data,
    groupdq,
    pixeldq,
    *,
    gain,
    read_noise,
    n_frames,
    group_time,
    largest_change,
    jump,
    saturated,
    do_not_use,
    reference_pixel,
    extend_snr_threshold=1.2,
    extend_min_area=90,
    extend_inner_radius=1.0,
    extend_outer_radius=2.6,
    extend_ellipse_expand_ratio=1.1,
    time_masked_after_shower=15.0,
    max_extended_radius=200,
    minimum_sigclip_groups=100,
    n_threads=None,
):
    """
    Find the showers of an exposure and flag them in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
    groupdq : uint8 [integration, group, row, col]
        Flags with the jumps found; changed.
    pixeldq : uint32 [row, col]
        Pixels with one of the three bits below take no part.
    gain : float32 [row, col], e-/DN
    read_noise : float32 [row, col], DN
        Of the difference of two reads.
    n_frames : int
        Reads averaged in a group.
    group_time : float, s
    largest_change : float32 [row, col] or float, electrons
        The flags of a pixel are taken back where they change its mean difference by more.
    jump, saturated, do_not_use : int
        Bits of groupdq.
    reference_pixel : int
        A pixel with just this in pixeldq is left alone.
    extend_snr_threshold : float
        Least signal-to-noise ratio, averaged over a ring.
    extend_min_area : int, pixels
        Least area of a shower.
    extend_inner_radius, extend_outer_radius : float, pixels
        Inner radius of the ring and, in spite of the name, its width.
    extend_ellipse_expand_ratio : float
        Growth of the minor axis; the major axis grows by as many pixels.
    time_masked_after_shower : float, s
        A shower is flagged in the groups of this time, too.
    max_extended_radius : int, pixels
        Limit of the semi-axes.
    minimum_sigclip_groups : int
        Integrations from which median and noise of each group are found by clipping over them.
    n_threads : int, optional

    Returns
    -------
    int
        Number of showers.

    Raises
    ------
    TypeError, ValueError
        If an array has another dtype or shape, or the ring holds no pixel.

    Notes
    -----
    Source: Regan 2023 (STScI), on showers and snowballs in JWST.
    Differs from jwst 3.0.0: the largest change is the caller's; there it is always 6 electrons per
    second.
    """
    n_ints, n_groups = data.shape[:2]
    dead = dead_groups(groupdq, bits=do_not_use)
    if n_ints * (n_groups - 1) - int(dead.sum()) < LEAST_DIFFERENCES:
        log.warning("Too few differences: no showers were looked for")
        return 0
    bits = jump | saturated | do_not_use
    unusable = saturated | do_not_use
    with np.errstate(invalid="ignore"):
        if n_ints >= minimum_sigclip_groups:
            median, sigma = _clipped_differences(data, groupdq, gain, unusable, jump)
        else:
            median = median_difference(data, groupdq, gain=gain, unusable=unusable, lone=jump,
                                       n_threads=n_threads)
            sigma = np.sqrt(np.abs(median) + (read_noise * gain) ** 2 / np.float32(n_frames))
    reference = pixeldq == reference_pixel
    where, ellipses = find_showers(
        data, groupdq, gain=gain, masked=reference | ((pixeldq & bits) != 0), idle=reference,
        median=median, sigma=sigma, ring=ring(extend_inner_radius, extend_outer_radius),
        threshold=extend_snr_threshold, min_area=extend_min_area, jump=jump, saturated=saturated,
        do_not_use=do_not_use, n_threads=n_threads)
    if len(where) == 0:
        return 0
    before = memory.copied(groupdq)
    for (integration, group), ellipse in zip(where.tolist(), ellipses, strict=True):
        flag_ellipses(
            groupdq, ellipse[None], integration=integration, group=group,
            n_later=max(groups_in(time_masked_after_shower, group_time), 0),
            factor=extend_ellipse_expand_ratio, max_diameter=2 * max_extended_radius, jump=jump,
            saturated=saturated)
    limit = np.broadcast_to(np.asarray(largest_change, np.float32), gain.shape)
    limit_showers(data, groupdq, before=before, gain=gain, idle=reference, limit=limit, bits=bits,
                  n_threads=n_threads)
    return len(where)
