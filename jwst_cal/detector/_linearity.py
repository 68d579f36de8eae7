"""Linear counts from measured ones: the polynomial of each pixel, by group or by read."""

import numpy as np

from jwst_cal.kernels.linearity import linearity

__all__ = ["linearise", "read_positions"]


def read_positions(n_groups, *, frames_per_group, group_gap):
    """
    Number the reads of a ramp by group.

    Parameters
    ----------
    n_groups : int
        Groups in an integration.
    frames_per_group : int
        Reads averaged into a group.
    group_gap : int
        Reads dropped between two groups.

    Returns
    -------
    float64 [group, read]
        Position of each read in the ramp; the first is 1.
    """
    first = 1.0 + np.arange(n_groups) * (frames_per_group + group_gap)
    return first[:, np.newaxis] + np.arange(frames_per_group)


def linearise(data, groupdq, pixeldq, *, coeffs, dq, saturated, no_correction, inverse=None,
              frames_per_group=1, group_gap=0, zeroframe=None, n_threads=None):
    """
    Linearise the counts of an exposure, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Changed in place.
    groupdq : uint8 [integration, group, row, col]
        Flags; groups with `saturated` keep their counts.
    pixeldq : uint32 [row, col]
        Changed in place: the reference's flags and `no_correction` are added.
    coeffs : float32 [term, row, col]
        Linear counts as a polynomial of measured ones.
    dq : uint32 [row, col]
        Flags of the reference.
    saturated, no_correction : int
        Bit of `groupdq`; bit of `dq` and `pixeldq`.
    inverse : float32 [term, row, col], optional
        Measured counts as a polynomial of linear ones. With it, groups that average several
        reads are corrected read by read.
    frames_per_group, group_gap : int
        Reads averaged into a group, and dropped after it.
    zeroframe : float32 [integration, row, col], DN, optional
        First reads, changed in place; 0 marks a missing value.
    n_threads : int, optional
        Threads.

    Returns
    -------
    bool
        Whether the correction was made read by read.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong dtype or shape.

    Notes
    -----
    Source: csrc/linearity.h.
    Differs from jwst 3.0.0: the reads dropped between groups count in the position of a read;
    there they do not, which makes the ramp within a group too steep by
    (frames_per_group + group_gap) / frames_per_group. A single group of several reads is
    corrected as a whole; there it ends in an IndexError.
    """
    n_groups = data.shape[1]
    reads = None
    if inverse is not None and frames_per_group > 1 and n_groups > 1:
        reads = read_positions(n_groups, frames_per_group=frames_per_group, group_gap=group_gap)
    linearity(
        data, groupdq, pixeldq, coeffs, dq,
        saturated=saturated, no_correction=no_correction,
        inverse=None if reads is None else inverse, reads=reads,
        zeroframe=zeroframe, n_threads=n_threads,
    )
    return reads is not None
