"""Telemetry of simulated pointings: what ``set_telescope_pointing`` reads."""

import numpy as np

from jwst_cal.pointing import _transforms, attitude, siaf

__all__ = ["GUIDE_STAR", "guide_star", "mnemonics"]

#: Place of the guide star in FGS1, arcsec along the ideal axes.
GUIDE_STAR = (-24.5, 31.25)
_ARCSEC = np.radians(1 / 3600)


def guide_star(matrix):
    """
    Find the place of the guide star on the sky.

    Parameters
    ----------
    matrix : float64 [3, 3]
        Attitude of the telescope, to the sky.

    Returns
    -------
    ra, dec : float, degrees
    """
    inside = np.append(np.array(GUIDE_STAR) * _ARCSEC, 0)
    inside[2] = np.sqrt(1 - inside @ inside)
    out = _transforms.guider(siaf.aperture(_transforms.GUIDERS[1])).T @ inside
    longitude, latitude = attitude.from_vector(matrix @ out)
    return float(np.degrees(longitude) % 360), float(np.degrees(latitude))


def mnemonics(matrix, velocity, start, end):
    """
    Make the telemetry of an exposure.

    Parameters
    ----------
    matrix : float64 [3, 3]
        Attitude of the telescope, to the sky.
    velocity : sequence of float, km/s
        Barycentric velocity along the axes of the sky.
    start, end : float, MJD
        When it is taken.

    Returns
    -------
    dict of list of (float, float)
        Times (MJD) and values by mnemonic: three of each.
    """
    # What is measured is not corrected for aberration, by a rotation that depends on it.
    true = _transforms.guider(siaf.aperture(_transforms.GUIDERS[1])) @ matrix.T
    to_star = _transforms.to_guide_star(GUIDE_STAR)
    seen = to_star @ true
    for _ in range(4):
        seen = _transforms.remove_aberration(seen, velocity).T @ to_star @ true
    to_j = _transforms.FGS_TO_J @ to_star.T @ seen
    values = {
        **{f"SA_ZATTEST{k + 1}": value for k, value in enumerate(_quaternion(to_j))},
        **{f"SA_ZRFGS2J{i + 1}{j + 1}": _transforms.FGS_TO_J[i, j]
           for i in range(3) for j in range(3)},
        "SA_ZADUCMDX": 0.0, "SA_ZADUCMDY": 0.0, "SA_ZFGDETID": 1.0,
        **{f"SA_ZFGGS{kind}{axis}": value for kind in ("CMD", "POS")
           for axis, value in zip("XY", GUIDE_STAR, strict=True)},
    }
    # a component of the matrix that is 0 would count as missing
    values = {name: float(value) or (1e-12 if name.startswith("SA_ZRFGS2J") else 0.0)
              for name, value in values.items()}
    times = [start, (start + end) / 2, end]
    return {name: [[time, value] for time in times] for name, value in values.items()}


def _quaternion(matrix):
    """The quaternion of a rotation, the scalar last; no part of it is 0 in practice."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(matrix.T).as_quat()
