"""Linear counts from measured ones; the manual is csrc/linearity.h."""

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.kernels._arrays import contiguous, either_order, in_place

from libc.stdint cimport uint8_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["linearity"]


cdef extern from "linearity.h" nogil:
    ctypedef struct jc_linearity_input:
        int n_ints, n_groups, n_rows, n_cols
        const uint8_t *groupdq
        uint8_t saturated
        int n_terms
        const uint32_t *coeffs
        int swapped
        const uint32_t *dq
        uint32_t no_correction
    ctypedef struct jc_inverse_linearity:
        int n_terms
        const uint32_t *coeffs
        int swapped
        int n_reads
        const double *reads
    jc_status jc_linearity(const jc_linearity_input *input, int n_threads,
                           float *data, uint32_t *pixeldq, float *zeroframe)
    jc_status jc_linearity_reads(const jc_linearity_input *input,
                                 const jc_inverse_linearity *inverse, int n_threads,
                                 float *data, uint32_t *pixeldq, float *zeroframe)


cdef _coefficients(coeffs, shape, name):
    coeffs, swapped = either_order(coeffs, (None, *shape), name)
    if coeffs.shape[0] < 2:
        raise ValueError(f"{name}: {coeffs.shape[0]} terms where at least 2 are needed")
    return coeffs, swapped


def linearity(data, groupdq, pixeldq, coeffs, dq, *, uint8_t saturated, uint32_t no_correction,
              inverse=None, reads=None, zeroframe=None, n_threads=None):
    """
    Linearise the counts of an exposure, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Changed in place.
    groupdq : uint8 [integration, group, row, col]
        Flags; groups with `saturated` keep their counts.
    pixeldq : uint32 [row, col]
        Changed in place: the reference's flags are added.
    coeffs : float32 [term, row, col]
        Linear counts as a polynomial of measured ones, lowest term first; either byte order.
    dq : uint32 [row, col]
        Flags of the reference.
    saturated : int
        Bit of `groupdq`.
    no_correction : int
        Bit of `dq` and `pixeldq` for pixels without a correction.
    inverse : float32 [term, row, col], optional
        Measured counts as a polynomial of linear ones; with `reads` it corrects each read of a
        group. Needs two groups.
    reads : float64 [group, read], optional
        Position of each read in the ramp, in reads.
    zeroframe : float32 [integration, row, col], DN, optional
        First read of each integration, changed in place; 0 marks a missing value and stays.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, there are fewer than two terms, only one of `inverse` and
        `reads` is given, or they are given for a single group.
    """
    in_place(data, np.float32, (None, None, None, None), "data")
    shape = data.shape[2:]
    groupdq = contiguous(groupdq, np.uint8, data.shape, "groupdq")
    in_place(pixeldq, np.uint32, shape, "pixeldq")
    coeffs, swapped = _coefficients(coeffs, shape, "coeffs")
    dq = contiguous(dq, np.uint32, shape, "dq")
    if (inverse is None) != (reads is None):
        raise ValueError("inverse and reads: both or neither are needed")
    if reads is not None and data.shape[1] < 2:
        raise ValueError(f"data: {data.shape[1]} group where two are needed with inverse")

    cdef float[:, :, :, ::1] d = data
    cdef const uint8_t[:, :, :, ::1] q = groupdq
    cdef uint32_t[:, ::1] p = pixeldq
    cdef const uint32_t[:, :, ::1] c = coeffs
    cdef const uint32_t[:, ::1] f = dq
    cdef float[:, :, ::1] z
    cdef float *zero = NULL
    cdef const uint32_t[:, :, ::1] b
    cdef const double[:, ::1] r
    cdef jc_linearity_input what
    cdef jc_inverse_linearity back
    cdef bint by_read = reads is not None
    cdef int team = team_of(n_threads, data.size)
    cdef jc_status status
    folded = memory.long_rows(*shape)
    what.n_ints, what.n_groups = data.shape[:2]
    what.n_rows, what.n_cols = shape[0] // folded, shape[1] * folded
    what.groupdq, what.saturated = &q[0, 0, 0, 0], saturated
    what.n_terms, what.coeffs, what.swapped = c.shape[0], &c[0, 0, 0], swapped
    what.dq, what.no_correction = &f[0, 0], no_correction
    if zeroframe is not None:
        z = in_place(zeroframe, np.float32, (data.shape[0], *shape), "zeroframe")
        zero = &z[0, 0, 0]
    if by_read:
        inverse, swapped = _coefficients(inverse, shape, "inverse")
        b = inverse
        r = contiguous(reads, np.float64, (data.shape[1], None), "reads")
        back.n_terms, back.coeffs, back.swapped = b.shape[0], &b[0, 0, 0], swapped
        back.n_reads, back.reads = r.shape[1], &r[0, 0]
    with nogil:
        if by_read:
            status = jc_linearity_reads(&what, &back, team, &d[0, 0, 0, 0], &p[0, 0], zero)
        else:
            status = jc_linearity(&what, team, &d[0, 0, 0, 0], &p[0, 0], zero)
    check(status)
