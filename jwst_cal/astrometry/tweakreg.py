"""Tweakreg: alignment of images by the sources in them."""

import logging
import os

from jwst_cal import flags
from jwst_cal.astrometry import _catalogs, _match
from jwst_cal.errors import ParameterError
from jwst_cal.framework import GroupStep, SkipStep, param
from jwst_cal.models import requirements
from jwst_cal.photometry import _finders

__all__ = ["TweakRegStep"]

log = logging.getLogger(__name__)

#: Pixels with one of these are not looked at.
UNUSABLE = flags.pixel["DO_NOT_USE"] | flags.pixel["NON_SCIENCE"]
ONE_EXPOSURE = "at least two exposures are needed to align images"
GEOMETRIES = ("shift", "rshift", "rscale", "general")


class TweakRegStep(GroupStep):
    """
    Align images to each other, and to an absolute catalogue, by the sources in them.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/tweakreg.rst.
    """

    class_alias = "tweakreg"
    takes_light = True

    save_catalogs: bool = param(False, "Write the catalogues of the images")
    use_custom_catalogs: bool = param(False, "Use catalogues of the user where there are any")
    catalog_format: str = param("ecsv", "Format of the catalogues written: ecsv or fits")
    catfile: str = param("", "Text file that tells which catalogue belongs to which image")
    starfinder: str = param("iraf", "How sources are found",
                            choices=("dao", "iraf", "segmentation"))
    snr_threshold: float = param(10.0, "Threshold above the background, in sigma of the noise")
    kernel_fwhm: float = param(2.5, "FWHM of the Gaussian kernel, in pixels")
    bkg_boxsize: int = param(400, "Side of the boxes that the background is measured in, pixels")
    minsep_fwhm: float = param(0.0, "dao, iraf: least distance of two sources, in FWHM")
    sigma_radius: float = param(1.5, "dao, iraf: radius of the kernel, in sigma")
    sharplo: float = param(0.5, "dao, iraf: least sharpness")
    sharphi: float = param(2.0, "dao, iraf: largest sharpness")
    roundlo: float = param(0.0, "dao, iraf: least roundness")
    roundhi: float = param(0.2, "dao, iraf: largest roundness")
    brightest: int = param(200, "dao, iraf: keep so many of the brightest sources")
    peakmax: float = param(None, "dao, iraf: largest value of a pixel of a source")
    npixels: int = param(10, "segmentation: least number of connected pixels")
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
    enforce_user_order: bool = param(False, "Align in the order of the association")
    expand_refcat: bool = param(False, "Add the sources of aligned images to the reference")
    minobj: int = param(15, "Least number of matches")
    fitgeometry: str = param("rshift", "What is fitted", choices=GEOMETRIES)
    nclip: int = param(3, "Rounds of clipping in the fit", ge=0)
    sigma: float = param(3.0, "Where to clip, in sigma", ge=0.0)
    searchrad: float = param(2.0, "Largest shift, in arcsec")
    use2dhist: bool = param(True, "Find the shift by a histogram of all pairs")
    separation: float = param(1.0, "Least distance of two sources, in arcsec")
    tolerance: float = param(0.7, "Largest distance of a match, in arcsec")
    xoffset: float = param(0.0, "First guess of the shift along x, in arcsec")
    yoffset: float = param(0.0, "First guess of the shift along y, in arcsec")
    abs_refcat: str = param("", "Absolute catalogue: a file, a directory of files, GAIAREFCAT, "
                                "GAIADR3, GAIADR2 or GAIADR1")
    save_abs_catalog: bool = param(False, "Write the absolute catalogue that was used")
    abs_minobj: int = param(15, "Least number of matches with the absolute catalogue")
    abs_fitgeometry: str = param("rshift", "What is fitted to it", choices=GEOMETRIES)
    abs_nclip: int = param(3, "Rounds of clipping in that fit", ge=0)
    abs_sigma: float = param(3.0, "Where to clip there, in sigma", ge=0.0)
    abs_searchrad: float = param(6.0, "Largest shift from it, in arcsec")
    abs_use2dhist: bool = param(True, "Find that shift by a histogram of all pairs; else it is "
                                      "taken to be zero")
    abs_separation: float = param(1.0, "Least distance of two sources in it, in arcsec")
    abs_tolerance: float = param(0.7, "Largest distance of a match with it, in arcsec")
    sip_approx: bool = param(True, "Describe the coordinates by SIP polynomials in the header, too")
    sip_max_pix_error: float = param(0.01, "Largest error of that description, in pixels")
    sip_degree: int = param(None, "Degree of the polynomials; None for the lowest that does", le=6)
    sip_max_inv_pix_error: float = param(0.01, "Largest error of its inverse, in pixels")
    sip_inv_degree: int = param(None, "Degree of the inverse; None for the lowest that does", le=6)
    sip_npoints: int = param(12, "Points along each axis at which the polynomials are fitted")
    output_use_model: bool = param(True, "Name the outputs after the models")
    in_memory: bool = param(True, "Keep the images in memory")

    def prepare_output(self, init, *args, **options):
        """Open the input as a library, or copy it into one."""
        return self.library(super().prepare_output(init, *args, **options))

    def process(self, images, *, refs):
        """
        Align images.

        Parameters
        ----------
        images : ModelLibrary
            Calibrated images with coordinates. Those of one exposure move together.
        refs : References
            None.

        Returns
        -------
        ModelLibrary
            The same images; coordinates, S_REGION and SIP keywords of those that were aligned.

        Raises
        ------
        InputError
            If an image has no coordinates on the sky, or a catalogue cannot be read.
        ParameterError
            If ``catfile``, ``catalog_format`` or ``abs_refcat`` is not what it must be.
        SkipStep
            If nothing could be aligned.
        """
        source = (self.abs_refcat or "").strip()
        n_groups = len(images.group_names)
        if self.save_catalogs and self.catalog_format not in _catalogs.FORMATS:
            raise ParameterError(f"Parameter 'catalog_format' of tweakreg: '{self.catalog_format}' "
                                 "where ecsv or fits is needed")
        if n_groups == 1 and not source and not self.save_catalogs:
            raise SkipStep(ONE_EXPOSURE, failed=True)
        correctors, date = self._prepare_images(images)
        log.info("Groups of images to be aligned: %d", n_groups)
        failure = ONE_EXPOSURE
        if n_groups > 1:
            try:
                _match.to_each_other(
                    correctors, _match.Fit(**self.options_for(_match.Fit)),
                    enforce_user_order=self.enforce_user_order,
                    # else a source may get into the catalogue twice
                    expand_refcat=self.expand_refcat or bool(source))
                failure = None
            except _match.NotAligned as reason:
                failure = str(reason)
                correctors = [_match.renewed(image) for image in correctors]
                if source:
                    log.warning("Images are not aligned to each other: %s", reason)
        if source:
            try:
                self._align_to(source, correctors, date)
                failure = None
            except _catalogs.Unreachable as reason:
                log.warning("%s; images are not aligned to it", reason)
                source = ""
            except _match.NotAligned as reason:
                raise SkipStep(str(reason), failed=True) from None
        if failure is not None:
            raise SkipStep(failure, failed=True)
        self._correct(images, correctors, source)
        return images

    def _prepare_images(self, images):
        """Get the catalogue of every image; correctors, and the date of the first one."""
        custom = self._custom_catalogues(images)
        correctors, date = [], None
        with images:
            for index in range(len(images)):
                image = images.borrow(index)
                requirements.image_of_the_sky(image, self.class_alias)
                name, box = image.meta.filename, image.meta.wcs.bounding_box
                box = None if box is None else box.bounding_box(order="F")
                catalogue = None if custom is None else self._custom_catalogue(image, custom)
                save = catalogue is None and self.save_catalogs
                if catalogue is None:
                    if custom is not None:
                        log.info("%s: no catalogue is given for it, sources are searched for", name)
                    catalogue = self._find(image)
                catalogue = _catalogs.inside(catalogue, box)
                if catalogue.meta.get("name") is None:
                    catalogue.meta["name"] = os.path.splitext(name)[0].strip("_- ")
                if len(catalogue):
                    log.info("%s: %d sources", name, len(catalogue))
                else:
                    log.warning("%s: no sources found", name)
                if save:
                    image.meta.tweakreg_catalog = self._save(catalogue, name)
                correctors.append(_match.corrector(image, catalogue))
                date = date or image.meta.observation.date
                images.shelve(image, index)
        return correctors, date

    def _custom_catalogues(self, images):
        """Catalogue by name of the image, as the user or the association tells; None for none."""
        if not self.use_custom_catalogs:
            return None
        if self.catfile.strip():
            found = _catalogs.written(self.make_input_path(self.catfile.strip()))
            if not found:
                log.warning("%s names no catalogues: sources are searched for", self.catfile)
                return None
            return found
        folder = images.asn_dir
        return {member["expname"]: os.path.join(folder, member["tweakreg_catalog"])
                if (member["tweakreg_catalog"] or "").strip() else None
                for member in images.asn["products"][0]["members"] if "tweakreg_catalog" in member}

    @staticmethod
    def _custom_catalogue(image, custom):
        """Read the catalogue that the user gives for an image; None if there is none."""
        path = custom.get(image.meta.filename, (image.meta.tweakreg_catalog or "").strip() or None)
        if path is None:
            return None
        image.meta.tweakreg_catalog = path
        log.info("%s: sources of %s", image.meta.filename, path)
        return _catalogs.with_positions(_catalogs.read(path), path)

    def _find(self, image):
        """Find the sources in an image."""
        found, _ = _finders.find_sources(
            image.data, image.err, (image.dq & UNUSABLE) != 0,
            _finders.Search(**self.options_for(_finders.Search)))
        return _catalogs.with_positions(found["id", "xcentroid", "ycentroid", "flux"],
                                        image.meta.filename)

    def _save(self, catalogue, name):
        """Write the catalogue of an image; the file's name."""
        file = name.replace(".fits", f"_cat.{self.catalog_format}")
        _catalogs.save(catalogue, self._output(file), self.catalog_format)
        log.info("Catalogue of %s: %s", name, file)
        return file

    def _output(self, name):
        folder = os.path.expandvars(os.path.expanduser(self.search_attr("output_dir") or ""))
        return os.path.join(folder, name)

    def _align_to(self, source, correctors, date):
        """Align all images together to an absolute catalogue."""
        if source.upper() not in _catalogs.SERVICES:
            source = source if os.path.exists(source) else self.make_input_path(source)
        log.info("Aligning to the absolute catalogue %s", source)
        fit = _match.Fit(
            searchrad=self.abs_searchrad, separation=self.abs_separation,
            tolerance=self.abs_tolerance, use2dhist=self.abs_use2dhist, minobj=self.abs_minobj,
            fitgeometry=self.abs_fitgeometry, nclip=self.abs_nclip, sigma=self.abs_sigma)
        fit.matcher()
        catalogue = _catalogs.reference(source, _match.corners(correctors), date)
        if self.save_abs_catalog and not os.path.isfile(source):
            file = f"fit_{catalogue.meta['name'].lower()}_ref.ecsv"
            _catalogs.save(catalogue, self._output(file), "ecsv")
            log.info("Absolute catalogue: %s", file)
        _match.to_reference(correctors, fit, catalogue)

    def _correct(self, images, correctors, source):
        """Give the images that were aligned their coordinates."""
        from jwst_cal.astrometry import _fits_sip, _s_region

        with images:
            for index, corrector in enumerate(correctors):
                image = images.borrow(index)
                if _match.is_fitted(corrector):
                    if source:
                        corrector.wcs.name = f"FIT-LVL3-{self.abs_refcat}"
                    image.meta.wcs = corrector.wcs
                    outline = _s_region.polygon(
                        _s_region.image_outline(image.meta.wcs, image.data.shape))
                    if outline is not None:
                        image.meta.wcsinfo.s_region = outline
                    if self.sip_approx:
                        try:
                            _fits_sip.describe(
                                image.meta.wcsinfo, image.meta.wcs,
                                max_error=self.sip_max_pix_error, degree=self.sip_degree,
                                max_inverse_error=self.sip_max_inv_pix_error,
                                inverse_degree=self.sip_inv_degree, points=self.sip_npoints)
                        except ValueError as error:
                            log.warning("%s: no SIP description in the header: %s",
                                        image.meta.filename, error)
                images.shelve(image, index)

