"""Groups after a saturation, flagged in place; the manual is csrc/persistence.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport int64_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["persistence"]


cdef extern from "persistence.h" nogil:
    ctypedef struct jc_persistence_input:
        int n_ints, n_groups, n_rows, n_cols
        const float *data
        const double *time
        double duration
        double threshold
        uint8_t saturated, flags
    jc_status jc_persistence(const jc_persistence_input *input, int n_threads, uint8_t *groupdq,
                             double *window, int64_t *n_flagged, int64_t *n_dropped)


def persistence(data, groupdq, window, *, time, double duration, threshold=None, uint8_t saturated,
                uint8_t flags, n_threads=None):
    """
    Flag the groups for some time after a pixel has saturated, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts.
    groupdq : uint8 [integration, group, row, col]
        Flags, changed in place.
    window : float64 [row, col], s
        End of each pixel's window, 0 for none; changed in place.
    time : float64 [integration, group], s
        End of each group.
    duration : float, s
        Length of a window.
    threshold : float, DN, optional
        Counts above which a window opens, too.
    saturated, flags : int
        Bit that opens a window; what is set.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    flagged, dropped : int
        Groups times pixels that were flagged; windows that ended later than possible.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or the duration is not positive.
    MemoryError
        If scratch memory cannot be had.
    """
    shape = np.shape(data)
    cdef const float[:, :, :, ::1] d = contiguous(data, np.float32, (None,) * 4, "data")
    cdef uint8_t[:, :, :, ::1] q = in_place(groupdq, np.uint8, shape, "groupdq")
    cdef double[:, ::1] w = in_place(window, np.float64, shape[2:], "window")
    cdef const double[:, ::1] t = contiguous(time, np.float64, shape[:2], "time")
    cdef jc_persistence_input what
    cdef int64_t flagged = 0, dropped = 0
    cdef int team = team_of(n_threads, d.size)
    cdef jc_status status
    what.n_ints, what.n_groups, what.n_rows, what.n_cols = shape
    what.data, what.time, what.duration = &d[0, 0, 0, 0], &t[0, 0], duration
    what.threshold = np.float32(np.nan if threshold is None else threshold)
    what.saturated, what.flags = saturated, flags
    with nogil:
        status = jc_persistence(&what, team, &q[0, 0, 0, 0], &w[0, 0], &flagged, &dropped)
    check(status)
    return flagged, dropped
