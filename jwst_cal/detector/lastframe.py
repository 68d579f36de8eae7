"""Last frame: MIRI's last group, which the reset of the next row disturbs."""

from jwst_cal import flags, modes
from jwst_cal.framework import SkipStep, Step

__all__ = ["LastFrameStep"]


class LastFrameStep(Step):
    """
    Flag the last group of MIRI ramps as not to be used.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "lastframe"
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
        if not modes.is_miri(ramp):
            raise SkipStep("the last-frame effect is MIRI's")
        n_groups = ramp.data.shape[1]
        if n_groups <= 2:
            raise SkipStep(f"NGROUPS={n_groups}; more than 2 are needed")
        groupdq = ramp.groupdq
        groupdq[:, -1] |= flags.group["DO_NOT_USE"]
        return ramp
