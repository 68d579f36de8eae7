"""Ramps whose truth is known, of many pixels alike, and what the fits and jump searches say."""

from typing import NamedTuple

import numpy as np

from jwst_cal import flags
from jwst_cal.detector import _likelihood, _slopes, _two_point

__all__ = ["GAIN", "METHODS", "Ramp", "calibration", "fit", "fit_without_jumps", "flagged",
           "has_jump", "pulls", "simulate"]

#: e-/DN
GAIN = 2.0
METHODS = ("OLS", "LIKELY")
_COLUMNS = 400
_JUMP = flags.group["JUMP_DET"]
_FLAGS = _slopes.Flags(**{name.lower(): flags.pixel[bit] for name, bit in {
    "do_not_use": "DO_NOT_USE", "saturated": "SATURATED", "jump": "JUMP_DET",
    "persistence": "PERSISTENCE", "charge_loss": "CHARGELOSS", "no_gain": "NO_GAIN_VALUE",
}.items()})


class Ramp(NamedTuple):
    """
    What a pixel sees, and how it is read.

    Attributes
    ----------
    n_groups : int
    rate : float, e-/s
    noise : float, e-
        Of a single read.
    n_frames, group_gap : int
        Frames averaged in a group, and dropped between groups.
    frame_time : float, s
    """

    n_groups: int
    rate: float
    noise: float
    n_frames: int = 1
    group_gap: int = 0
    frame_time: float = 10.0

    @property
    def group_time(self):
        """From group to group, s."""
        return self.frame_time * (self.n_frames + self.group_gap)


def simulate(ramp, n_ramps, rng, jump=None):
    """
    Read many pixels alike.

    Parameters
    ----------
    ramp : Ramp
        Of what kind.
    n_ramps : int
        How many; a multiple of 400.
    rng : numpy.random.Generator
        Source of the noise.
    jump : float, e-, optional
        Charge that a particle leaves between two frames, any of them alike.

    Returns
    -------
    float32 [1, group, row, col], DN
        Counts.
    """
    n = ramp.n_frames + ramp.group_gap
    last = n * (ramp.n_groups - 1) + ramp.n_frames
    charge = np.zeros(n_ramps)
    data = np.zeros((ramp.n_groups, n_ramps))
    struck = rng.integers(1, last, n_ramps) if jump else None
    for frame in range(last):
        charge += rng.poisson(ramp.rate * ramp.frame_time, n_ramps)
        if jump:
            charge[struck == frame] += jump
        group, within = divmod(frame, n)
        if within < ramp.n_frames:
            data[group] += charge + rng.normal(0, ramp.noise, n_ramps)
    data /= ramp.n_frames * GAIN
    return data.astype(np.float32).reshape(1, ramp.n_groups, -1, _COLUMNS)


def calibration(ramp, data):
    """Return flags and references of such an exposure, by the names of the fits' arguments."""
    image = data.shape[2:]
    return {
        "groupdq": np.zeros(data.shape, np.uint8), "pixeldq": np.zeros(image, np.uint32),
        "gain": np.full(image, GAIN, np.float32),
        "read_noise": np.full(image, np.sqrt(2) * ramp.noise / GAIN, np.float32),
    }


def fit(ramp, data, method, groupdq=None):
    """
    Fit rates.

    Parameters
    ----------
    ramp : Ramp
        Of what kind the ramps are.
    data : float32 [integration, group, row, col], DN
        Counts.
    method : {"OLS", "LIKELY"}
        Which fit.
    groupdq : uint8 [integration, group, row, col], optional
        Flags; none by default.

    Returns
    -------
    SlopeFit or LikelihoodFit
        Rates.
    """
    arrays = calibration(ramp, data)
    if groupdq is not None:
        arrays["groupdq"] = groupdq
    if method == "LIKELY":
        times = _likelihood.read_times(ramp.n_groups, ramp.n_frames, ramp.group_gap,
                                       ramp.frame_time)
        return _likelihood.fit_likelihood(data, **arrays, flags=_FLAGS, times=times)
    return _slopes.fit_slopes(data, **arrays, flags=_FLAGS, group_time=ramp.group_time,
                              frame_time=ramp.frame_time, n_frames=ramp.n_frames,
                              group_gap=ramp.group_gap)


def pulls(ramp, slope, error):
    """Return the differences to the true rate in units of the error."""
    return (slope.astype(float) - ramp.rate / GAIN) / error


def flagged(ramp, data):
    """Return the flags of the jumps that two-point differences find, as the jump step looks."""
    arrays = calibration(ramp, data)
    _two_point.flag(data, arrays["groupdq"], gain=arrays["gain"], read_noise=arrays["read_noise"],
                    n_frames=ramp.n_frames, group_time=ramp.group_time, jump=_JUMP,
                    saturated=flags.group["SATURATED"], do_not_use=flags.group["DO_NOT_USE"],
                    flag_4_neighbors=False)
    return arrays["groupdq"]


def has_jump(ramp, data, method):
    """
    Tell which ramps have a jump.

    Parameters
    ----------
    ramp : Ramp
        Of what kind the ramps are.
    data : float32 [1, group, row, col], DN
        Counts.
    method : {"OLS", "LIKELY"}
        The two-point differences of the jump step, which precede OLS, or the search by
        likelihood.

    Returns
    -------
    bool [row, col]
        Whether one was found.
    """
    if method == "LIKELY":
        return fit(ramp, data, method).rate.dq & _JUMP != 0
    return (flagged(ramp, data) & _JUMP != 0).any(axis=(0, 1))


def fit_without_jumps(ramp, data, method):
    """Fit rates after the search for jumps that belongs to the method."""
    return fit(ramp, data, method, None if method == "LIKELY" else flagged(ramp, data))
