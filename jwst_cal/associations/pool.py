"""Pools of associations: tables of exposures, one a row."""

from __future__ import annotations

import ast
import csv
from pathlib import Path

from jwst_cal.errors import InputError

__all__ = ["candidates", "read", "value"]

#: What stands for no value.
EMPTY = frozenset({None, "", "null", "--", "n", "f", "false", "n/a"})
#: Columns without which nothing can be told.
_NEEDED = ("filename", "program", "instrume", "exp_type", "asn_candidate")


def read(path, delimiter="|"):
    """
    Read a pool.

    Parameters
    ----------
    path : path-like
        A text file: comments (``#``), names of columns, rows.
    delimiter : str
        What stands between the cells.

    Returns
    -------
    list of dict
        Cells by name; names and cells in lower case.

    Raises
    ------
    InputError
        If it cannot be read, or is no pool.
    """
    try:
        lines = [line for line in Path(path).read_text().splitlines()
                 if line.strip() and not line.lstrip().startswith("#")]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise InputError(f"{path}: no pool: {reason}") from error
    rows = [[cell.strip().lower() for cell in row]
            for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True)]
    names = rows[0] if rows else []
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise InputError(f"{path}: no pool: columns {', '.join(missing)} missing (columns are "
                         f"separated by '{delimiter}')")
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise InputError(f"{path}: row {number} has {len(row)} cells where {len(names)} are "
                             "needed")
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def value(item, *names):
    """
    Take a value of an exposure.

    Parameters
    ----------
    item : dict
        A row of a pool.
    *names : str
        Columns, in order of preference.

    Returns
    -------
    str or None
        The first that is given.
    """
    return next((item[name] for name in names if item.get(name) not in EMPTY), None)


def candidates(item):
    """
    List the candidates of associations that an exposure belongs to.

    Parameters
    ----------
    item : dict
        A row of a pool.

    Returns
    -------
    list of (str, str)
        Name and type of each.
    """
    try:
        found = ast.literal_eval(item["asn_candidate"])
        return [(str(name), str(kind)) for name, kind in found]
    except (ValueError, SyntaxError, TypeError):
        return []
