"""Segments of an image that may be several sources; the manual is csrc/segments.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int32_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["divisible"]


cdef extern from "segments.h" nogil:
    ctypedef struct jc_segments:
        int n_rows, n_cols, n_labels, n_pixels, connectivity
        const float *image
        const int32_t *segment
    jc_status jc_divisible(const jc_segments *what, int n_threads, uint8_t *divisible)


def divisible(image, segments, *, int n_pixels, int connectivity=8, n_threads=None):
    """
    Find the segments that may be divided at some level of brightness.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    segments : int32 [row, col]
        Number of the segment, from 1; 0 for none.
    n_pixels : int
        Pixels that each of two parts has at least.
    connectivity : {4, 8}
        How many neighbours a pixel touches.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    bool [label]
        Whether there may be a level above which two such parts do not touch; first that of
        segment 1. One that is False has no such level.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, a number is out of range or a label negative.
    MemoryError
        If scratch memory cannot be had.
    """
    image = contiguous(image, np.float32, (None, None), "image")
    segments = contiguous(segments, np.int32, image.shape, "segments")
    found = np.zeros(max(int(segments.max()), 0) + 1, np.uint8)
    cdef const float[:, ::1] values = image
    cdef const int32_t[:, ::1] labels = segments
    cdef uint8_t[::1] out = found
    cdef jc_segments what
    cdef int team = team_of(n_threads, image.size)
    cdef jc_status status
    what.n_rows, what.n_cols = image.shape
    what.n_labels, what.n_pixels, what.connectivity = len(found) - 1, n_pixels, connectivity
    what.image, what.segment = &values[0, 0], &labels[0, 0]
    with nogil:
        status = jc_divisible(&what, team, &out[0])
    check(status)
    return found[: len(found) - 1].view(np.bool_)
