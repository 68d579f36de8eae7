"""Aberration by the telescope's velocity: scale of the image, apparent directions."""

import numpy as np

from jwst_cal.pointing.attitude import from_vector, to_vector

__all__ = ["SPEED_OF_LIGHT", "aberration", "of_vector"]

#: km/s.
SPEED_OF_LIGHT = 299792.458


def of_vector(velocity, direction):
    """
    Compute the aberration of a direction.

    Parameters
    ----------
    velocity : sequence of float, km/s
        Barycentric velocity along the axes of the sky.
    direction : float64 [3]
        Unit vector.

    Returns
    -------
    scale : float
        Factor on the scale of the image.
    apparent : float64 [3]
        Unit vector as it is seen from the telescope.

    Notes
    -----
    Source: relativistic addition of velocities; Cox 1997, OSG-CAL-97-06.
    """
    beta = np.asarray(velocity, float) / SPEED_OF_LIGHT
    square = beta @ beta
    if square == 0:
        return 1.0, np.asarray(direction, float)
    along, slower = direction @ beta, np.sqrt(1 - square)
    apparent = slower * direction + beta * (1 + (1 - slower) * along / square)
    return float((1 + along) / slower), apparent / (1 + along)


def aberration(velocity, ra, dec):
    """
    Compute the aberration of a place on the sky.

    Parameters
    ----------
    velocity : sequence of float, km/s
        Barycentric velocity along the axes of the sky.
    ra, dec : float, degrees
        The place.

    Returns
    -------
    scale : float
        Factor on the scale of the image.
    ra, dec : float, degrees
        The place as it is seen from the telescope.
    """
    scale, apparent = of_vector(velocity, to_vector(np.radians(ra), np.radians(dec)))
    longitude, latitude = np.degrees(from_vector(apparent))
    return scale, float(longitude % 360), float(latitude)
