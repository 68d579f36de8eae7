"""Data-quality flags of a reference file; the manual is csrc/stored_flags.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous

from jwst_cal.kernels._glue cimport check, jc_status, team_of
from libc.stdint cimport uint32_t

__all__ = ["stored_flags"]


cdef extern from "stored_flags.h" nogil:
    jc_status jc_stored_flags(const unsigned char *stored, size_t n, const uint32_t *meaning,
                              int n_threads, uint32_t *flags)


def stored_flags(stored, meaning, *, n_threads=None):
    """
    Translate the stored words of an unsigned 32-bit FITS image of flags.

    Parameters
    ----------
    stored : big-endian int32, any shape
        As in the file, without BZERO; a mapped array is read where it lies.
    meaning : uint32 [32]
        The flags that each bit of the file stands for.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    uint32, same shape
        The flags.

    Raises
    ------
    TypeError
        If the dtype is another.
    ValueError
        If the array is empty, or there are not 32 meanings.
    """
    if stored.dtype != np.dtype(">i4"):
        raise TypeError(f"stored: dtype {stored.dtype} where >i4 is needed")
    flat = contiguous(np.ascontiguousarray(stored).reshape(-1).view(np.uint8), np.uint8, (None,),
                      "stored")
    out = np.empty(stored.shape, np.uint32)
    cdef const unsigned char[::1] s = flat
    cdef const uint32_t[::1] m = contiguous(meaning, np.uint32, (32,), "meaning")
    cdef uint32_t[::1] f = out.reshape(-1)
    cdef int team = team_of(n_threads, stored.size)
    cdef size_t n = stored.size
    cdef jc_status status
    with nogil:
        status = jc_stored_flags(&s[0], n, &m[0], team, &f[0])
    check(status)
    return out
