"""Flicker noise: what the readout adds to whole lines, measured on the background of the image."""

import logging
import warnings
from functools import partial

import numpy as np

from jwst_cal import flags, models, modes
from jwst_cal.detector import _flicker, _flicker_parameters, _scenes, _soss_series
from jwst_cal.errors import ExitStatus, InputError, ReferenceFileError, ShutterFileError, SkipStep
from jwst_cal.framework import Reference, Step, param
from jwst_cal.kernels import memory
from jwst_cal.photometry import _light_curves
from jwst_cal.response import _flat
from jwst_cal.spectroscopy import _soss_traces

__all__ = ["CleanFlickerNoiseStep"]

log = logging.getLogger(__name__)

#: Spectra of NIRSpec that show failed-open shutters besides.
WITH_SHUTTERS = frozenset({"NRS_MSASPEC", "NRS_IFU"})
#: Filter of a subarray's fit in time, Hz: see `_nsclean.clean_subarray`; by subarray.
CUT_OFF = {"ALLSLITS": (150, 200, 49943, 49957)}
USUAL_CUT_OFF = (1061, 1211, 49943, 49957)
#: Time series of spectra that are extracted to measure the flux in each integration.
EXTRACTED = frozenset({"NRS_BRIGHTOBJ", "NRC_TSGRISM"})
UNUSABLE = flags.group["DO_NOT_USE"] | flags.group["JUMP_DET"]


class CleanFlickerNoiseStep(Step):
    """
    Fit and subtract the noise that the readout adds to whole lines.

    Notes
    -----
    Source: C. Willott, image1overf; Rauscher 2024, PASP 136, 015001 (NSClean).
    Differs from jwst 3.0.0: the draft rate is made with the pipeline's reference overrides; see
    also `jwst_cal.detector._nsclean` and ``_soss_series``.
    """

    class_alias = "clean_flicker_noise"
    references = {
        "flat": Reference("FlatModel", crop=True, required=False),
        "pastasoss": Reference("PastasossModel", required=False),
    }
    takes = ("RampModel", "ImageModel", "IFUImageModel", "CubeModel")

    autoparam: bool = param(False, "Choose the background method, the flat and fits by channel "
                                   "from the image, whatever is given")
    fit_method: str = param("median", "Median of each line, or waves (NIRSpec spectra)",
                            choices=("fft", "median"))
    fit_by_channel: bool = param(False, "Fit each output by itself (near-infrared full frames)")
    background_method: str = param(
        "median", "How the background is found that is taken off meanwhile",
        choices=("median", "model", "median_image", "None"))
    background_box_size: list[int] | None = param(
        None, "Rows and columns of a box of the background model", min_length=2, max_length=2)
    mask_science_regions: bool = param(False, "Leave known science regions out of the fit")
    apply_flat_field: bool = param(False, "Divide by the flat meanwhile")
    n_sigma: float = param(2.0, "What differs from the background by so many standard deviations "
                                "is left out of the fit")
    fit_histogram: bool = param(False, "Take that standard deviation from a fit to the histogram")
    single_mask: bool = param(True, "Use one mask for all integrations")
    user_mask: str | None = param(None, "File with a mask to use: not 0 where there is background")
    save_mask: bool = param(False, "Save the mask, as _mask")
    save_background: bool = param(False, "Save the background, as _flicker_bkg")
    save_noise: bool = param(False, "Save what was changed, as _flicker_noise")
    skip: bool = param(True, "Skip this step")

    def process(self, model, *, refs):
        """
        Clean a ramp or count rates, in place.

        Parameters
        ----------
        model : RampModel, ImageModel or CubeModel
            Ramp with jumps flagged, or count rates.
        refs : References
            ``flat``, where it is asked for; ``pastasoss``: traces of NIRISS SOSS. Steps that are
            run for ``median_image`` have their own.

        Returns
        -------
        data model
            The same model. It is recorded as FAILED, and unchanged, if the mode of the exposure
            or the mask does not suit.

        Raises
        ------
        InputError
            If SLOWAXIS is missing, or the mask or the traces cannot be read.
        """
        problem = self._unsuitable(model)
        if problem:
            return self._failed(model, problem)
        with self.preserve_step_pars():
            return self._clean(model, refs)

    def _failed(self, model, problem):
        log.warning("%s: nothing was changed", problem)
        self.record_step_status(model, status="FAILED")
        return model

    def _unsuitable(self, model):
        kind = modes.exposure_type(model)
        if kind.startswith("MIR") and kind != "MIR_IMAGE":
            return f"EXP_TYPE {kind} is not supported"
        if self.fit_method == "fft" and kind not in _scenes.SPECTRA:
            return f"fit_method 'fft' cannot be applied to EXP_TYPE {kind}"
        return None

    def _clean(self, model, refs):
        ramp = model if model.data.ndim == 4 else None
        axis = _line_axis(model)
        if self.autoparam:
            self._choose(model, refs, axis)
        self._settle(model)
        with_median = self.background_method == "median_image"
        if modes.exposure_type(model) == "NIS_SOSS":
            problem = self._no_traces(model, refs) if with_median else None
            if problem:
                return self._failed(model, problem)
            refs.path("pastasoss")  # recorded in the product, used or not
        flat = self._usable_flat(refs) if self.apply_flat_field else None

        rates = model
        if ramp is not None and (self.user_mask is None or with_median):
            rates = self._draft(ramp, by_integration=not self.single_mask)
        try:
            if self.mask_science_regions and self.user_mask is None and modes.is_nirspec(rates):
                rates = _scenes.with_coordinates(
                    self, rates, failed_shutters=modes.exposure_type(rates) in WITH_SHUTTERS)
            if with_median and _needs_coordinates(rates):
                rates = self.run_other("assign_wcs", rates)
        except (ExitStatus, ShutterFileError) as problem:
            return self._failed(model, str(problem))
        scene = self._scene(rates, flat, refs)
        problem = _mismatch(model.data.shape, scene.shape)
        if problem:
            return self._failed(model, problem)
        expected = None
        if with_median:
            n_ints = model.data.shape[0] if model.data.ndim > 2 else 1
            if n_ints < 2:
                return self._failed(model, "background_method 'median_image' needs several "
                                           f"integrations, there is {n_ints}")
            expected = self._expected(model, rates, flat, refs)
            if expected is None:
                return self._failed(model, "In no integration a flux was found")
        self._subtract(model, scene, axis, flat, expected, rates)
        return model

    def _subtract(self, model, scene, axis, flat, expected, rates):
        background = memory.zeros(model.data.shape, np.float32) if self.save_background else None
        noise = memory.zeros(model.data.shape, np.float32) if self.save_noise else None
        missed = _flicker.clean(
            model.data, scene, self._fit(model, axis), groupdq=getattr(model, "groupdq", None),
            unusable=UNUSABLE, expected=expected, flat=flat, background=background, noise=noise,
            background_method="None" if expected else self.background_method,
            background_box_size=self.background_box_size, n_sigma=self.n_sigma,
        )
        for at in missed:
            log.warning("Left integration %d, group %d as it was: it has no background",
                        *(index + 1 for index in at))
        log.info("Subtracted flicker noise, measured on at most %.1f %% of the pixels",
                 100 * scene.mean())
        if self.save_mask:
            _scenes.save(self, rates, scene, "mask")
        if self.save_background:
            _scenes.save(self, model, background, "flicker_bkg")
        if self.save_noise:
            _scenes.save(self, model, noise, "flicker_noise")

    def _fit(self, model, axis):
        """Return the function that takes noise off an image."""
        detector = (model.meta.instrument.detector or "").upper()
        if self.fit_method == "median":
            return partial(_flicker.remove_stripes, axis=axis, by_channel=self.fit_by_channel)
        from jwst_cal.detector import _nsclean

        if model.data.shape[-2:] == (_flicker.FULL_FRAME, _flicker.FULL_FRAME):
            return partial(_nsclean.clean_full_frame, detector=detector)
        cut_off = CUT_OFF.get(_subarray(model), USUAL_CUT_OFF)
        return partial(_nsclean.clean_subarray, detector=detector, cut_off=cut_off)

    # parameters ---------------------------------------------------------------------------------

    def _choose(self, model, refs, axis):
        """Set parameters that suit the image."""
        rules = _flicker_parameters.RULES.get(modes.exposure_type(model))
        if rules is None:
            log.warning("autoparam has no rules for EXP_TYPE %s: parameters were used as given",
                        modes.exposure_type(model))
            return
        self.apply_flat_field = refs.flat is not None
        if model.data.ndim == 4:
            rate = self._draft(model, by_integration=False).data
        elif model.data.ndim == 3:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
                rate = np.nanmean(model.data, axis=0)
        else:
            rate = model.data
        flat = self._usable_flat(refs) if self.apply_flat_field else None
        self.background_method, self.fit_by_channel = _flicker_parameters.choose(
            _flattened(rate, flat), axis=axis, rules=rules)
        for name in ("apply_flat_field", "background_method", "fit_by_channel"):
            log.info("autoparam chose %s=%s", name, getattr(self, name))

    def _settle(self, model):
        """Change parameters that do not go together."""
        if (self.user_mask or "").lower() == "none":
            self.user_mask = None
        if self.fit_by_channel and (_subarray(model) != "FULL" or modes.is_miri(model)):
            log.warning("fit_by_channel is for full frames of near-infrared detectors: off")
            self.fit_by_channel = False
        if self.background_method != "median_image":
            return
        if self.single_mask:
            log.warning("background_method 'median_image' needs a mask for each integration: "
                        "single_mask is off")
            self.single_mask = False

    def _usable_flat(self, refs):
        """Return the flat of the subarray, filled where it is bad."""
        if refs.flat is None:
            log.warning("There is no flat for this exposure: none was applied")
            return None
        return _flicker.fill_flat(np.ascontiguousarray(refs.flat.data, np.float32))

    def _no_traces(self, model, refs):
        """Say why there is no median image of NIRISS SOSS, or None."""
        if _subarray(model) not in _soss_traces.SUBARRAYS:
            return ("background_method 'median_image' of NIRISS SOSS is not for the subarray "
                    f"{_subarray(model)}")
        if refs.pastasoss is None:
            return ("background_method 'median_image' of NIRISS SOSS needs a PASTASOSS reference, "
                    "and there is none")
        return None

    def _expected(self, model, rates, flat, refs):
        """Return what tells the image that an integration and group should show, or None."""
        if modes.exposure_type(model) == "NIS_SOSS":
            try:
                return _soss_series.expected(self, model, rates, flat, self._traces(rates, refs))
            except (InputError, ReferenceFileError) as problem:
                raise SkipStep(str(problem), failed=True) from problem
        flux = self._star(rates, flat)
        if flux is None:
            flux = _flicker.median_rates(_flattened(rates.data, flat))
        return _flicker.scaled_median(_flicker.groups(model.data), flux)

    def _star(self, rates, flat):
        """Measure the star of a time series, in each integration; None of others."""
        is_image, kind = _is_series_of_images(rates), modes.exposure_type(rates)
        if not is_image and kind not in EXTRACTED:
            return None
        data, rates.data = rates.data, _flattened(rates.data, flat)
        flux = self._photometry(rates) if is_image else self._white_light(rates)
        rates.data = data
        return flux

    def _photometry(self, rates):
        table = self.run_other("tso_photometry", rates, recommended=True)
        return table["aperture_sum"].value

    def _white_light(self, rates):
        """Add up the spectrum of the star."""
        slit = self.run_other("extract_2d", rates)
        slit.source_type = "POINT"
        spectra = self.run_other("extract_1d", slit, recommended=True)
        slit.close()
        if not len(spectra.spec):
            return np.full(len(rates.data), np.nan)
        table = spectra.spec[0].spec_table
        return _light_curves.band_sums(table["WAVELENGTH"], table["FLUX"], -np.inf, np.inf)

    # the scene ----------------------------------------------------------------------------------

    def _draft(self, ramp, *, by_integration):
        """Fit the ramp."""
        rates = _scenes.draft_rates(self, ramp)
        if rates[0] is None:
            raise InputError(f"{_name(ramp)}: no count rate can be fitted to find the background; "
                             "give a user_mask")
        return rates[by_integration]

    def _scene(self, rates, flat, refs):
        """Return where there may be background."""
        if self.user_mask is not None:
            path = self.make_input_path(self.user_mask)
            with models.open(path) as given:
                return np.asarray(given.data).astype(bool)
        usable = np.ones(rates.data.shape, bool)
        if self.mask_science_regions:
            usable &= ~self._science(rates, refs)
        return _flicker.scene_mask(_flattened(rates.data, flat), usable, n_sigma=self.n_sigma,
                                   fit_histogram=self.fit_histogram, single_mask=self.single_mask)

    def _science(self, rates, refs):
        """Return where there is known to be something else than background."""
        kind = modes.exposure_type(rates)
        if rates.dq is None:
            rates.dq = rates.get_default("dq")
        if kind == "NIS_SOSS":
            return self._near_traces(rates, refs)
        if kind == "MIR_IMAGE":
            if refs.flat is not None:
                _add_flat_flags(rates, refs.flat)
            return rates.dq & (flags.pixel["DO_NOT_USE"] | flags.pixel["NON_SCIENCE"]) != 0
        if kind.startswith("NRS"):
            return _scenes.shutters(rates)
        return np.zeros(rates.dq.shape, bool)

    def _traces(self, rates, refs):
        if refs.pastasoss is None:
            raise InputError(f"{_name(rates)}: mask_science_regions needs a PASTASOSS reference")
        source = refs.path("pastasoss") or "the open PastasossModel"
        return _soss_traces.Traces.of(refs.pastasoss, rates, source)

    def _near_traces(self, rates, refs):
        traces, shape = self._traces(rates, refs), rates.dq.shape[-2:]
        return np.logical_or.reduce([
            _soss_traces.trace_mask(shape, traces.rows(number, shape[1]))
            for number in traces.orders])


def _name(model):
    return model.meta.filename or "the exposure"


def _subarray(model):
    return (model.meta.subarray.name or "").upper()


def _is_series_of_images(model):
    kind = modes.exposure_type(model)
    return kind == "NRC_TSIMAGE" or (kind == "MIR_IMAGE" and modes.is_tso(model))


def _needs_coordinates(rates):
    """Whether the flux of a time series is measured where coordinates tell."""
    if modes.exposure_type(rates) in EXTRACTED:
        return not rates.meta.hasattr("wcs") or rates.meta.wcs is None
    return _is_series_of_images(rates)


def _line_axis(model):
    """Axis of an image that lies along the lines of equal noise."""
    if modes.is_miri(model):
        return 0
    slow = model.meta.subarray.slowaxis
    if slow is None or abs(slow) not in (1, 2):
        raise InputError(f"{_name(model)}: SLOWAXIS is {slow} where 1 or 2 is needed, of any sign")
    return abs(slow) - 1


def _flattened(data, flat):
    return data if flat is None else data / flat


def _mismatch(data, scene):
    """Say how a mask does not fit the data, or None."""
    integrations = data[0] if len(data) > 2 else None
    if scene[-2:] == data[-2:] and (len(scene) == 2 or (
            len(scene) == 3 and scene[0] == integrations)):
        return None
    return f"The mask of shape {scene} does not fit data of shape {data}"


def _add_flat_flags(rates, flat):
    """Flag what the flat field step would flag."""
    rates.dq |= _flat.clean(flat.data, flat.dq)[1]
    unknown = np.isnan(flat.err)
    for name in ("data", "err", "var_poisson", "var_rnoise"):
        if rates.hasattr(name):
            unknown = unknown | np.isnan(getattr(rates, name))
    rates.dq[unknown] |= flags.pixel["DO_NOT_USE"]
