"""From the telescope's frame to the sky."""

from astropy import constants
from astropy.modeling.models import Const1D, Identity, RotationSequence3D, Scale, Shift
from gwcs.geometry import CartesianToSpherical, SphericalToCartesian

from jwst_cal.errors import InputError

__all__ = ["aberration", "to_barycentre", "to_sky"]

ARCSEC_PER_DEGREE = 3600
#: Header keywords that place the reference point, by their names in ``meta.wcsinfo``.
_KEYWORDS = {"v2_ref": "V2_REF", "v3_ref": "V3_REF", "roll_ref": "ROLL_REF", "ra_ref": "RA_REF",
             "dec_ref": "DEC_REF"}


def _reference_point(model):
    values = {name: getattr(model.meta.wcsinfo, name) for name in _KEYWORDS}
    missing = [_KEYWORDS[name] for name, value in values.items() if value is None]
    if missing:
        raise InputError(f"{model.meta.filename or 'the input'}: {', '.join(missing)} missing: "
                         "the header does not say where the telescope pointed")
    return values


def to_sky(model):
    """
    Make the rotation from V2, V3 to right ascension and declination.

    Parameters
    ----------
    model : data model
        V2_REF, V3_REF (arcsec), ROLL_REF, RA_REF and DEC_REF (degrees) are read.

    Returns
    -------
    astropy.modeling.Model
        V2, V3 in arcsec to ICRS in degrees, right ascension from 0 to 360.

    Raises
    ------
    InputError
        If one of them is missing.

    Notes
    -----
    Source: JWST-STScI-001550, the five rotations that carry the reference point to its place.
    """
    at = _reference_point(model)
    angles = [at["v2_ref"] / ARCSEC_PER_DEGREE, -at["v3_ref"] / ARCSEC_PER_DEGREE,
              at["roll_ref"], at["dec_ref"], -at["ra_ref"]]
    degrees = Scale(1 / ARCSEC_PER_DEGREE) & Scale(1 / ARCSEC_PER_DEGREE)
    sky = (degrees | SphericalToCartesian(wrap_lon_at=180)
           | RotationSequence3D(angles, axes_order="zyxyz")
           | CartesianToSpherical(wrap_lon_at=360))
    sky.name = "v23tosky"
    return sky


def aberration(model):
    """
    Make the correction of the scale for the telescope's velocity.

    Parameters
    ----------
    model : data model
        VA_SCALE and the reference point are read; a missing scale is 1.

    Returns
    -------
    astropy.modeling.Model
        V2, V3 in arcsec as seen to V2, V3 at rest; the reference point stays where it is.

    Raises
    ------
    InputError
        If the scale is not positive.
    """
    scale = model.meta.velocity_aberration.scale_factor
    if scale is None or scale == 1:
        return Identity(2)
    if scale <= 0:
        raise InputError(f"{model.meta.filename or 'the input'}: VA_SCALE={scale} where a positive "
                         "number is needed")
    v2, v3 = model.meta.wcsinfo.v2_ref or 0, model.meta.wcsinfo.v3_ref or 0
    correction = Scale(scale, name="dva_scale_v2") & Scale(scale, name="dva_scale_v3")
    if v2 or v3:
        correction = correction | (Shift((1 - scale) * v2, name="dva_v2_shift")
                                   & Shift((1 - scale) * v3, name="dva_v3_shift"))
        correction.name = "DVA_Correction"
    return correction


def to_barycentre(velocity):
    """
    Make the correction of wavelengths for the observatory's radial velocity.

    Parameters
    ----------
    velocity : float
        VELOSYS, m/s.

    Returns
    -------
    astropy.modeling.Model
        Wavelengths as observed to those at the barycentre of the solar system, and back.
    """
    factor = 1 / (1 + velocity / constants.c.value)
    correction = Identity(1) * Const1D(factor, name="velocity_correction")
    correction.inverse = Identity(1) / Const1D(factor, name="inv_vel_correction")
    return correction
