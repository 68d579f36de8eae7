"""The nearest neighbour of each of many places; the manual is csrc/neighbours.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from libc.stdint cimport int32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["neighbours"]


cdef extern from "neighbours.h" nogil:
    jc_status jc_neighbours(int n, const double *position, int n_threads, int32_t *nearest,
                            double *distance)


def neighbours(positions, *, n_threads=None):
    """
    Find the nearest neighbour of each place.

    Parameters
    ----------
    positions : float64 [place, 2]
        Coordinates; a place that is not finite has no neighbour and is none.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    nearest : int32 [place]
        Which it is, of several as far away the first; -1 for none.
    distance : float64 [place]
        How far; NaN for none.

    Raises
    ------
    TypeError
        If the array has the wrong dtype.
    ValueError
        If its shape does not match.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const double[:, ::1] places = contiguous(positions, np.float64, (None, 2), "positions")
    cdef int n = places.shape[0]
    nearest, distance = np.empty(n, np.int32), np.empty(n)
    cdef int32_t[::1] which = nearest
    cdef double[::1] away = distance
    # in a square that they fill, those as near along one axis as the nearest are a few roots of n
    cdef int team = team_of(n_threads, n * 4 * float(n) ** 0.5)
    cdef jc_status status
    with nogil:
        status = jc_neighbours(n, &places[0, 0], team, &which[0], &away[0])
    check(status)
    return nearest, distance
