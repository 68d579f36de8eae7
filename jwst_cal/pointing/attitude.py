"""Attitude of the telescope: rotations between its frame (V1, V2, V3) and the sky."""

import numpy as np

__all__ = ["attitude", "from_vector", "position_angle", "to_sky", "to_telescope", "to_vector"]

_ARCSEC = np.pi / 180 / 3600


def _about(axis, angle):
    """Rotation about axis 0, 1 or 2 by an angle in radians."""
    j, k = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[j, j] = matrix[k, k] = np.cos(angle)
    matrix[k, j] = np.sin(angle)
    matrix[j, k] = -matrix[k, j]
    return matrix


def to_vector(longitude, latitude):
    """
    Make unit vectors.

    Parameters
    ----------
    longitude, latitude : float or array, radians
        Spherical coordinates.

    Returns
    -------
    float64 [3, ...]
    """
    return np.array([np.cos(longitude) * np.cos(latitude), np.sin(longitude) * np.cos(latitude),
                     np.sin(latitude) + 0 * longitude])


def from_vector(vector):
    """
    Take the spherical coordinates of vectors.

    Parameters
    ----------
    vector : float64 [3, ...]
        Of any length.

    Returns
    -------
    longitude, latitude : float64 array, radians
        Longitude from -pi to pi.
    """
    x, y, z = vector
    return np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))


def attitude(v2, v3, ra, dec, roll):
    """
    Make the attitude that puts a point of the telescope's frame at a place on the sky.

    Parameters
    ----------
    v2, v3 : float, arcsec
        The point.
    ra, dec : float, degrees
        The place.
    roll : float, degrees
        Position angle of the V3 axis there, from north to east.

    Returns
    -------
    float64 [3, 3]
        Takes vectors of the telescope's frame to the sky.

    Notes
    -----
    Source: JWST-STScI-001550, the five rotations that carry the reference point to its place.
    """
    ra, dec, roll = np.radians((ra, dec, roll))
    return (_about(2, ra) @ _about(1, -dec) @ _about(0, -roll) @ _about(1, v3 * _ARCSEC)
            @ _about(2, -v2 * _ARCSEC))


def to_sky(matrix, v2, v3):
    """
    Take places in the telescope's frame to the sky.

    Parameters
    ----------
    matrix : float64 [3, 3]
        The attitude.
    v2, v3 : float or array, arcsec
        Places.

    Returns
    -------
    ra, dec : float64 array, degrees
        Right ascension from 0 to 360.
    """
    vector = to_vector(np.asarray(v2) * _ARCSEC, np.asarray(v3) * _ARCSEC)
    ra, dec = np.degrees(from_vector(np.tensordot(matrix, vector, 1)))
    return ra % 360, dec


def to_telescope(matrix, ra, dec):
    """
    Take places on the sky to the telescope's frame.

    Parameters
    ----------
    matrix : float64 [3, 3]
        The attitude.
    ra, dec : float or array, degrees
        Places.

    Returns
    -------
    v2, v3 : float64 array, arcsec
    """
    vector = np.tensordot(matrix.T, to_vector(np.radians(ra), np.radians(dec)), 1)
    longitude, latitude = from_vector(vector)
    return longitude / _ARCSEC, latitude / _ARCSEC


def position_angle(matrix, v2, v3):
    """
    Find the position angle of the V3 axis at a place.

    Parameters
    ----------
    matrix : float64 [3, 3]
        The attitude.
    v2, v3 : float, arcsec
        The place.

    Returns
    -------
    float, degrees
        From north to east, 0 to 360.
    """
    v2, v3 = v2 * _ARCSEC, v3 * _ARCSEC
    up = matrix @ np.array([-np.cos(v2) * np.sin(v3), -np.sin(v2) * np.sin(v3), np.cos(v3)])
    ra, dec = from_vector(matrix @ to_vector(v2, v3))
    east = np.array([-np.sin(ra), np.cos(ra), 0])
    north = np.array([-np.cos(ra) * np.sin(dec), -np.sin(ra) * np.sin(dec), np.cos(dec)])
    return float(np.degrees(np.arctan2(up @ east, up @ north)) % 360)
