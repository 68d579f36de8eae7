"""IRS2: between the array and the samples in time order; the manual is csrc/irs2.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport int32_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["fill_missing", "group_mean", "pair_statistics", "put_in_time_order", "subtract_noise"]


cdef extern from "irs2.h" nogil:
    ctypedef struct jc_irs2_pixels:
        int n_rows, n_lines
        int n_slots, backwards
        int n_pixels
        const int32_t *row
        const int32_t *slot
        const int32_t *to
        const float *line
    jc_status jc_irs2_pairs(int n_groups, int n_rows, int n_cols, const float *data, int n_pairs,
                            const int32_t *first, int n_threads, double *found)
    jc_status jc_irs2_mean(int n_groups, size_t n_pixels, const float *data, int n_threads,
                           double *mean)
    jc_status jc_irs2_stream(const jc_irs2_pixels *pixels, const float *plane, const double *mean,
                             int n_threads, int n_to, float *stream)
    jc_status jc_irs2_fill(int n_slots, int n_lines, const float *stream, int n_weights,
                           const double *weights, int n_threads, float *filled)
    jc_status jc_irs2_subtract(const jc_irs2_pixels *pixels, const float *plane,
                               const double *mean, const uint8_t *with_mean, int n_threads,
                               float *noise, int n_to, float *out)


def pair_statistics(data, first, *, n_threads=None):
    """
    Describe pairs of neighbouring rows over all groups of an integration.

    Parameters
    ----------
    data : float32 [group, row, col], DN
        Counts.
    first : int32 [pair]
        First row of each pair; the other one follows.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float64 [pair, 3], DN
        Mean of the absolute difference of both rows, mean and standard deviation of their values.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a row is out of range.
    """
    cdef const float[:, :, ::1] d = contiguous(data, np.float32, (None, None, None), "data")
    cdef const int32_t[::1] f = contiguous(first, np.int32, (None,), "first")
    cdef double[:, ::1] found = np.empty((len(first), 3))
    cdef int n_groups = d.shape[0], n_rows = d.shape[1], n_cols = d.shape[2], n_pairs = f.shape[0]
    cdef int team = team_of(n_threads, 2 * n_groups * n_cols * n_pairs)
    cdef jc_status status
    with nogil:
        status = jc_irs2_pairs(n_groups, n_rows, n_cols, &d[0, 0, 0], n_pairs, &f[0], team,
                               &found[0, 0])
    check(status)
    return np.asarray(found)


def group_mean(data, *, n_threads=None):
    """
    Average the groups of an integration.

    Parameters
    ----------
    data : float32 [group, row, col], DN
        Counts.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float64 [row, col], DN
        Mean, NaN where a group is.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If its shape does not match.
    """
    cdef const float[:, :, ::1] d = contiguous(data, np.float32, (None, None, None), "data")
    cdef double[:, ::1] mean = np.empty(data.shape[1:])
    cdef int n_groups = d.shape[0]
    cdef size_t n_pixels = d.shape[1] * d.shape[2]
    cdef int team = team_of(n_threads, data.size)
    cdef jc_status status
    with nogil:
        status = jc_irs2_mean(n_groups, n_pixels, &d[0, 0, 0], team, &mean[0, 0])
    check(status)
    return np.asarray(mean)


cdef jc_irs2_pixels _pixels(const float[:, ::1] plane, const int32_t[::1] row,
                            const int32_t[::1] slot, const int32_t[::1] to,
                            const float[:, ::1] line, int n_slots, bint backwards):
    cdef jc_irs2_pixels p
    p.n_rows, p.n_lines = plane.shape[0], plane.shape[1]
    p.n_slots, p.backwards, p.n_pixels = n_slots, backwards, row.shape[0]
    p.row, p.slot, p.to, p.line = &row[0], &slot[0], &to[0], &line[0, 0]
    return p


def put_in_time_order(plane, mean, stream, *, row, slot, to, line, int n_slots,
                      bint backwards=False, n_threads=None):
    """
    Write the samples of some rows, from their means and a trend, to their places in a stream.

    Parameters
    ----------
    plane : float32 [row, col], DN
        Counts of a group.
    mean : float64 [row, col], DN
        What the samples count from.
    stream : float32 [to, line], DN
        The result; rows that none goes to stay. Missing samples are 0: those equal to their mean
        and those that are not finite.
    row, slot, to : int32 [pixel]
        Rows of the array, their slots in time, and their rows of the stream.
    line : float32 [pixel, 2]
        Trend that is taken off: at the middle of the stream, DN, and DN per sample.
    n_slots : int
        Samples of a line of the readout.
    backwards : bool
        The first line is in the last column.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    """
    cdef const float[:, ::1] d = contiguous(plane, np.float32, (None, None), "plane")
    cdef const double[:, ::1] m = contiguous(mean, np.float64, plane.shape, "mean")
    cdef float[:, ::1] out = in_place(stream, np.float32, (None, plane.shape[1]), "stream")
    cdef const int32_t[::1] r = contiguous(row, np.int32, (None,), "row")
    cdef const int32_t[::1] s = contiguous(slot, np.int32, (len(row),), "slot")
    cdef const int32_t[::1] o = contiguous(to, np.int32, (len(row),), "to")
    cdef const float[:, ::1] x = contiguous(line, np.float32, (len(row), 2), "line")
    cdef jc_irs2_pixels pixels = _pixels(d, r, s, o, x, n_slots, backwards)
    cdef int n_to = out.shape[0], team = team_of(n_threads, r.shape[0] * d.shape[1])
    cdef jc_status status
    with nogil:
        status = jc_irs2_stream(&pixels, &d[0, 0], &m[0, 0], team, n_to, &out[0, 0])
    check(status)


def fill_missing(stream, weights, *, n_threads=None):
    """
    Replace missing samples by the weighted mean of the known ones around them in time.

    Parameters
    ----------
    stream : float32 [slot, line], DN
        Samples; 0 where they are missing. The last one of a line is followed by the first of the
        next line, the last of all by the first.
    weights : float64 [weight]
        An odd number: of the sample itself in the middle, of later ones before.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [slot, line], DN
        The stream; 0 where no sample around is known.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or the number of weights is even.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, ::1] d = contiguous(stream, np.float32, (None, None), "stream")
    cdef const double[::1] w = contiguous(weights, np.float64, (None,), "weights")
    cdef float[:, ::1] filled = np.empty(stream.shape, np.float32)
    cdef int n_slots = d.shape[0], n_lines = d.shape[1], n_weights = w.shape[0]
    cdef int team = team_of(n_threads, stream.size)
    cdef jc_status status
    with nogil:
        status = jc_irs2_fill(n_slots, n_lines, &d[0, 0], n_weights, &w[0], team, &filled[0, 0])
    check(status)
    return np.asarray(filled)


def subtract_noise(plane, mean, noise, out, *, row, slot, to, line, with_mean, int n_slots,
                   bint backwards=False, n_threads=None):
    """
    Take trend and noise off the samples of some rows, and write them as an array.

    Parameters
    ----------
    plane : float32 [row, col], DN
        Counts of a group.
    mean : float64 [row, col], DN
        What the samples count from.
    noise : float32 [pixel, line], DN
        What is taken off; it is used up.
    out : float32 [to, col], DN
        The result; rows that none goes to stay. It may lie on `plane`.
    row, slot, to : int32 [pixel]
        Rows of the array, their slots in time, and their rows of the result.
    line : float32 [pixel, 2]
        Trend that is taken off: at the middle of the stream, DN, and DN per sample.
    with_mean : bool [pixel]
        The mean is put back.
    n_slots : int
        Samples of a line of the readout.
    backwards : bool
        The first line is in the last column.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, ::1] d = contiguous(plane, np.float32, (None, None), "plane")
    cdef const double[:, ::1] m = contiguous(mean, np.float64, plane.shape, "mean")
    cdef const int32_t[::1] r = contiguous(row, np.int32, (None,), "row")
    cdef float[:, ::1] n = in_place(noise, np.float32, (len(row), plane.shape[1]), "noise")
    cdef float[:, ::1] target = in_place(out, np.float32, (None, plane.shape[1]), "out")
    cdef const int32_t[::1] s = contiguous(slot, np.int32, (len(row),), "slot")
    cdef const int32_t[::1] o = contiguous(to, np.int32, (len(row),), "to")
    cdef const float[:, ::1] x = contiguous(line, np.float32, (len(row), 2), "line")
    cdef const uint8_t[::1] b = contiguous(with_mean, np.uint8, (len(row),), "with_mean")
    cdef jc_irs2_pixels pixels = _pixels(d, r, s, o, x, n_slots, backwards)
    cdef int n_to = target.shape[0], team = team_of(n_threads, noise.size)
    cdef jc_status status
    with nogil:
        status = jc_irs2_subtract(&pixels, &d[0, 0], &m[0, 0], &b[0], team, &n[0, 0], n_to,
                                  &target[0, 0])
    check(status)
