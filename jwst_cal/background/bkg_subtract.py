"""Background subtraction: the mean of background exposures, or a scaled template of the sky."""

import logging
import os

import numpy as np

from jwst_cal import flags, modes
from jwst_cal.background import _average, _soss
from jwst_cal.errors import InputError
from jwst_cal.framework import Reference, SkipStep, Step, param

__all__ = ["BackgroundStep"]

log = logging.getLogger(__name__)

#: Modes whose background is a reference file, in ways that this release does not have.
FROM_REFERENCE = frozenset({"NIS_WFSS", "NRC_WFSS", "MIR_WFSS"})
#: Percentiles of NIRISS SOSS, where none are given.
USUAL_PERCENTILES = (25.0, 50.0)
NO_SKY = flags.pixel["DO_NOT_USE"] | flags.pixel["REFERENCE_PIXEL"]
#: NIRSpec backgrounds must have been taken with the grating wheel in the same place.
TILT_TOLERANCE = 1e-8


class BackgroundStep(Step):
    """
    Subtract the clipped mean of background exposures; of NIRISS SOSS a template of the sky.

    Notes
    -----
    Differs from jwst 3.0.0: a background of another subarray is put where it belongs, and does
    not count where it has no value; wide-field slitless spectra are refused.
    """

    class_alias = "bkg_subtract"
    references = {
        "bkg": Reference("WfssBkgModel", required=False),
        "wavelengthrange": Reference("WavelengthrangeModel", required=False),
    }

    bkg_list: list[str] = param(None, "Background exposures, where none are given otherwise")
    save_combined_background: bool = param(False, "Save the mean, as _combinedbackground")
    sigma: float = param(3.0, "Values farther from the median than this are left out, in sigma")
    maxiters: int = param(None, "Rounds of clipping; None for as many as change something")
    # modes with a background reference file
    soss_source_percentile: float = param(
        35.0, "Values from this percentile on are sources (SOSS)")
    soss_bkg_percentile: list[float] = param(
        None, "Lowest and highest percentile of the ratios to the template that give its scale "
              "(SOSS); None for 25, 50", min_length=2, max_length=2)
    wfss_mmag_extract: float = param(None, "Sources fainter than this are not masked (WFSS)")
    wfss_mask: str = param(None, "File with a mask of the sky pixels (WFSS)")
    wfss_maxiter: int = param(5, "Most rounds of scaling and clipping (WFSS)")
    wfss_rms_stop: float = param(0.0, "Stop when the scatter changes by less, percent (WFSS)")
    wfss_outlier_percent: float = param(1.0, "Share of the outliers left out, percent (WFSS)")

    #: For the modes that this release does not do.
    accepted = ("wfss_mmag_extract", "wfss_mask", "wfss_maxiter", "wfss_rms_stop",
                "wfss_outlier_percent", "wavelengthrange")

    def process(self, science, backgrounds=None, *, refs):
        """
        Subtract the background from the values and join the flags; errors stay.

        Parameters
        ----------
        science : ImageModel, CubeModel, association
            Count rates. Of an association the first product's science exposure is used, and its
            members of the role ``background``.
        backgrounds : str or list, optional
            Background exposures: file names or open models; a string may hold several names,
            separated by commas. ``bkg_list`` otherwise. Not used for NIRISS SOSS.
        refs : References
            ``bkg``: templates of the sky of NIRISS SOSS.

        Returns
        -------
        ImageModel or CubeModel
            The exposure without its background.

        Raises
        ------
        InputError
            If a background cannot be read or is of another detector, or the mode is not part of
            this release.
        """
        if hasattr(science, "asn_table"):
            science, backgrounds = _members(science)
        kind = modes.exposure_type(science)
        if kind in FROM_REFERENCE:
            raise InputError(f"{science.meta.filename or 'the input'}: EXP_TYPE={kind}; this "
                             "release does not scale the sky of wide-field slitless spectra")
        if kind == "NIS_SOSS":
            return self._without_template(science, refs)
        chosen = self.bkg_list if backgrounds is None else backgrounds
        if isinstance(chosen, str):
            chosen = chosen.split(",")
        chosen = [item for item in chosen or () if not isinstance(item, str) or item.strip()]
        if not chosen:
            raise SkipStep("no background exposures were given")
        mean, dq, n_without = self._mean(science, chosen)
        if self.save_combined_background:
            self._save(science, *mean, dq)
        science.data -= mean[0].astype(science.data.dtype)
        science.dq |= dq
        log.info("Mean of %d background exposure(s) subtracted; median %.6g%s%s", len(chosen),
                 np.median(mean[0]),
                 f" {science.meta.bunit_data}" if science.meta.bunit_data else "",
                 f"; {n_without} pixels, of which it has no value, stay" if n_without else "")
        if n_without == dq.size:
            log.warning("The backgrounds have no value in any pixel: nothing was subtracted")
        return science

    def _without_template(self, science, refs):
        """Subtract the sky of NIRISS SOSS; the array that was given stays as it is."""
        reference = refs.opened("bkg", "SossBkgModel")
        if reference is None:
            raise SkipStep("there is no BKG reference file")
        templates = _soss.in_subarray(reference.data, science.data.shape[-2:])
        if templates is None:
            raise SkipStep("the BKG reference file has templates of {} x {} pixels, the exposure "
                           "{} x {}".format(*reference.data.shape[-2:], *science.data.shape[-2:]))
        sky = _soss.fit_sky(science.data, science.dq & NO_SKY == 0, templates,
                            source_percentile=self.soss_source_percentile,
                            percentiles=self.soss_bkg_percentile or USUAL_PERCENTILES)
        if sky is None:
            raise SkipStep("no template of the sky can be scaled to the exposure")
        science.data = (science.data - sky.image).astype(science.data.dtype)
        log.info("Template %d of %d subtracted, scaled by %.4f and %.4f left and right of its step",
                 sky.number + 1, len(templates), *sky.scales)
        return science

    def _mean(self, science, backgrounds):
        """Mean and error of the backgrounds, their flags, and how many pixels have no value."""
        shape = science.data.shape[-2:]
        values = np.full((len(backgrounds), *shape), np.nan)
        squares = np.full_like(values, np.nan)
        dq = np.zeros(shape, np.uint32)
        window = _window(science)
        for number, item in enumerate(backgrounds):
            name, model = self._opened(item)
            _check(science, model, name)
            placed = _average.onto(window, _window(model), model.data, model.err, model.dq)
            if placed is None:
                log.warning("%s shares no pixel with the exposure and is not used", name)
                continue
            data, err, flags = placed
            if science.data.ndim == 3:
                with np.errstate(invalid="ignore"):
                    variance = err.astype(np.float64) ** 2
                mean, _, kept = _average.clipped_mean(data, variance, **self._clipping)
                values[number] = np.where(kept > 0, mean, np.nan)
                mean, _, kept = _average.clipped_mean(variance, variance, **self._clipping)
                squares[number] = np.where(kept > 0, mean, np.nan)
                flags = np.bitwise_or.reduce(flags, axis=0)
            else:
                values[number] = data
                squares[number] = err.astype(np.float64) ** 2
            dq |= flags
            if model is not item:
                model.close()
        mean, total, kept = _average.clipped_mean(values, squares, **self._clipping)
        error = np.divide(np.sqrt(total), kept, out=np.zeros(shape), where=kept > 0)
        return (mean, error), dq, np.count_nonzero(kept == 0)

    @property
    def _clipping(self):
        return {"sigma": self.sigma, "maxiters": self.maxiters}

    def _opened(self, item):
        if not isinstance(item, str | os.PathLike):
            return item.meta.filename or "the open background", item
        from jwst_cal import models

        path = self.make_input_path(os.fspath(item).strip())
        log.info("Background %s", path)
        return path, models.open_exposure(path)

    def _save(self, science, mean, error, dq):
        from stdatamodels.jwst import datamodels

        combined = datamodels.ImageModel(data=mean.astype(np.float32),
                                         err=error.astype(np.float32), dq=dq)
        combined.update(science, only="PRIMARY")
        self.save_model(combined, suffix="combinedbackground", force=True)


def _members(container):
    """Science exposure and backgrounds of an association."""
    roles = {role: [container[k] for k in container.ind_asn_type(role)]
             for role in ("science", "background")}
    if not roles["science"]:
        raise InputError(f"{container.asn_table_name}: no member of the role 'science'")
    if len(roles["science"]) > 1:
        log.warning("%s: %d science exposures, the first is used", container.asn_table_name,
                    len(roles["science"]))
    return roles["science"][0], roles["background"]


def _check(science, background, name):
    if getattr(background, "data", None) is None or not hasattr(background, "err"):
        raise InputError(f"{name}: no count rates (SCI, ERR); this is {type(background).__name__}")
    if background.data.ndim != science.data.ndim:
        raise InputError(f"{name}: one image where the exposure has integrations; give its "
                         "_rateints product" if science.data.ndim == 3 else
                         f"{name}: integrations where the exposure is one image; give its _rate "
                         "product")
    ours, theirs = science.meta.instrument, background.meta.instrument
    if (ours.name, ours.detector) != (theirs.name, theirs.detector):
        raise InputError(f"{name}: a background of {theirs.name} {theirs.detector} for an exposure "
                         f"of {ours.name} {ours.detector}")
    if modes.is_nirspec(science):
        for axis in ("gwa_xtilt", "gwa_ytilt"):
            a, b = getattr(ours, axis), getattr(theirs, axis)
            if a is None or b is None or abs(a - b) > TILT_TOLERANCE:
                raise SkipStep(f"{name}: the grating wheel stood at {axis}={b}, that of the "
                               f"exposure at {a}")


def _window(model):
    """First row and column (from 0), rows and columns."""
    sub, (n_rows, n_cols) = model.meta.subarray, model.data.shape[-2:]
    return (sub.ystart or 1) - 1, (sub.xstart or 1) - 1, n_rows, n_cols
