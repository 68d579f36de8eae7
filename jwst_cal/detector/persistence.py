"""Persistence: charge trapped in a bright pixel comes out later and looks like light."""

import logging

import numpy as np

from jwst_cal import flags
from jwst_cal.detector import _persistence
from jwst_cal.errors import InputError
from jwst_cal.framework import Step, param
from jwst_cal.kernels.persistence import persistence

__all__ = ["PersistenceStep"]

log = logging.getLogger(__name__)


class PersistenceStep(Step):
    """
    Flag the groups for some time after a pixel has saturated.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "persistence"
    takes = ("RampModel",)

    save_persistence: str | None = param(None, "ASDF file to save the windows in")
    persistence_time: int | None = param(None, "Length of the window after a saturation, s")
    dn_threshold: float | None = param(None, "Counts above which a window opens, too, DN")
    persistence_array_file: str | None = param(None, "ASDF file with windows of earlier exposures")
    persistence_dnu: bool = param(False, "Set DO_NOT_USE together with PERSISTENCE")
    skip: bool = param(True, "Skip this step")

    def process(self, ramp, *, refs):
        """
        Set PERSISTENCE in GROUPDQ, in place.

        Parameters
        ----------
        ramp : RampModel
            Counts, DN, with SATURATED set.
        refs : References
            None is used.

        Returns
        -------
        RampModel
            The same model. Without a positive ``persistence_time`` the step is recorded as FAILED.

        Raises
        ------
        InputError
            If keywords of the times are missing, or the file of windows does not fit.
        """
        if self.persistence_time is None or self.persistence_time <= 0:
            log.warning("persistence_time is %s where more than 0 s is needed: nothing was flagged",
                        self.persistence_time)
            self.record_step_status(ramp, status="FAILED")
            return ramp
        detector = ramp.meta.instrument.detector
        windows = self._windows(ramp, detector)
        flag = flags.group["PERSISTENCE"]
        if self.persistence_dnu:
            flag = flag | flags.group["DO_NOT_USE"]
        flagged, dropped = persistence(
            ramp.data, ramp.groupdq, windows, time=_times(ramp), duration=self.persistence_time,
            threshold=self.dn_threshold, saturated=flags.group["SATURATED"], flags=flag,
        )
        if dropped:
            log.warning("Dropped %d windows that ended later than they can: of a later exposure",
                        dropped)
        log.info("Flagged %d groups of pixels within %d s of a saturation", flagged,
                 self.persistence_time)
        if self.save_persistence is not None:
            path = _persistence.write_windows(self.save_persistence, detector,
                                              self.persistence_time, windows, ramp.meta.filename)
            log.info("Saved the windows in %s", path)
        return ramp

    def _windows(self, ramp, detector):
        shape = ramp.data.shape[2:]
        if self.persistence_array_file is None:
            return np.zeros(shape)
        windows, reason = _persistence.read_windows(
            self.make_input_path(self.persistence_array_file), detector, self.persistence_time,
            shape,
        )
        if reason is not None:
            log.warning("No windows were taken from %s: %s", self.persistence_array_file, reason)
        return windows


def _times(ramp):
    """End of each group of an exposure."""
    exposure = ramp.meta.exposure
    known = {"EXPSTART": exposure.start_time, "EFFINTTM": exposure.integration_time,
             "TGROUP": exposure.group_time}
    for name, value in known.items():
        if value is None:
            raise InputError(f"{ramp.meta.filename}: {name} is missing")
    starts = None
    if ramp.hasattr("int_times") and ramp.int_times is not None:
        starts = [float(row["int_start_MJD_UTC"]) for row in ramp.int_times]
    return _persistence.group_times(
        *ramp.data.shape[:2], start=exposure.start_time, group_time=exposure.group_time,
        integration_time=exposure.integration_time, int_starts=starts,
    )
