"""The background around sources; the manual is csrc/rings.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["ring_medians"]


cdef extern from "rings.h" nogil:
    ctypedef struct jc_rings:
        int n_rows, n_cols
        const float *image
        int n_sources
        const double *position
        double inner, outer, sigma
        int max_passes
    jc_status jc_ring_medians(const jc_rings *rings, int n_threads, double *median, double *std,
                              int32_t *count)


def ring_medians(image, positions, *, double inner, double outer, double sigma=3.0,
                 int max_passes=5, n_threads=None):
    """
    Median and standard deviation of the pixels in a ring around each position.

    Parameters
    ----------
    image : float32 [row, col]
        Values; what is not finite is not used.
    positions : float64 [source, 2]
        Columns and rows; there is nothing around a position that is not finite.
    inner, outer : float
        Radii in pixels, less than 4096: pixels count whose centre is at least `inner` and less
        than `outer` away.
    sigma : float
        Standard deviations from the median beyond which values are left out.
    max_passes : int
        How often that is done, at most.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    median, std : float64 [source]
        Of what is left; NaN where that is nothing.
    count : int32 [source]
        How many pixels are left.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, ::1] values = contiguous(image, np.float32, (None, None), "image")
    cdef const double[:, ::1] places = contiguous(positions, np.float64, (None, 2), "positions")
    n = len(positions)
    median, std, count = np.empty(n), np.empty(n), np.empty(n, np.int32)
    cdef double[::1] middle = median
    cdef double[::1] width = std
    cdef int32_t[::1] left = count
    cdef jc_rings what
    what.n_rows, what.n_cols, what.image = values.shape[0], values.shape[1], &values[0, 0]
    what.n_sources, what.position = n, &places[0, 0]
    what.inner, what.outer, what.sigma, what.max_passes = inner, outer, sigma, max_passes
    # the work is that of the squares around the rings
    side = 2 * int(outer) + 1 if 0 <= outer < 4096 else 1
    cdef int team = team_of(n_threads, n * side**2)
    cdef jc_status status
    with nogil:
        status = jc_ring_medians(&what, team, &middle[0], &width[0], &left[0])
    check(status)
    return median, std, count
