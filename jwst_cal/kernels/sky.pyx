"""Pixels of a region, moments and histogram of a range of values; the manual is csrc/sky.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous
from jwst_cal.kernels.threads import team_size

from libc.stdint cimport int64_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status

__all__ = ["histogram", "range_moments", "take"]


cdef extern from "sky.h" nogil:
    jc_status jc_sky_take(int64_t n_spans, const int64_t *spans, int n_rows, int n_cols,
                          const float *image, const uint32_t *flags, uint32_t bits, int n_threads,
                          float *values)
    ctypedef struct jc_sky_moments:
        int64_t count
        double mean, std
        float low, high
    jc_status jc_sky_range(int64_t n, const float *values, float low, float high, double about,
                           int n_threads, jc_sky_moments *moments)
    jc_status jc_sky_histogram(int64_t n, const float *values, float low, float high,
                               float per_unit, int n_bins, int n_threads, uint32_t *histogram)


def take(image, spans, *, flags=None, bits=0, n_threads=None):
    """
    Take the values of some pixels.

    Parameters
    ----------
    image : float32 [row, col]
        The image.
    spans : int64 [span, 3]
        Rows, first columns, and columns after the last.
    flags : uint32 [row, col], optional
        Flags of the pixels.
    bits : int
        Flags that a usable pixel has none of.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [value]
        Values, span by span; NaN where they are not finite or the pixel is not usable.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match, or a span is empty or not in the image.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, ::1] pixels = contiguous(image, np.float32, (None, None), "image")
    if not len(spans):
        return np.empty(0, np.float32)
    spans = contiguous(spans, np.int64, (None, 3), "spans")
    cdef const int64_t[:, ::1] where = spans
    cdef const uint32_t[:, ::1] flagged
    cdef const uint32_t *flagged_at = NULL
    if flags is not None:
        flagged = contiguous(flags, np.uint32, np.shape(image), "flags")
        flagged_at = &flagged[0, 0]
    size = int(np.maximum(spans[:, 2] - spans[:, 1], 0).sum())
    found = np.empty(max(size, 1), np.float32)
    cdef float[::1] out = found
    cdef int64_t n_spans = where.shape[0]
    cdef int n_rows = pixels.shape[0], n_cols = pixels.shape[1]
    cdef uint32_t unwanted = bits
    cdef int team = team_size(n_threads, work=size)
    cdef jc_status status
    with nogil:
        status = jc_sky_take(n_spans, &where[0, 0], n_rows, n_cols, &pixels[0, 0], flagged_at,
                             unwanted, team, &out[0])
    check(status)
    return found


def range_moments(values, low, high, *, double about=0.0, n_threads=None):
    """
    Count, mean, standard deviation and extremes of the values in a range.

    Parameters
    ----------
    values : float32 [value]
        Values; NaN is in no range.
    low, high : float
        The range, both ends included.
    about : float
        A number near the mean.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    count : int
        Number of values.
    mean, std : float
        NaN where there are too few values; ``std`` is that of a sample (count - 1).
    least, largest : float
        NaN if there are none.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If it is empty or `about` not finite.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[::1] v = contiguous(values, np.float32, (None,), "values")
    cdef float least = low, largest = high
    cdef int64_t n = v.shape[0]
    cdef int team = team_size(n_threads, work=n)
    cdef jc_sky_moments found
    cdef jc_status status
    with nogil:
        status = jc_sky_range(n, &v[0], least, largest, about, team, &found)
    check(status)
    return found.count, found.mean, found.std, found.low, found.high


def histogram(values, low, high, per_unit, int n_bins, *, n_threads=None):
    """
    Count the values of a range, its end not included, in bins of one width.

    Parameters
    ----------
    values : float32 [value]
        Values; NaN is not counted.
    low, high : float
        The range; the first bin begins at `low`.
    per_unit : float
        Bins per unit.
    n_bins : int
        Number of bins, at most 2**24; what lies beyond is left out.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    uint32 [bin]
        Counts.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If it is empty, the number of bins is out of range or `per_unit` negative or not
        finite.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[::1] v = contiguous(values, np.float32, (None,), "values")
    cdef uint32_t[::1] counts = np.zeros(max(n_bins, 1), np.uint32)
    cdef float start = low, stop = high, scale = per_unit
    cdef int64_t n = v.shape[0]
    cdef int team = team_size(n_threads, work=n)
    cdef jc_status status
    with nogil:
        status = jc_sky_histogram(n, &v[0], start, stop, scale, n_bins, team, &counts[0])
    check(status)
    return np.asarray(counts)
