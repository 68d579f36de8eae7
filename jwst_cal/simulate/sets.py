"""What sets of exposures have in common: the field, the pointing, the pool, the associations."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jwst_cal.associations import asn_generate, io
from jwst_cal.associations import pool as pools
from jwst_cal.errors import OutputError, ParameterError
from jwst_cal.pointing import attitude, wcsinfo
from jwst_cal.simulate import telemetry
from jwst_cal.simulate.detectors import Window
from jwst_cal.simulate.instruments._parts import Filter, Mode

__all__ = ["FIELD", "VELOCITY", "Row", "associate", "check_field", "make_folder",
           "pointing_cards"]

#: Where the field is: right ascension, declination, position angle of V3, degrees.
FIELD = (202.5, 10.25, 33.3)
#: Velocity of the telescope, km/s along the axes of the sky.
VELOCITY = (22.7, -17.9, -7.8)
#: Keyword of each value of ``meta.wcsinfo``.
_KEYWORDS = {
    "v2_ref": "V2_REF", "v3_ref": "V3_REF", "vparity": "VPARITY", "v3yangle": "V3I_YANG",
    "siaf_xref_sci": "XREF_SCI", "siaf_yref_sci": "YREF_SCI",
}

#: Columns of the pool that are the same for all.
_SAME = {"PROGRAM": "1234", "OBS_NUM": "001", "TARGETID": "1", "PNTGTYPE": "SCIENCE",
         "VISITYPE": "PRIME_TARGETED_FIXED", "BKGDTARG": "f", "IS_PSF": "f", "IS_IMPRT": "f",
         "EXPOSERR": "null", "ASN_CANDIDATE": "[('o001', 'observation')]"}


class Row(NamedTuple):
    """An exposure of a set: its file, detector, filter and kind."""

    path: Path
    window: Window
    filter: Filter
    mode: Mode


def make_folder(folder):
    """
    Make the folder of a set.

    Parameters
    ----------
    folder : path-like
        Its name.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
    return folder


def check_field(field):
    """
    Refuse a field that is none.

    Parameters
    ----------
    field : (float, float, float), degrees
        Right ascension, declination, position angle of V3.

    Raises
    ------
    ParameterError
        If a number is out of range.
    """
    if not -90 < field[1] < 90 or not np.isfinite(field).all():
        raise ParameterError(f"field: {field} where right ascension, declination and position "
                             "angle are needed, in degrees")


def pointing_cards(aperture, matrix):
    """
    Make the keywords of the pointing.

    Parameters
    ----------
    aperture : Aperture
        Of the exposure.
    matrix : float64 [3, 3]
        Attitude of the telescope, to the sky.

    Returns
    -------
    dict
        Values by keyword.
    """
    values = wcsinfo.of_aperture(aperture) | wcsinfo.on_sky(matrix, aperture)
    v1 = attitude.to_sky(matrix, 0, 0)
    return {
        **{_KEYWORDS.get(name, name.upper()): value for name, value in values.items()},
        "RADESYS": "ICRS", "VELOSYS": 0.0, "APERNAME": aperture.name,
        "RA_V1": float(v1[0]), "DEC_V1": float(v1[1]),
        "PA_V3": attitude.position_angle(matrix, 0, 0),
        **dict(zip(("JWST_DX", "JWST_DY", "JWST_DZ"), VELOCITY, strict=True)),
        "PCS_MODE": "FINEGUIDE", "GDSTARID": "SIMULATED",
        **dict(zip(("GS_RA", "GS_DEC"), telemetry.guide_star(matrix), strict=True)),
    }


def associate(folder, rows):
    """
    Write the pool and the associations of a set.

    Parameters
    ----------
    folder : Path
        Where they go.
    rows : list of Row
        The exposures.

    Returns
    -------
    pool, level2, level3 : Path
        The table; the association of all exposures for stage 2; that of the exposures through the
        first one's filter for stage 3.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    cells = [_cells(row) for row in rows]
    path = folder / "jw01234_pool.csv"
    try:
        path.write_text("".join("|".join(line) + "\n" for line in (
            list(cells[0]), *(one.values() for one in cells))))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    found = asn_generate.generate(pools.read(path), discover=False, merge=True,
                                  pool_name=path.name)
    for asn in found:
        asn["products"].sort(key=lambda product: product["name"])
        io.write(asn, folder / asn.filename)
    first = rows[0].path.name.replace("_uncal", "_calints" if rows[0].mode.tso else "_cal")
    level3 = next(asn for asn in found if asn["asn_type"].endswith("3") and any(
        member["expname"] == first for member in asn["products"][0]["members"]))
    level2 = next(asn for asn in found if asn["asn_type"].endswith("2"))
    return path, folder / level2.filename, folder / level3.filename


def _cells(row):
    detector = row.window.detector
    optics = dict(row.filter.cards)
    return {
        "FILENAME": row.path.name, **_SAME, "INSTRUME": detector.instrument,
        "DETECTOR": detector.name, "EXP_TYPE": row.mode.exp_type,
        "TSOVISIT": "t" if row.mode.tso else "f", "SUBARRAY": row.window.subarray.name,
        "FILTER": optics.get("FILTER", "null"), "PUPIL": optics.get("PUPIL", "null"),
        "CHANNEL": dict(detector.cards).get("CHANNEL", "null"),
    }
