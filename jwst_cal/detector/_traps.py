"""Charge traps: what full ones release into an exposure, and which ones it fills."""

import math
from typing import NamedTuple

import numpy as np

from jwst_cal.kernels.traps import traps

__all__ = ["Families", "Timing", "correct"]

#: Charge from traps is measured with half the gain of charge from photons.
_GAIN_FACTOR = 2.0
#: Below this many e-foldings the captured charge is a series: its terms cancel.
_SHORT = 0.01
#: Counts that a pixel whose limit is NaN never reaches, DN.
_NEVER = 1e7


class Families(NamedTuple):
    """
    Families of traps, one value each.

    Attributes
    ----------
    slow, instant : float64 [family]
        Traps that fill with an e-folding time, and at once, per trap of density.
    capture, decay : float64 [family], 1/s
        Rates at which slow traps fill and traps empty; the sign does not matter.
    """

    slow: np.ndarray
    capture: np.ndarray
    instant: np.ndarray
    decay: np.ndarray


class Timing(NamedTuple):
    """
    When an exposure was read.

    Attributes
    ----------
    group_time, frame_time : float, s
        From group to group; of one frame.
    resets_before, resets_between : int
        Frames of reset before the first integration, and before each later one.
    """

    group_time: float
    frame_time: float
    resets_before: int
    resets_between: int


def emptied(families, seconds):
    """
    Compute the fraction of the filled traps that empties.

    Parameters
    ----------
    families : Families
        Which traps.
    seconds : float, s
        How long.

    Returns
    -------
    float64 [family]
        Fractions.
    """
    times = [1 / abs(rate) if rate else math.inf for rate in families.decay.tolist()]
    return np.array([1 - math.exp(-seconds / time) for time in times])


def _captured(slow, rate, instant, seconds):
    """Traps that a ramp of unit slope fills per trap of density."""
    n = exact = np.zeros_like(seconds)
    if rate:
        time = 1 / rate
        n = seconds / time  # e-foldings
        exact = (seconds**2 * (slow + instant) / 2
                 + slow * (seconds * time + time**2) * np.exp(-n) - slow * time**2)
    series = n / 3 - n**2 / 8 + n**3 / 30 - n**4 / 144
    short = seconds**2 * (instant / 2 + slow * series)
    return np.where(n < _SHORT, short, exact)


def _tables(families, timing, n_groups):
    """Tables of the kernel: all that depends on times, not on pixels."""
    groups = np.arange(n_groups + 1)
    above = groups * timing.group_time
    ramp, soak, hit = [], [], []
    for resets in (timing.resets_before, timing.resets_between):
        below = n_groups * timing.group_time + resets * timing.frame_time - above
        ramp.append([_captured(slow, abs(rate), instant, below)
                     for slow, rate, instant, _ in zip(*families, strict=True)])
    for slow, rate, instant, _ in zip(*families, strict=True):
        soak.append(1 - np.exp(-abs(rate) * above))
        left = [(n_groups - g - 0.5) * timing.group_time for g in range(n_groups)]
        hit.append([slow * (1 - math.exp(-abs(rate) * seconds)) + instant for seconds in left])
    between = emptied(families, timing.resets_between * timing.frame_time)
    return {
        "decay": emptied(families, timing.group_time).astype(np.float32),
        "between": between.astype(np.float32),
        "slow": families.slow, "instant": families.instant,
        "ramp": _GAIN_FACTOR * np.array(ramp), "soak": np.array(soak),
        "hit": _GAIN_FACTOR * np.array(hit),
    }


def correct(data, groupdq, pixeldq, filled, *, window, families, timing, density, full, unusable,
            cutoff, saturated, jump, persistence_flag, released=None):
    """
    Take off what full traps release, and fill traps, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts, changed in place.
    groupdq : uint8 [integration, group, row, col]
        Flags, with saturated groups and, if known, jumps.
    pixeldq : uint32 [row, col]
        Flags, changed in place.
    filled : float32 [family, detector row, detector col], DN
        Filled traps at the start of the exposure; in place, at its end.
    window : (slice or int [row], slice or int [col])
        Rows and columns of the detector that the exposure holds.
    families : Families
        The traps' rates.
    timing : Timing
        The exposure's times.
    density : float32 [row, col]
        Traps of each pixel; NaN is none.
    full : float32 [row, col], DN
        Counts at which all traps are in reach. With NaN they never are; with 0 and less no trap
        is filled.
    unusable : (bool [row, col], bool [row, col])
        Pixels whose `density`, and whose `full`, is not to be used.
    cutoff : float, DN
        Persistence from which on a pixel is flagged.
    saturated, jump, persistence_flag : int
        Bits of `groupdq`, and the one set in `pixeldq`.
    released : float32 [integration, group, row, col], optional
        Receives what was taken off.

    Returns
    -------
    int
        Pixels flagged.

    Raises
    ------
    ValueError
        If a shape does not match.

    Notes
    -----
    Source: jwst 1.18.1, after M. Regan.
    Pixels outside of the window only empty, all at once, where jwst goes group by group.
    """
    n_ints, n_groups = data.shape[:2]
    density = np.where(np.isnan(density) | unusable[0], np.float32(0), density)
    full = np.where(np.isnan(full), np.float32(_NEVER), full)
    full = np.where(unusable[1] | ~(full > 0), np.float32(np.nan), full)
    part = np.ascontiguousarray(filled[:, *window])
    flagged = traps(
        data, groupdq, pixeldq, part, density=density, full=full, group_time=timing.group_time,
        cutoff=cutoff, saturated=saturated, jump=jump, flag=persistence_flag,
        persistence=released, **_tables(families, timing, n_groups),
    )
    if part.shape != filled.shape:
        seconds = (n_ints * n_groups * timing.group_time
                   + (n_ints - 1) * timing.resets_between * timing.frame_time)
        filled *= (1 - emptied(families, seconds)).astype(np.float32)[:, None, None]
    filled[:, *window] = part
    return flagged
