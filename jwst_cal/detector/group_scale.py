"""Group scale: undo the wrong divisor of an on-board mean of reads."""

import logging

import numpy as np

from jwst_cal.framework import SkipStep, Step

__all__ = ["GroupScaleStep"]

log = logging.getLogger(__name__)


class GroupScaleStep(Step):
    """
    Rescale groups whose reads were not divided by their number.

    Notes
    -----
    On board, the sum of the reads of a group is divided by a power of two, FRMDIVSR. Where that is
    not NFRAMES, the groups are multiplied by FRMDIVSR / NFRAMES.
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "group_scale"
    takes_light = True
    takes = ("RampModel", "SuperstripeRampModel")

    def process(self, ramp, *, refs):
        """
        Multiply all groups by FRMDIVSR / NFRAMES, in place.

        Parameters
        ----------
        ramp : RampModel
            Raw counts, DN.
        refs : References
            None is used.

        Returns
        -------
        RampModel
            The same model.
        """
        reads, divisor = ramp.meta.exposure.nframes, ramp.meta.exposure.frame_divisor
        if reads is None:
            raise SkipStep("NFRAMES is missing")
        if divisor is None:
            known = "a power of two" if reads & (reads - 1) == 0 else "no power of two"
            raise SkipStep(f"FRMDIVSR is missing and NFRAMES={reads} is {known}")
        if reads == divisor:
            raise SkipStep(f"NFRAMES and FRMDIVSR are both {reads}: nothing to correct",
                           expected=True)
        if reads < 1:
            raise SkipStep(f"NFRAMES={reads} is no number of reads")
        np.multiply(ramp.data, np.float32(divisor / reads), out=ramp.data)
        log.info("Multiplied all groups by %d/%d", divisor, reads)
        return ramp
