"""Charge migration: bright pixels lose charge to their neighbours as they fill."""

import logging

from jwst_cal import flags
from jwst_cal.framework import SkipStep, Step, param
from jwst_cal.kernels.charge_migration import charge_migration

__all__ = ["ChargeMigrationStep"]

log = logging.getLogger(__name__)


class ChargeMigrationStep(Step):
    """
    Flag the groups in which a pixel is so full that charge spills to its neighbours.

    Notes
    -----
    Source: Goudfrooij et al. 2024, PASP 136, 014503.
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "charge_migration"
    takes_light = True
    takes = ("RampModel",)

    signal_threshold: float = param(25000.0, "Counts above which charge spills, DN")
    skip: bool = param(True, "Skip this step")

    def process(self, ramp, *, refs):
        """
        Set CHARGELOSS and DO_NOT_USE in GROUPDQ, in place.

        Parameters
        ----------
        ramp : RampModel
            Counts, DN.
        refs : References
            None is used.

        Returns
        -------
        RampModel
            The same model.
        """
        n_groups = ramp.data.shape[1]
        if n_groups < 3:
            raise SkipStep(f"{n_groups} groups where 3 are needed")
        unused = flags.group["DO_NOT_USE"]
        found = charge_migration(ramp.data, ramp.groupdq, threshold=self.signal_threshold,
                                 unused=unused, flags=unused | flags.group["CHARGELOSS"])
        log.info("%d ramps exceeded %g DN; they and their neighbours were flagged CHARGELOSS",
                 found, self.signal_threshold)
        return ramp
