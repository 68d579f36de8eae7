"""Photom: count rates to surface brightness."""

import logging
import math

import numpy as np

from jwst_cal import modes
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import Reference, SkipStep, Step, param
from jwst_cal.kernels import pixels
from jwst_cal.models import invalid, requirements
from jwst_cal.response import _time_dependence

__all__ = ["PhotomStep"]

log = logging.getLogger(__name__)

#: MJy/sr in microjansky per square arcsecond.
MICROJANSKY_PER_ARCSEC2 = 1e12 * math.radians(1 / 3600) ** 2

#: Data model of the photom reference of images.
_MODELS = {"NIRCAM": "NrcImgPhotomModel", "NIRISS": "NisImgPhotomModel",
           "MIRI": "MirImgPhotomModel", "FGS": "FgsImgPhotomModel"}
#: Columns of its table that must agree with the exposure.
_KEYS = {"NIRCAM": ("filter", "pupil"), "NIRISS": ("filter", "pupil"),
         "MIRI": ("filter", "subarray"), "FGS": ()}


class PhotomStep(Step):
    """
    Convert count rates to surface brightness, MJy/sr.

    Notes
    -----
    Differs from jwst 3.0.0: spectra are refused.
    """

    class_alias = "photom"
    takes_light = True
    references = {
        "photom": Reference("NrcImgPhotomModel"),
        "area": Reference("PixelAreaModel", required=False),
    }

    inverse: bool = param(False, "Divide by the conversion instead: undo an earlier run")
    source_type: str = param(None, "Take the source for this, POINT or EXTENDED (spectra)")
    apply_time_correction: bool = param(True, "Correct for the loss of throughput with time")

    #: For spectra, which this release does not do.
    accepted = ("source_type",)

    def process(self, science, *, refs):
        """
        Multiply data and errors by the conversion of the exposure's filter, in place.

        Parameters
        ----------
        science : ImageModel or CubeModel
            Flat-fielded count rates, DN/s.
        refs : References
            ``photom``, and ``area``, which goes into the product.

        Returns
        -------
        ImageModel or CubeModel
            The same model in MJy/sr, with PHOTMJSR, PHOTUJA2, PIXAR_SR, PIXAR_A2 and AREA.

        Raises
        ------
        InputError
            For spectra.
        ReferenceFileError
            If several rows of the reference fit the exposure.
        """
        kind = modes.exposure_type(science)
        if type(science).__name__ not in ("ImageModel", "CubeModel"):
            raise SkipStep(f"photom takes ImageModel or CubeModel, this is "
                           f"{type(science).__name__}")
        if not modes.is_imaging(science) or modes.is_nirspec(science):
            raise InputError(f"{science.meta.filename or 'the input'}: EXP_TYPE={kind}; this "
                             "release calibrates the flux of images of NIRCam, NIRISS, MIRI, FGS")
        if modes.is_niriss(science) and type(science).__name__ == "CubeModel":
            raise SkipStep("NIRISS cubes have no flux calibration")
        photom = refs.opened("photom", _model_of(science))
        _attach_area(science, photom, refs.area)
        row = _row_of(science, photom)
        if row is not None:
            factor = photom.phot_table[row]["photmjsr"]
            if self.apply_time_correction:
                change = self._throughput(science, photom)[row]
                if change != 1.0:
                    log.info("Throughput relative to that of the reference: %.6g", change)
                    factor = factor / change
            self._convert(science, factor)
        return science

    def _throughput(self, science, photom):
        try:
            return _time_dependence.factors(photom, science.meta.exposure.mid_time)
        except ValueError as error:
            raise ReferenceFileError(f"{photom.meta.filename}: {error}") from error

    def _convert(self, science, factor):
        science.meta.photometry.conversion_megajanskys = factor
        science.meta.photometry.conversion_microjanskys = factor * MICROJANSKY_PER_ARCSEC2
        for name, scale in (("data", factor), ("err", factor), ("var_poisson", factor * factor),
                            ("var_rnoise", factor * factor), ("var_flat", factor * factor)):
            values = requirements.changeable(science, name)
            if values is not None:
                pixels.scale([values], [scale], divide=self.inverse)
        unit = "DN/s" if self.inverse else "MJy/sr"
        science.meta.bunit_data = science.meta.bunit_err = unit
        invalid.reconcile(science)
        log.info("PHOTMJSR: %.6g; the data are in %s", factor, unit)


def _model_of(science):
    """Data model of the photom reference."""
    return _MODELS[science.meta.instrument.name.upper()]


def _row_of(science, photom):
    """Row of the table for the exposure, or None."""
    if photom.phot_table is None:
        raise ReferenceFileError(f"{photom.meta.filename}: no table of photometry (PHOTOM)")
    instrument = science.meta.instrument
    given = {"filter": instrument.filter, "pupil": instrument.pupil,
             "subarray": science.meta.subarray.name}
    keys = _KEYS[instrument.name.upper()]
    if not keys:
        return 0
    if modes.is_nircam(science) and "subarray" in photom.phot_table.dtype.names:
        keys = (*keys, "subarray")
    wanted = {key: (given[key] or "").upper() for key in keys}
    tries = [wanted]
    if modes.is_miri(science):
        tries.append(wanted | {"subarray": "GENERIC"})
    for values in tries:
        found = _matches(photom.phot_table, values)
        if len(found) > 1:
            raise ReferenceFileError(f"{photom.meta.filename}: {len(found)} rows for "
                                     f"{_text(values)} where one is needed")
        if len(found):
            return found[0]
    log.warning("%s has no row for %s: the data stay in DN/s", photom.meta.filename,
                _text(wanted))
    return None


def _text(values):
    return ", ".join(f"{key} {value}" for key, value in values.items())


def _matches(table, values):
    fits = np.ones(len(table), bool)
    for key, value in values.items():
        texts = np.char.strip(np.asarray(table[key]).astype(str))
        fits &= np.char.upper(texts) == value
    return np.flatnonzero(fits)


def _attach_area(science, photom, area):
    """Put the map of pixel areas and their mean into the product."""
    source = photom
    if area is not None:
        sub = science.meta.subarray
        rows = slice(sub.ystart - 1, sub.ystart - 1 + sub.ysize)
        cols = slice(sub.xstart - 1, sub.xstart - 1 + sub.xsize)
        science.area = np.ascontiguousarray(area.data[rows, cols], np.float32)
        source = area
    found = source.meta.photometry
    for name, keyword in (("pixelarea_steradians", "PIXAR_SR"), ("pixelarea_arcsecsq", "PIXAR_A2")):
        value = getattr(found, name, None)
        if value is None:
            log.warning("%s: %s is missing", source.meta.filename, keyword)
        setattr(science.meta.photometry, name, None if value is None else float(value))
