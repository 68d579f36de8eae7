"""Cosmic-ray jumps by the two-point difference method: csrc/jump.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, either_order, in_place

from jwst_cal.kernels._glue cimport check, int64_t, jc_status, team_of, uint8_t, uint32_t


cdef extern from "jump.h" nogil:
    ctypedef enum jc_jump_method:
        JC_JUMP_CLIP
        JC_JUMP_SINGLE_PASS
        JC_JUMP_SIGMA_INTS
        JC_JUMP_SIGMA_ALL
    ctypedef struct jc_jump_ramp:
        int n_integrations, n_groups, n_rows, n_cols
        const float *data
        const void *gain
        const void *read_noise
        double n_frames
        int gain_swapped, noise_swapped
    ctypedef struct jc_jump_rule:
        jc_jump_method method
        double threshold, threshold_three, threshold_two
        int flag_neighbors
        double min_neighbor, max_neighbor
        double after_electrons[2]
        int after_groups[2]
        uint8_t jump, unusable, do_not_use
    jc_status jc_jump(const jc_jump_ramp *ramp, const jc_jump_rule *rule, int n_threads,
                      uint8_t *groupdq, int64_t *n_found)
    jc_status jc_jump_median(const jc_jump_ramp *ramp, const uint8_t *groupdq, uint8_t unusable,
                             uint8_t lone, int n_threads, float *median)
    jc_status jc_jump_typical(const float *values, int64_t n, float *median)
    jc_status jc_jump_dead_planes(const uint8_t *groupdq, int n_planes, int64_t n_pixels,
                                  uint8_t bits, uint8_t *dead)


__all__ = ["METHODS", "dead_groups", "jump", "median_difference", "typical"]

METHODS = {
    "clip": JC_JUMP_CLIP,
    "single_pass": JC_JUMP_SINGLE_PASS,
    "sigma_ints": JC_JUMP_SIGMA_INTS,
    "sigma_all": JC_JUMP_SIGMA_ALL,
}


def jump(data, groupdq, *, gain, read_noise, double n_frames, method, double threshold,
         double threshold_three, double threshold_two, bint flag_neighbors, double min_neighbor,
         double max_neighbor, after_electrons, after_groups, uint8_t jump, uint8_t unusable,
         uint8_t do_not_use, n_threads=None):
    """
    Flag the jumps of one exposure in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Corrected ramps.
    groupdq : uint8 [integration, group, row, col]
        Flags, changed in place.
    gain : float32 [row, col], e-/DN, either byte order
    read_noise : float32 [row, col], DN, either byte order
        Of the difference of two reads.
    n_frames : float
        Reads averaged in a group.
    method : {"clip", "single_pass", "sigma_ints", "sigma_all"}
        How outliers are told from the median; see the header.
    threshold, threshold_three, threshold_two : float, sigma
        For four or more, three and two usable differences.
    flag_neighbors : bool
    min_neighbor, max_neighbor : float, sigma
        Jumps strictly between these flag their four neighbours.
    after_electrons : (float, float), electrons
    after_groups : (int, int)
        Jumps of this size and more flag so many further groups.
    jump, unusable, do_not_use : int
        Bits: set on a jump; of unusable samples; of samples lost to sigma clipping.
    n_threads : int, optional

    Returns
    -------
    int
        Samples with the jump bit before neighbours and further groups are added.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If a shape differs, the method is unknown, or a number is out of range.
    MemoryError
        If scratch memory cannot be had.
    """
    if method not in METHODS:
        raise ValueError(f"method: {method!r} where one of {', '.join(METHODS)} is needed")
    cdef const float[:, :, :, ::1] d = contiguous(data, np.float32, (None,) * 4, "data")
    shape = np.shape(data)
    cdef uint8_t[:, :, :, ::1] q = in_place(groupdq, np.uint8, shape, "groupdq")
    gain, gain_swapped = either_order(gain, shape[2:], "gain")
    read_noise, noise_swapped = either_order(read_noise, shape[2:], "read_noise")
    cdef const uint32_t[:, ::1] g = gain, n = read_noise
    cdef jc_jump_ramp ramp
    cdef jc_jump_rule rule
    cdef int64_t found = 0
    cdef int team = team_of(n_threads, d.size)
    cdef jc_status status
    ramp.n_integrations, ramp.n_groups, ramp.n_rows, ramp.n_cols = shape
    ramp.data, ramp.gain, ramp.read_noise = &d[0, 0, 0, 0], &g[0, 0], &n[0, 0]
    ramp.gain_swapped, ramp.noise_swapped = gain_swapped, noise_swapped
    ramp.n_frames = n_frames
    rule.method = METHODS[method]
    rule.threshold, rule.threshold_three = threshold, threshold_three
    rule.threshold_two = threshold_two
    rule.flag_neighbors = flag_neighbors
    rule.min_neighbor, rule.max_neighbor = min_neighbor, max_neighbor
    rule.after_electrons[0], rule.after_electrons[1] = after_electrons
    rule.after_groups[0], rule.after_groups[1] = [min(max(k, 0), shape[1]) for k in after_groups]
    rule.jump, rule.unusable, rule.do_not_use = jump, unusable, do_not_use
    with nogil:
        status = jc_jump(&ramp, &rule, team, &q[0, 0, 0, 0], &found)
    check(status)
    return found


def median_difference(data, groupdq, *, gain, uint8_t unusable, uint8_t lone=0, n_threads=None):
    """
    Take the median of the usable group differences of each pixel.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
    groupdq : uint8 [integration, group, row, col]
    gain : float32 [row, col], e-/DN, either byte order
    unusable : int
        Bits of samples that make no difference.
    lone : int
        Samples with exactly these flags make none either; 0 for no such rule.
    n_threads : int, optional

    Returns
    -------
    float32 [row, col], electrons
        NaN where there is no difference.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If shapes differ or there is one group only.
    MemoryError
        If scratch memory cannot be had.
    """
    cdef const float[:, :, :, ::1] d = contiguous(data, np.float32, (None,) * 4, "data")
    shape = np.shape(data)
    cdef const uint8_t[:, :, :, ::1] q = contiguous(groupdq, np.uint8, shape, "groupdq")
    gain, gain_swapped = either_order(gain, shape[2:], "gain")
    cdef const uint32_t[:, ::1] g = gain
    cdef float[:, ::1] median = np.empty(shape[2:], np.float32)
    cdef jc_jump_ramp ramp
    cdef int team = team_of(n_threads, d.size)
    cdef jc_status status
    ramp.n_integrations, ramp.n_groups, ramp.n_rows, ramp.n_cols = shape
    ramp.data, ramp.gain, ramp.read_noise = &d[0, 0, 0, 0], &g[0, 0], &g[0, 0]
    ramp.gain_swapped = ramp.noise_swapped = gain_swapped
    ramp.n_frames = 1
    with nogil:
        status = jc_jump_median(&ramp, &q[0, 0, 0, 0], unusable, lone, team, &median[0, 0])
    check(status)
    return np.asarray(median)


def typical(values):
    """
    Take the median of the numbers that are not NaN.

    Parameters
    ----------
    values : float32 [any]

    Returns
    -------
    float32
        NaN when there are none.

    Raises
    ------
    TypeError
        If the array has another dtype.
    ValueError
        If it is empty.
    MemoryError
        If scratch memory cannot be had.
    """
    flat = contiguous(values, np.float32, None, "values").reshape(-1)
    cdef const float[::1] v = contiguous(flat, np.float32, (None,), "values")
    cdef int64_t n = v.shape[0]
    cdef float median = 0
    cdef jc_status status
    with nogil:
        status = jc_jump_typical(&v[0], n, &median)
    check(status)
    return np.float32(median)


def dead_groups(groupdq, *, uint8_t bits):
    """
    Tell the groups in which every pixel carries one of the bits.

    Parameters
    ----------
    groupdq : uint8 [integration, group, row, col]
    bits : int

    Returns
    -------
    bool [integration, group]

    Raises
    ------
    TypeError
        If groupdq is not uint8.
    ValueError
        If it is empty or has not four axes.
    """
    cdef const uint8_t[:, :, :, ::1] q = contiguous(groupdq, np.uint8, (None,) * 4, "groupdq")
    cdef uint8_t[::1] dead = np.empty(q.shape[0] * q.shape[1], np.uint8)
    cdef int64_t n_pixels = q.shape[2] * q.shape[3]
    cdef int n_planes = dead.shape[0]
    cdef jc_status status
    with nogil:
        status = jc_jump_dead_planes(&q[0, 0, 0, 0], n_planes, n_pixels, bits, &dead[0])
    check(status)
    return np.asarray(dead).reshape(q.shape[0], q.shape[1]).astype(bool)
