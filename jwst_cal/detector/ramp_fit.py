"""Ramp fit: the count rate of every ramp, by integration and over the exposure."""

import logging
from typing import NamedTuple

import numpy as np

from jwst_cal import flags, models, modes
from jwst_cal.detector import _likelihood, _slopes
from jwst_cal.detector._usable import note_unusable
from jwst_cal.errors import InputError
from jwst_cal.framework import Reference, Step, param
from jwst_cal.kernels.threads import cores_to_threads

__all__ = ["RampFitStep"]

log = logging.getLogger(__name__)

NEEDED = {"group_time": "TGROUP", "frame_time": "TFRAME", "nframes": "NFRAMES",
          "groupgap": "GROUPGAP"}
FLAGS = _slopes.Flags(
    do_not_use=flags.pixel["DO_NOT_USE"],
    saturated=flags.pixel["SATURATED"],
    jump=flags.pixel["JUMP_DET"],
    persistence=flags.pixel["PERSISTENCE"],
    charge_loss=flags.pixel["CHARGELOSS"],
    no_gain=flags.pixel["NO_GAIN_VALUE"],
)


class Products(NamedTuple):
    """What the step returns; both None when nothing could be fitted."""

    rate: object
    rateints: object


class RampFitStep(Step):
    """
    Fit the count rate of every ramp.

    Notes
    -----
    Differs from jwst 3.0.0: see :func:`jwst_cal.detector._slopes.fit_slopes` and
    :func:`jwst_cal.detector._likelihood.fit_likelihood`.
    """

    class_alias = "ramp_fit"
    takes_light = True
    takes = ("RampModel",)
    produces = ("rate", "rateints")
    accepted = ("int_name",)
    references = {
        "readnoise": Reference("ReadnoiseModel", crop=True),
        "gain": Reference("GainModel", crop=True),
    }
    #: The only weighting there is.
    weighting = "optimal"

    #: Whether nobody needs the ramp after the fit: a pipeline says so.
    may_lose_ramp = False

    algorithm: str = param("OLS_C", "Least squares, or likelihood", choices=("OLS_C", "LIKELY"))
    int_name: str = param("", "Has no effect; kept for old parameter files")
    save_opt: bool = param(False, "Save every segment of the fit, as _fitopt; "
                           "chi squared, as _likely_chisq")
    opt_name: str = param("", "Name of that file; the input's by default")
    suppress_one_group: bool = param(True, "Do not fit ramps with a single good group")
    firstgroup: int | None = param(None, "First group to use, counted from 0")
    lastgroup: int | None = param(None, "Last group to use, counted from 0")
    maximum_cores: str = param("1", "Threads: a number, quarter, half or all; 1 and none: default")

    def process(self, ramp, *, refs):
        """Fit the ramps; return the rate and the rates by integration."""
        gain, readnoise = refs.gain, refs.readnoise
        note_unusable(gain.data, readnoise.data)
        if gain.meta.exposure.gain_factor is not None:
            ramp.meta.exposure.gain_factor = gain.meta.exposure.gain_factor
        self._flag_unwanted_groups(ramp)
        for name, keyword in NEEDED.items():
            if getattr(ramp.meta.exposure, name) is None:
                raise InputError(f"{ramp.meta.filename}: no {keyword}, which the ramp fit needs")
        algorithm, times = self._algorithm(ramp)
        if algorithm == "LIKELY":
            fit = self._fit_likelihood(ramp, gain.data, readnoise.data, times)
        else:
            fit = self._fit_slopes(ramp, gain.data, readnoise.data)
        if fit is None:
            return Products(None, None)
        log.info("Fitted %d ramps with algorithm %s, weighting %s: %.2f %% of the pixels have "
                 "no rate", fit.rateints.slope.size, algorithm, self.weighting,
                 100 * np.isnan(fit.rate.slope).mean())
        has_ifu = modes.is_ifu(ramp) and ramp.meta.exposure.type != "NRS_AUTOFLAT"
        rate = _product("IFUImageModel" if has_ifu else "ImageModel", ramp, fit.rate)
        rateints = _product("CubeModel", ramp, fit.rateints)
        rateints.int_times = ramp.int_times
        stripes = _optional(ramp, "int_times_stripe")
        if stripes is not None and len(stripes) > 0:
            rateints.int_times_stripe = stripes
        return Products(rate, rateints)

    def _algorithm(self, ramp):
        """Return the algorithm that suits the exposure, and the times of its reads."""
        exposure, algorithm = ramp.meta.exposure, self.algorithm
        n_groups = ramp.data.shape[1]
        times = getattr(exposure, "read_times", None)
        if times is None or len(times) == 0:
            times = _likelihood.read_times(
                n_groups, exposure.nframes, exposure.groupgap, exposure.frame_time)
        elif algorithm != "LIKELY":
            log.warning("Used algorithm LIKELY: the groups are not evenly spaced")
            algorithm = "LIKELY"
        if algorithm == "LIKELY" and n_groups < _likelihood.MIN_GROUPS:
            log.info("Used algorithm OLS_C: LIKELY needs %d groups, there are %d",
                     _likelihood.MIN_GROUPS, n_groups)
            algorithm = "OLS_C"
        return algorithm, times

    def _fit_likelihood(self, ramp, gain, readnoise, times):
        fit = _likelihood.fit_likelihood(
            ramp.data, ramp.groupdq, ramp.pixeldq, gain, readnoise,
            flags=FLAGS,
            times=times,
            dark_current=_optional(ramp, "average_dark_current"),
            zeroframe=_optional(ramp, "zeroframe"),
            n_threads=cores_to_threads(self.maximum_cores),
        )
        if self.save_opt:
            model = models.new("ImageModel", ramp, data=fit.chi_squared)
            self._save_optional(model, ramp, "likely_chisq")
        return fit

    def _fit_slopes(self, ramp, gain, readnoise):
        exposure = ramp.meta.exposure
        fit = _slopes.fit_slopes(
            ramp.data, ramp.groupdq, ramp.pixeldq, gain, readnoise,
            flags=FLAGS,
            group_time=exposure.group_time,
            frame_time=exposure.frame_time,
            n_frames=exposure.nframes,
            group_gap=exposure.groupgap,
            drop_frames=exposure.drop_frames1 or 0,
            dark_current=_optional(ramp, "average_dark_current"),
            zeroframe=_optional(ramp, "zeroframe"),
            suppress_one_group=self.suppress_one_group,
            drop_unused_groups=modes.is_miri(ramp),
            segments=self.save_opt,
            in_place=self.may_lose_ramp,
            n_threads=cores_to_threads(self.maximum_cores),
        )
        if self.save_opt and fit is not None:
            found = fit.segments._asdict()
            model = models.new("RampFitOutputModel", ramp, **{
                name: array for name, array in found.items() if array is not None})
            self._save_optional(model, ramp, "fitopt")
        return fit

    def _flag_unwanted_groups(self, ramp):
        """Flag DO_NOT_USE the groups before firstgroup and after lastgroup."""
        n_groups = ramp.data.shape[1]
        first = max(0, self.firstgroup or 0)
        last = n_groups - 1 if self.lastgroup is None else min(self.lastgroup, n_groups - 1)
        if first == 0 and last == n_groups - 1:
            return
        if first >= last:
            log.warning("firstgroup %d is not before lastgroup %d: both were ignored", first, last)
            return
        log.info("Used groups %d to %d of %d, counted from 0", first, last, n_groups)
        ramp.groupdq[:, :first] |= flags.group["DO_NOT_USE"]
        ramp.groupdq[:, last + 1 :] |= flags.group["DO_NOT_USE"]

    def _save_optional(self, model, ramp, suffix):
        self.save_model(model, suffix, output_file=self.opt_name or ramp.meta.filename)
        model.close()


def _optional(model, name):
    """Return an array that not every ramp has, or None."""
    return getattr(model, name) if model.hasattr(name) else None


def _product(name, ramp, rates):
    """Make a product of the ramp's metadata and the rates."""
    model = models.new(name, ramp, data=rates.slope, dq=rates.dq, var_poisson=rates.var_poisson,
                       var_rnoise=rates.var_rnoise, err=rates.err)
    model.meta.bunit_data = model.meta.bunit_err = "DN/s"
    return model
