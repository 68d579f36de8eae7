"""Numbers as texts; the manual is csrc/decimals.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int64_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["decimals"]


cdef extern from "decimals.h" nogil:
    int JC_DECIMAL_WIDTH
    jc_status jc_decimals(int64_t n, const double *value, int n_threads, char *text)


def decimals(values, *, n_threads=None):
    """
    Tell numbers as ``repr`` does: the fewest digits that are read as the same number.

    Parameters
    ----------
    values : float64 [value]
        Numbers.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    text : bytes of length 24 [value]
        ASCII.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If it is empty, or not of one dimension.
    """
    cdef const double[::1] numbers = contiguous(values, np.float64, (None,), "values")
    cdef int64_t n = numbers.shape[0]
    text = np.empty((n, JC_DECIMAL_WIDTH), np.uint8)
    cdef uint8_t[:, ::1] out = text
    cdef int team = team_of(n_threads, n * 16)
    cdef jc_status status
    with nogil:
        status = jc_decimals(n, &numbers[0], team, <char *> &out[0, 0])
    check(status)
    return text.view(f"S{JC_DECIMAL_WIDTH}")[:, 0]
