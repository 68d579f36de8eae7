"""Values sorted once, and their statistics after sigma clipping; see csrc/clipping.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int64_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["clip", "middle", "sort_chosen"]


cdef extern from "clipping.h" nogil:
    ctypedef struct jc_clip_stats:
        double mean, median, std
    jc_status jc_sort_chosen(int64_t n, const float *values, const uint8_t *chosen, int n_threads,
                             float *sorted, int64_t *count)
    jc_status jc_clip(int64_t n, const float *sorted, const double *centre, double sigma,
                      int max_passes, int n_threads, jc_clip_stats *stats)
    jc_status jc_middle(int64_t n, const float *values, int n_threads, float *middle)


def sort_chosen(values, chosen=None, *, n_threads=None):
    """
    Sort the values that are chosen and finite.

    Parameters
    ----------
    values : float32 array
        Of any shape.
    chosen : bool or uint8 array, optional
        Where to take values, of the same shape; everywhere by default.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [value]
        In ascending order.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If the shapes differ or there is nothing to sort.
    MemoryError
        If scratch memory cannot be had.
    """
    values = contiguous(values, np.float32, None, "values")
    if chosen is not None:
        chosen = contiguous(chosen, chosen.dtype, values.shape, "chosen")
        chosen = chosen.view(np.uint8) if chosen.dtype == np.bool_ else chosen
        chosen = contiguous(chosen, np.uint8, None, "chosen").reshape(-1)
    result = np.empty(values.size, np.float32)
    cdef const float[::1] v = values.reshape(-1)
    cdef const uint8_t[::1] c = chosen
    cdef const uint8_t *which = NULL
    cdef float[::1] out = result
    cdef int64_t n = values.size, count = 0
    cdef int team = team_of(n_threads, values.size)
    cdef jc_status status
    if n == 0:
        raise ValueError(f"values: shape {values.shape} is empty")
    if chosen is not None:
        which = &c[0]
    with nogil:
        status = jc_sort_chosen(n, &v[0], which, team, &out[0], &count)
    check(status)
    return result[:count]


def clip(ordered, *, double sigma, int max_passes=5, centre=None, n_threads=None):
    """
    Mean, median and standard deviation after sigma clipping.

    Parameters
    ----------
    ordered : float32 [value]
        Finite, ascending.
    sigma : float
        Standard deviations from the median beyond which values are left out.
    max_passes : int
        How often limits are set, at most; in the end all within the last ones count.
    centre : float, optional
        Take only the values up to this one, and their mirror images above it.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    mean, median, std : float
        NaN if there are no values.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If `sigma` is not positive or `max_passes` negative.
    MemoryError
        If scratch memory cannot be had.
    """
    values = np.ascontiguousarray(ordered)
    if values.dtype != np.float32:
        raise TypeError(f"ordered: dtype {values.dtype} where float32 is needed")
    cdef const float[::1] v = values
    cdef double where = 0
    cdef int64_t n = values.size
    cdef bint mirrored = centre is not None
    cdef int team = team_of(n_threads, values.size)
    cdef jc_clip_stats stats
    cdef jc_status status
    if mirrored:
        where = centre
    with nogil:
        status = jc_clip(n, &v[0] if n else NULL, &where if mirrored else NULL, sigma, max_passes,
                         team, &stats)
    check(status)
    return stats.mean, stats.median, stats.std


def middle(values, *, n_threads=None):
    """
    Find the two values in the middle, whose mean is the median.

    Parameters
    ----------
    values : float32 array
        Of any shape.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    lower, upper : float
        The same value twice if their number is odd; NaN if there is one among them.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If there are no values.
    MemoryError
        If scratch memory cannot be had.
    """
    values = contiguous(values, np.float32, np.shape(values), "values")
    cdef const float[::1] v = values.reshape(-1)
    cdef int64_t n = values.size
    cdef int team = team_of(n_threads, values.size)
    cdef float found[2]
    cdef jc_status status
    with nogil:
        status = jc_middle(n, &v[0], team, found)
    check(status)
    return found[0], found[1]
