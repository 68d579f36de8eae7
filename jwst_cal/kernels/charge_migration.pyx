"""Groups from which on charge spills, flagged in place; the manual is csrc/charge_migration.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stdint cimport int64_t, uint8_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["charge_migration"]


cdef extern from "charge_migration.h" nogil:
    ctypedef struct jc_charge_migration_input:
        int n_ints, n_groups, n_rows, n_cols
        const float *data
        double threshold
        uint8_t unused, flags
    jc_status jc_charge_migration(const jc_charge_migration_input *input, int n_threads,
                                  uint8_t *groupdq, int64_t *n_found)


def charge_migration(data, groupdq, *, double threshold, uint8_t unused, uint8_t flags,
                     n_threads=None):
    """
    Flag the groups from which on a pixel or a neighbour exceeds a threshold, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts. NaN exceeds nothing.
    groupdq : uint8 [integration, group, row, col]
        Flags, changed in place.
    threshold : float, DN
        Counts above which charge spills.
    unused : int
        A group with exactly these flags does not count.
    flags : int
        What is set.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    int
        Ramps (pixels times integrations) that exceed the threshold, without neighbours.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, :, :, ::1] d = contiguous(data, np.float32, (None,) * 4, "data")
    cdef uint8_t[:, :, :, ::1] q = in_place(groupdq, np.uint8, np.shape(data), "groupdq")
    cdef jc_charge_migration_input what
    cdef int64_t found = 0
    cdef int team = team_of(n_threads, d.size)
    cdef jc_status status
    what.n_ints, what.n_groups, what.n_rows, what.n_cols = np.shape(data)
    what.data, what.threshold, what.unused, what.flags = &d[0, 0, 0, 0], threshold, unused, flags
    with nogil:
        status = jc_charge_migration(&what, team, &q[0, 0, 0, 0], &found)
    check(status)
    return found
