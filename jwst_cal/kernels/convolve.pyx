"""Smoothing of an image by a small kernel, and its peaks; the manual is csrc/convolve.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["convolve", "peaks"]


cdef extern from "convolve.h" nogil:
    ctypedef struct jc_convolution:
        int n_rows, n_cols, height, width
        const float *image
        const uint8_t *missing
        const double *kernel
    jc_status jc_convolve(const jc_convolution *what, int n_threads, float *out)
    ctypedef struct jc_peak_search:
        int n_rows, n_cols
        const float *image
        const uint8_t *unusable
        double threshold
        int radius
    jc_status jc_peaks(const jc_peak_search *what, int n_threads, uint8_t *is_peak)


def convolve(image, missing, kernel, *, n_threads=None):
    """
    Smooth an image; missing pixels are interpolated over.

    Parameters
    ----------
    image : float32 [row, col]
        Values; NaN is missing. Beyond the edges they are 0.
    missing : bool [row, col] or None
        Pixels that are not used. None for the plain sum: nothing is missing, and it is not
        divided by that of the kernel.
    kernel : float64 [row, col]
        Weights of the pixels around, odd in number along either axis.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [row, col]
        Weighted mean (or sum) of what is around each pixel; NaN where nothing is known.

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
    kernel = contiguous(kernel, np.float64, (None, None), "kernel")
    found = np.empty(image.shape, np.float32)
    cdef const float[:, ::1] values = image
    cdef const uint8_t[:, ::1] unused
    cdef const double[:, ::1] weights = kernel
    cdef float[:, ::1] out = found
    cdef jc_convolution what
    cdef int team = team_of(n_threads, image.size)
    cdef jc_status status
    what.n_rows, what.n_cols = image.shape
    what.height, what.width = kernel.shape
    what.image, what.missing, what.kernel = &values[0, 0], NULL, &weights[0, 0]
    if missing is not None:
        unused = contiguous(np.asarray(missing).view(np.uint8), np.uint8, image.shape, "missing")
        what.missing = &unused[0, 0]
    with nogil:
        status = jc_convolve(&what, team, &out[0, 0])
    check(status)
    return found


def peaks(image, unusable, double threshold, int radius, *, n_threads=None):
    """
    Find pixels above a threshold that no other pixel within a radius exceeds.

    Parameters
    ----------
    image : float32 [row, col]
        Values; beyond the edges they are 0. NaN exceeds nothing and is no peak.
    unusable : bool [row, col]
        Pixels that are no peaks.
    threshold : float
        What a peak exceeds.
    radius : int
        Pixels, 0 to 512.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    bool [row, col]
        The peaks.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match or the radius is out of range.
    """
    cdef const float[:, ::1] values = contiguous(image, np.float32, (None, None), "image")
    shape = np.shape(image)
    cdef const uint8_t[:, ::1] unused = contiguous(np.asarray(unusable).view(np.uint8), np.uint8,
                                                   shape, "unusable")
    found = np.empty(shape, np.bool_)
    cdef uint8_t[:, ::1] out = found.view(np.uint8)
    cdef jc_peak_search what
    cdef int team = team_of(n_threads, values.size)
    cdef jc_status status
    what.n_rows, what.n_cols = shape
    what.image, what.unusable = &values[0, 0], &unused[0, 0]
    what.threshold, what.radius = threshold, radius
    with nogil:
        status = jc_peaks(&what, team, &out[0, 0])
    check(status)
    return found
