"""Pool and associations of a set of exposures."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jwst_cal.associations import asn_generate, io
from jwst_cal.associations import pool as pools
from jwst_cal.errors import OutputError
from jwst_cal.simulate.detectors import Window
from jwst_cal.simulate.instruments._parts import Filter, Mode

__all__ = ["Row", "associate"]

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
