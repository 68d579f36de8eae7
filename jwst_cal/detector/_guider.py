"""Guide-star exposures: count rates from correlated double sampling."""

from typing import NamedTuple

import numpy as np

__all__ = ["GuiderRate", "count_rate"]


class GuiderRate(NamedTuple):
    """Count rate and error, float32 [integration, row, col], DN/s."""

    rate: np.ndarray
    err: np.ndarray


def count_rate(data, *, gain, read_noise, group_time, kind):
    """
    Compute the count rate of each integration from its first and last groups.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts.
    gain : float32 [row, col], e-/DN
    read_noise : float32 [row, col], DN
    group_time : float, s
    kind : {"cds", "minimum", "fine"}
        Second less first group; the least of that of two integrations, which cosmic rays hardly
        touch (identification); mean of the last four less that of the first four groups
        (fine guiding).

    Returns
    -------
    GuiderRate
        rate, err : float32 [integration, row, col], one integration for "minimum"

    Raises
    ------
    ValueError
        If there are too few groups or integrations.

    Notes
    -----
    Source: jwst 3.0.0. Its errors are kept as they are: the variance from read noise is twice
    (noise / time) squared whatever the number of groups averaged, and that from photons is
    counts / (gain time), not divided by the time again.
    Differs from jwst 3.0.0: nothing.
    """
    needed = (2 if kind == "minimum" else 1, 4 if kind == "fine" else 2)
    if data.shape[0] < needed[0] or data.shape[1] < needed[1]:
        raise ValueError(f"{data.shape[0]} integrations of {data.shape[1]} groups where "
                         f"{needed[0]} of {needed[1]} are needed")
    if kind == "fine":
        counts = data[:, -4:].mean(axis=1) - data[:, :4].mean(axis=1)
    else:
        counts = data[:, 1] - data[:, 0]
    if kind == "minimum":
        counts = np.minimum(counts[1], counts[0])[np.newaxis]
    with np.errstate(divide="ignore", invalid="ignore"):
        photons = counts / (gain * np.float32(group_time))
    photons[photons < 0] = 0
    noise = 2 * (read_noise / np.float32(group_time)) ** 2
    return GuiderRate(counts / np.float32(group_time), np.sqrt(noise + photons))
