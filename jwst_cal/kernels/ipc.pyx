"""Crosstalk of neighbouring pixels undone; the manual is csrc/ipc.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, image_rows, in_place

from libc.stdint cimport int32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["ipc"]


cdef extern from "ipc.h" nogil:
    ctypedef struct jc_ipc_input:
        int n_planes, n_data_rows, n_cols
        int n_rows
        const int32_t *rows
        int row_from, row_to, col_from, col_to
        int n_kernel_rows, n_kernel_cols
        int of_pixel
        const float *kernel
    jc_status jc_ipc(const jc_ipc_input *input, int n_threads, float *data)


def ipc(data, kernel, *, region=None, rows=None, n_threads=None):
    """
    Convolve every plane with a small kernel, in place.

    Parameters
    ----------
    data : float32 [plane, data row, col], DN
        Groups, changed in place.
    kernel : float32 [j, i] or [j, i, row, col]
        One kernel, or one of each pixel.
    region : (slice, slice), optional
        Rows and columns of the image that are changed and used; the others are reference pixels.
    rows : int32 [row], optional
        Row of the data that holds each row of the image.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef float[:, :, ::1] d = in_place(data, np.float32, (None, None, None), "data")
    shape, rows = image_rows(data, rows)
    kernel = np.asarray(kernel)
    if kernel.ndim not in (2, 4):
        raise ValueError(f"kernel: shape {kernel.shape} where two or four axes are needed")
    kernel = contiguous(kernel, np.float32,
                        (None, None, *(shape if kernel.ndim == 4 else ())), "kernel")
    cdef const float[::1] k = kernel.reshape(-1)
    cdef const int32_t[::1] r
    cdef jc_ipc_input what
    cdef int team = team_of(n_threads, data.size)
    cdef jc_status status
    what.n_planes, what.n_data_rows, what.n_cols = data.shape
    what.n_rows, what.rows = shape[0], NULL
    if rows is not None:
        r = rows
        what.rows = &r[0]
    down, across = (slice(None), slice(None)) if region is None else region
    what.row_from, what.row_to, _ = down.indices(shape[0])
    what.col_from, what.col_to, _ = across.indices(shape[1])
    what.n_kernel_rows, what.n_kernel_cols = kernel.shape[:2]
    what.of_pixel, what.kernel = kernel.ndim == 4, &k[0]
    with nogil:
        status = jc_ipc(&what, team, &d[0, 0, 0])
    check(status)
