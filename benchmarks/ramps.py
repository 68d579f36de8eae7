"""Ramps in memory for the benchmarks: shot and read noise, cosmic rays, saturated stars.

Not an exposure of `jwst_cal.simulate`, which knows detectors and files; just numbers of the right
kind in any shape.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["SHAPES", "Ramps", "make"]

GAIN, CDS_NOISE, FULL_WELL = 2.0, 14.0, 50000.0
DO_NOT_USE, SATURATED, JUMP = 1, 2, 4

#: Integrations, groups, rows, columns; part of the samples that a particle hits; group time, s;
#: groups at the start and the end that are not used. NIRCam BRIGHT2, NIRISS SOSS, MIRI FASTR1.
SHAPES = {
    "nircam": ((1, 10, 2048, 2048), 1.0e-3, 21.5, 0, 0),
    "soss": ((60, 5, 256, 2048), 5.0e-4, 5.5, 0, 0),
    "miri": ((3, 40, 1024, 1032), 6.0e-4, 2.8, 1, 1),
}


class Ramps(NamedTuple):
    """Linear ramps with the flags they have before the jump step, and planes of references."""

    data: np.ndarray
    groupdq: np.ndarray
    pixeldq: np.ndarray
    gain: np.ndarray
    read_noise: np.ndarray
    group_time: float


def make(shape, hit=1.0e-3, group_time=21.5, unused_first=0, unused_last=0, seed=1):
    """
    Make ramps.

    Parameters
    ----------
    shape : tuple of int
        Integrations, groups, rows, columns.
    hit : float
        Part of the samples that a particle hits.
    group_time : float, s
    unused_first, unused_last : int
        Groups at the ends that are flagged DO_NOT_USE.
    seed : int

    Returns
    -------
    Ramps
    """
    rng = np.random.default_rng(seed)
    n_ints, n_groups, n_rows, n_cols = shape
    image = (n_rows, n_cols)
    rate = rng.lognormal(0.0, 1.0, image).astype(np.float32)
    stars = rng.random(image) < 0.01
    rate[stars] *= rng.lognormal(5.0, 2.0, np.count_nonzero(stars)).astype(np.float32)
    data, groupdq = np.empty(shape, np.float32), np.zeros(shape, np.uint8)
    expected = rate * np.float32(GAIN * group_time)
    for integration in range(n_ints):
        level = np.full(image, 100.0, np.float32)
        full = np.zeros(image, bool)
        for group in range(n_groups):
            electrons = expected + np.sqrt(expected) * rng.standard_normal(image, np.float32)
            level += electrons / np.float32(GAIN)
            level += _particles(rng, image, hit if group else 0.0)
            full |= level > FULL_WELL
            data[integration, group] = np.minimum(level, FULL_WELL)
            data[integration, group] += (np.float32(CDS_NOISE / np.sqrt(2.0))
                                         * rng.standard_normal(image, np.float32))
            groupdq[integration, group][full] = SATURATED
    groupdq[:, :unused_first] |= DO_NOT_USE
    groupdq[:, n_groups - unused_last :] |= DO_NOT_USE
    pixeldq = (rng.random(image) < 0.003).astype(np.uint32) * DO_NOT_USE
    return Ramps(data, groupdq, pixeldq, np.full(image, GAIN, np.float32),
                 np.full(image, CDS_NOISE, np.float32), group_time)


def _particles(rng, image, hit):
    """Charge of the particles of one group, DN: each hits about four neighbouring pixels."""
    charge = np.zeros(image, np.float32)
    n = rng.poisson(hit * image[0] * image[1] / 4)
    row, col = rng.integers(image[0], size=n), rng.integers(image[1], size=n)
    size = rng.lognormal(6.5, 1.2, n)
    for _ in range(4):
        charge[row, col] += size / 4
        row = (row + rng.integers(-1, 2, n)) % image[0]
        col = (col + rng.integers(-1, 2, n)) % image[1]
    return charge
