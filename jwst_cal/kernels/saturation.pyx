"""Saturated groups, flagged in place; the manual is csrc/saturation.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, either_order, image_rows, in_place

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["saturation"]


cdef extern from "saturation.h" nogil:
    ctypedef struct jc_saturation_input:
        int n_ints, n_groups
        int n_rows, n_cols
        int n_data_rows
        const int32_t *rows
        const float *data
        const void *limit
        const uint32_t *limit_dq
        uint32_t no_check
        float unchecked_limit
        int rings
        uint8_t saturated, low, do_not_use
        int limit_swapped
    ctypedef struct jc_saturation_reads:
        int n_reads
        const void *bias
        int second_only
        int bias_swapped
    ctypedef struct jc_saturation_count:
        int64_t saturated, low
    jc_status jc_saturation(const jc_saturation_input *input, const jc_saturation_reads *reads,
                            int n_threads, uint8_t *groupdq, uint32_t *pixeldq, float *zeroframe,
                            jc_saturation_count *count)


def saturation(data, groupdq, pixeldq, limit, limit_dq, *, int rings, uint32_t no_check,
               float unchecked_limit, uint8_t saturated, uint8_t low, uint8_t do_not_use,
               reads_per_group=None, bias=None, rows=None, bint second_only=False, zeroframe=None,
               n_threads=None):
    """
    Flag the saturated groups of an exposure, in place.

    Parameters
    ----------
    data : float32 [integration, group, data row, col], DN
        Raw counts.
    groupdq : uint8 [integration, group, data row, col]
        Flags, changed in place.
    pixeldq : uint32 [data row, col]
        Changed in place: the flags of the limit are added.
    limit : float32 [row, col], DN, either byte order
        Counts at full well; NaN is not checked.
    limit_dq : uint32 [row, col]
        Flags of the limit.
    rings : int
        Neighbours so many rows and columns away are flagged too.
    no_check : int
        Bit of `limit_dq` and `pixeldq` for pixels that are not checked.
    unchecked_limit : float, DN
        Limit of those.
    saturated, low, do_not_use : int
        Bits of `groupdq`; `low` may be a union.
    reads_per_group : int, optional
        Reads averaged in a group; with it, groups that saturate between two reads are sought.
    bias : float32 [row, col], DN, either byte order, optional
        Superbias, used by that search; none is 0.
    rows : int32 [row], optional
        Row of the data that holds each row of the image.
    second_only : bool
        The search is that of NIRSpec IRS2; see the header.
    zeroframe : float32 [integration, data row, col], DN, optional
        First reads, changed in place: saturated and low ones become 0.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    saturated, low : int
        Ramps (pixels times integrations) with such a group.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    data = contiguous(data, np.float32, (None, None, None, None), "data")
    in_place(groupdq, np.uint8, data.shape, "groupdq")
    in_place(pixeldq, np.uint32, data.shape[2:], "pixeldq")
    shape, rows = image_rows(data, rows)
    cdef const float[:, :, :, ::1] d = data
    cdef uint8_t[:, :, :, ::1] q = groupdq
    cdef uint32_t[:, ::1] p = pixeldq
    limit, limit_swapped = either_order(limit, shape, "limit")
    cdef const uint32_t[:, ::1] limits = limit
    cdef const uint32_t[:, ::1] flags = contiguous(limit_dq, np.uint32, shape, "limit_dq")
    cdef const uint32_t[:, ::1] b
    cdef const int32_t[::1] r
    cdef float[:, :, ::1] z
    cdef float *zero = NULL
    cdef jc_saturation_input what
    cdef jc_saturation_reads reads
    cdef jc_saturation_count count
    cdef bint by_read = reads_per_group is not None
    cdef int team = team_of(n_threads, data.size)
    cdef jc_status status
    what.n_ints, what.n_groups, what.n_data_rows, what.n_cols = data.shape
    what.n_rows, what.rows = shape[0], NULL
    what.data, what.limit, what.limit_dq = &d[0, 0, 0, 0], &limits[0, 0], &flags[0, 0]
    what.no_check, what.unchecked_limit, what.rings = no_check, unchecked_limit, rings
    what.saturated, what.low, what.do_not_use = saturated, low, do_not_use
    what.limit_swapped = limit_swapped
    if rows is not None:
        r = rows
        what.rows = &r[0]
    if by_read:
        reads.n_reads, reads.bias, reads.second_only = reads_per_group, NULL, second_only
        if bias is not None:
            b, reads.bias_swapped = either_order(bias, shape, "bias")
            reads.bias = &b[0, 0]
    if zeroframe is not None:
        z = in_place(zeroframe, np.float32, (data.shape[0], *data.shape[2:]), "zeroframe")
        zero = &z[0, 0, 0]
    with nogil:
        status = jc_saturation(&what, &reads if by_read else NULL, team, &q[0, 0, 0, 0], &p[0, 0],
                               zero, &count)
    check(status)
    return count.saturated, count.low
