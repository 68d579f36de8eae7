"""An image on the pixels of another, and what differs from it; the manual is csrc/blot.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous
from jwst_cal.kernels.threads import team_size

from libc.stdint cimport int64_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status

__all__ = ["blot", "outliers"]


cdef extern from "blot.h" nogil:
    ctypedef struct jc_outlier_limits:
        float level
        float snr[2]
        float scale[2]
    jc_status jc_blot(int n_rows, int n_cols, const float *image, int64_t n_places,
                      const double *x, const double *y, int n_threads, float *blot)
    jc_status jc_outliers(int n_rows, int n_cols, const float *data, const float *err,
                          const float *blot, const jc_outlier_limits *limits, int n_threads,
                          uint8_t *outlier)


def blot(image, x, y, *, n_threads=None):
    """
    Interpolate an image bilinearly.

    Parameters
    ----------
    image : float32 [image row, image col]
        The image.
    x, y : float64 [row, col]
        Places in it; centres of pixels are whole numbers.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [row, col]
        Values; NaN at places outside the image.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If an array is empty, or x and y have different shapes.
    """
    cdef const float[:, ::1] source = contiguous(image, np.float32, (None, None), "image")
    cdef const double[:, ::1] px = contiguous(x, np.float64, (None, None), "x")
    cdef const double[:, ::1] py = contiguous(y, np.float64, np.shape(x), "y")
    cdef float[:, ::1] out = np.empty(np.shape(x), np.float32)
    cdef int n_rows = source.shape[0], n_cols = source.shape[1]
    cdef int64_t n = px.size
    cdef int team = team_size(n_threads, work=n)
    cdef jc_status status
    with nogil:
        status = jc_blot(n_rows, n_cols, &source[0, 0], n, &px[0, 0], &py[0, 0], team, &out[0, 0])
    check(status)
    return np.asarray(out)


def outliers(data, err, blotted, *, snr, scale, level=0.0, n_threads=None):
    """
    Find pixels that differ from a blotted image.

    Parameters
    ----------
    data, err, blotted : float32 [row, col]
        An image, its errors, and what is expected.
    snr : (float, float)
        Limits of the distance in errors: for one pixel of the 3 x 3 surroundings, and for the
        pixel itself.
    scale : (float, float)
        And of the largest difference of the expected image to its four neighbours, that adds to
        them.
    level : float
        Taken off the data.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    bool [row, col]
        The outliers.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If an array is empty or a shape does not match.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, ::1] d = contiguous(data, np.float32, (None, None), "data")
    cdef const float[:, ::1] e = contiguous(err, np.float32, np.shape(data), "err")
    cdef const float[:, ::1] b = contiguous(blotted, np.float32, np.shape(data), "blotted")
    found = np.empty(np.shape(data), np.bool_)
    cdef uint8_t[:, ::1] out = found.view(np.uint8)
    cdef jc_outlier_limits limits
    limits.level = level
    limits.snr = [snr[0], snr[1]]
    limits.scale = [scale[0], scale[1]]
    cdef int n_rows = d.shape[0], n_cols = d.shape[1]
    cdef int team = team_size(n_threads, work=d.size)
    cdef jc_status status
    with nogil:
        status = jc_outliers(n_rows, n_cols, &d[0, 0], &e[0, 0], &b[0, 0], &limits, team,
                             &out[0, 0])
    check(status)
    return found
