"""IRS2: from the reference samples of a frame to its noise; the manual is csrc/irs2_filter.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, either_order, in_place

from libc.stdint cimport int32_t, uint8_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["LANES", "PLACES", "SLOTS", "noise_of_frame", "real_filters", "turns"]


cdef extern from "irs2_filter.h" nogil:
    enum:
        JC_IRS2_SLOTS
        JC_IRS2_LANES
    ctypedef struct jc_irs2_tables:
        int n_lines, n_outputs
        const float *turn
        const float *passband
        const float *weights
        int n_repeats
        const uint8_t *known
        int n_reference
        const int32_t *put
        int n_wanted
        const int32_t *wanted
    jc_status jc_irs2_turns(int n_lines, int n_threads, float *turn)
    jc_status jc_irs2_weights(int n_lines, int n_outputs, const uint32_t *table, int swapped,
                              int n_threads, float *weights)
    jc_status jc_irs2_noise(const jc_irs2_tables *tables, const float *reference_output,
                            const float *reference_pixels, int n_threads, float *completed,
                            float *noise)


#: Samples of a line; frequencies of a block.
SLOTS, LANES = JC_IRS2_SLOTS, JC_IRS2_LANES
#: Frequency p of each place of the tables: the stream's frequency is q + n_lines p.
PLACES = (89 * (np.arange(SLOTS) // 89) + 624 * (np.arange(SLOTS) % 89)) % SLOTS


def _n_blocks(n_lines):
    if n_lines < 256 or n_lines & (n_lines - 1):
        raise ValueError(f"n_lines: {n_lines} where a power of two of at least 256 is needed")
    return n_lines // 2 // LANES + 1


def turns(int n_lines, *, n_threads=None):
    """
    Make the phases between the transform along the lines and that along the slots.

    Parameters
    ----------
    n_lines : int
        Lines of the readout, a power of two of at least 256.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [block, slot, 2, lane]
        exp(-2 pi i slot q / (712 n_lines)), real and imaginary part, for frequency
        q = 16 block + lane; 0 beyond n_lines / 2.

    Raises
    ------
    ValueError
        If `n_lines` is none of those numbers.
    MemoryError
        If scratch memory cannot be had.
    """
    table = np.empty((_n_blocks(n_lines), SLOTS, 2, LANES), np.float32)
    cdef float[::1] t = table.reshape(-1)
    cdef int team = team_of(n_threads, table.size)
    cdef jc_status status
    with nogil:
        status = jc_irs2_turns(n_lines, team, &t[0])
    check(status)
    return table


def real_filters(table, int n_lines, *, n_threads=None):
    """
    Arrange the filters of a reference file for `noise_of_frame`.

    Parameters
    ----------
    table : float32 [2 * 712 * n_lines, 2, output]
        alpha and beta of every output; real and imaginary part of a frequency follow each other.
        Of any byte order.
    n_lines : int
        Lines of the readout, a power of two of at least 256.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [block, output, 2, place, 2, lane]
        alpha and beta, their part that acts on real samples, divided by 712; real and imaginary.

    Raises
    ------
    TypeError
        If the table has the wrong dtype.
    ValueError
        If its shape does not match.
    """
    n_blocks = _n_blocks(n_lines)
    bits, swapped = either_order(table, (2 * SLOTS * n_lines, 2, None), "table")
    cdef const uint32_t[:, :, ::1] t = bits
    cdef int n_outputs = t.shape[2], is_swapped = swapped
    weights = np.empty((n_blocks, n_outputs, 2, SLOTS, 2, LANES), np.float32)
    cdef float[::1] w = weights.reshape(-1)
    cdef int team = team_of(n_threads, weights.size)
    cdef jc_status status
    with nogil:
        status = jc_irs2_weights(n_lines, n_outputs, &t[0, 0, 0], is_swapped, team, &w[0])
    check(status)
    return weights


def noise_of_frame(output, pixels, noise, *, turn, passband, weights, known, put, wanted,
                   int n_repeats=3, completed=None, n_threads=None):
    """
    Turn the reference samples of a frame into the noise that they tell of.

    Parameters
    ----------
    output : float32 [slot, line], DN
        The reference output, from its mean; lines a power of two of at least 256.
    pixels : float32 [output, pixel, line], DN
        Reference pixels of every output, from their means.
    noise : float32 [output, wanted, line], DN
        The result.
    turn : float32 [block, slot, 2, lane]
        From `turns`.
    passband : float32 [block, place, lane]
        Frequencies that fill the gaps of the reference output, divided by 712.
    weights : float32 [block, output, 2, place, 2, lane]
        From `real_filters`.
    known : bool [slot]
        Samples of the reference output that stay; the others are filled.
    put : int32 [pixel, 2]
        Slots of each reference pixel.
    wanted : int32 [wanted]
        Slots of the result.
    n_repeats : int
        Times that the reference output is filled.
    completed : float32 [slot, line], DN, optional
        Gets the filled reference output.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a slot is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, ::1] o = contiguous(output, np.float32, (SLOTS, None), "output")
    cdef int n_lines = o.shape[1]
    n_blocks = _n_blocks(n_lines)
    cdef const float[:, :, ::1] p = contiguous(pixels, np.float32, (None, len(put), n_lines),
                                               "pixels")
    cdef int n_outputs = p.shape[0]
    cdef float[:, :, ::1] n = in_place(noise, np.float32, (n_outputs, len(wanted), n_lines),
                                       "noise")
    cdef const float[:, :, :, ::1] t = contiguous(turn, np.float32, (n_blocks, SLOTS, 2, LANES),
                                                  "turn")
    cdef const float[:, :, ::1] b = contiguous(passband, np.float32, (n_blocks, SLOTS, LANES),
                                               "passband")
    cdef const float[::1] w = contiguous(
        weights, np.float32, (n_blocks, n_outputs, 2, SLOTS, 2, LANES), "weights").reshape(-1)
    cdef const uint8_t[::1] k = contiguous(known, np.uint8, (SLOTS,), "known")
    cdef const int32_t[:, ::1] r = contiguous(put, np.int32, (None, 2), "put")
    cdef const int32_t[::1] s = contiguous(wanted, np.int32, (None,), "wanted")
    cdef float[:, ::1] c
    cdef float *whole = NULL
    if completed is not None:
        c = in_place(completed, np.float32, (SLOTS, n_lines), "completed")
        whole = &c[0, 0]
    cdef jc_irs2_tables tables
    tables.n_lines, tables.n_outputs, tables.n_repeats = n_lines, n_outputs, n_repeats
    tables.turn, tables.passband, tables.weights = &t[0, 0, 0, 0], &b[0, 0, 0], &w[0]
    tables.known, tables.n_reference, tables.put = &k[0], r.shape[0], &r[0, 0]
    tables.n_wanted, tables.wanted = s.shape[0], &s[0]
    cdef int team = team_of(n_threads, SLOTS * n_lines)
    cdef jc_status status
    with nogil:
        status = jc_irs2_noise(&tables, &o[0, 0], &p[0, 0, 0], team, whole, &n[0, 0, 0])
    check(status)
