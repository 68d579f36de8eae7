"""What stage 2 works on: exposures, each with those that serve it."""

import os
from typing import NamedTuple

from jwst_cal.errors import InputError
from jwst_cal.models import association_file

__all__ = ["Product", "products"]


class Product(NamedTuple):
    """
    One exposure to be calibrated.

    Attributes
    ----------
    name : str
        Name that the output is made from.
    members : dict
        File names or models by role in lower case: ``science``, ``background``, ...
    pool, table : str
        Names of the pool and of the association file, for the header.
    """

    name: str
    members: dict
    pool: str
    table: str

    @property
    def science(self):
        """File name or model of the exposure itself."""
        return self.members["science"][0]


def products(given, base=None):
    """
    Make out the exposures in an input of stage 2.

    Parameters
    ----------
    given : str, path, mapping, data model, or list of them
        An exposure, several, or an association (file or in memory).
    base : str, optional
        Name for the products of inputs that are no association; numbered from the second on.

    Returns
    -------
    list of Product
        With paths of members made absolute where they lie beside an association file.

    Raises
    ------
    InputError
        If an association is not readable, names missing files (all are listed) or a product has
        no science member.
    """
    if association_file.is_association(given) or association_file.is_file_name(given):
        return _of_association(given)
    if hasattr(given, "asn_table"):
        return _of_container(given)
    items = list(given) if isinstance(given, list | tuple) else [given]
    found = []
    for number, item in enumerate(items, 1):
        name = os.path.basename(item) if isinstance(item, str | os.PathLike) else (
            item.meta.filename or "singleton")
        if base is not None:
            name = os.path.splitext(os.path.basename(base))[0] + (f"_{number}" if number > 1
                                                                  else "")
        found.append(Product(name, {"science": [item]}, "singleton", "singleton"))
    return found


def _of_container(container):
    """Exposures that are open, with roles where they have them."""
    science = container.ind_asn_type("science")
    if not science:
        return [Product(model.meta.filename, {"science": [model]}, "singleton", "singleton")
                for model in container]
    members = {}
    for model in container:
        members.setdefault((model.meta.asn.exptype or "science").lower(), []).append(model)
    product = container.asn_table["products"][0]
    return [Product(product["name"], members, container.asn_pool_name or "singleton",
                    container.asn_table_name or "singleton")]


def _of_association(given):
    asn = association_file.read(given)
    in_memory = association_file.is_association(given)
    path = None if in_memory else association_file.expand(given)
    folder = None if in_memory else os.path.dirname(path)
    table = "singleton" if in_memory else os.path.basename(path)
    association_file.check_members(asn, folder, path or "association")
    found = []
    for product in asn["products"]:
        members = {}
        for member in product["members"]:
            members.setdefault(member["exptype"].lower(), []).append(
                association_file.member_path(member, folder))
        if not isinstance(product.get("name"), str):
            raise InputError(f"{path or 'association'}: product {len(found)} has no 'name'")
        if "science" not in members:
            raise InputError(f"{path or 'association'}: product '{product['name']}' has no member "
                             "of the role 'science'")
        found.append(Product(product["name"], members, asn["asn_pool"], table))
    return found
