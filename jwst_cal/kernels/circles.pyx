"""Sums in circular apertures; the manual is csrc/circles.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["circle_sums", "circle_weights"]


cdef extern from "circles.h" nogil:
    ctypedef struct jc_circles:
        int n_rows, n_cols
        const float *image
        const float *error
        int n_sources
        const double *position
        int n_radii
        const double *radius
    jc_status jc_circle_sums(const jc_circles *circles, int n_threads, double *total,
                             double *width)
    jc_status jc_circle_weights(int n_rows, int n_cols, double x, double y, double radius,
                                double *weight)


def circle_sums(image, error, positions, radii, *, n_threads=None):
    """
    Sums of an image in circles around positions, and their standard deviations.

    Parameters
    ----------
    image, error : float32 [row, col]
        Values and their standard deviations.
    positions : float64 [source, 2]
        Columns and rows; there is nothing around a position that is not finite.
    radii : float64 [radius]
        Radii in pixels; pixels at the edge of a circle count by the part that is inside.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    total, width : float64 [radius, source]
        Sum, and root of the sum of squared `error`; NaN where the square around the circle is
        outside of the image, or where a pixel is NaN.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a radius is not positive and finite.
    """
    cdef const float[:, ::1] values = contiguous(image, np.float32, (None, None), "image")
    cdef const float[:, ::1] errors = contiguous(error, np.float32, image.shape, "error")
    cdef const double[:, ::1] places = contiguous(positions, np.float64, (None, 2), "positions")
    cdef const double[::1] sizes = contiguous(radii, np.float64, (None,), "radii")
    total, width = np.empty((2, len(radii), len(positions)))
    cdef double[:, ::1] sums = total
    cdef double[:, ::1] widths = width
    cdef jc_circles what
    what.n_rows, what.n_cols, what.image = values.shape[0], values.shape[1], &values[0, 0]
    what.error = &errors[0, 0]
    what.n_sources, what.position = places.shape[0], &places[0, 0]
    what.n_radii, what.radius = sizes.shape[0], &sizes[0]
    # the work is that of the edges of the circles, and of their pixels
    cdef int team = team_of(n_threads, len(positions) * sum(
        min(values.size, 100 * max(1.0, radius) + 4 * radius**2) for radius in radii
        if 0 < radius < 1e6))
    cdef jc_status status
    with nogil:
        status = jc_circle_sums(&what, team, &sums[0, 0], &widths[0, 0])
    check(status)
    return total, width


def circle_weights(shape, double x, double y, double radius):
    """
    The part of each pixel that is inside of a circle.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    x, y : float
        Column and row of the centre.
    radius : float
        Pixels.

    Returns
    -------
    weight : float64 [row, col]
        From 0 to 1.

    Raises
    ------
    ValueError
        If a number is not finite, or the radius not positive.
    """
    weight = np.empty(shape)
    cdef double[:, ::1] parts = contiguous(weight, np.float64, (None, None), "weight")
    cdef int n_rows = parts.shape[0]
    cdef int n_cols = parts.shape[1]
    cdef jc_status status
    with nogil:
        status = jc_circle_weights(n_rows, n_cols, x, y, radius, &parts[0, 0])
    check(status)
    return weight
