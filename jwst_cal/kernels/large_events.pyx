"""Snowballs and the ellipses about connected flags; the manual is csrc/large_events.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.string cimport memcpy

from jwst_cal.kernels._glue cimport check, int64_t, jc_status, team_of, uint8_t

__all__ = ["find_ellipses", "flag_ellipses", "flag_snowballs"]


cdef extern from "large_events.h" nogil:
    ctypedef struct jc_ellipse:
        double x, y, minor, major, angle
    ctypedef struct jc_ellipses:
        jc_ellipse *items
        size_t n
    ctypedef struct jc_cube:
        int n_integrations, n_groups, n_rows, n_cols
    ctypedef struct jc_snowball_rule:
        double min_jump_area, min_core_area, expand_factor
        int core_required
        double min_core_diameter, core_growth, max_diameter
        int edge, next_groups
        uint8_t jump, saturated
    jc_status jc_snowballs(const jc_cube *cube, const jc_snowball_rule *rule, int n_threads,
                           uint8_t *groupdq, int64_t *n_found)
    jc_status jc_find_ellipses(const uint8_t *plane, int n_rows, int n_cols, uint8_t bit,
                               double min_area, jc_ellipses *found)
    void jc_ellipses_free(jc_ellipses *found)
    jc_status jc_flag_ellipses(const jc_cube *cube, const jc_ellipse *ellipses, size_t n_ellipses,
                               int integration, int group, int n_later, double factor,
                               double max_diameter, uint8_t jump, uint8_t saturated,
                               uint8_t *groupdq)


def flag_snowballs(groupdq, *, double min_jump_area, double min_core_area, double expand_factor,
                   bint core_required, double min_core_diameter, double core_growth,
                   double max_diameter, int edge, int next_groups, uint8_t jump,
                   uint8_t saturated, n_threads=None):
    """
    Find the snowballs of an exposure and expand their flags in place.

    Parameters
    ----------
    groupdq : uint8 [integration, group, row, col]
        Flags, changed in place.
    min_jump_area, min_core_area : float, pixels
        Least areas of a snowball and of its newly saturated core.
    expand_factor : float
        Growth of the minor axis; the major axis grows by as many pixels.
    core_required : bool
        Only events with a core count, unless near the edge; cores are grown, too.
    min_core_diameter : float, pixels
        Cores whose minor axis exceeds this are grown.
    core_growth, max_diameter : float, pixels
        Added to the axes of a core; limit of all axes.
    edge : int, pixels
        No core is required so near to an edge.
    next_groups : int
        Cores are flagged in the groups from the second up to this number of the next
        integration; 0 for none.
    jump, saturated : int
        Bits.
    n_threads : int, optional

    Returns
    -------
    int
        Number of snowballs.

    Raises
    ------
    TypeError
        If groupdq is not uint8.
    ValueError
        If it has not four axes, or n_threads is less than 1.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef uint8_t[:, :, :, ::1] q = in_place(groupdq, np.uint8, (None,) * 4, "groupdq")
    cdef jc_cube cube = jc_cube(q.shape[0], q.shape[1], q.shape[2], q.shape[3])
    cdef jc_snowball_rule rule
    cdef int64_t found = 0
    cdef int team = team_of(n_threads, q.size)
    cdef jc_status status
    rule.min_jump_area, rule.min_core_area = min_jump_area, min_core_area
    rule.expand_factor, rule.core_required = expand_factor, core_required
    rule.min_core_diameter, rule.core_growth = min_core_diameter, core_growth
    rule.max_diameter, rule.edge, rule.next_groups = max_diameter, edge, next_groups
    rule.jump, rule.saturated = jump, saturated
    with nogil:
        status = jc_snowballs(&cube, &rule, team, &q[0, 0, 0, 0], &found)
    check(status)
    return found


def find_ellipses(plane, *, uint8_t bit, double min_area):
    """
    Find the ellipses about the regions of one plane that carry a bit.

    Parameters
    ----------
    plane : uint8 [row, col]
    bit : int
    min_area : float, pixels
        Least area, holes included.

    Returns
    -------
    float64 [region, 5]
        Column and row of the centre, minor and major full axis in pixels, angle in degrees.

    Raises
    ------
    TypeError
        If plane is not uint8.
    ValueError
        If it has not two axes.
    MemoryError
        If memory cannot be had.
    """
    cdef const uint8_t[:, ::1] p = contiguous(plane, np.uint8, (None, None), "plane")
    cdef jc_ellipses found
    cdef jc_status status
    cdef double[:, ::1] out
    with nogil:
        status = jc_find_ellipses(&p[0, 0], p.shape[0], p.shape[1], bit, min_area, &found)
    try:
        check(status)
        array = np.empty((found.n, 5))
        if found.n:
            out = array
            memcpy(&out[0, 0], found.items, found.n * sizeof(jc_ellipse))
    finally:
        jc_ellipses_free(&found)
    return array


def flag_ellipses(groupdq, ellipses, *, int integration, int group, int n_later, double factor,
                  double max_diameter, uint8_t jump, uint8_t saturated):
    """
    Grow ellipses and flag their unsaturated pixels in some groups of one integration, in place.

    Parameters
    ----------
    groupdq : uint8 [integration, group, row, col]
        Flags, changed in place.
    ellipses : float64 [ellipse, 5]
        As from `find_ellipses`.
    integration, group : int
        Where they were found.
    n_later : int
        Number of further groups to flag.
    factor : float
        Growth of the minor axis; the major axis grows by as many pixels.
    max_diameter : float, pixels
        Limit of both axes.
    jump, saturated : int
        Bits: set; of pixels that are left alone.

    Raises
    ------
    TypeError
        If groupdq is not uint8.
    ValueError
        If shapes or indices are wrong.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef uint8_t[:, :, :, ::1] q = in_place(groupdq, np.uint8, (None,) * 4, "groupdq")
    if np.shape(ellipses) == (0, 5):
        return
    cdef const double[:, ::1] e = contiguous(ellipses, np.float64, (None, 5), "ellipses")
    cdef jc_cube cube = jc_cube(q.shape[0], q.shape[1], q.shape[2], q.shape[3])
    cdef jc_status status
    with nogil:
        status = jc_flag_ellipses(&cube, <const jc_ellipse *> &e[0, 0], e.shape[0], integration,
                                  group, n_later, factor, max_diameter, jump, saturated,
                                  &q[0, 0, 0, 0])
    check(status)
