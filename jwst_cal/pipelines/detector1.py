"""Stage 1: raw ramps to count rates."""

import logging

from jwst_cal import modes
from jwst_cal.framework import Chain, Pipeline, param
from jwst_cal.models.light import LightModel

log = logging.getLogger(__name__)


class Detector1Pipeline(Pipeline):
    """
    Correct the ramps of one exposure and fit their slopes.

    The chains are the order; with the trap model of ``persistence``, that step comes after
    linearity. Products: ``rate`` (returned), ``rateints``, on request ``ramp``, with the trap model
    ``trapsfilled``; ``ramp`` is also what is returned when the fit does not take place.

    Notes
    -----
    Differs from jwst 3.0.0: an ``output_dir`` given to dark_current or ramp_fit is kept.
    """

    class_alias = "calwebb_detector1"
    takes_light = True
    takes = ("RampModel", "SuperstripeRampModel")

    save_calibrated_ramp: bool = param(False, "Save the corrected ramp before the fit, as _ramp")

    near_infrared = Chain("group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix",
                          "linearity")
    near_infrared_dark = Chain("dark_current")
    mid_infrared = Chain("group_scale", "dq_init", "emicorr", "saturation", "ipc", "firstframe",
                         "lastframe", "reset", "linearity", "rscd", "dark_current", "refpix")
    events = Chain("charge_migration", "jump", "picture_frame", "clean_flicker_noise")
    persistent = Chain("persistence")
    fit = Chain("ramp_fit")
    rescale = Chain("gain_scale")

    def process(self, ramp):
        """
        Run stage 1.

        Parameters
        ----------
        ramp : str, path or RampModel
            The raw exposure.

        Returns
        -------
        ImageModel or RampModel
            Count rates, DN/s, of the exposure; the corrected ramp when the fit was skipped.
        """
        ramp = self.prepare_output(ramp, open_as_ramp=True)
        self.check_memory(ramp)
        # the trap model comes where older releases had it, the flags where 3.0.0 has them
        traps = self.persistence.uses_trap_model and not modes.is_miri(ramp)
        if modes.is_miri(ramp):
            ramp = self.mid_infrared(ramp)
        else:
            ramp = self.near_infrared(ramp)
            if traps:
                ramp = self.persistent(ramp)
            ramp = self.near_infrared_dark(ramp)
        ramp = self.events(ramp)
        if not traps:
            ramp = self.persistent(ramp)
        if self.save_calibrated_ramp:
            self.save_model(ramp, "ramp")

        # a light ramp is only seen by the steps of this pipeline
        self.ramp_fit.may_lose_ramp = isinstance(ramp, LightModel)
        fitted = self.fit(ramp)
        rate, rateints = fitted if isinstance(fitted, tuple) else (fitted, None)
        if rate is not None:
            self.gain_scale.suffix = "gain_scale"
            rate = self.rescale(rate)
        if rateints is not None:
            self.gain_scale.suffix = "gain_scaleints"
            self.save_model(self.rescale(rateints), "rateints")
        if rate is not None:
            self.suffix = "rate" if rate.meta.cal_step.ramp_fit == "COMPLETE" else "ramp"
        return rate
