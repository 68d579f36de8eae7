"""Charge traps that fill and empty; the manual is csrc/traps.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport int64_t, uint8_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["traps"]


cdef extern from "traps.h" nogil:
    ctypedef struct jc_traps_input:
        int n_ints, n_groups, n_rows, n_cols, n_families
        const uint8_t *groupdq
        uint8_t saturated, jump
        const float *density
        const float *full
        double group_time
        double cutoff
        uint32_t flag
        const float *decay
        const float *between
        const double *slow
        const double *instant
        const double *ramp
        const double *soak
        const double *hit
    jc_status jc_traps(const jc_traps_input *input, int n_threads, float *data, uint32_t *pixeldq,
                       float *traps, float *persistence, int64_t *n_flagged)


def traps(data, groupdq, pixeldq, filled, *, density, full, double group_time, double cutoff,
          saturated, jump, flag, decay, between, slow, instant, ramp, soak, hit,
          persistence=None, n_threads=None):
    """
    Take off what full traps release, and fill traps, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts, changed in place.
    groupdq : uint8 [integration, group, row, col]
        Flags.
    pixeldq : uint32 [row, col]
        Flags, changed in place.
    filled : float32 [family, row, col], DN
        Filled traps before the exposure; in place, after it.
    density : float32 [row, col]
        Traps of a pixel, 0 where unknown.
    full : float32 [row, col], DN
        Counts at which all traps are in reach; NaN: never above.
    group_time : float, s
        From group to group.
    cutoff : float, DN
        Persistence from which on a pixel is flagged.
    saturated, jump, flag : int
        Bits of `groupdq`; what is set in `pixeldq`.
    decay, between : float32 [family]
        Fraction of the filled traps that empties in a group, and in a reset.
    slow, instant : float64 [family]
        Traps in reach per trap of density.
    ramp : float64 [2, family, group + 1]
        Filled by a ramp with so many groups above `full`, in the first integration and later.
    soak : float64 [family, group + 1]
        Fraction of the slow traps that fills in so many groups above `full`.
    hit : float64 [family, group]
        Filled per trap and DN of a jump in a group.
    persistence : float32 [integration, group, row, col], DN, optional
        Receives what was taken off.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    int
        Pixels flagged.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or the group time is not positive.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef float[:, :, :, ::1] d = in_place(data, np.float32, (None,) * 4, "data")
    shape = np.shape(data)
    n_groups, image = shape[1], shape[2:]
    cdef const uint8_t[:, :, :, ::1] q = contiguous(groupdq, np.uint8, shape, "groupdq")
    cdef uint32_t[:, ::1] p = in_place(pixeldq, np.uint32, image, "pixeldq")
    cdef float[:, :, ::1] t = in_place(filled, np.float32, (None, *image), "filled")
    n = np.shape(filled)[0]
    cdef const float[:, ::1] n_traps = contiguous(density, np.float32, image, "density")
    cdef const float[:, ::1] limit = contiguous(full, np.float32, image, "full")
    cdef const float[::1] a = contiguous(decay, np.float32, (n,), "decay")
    cdef const float[::1] b = contiguous(between, np.float32, (n,), "between")
    cdef const double[::1] s = contiguous(slow, np.float64, (n,), "slow")
    cdef const double[::1] i = contiguous(instant, np.float64, (n,), "instant")
    cdef const double[:, :, ::1] r = contiguous(ramp, np.float64, (2, n, n_groups + 1), "ramp")
    cdef const double[:, ::1] k = contiguous(soak, np.float64, (n, n_groups + 1), "soak")
    cdef const double[:, ::1] h = contiguous(hit, np.float64, (n, n_groups), "hit")
    cdef float[:, :, :, ::1] out
    cdef float *released = NULL
    if persistence is not None:
        out = in_place(persistence, np.float32, shape, "persistence")
        released = &out[0, 0, 0, 0]
    cdef jc_traps_input what
    cdef int64_t flagged = 0
    cdef int team = team_of(n_threads, d.size)
    cdef jc_status status
    what.n_ints, what.n_groups, what.n_rows, what.n_cols = shape
    what.n_families = n
    what.groupdq, what.saturated, what.jump = &q[0, 0, 0, 0], saturated, jump
    what.density, what.full = &n_traps[0, 0], &limit[0, 0]
    what.group_time, what.cutoff, what.flag = group_time, cutoff, flag
    what.decay, what.between, what.slow, what.instant = &a[0], &b[0], &s[0], &i[0]
    what.ramp, what.soak, what.hit = &r[0, 0, 0], &k[0, 0], &h[0, 0]
    with nogil:
        status = jc_traps(&what, team, &d[0, 0, 0, 0], &p[0, 0], &t[0, 0, 0], released, &flagged)
    check(status)
    return flagged
