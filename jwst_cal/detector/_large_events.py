"""Snowballs: large events whose flags are expanded beyond what the two-point difference finds."""

from jwst_cal.detector._two_point import groups_in
from jwst_cal.kernels.large_events import flag_snowballs as flag_by_kernel

__all__ = ["flag_snowballs"]


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
    Source: Regan 2023, JWST-STScI-008545.
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
