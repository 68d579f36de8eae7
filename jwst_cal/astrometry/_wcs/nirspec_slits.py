"""The slits of NIRSpec that were open."""

import json
import logging
import os
from typing import NamedTuple

from jwst_cal import modes
from jwst_cal.errors import ReferenceFileError, ShutterFileError

__all__ = ["FIXED_SLITS", "failed", "fixed", "fixed_slit_id", "of_lamp", "shutter_scales",
           "shutters"]

log = logging.getLogger(__name__)

#: Fixed slits in the order of the MSA reference; they are its fifth quadrant.
FIXED_SLITS = ("S200A1", "S200A2", "S400A1", "S1600A1", "S200B1")
FIXED_QUADRANT = 5
#: Subarrays that show one slit.
_OF_SUBARRAY = {"SUBS200A1": "S200A1", "SUBS200A2": "S200A2", "SUBS400A1": "S400A1",
                "SUBS200B1": "S200B1",
                **dict.fromkeys(("SUB2048", "SUB512", "SUB512S", "SUB1024A", "SUB1024B"),
                                "S1600A1")}
SHUTTERS_PER_ROW = 365
#: Pitch of shutters over their openings, along and across the dispersion, where the reference does
#: not tell; slitlets are lengthened by the latter for each shutter.
SCALES = (1.35, 1.15)
#: What a slitlet has on both ends beyond a slit, in heights.
MARGIN = 0.5
#: In the middle of a shutter.
CENTRE = 0.5
#: States of a shutter that let light through when they are ``open``.
_STATES = ("Internal state", "TA state", "state")


def fixed_slit_id(name):
    """
    Number a fixed slit for coordinates, whose inputs are numbers.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    int
        -101 to -105.
    """
    return -101 - FIXED_SLITS.index(name)


def fixed(model, limits):
    """
    List the fixed slits that an exposure shows.

    Parameters
    ----------
    model : data model
        The exposure: EXP_TYPE, SUBARRAY and FXD_SLIT are read; a missing FXD_SLIT becomes NONE.
    limits : tuple of float
        Lower and upper end of a slit, in its heights.

    Returns
    -------
    list of Slit
        One, or all in a full frame. SOURCE_ID is 1 in the slit of the target, otherwise the number
        of that slit and of this.
    """
    from stdatamodels.jwst.transforms.models import Slit

    if modes.exposure_type(model) == "NRS_BRIGHTOBJ":
        shown, target = ["S1600A1"], "S1600A1"
    else:
        one = _OF_SUBARRAY.get((model.meta.subarray.name or "").upper())
        if model.meta.instrument.fixed_slit is None:
            model.meta.instrument.fixed_slit = "NONE"
        shown, target = [one] if one else FIXED_SLITS, model.meta.instrument.fixed_slit
    tens = 10 * (FIXED_SLITS.index(target) + 1) if target in FIXED_SLITS else 0
    found = []
    for name in shown:
        number = FIXED_SLITS.index(name)
        found.append(Slit(
            name=name, shutter_id=number, dither_position=0, xcen=0, ycen=0, ymin=limits[0],
            ymax=limits[1], quadrant=FIXED_QUADRANT,
            source_id=1 if name == target else tens + number + 1, slit_id=fixed_slit_id(name)))
    return found


def of_lamp(model):
    """
    Tell through what the light of a lamp comes.

    Parameters
    ----------
    model : data model
        An exposure of a lamp.

    Returns
    -------
    str
        OPMODE in capitals.
    """
    return (model.meta.instrument.lamp_mode or "").upper()


class _Source(NamedTuple):
    """What is in a slit, in the order of the fields of a slit."""

    source_name: str
    source_alias: str
    stellarity: float = 0.0
    source_xpos: float = 0.0
    source_ypos: float = 0.0
    source_ra: float = 0.0
    source_dec: float = 0.0


def shutters(model, path, limits, scales):
    """
    List the slits and slitlets that were opened for an exposure.

    Parameters
    ----------
    model : data model
        The exposure: MSAMETID and PATT_NUM choose rows, PROGRAM names virtual sources.
    path : str or None
        The list of shutters and sources, MSAMETFL.
    limits : tuple of float
        Lower and upper end of a slit, in its heights.
    scales : dict
        Pitch over opening of the shutters, along and across the dispersion, by quadrant.

    Returns
    -------
    list of Slit
        In the order of the file.

    Raises
    ------
    ShutterFileError
        If the list is missing, cannot be read or is inconsistent, or the keywords are missing.
    """
    name = model.meta.filename or "the input"
    wanted = {"MSAMETFL": path, "MSAMETID": model.meta.instrument.msa_metadata_id,
              "PATT_NUM": model.meta.dither.position_number}
    missing = [keyword for keyword, value in wanted.items() if value in (None, "", "N/A")]
    if missing:
        raise ShutterFileError(f"{name}: {', '.join(missing)} missing: it is not known which "
                               "shutters were open")
    table, sources = _read(path)
    slitlets = {}
    for row in table:
        if (row["msa_metadata_id"] == wanted["MSAMETID"]
                and row["dither_point_index"] == wanted["PATT_NUM"]):
            slitlets.setdefault(_fixed_slit(row) or int(row["slitlet_id"]), []).append(row)
    log.info("%s lists %d slitlets for MSAMETID=%s, PATT_NUM=%s", os.path.basename(path),
             len(slitlets), wanted["MSAMETID"], wanted["PATT_NUM"])
    program = (model.meta.observation.program_number or "").lstrip("0")
    found = [_slitlet(key, rows, sources, program, limits, wanted["PATT_NUM"], scales, path)
             for key, rows in slitlets.items()]
    return [slit for slit in found if slit is not None]


def _read(path):
    """Tables of shutters and of sources."""
    from astropy.io import fits

    try:
        with fits.open(path, memmap=False) as file:
            return file["SHUTTER_INFO"].data, file["SOURCE_INFO"].data
    except FileNotFoundError:
        raise ShutterFileError(f"{path}: no such file (MSAMETFL)") from None
    except (OSError, KeyError) as error:
        raise ShutterFileError(f"{path}: cannot be read as a list of shutters (MSAMETFL): "
                               f"{str(error).splitlines()[0]}") from error


def _fixed_slit(row):
    """Name of the fixed slit that a row is about, or None; older files have no such column."""
    if "fixed_slit" not in (name.lower() for name in row.array.names):
        return None
    return row["fixed_slit"] if row["fixed_slit"] in FIXED_SLITS else None


def _slitlet(key, rows, sources, program, limits, dither, scales, path):
    """Make the slit of rows that belong together; None for a fixed slit without a source."""
    import numpy as np
    from stdatamodels.jwst.transforms.models import Slit

    main = [row for row in rows if row["primary_source"] == "Y"]
    columns = [int(row["shutter_column"]) for row in rows]
    is_fixed = isinstance(key, str)
    if len(main) > 1 or (is_fixed and len(rows) > 1):
        raise ShutterFileError(f"{path}: slitlet {key} has {len(main)} primary sources in "
                               f"{len(rows)} shutters, {'one of one' if is_fixed else 'one'} is "
                               "possible")
    if is_fixed and not main:
        log.warning("Left out the fixed slit %s: it has no primary source", key)
        return None
    if main:
        # the position is that of the first shutter that is not background
        central = next((row for row in rows if is_fixed or row["background"] == "N"), main[0])
        source_id = int(main[0]["source_id"])
        place = [float(np.nan_to_num(central[f"estimated_source_in_shutter_{axis}"], nan=CENTRE))
                 - CENTRE for axis in "xy"]
        source = _source(source_id, sources, f"{program}_VRT{key}", f"VRT{key}", place)
    else:
        central, source_id = rows[0], int(key)
        source = _Source(f"{program}_BKG{key}", f"BKG{key}")
    if is_fixed:
        x, y, quadrant, number = 0, 0, FIXED_QUADRANT, FIXED_SLITS.index(key)
        low, high, state = *limits, "x"
    else:
        x, quadrant = int(central["shutter_row"]), int(central["shutter_quadrant"])
        first, last = min(columns), max(columns)
        y = int(central["shutter_column"]) if main else first + (last - first) // 2
        number = x + (y - 1) * SHUTTERS_PER_ROW
        low = -(-limits[0] + MARGIN) + (first - y) * SCALES[1]
        high = limits[1] + MARGIN + (last - y) * SCALES[1]
        state = "".join("x" if column == y else str(int(column in columns))
                        for column in range(first, last + 1))
    return Slit(key, number, dither, x, y, low, high, quadrant, source_id, state, *source,
                *scales.get(quadrant, SCALES), fixed_slit_id(key) if is_fixed else key)


def _source(source_id, sources, name, alias, place):
    """What the list says of a source; one that is not in it is virtual."""
    for row in sources:
        if row["source_id"] == source_id:
            return _Source(str(row["source_name"]), str(row["alias"]), float(row["stellarity"]),
                           *place, float(row["ra"]), float(row["dec"]))
    log.warning("Source %d is not in the list of sources and was named %s", source_id, name)
    return _Source(name, alias, 0.0, *place)


def shutter_scales(msa):
    """
    Compare the pitch of the shutters with their openings.

    Parameters
    ----------
    msa : MSAModel
        Where they are.

    Returns
    -------
    dict
        Pitch over opening, along and across the dispersion, by quadrant (1 to 4).
    """
    found = {}
    for quadrant in range(1, FIXED_QUADRANT):
        rows = getattr(msa, f"Q{quadrant}").data
        along = (rows["XC"][1] - rows["XC"][0]) / rows["SIZEX"][0]
        found[quadrant] = float(along), float(rows["YC"][SHUTTERS_PER_ROW] / rows["SIZEY"][0])
    return found


def failed(path):
    """
    List the shutters that do not close.

    Parameters
    ----------
    path : str
        The MSAOPER reference.

    Returns
    -------
    list of Slit
        Numbered from 1.

    Raises
    ------
    ReferenceFileError
        If the file is not what it should be.
    """
    from stdatamodels.jwst.transforms.models import Slit

    try:
        with open(path, encoding="utf-8") as file:
            rows = json.load(file)["msaoper"]
        places = [(row["Q"], row["x"], row["y"]) for row in rows
                  if any(row[state] == "open" for state in _STATES)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReferenceFileError(f"{path}: no list of the states of shutters: {error!r}") from error
    return [Slit(k, x + (y - 1) * SHUTTERS_PER_ROW, 0, x, y, -CENTRE, CENTRE, quadrant, 0, "x",
                 slit_id=k) for k, (quadrant, x, y) in enumerate(places, 1)]
