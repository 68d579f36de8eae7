"""Assign WCS: where on the sky the pixels of an exposure look."""

import logging

from jwst_cal import modes
from jwst_cal.framework import Reference, SkipStep, Step, param
from jwst_cal.models import _asdf, _files, _schemas

__all__ = ["AssignWcsStep"]

log = logging.getLogger(__name__)


class AssignWcsStep(Step):
    """
    Attach the world coordinates to an exposure.

    Notes
    -----
    Differs from jwst 3.0.0: exposures with a dispersing element are refused, but for NIRSpec's and
    grism time series of NIRCam.
    """

    class_alias = "assign_wcs"
    takes_light = True
    references = {
        "distortion": Reference("DistortionModel", required=False),
        "filteroffset": Reference("FilteroffsetModel", required=False),
        "specwcs": Reference("NIRCAMGrismModel", required=False),
        "regions": Reference("RegionsModel", required=False),
        "wavelengthrange": Reference("WavelengthrangeModel", required=False),
        "camera": Reference("CameraModel", required=False),
        "chromcorr": Reference("ChromCorrModel", required=False),
        "collimator": Reference("CollimatorModel", required=False),
        "disperser": Reference("DisperserModel", required=False),
        "fore": Reference("FOREModel", required=False),
        "fpa": Reference("FPAModel", required=False),
        "msa": Reference("MSAModel", required=False),
        "ote": Reference("OTEModel", required=False),
        "ifupost": Reference("IFUPostModel", required=False),
        "ifufore": Reference("IFUFOREModel", required=False),
        "ifuslicer": Reference("IFUSlicerModel", required=False),
    }

    sip_approx: bool = param(True, "Describe images by SIP polynomials in the header, too")
    sip_max_pix_error: float = param(0.01, "Largest error of that description, in pixels")
    sip_degree: int = param(None, "Degree of the polynomials; None for the lowest that does", le=6)
    sip_max_inv_pix_error: float = param(0.01, "Largest error of its inverse, in pixels")
    sip_inv_degree: int = param(None, "Degree of the inverse; None for the lowest that does", le=6)
    sip_npoints: int = param(12, "Points along each axis at which the polynomials are fitted")
    slit_y_low: float = param(-0.55, "Lower edge of a slit, in its heights (NIRSpec)")
    slit_y_high: float = param(0.55, "Upper edge of a slit, in its heights (NIRSpec)")
    nrs_ifu_slice_wcs: bool = param(False, "One set of coordinates per slice (NIRSpec IFU)")

    #: For spectra that this release does not do.
    accepted = ("regions",)

    def process(self, image, *, refs):
        """
        Build ``meta.wcs``, S_REGION and the approximation in the header.

        Parameters
        ----------
        image : ImageModel or CubeModel
            Count rates of an exposure or of its integrations.
        refs : References
            ``distortion`` and ``filteroffset`` for images and grisms, ``specwcs`` for these;
            NIRSpec's optics.

        Returns
        -------
        ImageModel or CubeModel
            The same model.

        Raises
        ------
        InputError
            If the pointing is missing or the exposure type is not supported yet.
        """
        from jwst_cal.astrometry import _wcs

        if type(image).__name__ not in ("ImageModel", "CubeModel", "IFUImageModel"):
            raise SkipStep(f"assign_wcs takes ImageModel, CubeModel or IFUImageModel, this is "
                           f"{type(image).__name__}")
        for reftype in self.references:
            refs.path(reftype)  # those that do not apply are recorded, too
        if modes.is_nirspec(image) or not modes.is_imaging(image):
            _schemas.coordinates_loaded()
        options = self._nirspec_options(image) if modes.is_nirspec(image) else None
        wcs = _wcs.build(image, refs, options)
        if modes.is_nirspec(image):
            if wcs.available_frames[-1] != "world":
                image.meta.wcsinfo.s_region = None
        elif modes.is_imaging(image):
            self._describe(image, wcs)
        # checked when it is saved: the schema takes longer over thirty slices than making them
        image.meta.instance["wcs"] = wcs if _files.is_light(image) else _asdf.as_gwcs(wcs)
        return image

    def _describe(self, image, wcs):
        """Say in the header where an image lies."""
        from jwst_cal.astrometry import _fits_sip, _s_region

        outline = _s_region.polygon(_s_region.image_outline(wcs, image.data.shape))
        if outline is None:
            log.warning("The outline holds NaN; S_REGION is not set")
        else:
            image.meta.wcsinfo.s_region = outline
            log.info("S_REGION: %s", outline)
        if self.sip_approx:
            try:
                _fits_sip.describe(
                    image.meta.wcsinfo, wcs, max_error=self.sip_max_pix_error,
                    degree=self.sip_degree, max_inverse_error=self.sip_max_inv_pix_error,
                    inverse_degree=self.sip_inv_degree, points=self.sip_npoints,
                )
            except ValueError as error:
                log.warning("No SIP description in the header: %s", error)

    def _nirspec_options(self, image):
        from jwst_cal.astrometry._wcs import nirspec

        listed = getattr(image.meta.instrument, "msa_metadata_file", None)
        return nirspec.Options((self.slit_y_low, self.slit_y_high), self.make_input_path(listed),
                               self.nrs_ifu_slice_wcs)
