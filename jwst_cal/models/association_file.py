"""The association file: which exposures belong together, and in which role.

Only the format is known here; rules that make associations are in :mod:`jwst_cal.associations`.
Facts after the JSON schemas of the reference release.
"""

from __future__ import annotations

import copy
import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from jwst_cal.errors import InputError

__all__ = [
    "check_members", "expand", "is_association", "is_file_name", "member_path", "missing_members",
    "read", "select",
]

log = logging.getLogger(__name__)

#: What a file may leave out, and what stands for it.
DEFAULTS = {"asn_pool": "none", "asn_id": None}
#: How names of association files end.
ENDINGS = (".json", ".yaml", ".yml")


def is_association(thing):
    """
    Whether an object is an association in memory.

    Parameters
    ----------
    thing : object
        Anything.

    Returns
    -------
    bool
        True for a mapping with ``products``.
    """
    return isinstance(thing, Mapping) and "products" in thing


def is_file_name(thing):
    """
    Whether an object is the name of an association file.

    Parameters
    ----------
    thing : object
        Anything.

    Returns
    -------
    bool
        True for a path that ends as those do.
    """
    return isinstance(thing, str | os.PathLike) and os.fspath(thing).lower().endswith(ENDINGS)


def _problem(asn):
    """Say what keeps a parsed object from being an association, or return None."""
    if not isinstance(asn, Mapping):
        return f"a {type(asn).__name__} where an object with 'products' is needed"
    products = asn.get("products")
    if not isinstance(products, list) or not products:
        return "no 'products'"
    for number, product in enumerate(products):
        if not isinstance(product, Mapping) or not isinstance(product.get("members"), list):
            return f"product {number} has no 'members'"
        for member in product["members"]:
            for key in ("expname", "exptype"):
                if not isinstance(member, Mapping) or not isinstance(member.get(key), str):
                    return f"a member of product {number} has no '{key}'"
    return None


def _parse(text, path):
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = f"{error.msg} at line {error.lineno}"
    import yaml

    try:
        asn = yaml.safe_load(text)
    except yaml.YAMLError:
        asn = None
    if not isinstance(asn, Mapping):
        raise InputError(f"{path}: no association: not JSON ({reason})")
    if Path(path).suffix == ".json":
        log.warning("%s is not valid JSON (%s); read as YAML", path, reason)
    return asn


def read(source):
    """
    Read and check an association.

    Parameters
    ----------
    source : str, Path or mapping
        A file, or an association in memory, which is copied.

    Returns
    -------
    dict
        The association, with ``asn_pool`` and ``asn_id`` filled in where they are left out.

    Raises
    ------
    InputError
        If the file is missing, is neither JSON nor YAML, or holds no products with members.
    """
    if isinstance(source, Mapping):
        asn, name = copy.deepcopy(dict(source)), "association"
    else:
        name = expand(source)
        try:
            text = Path(name).read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise InputError(f"{name}: no association: {reason}") from error
        asn = _parse(text, name)
    problem = _problem(asn)
    if problem:
        raise InputError(f"{name}: no association: {problem}")
    return {**DEFAULTS, **asn}


def expand(path):
    """
    Return the absolute path of a file, with ``~`` and variables expanded.

    Parameters
    ----------
    path : str or Path
        A path as a user writes it.

    Returns
    -------
    str
        The absolute path.
    """
    return os.path.abspath(os.path.expanduser(os.path.expandvars(os.fspath(path))))


def member_path(member, folder):
    """
    Give the path of a member's file.

    Parameters
    ----------
    member : mapping
        A member of a product.
    folder : str or Path or None
        Folder of the association file; ``None`` is the working directory.

    Returns
    -------
    str
        The path; an absolute ``expname`` stays as it is.
    """
    return os.path.join("" if folder is None else os.fspath(folder), member["expname"])


def missing_members(members, folder):
    """
    List the members whose files do not exist.

    Parameters
    ----------
    members : iterable of mapping
        Members of a product.
    folder : str or Path or None
        Folder of the association file.

    Returns
    -------
    list of str
        Their names as the association gives them.
    """
    return [m["expname"] for m in members if not os.path.isfile(member_path(m, folder))]


def check_members(asn, folder, name):
    """
    Refuse an association some of whose members' files do not exist.

    Parameters
    ----------
    asn : mapping
        The association.
    folder : str or Path or None
        Folder of the association file.
    name : str
        What it is called in the message.

    Raises
    ------
    InputError
        Listing all missing files.
    """
    members = [member for product in asn["products"] for member in product["members"]]
    refuse_missing(missing_members(members, folder), name)


def refuse_missing(missing, name):
    """Raise InputError that lists the files an association names and that are not there."""
    if missing:
        raise InputError(f"{name}: {len(missing)} of its members do not exist: "
                         f"{', '.join(dict.fromkeys(missing))}")


def select(members, exptypes=None, n_members=None):
    """
    Choose members by role.

    Parameters
    ----------
    members : list of mapping
        Members of a product.
    exptypes : str or iterable of str, optional
        Roles to keep, in any case; all when not given.
    n_members : int, optional
        Keep only the first so many.

    Returns
    -------
    list of mapping
        The members kept, in order.
    """
    if exptypes:
        if isinstance(exptypes, str) or not isinstance(exptypes, Iterable):
            exptypes = [exptypes]
        wanted = {role.lower() for role in exptypes}
        members = [member for member in members if member["exptype"].lower() in wanted]
    return list(members[:n_members] if n_members else members)
