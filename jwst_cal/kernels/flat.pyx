"""Division by the response of the detector; the manual is csrc/flat.h."""

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport int64_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["clean", "divide", "multiply"]

DEF MAX_VARIANCES = 4

cdef extern from "flat.h" nogil:
    ctypedef struct jc_flat:
        int n_images, n_rows, n_cols
        const float *flat
        const float *flat_err
        int n_variances
    jc_status jc_clean_flat(int64_t n, const float *flat, const uint32_t *flat_dq,
                            uint32_t unusable, uint32_t missing, int n_threads, float *values,
                            uint32_t *flags, int64_t *n_bad)
    jc_status jc_flat_field(const jc_flat *what, int n_threads, float *data, float **variances,
                            float *var_flat, float *err)


def clean(flat, flat_dq, *, unusable, missing, n_threads=None):
    """
    Make a flat safe to divide by: 1 where it is not usable, which the flags tell.

    Parameters
    ----------
    flat : float32 [row, col]
        Relative response.
    flat_dq : uint32 [row, col]
        Its flags.
    unusable, missing : int
        Flag of what is not used, and flag of what there is no flat for.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    values : float32 [row, col]
        1 where the flat is NaN, 0 or has one of the flags.
    flags : uint32 [row, col]
        With both flags where the flat is NaN or 0, `unusable` where it had `missing`.
    n_bad : int
        Pixels that have one of both.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If the shapes differ or there are no pixels.
    """
    flat = contiguous(flat, np.float32, (None, None), "flat")
    values, flags = np.empty(flat.shape, np.float32), np.empty(flat.shape, np.uint32)
    cdef const float[:, ::1] given = flat
    cdef const uint32_t[:, ::1] given_dq = contiguous(flat_dq, np.uint32, flat.shape, "flat_dq")
    cdef float[:, ::1] out = values
    cdef uint32_t[:, ::1] out_dq = flags
    cdef uint32_t not_used = unusable, not_there = missing
    cdef int64_t n = flat.size, n_bad = 0
    cdef int team = team_of(n_threads, n)
    cdef jc_status status
    with nogil:
        status = jc_clean_flat(n, &given[0, 0], &given_dq[0, 0], not_used, not_there, team,
                               &out[0, 0], &out_dq[0, 0], &n_bad)
    check(status)
    return values, flags, n_bad


cdef _apply(data, variances, flat, flat_err, n_threads):
    if data.ndim not in (2, 3):
        raise ValueError(f"data: {data.ndim} axes where 2 or 3 are needed")
    cdef int n = len(variances), k
    if n > MAX_VARIANCES:
        raise ValueError(f"variances: {n} where at most {MAX_VARIANCES} are needed")
    cdef float *scaled[MAX_VARIANCES]
    cdef float[::1] values = in_place(data, np.float32, data.shape, "data").reshape(-1)
    cdef float[::1] one
    for k in range(n):
        one = in_place(variances[k], np.float32, data.shape, f"variances[{k}]").reshape(-1)
        scaled[k] = &one[0]
    cdef const float[:, ::1] response = contiguous(flat, np.float32, data.shape[data.ndim - 2:], "flat")
    cdef const float[:, ::1] width
    cdef jc_flat what
    what.n_images = data.size // response.size
    what.n_rows, what.n_cols = response.shape[0], response.shape[1]
    what.flat, what.flat_err, what.n_variances = &response[0, 0], NULL, n
    err, var_flat = memory.empty(data.shape, np.float32), None
    cdef float[::1] error = err.reshape(-1)
    cdef float[::1] caused
    cdef float *caused_at = NULL
    if flat_err is not None:
        width = contiguous(flat_err, np.float32, data.shape[data.ndim - 2:],
                           "flat_err")
        var_flat = memory.empty(data.shape, np.float32)
        caused = var_flat.reshape(-1)
        what.flat_err, caused_at = &width[0, 0], &caused[0]
    cdef int team = team_of(n_threads, data.size)
    cdef jc_status status
    with nogil:
        status = jc_flat_field(&what, team, &values[0], scaled, caused_at, &error[0])
    check(status)
    return var_flat, err


def divide(data, variances, flat, flat_err, *, n_threads=None):
    """
    Divide an image or a cube by a flat, in place.

    Parameters
    ----------
    data : float32 [row, col] or [integration, row, col]
        Values.
    variances : sequence of float32, shape of data
        Up to four variances that scale with the flat's square.
    flat, flat_err : float32 [row, col]
        Flat, as from :func:`clean`, and its error.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    var_flat : float32, shape of data
        Variance that the flat's error causes.
    err : float32, shape of data
        Square root of the sum of the scaled variances and of ``var_flat``.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, an array is empty or not contiguous, or there are too many.
    """
    return _apply(data, variances, flat, flat_err, n_threads)


def multiply(data, variances, flat, *, n_threads=None):
    """
    Undo :func:`divide`, in place.

    Parameters
    ----------
    data, variances, flat, n_threads
        As for :func:`divide`.

    Returns
    -------
    err : float32, shape of data
        Square root of the sum of the scaled variances.

    Raises
    ------
    TypeError, ValueError
        As :func:`divide`.
    """
    return _apply(data, variances, flat, None, n_threads)[1]
