"""Drifts measured on reference pixels and taken off; the manual is csrc/refpix.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport int32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["reference_means", "side_signal", "subtract_reference"]


#: Times a reference pixel is looked at, about: its part in the work of a plane.
PASSES = 8


cdef extern from "refpix.h" nogil:
    ctypedef struct jc_refpix_planes:
        int n_planes, n_rows, n_cols
        int n_single
        const float *base
    ctypedef struct jc_refpix_sides:
        int n_slow, window
        int n_pixels
        const int32_t *pixels
        const int32_t *value
        double gain
    ctypedef struct jc_refpix_correction:
        int along_rows
        int n_values, n_periods
        const double *values
        const int32_t *which
        int n_channels
        const double *signal
        const int32_t *channel
        int keep_zeros
    jc_status jc_refpix_means(const jc_refpix_planes *planes, const float *data, int n_sets,
                              const int32_t *start, const int32_t *pixels, double limit,
                              int n_threads, double *mean)
    jc_status jc_refpix_side(const jc_refpix_planes *planes, const float *data, int n_values,
                             const double *values, const jc_refpix_sides *sides, int n_threads,
                             double *signal)
    jc_status jc_refpix_subtract(const jc_refpix_planes *planes,
                                 const jc_refpix_correction *correction, int n_threads, float *data)


cdef jc_refpix_planes _planes(data, n_single):
    cdef jc_refpix_planes p
    p.n_planes, p.n_rows, p.n_cols = data.shape
    p.n_single, p.base = n_single, NULL
    return p


def reference_means(data, start, pixels, *, double limit, int n_single=0, base=None,
                    n_threads=None):
    """
    Average each set of reference pixels in each plane, without outliers.

    Parameters
    ----------
    data : float32 [plane, row, col], DN
        Groups. NaN is left out.
    start : int32 [set + 1]
        Where each set begins in `pixels`.
    pixels : int32 [pixel]
        Reference pixels by set, as row * columns + col.
    limit : float, standard deviations
        Values farther from the mean are dropped until none is.
    n_single : int
        Leading planes measured in float32.
    base : float32 [row, col], DN, optional
        Plane that the others count from.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float64 [plane, set], DN
        Means; NaN for a set without a usable pixel.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, :, ::1] d = contiguous(data, np.float32, (None,) * 3, "data")
    cdef const int32_t[::1] s = contiguous(start, np.int32, (None,), "start")
    cdef const int32_t[::1] x = np.append(contiguous(pixels, np.int32, None, "pixels"), np.int32(0))
    cdef const float[:, ::1] b
    cdef jc_refpix_planes planes = _planes(data, n_single)
    cdef int n_sets = s.shape[0] - 1
    cdef double[:, ::1] mean
    cdef int team = team_of(n_threads, PASSES * d.shape[0] * x.shape[0])
    cdef jc_status status
    if n_sets < 1 or s[n_sets] > x.shape[0] - 1:
        raise ValueError(f"start: {list(start)} where two and more up to {x.shape[0] - 1} are needed")
    mean = np.empty((d.shape[0], n_sets))
    if base is not None:
        b = contiguous(base, np.float32, data.shape[1:], "base")
        planes.base = &b[0, 0]
    with nogil:
        status = jc_refpix_means(&planes, &d[0, 0, 0], n_sets, &s[0], &x[0], limit, team,
                                 &mean[0, 0])
    check(status)
    return np.asarray(mean)


def side_signal(data, values, pixels, value, *, int window, double gain=1.0, int n_single=0,
                n_threads=None):
    """
    Measure the signal along the slow axis on the reference pixels at its sides.

    Parameters
    ----------
    data : float32 [plane, row, col], DN
        Groups. NaN is left out.
    values : float64 [plane, value], DN
        What `subtract_reference` is going to take off.
    pixels : int32 [2, slow + window - 1, pixel]
        Usable pixels of both sides as row * columns + col, -1 for the others. Row i of the result
        uses rows i to i + window - 1.
    value : int32 [2, slow + window - 1, pixel]
        Number of the value that belongs to each, or -1.
    window : int
        Rows of each median.
    gain : float
        Factor of the result.
    n_single : int
        Leading planes measured in float32.
    n_threads : int, optional
        Threads.

    Returns
    -------
    float64 [plane, slow], DN
        Signal; 0 where a window has no usable pixel.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, :, ::1] d = contiguous(data, np.float32, (None,) * 3, "data")
    cdef const double[:, ::1] v = contiguous(values, np.float64, (len(data), None), "values")
    cdef const int32_t[:, :, ::1] x = contiguous(pixels, np.int32, (2, None, None), "pixels")
    cdef const int32_t[:, :, ::1] w = contiguous(value, np.int32, np.shape(pixels), "value")
    cdef jc_refpix_planes planes = _planes(data, n_single)
    cdef jc_refpix_sides sides
    cdef double[:, ::1] signal
    cdef int n_values = v.shape[1]
    cdef int team = team_of(n_threads, PASSES * d.shape[0] * x.size)
    cdef jc_status status
    sides.n_slow, sides.window, sides.n_pixels = x.shape[1] - window + 1, window, x.shape[2]
    sides.pixels, sides.value, sides.gain = &x[0, 0, 0], &w[0, 0, 0], gain
    if window < 1 or sides.n_slow < 1:
        raise ValueError(f"window: {window} where 1 to {x.shape[1]} is needed")
    signal = np.empty((d.shape[0], sides.n_slow))
    with nogil:
        status = jc_refpix_side(&planes, &d[0, 0, 0], n_values, &v[0, 0], &sides, team,
                                &signal[0, 0])
    check(status)
    return np.asarray(signal)


def subtract_reference(data, values, which, *, bint along_rows=False, signal=None, channel=None,
                       int n_single=0, base=None, bint keep_zeros=False, n_threads=None):
    """
    Take values and side signals off every plane, in place.

    Parameters
    ----------
    data : float32 [plane, row, col], DN
        Groups, changed in place.
    values : float64 [plane, value], DN
        What is taken off.
    which : int32 [period, col] or [1, row]
        Number of the value of a pixel, -1 for none: by column, with a period in rows; or by row.
    along_rows : bool
        `which` and `channel` belong to rows, the signal to columns.
    signal : float64 [plane, channel, row or col], DN, optional
        Taken off too.
    channel : int32 [col or row], optional
        Channel of the signal; the only one when not given.
    n_single : int
        Leading planes corrected in float32.
    base : float32 [row, col], DN, optional
        Plane that the others count from: taken off first and put back at the end.
    keep_zeros : bool
        Counts of exactly 0 mark missing values and stay.
    n_threads : int, optional
        Threads.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef float[:, :, ::1] d = in_place(data, np.float32, (None,) * 3, "data")
    along, across = data.shape[1:] if along_rows else data.shape[:0:-1]
    cdef const double[:, ::1] v = contiguous(values, np.float64, (len(data), None), "values")
    cdef const int32_t[:, ::1] w = contiguous(which, np.int32, (None, along), "which")
    cdef const double[:, :, ::1] s
    cdef const int32_t[::1] c
    cdef const float[:, ::1] b
    cdef jc_refpix_planes planes = _planes(data, n_single)
    cdef jc_refpix_correction what
    cdef int team = team_of(n_threads, data.size)
    cdef jc_status status
    what.along_rows, what.n_values, what.n_periods = along_rows, v.shape[1], w.shape[0]
    what.values, what.which, what.keep_zeros = &v[0, 0], &w[0, 0], keep_zeros
    what.n_channels, what.signal, what.channel = 1, NULL, NULL
    if signal is not None:
        s = contiguous(signal, np.float64, (len(data), None, across), "signal")
        what.n_channels, what.signal = s.shape[1], &s[0, 0, 0]
    if channel is not None:
        c = contiguous(channel, np.int32, (along,), "channel")
        what.channel = &c[0]
    if base is not None:
        b = contiguous(base, np.float32, data.shape[1:], "base")
        planes.base = &b[0, 0]
    with nogil:
        status = jc_refpix_subtract(&planes, &what, team, &d[0, 0, 0])
    check(status)
