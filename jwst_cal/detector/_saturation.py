"""Saturation: the groups in which a pixel has reached its full well, and the converter's range."""

from typing import NamedTuple

from jwst_cal.kernels.saturation import saturation

__all__ = ["SaturationCount", "flag"]

#: Counts that the 16-bit converter cannot exceed; the limit of pixels that are not checked.
UNREACHABLE = 65536.0


class SaturationCount(NamedTuple):
    """Ramps (pixels times integrations) flagged in any group."""

    saturated: int
    low: int


def flag(data, groupdq, pixeldq, *, limit, limit_dq, no_check, saturated, low, do_not_use,
         n_pix_grow_sat=1, frames_per_group=None, superbias=None, rows=None, zeroframe=None,
         n_threads=None):
    """
    Flag the groups that are saturated or at the floor of the converter, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Raw counts.
    groupdq : uint8 [integration, group, row, col]
        Flags, changed in place.
    pixeldq : uint32 [row, col]
        Changed in place: the flags of the limit are added.
    limit : float32 [image row, col], DN
        Counts at full well. A pixel with NaN is not checked.
    limit_dq : uint32 [image row, col]
        Flags of the limit.
    no_check : int
        Bit of `limit_dq` for pixels that are not checked.
    saturated, low, do_not_use : int
        Bits of `groupdq`: of saturated groups; all those of counts of 0 and less; of groups
        that probably saturate between two of their reads.
    n_pix_grow_sat : int
        Neighbours so many rows and columns away are flagged too; 0 and less for none.
    frames_per_group : int, optional
        Reads averaged into a group. With it, groups that saturate between two reads are sought.
    superbias : float32 [image row, col], DN, optional
        Used by that search.
    rows : int32 [image row], optional
        Row of the data that holds each row of the image, for NIRSpec IRS2.
    zeroframe : float32 [integration, row, col], DN, optional
        First reads, changed in place: saturated ones and those at the floor become 0.
    n_threads : int, optional
        Threads.

    Returns
    -------
    SaturationCount
        saturated, low : int

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong dtype or shape, or a group fewer than one read.

    Notes
    -----
    Source: csrc/saturation.h.
    Differs from jwst 3.0.0: nothing. Like there, reads dropped between groups do not count in
    the time of a read.
    """
    return SaturationCount(*saturation(
        data, groupdq, pixeldq, limit, limit_dq,
        rings=max(n_pix_grow_sat, 0), no_check=no_check, unchecked_limit=UNREACHABLE,
        saturated=saturated, low=low, do_not_use=do_not_use, reads_per_group=frames_per_group,
        bias=superbias, rows=rows, second_only=rows is not None, zeroframe=zeroframe,
        n_threads=n_threads,
    ))
