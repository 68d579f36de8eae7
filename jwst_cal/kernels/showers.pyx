"""Showers, faint wide emission in MIRI's detectors; the manual is csrc/showers.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from jwst_cal.kernels._glue cimport check, int32_t, jc_status, team_of, uint8_t

__all__ = ["find_showers", "limit_showers"]


cdef extern from "showers.h" nogil:
    ctypedef struct jc_ellipse:
        double x, y, minor, major, angle
    ctypedef struct jc_ellipses:
        jc_ellipse *items
        size_t n
    ctypedef struct jc_cube:
        int n_integrations, n_groups, n_rows, n_cols
    ctypedef struct jc_shower_search:
        jc_cube cube
        const float *data
        const float *gain
        const uint8_t *groupdq
        const uint8_t *masked
        const uint8_t *idle
        const float *median
        const float *sigma
        int per_group
        int n_taps
        const int32_t *taps
        double threshold, min_area
        uint8_t jump, saturated, do_not_use
    void jc_ellipses_free(jc_ellipses *found)
    jc_status jc_showers_find(const jc_shower_search *search, int n_threads, jc_ellipses *found)
    jc_status jc_showers_limit(const jc_cube *cube, const float *data, const float *gain,
                               const uint8_t *idle, const uint8_t *before, uint8_t bits,
                               const float *limit, int n_threads, uint8_t *after)


def find_showers(data, groupdq, *, gain, masked, idle, median, sigma, ring, double threshold,
                 double min_area, uint8_t jump, uint8_t saturated, uint8_t do_not_use,
                 n_threads=None):
    """
    Find the showers of an exposure.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
    groupdq : uint8 [integration, group, row, col]
        With the jumps found.
    gain : float32 [row, col], e-/DN
    masked : bool [row, col]
        Pixels that take no part.
    idle : bool [row, col]
        Pixels that do not make a group usable: reference pixels.
    median, sigma : float32 [row, col] or [group - 1, row, col], electrons
        Of the differences: one for all groups, or one each.
    ring : int [tap, 2]
        Rows and columns of the ring's pixels, from its centre.
    threshold : float
        Least mean signal-to-noise ratio in the ring.
    min_area : float, pixels
    jump, saturated, do_not_use : int
        Bits of groupdq.
    n_threads : int, optional

    Returns
    -------
    where : int64 [shower, 2]
        Integration and group.
    ellipses : float64 [shower, 5]
        As `large_events.find_ellipses` gives them.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If shapes differ or the ring is empty.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, :, :, ::1] d = contiguous(data, np.float32, (None,) * 4, "data")
    shape = np.shape(data)
    each = (shape[1] - 1,) * (np.ndim(median) - 2) + shape[2:]
    cdef const uint8_t[:, :, :, ::1] q = contiguous(groupdq, np.uint8, shape, "groupdq")
    cdef const float[:, ::1] g = contiguous(gain, np.float32, shape[2:], "gain")
    cdef const uint8_t[:, ::1] m = contiguous(masked, bool, shape[2:], "masked").view(np.uint8)
    cdef const uint8_t[:, ::1] r = contiguous(idle, bool, shape[2:], "idle").view(np.uint8)
    median = contiguous(median, np.float32, each, "median")
    sigma = contiguous(sigma, np.float32, each, "sigma")
    cdef const float[::1] middle = median.reshape(-1), noise = sigma.reshape(-1)
    cdef const int32_t[:, ::1] taps = contiguous(ring, np.int32, (None, 2), "ring")
    cdef jc_shower_search search
    cdef int n_planes = d.shape[0] * d.shape[1], team = team_of(n_threads, d.size)
    cdef int k
    cdef jc_status status
    cdef double[:, ::1] out
    search.cube = jc_cube(d.shape[0], d.shape[1], d.shape[2], d.shape[3])
    search.data, search.gain, search.groupdq = &d[0, 0, 0, 0], &g[0, 0], &q[0, 0, 0, 0]
    search.masked, search.idle = &m[0, 0], &r[0, 0]
    search.median, search.sigma = &middle[0], &noise[0]
    search.per_group = len(each) == 3
    search.n_taps, search.taps = taps.shape[0], &taps[0, 0]
    search.threshold, search.min_area = threshold, min_area
    search.jump, search.saturated, search.do_not_use = jump, saturated, do_not_use
    cdef jc_ellipses *found = <jc_ellipses *> calloc(n_planes, sizeof(jc_ellipses))
    if found == NULL:
        raise MemoryError("showers: no memory")
    try:
        with nogil:
            status = jc_showers_find(&search, team, found)
        check(status)
        counts = [found[k].n for k in range(n_planes)]
        ellipses = np.empty((sum(counts), 5))
        start = 0
        for k in range(n_planes):
            if found[k].n:
                out = ellipses[start : start + counts[k]]
                memcpy(&out[0, 0], found[k].items, found[k].n * sizeof(jc_ellipse))
                start += counts[k]
    finally:
        for k in range(n_planes):
            jc_ellipses_free(found + k)
        free(found)
    planes = np.repeat(np.arange(n_planes), counts)
    return np.stack(np.divmod(planes, shape[1]), axis=1), ellipses


def limit_showers(data, groupdq, *, before, gain, idle, limit, uint8_t bits, n_threads=None):
    """
    Restore the flags of pixels whose mean difference the showers changed too much, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
    groupdq : uint8 [integration, group, row, col]
        With the showers flagged; changed.
    before : uint8 [integration, group, row, col]
        Flags before.
    gain : float32 [row, col], e-/DN
    idle : bool [row, col]
        Pixels that are restored in any case.
    limit : float32 [row, col], electrons
        Largest allowed change.
    bits : int
        Samples with one of them are left out of the mean.
    n_threads : int, optional

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If shapes differ.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, :, :, ::1] d = contiguous(data, np.float32, (None,) * 4, "data")
    shape = np.shape(data)
    cdef uint8_t[:, :, :, ::1] q = in_place(groupdq, np.uint8, shape, "groupdq")
    cdef const uint8_t[:, :, :, ::1] b = contiguous(before, np.uint8, shape, "before")
    cdef const float[:, ::1] g = contiguous(gain, np.float32, shape[2:], "gain")
    cdef const uint8_t[:, ::1] r = contiguous(idle, bool, shape[2:], "idle").view(np.uint8)
    cdef const float[:, ::1] most = contiguous(limit, np.float32, shape[2:], "limit")
    cdef jc_cube cube = jc_cube(d.shape[0], d.shape[1], d.shape[2], d.shape[3])
    cdef int team = team_of(n_threads, d.size)
    cdef jc_status status
    with nogil:
        status = jc_showers_limit(&cube, &d[0, 0, 0, 0], &g[0, 0], &r[0, 0], &b[0, 0, 0, 0], bits,
                                  &most[0, 0], team, &q[0, 0, 0, 0])
    check(status)
