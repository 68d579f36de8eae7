"""Catalogues that images are aligned by: the user's, and absolute ones from files or a service."""

import logging
import os
import re
from pathlib import Path

import numpy as np

from jwst_cal.errors import InputError, OutputError, ParameterError

__all__ = ["SERVICES", "Unreachable", "inside", "reference", "save", "with_positions", "written"]

log = logging.getLogger(__name__)

#: Catalogues that the service knows.
SERVICES = ("GAIAREFCAT", "GAIADR3", "GAIADR2", "GAIADR1")
SERVICE, TIMEOUT = "https://gsss.stsci.edu/webservices", 30.0
SERVICE_VARIABLE = "ASTROMETRIC_CATALOG_URL"
#: Endings of the files that are taken from a directory.
ENDINGS = (".ecsv", ".fits", ".fit", ".csv", ".txt", ".dat", ".tbl", ".cat", ".vot", ".xml",
           ".parquet")
#: By format: name of the writer.
FORMATS = {"ecsv": "ascii.ecsv", "fits": "fits"}


class Unreachable(Exception):
    """The catalogue service does not answer."""


def read(path):
    """
    Read a table, of any format that astropy recognises.

    Parameters
    ----------
    path : str
        The file.

    Returns
    -------
    astropy.table.Table
        The table.

    Raises
    ------
    InputError
        If it is missing or no table.
    """
    import warnings

    from astropy.table import Table

    if not os.path.isfile(path):
        raise InputError(f"{path}: no such catalogue")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Table.read(path)
    except Exception as error:  # of as many kinds as there are formats
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise InputError(f"{path}: cannot be read as a catalogue: {reason}") from error


def written(path):
    """
    Read which catalogue belongs to which image.

    Parameters
    ----------
    path : str
        A text: file name of an image and, if it has one, of its catalogue in each line; lines that
        begin with ``#`` do not count.

    Returns
    -------
    dict
        Path of the catalogue by name of the image; None for one without.

    Raises
    ------
    ParameterError
        If the file is missing or a line has more than two words.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"Parameter 'catfile' of tweakreg: {path} cannot be read: "
                             f"{getattr(error, 'strerror', None) or error}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        image, *catalogue = line.split()
        if len(catalogue) > 1:
            raise ParameterError(f"Parameter 'catfile' of tweakreg: {path}, line {number}: "
                                 f"{len(catalogue) + 1} words where an image and a catalogue are "
                                 "needed")
        found[image] = os.path.join(os.path.dirname(path), *catalogue) if catalogue else None
    return found


def with_positions(catalogue, name):
    """
    Give the columns of the positions in an image their names.

    Parameters
    ----------
    catalogue : astropy.table.Table
        With ``x`` or ``xcentroid`` or ``x_centroid``, and the same of y; renamed in place.
    name : str
        What to call it in messages.

    Returns
    -------
    astropy.table.Table
        With ``x`` and ``y``, numbers in every row.

    Raises
    ------
    InputError
        If it has no positions, or they are no numbers.
    """
    for axis in "xy":
        known = [axis, f"{axis}centroid", f"{axis}_centroid"]
        present = [column for column in known if column in catalogue.colnames]
        if not present:
            raise InputError(f"{name}: a catalogue of an image needs one of the columns "
                             f"{', '.join(known)}; it has {', '.join(catalogue.colnames)}")
        if present[0] != axis:
            catalogue.rename_column(present[0], axis)
    return _placed(catalogue, ("x", "y"), name)


def _placed(table, columns, name):
    """Leave out rows in which one of these columns has no number; refuse what is no number."""
    there = np.ones(len(table), bool)
    for column in columns:
        try:
            values = np.ma.asarray(table[column]).astype(float)
        except (TypeError, ValueError):
            raise InputError(f"{name}: column {column} holds '{table[column][0]}' where numbers "
                             "are needed") from None
        there &= np.isfinite(values.filled(np.nan))
    if there.all():
        return table
    log.warning("%s: %d of %d sources have no position and are left out", name,
                np.count_nonzero(~there), len(there))
    return table[there]


def inside(catalogue, box):
    """
    Leave out sources beyond the bounds of the coordinates.

    Parameters
    ----------
    catalogue : astropy.table.Table
        With ``x`` and ``y``.
    box : tuple or None
        Bounds (x, y) of the coordinates; all is inside of none.

    Returns
    -------
    astropy.table.Table
        Rows that are inside.
    """
    if box is None or not len(catalogue):
        return catalogue
    keep = np.ones(len(catalogue), bool)
    for axis, (low, high) in zip("xy", box, strict=True):
        keep &= np.asarray((catalogue[axis] > low) & (catalogue[axis] < high))
    return catalogue[keep]


def save(catalogue, path, kind):
    """
    Write a catalogue.

    Parameters
    ----------
    catalogue : astropy.table.Table
        The table.
    path : str
        The file, replaced if it exists.
    kind : {'ecsv', 'fits'}
        Format.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    if kind == "fits":  # a header holds no dictionaries
        catalogue = catalogue.copy()
        catalogue.meta = {key: value for key, value in catalogue.meta.items()
                          if not isinstance(value, dict)}
    try:
        catalogue.write(path, format=FORMATS[kind], overwrite=True)
    except OSError as error:
        raise OutputError(f"{path}: the catalogue cannot be written: "
                          f"{error.strerror or error}") from error


def reference(source, corners, date):
    """
    Get an absolute catalogue.

    Parameters
    ----------
    source : str
        A file, a directory of files, or one of `SERVICES`.
    corners : float64 [corner, 2]
        Right ascension and declination of the corners of all images, degrees. Of a directory and
        of a service only sources around them are taken.
    date : str
        Day (UTC) for which a service gives positions.

    Returns
    -------
    astropy.table.Table
        With ``RA`` and ``DEC`` in degrees; ``meta["name"]`` is what it is called.

    Raises
    ------
    InputError
        If a file is no catalogue of positions.
    ParameterError
        If the source is none of these.
    Unreachable
        If the service does not answer.
    """
    centre, radius = _field(corners)
    if source.upper() in SERVICES:
        found, name = _asked(source.upper(), centre, radius, date), source.upper()
    elif os.path.isdir(source):
        found, name = _of_directory(source, centre, radius), os.path.basename(source.rstrip("/"))
    elif os.path.isfile(source):
        found, name = _on_the_sky(read(source), source), os.path.basename(source)
    else:
        raise ParameterError(f"Parameter 'abs_refcat' of tweakreg: '{source}' is no file, no "
                             f"directory and none of {', '.join(SERVICES)}")
    found.meta["name"] = name
    return found


def _field(corners):
    """Middle of a set of points on the sky and distance of the furthest, degrees."""
    lon, lat = np.radians(corners).T
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    x, y, z = ((part.max() + part.min()) / 2 for part in (x, y, z))
    centre = (float(np.degrees(np.arctan2(y, x)) % 360),
              float(np.degrees(np.arctan2(z, np.hypot(x, y)))))
    return centre, float(_distance(*corners.T, centre).max())


def _distance(ra, dec, centre):
    """Distance of points from another, degrees."""
    from astropy.coordinates import angular_separation

    return np.degrees(angular_separation(*np.radians([ra, dec]), *np.radians(centre)))


def _on_the_sky(table, name):
    """Give columns of positions their names, in any case, or make them of coordinates."""
    for column in table.colnames:
        wanted = next((known for known in ("RA", "DEC", "sky_centroid")
                       if column.lower() == known.lower()), column)
        if wanted != column and wanted in table.colnames:
            raise InputError(f"{name}: has several columns {wanted} that differ in case only")
        table.rename_column(column, wanted)
    if {"RA", "DEC"} <= {*table.colnames}:
        if "sky_centroid" in table.colnames:
            log.warning("%s has columns RA, DEC and sky_centroid; the last is not used", name)
            table.remove_column("sky_centroid")
        return _placed(table, ("RA", "DEC"), name)
    if "sky_centroid" not in table.colnames:
        raise InputError(f"{name}: a reference catalogue needs columns RA and DEC, or "
                         f"sky_centroid; it has {', '.join(table.colnames)}")
    centroid = table["sky_centroid"].icrs
    table["RA"], table["DEC"] = centroid.ra.deg, centroid.dec.deg
    table.remove_column("sky_centroid")
    return _placed(table, ("RA", "DEC"), name)


def _of_directory(folder, centre, radius):
    """Join those sources of all catalogues in a directory that are in the field."""
    from astropy.table import Table, vstack

    paths = sorted(path for path in Path(folder).iterdir()
                   if path.suffix.lower() in ENDINGS and path.is_file())
    if not paths:
        raise InputError(f"{folder}: no catalogues in this directory (files ending in "
                         f"{' '.join(ENDINGS)})")
    parts, read_from = [], 0
    for path in paths:
        table = _on_the_sky(read(str(path)), str(path))
        kept = [name for name in ("RA", "DEC", "weight") if name in table.colnames]
        table = Table([np.asarray(table[name], float) for name in kept], names=kept)
        near = table[_distance(table["RA"], table["DEC"], centre) <= radius]
        read_from += len(near) > 0
        parts.append(near)
    found = vstack(parts)
    log.info("%s: %d sources of %d catalogues are in the field", folder, len(found), read_from)
    return found


def _asked(catalogue, centre, radius, date):
    """Ask the service for the sources in the field."""
    import urllib.error
    import urllib.request

    from astropy.table import Table
    from astropy.time import Time

    if date is None:
        raise InputError(f"{catalogue}: DATE-OBS of the images is missing, so it is not known for "
                         "which day positions are needed")
    epoch = Time(date).decimalyear
    service = os.environ.get(SERVICE_VARIABLE, SERVICE)
    url = (f"{service}/vo/CatalogSearch.aspx?RA={centre[0]}&DEC={centre[1]}&EPOCH={epoch}"
           f"&SR={radius}&FORMAT=CSV&CAT={catalogue}")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            text = answer.read().decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Unreachable(f"{catalogue}: {service} does not answer: {reason}") from error
    if text.startswith("No data records"):
        return Table(names=["RA", "DEC", "mag"])
    try:
        table = Table.read(text, format="csv", comment="#")
        for name in ("pmra", "pmdec"):  # positions of the epoch are only those of moving stars
            if hasattr(table[name], "mask"):
                table = table[~table[name].mask]
        table = table["ra", "dec", "mag", "objID", "epoch"]
    except Exception as error:
        shown = re.sub(r"\s+", " ", text[:60])
        raise Unreachable(f"{catalogue}: {service} answers '{shown}' where a catalogue is "
                          "needed") from error
    table.meta["catalog"] = catalogue
    table.rename_columns(["ra", "dec"], ["RA", "DEC"])
    table.sort("mag", reverse=True)
    return table
