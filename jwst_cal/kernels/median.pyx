"""Medians through a stack of images; the manual is csrc/median.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous
from jwst_cal.kernels.threads import team_size

from libc.stdint cimport int64_t

from jwst_cal.kernels._glue cimport check, jc_status

__all__ = ["median", "rolling_median"]


cdef extern from "median.h" nogil:
    jc_status jc_median(int n_images, int64_t n_pixels, const float *images, int n_threads,
                        float *median)
    jc_status jc_rolling_median(int n_images, int64_t n_pixels, const float *images, int width,
                                int n_threads, float *median)


def median(images, *, n_threads=None):
    """
    Median of each pixel of a stack.

    Parameters
    ----------
    images : float32 [image, row, col]
        The stack; NaN is left out.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [row, col]
        Medians; NaN where there is no value.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If it does not have three axes, or is empty.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, :, ::1] stack = contiguous(images, np.float32, (None, None, None), "images")
    cdef float[:, ::1] out = np.empty((stack.shape[1], stack.shape[2]), np.float32)
    cdef int64_t n_pixels = <int64_t> stack.shape[1] * stack.shape[2]
    cdef int n_images = stack.shape[0]
    cdef int team = team_size(n_threads, work=n_pixels * n_images)
    cdef jc_status status
    with nogil:
        status = jc_median(n_images, n_pixels, &stack[0, 0, 0], team, &out[0, 0])
    check(status)
    return np.asarray(out)


def rolling_median(images, int width, *, n_threads=None):
    """
    Median of a window of images that moves through a stack.

    Parameters
    ----------
    images : float32 [image, row, col]
        The stack; where a value of the window is NaN, so is the median.
    width : int
        Images in the window, at most all.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [image, row, col]
        Medians of the windows around the images; at both ends those of the last full window.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If it does not have three axes or is empty, or the window does not fit.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, :, ::1] stack = contiguous(images, np.float32, (None, None, None), "images")
    cdef float[:, :, ::1] out = np.empty(np.shape(images), np.float32)
    cdef int64_t n_pixels = <int64_t> stack.shape[1] * stack.shape[2]
    cdef int n_images = stack.shape[0]
    cdef int team = team_size(n_threads, work=n_pixels * n_images)
    cdef jc_status status
    with nogil:
        status = jc_rolling_median(n_images, n_pixels, &stack[0, 0, 0], width, team,
                                   &out[0, 0, 0])
    check(status)
    return np.asarray(out)
