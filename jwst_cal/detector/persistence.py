"""Persistence: charge trapped in a bright pixel comes out later and looks like light."""

import logging

import numpy as np

from jwst_cal import flags
from jwst_cal.detector import _persistence, _trap_models, _traps
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.framework import Reference, Step, param
from jwst_cal.framework.references import window_in
from jwst_cal.kernels import memory
from jwst_cal.kernels.persistence import persistence

__all__ = ["PersistenceStep"]

log = logging.getLogger(__name__)


class PersistenceStep(Step):
    """
    Flag groups after a saturation, or subtract what a model of charge traps predicts.

    The form of jwst 3.0.0 flags; its trap model is that of releases before, and runs when one of
    its parameters or references is given.

    Notes
    -----
    Differs from jwst 3.0.0: nothing, without the trap model, which that release does not have.
    """

    class_alias = "persistence"
    takes_light = True
    takes = ("RampModel",)
    references = {
        "trapdensity": Reference("TrapDensityModel"),
        "trappars": Reference("TrapParsModel"),
        "persat": Reference("PersistenceSatModel", crop=True),
    }

    save_persistence: str | None = param(
        None, "ASDF file to save the windows in; trap model: true, to save what was subtracted",
        switch=True)
    persistence_time: int | None = param(None, "Length of the window after a saturation, s")
    dn_threshold: float | None = param(None, "Counts above which a window opens, too, DN")
    persistence_array_file: str | None = param(None, "ASDF file with windows of earlier exposures")
    persistence_dnu: bool = param(False, "Set DO_NOT_USE together with PERSISTENCE")
    # of the trap model; any value asks for it
    input_trapsfilled: str | None = param(None, "Trap model: _trapsfilled of the exposure before")
    flag_pers_cutoff: float | None = param(
        None, "Trap model: persistence from which on a pixel is flagged, DN; 40 by default")
    save_trapsfilled: bool | None = param(
        None, "Trap model: save the filled traps as _trapsfilled; true by default")
    skip: bool = param(True, "Skip this step")

    @property
    def uses_trap_model(self):
        """Whether a parameter or reference of the trap model is given."""
        given = [self.input_trapsfilled, self.flag_pers_cutoff, self.save_trapsfilled,
                 *(self.get_ref_override(reftype) for reftype in self.references)]
        return any(value is not None for value in given)

    def wanted_types(self):
        """Return the reference types that the chosen form needs."""
        return super().wanted_types() if self.uses_trap_model else ()

    def process(self, ramp, *, refs):
        """
        Set PERSISTENCE in GROUPDQ, or subtract persistence and set it in PIXELDQ, in place.

        Parameters
        ----------
        ramp : RampModel
            Counts, DN, with SATURATED set.
        refs : References
            ``trapdensity``, ``trappars`` and ``persat`` are used by the trap model.

        Returns
        -------
        RampModel
            The same model. Without a positive ``persistence_time`` the step is recorded as FAILED.

        Raises
        ------
        InputError
            If keywords of the times are missing, or the file of windows or traps does not fit.
        ParameterError
            If parameters of both forms are given.
        ReferenceFileError
            If a reference of the trap model cannot be used.
        """
        if self.uses_trap_model:
            return self._subtract(ramp, refs)
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
        if self.save_persistence not in (None, "false"):
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

    # ---- the trap model -----------------------------------------------------------------------
    def _subtract(self, ramp, refs):
        """Subtract persistence; save the filled traps and, on request, what was subtracted."""
        save = self._check_form()
        density, limit = refs.trapdensity, refs.persat
        families = _trap_models.families(refs.trappars, refs.path("trappars"))
        window = window_in(ramp, density, refs.path("trapdensity") or "the open TrapDensityModel")
        before = self.input_trapsfilled not in (None, "", "None")
        filled = _trap_models.filled_at_start(
            self.make_input_path(self.input_trapsfilled) if before else None, ramp, families,
            density.data.shape,
        )
        released = memory.empty(ramp.data.shape, np.float32) if save else None
        unknown = flags.pixel["DO_NOT_USE"]
        flagged = _traps.correct(
            ramp.data, ramp.groupdq, ramp.pixeldq, filled, window=window, families=families,
            timing=_trap_models.timing(ramp), density=density.data[window], full=limit.data,
            unusable=(density.dq[window] & unknown != 0, limit.dq & unknown != 0),
            cutoff=40.0 if self.flag_pers_cutoff is None else self.flag_pers_cutoff,
            saturated=flags.group["SATURATED"], jump=flags.group["JUMP_DET"],
            persistence_flag=flags.pixel["PERSISTENCE"], released=released,
        )
        log.info("Subtracted what %d families of traps release; flagged %d pixels", len(filled),
                 flagged)
        if self.save_trapsfilled is not False:
            self.save_model(_trap_models.filled_model(filled, ramp), "trapsfilled", force=True)
        if released is not None:
            self.save_model(_trap_models.released_model(released, ramp), "output_pers", force=True)
        return ramp

    def _check_form(self):
        """Refuse parameters of the other form; return whether to save what is subtracted."""
        other = {"persistence_time": self.persistence_time, "dn_threshold": self.dn_threshold,
                 "persistence_array_file": self.persistence_array_file,
                 "persistence_dnu": self.persistence_dnu or None}
        for name, value in other.items():
            if value is not None:
                raise ParameterError(
                    f"{self.name}: {name} = {value} flags groups, but a parameter or reference of "
                    "the trap model, which subtracts, is given, too: choose one")
        if self.save_persistence not in (None, "true", "false"):
            raise ParameterError(f"Parameter 'save_persistence' of {self.name}: in the trap model "
                                 f"it is true or false, not '{self.save_persistence}'")
        return self.save_persistence == "true"


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
