"""What a header says about the pointing: an aperture's place and directions on the sky."""

import numpy as np

from jwst_cal.pointing import attitude as frames

__all__ = ["of_aperture", "on_sky", "outline", "rotation"]


def of_aperture(aperture):
    """
    Describe an aperture.

    Parameters
    ----------
    aperture : Aperture
        From ``siaf``.

    Returns
    -------
    dict
        Values of ``meta.wcsinfo`` by name that do not depend on where the telescope points.
    """
    return {
        "v2_ref": aperture.v2_ref, "v3_ref": aperture.v3_ref, "vparity": aperture.parity,
        "v3yangle": aperture.v3_angle, "crpix1": aperture.x_ref, "crpix2": aperture.y_ref,
        "siaf_xref_sci": aperture.x_ref, "siaf_yref_sci": aperture.y_ref,
        "cdelt1": aperture.x_scale / 3600, "cdelt2": aperture.y_scale / 3600,
        "ctype1": "RA---TAN", "ctype2": "DEC--TAN", "cunit1": "deg", "cunit2": "deg", "wcsaxes": 2,
    }


def rotation(roll, aperture):
    """
    Make the rotation of an aperture's array against the sky.

    Parameters
    ----------
    roll : float, degrees
        Position angle of the V3 axis at the reference point.
    aperture : Aperture
        From ``siaf``.

    Returns
    -------
    dict
        ``pc1_1`` to ``pc2_2``.
    """
    angle, sign = np.radians(roll - aperture.parity * aperture.v3_angle), aperture.parity
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return {"pc1_1": sign * cos, "pc1_2": sin, "pc2_1": -sign * sin, "pc2_2": cos}


def outline(matrix, aperture):
    """
    Write the corners of an aperture as the value of S_REGION.

    Parameters
    ----------
    matrix : float64 [3, 3]
        Attitude of the telescope, to the sky.
    aperture : Aperture
        From ``siaf``.

    Returns
    -------
    str
    """
    v2, v3 = aperture.to_telescope(np.array(aperture.x_vertices), np.array(aperture.y_vertices))
    corners = np.transpose(frames.to_sky(matrix, v2, v3))
    return "POLYGON ICRS  " + " ".join(f"{value:.9f}" for value in corners.ravel())


def on_sky(matrix, aperture):
    """
    Describe where an aperture looks.

    Parameters
    ----------
    matrix : float64 [3, 3]
        Attitude of the telescope, to the sky.
    aperture : Aperture
        From ``siaf``.

    Returns
    -------
    dict
        Values of ``meta.wcsinfo`` by name.
    """
    at = aperture.v2_ref, aperture.v3_ref
    ra, dec = (float(value) for value in frames.to_sky(matrix, *at))
    roll = frames.position_angle(matrix, *at)
    return {
        "ra_ref": ra, "dec_ref": dec, "roll_ref": roll, "crval1": ra, "crval2": dec,
        **rotation(roll, aperture), "s_region": outline(matrix, aperture),
    }
