"""The dark of a detector, regrouped as the exposure is and subtracted."""

import math
from typing import NamedTuple

import numpy as np

from jwst_cal.kernels.dark import subtract_dark

__all__ = ["ReadPattern", "choose_integrations", "groups_to_add", "subtract"]

#: Bytes of the dark between two calls of `release`: at least those of a group in BAND rows.
AT_ONCE, BAND = 1 << 25, 256


class ReadPattern(NamedTuple):
    """How frames make groups."""

    n_groups: int
    frames_per_group: int
    group_gap: int

    @property
    def group_step(self):
        """Frames from the start of one group to the start of the next."""
        return self.frames_per_group + self.group_gap

    @property
    def n_frames(self):
        """Frames from the first of the first group to the last of the last one."""
        return self.n_groups * self.group_step - self.group_gap


def groups_to_add(exposure, dark):
    """
    Count the groups by which a dark is too short for an exposure.

    Parameters
    ----------
    exposure, dark : ReadPattern
        Their groups.

    Returns
    -------
    int
        0 when the dark is long enough.
    """
    missing = exposure.n_frames - dark.n_frames
    return 0 if missing <= 0 else math.ceil((missing + dark.group_gap) / dark.group_step)


def choose_integrations(n_ints, n_dark_ints, first):
    """
    Choose the integration of the dark for each integration of an exposure.

    Parameters
    ----------
    n_ints, n_dark_ints : int
        Integrations of the exposure and of the dark.
    first : int
        Number of the exposure's first integration, from 1; greater in later segments.

    Returns
    -------
    int32 [integration]
        The same number while the dark has it and the exposure begins with its first integration;
        otherwise the dark's last.
    """
    if first != 1:
        return np.full(n_ints, n_dark_ints - 1, np.int32)
    return np.minimum(np.arange(n_ints), n_dark_ints - 1).astype(np.int32)


def subtract(data, frames, *, exposure, dark, first_integration=1, averaged=False, release=None,
             n_threads=None):
    """
    Subtract a dark from an exposure, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Changed in place.
    frames : float32 [integration, group, row, col] or [group, row, col], DN
        The dark's groups. Only those needed are read, some groups or a band of rows at a time.
    exposure, dark : ReadPattern
        Their groups. The dark's are single frames, or grouped as the exposure's.
    first_integration : int
        Number of the exposure's first integration.
    averaged : bool
        Return the averaged dark.
    release : callable, optional
        Called in between: lets go of the memory of a mapped file.
    n_threads : int, optional
        Threads.

    Returns
    -------
    float32 [integration, group, row, col] or None
        The dark as it was subtracted, if `averaged`.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong dtype or shape, or the dark is neither of single frames nor
        grouped as the exposure.

    Notes
    -----
    NaN in the dark counts as 0. A dark that is too short continues its last two groups in
    a straight line, with their noise.
    Differs from jwst 3.0.0: see `dark_current.DarkCurrentStep`.
    """
    if frames.ndim == 3:
        frames = frames[np.newaxis]
    same = dark[1:] == exposure[1:]
    if not same and dark[1:] != (1, 0):
        raise ValueError(f"dark: groups of {dark.frames_per_group} frames and gaps of "
                         f"{dark.group_gap} cannot be regrouped")
    out = None
    if averaged:
        out = np.empty((len(frames), *data.shape[1:]), np.float32)
    frames_per_group = 1 if same else exposure.frames_per_group
    for groups, rows in _parts(data.shape, len(frames) * frames_per_group * frames.itemsize):
        subtract_dark(
            data, frames, frames_per_group=frames_per_group,
            group_step=1 if same else exposure.group_step,
            extrapolate=groups_to_add(exposure, dark) > 0,
            which=choose_integrations(len(data), len(frames), first_integration),
            groups=groups, rows=rows, averaged=out, n_threads=n_threads,
        )
        if release is not None:
            release()
    return out


def _parts(shape, n_bytes):
    """Groups and rows to subtract at once, where each pixel of a group takes some bytes."""
    _, n_groups, n_rows, n_cols = shape
    at_once = max(AT_ONCE // (n_bytes * n_cols), 1)  # rows, of any group
    n = max(at_once // n_rows, 1)
    band = n_rows if at_once >= n_rows else max(at_once // BAND, 1) * BAND
    for group in range(0, n_groups, n):
        for row in range(0, n_rows, band):
            yield (group, min(group + n, n_groups)), (row, min(row + band, n_rows))
