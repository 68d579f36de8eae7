"""Source catalogue: positions, fluxes and shapes of the sources in a mosaic."""

import logging
import os

import numpy as np

from jwst_cal.errors import InputError, ParameterError, ReferenceFileError
from jwst_cal.framework import Reference, Step, param
from jwst_cal.photometry import _apertures, _catalog, _finders

__all__ = ["SourceCatalogStep"]

log = logging.getLogger(__name__)

#: Data models of the aperture corrections, by instrument.
APCORR = {"NIRCAM": "NrcImgApcorrModel", "NIRISS": "NisImgApcorrModel",
          "MIRI": "MirImgApcorrModel", "FGS": "FgsImgApcorrModel"}
#: Columns of the two references, and what of the header they are compared with.
APCORR_KEYS = {"NIRCAM": ("filter", "pupil"), "NIRISS": ("filter", "pupil"),
               "MIRI": ("filter", "subarray"), "FGS": ()}
OFFSET_KEYS = {"NIRCAM": ("filter", "pupil"), "NIRISS": ("filter", "pupil"),
               "MIRI": ("filter",), "FGS": ("detector",)}
#: Apertures where there is no reference.
PLAIN = _apertures.Apertures(np.array((1, 2, 3)), np.array((1.0, 2.0, 3.0)),
                             np.array((1.0, 1.0, 1.0)), 5.0, 10.0)


class SourceCatalogStep(Step):
    """
    Make a catalogue of the sources in a combined image.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/source_catalog.rst.
    """

    class_alias = "source_catalog"
    takes_light = True
    takes = ("ImageModel",)
    references = {
        "apcorr": Reference("NrcImgApcorrModel", required=False),
        "abvegaoffset": Reference("ABVegaOffsetModel", required=False),
    }

    aperture_ee1: int = param(30, "Encircled energy of the smallest aperture, percent")
    aperture_ee2: int = param(50, "Encircled energy of the middle aperture, percent")
    aperture_ee3: int = param(70, "Encircled energy of the largest aperture, percent")
    ci1_star_threshold: float = param(2.0, "Largest concentration of stars, middle to smallest")
    ci2_star_threshold: float = param(1.8, "Largest concentration of stars, largest to middle")
    suffix: str = param("cat", "Suffix of the catalogue")
    starfinder: str = param("segmentation", "How sources are found",
                            choices=("dao", "iraf", "segmentation"))
    snr_threshold: float = param(3.0, "Threshold above the background, in sigma of the noise")
    bkg_boxsize: int = param(1000, "Side of the boxes that the background is measured in, pixels")
    kernel_fwhm: float = param(2.0, "FWHM of the Gaussian kernel, in pixels")
    minsep_fwhm: float = param(0.0, "dao, iraf: least distance of two sources, in FWHM")
    sigma_radius: float = param(1.5, "dao, iraf: radius of the kernel, in sigma")
    sharplo: float = param(0.5, "dao, iraf: least sharpness")
    sharphi: float = param(2.0, "dao, iraf: largest sharpness")
    roundlo: float = param(0.0, "dao, iraf: least roundness")
    roundhi: float = param(0.2, "dao, iraf: largest roundness")
    brightest: int = param(200, "dao, iraf: keep so many of the brightest sources")
    peakmax: float = param(None, "dao, iraf: largest value of a pixel of a source, MJy/sr")
    npixels: int = param(25, "segmentation: least number of connected pixels")
    connectivity: str = param("8", "segmentation: neighbours of a pixel", choices=("4", "8"))
    nlevels: int = param(32, "segmentation: number of levels to take sources apart")
    contrast: float = param(0.001, "segmentation: least part of the flux that is a source")
    multithresh_mode: str = param("exponential", "segmentation: spacing of those levels",
                                  choices=("exponential", "linear", "sinh"))
    localbkg_width: int = param(0, "segmentation: width of the ring of the local background")
    apermask_method: str = param("correct", "segmentation: what becomes of neighbours",
                                 choices=("correct", "mask", "none"))
    kron_params: list[float] = param(None, "segmentation: parameters of Kron apertures",
                                     min_length=2, max_length=3)
    deblend: bool = param(True, "segmentation: take sources apart")

    def process(self, image, *, refs):
        """
        Find and measure the sources.

        Parameters
        ----------
        image : ImageModel
            Combined image, MJy/sr, with coordinates, ERR and WHT.
        refs : References
            ``apcorr``: apertures and their corrections; ``abvegaoffset``: AB less Vega magnitudes.

        Returns
        -------
        astropy.table.QTable or None
            The catalogue; None without sources or without a row in the references.

        Raises
        ------
        InputError
            If unit, pixel area, coordinates or weights are missing.
        ParameterError
            If the encircled energies do not increase or are no percentages.
        """
        self._check(image)
        try:
            apertures = self._apertures(image, refs)
            offset = self._offset(image, refs)
        except LookupError as reason:
            log.warning("%s. There will be no catalogue", reason.args[0])
            return None
        to_jy = np.float32(1e6 * image.meta.photometry.pixelarea_steradians)
        data, error = (np.ascontiguousarray(array, np.float32) * to_jy
                       for array in (image.data, image.err))
        options = self.options_for(_finders.Search)
        if self.peakmax is not None:
            options["peakmax"] = float(self.peakmax * to_jy)
        found, segments = _finders.find_sources(
            data, error, np.isnan(image.err) | (image.wht == 0), _finders.Search(**options),
            wcs=image.meta.wcs)
        if not len(found):
            log.warning("No sources found: there will be no catalogue")
            return None
        log.info("%d sources", len(found))
        catalogue = _catalog.build(
            data, error, found, apertures, offset, wcs=image.meta.wcs,
            reference_pixel=(image.meta.wcsinfo.crpix1 - 1, image.meta.wcsinfo.crpix2 - 1),
            fwhm=self.kernel_fwhm,
            star_limits=(self.ci1_star_threshold, self.ci2_star_threshold))
        if self.save_results:
            self._save(image, catalogue, segments)
        return catalogue

    def _check(self, image):
        name = image.meta.filename or "the input"
        for keyword, unit in (("SCI", image.meta.bunit_data), ("ERR", image.meta.bunit_err)):
            if unit != "MJy/sr":
                raise InputError(f"{name}: the unit of {keyword} is {unit}; source_catalog needs "
                                 "MJy/sr")
        missing = [what for what, value in (
            ("no pixel area (PIXAR_SR)", image.meta.photometry.pixelarea_steradians),
            ("no coordinates", image.meta.wcs),
            ("no reference pixel (CRPIX1)", image.meta.wcsinfo.crpix1),
            ("no reference pixel (CRPIX2)", image.meta.wcsinfo.crpix2)) if value is None]
        if not image.hasattr("wht") or image.wht is None or not image.hasattr("err"):
            missing.append("no WHT or ERR")
        if missing:
            raise InputError(f"{name}: {', '.join(missing)}; source_catalog takes an image that "
                             "resample made")
        energies = self.aperture_ee1, self.aperture_ee2, self.aperture_ee3
        if not (0 < energies[0] < energies[1] < energies[2] < 100):
            raise ParameterError(
                "Parameters 'aperture_ee1', 'aperture_ee2' and 'aperture_ee3' of source_catalog: "
                f"{', '.join(map(str, energies))} where percentages that increase are needed")

    def _apertures(self, image, refs):
        """Take the apertures from the reference, in pixels of the image."""
        instrument = _instrument(image)
        reference = refs.opened("apcorr", APCORR[instrument])
        if reference is None:
            log.warning("No APCORR reference file: apertures of 1, 2 and 3 pixels, not corrected")
            return PLAIN
        table, wanted = reference.apcorr_table, _header(image, APCORR_KEYS[instrument])
        table = table[_matching(table, wanted, "APCORR")]
        if not len(table):
            raise LookupError(f"The APCORR reference file has no row for {_told(wanted)}")
        rows, percent = [], np.round(table["eefraction"] * 100)
        for energy in (self.aperture_ee1, self.aperture_ee2, self.aperture_ee3):
            at = np.flatnonzero(percent == energy)
            if len(at) != 1:
                raise LookupError(f"The APCORR reference file has {len(at)} rows for an encircled "
                                  f"energy of {energy} % where one is needed")
            rows.append(at[0])
        rows = table[rows]
        ratio = image.meta.resample.pixel_scale_ratio
        if ratio is None:
            log.warning("The ratio of the pixels of the image to those of the detector (PXSCLRT) "
                        "is missing; it is taken to be 1")
            ratio = 1.0
        rings = [np.unique(rows[name]) for name in ("skyin", "skyout")]
        if any(len(radii) != 1 for radii in rings):
            raise LookupError("The APCORR reference file has several rings of background for "
                              f"{_told(wanted)}")
        energies = np.array((self.aperture_ee1, self.aperture_ee2, self.aperture_ee3))
        return _apertures.Apertures(
            energies, np.array(rows["radius"]) / ratio, np.array(rows["apcorr"]),
            *(float(radii[0] / ratio) for radii in rings))

    def _offset(self, image, refs):
        """Take the difference between AB and Vega magnitudes from the reference."""
        reference = refs.abvegaoffset
        if reference is None:
            log.warning("No ABVEGAOFFSET reference file: Vega magnitudes are AB magnitudes")
            return 0.0
        table, wanted = reference.abvega_offset, _header(image, OFFSET_KEYS[_instrument(image)])
        rows = table[_matching(table, wanted, "ABVEGAOFFSET")]
        if len(rows) != 1:
            raise LookupError(f"The ABVEGAOFFSET reference file has {len(rows)} rows for "
                              f"{_told(wanted)} where one is needed")
        offset = float(rows["abvega_offset"][0])
        log.info("AB less Vega magnitudes: %.5f", offset)
        return offset

    def _save(self, image, catalogue, segments):
        """Write the catalogue and the map of the sources; the image tells their names."""
        from jwst_cal import models

        path = self.make_output_path(ext=".ecsv")
        models.save_table(catalogue, path)
        image.meta.source_catalog = os.path.basename(path)
        log.info("Saved the catalogue in %s", path)
        if segments is not None:
            chart = models.new("SegmentationMapModel", image, only="PRIMARY", data=segments)
            chart.meta.wcs, chart.meta.wcsinfo = image.meta.wcs, image.meta.wcsinfo
            self.save_model(chart, suffix="segm")
            image.meta.segmentation_map = chart.meta.filename


def _instrument(image):
    name = (image.meta.instrument.name or "").upper()
    if name not in APCORR:
        raise LookupError(f"There are no apertures for {name or 'an unknown instrument'}")
    return name


def _header(image, keys):
    """Values of the header that tell the rows of a reference."""
    of = {"subarray": image.meta.subarray.name}
    return {key: of.get(key) or getattr(image.meta.instrument, key, None) for key in keys}


def _matching(table, wanted, what):
    """Which rows of a reference are for these values."""
    if table is None:
        raise ReferenceFileError(f"The {what} reference file has no table")
    columns = getattr(table, "colnames", None) or table.dtype.names
    missing = [key for key in wanted if key not in columns]
    if missing:
        raise ReferenceFileError(f"The {what} reference file has no column {', '.join(missing)}; "
                                 f"it has {', '.join(columns)}")
    return np.logical_and.reduce([np.ones(len(table), bool)]
                                 + [_texts(table[key]) == str(value)
                                    for key, value in wanted.items()])


def _texts(column):
    """A column of texts; those of a light model are bytes."""
    column = np.asarray(column)
    return np.char.rstrip(np.char.decode(column) if column.dtype.kind == "S" else column)


def _told(wanted):
    return ", ".join(f"{key} {value}" for key, value in wanted.items()) or "this instrument"
