"""Smoothing of an image by a small kernel; the manual is csrc/convolve.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["convolve"]


cdef extern from "convolve.h" nogil:
    ctypedef struct jc_convolution:
        int n_rows, n_cols, height, width
        const float *image
        const uint8_t *missing
        const double *kernel
    jc_status jc_convolve(const jc_convolution *what, int n_threads, float *out)


def convolve(image, missing, kernel, *, n_threads=None):
    """
    Smooth an image; missing pixels are interpolated over.

    Parameters
    ----------
    image : float32 [row, col]
        Values; NaN is missing. Beyond the edges they are 0.
    missing : bool [row, col]
        Pixels that are not used.
    kernel : float64 [row, col]
        Weights of the pixels around, odd in number along either axis.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [row, col]
        Weighted mean of what is around each pixel; NaN where nothing is known.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, or that of the kernel is even.
    MemoryError
        If scratch memory cannot be had.
    """
    image = contiguous(image, np.float32, (None, None), "image")
    missing = contiguous(np.asarray(missing).view(np.uint8), np.uint8, image.shape, "missing")
    kernel = contiguous(kernel, np.float64, (None, None), "kernel")
    found = np.empty(image.shape, np.float32)
    cdef const float[:, ::1] values = image
    cdef const uint8_t[:, ::1] unused = missing
    cdef const double[:, ::1] weights = kernel
    cdef float[:, ::1] out = found
    cdef jc_convolution what
    cdef int team = team_of(n_threads, image.size)
    cdef jc_status status
    what.n_rows, what.n_cols = image.shape
    what.height, what.width = kernel.shape
    what.image, what.missing, what.kernel = &values[0, 0], &unused[0, 0], &weights[0, 0]
    with nogil:
        status = jc_convolve(&what, team, &out[0, 0])
    check(status)
    return found
