"""From telemetry to the attitude of the telescope.

Frames: ECI is the sky (ICRS), J the spacecraft, FGS1 and FGS2 the guiders, V the telescope. In the
frames of guiders x and y are along the ideal axes and z looks out. Matrices take vectors of the
frame named first to the one named last.

Source: JWST-STScI-003222, SM-12, Rev. C (November 2021).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jwst_cal.pointing import attitude, siaf, velocity_aberration

__all__ = ["Pointing", "coarse", "eci_to_guide_star", "from_quaternion", "guider",
           "remove_aberration", "to_guide_star", "track"]

_ARCSEC = np.radians(1 / 3600)
#: From FGS1 to J where telemetry says nothing.
FGS_TO_J = np.array([
    [-0.0010044400033, 0.9999994955442, 0.0000033964915],
    [0.0033814583568, 0.0000000000000, 0.9999942828533],
    [0.9999937784005, 0.0010044457459, -0.0033814566510],
])
#: Apertures of the guiders' whole detectors.
GUIDERS = {1: "FGS1_FULL_OSS", 2: "FGS2_FULL_OSS"}
#: x, y, z of a guide star's frame to one whose first axis looks out.
_OUT_FIRST = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])


class Pointing(NamedTuple):
    """
    What telemetry says, averaged over an observation.

    Attributes
    ----------
    quaternion : float64 [4]
        Of ECI to J, the scalar last.
    fgs_to_j : float64 [3, 3]
    commanded, position : float64 [2], arcsec
        Where the guide star should be in FGS1, and where it is in the guider in use.
    guider : int
        The guider in use, 1 or 2.
    """

    quaternion: np.ndarray
    fgs_to_j: np.ndarray
    commanded: np.ndarray
    position: np.ndarray | None
    guider: int


def from_quaternion(quaternion):
    """
    Make the rotation of a quaternion.

    Parameters
    ----------
    quaternion : float64 [4]
        The scalar last; as it is, without normalisation.

    Returns
    -------
    float64 [3, 3]
        Eq. 24.
    """
    x, y, z, w = quaternion
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)],
        [2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w)],
        [2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)],
    ])


def to_guide_star(commanded):
    """
    Make the rotation from FGS1 to the frame of a guide star at a place in it.

    Parameters
    ----------
    commanded : float64 [2], arcsec
        The place.

    Returns
    -------
    float64 [3, 3]
        Transpose of eq. 30.
    """
    x, y = np.asarray(commanded) * _ARCSEC
    about_y = np.array([[np.cos(x), 0, -np.sin(x)], [0, 1, 0], [np.sin(x), 0, np.cos(x)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(y), -np.sin(y)], [0, np.sin(y), np.cos(y)]])
    return about_y @ about_x


def guider(aperture):
    """
    Make the rotation from V to the frame of an aperture.

    Parameters
    ----------
    aperture : Aperture
        From ``siaf``.

    Returns
    -------
    float64 [3, 3]
        Eq. 12: to x and y along the ideal axes, and z.
    """
    inward = attitude.attitude(0, 0, aperture.v2_ref / 3600, aperture.v3_ref / 3600,
                               aperture.v3_angle).T
    order = np.array([[0, aperture.parity, 0], [0, 0, 1], [1, 0, 0]])
    return order @ inward


def remove_aberration(eci_to_star, velocity):
    """
    Make the rotation that takes out the aberration by the telescope's velocity.

    Parameters
    ----------
    eci_to_star : float64 [3, 3]
        From the sky to the frame of the guide star.
    velocity : sequence of float, km/s, or None
        Barycentric velocity along the axes of the sky.

    Returns
    -------
    float64 [3, 3]
        Eq. 40.

    Notes
    -----
    Differs from jwst 3.0.0, which squares the elements of the cross-product matrix instead of the
    matrix: up to 1 mas.
    """
    if velocity is None or not np.any(velocity):
        return np.eye(3)
    out = np.array([0.0, 0.0, 1.0])
    _, apparent = velocity_aberration.of_vector(-np.asarray(velocity, float), eci_to_star.T @ out)
    axis = np.cross(out, eci_to_star @ apparent)
    sine = np.linalg.norm(axis)
    if sine == 0:
        return np.eye(3)
    x, y, z = axis / sine
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) - sine * cross + 2 * np.sin(np.arcsin(sine) / 2) ** 2 * cross @ cross


def eci_to_guide_star(pointing, velocity, transpose=True):
    """
    Make the rotation from the sky to the frame of the guide star.

    Parameters
    ----------
    pointing : Pointing
        Telemetry.
    velocity : sequence of float, km/s, or None
        Barycentric velocity.
    transpose : bool
        Whether telemetry's matrix takes FGS1 to J, as it does.

    Returns
    -------
    float64 [3, 3]
        Eq. 16, in the order x, y, z.
    """
    matrix = np.asarray(pointing.fgs_to_j, float)
    if np.isclose(matrix, 0).all():
        matrix = FGS_TO_J
    seen = (to_guide_star(pointing.commanded) @ (matrix.T if transpose else matrix)
            @ from_quaternion(pointing.quaternion))
    return remove_aberration(seen, velocity) @ seen


def track(pointing, star, velocity, *, folder=None, transpose=True):
    """
    Find the attitude under control of a guide star.

    Parameters
    ----------
    pointing : Pointing
        Telemetry.
    star : (float, float), degrees
        Right ascension and declination of the guide star.
    velocity : sequence of float, km/s, or None
        Barycentric velocity.
    folder : path-like, optional
        Aperture files.
    transpose : bool
        As for :func:`eci_to_guide_star`.

    Returns
    -------
    float64 [3, 3]
        From V to the sky (transpose of eq. 46).
    """
    frame = _OUT_FIRST @ eci_to_guide_star(pointing, velocity, transpose)
    one = siaf.aperture(GUIDERS[1], folder)
    roll = _angle(frame) - one.v3_angle
    inside = np.append(np.asarray(pointing.position) * _ARCSEC, 0)
    inside[2] = np.sqrt(1 - inside @ inside)
    seen = guider(siaf.aperture(GUIDERS[pointing.guider], folder)).T @ inside
    v2, v3 = (angle / _ARCSEC for angle in attitude.from_vector(seen))
    return attitude.attitude(v2, v3, *star, roll)


def coarse(pointing, velocity, number, *, folder=None, transpose=True):
    """
    Find the attitude without a guide star.

    Parameters
    ----------
    pointing : Pointing
        Telemetry.
    velocity : sequence of float, km/s, or None
        Barycentric velocity.
    number : {1, 2}
        Guider that stands for the telescope.
    folder : path-like, optional
        Aperture files.
    transpose : bool
        As for :func:`eci_to_guide_star`.

    Returns
    -------
    float64 [3, 3]
        From V to the sky (transpose of eq. 45).
    """
    to_star = eci_to_guide_star(pointing, velocity, transpose)
    to_v = guider(siaf.aperture(GUIDERS[number], folder)).T @ to_guide_star(pointing.commanded).T
    return (to_v @ to_star).T


def _angle(frame):
    """Position angle of the third axis of a frame at its first one, degrees."""
    east = np.array([-frame[0, 1], frame[0, 0], 0]) / np.hypot(*frame[0, :2])
    north = np.cross(frame[0], east)
    return float(np.degrees(np.arctan2(frame[2] @ east, frame[2] @ north)))
