"""Medians of lines and boxes, and Hermitian systems; the manual is csrc/flicker.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int32_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["box_medians", "hermitian_solve", "line_medians"]


cdef extern from "flicker.h" nogil:
    ctypedef struct jc_lines:
        int n_rows, n_cols, columns, n_parts
        const float *image
        const uint8_t *chosen
    ctypedef struct jc_boxes:
        int n_rows, n_cols, box_rows, box_cols
        const float *image
        const uint8_t *chosen
        double sigma
        int max_passes
    ctypedef struct jc_hermitian:
        int n_systems, size
        const double *matrix
        const double *right
        double tolerance
    jc_status jc_line_medians(const jc_lines *lines, int n_threads, float *median)
    jc_status jc_box_medians(const jc_boxes *boxes, int n_threads, float *median, float *std,
                             int32_t *count)
    jc_status jc_hermitian_solve(const jc_hermitian *systems, int n_threads, double *solution,
                                 uint8_t *determined)


def line_medians(image, chosen, *, bint columns=False, int n_parts=1, n_threads=None):
    """
    Median of the chosen values of each line of an image.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    chosen : bool [row, col]
        Where to take values; they must not be NaN.
    columns : bool
        A line is a column, not a row.
    n_parts : int
        Parts of equal length into which a line is cut.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [part, line]
        Medians; 0 where nothing was chosen.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match, or the parts are not of equal length.
    MemoryError
        If scratch memory cannot be had.
    """
    image = contiguous(image, np.float32, (None, None), "image")
    chosen = contiguous(chosen, np.bool_, image.shape, "chosen").view(np.uint8)
    result = np.empty((max(n_parts, 1), image.shape[1 if columns else 0]), np.float32)
    cdef const float[:, ::1] values = image
    cdef const uint8_t[:, ::1] which = chosen
    cdef float[:, ::1] out = result
    cdef jc_lines lines
    cdef int team = team_of(n_threads, image.size)
    cdef jc_status status
    lines.n_rows, lines.n_cols = image.shape
    lines.columns, lines.n_parts = columns, n_parts
    lines.image, lines.chosen = &values[0, 0], &which[0, 0]
    with nogil:
        status = jc_line_medians(&lines, team, &out[0, 0])
    check(status)
    return result


def box_medians(image, chosen, *, int box_rows, int box_cols, double sigma, int max_passes=5,
                n_threads=None):
    """
    Statistics of the chosen, finite values of each box of an image, after sigma clipping.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    chosen : bool [row, col]
        Where to take values.
    box_rows, box_cols : int
        Size of a box; those at the end of rows and columns may be smaller.
    sigma : float
        Standard deviations from the median beyond which values are left out.
    max_passes : int
        How often limits are set, at most; in the end all within the last ones count.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    median, std : float32 [y, x]
        Medians and standard deviations; NaN where there are no values.
    count : int32 [y, x]
        Values that are left.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match, or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    image = contiguous(image, np.float32, (None, None), "image")
    chosen = contiguous(chosen, np.bool_, image.shape, "chosen").view(np.uint8)
    if box_rows < 1 or box_cols < 1:
        raise ValueError(f"box: {box_rows} x {box_cols} where at least 1 x 1 is needed")
    shape = -(-image.shape[0] // box_rows), -(-image.shape[1] // box_cols)
    median, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
    count = np.empty(shape, np.int32)
    cdef const float[:, ::1] values = image
    cdef const uint8_t[:, ::1] which = chosen
    cdef float[:, ::1] out = median
    cdef float[:, ::1] width = std
    cdef int32_t[:, ::1] left = count
    cdef jc_boxes boxes
    cdef int team = team_of(n_threads, image.size)
    cdef jc_status status
    boxes.n_rows, boxes.n_cols = image.shape
    boxes.box_rows, boxes.box_cols = box_rows, box_cols
    boxes.image, boxes.chosen = &values[0, 0], &which[0, 0]
    boxes.sigma, boxes.max_passes = sigma, max_passes
    with nogil:
        status = jc_box_medians(&boxes, team, &out[0, 0], &width[0, 0], &left[0, 0])
    check(status)
    return median, std, count


def hermitian_solve(matrix, right, *, double tolerance=1e-12, n_threads=None):
    """
    Solve Hermitian positive definite systems.

    Parameters
    ----------
    matrix : complex128 [system, row, col]
        The lower triangles are read.
    right : complex128 [system, row]
        Right-hand sides.
    tolerance : float
        A system is not determined if a pivot is not above this part of the largest diagonal
        element.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    solution : complex128 [system, row]
        0 where the system is not determined.
    determined : bool [system]
        Whether it is.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match.
    MemoryError
        If scratch memory cannot be had.
    """
    matrix = contiguous(matrix, np.complex128, (None, None, None), "matrix")
    n, size = matrix.shape[:2]
    right = contiguous(right, np.complex128, (n, size), "right")
    matrix = contiguous(matrix, np.complex128, (n, size, size), "matrix")
    solution, determined = np.empty((n, size), np.complex128), np.empty(n, np.uint8)
    cdef const double[::1] m = matrix.view(np.float64).reshape(-1)
    cdef const double[::1] r = right.view(np.float64).reshape(-1)
    cdef double[::1] out = solution.view(np.float64).reshape(-1)
    cdef uint8_t[::1] known = determined
    cdef jc_hermitian systems
    cdef int team = team_of(n_threads, matrix.size)
    cdef jc_status status
    systems.n_systems, systems.size, systems.tolerance = n, size, tolerance
    systems.matrix, systems.right = &m[0], &r[0]
    with nogil:
        status = jc_hermitian_solve(&systems, team, &out[0], &known[0])
    check(status)
    return solution, determined.view(np.bool_)
