"""Images combined with weights; the manual is csrc/combine.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport int64_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["add_sums", "add_variances", "mean_variances", "weighted_mean"]

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
    jc_status jc_add_sums(int n_rows, int n_cols, const double *weight, const double *sum,
                          uint32_t bit, int total_cols, int first_col, int n_threads,
                          double *total_weight, double *total, uint32_t *context)
    jc_status jc_weighted_mean(int64_t n, const double *total, const double *weight, float fill,
                               int n_threads, float *mean, float *of_weight)
    jc_status jc_mean_variances(int64_t n, int n_variances, const double **totals,
                                const double **weights, double factor, int n_threads,
                                float **variances, float *err)


def add_sums(weight, values, total_weight, total, *, int first_col=0, context=None, bit=0,
             n_threads=None):
    """
    Add the sums of an image to those of others.

    Parameters
    ----------
    weight, values : float64 [row, window col]
        Sums of the weights of the image's pixels, and of weight times value.
    total_weight, total : float64 [row, col]
        Sums of all images, changed in place.
    first_col : int
        Where the window begins in these.
    context : uint32 [row, col], optional
        Which images have weight, changed in place.
    bit : int
        What is set in it.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, or the window does not fit.
    """
    cdef const double[:, ::1] w = contiguous(weight, np.float64, (None, None), "weight")
    cdef const double[:, ::1] v = contiguous(values, np.float64, np.shape(weight), "values")
    cdef double[:, ::1] to_weight = in_place(total_weight, np.float64, (w.shape[0], None),
                                             "total_weight")
    shape = total_weight.shape
    cdef double[:, ::1] to = in_place(total, np.float64, shape, "total")
    cdef uint32_t[:, ::1] noted
    cdef uint32_t *noted_at = NULL
    if context is not None:
        noted = in_place(context, np.uint32, shape, "context")
        noted_at = &noted[0, 0]
    cdef int n_rows = w.shape[0], n_cols = w.shape[1], total_cols = shape[1]
    cdef uint32_t set_there = bit
    cdef int team = team_of(n_threads, w.size)
    cdef jc_status status
    with nogil:
        status = jc_add_sums(n_rows, n_cols, &w[0, 0], &v[0, 0], set_there, total_cols, first_col,
                             team, &to_weight[0, 0], &to[0, 0], noted_at)
    check(status)


def weighted_mean(total, weight, mean, of_weight, *, float fill=0.0, n_threads=None):
    """
    Give the weighted mean of images.

    Parameters
    ----------
    total, weight : float64 [row, col]
        Sums of weight times value, and of weights.
    mean, of_weight : float32 [row, col]
        Where the mean and the weight go.
    fill : float
        The mean where there is no weight.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match.
    """
    cdef const double[:, ::1] t = contiguous(total, np.float64, (None, None), "total")
    shape = np.shape(total)
    cdef const double[:, ::1] w = contiguous(weight, np.float64, shape, "weight")
    cdef float[:, ::1] out = in_place(mean, np.float32, shape, "mean")
    cdef float[:, ::1] out_weight = in_place(of_weight, np.float32, shape, "of_weight")
    cdef int64_t n = t.size
    cdef int team = team_of(n_threads, n)
    cdef jc_status status
    with nogil:
        status = jc_weighted_mean(n, &t[0, 0], &w[0, 0], fill, team, &out[0, 0],
                                  &out_weight[0, 0])
    check(status)


def mean_variances(totals, weights, variances, err, *, double factor=1.0, n_threads=None):
    """
    Give the variances of the weighted mean of images, and its error.

    Parameters
    ----------
    totals, weights : sequence of float64 [row, col]
        Sums that `add_variances` made, or None for a variance that no image had.
    variances : sequence of float32 [row, col]
        One to eight, where the variances go; NaN where there is none.
    err : float32 [row, col]
        Where the root of their sum goes; NaN counts as 0 unless all are.
    factor : float
        What the variances are multiplied by.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes or numbers of arrays do not match.
    """
    cdef float[:, ::1] out = in_place(err, np.float32, (None, None), "err")
    cdef int n_variances = len(variances), k
    if not 1 <= n_variances <= MAX_VARIANCES or not len(totals) == len(weights) == n_variances:
        raise ValueError(f"variances: {n_variances} where {len(totals)}, 1 to {MAX_VARIANCES}, are "
                         "needed")
    cdef const double *values[MAX_VARIANCES]
    cdef const double *of_weights[MAX_VARIANCES]
    cdef float *to[MAX_VARIANCES]
    cdef const double[:, ::1] one
    cdef float[:, ::1] other
    kept, shape = [], err.shape
    for k in range(n_variances):
        values[k] = of_weights[k] = NULL
        if totals[k] is not None:
            total = contiguous(totals[k], np.float64, shape, f"totals[{k}]")
            weight = contiguous(weights[k], np.float64, shape, f"weights[{k}]")
            kept.append((total, weight))
            one = total
            values[k] = &one[0, 0]
            one = weight
            of_weights[k] = &one[0, 0]
        other = in_place(variances[k], np.float32, shape, f"variances[{k}]")
        to[k] = &other[0, 0]
    cdef int64_t n = out.size
    cdef int team = team_of(n_threads, n)
    cdef jc_status status
    with nogil:
        status = jc_mean_variances(n, n_variances, values, of_weights, factor, team, to,
                                   &out[0, 0])
    check(status)


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
