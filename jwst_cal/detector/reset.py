"""Reset: the decaying offset that MIRI's reset leaves in the first groups of an integration."""

import logging

import numpy as np

from jwst_cal import modes
from jwst_cal.framework import Reference, SkipStep, Step
from jwst_cal.kernels.subtract import subtract

__all__ = ["ResetStep"]

log = logging.getLogger(__name__)


class ResetStep(Step):
    """
    Subtract the reset anomaly from the first groups of MIRI ramps.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "reset"
    takes_light = True
    references = {"reset": Reference("ResetModel", crop=True)}
    takes = ("RampModel",)

    def process(self, ramp, *, refs):
        """
        Subtract the anomaly of each integration from the groups that have one, in place.

        Parameters
        ----------
        ramp : RampModel
            Counts, DN.
        refs : References
            ``reset``, DN; integrations beyond its last take its last.

        Returns
        -------
        RampModel
            The same model; the reference's flags are added to PIXELDQ.
        """
        if not modes.is_miri(ramp):
            raise SkipStep("the reset anomaly is MIRI's")
        anomaly, recorded = refs.reset, refs.reset.meta.exposure
        n_ints, n_groups = anomaly.data.shape[:2]
        n_ints = min(n_ints, recorded.nints or n_ints)
        n_groups = min(n_groups, recorded.ngroups or n_groups)
        first = (ramp.meta.exposure.integration_start or 1) - 1
        which = np.minimum(first + np.arange(len(ramp.data)), n_ints - 1)
        subtract(ramp.data, anomaly.data[:, :n_groups], which=which)
        np.bitwise_or(ramp.pixeldq, anomaly.dq, out=ramp.pixeldq)
        log.info("Corrected %d of %d groups, those that the reference has",
                 min(n_groups, ramp.data.shape[1]), ramp.data.shape[1])
        return ramp
