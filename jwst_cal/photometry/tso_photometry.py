"""TSO photometry: the flux of one star in every integration of a time series of images."""

import logging
import os

import numpy as np
from stdatamodels.jwst.datamodels import GainModel

from jwst_cal import flags
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.framework import Reference, Step, param
from jwst_cal.photometry import _time_series

__all__ = ["TSOPhotometryStep"]

log = logging.getLogger(__name__)


class TSOPhotometryStep(Step):
    """
    Measure a star in every integration with a circular aperture.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/tso_photometry.rst.
    """

    class_alias = "tso_photometry"
    takes = ("CubeModel",)
    references = {"gain": Reference(GainModel, crop=True)}

    save_catalog: bool = param(False, "Save the table of each exposure")
    radius: float = param(3.0, "Radius of the aperture, pixels")
    radius_inner: float = param(4.0, "Inner radius of the ring of background, pixels")
    radius_outer: float = param(5.0, "Outer radius of the ring of background, pixels")
    centroid_source: bool = param(True, "Find the star before it is measured")
    search_box_width: int = param(41, "Box in which it is looked for, pixels; odd")
    fit_box_width: int = param(11, "Box in which its centroid and width are found, pixels; odd")
    moving_centroid: bool = param(False, "Let the aperture follow the star from integration to "
                                         "integration")

    def process(self, cube, *, refs):
        """
        Measure the star.

        Parameters
        ----------
        cube : CubeModel
            Calibrated integrations, MJy/sr or DN/s, with coordinates and INT_TIMES.
        refs : References
            ``gain``, e-/DN, opened for DN/s.

        Returns
        -------
        astropy.table.QTable
            A row for each integration; meta tells the instrument and the aperture.

        Raises
        ------
        InputError
            If the place of the star, the unit, the coordinates or the times are missing.
        ParameterError
            If the radii are not those of a circle and a ring.
        """
        self._check(cube)
        planned = (cube.meta.wcsinfo.siaf_xref_sci - 1, cube.meta.wcsinfo.siaf_yref_sci - 1)
        factor, unit = self._unit(cube, refs)
        series = _time_series.Series(
            cube.data, cube.err, (cube.dq & flags.pixel["DO_NOT_USE"]) != 0, factor)
        found = self._find(series, planned) if self.centroid_source else None
        place = self._place(found, planned)
        whole = (cube.meta.instrument.pupil == "WLP8" and cube.meta.subarray.name == "SUB64P")
        sums = series.totals() if whole else series.apertures(
            *place, self.radius, self.radius_inner, self.radius_outer)
        table = self._table(cube, unit, sums, place, found, whole)
        if self.save_catalog:
            self._save(cube, table)
        return table

    def _check(self, cube):
        if not (self.radius > 0 and 0 < self.radius_inner < self.radius_outer):
            raise ParameterError(
                "Parameters 'radius', 'radius_inner' and 'radius_outer' of tso_photometry: "
                f"{self.radius}, {self.radius_inner}, {self.radius_outer} where the radius of a "
                "circle, and those of a ring, are needed")
        name = cube.meta.filename or "the input"
        missing = [keyword for keyword, value in (
            ("XREF_SCI", cube.meta.wcsinfo.siaf_xref_sci),
            ("YREF_SCI", cube.meta.wcsinfo.siaf_yref_sci),
            ("BUNIT of SCI", cube.meta.bunit_data),
            ("BUNIT of ERR", cube.meta.bunit_err)) if value is None]
        if missing:
            raise InputError(f"{name}: {' and '.join(missing)} missing; tso_photometry needs the "
                             "place of the target and the unit")
        if not hasattr(cube.meta, "wcs") or cube.meta.wcs is None:
            raise InputError(f"{name}: no coordinates (WCS); run assign_wcs first")
        if not cube.hasattr("int_times") or cube.int_times is None or not len(cube.int_times):
            raise InputError(f"{name}: no INT_TIMES table, which tso_photometry takes the times of "
                             "the integrations from")

    def _unit(self, cube, refs):
        """What the values are multiplied by, and the unit they then have."""
        if cube.meta.bunit_data == "MJy/sr":
            return np.float32(1e6 * cube.meta.photometry.pixelarea_steradians), "Jy"
        if cube.meta.bunit_data == "DN/s":
            gain = refs.gain.data
            return (cube.meta.exposure.integration_time * gain).astype(np.float32), "electron"
        log.warning("Unexpected unit of the data: %s; the table is in this unit",
                    cube.meta.bunit_data)
        return np.float32(1), cube.meta.bunit_data

    def _find(self, series, planned):
        """Centroids in all integrations: roughly around the planned place, then where it is."""
        search, fit = (_odd(*box) for box in (
            ("search_box_width", self.search_box_width), ("fit_box_width", self.fit_box_width)))
        found = series.centroids(*planned, search, self.radius_inner)
        if not np.isfinite(found).any():
            log.warning("The star could not be found in any integration")
            return _time_series.Found(found, None, None)
        place = np.nanmedian(found, axis=1)
        centroids = series.centroids(*place, fit, self.radius_inner)
        widths, fluxes = series.fit_gaussians(centroids, fit, place, self.radius_inner)
        return _time_series.Found(centroids, widths, fluxes)

    def _place(self, found, planned):
        if found is None:
            log.info("Aperture at the planned place x, y = %.2f, %.2f", *planned)
        elif not np.isfinite(found.centroids).any(axis=1).all():
            log.warning("No centroid: aperture at the planned place x, y = %.2f, %.2f", *planned)
        elif self.moving_centroid:
            log.info("Aperture follows the star; median x, y = %.2f, %.2f",
                     *np.nanmedian(found.centroids, axis=1))
            return found.centroids
        else:
            place = np.nanmedian(found.centroids, axis=1)
            log.info("Aperture at the median centroid x, y = %.2f, %.2f", *place)
            return place
        return planned

    def _table(self, cube, unit, sums, place, found, whole):
        from astropy import units
        from astropy.table import QTable

        meta = cube.meta
        info = ("Photometry measured as the sum of all values in the subarray.  No background "
                "subtraction was performed." if whole else
                f"Photometry measured in a circular aperture of r={self.radius} pixels.  "
                "Background calculated as the mean in a circular annulus with "
                f"r_inner={self.radius_inner} pixels and r_outer={self.radius_outer} pixels.")
        table = QTable(meta={
            "instrument": meta.instrument.name, "detector": meta.instrument.detector,
            "channel": meta.instrument.channel, "subarray": meta.subarray.name,
            "filter": meta.instrument.filter, "pupil": meta.instrument.pupil,
            "target_name": meta.target.catalog_name, "apertures": info})
        table["MJD"], table["BJD_TDB"] = self._times(cube)
        flux, pixel, degree = units.Unit(unit), units.pix, units.deg
        for name, values in sums.items():
            # without a background there are no values to have a unit
            table[name] = values << flux if np.isfinite(values).any() or not whole else values
        x, y = (np.broadcast_to(np.asarray(c, dtype=np.float64), len(table)).copy() for c in place)
        table["aperture_x"], table["aperture_y"] = x << pixel, y << pixel
        ra, dec = meta.wcs(x, y)
        table["aperture_ra_icrs"], table["aperture_dec_icrs"] = ra << degree, dec << degree
        if found is not None:
            table["centroid_x"], table["centroid_y"] = found.centroids << pixel
            if found.widths is not None:
                table["psf_width_x"], table["psf_width_y"] = found.widths << pixel
                table["psf_flux"] = found.fluxes << flux
        return table

    def _times(self, cube):
        """Mid-times of the integrations of this segment, MJD: UTC, and TDB at the barycentre."""
        times, n = cube.int_times, len(cube.data)
        first = cube.meta.exposure.integration_start or 1
        start = first - int(times["integration_number"][0])
        rows = times[max(start, 0):start + n]
        if start < 0 or len(rows) < n:
            raise InputError(
                f"{cube.meta.filename}: INT_TIMES has integrations "
                f"{times['integration_number'][0]} to {times['integration_number'][-1]} where "
                f"{first} to {first + n - 1} are needed")
        return (np.array(rows[name], dtype=np.float64)
                for name in ("int_mid_MJD_UTC", "int_mid_BJD_TDB"))

    def _save(self, cube, table):
        from jwst_cal import models
        from jwst_cal.framework import products

        root, _ = os.path.splitext(cube.meta.filename)
        name = products.replace_suffix(root, "phot") + ".ecsv"
        path = os.path.join(products.output_dir(products.names_of(self)), name)
        models.save_table(table, path)
        log.info("Saved the table of photometry in %s", path)


def _odd(name, width):
    if width % 2 == 0:
        width -= 1
        log.warning("Even widths of boxes are not supported; %s becomes %d", name, width)
    return width
