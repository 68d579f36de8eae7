"""What is done to each pixel of calibrated images; the manual is csrc/pixels.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport int64_t, uint8_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["flag", "inverse_variance", "leave_out", "reconcile", "scale"]

DEF MAX_ARRAYS = 8

cdef extern from "pixels.h" nogil:
    jc_status jc_reconcile(int64_t n, int n_arrays, uint32_t bits, int n_threads, float **arrays,
                           uint32_t *flags)
    jc_status jc_flag(int64_t n, const uint8_t *chosen, uint32_t bits, int n_threads,
                      uint32_t *flags, int64_t *count)
    jc_status jc_leave_out(int64_t n, const float *weight, double limit, int n_threads,
                           float *values)
    jc_status jc_inverse_variance(int64_t n, const float *variance, const uint32_t *flags,
                                  uint32_t bits, int n_threads, float *inverse)
    jc_status jc_scale(int64_t n, int n_arrays, const double *factors, int divide, int n_threads,
                       float **arrays)


def reconcile(arrays, flags, bits, *, n_threads=None):
    """
    Set pixels that are NaN in one array, or flagged, to NaN in all, and flag them.

    Parameters
    ----------
    arrays : sequence of float32 array
        One to eight of the same shape, changed in place.
    flags : uint32 array or None
        Flags, of the same shape, changed in place.
    bits : int
        Flags that a pixel has none of, or all.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, an array is empty or not contiguous, or there are too many.
    """
    cdef int n = len(arrays), k
    if not 1 <= n <= MAX_ARRAYS:
        raise ValueError(f"arrays: {n} where 1 to {MAX_ARRAYS} are needed")
    cdef float *values[MAX_ARRAYS]
    cdef float[::1] one
    cdef uint32_t[::1] flagged
    cdef uint32_t *flagged_at = NULL
    shape = np.shape(arrays[0])
    for k in range(n):
        one = in_place(arrays[k], np.float32, shape, f"arrays[{k}]").reshape(-1)
        values[k] = &one[0]
    if flags is not None:
        flagged = in_place(flags, np.uint32, shape, "flags").reshape(-1)
        flagged_at = &flagged[0]
    cdef int64_t size = arrays[0].size
    cdef uint32_t wanted = bits
    cdef int team = team_of(n_threads, size)
    cdef jc_status status
    with nogil:
        status = jc_reconcile(size, n, wanted, team, values, flagged_at)
    check(status)


def flag(flags, chosen, bits, *, n_threads=None):
    """
    Flag chosen pixels.

    Parameters
    ----------
    flags : uint32 array
        Flags, changed in place.
    chosen : bool array
        Which, of the same shape.
    bits : int
        Flags that they get.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    int
        How many they are.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, or an array is empty or not contiguous.
    """
    cdef uint32_t[::1] to = in_place(flags, np.uint32, None, "flags").reshape(-1)
    cdef const uint8_t[::1] which = contiguous(chosen, np.bool_, np.shape(flags),
                                               "chosen").reshape(-1).view(np.uint8)
    cdef int64_t size = to.shape[0], count = 0
    cdef uint32_t wanted = bits
    cdef int team = team_of(n_threads, size)
    cdef jc_status status
    with nogil:
        status = jc_flag(size, &which[0], wanted, team, &to[0], &count)
    check(status)
    return count


def leave_out(values, weight, double limit, *, n_threads=None):
    """
    Set values of low weight to NaN.

    Parameters
    ----------
    values : float32 [row, col]
        Values, changed in place.
    weight : float32 [row, col]
        Their weights.
    limit : float
        What is below is low; nothing if it is NaN.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, or an array is empty or not contiguous.
    """
    cdef float[:, ::1] to = in_place(values, np.float32, (None, None), "values")
    cdef const float[:, ::1] w = contiguous(weight, np.float32, np.shape(values), "weight")
    cdef int64_t size = to.size
    cdef int team = team_of(n_threads, size)
    cdef jc_status status
    with nogil:
        status = jc_leave_out(size, &w[0, 0], limit, team, &to[0, 0])
    check(status)


def inverse_variance(variance, flags, bits, *, n_threads=None):
    """
    Give the weight of pixels from their variance.

    Parameters
    ----------
    variance : float32 [row, col]
        Variance.
    flags : uint32 [row, col]
        Flags.
    bits : int
        Flags that a pixel with one of has no weight.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [row, col]
        1 / variance; 0 where that is not finite or the pixel is flagged.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match.
    """
    cdef const float[:, ::1] values = contiguous(variance, np.float32, (None, None), "variance")
    shape = np.shape(variance)
    cdef const uint32_t[:, ::1] flagged = contiguous(flags, np.uint32, shape, "flags")
    found = np.empty(shape, np.float32)
    cdef float[:, ::1] out = found
    cdef int64_t size = found.size
    cdef uint32_t unwanted = bits
    cdef int team = team_of(n_threads, size)
    cdef jc_status status
    with nogil:
        status = jc_inverse_variance(size, &values[0, 0], &flagged[0, 0], unwanted, team,
                                     &out[0, 0])
    check(status)
    return found


def scale(arrays, factors, *, bint divide=False, n_threads=None):
    """
    Multiply arrays by numbers, in place; in float64, rounded once.

    Parameters
    ----------
    arrays : sequence of float32 array
        One to eight of the same shape, changed in place.
    factors : sequence of float
        A number for each.
    divide : bool, optional
        Divide instead.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes or numbers do not match, an array is empty or not contiguous, or there are too
        many.
    """
    cdef int n = len(arrays), k
    if not 1 <= n <= MAX_ARRAYS:
        raise ValueError(f"arrays: {n} where 1 to {MAX_ARRAYS} are needed")
    cdef const double[::1] times = contiguous(factors, np.float64, (n,), "factors")
    cdef float *values[MAX_ARRAYS]
    cdef float[::1] one
    shape = np.shape(arrays[0])
    for k in range(n):
        one = in_place(arrays[k], np.float32, shape, f"arrays[{k}]").reshape(-1)
        values[k] = &one[0]
    cdef int64_t size = arrays[0].size
    cdef int team = team_of(n_threads, size)
    cdef jc_status status
    with nogil:
        status = jc_scale(size, n, &times[0], divide, team, values)
    check(status)
