"""Subtraction of a reference image or ramp; the manual is csrc/subtract.h."""

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.kernels._arrays import contiguous, either_order, in_place

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["subtract"]


cdef extern from "subtract.h" nogil:
    ctypedef struct jc_subtraction:
        int n_ints, n_groups, n_rows, n_cols
        const uint32_t *reference
        int swapped
        ptrdiff_t integration_step, group_step
        int n_corrected
        const int32_t *which
        int zero_is_bad
    jc_status jc_subtract(const jc_subtraction *what, int n_threads, float *data)


def subtract(data, reference, *, which=None, bint zero_is_bad=False, n_threads=None):
    """
    Subtract a reference from every integration, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Changed in place.
    reference : float32 [row, col], [image, row, col] or [integration, group, row, col], DN
        One image for every group; an image for every group of an integration; or a ramp, whose
        groups correct the groups of the same number. NaN subtracts nothing. Either byte order.
    which : int [integration], optional
        Image or integration of the reference that each integration of `data` takes; the first
        one when not given.
    zero_is_bad : bool
        Whether a value of exactly 0 in `data` marks a missing one, which stays 0.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match or `which` points beyond the reference.
    """
    in_place(data, np.float32, (None, None, None, None), "data")
    n_ints, n_groups, n_rows, n_cols = data.shape
    reference = np.asarray(reference)
    leading = (None,) * (max(reference.ndim, 2) - 2)
    reference, swapped = either_order(reference, leading + (n_rows, n_cols), "reference")
    if reference.ndim > 4:
        raise ValueError(f"reference: shape {reference.shape} has more than four axes")
    ramp = reference.ndim == 4
    n_images = reference.shape[0] if reference.ndim > 2 else 1
    which = np.zeros(n_ints, np.int32) if which is None else which
    which = contiguous(which, np.int32, (n_ints,), "which")
    if which.min() < 0 or which.max() >= n_images:
        raise ValueError(f"which: {which.min()} to {which.max()} where 0 to {n_images - 1} is needed")

    cdef float[:, :, :, ::1] d = data
    cdef const uint32_t[::1] r = reference.reshape(-1)
    cdef const int32_t[::1] w = which
    cdef int team = team_of(n_threads, data.size)
    cdef jc_subtraction what
    cdef jc_status status
    folded = memory.long_rows(n_rows, n_cols)
    what.n_ints, what.n_groups = n_ints, n_groups
    what.n_rows, what.n_cols = n_rows // folded, n_cols * folded
    what.reference, what.swapped, what.which = &r[0], swapped, &w[0]
    what.group_step = n_rows * n_cols if ramp else 0
    what.integration_step = n_rows * n_cols * (reference.shape[1] if ramp else 1)
    what.n_corrected = min(n_groups, reference.shape[1]) if ramp else n_groups
    what.zero_is_bad = zero_is_bad
    with nogil:
        status = jc_subtract(&what, team, &d[0, 0, 0, 0])
    check(status)
