"""Light models: what the steps of this package work on.

A light model answers like the data model of ``stdatamodels`` of the same name: ``model.data``,
``model.meta.exposure.ngroups``, ``model.hasattr("zeroframe")``, ``model.update(other)``. It has no
schema objects behind it, only the dictionary of this package, and its arrays stay in the file
until they are asked for. It is used where only steps of this package see it; whoever else gets
a model, a caller, a hook, a step of another package, gets the one of ``stdatamodels`` that
:func:`full` makes of it, with the same content.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.models import _asdf, _schemas
from jwst_cal.models._coordinates import Coordinates
from jwst_cal.models._dictionary import ModelSchema, is_array, schema_of

__all__ = ["LightModel", "Stored", "Tree", "full", "light_class"]


class Stored:
    """
    An array that is still in its file.

    Parameters
    ----------
    words : ndarray
        The stored words, mapped from the file.
    convert : callable, optional
        Makes the array of the words; without it they are the array.
    cut : callable, optional
        Cuts the last two axes of an array.
    is_same : bool, optional
        What is made differs from the words in the order of bytes at most.
    """

    def __init__(self, words: np.ndarray,
                 convert: Callable[[np.ndarray], np.ndarray] | None = None,
                 cut: Callable[[np.ndarray], np.ndarray] | None = None,
                 is_same: bool = False) -> None:
        self.words = words
        self.convert = convert
        self.is_same = is_same
        self._cut = cut
        self.shape = words.shape
        if cut is not None:
            plane = np.broadcast_to(np.uint8(0), words.shape[-2:])
            self.shape = (*words.shape[:-2], *cut(plane).shape)

    def cut(self, cut: Callable[[np.ndarray], np.ndarray]) -> Stored:
        """Return a part of it, which is all that will be read."""
        before = self._cut
        return Stored(self.words, self.convert,
                      cut if before is None else lambda words: cut(before(words)), self.is_same)

    def plain(self) -> np.ndarray | None:
        """Return the stored words if they are the array, of either byte order; else None."""
        is_whole = self._cut is None and self.words.dtype.names is None
        return self.words if is_whole and self.is_same else None

    def read(self) -> np.ndarray:
        """Return the array: converted, or the stored words themselves, which cannot be changed."""
        words = self.words if self._cut is None else self._cut(self.words)
        return words if self.convert is None else self.convert(words)


class Node:
    """A branch of a model: attributes are the names of its schema, and what was set."""

    _schema: Mapping[str, Any]

    def __init__(self, instance: dict[str, Any], schema: Mapping[str, Any]) -> None:
        self.__dict__["_instance"] = instance
        self.__dict__["_schema"] = schema

    @property
    def instance(self) -> dict[str, Any]:
        """The values as plain dictionaries, without arrays that are still in the file."""
        return self._instance

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        value = self._instance.get(name, _ABSENT)
        schema = self._schema.get("properties", _NOTHING).get(name, _NOTHING)
        if value is _ABSENT:
            if schema is _NOTHING:
                raise AttributeError(f"No attribute '{name}'")
            if is_array(schema) or schema.get("type") not in ("object", "array"):
                return None
            value = self._instance[name] = {} if schema["type"] == "object" else []
        if isinstance(value, Coordinates):
            value = self._instance[name] = value.read()
        return Node(value, schema) if isinstance(value, dict) else value

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            self.__dict__[name] = value
            return
        schema = self._schema.get("properties", _NOTHING).get(name, _NOTHING)
        self._instance[name] = _as_stated(value, schema, name)

    def __delattr__(self, name: str) -> None:
        try:
            del self._instance[name]
        except KeyError:
            raise AttributeError(f"Attribute '{name}' missing") from None

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in _flat(self._instance))

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield dotted names and values."""
        return ((name, self[name]) for name in self)

    def __getitem__(self, name: str) -> Any:
        place = self
        try:
            for part in name.split("."):
                place = getattr(place, part)
        except AttributeError:
            raise KeyError(repr(name)) from None
        return place

    def __setitem__(self, name: str, value: Any) -> None:
        place, _, last = name.rpartition(".")
        setattr(self[place] if place else self, last, value)

    def hasattr(self, name: str) -> bool:
        """Whether a name has been set."""
        return name in self._instance


class Tree(Node):
    """A reference that is a tree of anything; an absent value is an AttributeError."""

    def __init__(self, tree: dict[str, Any]) -> None:
        super().__init__(tree, {})

    def close(self) -> None:
        """Nothing is open."""


_ABSENT = object()
_NOTHING: dict[str, Any] = {}


def _as_stated(value: Any, schema: Mapping[str, Any], name: str) -> Any:
    """Give an array the type that the schema states; plain values for nodes and numpy scalars."""
    if isinstance(value, Node):
        return value.instance
    if isinstance(value, Stored) or value is None:
        return value
    if "datatype" in schema:
        value = np.asanyarray(value)
        dtype = dtype_of(schema)
        if value.dtype.newbyteorder("=") != dtype:
            value = value.astype(dtype)
    if isinstance(value, np.ndarray):
        ndim, limit = schema.get("ndim"), schema.get("max_ndim")
        if (ndim is not None and value.ndim != ndim) or (limit is not None and value.ndim > limit):
            raise ValueError(f"{name}: {value.ndim} axes where {ndim or limit} are needed")
        return value
    return value.item() if isinstance(value, np.generic) else value


def dtype_of(schema: Mapping[str, Any]) -> np.dtype:
    """
    Return the numpy type of an array or table.

    Parameters
    ----------
    schema : mapping
        Of the array.

    Returns
    -------
    dtype
        In native byte order; of a table a structure of its columns.
    """
    datatype = schema["datatype"]
    if isinstance(datatype, str):
        return np.dtype(datatype.replace("bool8", "bool"))
    return np.dtype([_field(column) for column in datatype])


def _field(column: Mapping[str, Any]) -> tuple[Any, ...]:
    datatype = column["datatype"]
    if isinstance(datatype, list):
        kind, length = datatype
        datatype = f"{'S' if kind == 'ascii' else 'U'}{length}"
    shape = column.get("shape")
    field = (column["name"], datatype.replace("bool8", "bool"))
    return field if shape is None else (*field, tuple(shape))


def _items(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, dict | list | tuple):
            yield from _items(value, name)
        else:
            yield name, value


def _flat(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, dict):
            yield from _flat(value, name)
        else:
            yield name, value


class LightModel(Node):
    """
    A model without schema objects; its class has the name of the data model.

    Parameters
    ----------
    tree : dict, optional
        Content: ``meta`` and arrays by name. It belongs to the model.
    let_go : callable, optional
        Lets go of the memory of the mapped file that arrays are in.
    """

    _about: ModelSchema

    def __init__(self, tree: dict[str, Any] | None = None,
                 let_go: Callable[[], None] | None = None) -> None:
        super().__init__({} if tree is None else tree, self._about.tree)
        self._let_go = let_go
        self._added: dict[str, Mapping[str, Any]] = {}

    def __repr__(self) -> str:
        shape = "" if self.shape is None else str(self.shape)
        name = self.meta.filename
        return f"<{self._about.name}{shape}{f' from {name}' if name else ''}>"

    def __enter__(self) -> LightModel:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; what was not read is lost."""
        self._instance.clear()

    def release(self) -> None:
        """Let go of the memory of a mapped file; its pages come in again as they are used."""
        if self._let_go is not None:
            self._let_go()

    def __getattr__(self, name: str) -> Any:
        value = super().__getattr__(name)
        if isinstance(value, Stored):
            value = self._instance[name] = self._read(value)
        return value

    def _read(self, stored: Stored) -> np.ndarray:
        found = stored.read()
        if stored.convert is not None:
            self.release()  # the pages it was made from
        return found

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of the primary array, which is not read for it."""
        return self.shape_of(self._about.primary)

    def shape_of(self, name: str) -> tuple[int, ...] | None:
        """Return the shape of an array, which is not read for it; None if there is none."""
        value = self._instance.get(name)
        return None if value is None else value.shape

    def stored(self, name: str) -> np.ndarray | None:
        """Return an array as it is in the file, of its byte order, as long as it was not read."""
        value = self._instance.get(name)
        return value.words if isinstance(value, Stored) else value

    def get_primary_array_name(self) -> str:
        """Return the name of the array that sets the shape of the others."""
        return self._about.primary

    @property
    def schema(self) -> Mapping[str, Any]:
        """What is kept of the schema."""
        return self._schema

    def add_schema_entry(self, name: str, schema: Mapping[str, Any]) -> None:
        """
        Add an array to the schema of this model.

        Parameters
        ----------
        name : str
            Its attribute.
        schema : mapping
            Its schema, with ``fits_hdu`` and ``datatype``.
        """
        self._added = {**self._added, name: schema}
        self._schema = {**self._schema, "properties": {**self._schema["properties"],
                                                       name: schema}}

    def get_default(self, name: str) -> np.ndarray:
        """
        Make an array with its default value.

        Parameters
        ----------
        name : str
            Name of an array that the schema knows.

        Returns
        -------
        ndarray
            Of the shape of the primary array, or of its last axes.
        """
        schema = self._about.arrays[name]
        shape = self.shape or ()
        ndim = schema.get("ndim", len(shape))
        if name == "zeroframe":
            shape = (shape[0], *shape[-2:])
        else:
            shape = shape[len(shape) - ndim :]
        value = schema.get("default", 0)
        if not value:
            return memory.zeros(shape, dtype_of(schema))
        return np.full(shape, value, dtype_of(schema))

    def cut(self, name: str, cut: Callable[[np.ndarray], np.ndarray]) -> None:
        """
        Cut an array, before it is read if it is still in the file.

        Parameters
        ----------
        name : str
            Name of the array.
        cut : callable
            Cuts the last two axes of an array; it may add one before them.
        """
        value = self._instance[name]
        self._instance[name] = (value.cut(cut) if isinstance(value, Stored)
                                else np.ascontiguousarray(cut(value)))

    def read_all(self) -> dict[str, Any]:
        """Read what is still in the file and return the whole content."""
        for name, value in self._instance.items():
            if isinstance(value, Stored):
                self._instance[name] = self._read(value)
        return self._instance

    def as_stored(self) -> dict[str, Any]:
        """
        Return the content to be written: what was not read is as it lies in the file.

        Returns
        -------
        dict
            Arrays that differ from those in the file but for the order of bytes are read.
        """
        content = dict(self._instance)
        for name, value in content.items():
            if isinstance(value, Stored):
                words = value.plain()
                content[name] = getattr(self, name) if words is None else words
        return content

    def copy(self) -> LightModel:
        """Return a copy that shares nothing that can be changed."""
        content = self.read_all()
        arrays = {id(value): memory.copied(value) for value in content.values()
                  if isinstance(value, np.ndarray) and value.dtype.names is None}
        return self._like(copy.deepcopy(content, arrays))

    def _like(self, tree: dict[str, Any]) -> LightModel:
        found = type(self)(tree)
        for name, schema in self._added.items():
            found.add_schema_entry(name, schema)
        return found

    def bare(self) -> LightModel:
        """Return a copy of the metadata, without any array."""
        return type(self)(copy.deepcopy({
            name: value for name, value in self._instance.items()
            if not isinstance(value, np.ndarray | Stored)}))

    def update(self, other: Any, only: str | None = None) -> None:
        """
        Take over the keywords of another model, but not its arrays.

        Parameters
        ----------
        other : LightModel
            The source. Values are copied that have a keyword, in an HDU that this model has, too;
            date and type of the model are left, log lines added.
        only : str, optional
            Copy only what belongs to this HDU.
        """
        logs = other.instance.get("cal_logs")
        if logs:
            self._instance.setdefault("cal_logs", {}).update(copy.deepcopy(logs))
        wanted = _shared_keywords(other._about, self._about, only)
        for path, value in _leaves(other.instance, ()):
            if path in wanted:
                place = self._instance
                schema = self._schema
                for part in path[:-1]:
                    schema = schema.get("properties", _NOTHING).get(part, _NOTHING)
                    if part not in place and schema is _NOTHING:
                        break
                    place = place.setdefault(part, {})
                else:
                    place[path[-1]] = value

    def to_flat_dict(self, include_arrays: bool = True) -> dict[str, Any]:
        """Return the content by dotted name, items of lists by number, without what is None."""
        return {name: value for name, value in _items(
            self.read_all() if include_arrays else self._instance)
            if value is not None and (include_arrays
                                      or not isinstance(value, np.ndarray | Stored))}

    def get_crds_parameters(self) -> dict[str, Any]:
        """Return the metadata that decide the choice of references."""
        return {name: value for name, value in self.to_flat_dict(include_arrays=False).items()
                if isinstance(value, str | int | float | bool)}

    def save(self, path: str) -> str:
        """
        Write the model, the same bytes as the data model of ``stdatamodels`` would.

        Parameters
        ----------
        path : str
            A FITS or ASDF file.

        Returns
        -------
        str
            The path.
        """
        from jwst_cal.models import _writing

        return _writing.write(self, path)


@functools.cache
def _shared_keywords(
    source: ModelSchema, target: ModelSchema, only: str | None
) -> frozenset[tuple[str, ...]]:
    kept = {("meta", "date"), ("meta", "model_type")}
    hdus = target.hdus if only is None else {only}
    return frozenset(keyword.path for keyword in source.keywords
                     if keyword.hdu in hdus and keyword.path not in kept)


def _leaves(
    tree: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


@functools.cache
def light_class(name: str) -> type[LightModel] | None:
    """
    Return the light class of a data model.

    Parameters
    ----------
    name : str
        Name of the class in ``stdatamodels.jwst.datamodels``.

    Returns
    -------
    type or None
        None for a model that only ``stdatamodels`` knows.
    """
    about = schema_of(name)
    if about is None:
        return None
    return type(name, (LightModel,), {"_about": about, "__doc__": LightModel.__doc__})


def full(model: Any) -> Any:
    """
    Make the data model of ``stdatamodels`` of a light model.

    Parameters
    ----------
    model : LightModel or any object
        The model; it is used up.

    Returns
    -------
    data model
        The same content; any other object is returned as it is.
    """
    if not isinstance(model, LightModel):
        return model
    _schemas.extensions_loaded()
    from asdf.tags.core import AsdfObject
    from stdatamodels.jwst import datamodels

    if model.meta.hasattr("wcs"):
        model.meta.wcs  # noqa: B018  reads it
    tree = AsdfObject(model.read_all())
    if "wcs" in tree.get("meta", {}):
        tree["meta"]["wcs"] = _asdf.as_gwcs(tree["meta"]["wcs"])
    _restore_history(tree)
    tables = {name: tree.pop(name) for name in (*model._about.arrays, *model._added)
              if isinstance(tree.get(name), np.ndarray) and tree[name].dtype.names}
    if model._about.is_reference:
        tables.pop("dq_def", None)  # the flags have been translated
    found = getattr(datamodels, model._about.name)(
        tree, validate_on_assignment=False, strict_validation=False)
    for name, schema in model._added.items():
        found.add_schema_entry(name, schema)
    for name, table in tables.items():
        setattr(found, name, table)
    found._validate_on_assignment = True
    return found


def _restore_history(tree: dict[str, Any]) -> None:
    """Give what the ASDF library wrote about itself the types that it knows it by."""
    from asdf.tags.core import ExtensionMetadata, Software

    if "asdf_library" in tree:
        tree["asdf_library"] = Software(tree["asdf_library"])
    if "history" in tree:
        tree["history"] = {"extensions": [
            ExtensionMetadata({key: Software(value) if isinstance(value, dict) else value
                               for key, value in extension.items()})
            for extension in tree["history"].get("extensions", [])]}
