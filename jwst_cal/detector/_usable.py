"""Gain and read noise that are no use: said in the log."""

import logging

import numpy as np

__all__ = ["note_unusable"]

log = logging.getLogger(__name__)


def note_unusable(gain, read_noise):
    """
    Log how many pixels have a gain or a read noise that is NaN, 0 or less.

    Parameters
    ----------
    gain : float [row, col], e-/DN
        Gain.
    read_noise : float [row, col], DN
        Read noise.
    """
    for name, values in (("gain", gain), ("read noise", read_noise)):
        unusable = values.size - np.count_nonzero(values > 0)
        if unusable:
            log.info("The %s of %d of %d pixels is NaN, 0 or less", name, unusable, values.size)
