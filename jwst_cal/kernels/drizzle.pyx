"""An image spread over the pixels of another frame; the manual is csrc/drizzle.h."""

from typing import NamedTuple

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["KERNELS", "Sums", "drizzle"]

#: Names of the kernels.
KERNELS = ("square", "turbo", "point", "gaussian", "lanczos2", "lanczos3")

DEF MAX_SPREAD = 7

cdef extern from "drizzle.h" nogil:
    ctypedef enum jc_kernel:
        JC_SQUARE
    ctypedef struct jc_drizzle_input:
        int n_rows, n_cols
        int row_from, row_to
        const double *x
        const double *y
        const float *weight
        const float *values
        float level
        int n_variances
        const float *const *variances
        const uint32_t *dq
        jc_kernel kernel
        double pixfrac, scale_ratio
        int first_row, first_col
    jc_status jc_drizzle(const jc_drizzle_input *input, int window_rows, int window_cols,
                         int n_threads, double *weight, double **sums, uint32_t *dq)


class Sums(NamedTuple):
    """
    Sums over the pixels of a window of another frame.

    Parameters
    ----------
    weight : float64 [window row, window col]
        Of the weights.
    values : float64 [window row, window col]
        Of weight times value.
    roots : list of float64 [window row, window col]
        For each of the variances, of weight times root.
    dq : uint32 [window row, window col] or None
        Flags of all that gave weight.
    """

    weight: np.ndarray
    values: np.ndarray
    roots: list
    dq: np.ndarray


def drizzle(x, y, weight, values, shape, *, variances=(), float level=0.0, rows=None,
            kernel="square", double pixfrac=1.0, double scale_ratio=1.0, first=(0, 0), dq=None,
            n_threads=None):
    """
    Spread an image, weighted, over the pixels of another frame.

    Parameters
    ----------
    x, y : float64 [row, col]
        Places of the image's pixels in the output frame; NaN for none.
    weight : float32 [row, col]
        Weights; what has none is not used.
    values : float32 [row, col]
        Values.
    shape : (int, int)
        Rows and columns of the window of the output frame.
    variances : sequence of float32 [row, col]
        Up to seven, whose roots are spread like the values.
    level : float
        Taken off the values.
    rows : (int, int), optional
        First of the rows that are spread, and the one after the last; those beside them only
        tell where the corners of pixels are. All by default.
    kernel : str
        One of KERNELS.
    pixfrac : float
        Side of what is spread, in input pixels, 1e-4 to 1.
    scale_ratio : float
        Side of an output pixel in input pixels (not for ``square`` and ``point``).
    first : (int, int)
        Row and column of the output frame that the window begins at.
    dq : uint32 [row, col], optional
        Flags of the image.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    Sums

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match, the kernel is unknown or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const double[:, ::1] px = contiguous(x, np.float64, (None, None), "x")
    of_image = np.shape(x)
    cdef const double[:, ::1] py = contiguous(y, np.float64, of_image, "y")
    cdef const float[:, ::1] w = contiguous(weight, np.float32, of_image, "weight")
    cdef const float[:, ::1] v = contiguous(values, np.float32, of_image, "values")
    if kernel not in KERNELS:
        raise ValueError(f"kernel: '{kernel}' where one of {', '.join(KERNELS)} is needed")
    if len(variances) > MAX_SPREAD:
        raise ValueError(f"variances: {len(variances)} where at most {MAX_SPREAD} are possible")
    if min(shape) < 1:
        raise ValueError(f"shape: {tuple(shape)} is empty")
    found = Sums(*(np.empty(shape) for _ in range(2)), [np.empty(shape) for _ in variances],
                 None if dq is None else np.empty(shape, np.uint32))
    cdef const float *of_variances[MAX_SPREAD]
    cdef double *to[MAX_SPREAD + 1]
    cdef const float[:, ::1] one
    cdef double[:, ::1] other = found.weight
    cdef double *total = &other[0, 0]
    other = found.values
    to[0] = &other[0, 0]
    kept = []
    for k in range(len(variances)):
        kept.append(contiguous(variances[k], np.float32, of_image, f"variances[{k}]"))
        one = kept[k]
        of_variances[k] = &one[0, 0]
        other = found.roots[k]
        to[k + 1] = &other[0, 0]
    cdef const uint32_t[:, ::1] flags
    cdef uint32_t[:, ::1] joined
    cdef uint32_t *joined_at = NULL
    cdef jc_drizzle_input what
    what.dq = NULL
    if dq is not None:
        flags = contiguous(dq, np.uint32, of_image, "dq")
        joined = found.dq
        what.dq, joined_at = &flags[0, 0], &joined[0, 0]
    what.n_rows, what.n_cols = of_image
    what.row_from, what.row_to = (0, of_image[0]) if rows is None else rows
    what.x, what.y, what.weight = &px[0, 0], &py[0, 0], &w[0, 0]
    what.values, what.level = &v[0, 0], level
    what.n_variances, what.variances = len(variances), <const float *const *> of_variances
    what.kernel = <jc_kernel> <int> KERNELS.index(kernel)
    what.pixfrac, what.scale_ratio = pixfrac, scale_ratio
    what.first_row, what.first_col = first
    cdef int n_rows = shape[0], n_cols = shape[1]
    cdef int team = team_of(n_threads, w.size)
    cdef jc_status status
    with nogil:
        status = jc_drizzle(&what, n_rows, n_cols, team, total, to, joined_at)
    check(status)
    return found
