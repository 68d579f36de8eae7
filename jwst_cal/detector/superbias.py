"""Superbias: the fixed pattern that a reset leaves in every pixel."""

import numpy as np

from jwst_cal.framework import Reference, Step
from jwst_cal.kernels.subtract import subtract

__all__ = ["SuperBiasStep"]


class SuperBiasStep(Step):
    """
    Subtract the superbias from every group.

    Notes
    -----
    Differs from jwst 3.0.0: superstripe exposures are refused.
    """

    class_alias = "superbias"
    references = {"superbias": Reference("SuperBiasModel", crop=True)}
    takes = ("RampModel",)

    def process(self, ramp, *, refs):
        """
        Subtract the superbias from the groups and the zeroframe, in place.

        Parameters
        ----------
        ramp : RampModel
            Counts, DN.
        refs : References
            ``superbias``, DN.

        Returns
        -------
        RampModel
            The same model; the reference's flags are added to PIXELDQ.
        """
        bias = refs.superbias
        subtract(ramp.data, bias.data)
        np.bitwise_or(ramp.pixeldq, bias.dq, out=ramp.pixeldq)
        if ramp.meta.exposure.zero_frame:
            subtract(ramp.zeroframe[:, np.newaxis], bias.data, zero_is_bad=True)
        return ramp
