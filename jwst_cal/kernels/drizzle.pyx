"""An image spread over the pixels of another frame; the manual is csrc/drizzle.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["KERNELS", "drizzle"]

#: Names of the kernels.
KERNELS = ("square", "turbo", "point", "gaussian", "lanczos2", "lanczos3")

DEF MAX_PLANES = 8

cdef extern from "drizzle.h" nogil:
    ctypedef enum jc_kernel:
        JC_SQUARE
    ctypedef struct jc_drizzle_input:
        int n_rows, n_cols
        const double *x
        const double *y
        const float *weight
        int n_planes
        const float *const *planes
        const uint32_t *dq
        jc_kernel kernel
        double pixfrac, scale_ratio
        int first_row, first_col
    jc_status jc_drizzle(const jc_drizzle_input *input, int window_rows, int window_cols,
                         int n_threads, double *weight, double **sums, uint32_t *dq)


def drizzle(x, y, weight, planes, sum_weight, sums, *, kernel="square", double pixfrac=1.0,
            double scale_ratio=1.0, first=(0, 0), dq=None, sum_dq=None, n_threads=None):
    """
    Add an image, weighted, to sums over the pixels of another frame.

    Parameters
    ----------
    x, y : float64 [row, col]
        Places of the image's pixels in the output frame; NaN for none.
    weight : float32 [row, col]
        Weights; what has none is not used.
    planes : sequence of float32 [row, col]
        Up to eight arrays of values.
    sum_weight : float64 [window row, window col]
        Sum of the weights, changed in place.
    sums : sequence of float64 [window row, window col]
        For each of the planes the sum of weight times value, changed in place.
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
    sum_dq : uint32 [window row, window col], optional
        Flags of all that gave weight, changed in place.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

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
    shape = np.shape(x)
    cdef const double[:, ::1] py = contiguous(y, np.float64, shape, "y")
    cdef const float[:, ::1] w = contiguous(weight, np.float32, shape, "weight")
    cdef double[:, ::1] total = in_place(sum_weight, np.float64, (None, None), "sum_weight")
    if kernel not in KERNELS:
        raise ValueError(f"kernel: '{kernel}' where one of {', '.join(KERNELS)} is needed")
    if len(planes) > MAX_PLANES or len(planes) != len(sums):
        raise ValueError(f"planes: {len(planes)} where {len(sums)}, at most {MAX_PLANES}, are "
                         "needed")
    if (dq is None) != (sum_dq is None):
        raise ValueError("dq and sum_dq are given both or not at all")
    cdef const float *values[MAX_PLANES]
    cdef double *to[MAX_PLANES]
    cdef const float[:, ::1] one
    cdef double[:, ::1] other
    kept = []
    for k in range(len(planes)):
        array = contiguous(planes[k], np.float32, shape, f"planes[{k}]")
        kept.append(array)
        one = array
        values[k] = &one[0, 0]
        other = in_place(sums[k], np.float64, sum_weight.shape, f"sums[{k}]")
        to[k] = &other[0, 0]
    cdef const uint32_t[:, ::1] flags
    cdef uint32_t[:, ::1] joined
    cdef uint32_t *joined_at = NULL
    cdef jc_drizzle_input what
    what.dq = NULL
    if dq is not None:
        flags = contiguous(dq, np.uint32, shape, "dq")
        joined = in_place(sum_dq, np.uint32, sum_weight.shape, "sum_dq")
        what.dq, joined_at = &flags[0, 0], &joined[0, 0]
    what.n_rows, what.n_cols = shape
    what.x, what.y, what.weight = &px[0, 0], &py[0, 0], &w[0, 0]
    what.n_planes, what.planes = len(planes), <const float *const *> values
    what.kernel = <jc_kernel> <int> KERNELS.index(kernel)
    what.pixfrac, what.scale_ratio = pixfrac, scale_ratio
    what.first_row, what.first_col = first
    cdef int n_rows = total.shape[0], n_cols = total.shape[1]
    cdef int team = team_of(n_threads, w.size)
    cdef jc_status status
    with nogil:
        status = jc_drizzle(&what, n_rows, n_cols, team, &total[0, 0], to, joined_at)
    check(status)
