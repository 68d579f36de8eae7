"""Last frame: MIRI's last group, which the reset of the next row disturbs."""

from jwst_cal import flags
from jwst_cal.detector import _frames
from jwst_cal.framework import Step

__all__ = ["LastFrameStep"]


class LastFrameStep(Step):
    """
    Flag the last group of MIRI ramps as not to be used.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "lastframe"
    takes_light = True
    takes = ("RampModel",)

    def process(self, ramp, *, refs):
        """
        Flag the last group, in place.

        Parameters
        ----------
        ramp : RampModel
            The exposure.
        refs : References
            None needed.

        Returns
        -------
        RampModel
            The same model: DO_NOT_USE in GROUPDQ.
        """
        _frames.require_ramp(ramp, "last-frame", more_than=2)
        groupdq = ramp.groupdq
        groupdq[:, -1] |= flags.group["DO_NOT_USE"]
        return ramp
