"""Anything that pipelines take as input, as an association."""

from __future__ import annotations

import os
from collections.abc import Mapping

from jwst_cal.associations.asn_from_list import Association, asn_from_list
from jwst_cal.models import association_file

__all__ = ["LoadAsAssociation", "LoadAsLevel2Asn", "load_as_level2_asn", "load_as_level3_asn"]

_ALONE = {"asn_pool": "singleton", "program": "singleton", "target": "singleton"}


def load_as_level2_asn(given, basename=None):
    """
    Read an association, or make one with a product for each exposure.

    Parameters
    ----------
    given : str, path, data model, list of them, or mapping
        An association (file or in memory), or exposures.
    basename : str, optional
        Name of the products of exposures, numbered from the second on. By default the name of the
        file without its suffix, or of the model with it.

    Returns
    -------
    Association
        With the name of the file, or ``singleton``, as attribute ``filename``. Members that are
        open stay so: ``expname`` is the model.

    Raises
    ------
    InputError
        If an association cannot be read or is none.

    Notes
    -----
    Differs from jwst 3.0.0: a missing association is not taken for an exposure, one in memory is
    an association, and `basename` works.
    """
    found = _association(given)
    if found is not None:
        return found
    return _made(given, rule="DMSLevel2bBase", product_name_func=_numbered(basename))


def load_as_level3_asn(given, product_name=None):
    """
    Read an association, or make one with one product of all exposures.

    Parameters
    ----------
    given : str, path, data model, list of them, or mapping
        An association (file or in memory), or exposures.
    product_name : str, optional
        Name of the product of exposures; by default that of the first, without its suffix.

    Returns
    -------
    Association
        As :func:`load_as_level2_asn` gives it.

    Raises
    ------
    InputError
        If an association cannot be read or is none.
    """
    found = _association(given)
    if found is not None:
        return found
    if product_name is None:
        first = asn_from_list(_items(given)[:1], rule="DMSLevel2bBase")
        product_name = first["products"][0]["name"]
    return _made(given, rule="DMS_Level3_Base", product_name=product_name)


class LoadAsAssociation:
    """The name that scripts for the reference release use for exposures of stage 3."""

    load = staticmethod(load_as_level3_asn)


class LoadAsLevel2Asn:
    """The name that scripts for the reference release use."""

    load = staticmethod(load_as_level2_asn)


def _association(given):
    """The association that was given; None for exposures."""
    is_file = isinstance(given, str | os.PathLike)
    if is_file and not association_file.is_file_name(given):
        return None
    if not is_file and not isinstance(given, Mapping):
        return None
    found = Association(association_file.read(given))
    found.filename = os.fspath(given) if is_file else "singleton"
    return found


def _items(given):
    return list(given) if isinstance(given, list | tuple) else [given]


def _made(given, **options):
    found = asn_from_list(_items(given), meta=_ALONE, **options)
    found.filename = "singleton"
    return found


def _numbered(basename):
    """A function that names the products, None for the default names."""
    if basename is None:
        return None
    root = os.path.splitext(os.path.basename(basename))[0]
    return lambda item, number: root if number == 1 else f"{root}_{number}"
