"""Make an association from a list of files; also the command ``asn_from_list``.

The stage-3 rule puts all files in one product, the stage-2 rule makes one product per file.
"""

from __future__ import annotations

import argparse
import os
import sys

from jwst_cal import reproduces
from jwst_cal.associations import io
from jwst_cal.errors import JwstCalError, ParameterError
from jwst_cal.framework.products import remove_suffix

__all__ = ["RULES", "Association", "asn_from_list", "main"]

RULES = ("DMS_Level3_Base", "DMSLevel2bBase")


class Association(dict):
    """
    An association in memory: a dict that can write itself.

    Attributes
    ----------
    filename : str or None
        File that it was read from.
    """

    filename = None

    def dump(self, format="json"):
        """
        Write as text.

        Parameters
        ----------
        format : {'json', 'yaml'}
            Format.

        Returns
        -------
        name, text : str
            A file name for it, and the text.
        """
        return f"{self['products'][0].get('name') or 'association'}_asn.{format}", io.serialise(
            self, format
        )


def _root(item):
    """Name of the product of a file, or of an open model."""
    if isinstance(item, str | os.PathLike):
        return remove_suffix(os.path.basename(item).partition(".")[0])[0]
    return os.path.splitext(item.meta.filename or "undefined")[0]


def asn_from_list(
    items, rule="DMS_Level3_Base", product_name=None, with_exptype=False, acid="o999", meta=None,
    product_name_func=None,
):
    """
    Make an association from a list of files.

    Parameters
    ----------
    items : list of str, path or data model, or list of pairs
        Files or open models, or pairs of one and a role when `with_exptype` is True.
    rule : str or class
        ``DMS_Level3_Base`` (one product) or ``DMSLevel2bBase`` (a product per file).
    product_name : str, optional
        Name of the product; needed by the stage-3 rule, not used by the other.
    with_exptype : bool
        Whether items are pairs.
    acid : str
        Candidate id; with the stage-2 rule it must start with ``o`` or ``c``.
    meta : mapping, optional
        Entries of the association in the place of those given here.
    product_name_func : callable, optional
        Names the products of the stage-2 rule: called with the item and its number from 1.

    Returns
    -------
    Association
        The association.

    Raises
    ------
    ParameterError
        If there are no items, the rule is unknown, or a name or id is missing or wrong.

    Notes
    -----
    Source: files that the reference release's command writes.
    Differs from jwst 3.0.0: with pairs, the stage-2 rule makes one product for each science item
    and gives it all the others as members, where the reference makes a product of each item.
    """
    rule = getattr(rule, "__name__", rule)
    if rule not in RULES:
        raise ParameterError(f"rule: '{rule}' where one of {', '.join(RULES)} is needed")
    pairs = [tuple(item) if with_exptype else (item, "science") for item in items]
    pairs = [(os.fspath(item) if isinstance(item, os.PathLike) else item, role)
             for item, role in pairs]
    if not pairs:
        raise ParameterError("asn_from_list: no files given")
    members = [{"expname": name, "exptype": role} for name, role in pairs]
    if rule == "DMS_Level3_Base":
        if not product_name:
            raise ParameterError("product_name: the stage-3 rule needs a product name")
        products = [{"name": product_name, "members": members}]
    else:
        if not acid.startswith(("o", "c")):
            raise ParameterError(f"id: '{acid}' where a name that starts with o or c is needed")
        others = [member for member in members if member["exptype"].lower() != "science"]
        science = [member for member in members if member["exptype"].lower() == "science"]
        naming = product_name_func or (lambda item, number: _root(item))
        products = [
            {"name": naming(member["expname"], number), "members": [member, *others]}
            for number, member in enumerate(science, 1)
        ]
        if not products:
            raise ParameterError("asn_from_list: no science item given")
    table = Association(
        asn_type="None",
        asn_rule=rule,
        version_id=None,
        code_version=reproduces,
        degraded_status="No known degraded exposures in association.",
        program="noprogram",
        constraints="No constraints",
        asn_id="a3001",
    )
    if rule == "DMS_Level3_Base":
        table["target"] = "none"
    table["asn_pool"] = "none"
    table.update(meta or {})
    table["products"] = products
    return table


def _parser():
    parser = argparse.ArgumentParser(
        prog="asn_from_list",
        description="Make an association from a list of files.",
        epilog="example: asn_from_list -o mosaic_asn.json --product-name mosaic *_cal.fits",
    )
    parser.add_argument("-o", "--output-file", required=True, help="association to write")
    parser.add_argument("-f", "--format", default="json", choices=io.FORMATS, help="its format")
    parser.add_argument("--product-name", help="name of the product (stage-3 rule)")
    parser.add_argument("-r", "--rule", default=RULES[0],
                        help=f"{' or '.join(RULES)} (default: {RULES[0]})")
    parser.add_argument("-i", "--id", default="o999", dest="acid", help="candidate id")
    parser.add_argument("files", nargs="+", metavar="FILE[,ROLE]",
                        help="files in order; a role other than science after a comma")
    return parser


def main(args=None):
    """Run the command, with the arguments of the process by default; return its exit status."""
    options = _parser().parse_args(args)
    pairs = []
    for text in options.files:
        name, comma, role = text.rpartition(",")
        pairs.append((name, role) if comma and not os.path.exists(text) else (text, "science"))
    try:
        table = asn_from_list(pairs, rule=options.rule, product_name=options.product_name,
                              with_exptype=True, acid=options.acid)
        io.write(table, options.output_file, options.format)
    except JwstCalError as error:
        print(f"asn_from_list: error: {error}", file=sys.stderr)
        return 1
    return 0
