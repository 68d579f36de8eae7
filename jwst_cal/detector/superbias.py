"""Superbias: the fixed pattern that a reset leaves in every pixel."""

import numpy as np

from jwst_cal.detector import _superstripe
from jwst_cal.framework import Reference, Step
from jwst_cal.kernels.subtract import subtract

__all__ = ["SuperBiasStep"]


class SuperBiasStep(Step):
    """
    Subtract the superbias from every group.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "superbias"
    takes_light = True
    references = {"superbias": Reference("SuperBiasModel", crop=True)}
    takes = ("RampModel", "SuperstripeRampModel")

    def process(self, ramp, *, refs):
        """
        Subtract the superbias from the groups and the zeroframe, in place.

        Parameters
        ----------
        ramp : RampModel or SuperstripeRampModel
            Counts, DN.
        refs : References
            ``superbias``, DN.

        Returns
        -------
        RampModel or SuperstripeRampModel
            The same model; the reference's flags are added to PIXELDQ.
        """
        bias = refs.superbias
        np.bitwise_or(ramp.pixeldq, bias.dq, out=ramp.pixeldq)
        for ints, stripe in _superstripe.parts(ramp):
            subtract(ramp.data[ints], bias.data[stripe])
            if ramp.meta.exposure.zero_frame:
                subtract(ramp.zeroframe[ints, np.newaxis], bias.data[stripe], zero_is_bad=True)
        return ramp
