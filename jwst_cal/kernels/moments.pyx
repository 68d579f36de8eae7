"""Boxes, fluxes and moments of segments; the manual is csrc/moments.h."""

from typing import NamedTuple

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int32_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["Moments", "moments"]


cdef extern from "moments.h" nogil:
    ctypedef struct jc_labelled:
        int n_rows, n_cols, n_labels
        const int32_t *segment
        const float *image
        const float *error
        const float *smooth
        const uint8_t *uncovered
    ctypedef struct jc_measured:
        double area, flux, variance, mass, x, y, xx, xy, yy
    ctypedef struct jc_box:
        int32_t left, right, bottom, top
    jc_status jc_moments(const jc_labelled *what, int n_threads, jc_box *box,
                         jc_measured *measured)


class Moments(NamedTuple):
    """
    What is measured of segments.

    Attributes
    ----------
    left, right, bottom, top : int32 [label - 1]
        First and last column, and row; `left` > `right` where there is no such segment.
    area, flux, variance : float64 [label - 1]
        Number of covered pixels in which the image is finite; sums of these and of their squared
        errors.
    mass, x, y : float64 [label - 1]
        Of the covered pixels in which the smoothed image is finite and positive: sum, mean column
        and row; NaN without such pixels.
    xx, xy, yy : float64 [label - 1]
        Their mean squares and products of the distances from `x` and `y`, pixels^2.
    """

    left: np.ndarray
    right: np.ndarray
    bottom: np.ndarray
    top: np.ndarray
    area: np.ndarray
    flux: np.ndarray
    variance: np.ndarray
    mass: np.ndarray
    x: np.ndarray
    y: np.ndarray
    xx: np.ndarray
    xy: np.ndarray
    yy: np.ndarray


def moments(segments, image, error, smooth, uncovered, *, int n_labels, n_threads=None):
    """
    Measure where the segments of an image are, how bright and how large.

    Parameters
    ----------
    segments : int32 [row, col]
        Label of each pixel, 1 to `n_labels`; pixels with others do not count.
    image, error : float32 [row, col]
        Values and their standard deviations.
    smooth : float32 [row, col]
        What positions and sizes are measured in.
    uncovered : bool [row, col]
        Pixels without data.
    n_labels : int
        The largest label.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    Moments
        Of each label.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    shape = np.shape(segments)
    cdef const int32_t[:, ::1] labels = contiguous(segments, np.int32, (None, None), "segments")
    cdef const float[:, ::1] values = contiguous(image, np.float32, shape, "image")
    cdef const float[:, ::1] errors = contiguous(error, np.float32, shape, "error")
    cdef const float[:, ::1] smoothed = contiguous(smooth, np.float32, shape, "smooth")
    cdef const uint8_t[:, ::1] bare = contiguous(uncovered, np.bool_, shape,
                                                 "uncovered").view(np.uint8)
    n = max(n_labels, 0)
    boxes, measured = np.empty((n + 1, 4), np.int32), np.empty((n + 1, 9))
    cdef int32_t[:, ::1] box = boxes
    cdef double[:, ::1] found = measured
    cdef jc_labelled what
    what.n_rows, what.n_cols, what.n_labels = labels.shape[0], labels.shape[1], n_labels
    what.segment, what.image, what.error = &labels[0, 0], &values[0, 0], &errors[0, 0]
    what.smooth, what.uncovered = &smoothed[0, 0], &bare[0, 0]
    cdef int team = team_of(n_threads, labels.size)
    cdef jc_status status
    with nogil:
        status = jc_moments(&what, team, <jc_box *> &box[0, 0], <jc_measured *> &found[0, 0])
    check(status)
    return Moments(*boxes[:n].T.copy(), *measured[:n].T.copy())
