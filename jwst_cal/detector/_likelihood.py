"""Rates of ramps by the likelihood of their group differences: the covariances, and the kernel."""

import logging
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jwst_cal.kernels.likelihood import likelihood
from jwst_cal.kernels.slope import Flags, Rates

__all__ = ["MIN_GROUPS", "Covariance", "LikelihoodFit", "covariance", "fit_likelihood",
           "read_times"]

log = logging.getLogger(__name__)

#: Groups that an exposure needs for its jumps to be told from its rate.
MIN_GROUPS = 4
#: Least drop of chi squared for leaving out one difference (4.5 sigma), and two (as improbable).
ONE, TWO = 20.25, 23.8


class LikelihoodFit(NamedTuple):
    """
    Rates of an exposure.

    Attributes
    ----------
    rate : Rates
        Over all integrations: [row, col]. Slope and error in DN/s, variances in (DN/s)^2.
    rateints : Rates
        Of each integration: [integration, row, col].
    chi_squared : float32 [row, col]
        Sum over the integrations.
    """

    rate: Rates
    rateints: Rates
    chi_squared: NDArray[np.float32]


class Covariance(NamedTuple):
    """
    Covariance of group differences, per rate (photon) and per square of a read's noise (read).

    Attributes
    ----------
    interval : float64 [difference], s
        Time between the means of neighbouring groups.
    alpha_photon, alpha_read : float64 [difference], 1/s and 1/s^2
        Diagonal.
    beta_photon, beta_read : float64 [difference - 1], 1/s and 1/s^2
        Beside the diagonal.
    pair : uint8 [difference - 1]
        Whether a difference and the next share a group of several reads.
    """

    interval: NDArray[np.float64]
    alpha_photon: NDArray[np.float64]
    alpha_read: NDArray[np.float64]
    beta_photon: NDArray[np.float64]
    beta_read: NDArray[np.float64]
    pair: NDArray[np.uint8]


def read_times(n_groups, n_frames, group_gap, frame_time):
    """
    List the times of the reads of each group, evenly spaced.

    Parameters
    ----------
    n_groups, n_frames, group_gap : int
        Groups, frames averaged in each, and dropped between them.
    frame_time : float, s
        Time of a frame.

    Returns
    -------
    list of ndarray, s
        Times since the reset.
    """
    frames = np.arange(1, n_frames + 1)
    return [(frames + group * (n_frames + group_gap)) * frame_time for group in range(n_groups)]


def covariance(times):
    """
    Compute the covariance of group differences from the times of the reads.

    Parameters
    ----------
    times : sequence of sequences of float, s
        Times of the reads of each group.

    Returns
    -------
    Covariance
        Elements of the matrix.

    Raises
    ------
    ValueError
        If the groups' mean times do not increase.

    Notes
    -----
    Source: Brandt 2024, PASP 136, 045004, equations 4, 11, 28 and 29.
    """
    times = [np.atleast_1d(np.asarray(group, float)) for group in times]
    n = np.array([len(group) for group in times])
    mean = np.array([group.mean() for group in times])
    tau = np.array([np.sum(group * (2 * len(group) + 1 - 2 * np.arange(1, len(group) + 1)))
                    for group in times]) / n**2
    dt = np.diff(mean)
    if not (dt > 0).all():
        raise ValueError("read times: the groups' mean times do not increase")
    inner = dt[1:] * dt[:-1]
    return Covariance(
        interval=dt,
        alpha_photon=(tau[:-1] + tau[1:] - 2 * mean[:-1]) / dt**2,
        alpha_read=(1 / n[:-1] + 1 / n[1:]) / dt**2,
        beta_photon=(mean[1:-1] - tau[1:-1]) / inner,
        beta_read=-1 / (n[1:-1] * inner),
        pair=(n[1:-1] > 1).astype(np.uint8),
    )


def fit_likelihood(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    pixeldq: NDArray[np.uint32],
    gain: NDArray[np.float32],
    read_noise: NDArray[np.float32],
    *,
    flags: Flags,
    times,
    dark_current: NDArray[np.float32] | None = None,
    zeroframe: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> LikelihoodFit:
    """
    Fit the count rate of every ramp, leaving out its jumps.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Ramps of four groups or more. A NaN counts as a flagged group.
    groupdq : uint8 [integration, group, row, col]
        Flags; a difference that touches a flagged group is left out.
    pixeldq : uint32 [row, col]
        Flags of the pixels.
    gain : float32 [row, col], e-/DN
        Gain.
    read_noise : float32 [row, col], DN
        Noise of a difference of two frames.
    flags : Flags
        The bits to read and set.
    times : sequence of sequences of float, s
        Times of the reads of each group.
    dark_current : float32 [row, col], DN/s, optional
        Added to the rate in the noise of the photons.
    zeroframe : float32 [integration, row, col], DN, optional
        First frame, split off the first group if that has several.
    n_threads : int, optional
        Threads.

    Returns
    -------
    LikelihoodFit
        Rates and chi squared.

    Raises
    ------
    ValueError
        If shapes do not match, or there are fewer than four groups.

    Notes
    -----
    Source: Brandt 2024, PASP 136, 045004 and 045005.
    Differs from jwst 3.0.0: of two differences neither is left out as a jump, of three not two
    (there the rounding of equal chi squared decides); jumps are found also where the trial of a
    pair divides by zero, as it does in faint ramps of four differences; a group that is NaN is
    left out (there the ramp is lost); a ramp without a usable difference is DO_NOT_USE.
    """
    times, first_frames = list(times), 0
    if len(times) != data.shape[1]:
        raise ValueError(f"read times: {len(times)} groups where {data.shape[1]} are needed")
    if zeroframe is not None:
        first = np.atleast_1d(times[0])
        if len(first) < 2:
            log.warning("The zero frame was not used: it is the first group")
            zeroframe = None
        else:
            first_frames = len(first)
            times[:1] = [first[:1], first[1:]]
    return LikelihoodFit(*likelihood(
        data, groupdq, pixeldq, gain, read_noise, flags=flags, one=ONE, two=TWO,
        dark_current=dark_current, zeroframe=zeroframe, first_frames=first_frames,
        n_threads=n_threads, **covariance(times)._asdict(),
    ))
