"""How close a result comes to the truth of a simulated exposure."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from jwst_cal import flags
from jwst_cal.errors import InputError

__all__ = ["JumpCheck", "RateCheck", "check_jumps", "check_rate"]


class RateCheck(NamedTuple):
    """
    Rates beside the truth, over clean pixels: good, unsaturated, not hit by a particle.

    Attributes
    ----------
    n_pixels : int
        Clean pixels.
    n_nan : int
        Pixels of the whole image without a rate.
    true_median : float
        Median of the true rates, DN/s.
    bias : float
        Median of rate minus truth, DN/s.
    pull_median, pull_sigma : float
        Of (rate minus truth) / error: median, and standard deviation from the median absolute
        deviation. A perfect result has 0 and 1.
    outliers : float
        Fraction with a pull beyond 5.
    hit_bias, hit_pull_sigma : float
        The same for pixels hit by a particle, NaN where there are too few.
    """

    n_pixels: int
    n_nan: int
    true_median: float
    bias: float
    pull_median: float
    pull_sigma: float
    outliers: float
    hit_bias: float
    hit_pull_sigma: float


class JumpCheck(NamedTuple):
    """
    Jump flags beside the truth, over differences of usable groups of good pixels.

    Attributes
    ----------
    bright, faint : int
        True jumps beyond 10 sigma, and of 5 to 10 sigma, of the difference's noise.
    bright_found, faint_found : float
        Fraction of them that is flagged.
    false : float
        Fraction flagged of the differences of pixels that no particle came near.
    saturated : int
        Good pixels and integrations that truly saturate.
    saturated_found : float
        Fraction of them that is flagged.
    """

    bright: int
    bright_found: float
    faint: int
    faint_found: float
    false: float
    saturated: int
    saturated_found: float


def _spread(values):
    """Median, and standard deviation from the median absolute deviation."""
    if not values.size:
        return np.nan, np.nan
    median = np.median(values)
    return float(median), float(1.4826 * np.median(np.abs(values - median)))


def _same_shape(what, shape, truth):
    if tuple(shape) != truth.rate.shape:
        raise InputError(f"{what}: shape {tuple(shape)} where the truth has {truth.rate.shape}")


def check_rate(rate, err, dq, truth):
    """
    Compare count rates with the truth.

    Parameters
    ----------
    rate, err : float32 [row, col], DN/s
        Result of the fit and its error.
    dq : uint32 [row, col]
        Its flags.
    truth : Truth
        The truth of the exposure.

    Returns
    -------
    RateCheck
        Bias, pulls and counts.

    Raises
    ------
    InputError
        If the shapes do not match.
    """
    _same_shape("rate", rate.shape, truth)
    unusable = flags.pixel["DO_NOT_USE"]
    good = (truth.bad_pixels == 0) & ~truth.flawed & (dq & unusable == 0)
    good &= np.isfinite(rate) & (err > 0) & (truth.saturated_group == 255).all(axis=0)
    hit = np.zeros(rate.shape, bool)
    hit[truth.jumps["row"], truth.jumps["col"]] = True

    factor = truth.gain_factor or 1.0
    difference = (rate - factor * truth.rate).astype(np.float64)
    clean = good & ~hit
    bias, _ = _spread(difference[clean])
    pull = difference[clean] / err[clean]
    pull_median, pull_sigma = _spread(pull)
    touched = good & hit
    hit_bias, _ = _spread(difference[touched])
    _, hit_sigma = _spread(difference[touched] / err[touched])
    return RateCheck(
        int(clean.sum()), int(np.isnan(rate).sum()), _spread(factor * truth.rate[clean])[0], bias,
        pull_median, pull_sigma, float(np.mean(np.abs(pull) > 5)) if pull.size else np.nan,
        hit_bias, hit_sigma,
    )


def check_jumps(groupdq, truth):
    """
    Compare jump and saturation flags with the truth.

    Parameters
    ----------
    groupdq : uint8 [integration, group, row, col]
        Flags after the jump step.
    truth : Truth
        The truth of the exposure.

    Returns
    -------
    JumpCheck
        Fractions found, and false ones.

    Raises
    ------
    InputError
        If the shapes do not match.
    """
    _same_shape("groupdq", groupdq.shape[2:], truth)
    good = (truth.bad_pixels == 0) & ~truth.flawed
    unusable = flags.group["DO_NOT_USE"] | flags.group["SATURATED"]
    jump = flags.group["JUMP_DET"]

    where, height = _differences(truth, groupdq.shape)
    integration, group, row, col = where
    usable = good[row, col] & (groupdq[integration, group, row, col] & unusable == 0)
    usable &= groupdq[integration, group - 1, row, col] & unusable == 0
    signal = np.maximum(truth.rate + truth.dark_rate, 0)[row, col] * truth.group_time
    noise = np.sqrt(truth.cds_noise[row, col] ** 2 / truth.n_frames
                    + signal / truth.gain[row, col])
    sigma = height / noise
    found = groupdq[integration, group, row, col] & jump > 0
    bright, faint = usable & (sigma >= 10), usable & (sigma >= 5) & (sigma < 10)

    far = good.copy()  # no particle here or next to here
    for down, right in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        far[np.clip(truth.jumps["row"] + down, 0, far.shape[0] - 1),
            np.clip(truth.jumps["col"] + right, 0, far.shape[1] - 1)] = False
    n_false = n_free = 0
    for flagged in groupdq:
        for before, this in itertools.pairwise(flagged):
            free = far & ((before | this) & unusable == 0)
            n_free += int(free.sum())
            n_false += int((free & (this & jump > 0)).sum())

    full = (truth.saturated_group < 255) & good
    seen = (groupdq & flags.group["SATURATED"]).any(axis=1)
    return JumpCheck(
        int(bright.sum()), _fraction(found, bright), int(faint.sum()), _fraction(found, faint),
        n_false / n_free if n_free else np.nan, int(full.sum()), _fraction(seen, full),
    )


def _fraction(flags, of):
    return float(flags[of].mean()) if of.any() else np.nan


def _differences(truth, shape):
    """Where particles raise the difference to the group before, and by how many DN."""
    jumps = truth.jumps
    keys, heights = [], []
    for late, share in ((0, jumps["share"]), (1, 1 - jumps["share"])):
        group = jumps["group"].astype(np.int64) + late
        counts = (group >= 1) & (group < shape[1])
        keys.append(np.ravel_multi_index(
            (jumps["integration"][counts], group[counts], jumps["row"][counts],
             jumps["col"][counts]), shape))
        heights.append((jumps["dn"] * share)[counts])
    places, inverse = np.unique(np.concatenate(keys), return_inverse=True)
    total = np.bincount(inverse, np.concatenate(heights), len(places))
    return np.unravel_index(places, shape), total
