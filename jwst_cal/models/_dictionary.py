"""What the schemas of the data models say, boiled down: keyword, HDU, type, default of each name.

The schemas are YAML of the ``stdatamodels`` package; to read them takes longer than to calibrate a
small exposure. ``_dictionary.json`` holds what counts of them for the models of :data:`MODELS`,
made by ``python -m jwst_cal.models._dictionary`` and used only with the release of
``stdatamodels`` that it was made from; a test compares the two.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["MODELS", "Keyword", "ModelSchema", "installed_version", "schema_of"]

#: Models that the dictionary describes: ramps, rates, and references made of arrays and tables.
MODELS = (
    "Level1bModel", "RampModel", "ImageModel", "CubeModel", "IFUImageModel",
    "DarkModel", "DarkMIRIModel", "DarkNirspecModel", "GainModel", "IPCModel", "IRS2Model",
    "LinearityModel", "MaskModel", "RSCDModel", "ReadnoiseModel", "ResetModel",
    "SaturationModel", "SuperBiasModel",
    "FlatModel", "PixelAreaModel", "NrcImgPhotomModel", "NisImgPhotomModel", "MirImgPhotomModel",
    "FgsImgPhotomModel", "SegmentationMapModel", "NrcImgApcorrModel", "NisImgApcorrModel",
    "MirImgApcorrModel", "FgsImgApcorrModel",
)

_FILE = os.path.join(os.path.dirname(__file__), "_dictionary.json")
#: What is kept of a schema, beside the title of a section and the comment of a keyword.
_KEPT = ("type", "fits_keyword", "fits_hdu", "enum", "pattern", "anyOf", "datatype",
         "ndim", "max_ndim", "default", "properties", "items", "tag", "allow_extra_columns",
         "blend_rule", "blend_table")


class Keyword(NamedTuple):
    """A FITS keyword and the place of its value in the model."""

    path: tuple[str, ...]
    name: str
    hdu: str
    schema: dict[str, Any]


class ModelSchema:
    """
    One model class.

    Attributes
    ----------
    name : str
        Name of the class.
    tree : dict
        Its schema: ``properties`` below ``properties``, as in ``stdatamodels``.
    primary : str
        Name of the primary array.
    default_dq, default_err : bool
        Whether a model with a primary array has those as well, by default.
    is_reference : bool
        A reference file: its DQ has bits of its own, told by DQ_DEF.
    keywords : tuple of Keyword
        In the order of the schema.
    arrays : dict
        Schema of each array and table, by attribute.
    """

    def __init__(self, name: str, facts: dict[str, Any], tree: dict[str, Any]) -> None:
        self.name = name
        self.tree = tree
        self.primary: str = facts["primary"]
        self.default_dq: bool = facts["dq"]
        self.default_err: bool = facts["err"]
        self.is_reference: bool = facts["reference"]
        self.keywords = tuple(_keywords(tree, ()))
        self.arrays: dict[str, dict[str, Any]] = {
            key: below for key, below in tree["properties"].items() if is_array(below)}

    @functools.cached_property
    def hdus(self) -> frozenset[str]:
        """Names of all HDUs."""
        return frozenset({"PRIMARY", *(keyword.hdu for keyword in self.keywords),
                          *(array["fits_hdu"] for array in self.arrays.values())})


def is_array(schema: Mapping[str, Any]) -> bool:
    """Whether a schema is that of an array or a table."""
    return "datatype" in schema or "ndim" in schema or "max_ndim" in schema


def _keywords(tree: dict[str, Any], path: tuple[str, ...]) -> Iterator[Keyword]:
    if "fits_keyword" in tree:
        yield Keyword(path, tree["fits_keyword"], tree.get("fits_hdu", "PRIMARY"), tree)
    for key, below in tree.get("properties", {}).items():
        yield from _keywords(below, (*path, key))


@functools.cache
def installed_version(package: str) -> str | None:
    """
    Find out the version of an installed package without importing it.

    Parameters
    ----------
    package : str
        Its name.

    Returns
    -------
    str or None
        The version; None if the package does not tell in the usual place.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        return None
    try:
        with open(os.path.join(os.path.dirname(found.origin), "_version.py"),
                  encoding="utf-8") as file:
            told = re.search(r"""^(?:__)?version(?:__)?\b.*=\s*["']([^"']+)["']""", file.read(),
                             re.MULTILINE)
    except OSError:
        return None
    return told[1] if told else None


@functools.cache
def _read() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read the file; no models if it was made from another release than the installed one."""
    with open(_FILE, encoding="utf-8") as file:
        content = json.load(file)
    if content["stdatamodels"] != installed_version("stdatamodels"):
        return {}, []
    trees: list[dict[str, Any]] = []
    for node in content["nodes"]:
        if "properties" in node:
            node["properties"] = {key: trees[at] for key, at in node["properties"].items()}
        trees.append(node)
    return content["models"], trees


@functools.cache
def schema_of(name: str) -> ModelSchema | None:
    """
    Look up a model class.

    Parameters
    ----------
    name : str
        Name of the class in ``stdatamodels.jwst.datamodels``.

    Returns
    -------
    ModelSchema or None
        None if the dictionary does not describe it.
    """
    models, trees = _read()
    facts = models.get(name)
    return None if facts is None else ModelSchema(name, facts, trees[facts["schema"]])


# making the file ----------------------------------------------------------------------------------


def compile_schemas() -> dict[str, Any]:
    """
    Boil down the schemas of the installed ``stdatamodels``.

    Returns
    -------
    dict
        The content of the file. Equal parts are written once: ``properties`` are positions in
        ``nodes``.

    Raises
    ------
    ValueError
        If a schema uses what the dictionary cannot express.
    """
    import stdatamodels
    from stdatamodels.jwst import datamodels
    from stdatamodels.jwst.datamodels.model_base import DefaultDQMixin, DefaultErrMixin
    from stdatamodels.jwst.datamodels.reference import ReferenceFileModel

    nodes: dict[str, int] = {}
    models = {}
    for name in MODELS:
        model = getattr(datamodels, name)()
        models[name] = {
            "schema": _add(model.schema, nodes, name),
            "primary": model.get_primary_array_name(),
            "dq": isinstance(model, DefaultDQMixin),
            "err": isinstance(model, DefaultErrMixin),
            "reference": isinstance(model, ReferenceFileModel),
        }
    return {"stdatamodels": stdatamodels.__version__, "models": models,
            "nodes": [json.loads(node) for node in nodes]}


def _add(schema: dict[str, Any], nodes: dict[str, int], where: str) -> int:
    node = {key: schema[key] for key in _KEPT if key in schema}
    if any(key in schema for key in ("allOf", "oneOf", "not", "$ref")):
        raise ValueError(f"{where}: a schema of this form cannot be expressed")
    if "fits_hdu" in json.dumps(node.get("items", {})):
        raise ValueError(f"{where}: repeated HDUs cannot be expressed")
    if "fits_keyword" in schema:
        told = (schema.get("title"), schema.get("description"))
        node["comment"] = next((text for text in told if text is not None), "").partition("\n")[0]
    elif "properties" in schema and "title" in schema:
        node["title"] = schema["title"]
    if "properties" in node:
        node["properties"] = {key: _add(below, nodes, f"{where}.{key}")
                              for key, below in node["properties"].items()}
    return nodes.setdefault(json.dumps(node), len(nodes))


def main() -> None:
    """Write the file anew."""
    with open(_FILE, "w", encoding="utf-8") as file:
        content = compile_schemas()
        rows = ",\n".join(json.dumps(node, ensure_ascii=False) for node in content["nodes"])
        models = ",\n".join(f"{json.dumps(name)}: {json.dumps(facts)}"
                            for name, facts in content["models"].items())
        file.write(f'{{"stdatamodels": "{content["stdatamodels"]}",\n"models": {{\n{models}\n}},\n'
                   f'"nodes": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
