"""Extract 1D: add up spectra across the dispersion."""

import logging

import numpy as np

from jwst_cal import modes
from jwst_cal.errors import InputError
from jwst_cal.framework import Reference, Step, param
from jwst_cal.spectroscopy import (
    _apcorr,
    _apertures,
    _boxcar,
    _cutouts,
    _source_place,
    _spectra,
)

__all__ = ["Extract1dStep"]

log = logging.getLogger(__name__)

#: What this release extracts.
DONE = frozenset({"NRS_BRIGHTOBJ", "NRC_TSGRISM"})
#: Where the place of the source is known.
PLACED = frozenset({"NRS_BRIGHTOBJ"})
#: Direction of the dispersion, DISPAXIS.
ALONG_ROWS = 1


class Extract1dStep(Step):
    """
    Extract the spectrum of a source from its two-dimensional cutout.

    Notes
    -----
    Differs from jwst 3.0.0: exposure types other than NRS_BRIGHTOBJ and NRC_TSGRISM, and optimal
    extraction, are refused.
    """

    class_alias = "extract_1d"
    references = {
        "extract1d": Reference("JwstDataModel", required=False),
        "apcorr": Reference("NrsFsApcorrModel", required=False),
        "pastasoss": Reference("PastasossModel", required=False),
        "specprofile": Reference("SpecProfileModel", required=False),
        "speckernel": Reference("SpecKernelModel", required=False),
        "psf": Reference("SpecPsfModel", required=False),
    }

    takes = ("SlitModel",)

    subtract_background: bool | None = param(None, "Subtract the background; by default where the "
                                                   "reference has regions for it")
    apply_apcorr: bool = param(True, "Correct point sources for light beside the aperture")
    extraction_type: str | None = param("box", "Add up pixels, or fit the profile of a point",
                                        choices=("box", "optimal", "None"))
    use_source_posn: bool | None = param(None, "Move the aperture to where the source is; by "
                                               "default where that is known")
    position_offset: float = param(0.0, "Move the aperture across the dispersion, pixels")
    model_nod_pair: bool = param(True, "Fit the negative image of a pair of nods, too (optimal)")
    optimize_psf_location: bool = param(True, "Fit the place of the source, too (optimal)")
    smoothing_length: int | None = param(None, "Columns over which the background is smoothed "
                                               "before it is measured; odd")
    bkg_fit: str | None = param(None, "How the background is measured in each column",
                                choices=("poly", "mean", "median", "None"))
    bkg_order: int | None = param(None, "Degree of its polynomial", ge=0)
    log_increment: int = param(50, "Integrations between messages; there are none")
    save_profile: bool = param(False, "Save the weights of the pixels, as _profile")
    save_scene_model: bool = param(False, "Save what was extracted, as an image: _scene_model")
    save_residual_image: bool = param(False, "Save what was not, as an image: _residual")
    center_xy: list[float] | None = param(None, "Centre of the aperture in a cube, x and y (IFU)",
                                          min_length=2, max_length=2)
    ifu_autocen: bool = param(False, "Look for the source in a cube (IFU)")
    bkg_sigma_clip: float = param(3.0, "Clipping of the background of a cube, standard deviations "
                                       "(IFU)")
    ifu_rfcorr: bool = param(True, "Correct the spectrum for residual fringes (MIRI MRS)")
    ifu_set_srctype: str | None = param(None, "Take the source for one of this type (MIRI MRS)",
                                        choices=("POINT", "EXTENDED", "None"))
    ifu_rscale: float | None = param(None, "Radius of the aperture, widths of a point (IFU)",
                                     ge=0.5, le=3)
    ifu_covar_scale: float = param(1.0, "Factor of errors for what pixels of a cube share (IFU)")
    soss_atoca: bool = param(True, "Take overlapping orders apart (SOSS)")
    soss_threshold: float = param(1e-2, "Least contribution of an order to a pixel (SOSS)")
    soss_n_os: int = param(2, "Oversampling of the wavelengths (SOSS)")
    soss_wave_grid_in: str | None = param(None, "File with the wavelengths of the model (SOSS)",
                                          path="input")
    soss_wave_grid_out: str | None = param(None, "File to save these in (SOSS)")
    soss_estimate: str | None = param(None, "File with an estimate of the spectrum (SOSS)",
                                      path="input")
    soss_rtol: float = param(1.0e-4, "Relative tolerance of the model (SOSS)")
    soss_max_grid_size: int = param(20000, "At most so many wavelengths (SOSS)")
    soss_tikfac: float | None = param(None, "Factor of the regularisation (SOSS)")
    soss_width: float = param(40.0, "Width of the aperture, pixels (SOSS)")
    soss_bad_pix: str = param("masking", "What becomes of bad pixels (SOSS)",
                              choices=("model", "masking"))
    soss_modelname: str | None = param(None, "File to save traces and weights in (SOSS)",
                                       path="output")
    soss_order_3: bool = param(True, "Extract the third order, too (SOSS)")

    #: For optimal extraction, cubes and SOSS, which this release does not do.
    accepted = (
        "model_nod_pair", "optimize_psf_location", "log_increment", "center_xy", "ifu_autocen",
        "bkg_sigma_clip", "ifu_rfcorr", "ifu_set_srctype", "ifu_rscale", "ifu_covar_scale",
        "soss_atoca", "soss_threshold", "soss_n_os", "soss_wave_grid_in", "soss_wave_grid_out",
        "soss_estimate", "soss_rtol", "soss_max_grid_size", "soss_tikfac", "soss_width",
        "soss_bad_pix", "soss_modelname", "soss_order_3", "pastasoss", "specprofile", "speckernel",
    )

    def process(self, slit, *, refs):
        """
        Extract the spectrum of each integration.

        Parameters
        ----------
        slit : SlitModel
            A cutout with coordinates, DN/s or calibrated.
        refs : References
            ``extract1d``: apertures and background regions. ``apcorr``: corrections of fluxes.

        Returns
        -------
        TSOMultiSpecModel or MultiSpecModel
            A table with a row for each integration; of a single image a spectrum.

        Raises
        ------
        InputError
            If the exposure type is not done by this release, or coordinates are missing.
        ReferenceFileError
            If a reference is not what it should be.
        """
        name = self._check(slit)
        path = refs.path("extract1d")
        self._check_type(slit, refs)
        _spectra.match_flags(slit)
        follows = self.use_source_posn
        if follows is None and slit.source_type != "POINT":
            follows = False
        aperture = _apertures.choose(
            _apertures.read(path) if path else None, slit.data.shape[-2:], name,
            _spectra.order_of(slit), path, **self.options_for(_apertures.choose) | {
                "use_source_posn": follows})
        if aperture is None:
            return _spectra.product(slit, None, None, None, None, name)
        wavelengths = self._wavelengths(slit)
        aperture = _apertures.moved(aperture, self._place(slit, aperture), wavelengths)
        weights = _apertures.weights(aperture, wavelengths)
        weights.pixels[~np.isfinite(wavelengths)] = 0.0
        axis = _spectra.Axis(slit, weights.pixels, wavelengths)
        if not axis.known.any():
            log.warning("No wavelength is known in the aperture: there is no spectrum")
            return _spectra.product(slit, None, None, None, None, name)
        scene = np.empty(slit.data.shape, np.float32) if (
            self.save_scene_model or self.save_residual_image) else None
        sums = _boxcar.extract(
            _images(slit), weights.pixels, _apertures.background_weights(aperture, wavelengths),
            fit=aperture.fit, order=aperture.order, smoothing=aperture.smoothing,
            scene=None if scene is None else scene.reshape(-1, *scene.shape[-2:]))
        columns, units = _spectra.table(sums, slit, axis, self._factors(slit, refs, axis, sums))
        self._save_images(slit, name, weights.pixels, scene)
        log.info("Extracted rows %.2f to %.2f (from 1) of %d integrations", weights.lower + 1,
                 weights.upper + 1, len(sums.flux))
        return _spectra.product(slit, columns, units, axis, weights[1:], name)

    def _check(self, slit):
        """Return the name by which the reference knows the slit."""
        kind, meta = modes.exposure_type(slit), slit.meta
        if kind not in DONE:
            raise InputError(f"{_name(slit)}: EXP_TYPE={kind or 'missing'}; this release extracts "
                             f"spectra of {' and '.join(sorted(DONE))}")
        if not meta.hasattr("wcs") or meta.wcs is None:
            raise InputError(f"{_name(slit)}: no coordinates (WCS); run assign_wcs and extract_2d "
                             "first")
        if meta.wcsinfo.dispersion_direction != ALONG_ROWS:
            raise InputError(f"{_name(slit)}: DISPAXIS={meta.wcsinfo.dispersion_direction} where "
                             f"{ALONG_ROWS} is needed")
        if (meta.cal_step.photom or "").upper() != "COMPLETE":
            log.warning("photom has not been run: fluxes are in DN/s")
        if slit.source_type is None:
            slit.source_type = meta.target.source_type
        return slit.name if kind == "NRS_BRIGHTOBJ" else kind

    def _check_type(self, slit, refs):
        if self.extraction_type == "box":
            return
        if refs.path("psf"):
            raise InputError(f"{_name(slit)}: extraction_type={self.extraction_type}; this release "
                             "extracts with extraction_type=box")
        log.warning("There is no PSF reference for this exposure: extraction_type is box")

    def _wavelengths(self, slit):
        """Wavelength of every pixel: those of the cutout, else of its coordinates."""
        found = slit.wavelength if slit.hasattr("wavelength") else None
        if found is not None and np.any(found):
            return found
        return _cutouts.wavelengths(slit.meta.wcs, slit.data.shape)

    def _place(self, slit, aperture):
        if not aperture.follows_source:
            return None
        kind = modes.exposure_type(slit)
        if kind in PLACED:
            return _source_place.in_slit(slit)
        if self.use_source_posn:
            log.warning("The place of the source is not known for EXP_TYPE %s: the aperture was "
                        "not moved", kind)
        return None

    def _factors(self, slit, refs, axis, sums):
        """Aperture correction, or None."""
        if not self.apply_apcorr or slit.source_type != "POINT" or refs.apcorr is None:
            return None
        if not modes.is_nirspec(slit) or axis.place is None:
            log.warning("No aperture correction for EXP_TYPE %s, place %s",
                        modes.exposure_type(slit), axis.place)
            return None
        return _apcorr.factors(refs.apcorr, slit, axis.wavelength, sums.n_pixels[0, axis.known],
                               axis.place)

    def _save_images(self, slit, name, weights, scene):
        """Save what was asked for besides the spectrum."""
        made = {}
        if self.save_profile:
            made["profile"] = weights
        if self.save_scene_model:
            made["scene_model"] = scene
        if self.save_residual_image:
            made["residual"] = slit.data - scene
        for suffix, data in made.items():
            if data.ndim == 3 and len(data) == 1:
                data = data[0]
            product = _spectra.image(data, slit, name)
            self.save_model(product, suffix, force=True)
            product.close()


def _name(slit):
    return slit.meta.filename or "the input"


def _images(slit):
    """Data and variances, as integrations."""
    shape = (-1, *slit.data.shape[-2:])
    variances = {name: getattr(slit, f"var_{name}") if slit.hasattr(f"var_{name}") else None
                 for name in _boxcar.COMPONENTS}
    return _boxcar.Images(slit.data.reshape(shape), {
        name: None if array is None or array.shape != slit.data.shape else array.reshape(shape)
        for name, array in variances.items()})
