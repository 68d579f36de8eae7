"""Dark exposures: corrected ramps, from which dark references are made."""

from jwst_cal import modes
from jwst_cal.framework import Chain, Pipeline

__all__ = ["DarkPipeline"]


class DarkPipeline(Pipeline):
    """
    Correct the ramps of a dark exposure, all but the dark itself.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "calwebb_dark"
    takes = ("RampModel", "SuperstripeRampModel")

    near_infrared = Chain("group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix",
                          "linearity")
    mid_infrared = Chain("group_scale", "dq_init", "emicorr", "saturation", "ipc", "firstframe",
                         "lastframe", "reset", "linearity", "rscd")

    def process(self, ramp):
        """
        Correct a ramp.

        Parameters
        ----------
        ramp : str, path or RampModel
            The raw exposure.

        Returns
        -------
        RampModel
            The corrected ramp, DN.
        """
        ramp = self.prepare_output(ramp, open_as_ramp=True)
        self.check_memory(ramp)
        return (self.mid_infrared if modes.is_miri(ramp) else self.near_infrared)(ramp)
