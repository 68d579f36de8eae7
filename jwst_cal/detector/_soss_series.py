"""What is expected in each integration of a NIRISS SOSS time series: sky, and a scaled median."""

import logging

import numpy as np

from jwst_cal import flags, models
from jwst_cal.detector import _flicker
from jwst_cal.errors import InputError, SkipStep
from jwst_cal.models import _files
from jwst_cal.spectroscopy import _soss_traces

__all__ = ["expected"]

log = logging.getLogger(__name__)

#: The order that tells how bright the target is, and the rows that are added up.
ORDER, WIDTH = 1, 15


def expected(step, model, rates, flat, traces):
    """
    Make the image that is expected in each integration and group.

    Parameters
    ----------
    step : Step
        The step that asks.
    model : RampModel or CubeModel
        What is to be cleaned.
    rates : CubeModel
        Its count rates, which are left alone.
    flat : float32 [row, col] or None
        Divided out where rates are measured.
    traces : Traces
        Where the spectra lie.

    Returns
    -------
    callable or None
        Takes integration and group, returns the image: the sky, and the median of what is left,
        scaled by the light of the target. None if no integration has light.

    Raises
    ------
    SkipStep
        If an integration has no sky.
    """
    shown = _files.shallow_copy(rates)
    if flat is not None:
        shown.data = rates.data / flat
    bare = step.run_other("bkg_subtract", shown)
    sky = shown.data - bare.data
    for number, image in enumerate(sky):
        _fill(image, number)
    if flat is not None:
        sky *= flat
    if model.data.ndim == 4:
        seconds = _read_times(model)
        groups = (group - sky * time
                  for group, time in zip(_flicker.groups(model.data), seconds, strict=True))
    else:
        seconds, groups = [1.0], [bare.data if flat is None else bare.data * flat]
    scaled = _flicker.scaled_median(groups, _light_curve(step, bare, traces))
    return scaled and (lambda integration, group: scaled(integration, group)
                       + sky[integration] * seconds[group])


def _fill(image, number):
    """Give pixels without a sky that of their neighbours."""
    known = np.isfinite(image)
    if not known.any():
        raise SkipStep(f"integration {number + 1} has no sky to make a median image with",
                       failed=True)
    if not known.all():
        level = _flicker.background_level(image, known.copy(), method="model")
        image[~known] = level if np.ndim(level) == 0 else level[~known]


def _read_times(ramp):
    """Seconds after the reset at which groups are done."""
    meta = ramp.meta.exposure
    known = {"NFRAMES": meta.nframes, "GROUPGAP": meta.groupgap, "TFRAME": meta.frame_time}
    missing = [keyword for keyword, value in known.items() if value is None]
    if missing:
        raise InputError(f"{ramp.meta.filename or 'the ramp'}: {', '.join(missing)} missing, which "
                         "'median_image' needs")
    return [(meta.nframes + (meta.nframes + meta.groupgap) * group) * meta.frame_time
            for group in range(ramp.data.shape[1])]


def _light_curve(step, rates, traces):
    """Light of the target in each integration."""
    columns, rows, _ = traces.points(ORDER)
    weights = _soss_traces.box_weights(rates.data.shape[-2:], columns.astype(int), rows, WIDTH)
    flux = _soss_traces.box_sums(rates.data, rates.dq & flags.pixel["DO_NOT_USE"] == 0, weights)
    wavelength = traces.wavelength_map(ORDER, weights.shape)[0]
    lit = weights.any(axis=0) & ~np.isnan(wavelength)
    table = step.run_other("white_light", _spectra(rates, wavelength[lit], flux[:, lit]))
    return np.asarray(table["whitelight_flux"])


def _spectra(rates, wavelength, flux):
    """Spectra as extract_1d would give them."""
    spectra = models.new("TSOMultiSpecModel", rates, only="PRIMARY")
    spec = models.TSOSpecModel()
    vectors = {"WAVELENGTH": wavelength, "FLUX": flux}
    table = np.zeros(len(flux), [(name, kind, *((len(wavelength),) if name in vectors else ()))
                                 for name, kind in spec.get_dtype("spec_table").descr])
    for name, values in vectors.items():
        table[name] = values
    table["MJD-AVG"] = np.arange(len(flux))  # times that tell integrations apart
    spec.spec_table, spec.spectral_order = table, ORDER
    spectra.spec.append(spec)
    return spectra
