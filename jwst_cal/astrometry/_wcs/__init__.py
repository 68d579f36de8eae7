"""The world coordinates of an exposure, built from its pointing and its reference files."""

from jwst_cal import modes
from jwst_cal.astrometry._wcs import imaging
from jwst_cal.errors import InputError, SkipStep

__all__ = ["build"]

#: Calibration exposures of no place on the sky.
NOT_ON_THE_SKY = frozenset({
    "FGS_SKYFLAT", "FGS_INTFLAT", "FGS_DARK", "MIR_FLATMRS", "MIR_FLATIMAGE", "MIR_FLAT-MRS",
    "MIR_FLAT-IMAGE", "MIR_DARK", "NIS_DARK", "NIS_LAMP", "NRC_LED", "NRC_DARK", "NRC_FLAT",
    "NRC_GRISM", "NRS_DARK",
})
#: Spectra of NIRSpec; of lamps some are, whose mode says so.
NIRSPEC_SPECTRA = modes.LAMPS | {"NRS_FIXEDSLIT", "NRS_BRIGHTOBJ", "NRS_MSASPEC", "NRS_IFU"}


def build(model, refs, nirspec_options=None):
    """
    Build the transformations from detector pixels to the sky.

    Parameters
    ----------
    model : ImageModel or CubeModel
        The exposure; its pointing is read. Of NIRSpec's spectra the header gets order and range,
        of the IFU its outline; an IFUImageModel the map of the slices.
    refs : References
        ``distortion`` and ``filteroffset`` for images and grisms, ``specwcs`` for these; NIRSpec's
        optics.
    nirspec_options : nirspec.Options, optional
        What the step is told about NIRSpec.

    Returns
    -------
    WCS or gwcs.WCS
        Pixels (from 0) to ICRS, through the telescope's V2 and V3.

    Raises
    ------
    SkipStep
        If the exposure type has no coordinates on the sky.
    InputError
        If the exposure type is not supported yet, or the pointing is missing.
    """
    kind = modes.exposure_type(model)
    if kind in NOT_ON_THE_SKY:
        raise SkipStep(f"{kind} exposures have no world coordinates")
    if kind in NIRSPEC_SPECTRA and (model.meta.instrument.grating or "").upper() != "MIRROR":
        from jwst_cal.astrometry._wcs import nirspec, nirspec_ifu

        through_ifu = modes.is_ifu(model) and kind != "NRS_AUTOFLAT"
        through = nirspec_ifu if through_ifu else nirspec
        return through.build(model, refs, nirspec_options or nirspec.Options())
    if kind == "NRC_TSGRISM":
        from jwst_cal.astrometry._wcs import nircam_grism

        return nircam_grism.build(model, refs)
    if not modes.is_imaging(model) or modes.is_nirspec(model):
        name = model.meta.filename or "the input"
        raise InputError(f"{name}: EXP_TYPE={kind or 'missing'}; this release assigns coordinates "
                         "to images of NIRCam, NIRISS, MIRI and FGS, to spectra of NIRSpec and to "
                         "grism time series of NIRCam")
    return imaging.build(model, refs)
