"""From the telescope's frame to the sky."""

from jwst_cal.errors import InputError
from jwst_cal.models import transforms

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


def to_sky(model, kinds=transforms):
    """
    Make the rotation from V2, V3 to right ascension and declination.

    Parameters
    ----------
    model : data model
        V2_REF, V3_REF (arcsec), ROLL_REF, RA_REF and DEC_REF (degrees) are read.
    kinds : module
        Where the transformations are taken from: ``transforms``, or ``libraries`` for those of
        astropy and gwcs.

    Returns
    -------
    Transform or astropy.modeling.Model
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
    scale, turn = kinds.Scale, kinds.SphericalCartesian
    sky = (scale(factor=1 / ARCSEC_PER_DEGREE) & scale(factor=1 / ARCSEC_PER_DEGREE)
           | turn("spherical_to_cartesian", 180)
           | kinds.RotateSequence(angles, axes_order="zyxyz")
           | turn("cartesian_to_spherical", 360))
    sky.name = "v23tosky"
    return sky


def aberration(model, kinds=transforms):
    """
    Make the correction of the scale for the telescope's velocity.

    Parameters
    ----------
    model : data model
        VA_SCALE and the reference point are read; a missing scale is 1.
    kinds : module
        As for :func:`to_sky`.

    Returns
    -------
    Transform or astropy.modeling.Model
        V2, V3 in arcsec as seen to V2, V3 at rest; the reference point stays where it is.

    Raises
    ------
    InputError
        If the scale is not positive.
    """
    scale = model.meta.velocity_aberration.scale_factor
    if scale is None or scale == 1:
        return kinds.Identity(2)
    if scale <= 0:
        raise InputError(f"{model.meta.filename or 'the input'}: VA_SCALE={scale} where a positive "
                         "number is needed")
    v2, v3 = model.meta.wcsinfo.v2_ref or 0, model.meta.wcsinfo.v3_ref or 0
    correction = _both(kinds.Scale, "dva_scale_v2", "dva_scale_v3", factor=(scale, scale))
    if v2 or v3:
        correction = correction | _both(kinds.Shift, "dva_v2_shift", "dva_v3_shift",
                                        offset=((1 - scale) * v2, (1 - scale) * v3))
        correction.name = "DVA_Correction"
    return correction


def _both(kind, *names, **values):
    """One transformation for each of V2 and V3, with their names."""
    (parameter, numbers), = values.items()
    parts = [kind(**{parameter: number}) for number in numbers]
    for part, name in zip(parts, names, strict=True):
        part.name = name
    return parts[0] & parts[1]


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
    from astropy import constants
    from astropy.modeling.models import Const1D, Identity

    factor = 1 / (1 + velocity / constants.c.value)
    correction = Identity(1) * Const1D(factor, name="velocity_correction")
    correction.inverse = Identity(1) / Const1D(factor, name="inv_vel_correction")
    return correction
