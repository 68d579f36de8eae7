"""Raw counts of a FITS file as float32; the manual is csrc/counts.h."""

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.kernels._arrays import contiguous, in_place

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["counts"]


cdef extern from "counts.h" nogil:
    jc_status jc_counts(const unsigned char *stored, size_t n, int n_threads, float *counts)


def counts(stored, *, out=None, n_threads=None):
    """
    Convert the stored words of an unsigned 16-bit FITS image to float32.

    Parameters
    ----------
    stored : big-endian int16, any shape
        As in the file, without BZERO; a mapped array is read where it lies.
    out : float32, same shape, optional
        Where the counts go; C-ordered.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32, same shape, DN
        The counts, 0 to 65535.

    Raises
    ------
    TypeError
        If the dtype is another.
    ValueError
        If the array is empty, or `out` has another shape or order.
    """
    if stored.dtype != np.dtype(">i2"):
        raise TypeError(f"stored: dtype {stored.dtype} where >i2 is needed")
    flat = contiguous(np.ascontiguousarray(stored).reshape(-1).view(np.uint8), np.uint8, (None,),
                      "stored")
    if out is None:
        out = memory.empty(stored.shape, np.float32)
    out = in_place(out, np.float32, stored.shape, "out")
    cdef const unsigned char[::1] s = flat
    cdef float[::1] c = out.reshape(-1)
    cdef int team = team_of(n_threads, stored.size)
    cdef size_t n = stored.size
    cdef jc_status status
    with nogil:
        status = jc_counts(&s[0], n, team, &c[0])
    check(status)
    return out
