"""World coordinates of NIRCam's grism time series: detector, undispersed image, sky."""

import logging

import gwcs
from astropy import coordinates, units
from astropy.modeling.models import Const1D, Identity, Mapping
from gwcs import coordinate_frames as frames

from jwst_cal.astrometry._wcs import imaging, libraries, pointing
from jwst_cal.errors import InputError, ReferenceFileError, SkipStep

__all__ = ["build", "check_inverse"]

log = logging.getLogger(__name__)


def build(model, refs):
    """
    Build the coordinates of the spectrum of a star at the reference point.

    Parameters
    ----------
    model : ImageModel or CubeModel
        The exposure: XREF_SCI, YREF_SCI, VELOSYS and the pointing are read; the header gets the
        direction of the dispersion.
    refs : References
        ``specwcs``: where light of a wavelength falls, from where it would fall without the grism.
        ``distortion`` and ``filteroffset``: from there to V2, V3.

    Returns
    -------
    gwcs.WCS
        Inputs x, y and spectral order; outputs right ascension, declination, wavelength (micron)
        and order. Frames ``grism_detector``, ``direct_image``, ``v2v3``, ``v2v3vacorr``, ``world``.

    Raises
    ------
    SkipStep
        If there is no reference for the dispersion or the distortion.
    ReferenceFileError
        If the dispersion is given in a way that cannot be inverted.
    InputError
        If module, pupil or subarray are others than those of grism time series, or the place of
        the star is missing.

    Notes
    -----
    XREF_SCI and YREF_SCI, pixels from 1, are taken for pixels from 0, as by the reference release,
    whose SPECWCS references hold for that.
    """
    _check(model)
    for reftype in ("specwcs", "distortion"):
        if getattr(refs, reftype) is None:
            raise SkipStep(f"no {reftype.upper()} reference file for this exposure (N/A)")
    info = model.meta.wcsinfo
    info.specsys, info.dispersion_direction = "BARYCENT", 1
    star = [_constant(place) for place in (info.siaf_xref_sci, info.siaf_yref_sci)]
    to_image = (Mapping((0, 1, 0, 1, 2)) | Identity(2) & star[0] & star[1] & Identity(1)
                | _dispersion(refs.specwcs, info.velosys))
    shift = imaging.subarray_shift(model, libraries)
    if shift is not None:
        to_image = shift & Identity(1) | to_image
    carried = Identity(2)  # wavelength and order
    start, image, *telescope, world = _frames()
    return gwcs.WCS([
        (start, to_image),
        (image, imaging.distortion(model, refs, libraries) & carried),
        (telescope[0], pointing.aberration(model, libraries) & carried),
        (telescope[1], pointing.to_sky(model, libraries) & carried),
        (world, None),
    ])


def check_inverse(wcs, name):
    """
    Refuse coordinates from which wavelengths cannot be found.

    Parameters
    ----------
    wcs : gwcs.WCS
        From :func:`build`, or read from a file, which keeps no inverse of the dispersion.
    name : str
        Of the exposure, for the message.

    Raises
    ------
    InputError
        If the inverse is missing and the dispersion is not linear.
    """
    for part in wcs.pipeline[0].transform.traverse_postorder():
        if hasattr(part, "inv_xmodels") and not part.inv_xmodels and any(
                getattr(of, "degree", 1) > 1 for of in part.xmodels):
            raise InputError(f"{name}: its coordinates were read from a file, without the inverse "
                             "of the dispersion; run assign_wcs again")


def _check(model):
    name, meta = model.meta.filename or "the input", model.meta
    if meta.instrument.module != "A":
        raise InputError(f"{name}: MODULE={meta.instrument.module}; grism time series are those of "
                         "module A")
    if "DHS" in (meta.subarray.name or "") or "GRISMR" not in (meta.instrument.pupil or ""):
        raise InputError(f"{name}: PUPIL={meta.instrument.pupil}, SUBARRAY={meta.subarray.name}; "
                         "this release assigns coordinates to time series through GRISMR")
    missing = [keyword for keyword, value in (("XREF_SCI", meta.wcsinfo.siaf_xref_sci),
                                              ("YREF_SCI", meta.wcsinfo.siaf_yref_sci))
               if value is None]
    if missing:
        raise InputError(f"{name}: {' and '.join(missing)} missing: the place of the star on the "
                         "detector is not known")


def _constant(value):
    """What is the same whatever comes in, on the way back, too."""
    model = Const1D(value)
    model.inverse = Const1D(value)
    return model


def _dispersion(specwcs, velocity):
    """From x, y, the star's x, y and the order to the star, wavelength and order."""
    from stdatamodels.jwst.transforms.models import (
        NIRCAMBackwardGrismDispersion,
        NIRCAMForwardRowGrismDispersion,
    )

    lists = {name: getattr(specwcs, name) for name in ("displ", "dispx", "dispy", "invdispl",
                                                       "invdispx")}
    lists = {name: found.instance if found else None for name, found in lists.items()}
    if lists["invdispx"] is None and any(isinstance(of, list) for of in lists["dispx"]):
        raise ReferenceFileError(f"{specwcs.meta.filename}: a dispersion that depends on the place "
                                 "without INVDISPX, which time series need")
    known = {"lmodels": lists["displ"], "xmodels": lists["dispx"], "ymodels": lists["dispy"],
             "inv_lmodels": lists["invdispl"], "inv_xmodels": lists["invdispx"]}
    orders = specwcs.orders.instance
    dispersion = NIRCAMForwardRowGrismDispersion(orders, **known)
    dispersion.inverse = NIRCAMBackwardGrismDispersion(orders, **known)
    if velocity is None:
        return dispersion
    log.info("Wavelengths were corrected for a velocity of %g m/s", velocity)
    return dispersion | Identity(2) & pointing.to_barycentre(velocity) & Identity(1)


def _frames():
    """The five frames, in order."""
    def plane(name, names, unit):
        return frames.Frame2D(name=name, axes_order=(0, 1), axes_names=names, unit=(unit, unit))

    wavelength = frames.SpectralFrame(name="spectral", axes_order=(2,), unit=(units.micron,),
                                      axes_names=("wavelength",))
    sky = frames.CelestialFrame(reference_frame=coordinates.ICRS(), name="icrs")
    spatial = {"direct_image": plane("full_detector", ("dx", "dy"), units.pix),
               "v2v3": plane("v2v3_spatial", ("v2", "v3"), units.arcsec),
               "v2v3vacorr": plane("v2v3vacorr_spatial", ("v2", "v3"), units.arcsec), "world": sky}
    return [frames.Frame2D(name="grism_detector", axes_order=(0, 1), unit=(units.pix, units.pix)),
            *(frames.CompositeFrame([place, wavelength], name=name)
              for name, place in spatial.items())]
