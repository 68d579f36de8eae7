"""Subtraction of a dark, averaged into groups; the manual is csrc/dark.h."""

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.kernels._arrays import contiguous, in_place

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t

from jwst_cal.kernels._glue cimport check, jc_status, team_of

__all__ = ["subtract_dark"]


cdef extern from "dark.h" nogil:
    ctypedef struct jc_dark:
        int n_ints, n_groups, n_rows, n_cols
        int n_dark_ints, n_frames
        const unsigned char *frames
        ptrdiff_t integration_step, frame_step, row_step
        int swapped
        int frames_per_group, group_step
        int extrapolate
        const int32_t *which
        int group_from, group_to
        int row_from, row_to
    jc_status jc_subtract_dark(const jc_dark *dark, int n_threads, float *data, float *averaged)


cdef _frames(frames, shape):
    """The dark as it lies in memory, unless its columns are not contiguous float32."""
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[2:] != shape or frames.size == 0:
        raise ValueError(f"frames: shape {frames.shape} where (any, any, {shape[0]}, {shape[1]}) "
                         "is needed")
    if frames.dtype.newbyteorder("=") != np.dtype(np.float32):
        raise TypeError(f"frames: dtype {frames.dtype} where float32 is needed")
    if frames.strides[3] != 4 or frames.ctypes.data % 4 or any(n % 4 for n in frames.strides):
        frames = np.ascontiguousarray(frames, np.float32)
    return frames


def _part(part, n, name):
    begin, end = (0, n) if part is None else part
    if not 0 <= begin <= end <= n:
        raise ValueError(f"{name}: {begin} to {end} where 0 to {n} is needed")
    return begin, end


def subtract_dark(data, frames, *, int frames_per_group=1, int group_step=1,
                  bint extrapolate=False, which=None, groups=None, rows=None, averaged=None,
                  n_threads=None):
    """
    Average the frames of a dark into groups and subtract them, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Changed in place.
    frames : float32 [integration, frame, row, col], DN
        The dark; either byte order and any strides, so that a mapped file is read where it is
        needed. NaN counts as 0.
    frames_per_group : int
        Frames averaged into a group.
    group_step : int
        Frames from the start of one group to the start of the next.
    extrapolate : bool
        Continue a dark that is too short in a straight line from its last two frames.
    which : int [integration], optional
        Integration of the dark that each integration of `data` takes; the first by default.
    groups, rows : (int, int), optional
        First group or row and the one after the last to work on; all by default.
    averaged : float32 [dark integration, group, row, col], DN, optional
        Gets the averaged dark.
    n_threads : int, optional
        Threads; see `jwst_cal.kernels.threads`.

    Raises
    ------
    TypeError
        If an array has the wrong dtype.
    ValueError
        If shapes do not match, `which`, `groups` or `rows` point outside, or the dark is too
        short.
    """
    in_place(data, np.float32, (None, None, None, None), "data")
    n_ints, n_groups, n_rows, n_cols = data.shape
    frames = _frames(frames, (n_rows, n_cols))
    which = np.zeros(n_ints, np.int32) if which is None else which
    which = contiguous(which, np.int32, (n_ints,), "which")
    if which.min() < 0 or which.max() >= len(frames):
        raise ValueError(f"which: {which.min()} to {which.max()} where 0 to {len(frames) - 1} "
                         "is needed")
    group_from, group_to = _part(groups, n_groups, "groups")
    row_from, row_to = _part(rows, n_rows, "rows")
    needed = (n_groups - 1) * group_step + frames_per_group
    if not extrapolate and needed > frames.shape[1]:
        raise ValueError(f"frames: {frames.shape[1]} frames where {needed} are needed")

    cdef float[:, :, :, ::1] d = data
    cdef const unsigned char[:, :, :, :] f = frames.view(np.uint8)
    cdef const int32_t[::1] w = which
    cdef float[:, :, :, ::1] a
    cdef float *out = NULL
    cdef jc_dark dark
    cdef int team = team_of(
        n_threads, n_ints * (group_to - group_from) * (row_to - row_from) * n_cols)
    cdef jc_status status
    if averaged is not None:
        a = in_place(averaged, np.float32, (len(frames), n_groups, n_rows, n_cols), "averaged")
        out = &a[0, 0, 0, 0]
    folded = 1
    if frames.strides[2] == n_cols * frames.itemsize:
        folded = memory.long_rows(n_rows, n_cols, row_from, row_to)
    dark.n_ints, dark.n_groups = n_ints, n_groups
    dark.n_rows, dark.n_cols = n_rows // folded, n_cols * folded
    dark.n_dark_ints, dark.n_frames = frames.shape[:2]
    dark.frames = &f[0, 0, 0, 0]
    dark.integration_step, dark.frame_step = frames.strides[:2]
    dark.row_step = folded * frames.strides[2]
    dark.swapped = not frames.dtype.isnative
    dark.frames_per_group, dark.group_step = frames_per_group, group_step
    dark.extrapolate = extrapolate
    dark.which = &w[0]
    dark.group_from, dark.group_to = group_from, group_to
    dark.row_from, dark.row_to = row_from // folded, row_to // folded
    with nogil:
        status = jc_subtract_dark(&dark, team, &d[0, 0, 0, 0], out)
    check(status)
