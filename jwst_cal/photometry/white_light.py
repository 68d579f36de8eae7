"""White light: the flux of all wavelengths in every integration of a time series of spectra."""

import logging

import numpy as np

from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import Reference, Step, param
from jwst_cal.photometry import _light_curves

__all__ = ["WhiteLightStep"]

log = logging.getLogger(__name__)


class WhiteLightStep(Step):
    """
    Add up the flux over all wavelengths in every integration.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/white_light.rst.
    """

    class_alias = "white_light"
    takes = ("TSOMultiSpecModel",)
    references = {"wavelengthrange": Reference("WavelengthrangeModel", required=False)}

    min_wavelength: float | None = param(None, "Shortest wavelength that counts, um")
    max_wavelength: float | None = param(None, "Longest wavelength that counts, um")
    output_ext: str = param(".ecsv", "Extension of the table")
    suffix: str = param("whtlt", "Suffix of the table")

    def process(self, spectra, *, refs):
        """
        Make the light curves.

        Parameters
        ----------
        spectra : TSOMultiSpecModel
            Extracted spectra: one table for each order or detector, a row of it for each
            integration.
        refs : References
            ``wavelengthrange``: the wavelengths of each order of NIRISS SOSS.

        Returns
        -------
        astropy.table.QTable or None
            A row for each time; None without spectra.

        Raises
        ------
        ReferenceFileError
            If the reference does not have exactly one range for an order.
        """
        if not len(spectra.spec):
            log.error("%s: no spectra to make a light curve of", _name(spectra))
            return None
        bands = self._bands(spectra, refs)
        curves = [_curve(spec, *self._band(spec.spectral_order, bands)) for spec in spectra.spec]
        table = _table(spectra, _light_curves.columns(curves), _flux_unit(spectra.spec[0]))
        log.info("Light curve of %d times from %d table(s) of spectra", len(table), len(curves))
        if self.save_results:
            from jwst_cal import models

            path = self.make_output_path()
            models.save_table(table, path)
            log.info("Saved the table in %s", path)
        return table

    def _bands(self, spectra, refs):
        """Return the function that tells the range of an order, by the reference; None: any."""
        if spectra.meta.exposure.type != "NIS_SOSS":
            return None
        if refs.wavelengthrange is None:
            log.warning("No WAVELENGTHRANGE reference: all wavelengths of the spectra count")
            return None
        optic, rows = spectra.meta.instrument.filter, refs.wavelengthrange.wavelengthrange
        source = refs.path("wavelengthrange") or "the open WavelengthrangeModel"

        def band(order):
            found = [tuple(row)[2:] for row in rows if tuple(row)[:2] == (order, optic)]
            if len(found) != 1:
                raise ReferenceFileError(f"{source}: {len(found)} ranges of wavelength of order "
                                         f"{order}, filter {optic}, where one is needed")
            return found[0]

        return band

    def _band(self, order, bands):
        """Shortest and longest wavelength of an order; what is given as a parameter wins."""
        given = self.min_wavelength, self.max_wavelength
        from_reference = (-np.inf, np.inf) if bands is None or None not in given else bands(order)
        return tuple(b if a is None else a for a, b in zip(given, from_reference, strict=True))


def _name(spectra):
    return spectra.meta.filename or "the input"


def _curve(spec, low, high):
    """Light curve of a table of spectra."""
    table = spec.spec_table
    times = np.array(table["MJD-AVG"], np.float64)
    if table["WAVELENGTH"].ndim != 2:
        raise InputError(f"order {spec.spectral_order}: one spectrum where white_light needs one "
                         "for each integration")
    usable = _light_curves.first_of_each_time(times)
    if not usable.all():
        log.warning("Order %s: left out %d of %d spectra, without a mid-time or with that of "
                    "another", spec.spectral_order, len(usable) - usable.sum(), len(usable))
    flux = _light_curves.band_sums(table["WAVELENGTH"][usable], table["FLUX"][usable], low, high)
    return _light_curves.Curve(spec.spectral_order, spec.detector, times[usable],
                               np.array(table["TDB-MID"], np.float64)[usable], flux)


def _flux_unit(spec):
    columns = getattr(spec.spec_table, "columns", None)  # of FITS tables
    return None if columns is None else columns["FLUX"].unit


def _table(spectra, columns, unit):
    from astropy import units
    from astropy.table import QTable

    meta = spectra.meta
    table = QTable(meta={
        "instrument": meta.instrument.name, "exp_type": meta.exposure.type,
        "subarray": meta.subarray.name, "filter": meta.instrument.filter,
        "pupil": meta.instrument.pupil, "target_name": meta.target.catalog_name})
    for name, values in columns.items():
        has_unit = unit is not None and name.startswith(_light_curves.FLUX)
        table[name] = values << units.Unit(unit) if has_unit else values
    return table
