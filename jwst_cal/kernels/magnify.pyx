"""A coarse grid made as fine as an image; the manual is csrc/magnify.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["magnify"]


cdef extern from "magnify.h" nogil:
    ctypedef struct jc_grid:
        int n_rows, n_cols, n_terms
        const double *down
        const double *across
        double least, most
        const uint8_t *hidden
        const float *image
    jc_status jc_magnify(const jc_grid *grid, int n_threads, float *value)


def magnify(down, across, hidden, *, double least, double most, image=None, n_threads=None):
    """
    Multiply weights along the rows with those along the columns.

    Parameters
    ----------
    down : float64 [row, term]
        Weights of the terms in each row.
    across : float64 [term, col]
        The terms.
    hidden : bool [row, col]
        Pixels that become 0.
    least, most : float
        Limits of the values.
    image : float32 [row, col], optional
        What they are subtracted from.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    value : float32 [row, col]
        ``down @ across`` between the limits; with an image, what is left of it.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or `least` is larger than `most`.
    """
    cdef const double[:, ::1] rows = contiguous(down, np.float64, (None, None), "down")
    cdef const double[:, ::1] terms = contiguous(across, np.float64, (rows.shape[1], None),
                                                  "across")
    cdef const uint8_t[:, ::1] bare = contiguous(hidden, np.bool_,
                                                 (rows.shape[0], terms.shape[1]),
                                                 "hidden").view(np.uint8)
    cdef const float[:, ::1] whole
    value = np.empty((rows.shape[0], terms.shape[1]), np.float32)
    cdef float[:, ::1] out = value
    cdef jc_grid grid
    grid.n_rows, grid.n_terms, grid.n_cols = rows.shape[0], rows.shape[1], terms.shape[1]
    grid.down, grid.across, grid.hidden = &rows[0, 0], &terms[0, 0], &bare[0, 0]
    grid.least, grid.most, grid.image = least, most, NULL
    if image is not None:
        whole = contiguous(image, np.float32, value.shape, "image")
        grid.image = &whole[0, 0]
    cdef int team = team_of(n_threads, out.size)
    cdef jc_status status
    with nogil:
        status = jc_magnify(&grid, team, &out[0, 0])
    check(status)
    return value
