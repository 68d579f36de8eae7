"""First frame: MIRI's first group, which the reset disturbs. Superseded by the rscd step."""

import logging

import numpy as np

from jwst_cal import flags
from jwst_cal.detector import _frames
from jwst_cal.framework import Step, param

__all__ = ["FirstFrameStep"]

log = logging.getLogger(__name__)


class FirstFrameStep(Step):
    """
    Flag the first group of MIRI ramps as not to be used.

    Notes
    -----
    Deprecated: the rscd step flags the first group. Differs from jwst 3.0.0: nothing.
    """

    class_alias = "firstframe"
    takes_light = True
    takes = ("RampModel",)

    skip: bool = param(True, "Skip this step")
    bright_use_group1: bool = param(True, "Keep the first group where the third is saturated")

    def process(self, ramp, *, refs):
        """
        Flag the first group, in place.

        Parameters
        ----------
        ramp : RampModel
            The exposure.
        refs : References
            None needed.

        Returns
        -------
        RampModel
            The same model: DO_NOT_USE in GROUPDQ; FLUX_ESTIMATED in PIXELDQ where the first group
            was kept in some integration.
        """
        log.warning("FirstFrameStep is deprecated; RscdStep flags the first group")
        _frames.require_ramp(ramp, "first-frame", more_than=3)
        groupdq, pixeldq = ramp.groupdq, ramp.pixeldq
        if not self.bright_use_group1:
            groupdq[:, 0] |= flags.group["DO_NOT_USE"]
            return ramp
        bright = groupdq[:, 2] & flags.group["SATURATED"] != 0
        groupdq[:, 0] |= np.where(bright, flags.group["GOOD"], flags.group["DO_NOT_USE"])
        kept = bright.any(axis=0)
        pixeldq[kept] |= flags.pixel["FLUX_ESTIMATED"]
        usable = pixeldq[kept] & flags.pixel["DO_NOT_USE"] == 0
        log.info("Kept the first group of %d usable bright pixels", np.count_nonzero(usable))
        return ramp
