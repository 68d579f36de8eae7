"""Connected pixels above a threshold; the manual is csrc/labels.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int32_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["label"]


cdef extern from "labels.h" nogil:
    ctypedef struct jc_above:
        int n_rows, n_cols, n_pixels, connectivity
        const float *image
        const float *threshold
        float times
        const uint8_t *masked
    jc_status jc_label(const jc_above *what, int n_threads, int32_t *segment, int32_t *n_segments)


def label(image, threshold, mask=None, *, int n_pixels, int connectivity=8, float times=1,
          n_threads=None):
    """
    Number the groups of pixels above a threshold that touch each other.

    Parameters
    ----------
    image, threshold : float32 [row, col]
        Values, and what they have to exceed. NaN exceeds nothing.
    mask : bool [row, col], optional
        Pixels that belong to no segment.
    n_pixels : int
        Pixels that a segment has at least.
    connectivity : {4, 8}
        How many neighbours a pixel touches.
    times : float
        Factor of the threshold, applied in float32.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    segments : int32 [row, col]
        Number of the segment, from 1 in the order of their first pixels in the array; 0 for none.
    n_segments : int
        How many there are.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    image = contiguous(image, np.float32, (None, None), "image")
    threshold = contiguous(threshold, np.float32, image.shape, "threshold")
    segments = np.empty(image.shape, np.int32)
    cdef const float[:, ::1] values = image
    cdef const float[:, ::1] least = threshold
    cdef const uint8_t[:, ::1] masked
    cdef int32_t[:, ::1] out = segments
    cdef int32_t n_segments = 0
    cdef jc_above what
    cdef int team = team_of(n_threads, image.size)
    cdef jc_status status
    what.n_rows, what.n_cols = image.shape
    what.n_pixels, what.connectivity, what.times = n_pixels, connectivity, times
    what.image, what.threshold, what.masked = &values[0, 0], &least[0, 0], NULL
    if mask is not None:
        masked = contiguous(mask, np.bool_, image.shape, "mask").view(np.uint8)
        what.masked = &masked[0, 0]
    with nogil:
        status = jc_label(&what, team, &out[0, 0], &n_segments)
    check(status)
    return segments, n_segments
