"""A FITS header that approximates the coordinates of an image."""

import logging
import re
import warnings

__all__ = ["describe", "forget"]

log = logging.getLogger(__name__)

#: Degrees tried when none is given.
DEGREES = range(1, 6)
_POLYNOMIALS = re.compile(r"(a|b|ap|bp)_(order|\d_\d)|cd[12]_[12]")
_LINEAR = re.compile(r"cdelt[12]|pc[12]_[12]|naxis")


def forget(info):
    """
    Remove the keywords of SIP polynomials.

    Parameters
    ----------
    info : node
        ``meta.wcsinfo``, changed in place.
    """
    _remove(info, _POLYNOMIALS)


def _remove(info, pattern):
    for key in [key for key in info.instance if pattern.fullmatch(key)]:
        del info.instance[key]


def describe(model, *, max_error=0.01, degree=None, max_inverse_error=0.01, inverse_degree=None,
             points=12):
    """
    Approximate the coordinates by a tangential projection with SIP polynomials, in the header.

    Parameters
    ----------
    model : data model
        With ``meta.wcs``; ``meta.wcsinfo`` is changed.
    max_error, max_inverse_error : float
        Largest error of the approximation and of its inverse, pixels.
    degree, inverse_degree : int, optional
        Degree of the polynomials; by default the lowest from 1 to 5 that meets the error.
    points : int
        Points along each axis at which the fit is made.

    Raises
    ------
    ValueError, RuntimeError
        From gwcs, if nothing can be fitted. What misses the wanted error is kept, with a warning.

    Notes
    -----
    Source: Shupe et al. 2005, ASP Conf. 347, 491; the fit is that of gwcs.
    """
    info = model.meta.wcsinfo
    crpix = [info.crpix1, info.crpix2]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        header = model.meta.wcs.to_fits_sip(
            max_pix_error=max_error, degree=DEGREES if degree is None else degree,
            max_inv_pix_error=max_inverse_error,
            inv_degree=DEGREES if inverse_degree is None else inverse_degree,
            npoints=points, crpix=None if None in crpix else crpix, projection="TAN",
        )
    for warning in said:
        log.warning("SIP description in the header: %s", warning.message)
    forget(info)
    _remove(info, _LINEAR)
    info.instance.update(
        (key.lower(), value) for key, value in header.items() if not key.startswith("NAXIS")
    )
