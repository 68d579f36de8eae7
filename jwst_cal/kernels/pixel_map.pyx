"""Smooth functions of the pixels from Chebyshev coefficients; the manual is csrc/pixel_map.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["pixel_map"]


cdef extern from "pixel_map.h" nogil:
    jc_status jc_pixel_map(int n_values, int n_down, int n_across, const double *coefficients,
                           int n_rows, int n_cols, int row_from, int row_to, int n_threads,
                           double *value)


def pixel_map(coefficients, shape, *, rows=None, n_threads=None):
    """
    Evaluate sums of products of Chebyshev polynomials at every pixel.

    Parameters
    ----------
    coefficients : float64 [value, l, k]
        For each of the sums, coefficients of T_l down the rows and T_k along the columns.
    shape : (int, int)
        Rows and columns; the first pixel is at -1, the last at 1.
    rows : (int, int), optional
        First of the wanted rows and the one after the last; all by default.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float64 [value, row, col]
        Values of the wanted rows.

    Raises
    ------
    TypeError
        If the coefficients have the wrong dtype.
    ValueError
        If a shape is wrong.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const double[:, :, ::1] c = contiguous(coefficients, np.float64, (None, None, None),
                                                "coefficients")
    cdef int n_rows = shape[0], n_cols = shape[1]
    cdef int start = 0 if rows is None else rows[0], stop = n_rows if rows is None else rows[1]
    if n_rows < 1 or n_cols < 1:
        raise ValueError(f"shape: {tuple(shape)} is empty")
    if not 0 <= start < stop <= n_rows:
        raise ValueError(f"rows: {start} to {stop} where some of {n_rows} are needed")
    cdef int n_values = c.shape[0], n_down = c.shape[1], n_across = c.shape[2]
    cdef double[:, :, ::1] out = np.empty((n_values, stop - start, n_cols))
    cdef int team = team_of(n_threads, out.size)
    cdef jc_status status
    with nogil:
        status = jc_pixel_map(n_values, n_down, n_across, &c[0, 0, 0], n_rows, n_cols, start, stop,
                              team, &out[0, 0, 0])
    check(status)
    return np.asarray(out)
