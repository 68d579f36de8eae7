"""IRS2: from the spectra of the reference pixels to that of their noise; see csrc/irs2_filter.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, either_order
from jwst_cal.kernels.threads import team_size

from libc.stdint cimport int32_t, uint8_t, uint32_t

from jwst_cal.kernels._glue cimport check, jc_status

__all__ = ["LANES", "PLACES", "SLOTS", "noise_spectra", "real_filters"]


cdef extern from "irs2_filter.h" nogil:
    enum:
        JC_IRS2_SLOTS
        JC_IRS2_LANES
    ctypedef struct jc_irs2_filter_tables:
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
    jc_status jc_irs2_weights(int n_lines, int n_outputs, const uint32_t *table, int swapped,
                              int n_threads, float *weights)
    jc_status jc_irs2_filter(const jc_irs2_filter_tables *tables, const float *reference_output,
                             const float *reference_pixels, int n_threads, float *completed,
                             float *noise)


#: Samples of a line; frequencies of a block.
SLOTS, LANES = JC_IRS2_SLOTS, JC_IRS2_LANES
#: Frequency p of each place of the tables: frequency q + n_lines p of the stream.
PLACES = (89 * (np.arange(SLOTS) // 89) + 624 * (np.arange(SLOTS) % 89)) % SLOTS


cdef int _n_blocks(int n_lines):
    return (n_lines // 2 + JC_IRS2_LANES) // JC_IRS2_LANES


def real_filters(table, int n_lines, *, n_threads=None):
    """
    Arrange the filters of a reference file for `noise_spectra`.

    Parameters
    ----------
    table : float32 [2 * 712 * n_lines, 2, output]
        alpha and beta of every output; real and imaginary part of a frequency follow each other.
        Of any byte order.
    n_lines : int
        Lines of the readout.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    float32 [block, output, 2, place, 2, lane]
        The part that acts on real samples, divided by 712; real and imaginary.

    Raises
    ------
    TypeError
        If the table has the wrong dtype.
    ValueError
        If its shape does not match.
    """
    if n_lines < 1:
        raise ValueError(f"n_lines: {n_lines} where at least 1 is needed")
    bits, swapped = either_order(table, (2 * JC_IRS2_SLOTS * n_lines, 2, None), "table")
    cdef const uint32_t[:, :, ::1] t = bits
    cdef int n_outputs = t.shape[2], is_swapped = swapped
    weights = np.empty((_n_blocks(n_lines), n_outputs, 2, SLOTS, 2, LANES), np.float32)
    cdef float[::1] w = weights.reshape(-1)
    cdef int team = team_size(n_threads, work=weights.size)
    cdef jc_status status
    with nogil:
        status = jc_irs2_weights(n_lines, n_outputs, &t[0, 0, 0], is_swapped, team, &w[0])
    check(status)
    return weights


def noise_spectra(output, pixels, *, int n_lines, turn, passband, weights, known, put, wanted,
                  int n_repeats=3, bint completed=False, n_threads=None):
    """
    Turn spectra of reference output and reference pixels into those of the noise they tell of.

    Parameters
    ----------
    output : complex64 [slot, frequency], DN
        Spectra of the reference output along the lines, of each slot.
    pixels : complex64 [output, pixel, frequency], DN
        The same of the reference pixels of every output.
    n_lines : int
        Lines of the readout.
    turn : float32 [block, slot, 2, lane]
        exp(-2 pi i slot frequency / (712 n_lines)).
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
    completed : bool
        Return the filled reference output too.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Returns
    -------
    noise : complex64 [output, wanted, frequency], DN
        Spectra along the lines.
    completed : complex64 [slot, frequency] or None, DN
        Spectra of the filled reference output.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If a shape does not match or a slot is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    if n_lines < 1:
        raise ValueError(f"n_lines: {n_lines} where at least 1 is needed")
    n_freq, n_blocks = n_lines // 2 + 1, _n_blocks(n_lines)
    output = contiguous(output, np.complex64, (SLOTS, n_freq), "output")
    pixels = contiguous(pixels, np.complex64, (None, len(put), n_freq), "pixels")
    n_outputs = len(pixels)
    cdef const float[:, ::1] o = output.view(np.float32)
    cdef const float[:, :, ::1] p = pixels.view(np.float32)
    cdef const float[:, :, :, ::1] t = contiguous(turn, np.float32, (n_blocks, SLOTS, 2, LANES),
                                                  "turn")
    cdef const float[:, :, ::1] b = contiguous(passband, np.float32, (n_blocks, SLOTS, LANES),
                                               "passband")
    cdef const float[::1] w = contiguous(
        weights, np.float32, (n_blocks, n_outputs, 2, SLOTS, 2, LANES), "weights").reshape(-1)
    cdef const uint8_t[::1] k = contiguous(known, np.uint8, (SLOTS,), "known")
    cdef const int32_t[:, ::1] r = contiguous(put, np.int32, (None, 2), "put")
    cdef const int32_t[::1] s = contiguous(wanted, np.int32, (None,), "wanted")
    noise = np.empty((n_outputs, len(wanted), n_freq), np.complex64)
    whole = np.empty((SLOTS, n_freq), np.complex64) if completed else None
    cdef float[:, :, ::1] n = noise.view(np.float32)
    cdef float[:, ::1] c
    cdef float *where = NULL
    if completed:
        c = whole.view(np.float32)
        where = &c[0, 0]
    cdef jc_irs2_filter_tables tables
    tables.n_lines, tables.n_outputs, tables.n_repeats = n_lines, n_outputs, n_repeats
    tables.turn, tables.passband, tables.weights = &t[0, 0, 0, 0], &b[0, 0, 0], &w[0]
    tables.known, tables.n_reference, tables.put = &k[0], r.shape[0], &r[0, 0]
    tables.n_wanted, tables.wanted = s.shape[0], &s[0]
    cdef int team = team_size(n_threads, work=SLOTS * n_freq)
    cdef jc_status status
    with nogil:
        status = jc_irs2_filter(&tables, &o[0, 0], &p[0, 0, 0], team, where, &n[0, 0, 0])
    check(status)
    return noise, whole
