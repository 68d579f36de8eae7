"""Variances of images combined with weights; the manual is csrc/combine.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["add_variances"]

DEF MAX_VARIANCES = 8

cdef extern from "combine.h" nogil:
    ctypedef struct jc_variances:
        int n_rows, n_cols
        const double *weight
        int n_variances
        const double *const *sums
        int weigh_by
        double image_weight
        int total_cols, first_col
    jc_status jc_add_variances(const jc_variances *what, int n_threads, double **totals,
                               double **weights)


def add_variances(weight, sums, totals, weights, *, int first_col=0, weigh_by=None,
                  double image_weight=1.0, n_threads=None):
    """
    Add the variances of an image to those of others.

    Parameters
    ----------
    weight : float64 [row, window col]
        Sum of the weights of the image's pixels.
    sums : sequence of float64 [row, window col]
        One to eight sums of weight times standard deviation.
    totals, weights : sequence of float64 [row, col]
        For each of them the sum of variance times the square of the image's weight, and the sum
        of those weights, changed in place where there is a variance.
    first_col : int
        Where the window begins in these.
    weigh_by : int, optional
        Number of the variance whose inverse is the weight of the image, pixel by pixel.
    image_weight : float
        Else its weight.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes or numbers of arrays do not match, or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const double[:, ::1] w = contiguous(weight, np.float64, (None, None), "weight")
    cdef int n = len(sums), n_rows = w.shape[0], k
    if not 1 <= n <= MAX_VARIANCES or len(totals) != n or len(weights) != n:
        raise ValueError(f"sums: {n} where {len(totals)}, 1 to {MAX_VARIANCES}, are needed")
    cdef const double *values[MAX_VARIANCES]
    cdef double *to[MAX_VARIANCES]
    cdef double *weight_to[MAX_VARIANCES]
    cdef const double[:, ::1] one
    cdef double[:, ::1] other
    kept, shape = [], in_place(totals[0], np.float64, (n_rows, None), "totals[0]").shape
    for k in range(n):
        array = contiguous(sums[k], np.float64, np.shape(weight), f"sums[{k}]")
        kept.append(array)
        one = array
        values[k] = &one[0, 0]
        other = in_place(totals[k], np.float64, shape, f"totals[{k}]")
        to[k] = &other[0, 0]
        other = in_place(weights[k], np.float64, shape, f"weights[{k}]")
        weight_to[k] = &other[0, 0]
    cdef jc_variances what
    what.n_rows, what.n_cols, what.weight = n_rows, w.shape[1], &w[0, 0]
    what.n_variances, what.sums = n, <const double *const *> values
    what.weigh_by, what.image_weight = -1 if weigh_by is None else weigh_by, image_weight
    what.total_cols, what.first_col = shape[1], first_col
    cdef int team = team_of(n_threads, w.size)
    cdef jc_status status
    with nogil:
        status = jc_add_variances(&what, team, to, weight_to)
    check(status)
