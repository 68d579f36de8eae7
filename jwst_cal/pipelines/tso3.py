"""Stage 3 of time series: integrations to a light curve."""

import logging

from jwst_cal import modes
from jwst_cal.errors import InputError
from jwst_cal.framework import Chain, Pipeline
from jwst_cal.framework.group_step import open_library

log = logging.getLogger(__name__)


class Tso3Pipeline(Pipeline):
    """
    Flag outliers among the integrations of a time series and measure its star in each.

    The chains are the order. Products of images: ``crfints``, each exposure with its outliers
    flagged, and ``phot``, one table of all integrations (returned). Spectra are not part of this
    release.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/pipelines/calwebb_tso3.rst.
    """

    class_alias = "calwebb_tso3"

    clean = Chain("outlier_detection")
    measure = Chain("tso_photometry")
    extract = Chain("adaptive_trace_model", "pixel_replace", "extract_1d", "photom", "white_light")

    def wanted_references(self):
        """Return the types that are found before anything is computed, each with its step."""
        # the others are found where they are needed: images have none for spectra
        return {"gain": self.tso_photometry, "readnoise": self.outlier_detection}

    def process(self, given):
        """
        Run stage 3 of a time series.

        Parameters
        ----------
        given : str, path, association, ModelLibrary, ModelContainer, data model, list of them
            Calibrated integrations (``calints``), segment by segment.

        Returns
        -------
        astropy.table.QTable or None
            A row for each integration; None where nothing could be measured.

        Raises
        ------
        InputError
            If the input is no time series of images.
        """
        library = open_library(self, given, exptypes=["science"], on_disk=True)
        if self.output_file is None:
            self.output_file = library.asn["products"][0].get("name")
        self.asn_id = library.asn.get("asn_id")
        self.outlier_detection.mode = "tso"
        tables = []
        with library:
            for index in range(len(library)):
                cube = library.borrow(index)
                self._check(cube)
                tables.append(self._exposure(cube))
                library.shelve(cube, index, modify=False)
        tables = [table for table in tables if table is not None]
        if not tables:
            log.warning("Nothing was measured: there is no table of photometry")
            return None
        return self._joined(tables)

    def _check(self, cube):
        name = cube.meta.filename or "the input"
        if not modes.is_tso(cube):
            raise InputError(f"{name}: no time series (TSOVISIT, EXP_TYPE "
                             f"{cube.meta.exposure.type}); calwebb_tso3 needs one")
        if modes.exposure_type(cube) not in ("NRC_TSIMAGE", "MIR_IMAGE"):
            raise InputError(f"{name}: EXP_TYPE {cube.meta.exposure.type}; this release takes time "
                             "series of images only: NRC_TSIMAGE, MIR_IMAGE")

    def _exposure(self, cube):
        """Clean and measure one segment."""
        if cube.data.ndim < 3:
            log.warning("%s has no integrations; outlier_detection is left out",
                        cube.meta.filename)
        else:
            name = cube.meta.filename
            cube = self.clean(cube)
            if cube.meta.cal_step.outlier_detection == "COMPLETE" and self.save_results:
                if self.asn_id is not None:
                    name = name.replace(f"_{self.asn_id}", "")
                self.save_model(cube, output_file=name, suffix="crfints", asn_id=self.asn_id)
                cube.meta.filename = name
        if self.tso_photometry.skip:
            return None
        return self.measure(cube)

    def _joined(self, tables):
        from astropy.table import vstack

        from jwst_cal import models

        table = vstack(tables, metadata_conflicts="silent")
        table.meta["number_of_integrations"] = len(table)
        if self.save_results:
            path = models.save_table(table, self.make_output_path(suffix="phot", ext="ecsv"))
            log.info("Saved the table of photometry in %s", path)
        return table
