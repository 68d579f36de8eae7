"""Associations from and to files."""

import json

from jwst_cal import models
from jwst_cal.models import association_file

__all__ = ["load_asn", "serialise", "write"]

FORMATS = ("json", "yaml")


def load_asn(source):
    """
    Read an association.

    Parameters
    ----------
    source : str, Path, open text file or mapping
        A file name, a file open for reading, or an association in memory.

    Returns
    -------
    dict
        The association.

    Raises
    ------
    InputError
        If it cannot be read or is none.
    """
    if hasattr(source, "read"):
        source = source.name
    return association_file.read(source)


def serialise(asn, fmt="json"):
    """
    Write an association as text.

    Parameters
    ----------
    asn : mapping
        The association.
    fmt : {'json', 'yaml'}
        Format.

    Returns
    -------
    str
        The text, its keys in the order of `asn`.

    Raises
    ------
    ValueError
        If the format is neither.
    """
    if fmt == "json":
        return json.dumps(asn, indent=4)
    if fmt == "yaml":
        import yaml

        return yaml.safe_dump(json.loads(json.dumps(asn)), sort_keys=False)
    raise ValueError(f"format: {fmt!r} where one of {', '.join(FORMATS)} is needed")


def write(asn, path, fmt="json"):
    """
    Write an association to a file, which is replaced whole or not at all.

    Parameters
    ----------
    asn : mapping
        The association.
    path : str or Path
        The file.
    fmt : {'json', 'yaml'}
        Format.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    models.save_text(serialise(asn, fmt), path)
