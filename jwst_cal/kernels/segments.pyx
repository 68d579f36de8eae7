"""Segments of an image that may be several sources; the manual is csrc/segments.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int32_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["SEGMENT", "survey", "take_apart"]


cdef extern from "segments.h" nogil:
    ctypedef struct jc_segments:
        int n_rows, n_cols, n_labels, n_pixels, connectivity
        const float *image
        const int32_t *segment
    ctypedef struct jc_segment:
        pass
    ctypedef struct jc_division:
        # `in` is a word of Python
        jc_segments segments "in"
        const jc_segment *found
        int n_which, n_levels
        const int32_t *which
        const double *levels
        const double *second
        double contrast
    jc_status jc_survey(const jc_segments *what, int n_threads, jc_segment *found)
    jc_status jc_take_apart(const jc_division *what, int n_threads, int32_t *segment)

#: What is told of a segment: its box, pixels, least and greatest value, and their sum.
SEGMENT = np.dtype([("row", np.int32), ("col", np.int32), ("n_rows", np.int32),
                    ("n_cols", np.int32), ("n_pixels", np.int32), ("low", np.float32),
                    ("high", np.float32), ("sum", np.float32), ("divisible", np.int32)])


def survey(image, segments, *, int n_pixels, int connectivity=8, n_labels=None, n_threads=None):
    """
    Measure segments, and find those that may be divided at some level of brightness.

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
    n_labels : int, optional
        The greatest number, where it is known.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    SEGMENT [label]
        First that of segment 1. ``row``, ``col``, ``n_rows``, ``n_cols``: the box that it fills;
        ``n_pixels``: its pixels; ``low``, ``high``, ``sum``: of its values, NaN left out;
        ``divisible``: whether there may be a level above which two such parts do not touch: one
        where it is 0 has no such level. All 0 of a number that no pixel has.

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
    n_labels = max(int(segments.max()), 0) if n_labels is None else n_labels
    found = np.zeros(n_labels + 1, SEGMENT)
    cdef const float[:, ::1] values = image
    cdef const int32_t[:, ::1] labels = segments
    cdef uint8_t[::1] out = found.view(np.uint8)
    cdef jc_segments what
    cdef int team = team_of(n_threads, image.size)
    cdef jc_status status
    what.n_rows, what.n_cols = image.shape
    what.n_labels, what.n_pixels, what.connectivity = n_labels, n_pixels, connectivity
    what.image, what.segment = &values[0, 0], &labels[0, 0]
    with nogil:
        status = jc_survey(&what, team, <jc_segment *> &out[0])
    check(status)
    return found[:n_labels]


def take_apart(image, segments, found, which, levels, second, *, int n_pixels, double contrast,
               int connectivity=8, n_threads=None):
    """
    Divide segments that are several sources.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    segments : int32 [row, col]
        Number of the segment, from 1; 0 for none.
    found : SEGMENT [label]
        What `survey` tells of them.
    which : int32 [which]
        Numbers of those to look at, ascending.
    levels, second : float64 [which, level]
        Levels for each, from the lowest on; and those for one that the first divide into more than
        200.
    n_pixels : int
        Pixels that a part has at least above the level at which it appears.
    contrast : float
        Share of the sum of the values that a part has at least, 0 to 1.
    connectivity : {4, 8}
        How many neighbours a pixel touches.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    int32 [row, col]
        Segments, without a gap in their numbers: first those that are not divided, then the parts
        of the others, both in the order of `segments`, parts in that of the first pixels at which
        they stood out.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, a number is out of range or a segment is not connected.
    MemoryError
        If scratch memory cannot be had.
    """
    image = contiguous(image, np.float32, (None, None), "image")
    segments = contiguous(segments, np.int32, image.shape, "segments")
    found = np.ascontiguousarray(found)
    if found.dtype != SEGMENT or found.ndim != 1:
        raise TypeError(f"found: dtype {found.dtype} where what survey returns is needed")
    which = np.asarray(which)
    if not which.size:
        return segments.copy()
    which = contiguous(which, np.int32, (None,), "which")
    levels = contiguous(levels, np.float64, (len(which), None), "levels")
    second = contiguous(second, np.float64, levels.shape, "second")
    divided = np.empty(image.shape, np.int32)
    cdef const float[:, ::1] values = image
    cdef const int32_t[:, ::1] labels = segments
    cdef const uint8_t[::1] measured = found.view(np.uint8)
    cdef const int32_t[::1] w = which
    cdef const double[:, ::1] first = levels
    cdef const double[:, ::1] other = second
    cdef int32_t[:, ::1] out = divided
    cdef jc_division what
    cdef int team = team_of(n_threads, image.size)
    cdef jc_status status
    what.segments.n_rows, what.segments.n_cols = image.shape
    what.segments.n_labels = len(found)
    what.segments.n_pixels, what.segments.connectivity = n_pixels, connectivity
    what.segments.image, what.segments.segment = &values[0, 0], &labels[0, 0]
    what.found = <const jc_segment *> &measured[0]
    what.n_which, what.n_levels = levels.shape
    what.which, what.levels, what.second = &w[0], &first[0, 0], &other[0, 0]
    what.contrast = contrast
    with nogil:
        status = jc_take_apart(&what, team, &out[0, 0])
    check(status)
    return divided
