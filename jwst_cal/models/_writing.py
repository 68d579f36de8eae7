"""Light models to FITS files, the same bytes as ``stdatamodels`` and astropy write.

What a light model cannot express, or what its schema does not allow, is left to
``stdatamodels``, which writes it or says what is wrong.
"""

from __future__ import annotations

import functools
import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np

from jwst_cal import clock
from jwst_cal.kernels.keeper import reserve
from jwst_cal.models import _asdf, _coordinates
from jwst_cal.models._dictionary import installed_version, is_array
from jwst_cal.models._fits import BLOCK, Unusual, as_card, header_text, is_structural
from jwst_cal.models._reading import FITS_HASH, is_valid
from jwst_cal.models.light import LightModel, full
from jwst_cal.models.transforms import WCS

__all__ = ["dated", "write"]

#: Elements that are brought into the byte order of the file at a time.
_PIECE = 1 << 16
#: Texts that stand for a missing value, whatever the type.
_MISSING = ("N/A", "#TODO", "")
_BITPIX = {"f4": -32, "f8": -64, "u1": 8, "i2": 16, "u2": 16, "i4": 32, "u4": 32, "i8": 64,
           "u8": 64}
_COLUMNS = {"i1": "L", "f4": "E", "f8": "D", "u1": "B", "i2": "I", "i4": "J", "i8": "K"}


def write(model: LightModel, path: str) -> str:
    """
    Write a model.

    Parameters
    ----------
    model : LightModel
        What to write; ``meta.filename`` and ``meta.date`` are set.
    path : str
        The file; one that exists is replaced.

    Returns
    -------
    str
        The path.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    model.meta.filename = os.path.basename(path)
    model.meta.model_type = model._about.name
    try:
        if not path.endswith(".fits") or model._about.is_reference:
            raise Unusual("another kind of file")
        model.meta.date = _now()
        tree = _without_none(model.as_stored())
        hdus = list(_Layout(tree, model).hdus.values())
        hdus.append(_embedded(tree, hdus))
        headers = [hdu.header() for hdu in hdus]
    except Unusual:
        return str(dated(full(model.copy())).save(path))
    with open(path, "wb", buffering=0) as file:
        reserve(file.fileno(), sum(map(len, headers)) + sum(
            hdu.array.nbytes + -hdu.array.nbytes % BLOCK for hdu in hdus if hdu.array is not None))
        for hdu, header in zip(hdus, headers, strict=True):
            _put(file, header)
            if hdu.array is not None:
                for piece in _stored_pieces(hdu.array):
                    _put(file, piece)
                _put(file, b"\0" * (-hdu.array.nbytes % BLOCK))
    return path


def dated(model: Any) -> Any:
    """Let a full model have the date of :mod:`~jwst_cal.clock` when it is saved."""
    if clock.fixed() is not None and hasattr(model, "on_save"):
        of_its_class = model.on_save

        def on_save(path: str | None = None) -> None:
            of_its_class(path)
            model.meta.date = _now()

        object.__setattr__(model, "on_save", on_save)
        _order_extensions(model)
    return model


def _order_extensions(model: Any) -> None:
    """Enter the extensions that asdf needs for coordinates: it keeps the order that it finds."""
    wcs = getattr(model.meta, "wcs", None)
    if wcs is None:
        return
    import asdf

    text = io.BytesIO()
    asdf.AsdfFile({"wcs": wcs}).write_to(text)
    text.seek(0)
    with asdf.open(text) as made:
        needed = sorted((dict(entry) for entry in made["history"]["extensions"]),
                        key=lambda entry: str(entry.get("extension_uri")))
    history = model._instance.get("history")
    if isinstance(history, dict):
        history["extensions"] = needed
    elif not history:
        model._instance["history"] = {"extensions": needed}


def _now() -> str:
    now = clock.now()
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}"


def _without_none(tree: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            found[key] = _without_none(value)
        elif isinstance(value, list):
            found[key] = [item for item in value if item is not None]
        elif value is not None:
            found[key] = value.item() if isinstance(value, np.generic) else value
    return found


# HDUs ---------------------------------------------------------------------------------------------


class _Hdu:
    """An HDU to be: its array and the cards after those of the structure."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.array: np.ndarray | None = None
        self.cards: dict[Any, tuple[str, Any, str]] = {}

    def add(self, keyword: str, value: Any, comment: str) -> None:
        """Set a keyword; one that is there keeps its place."""
        self.cards[keyword] = keyword, value, comment

    def remark(self, text: str) -> None:
        """Add a line of text."""
        self.cards[len(self.cards)] = "", text, ""

    def append(self, keyword: str, value: Any, comment: str) -> None:
        """Add a keyword at the end, there or not."""
        self.cards[len(self.cards)] = keyword, value, comment

    def header(self) -> bytes:
        """The header as it is in the file."""
        return header_text(as_card(*card) for card in (*self._structure(), *self.cards.values()))

    def _structure(self) -> list[tuple[str, Any, str]]:
        if self.name == "PRIMARY":
            return [("SIMPLE", True, "conforms to FITS standard"),
                    ("BITPIX", 8, "array data type"), ("NAXIS", 0, "number of array dimensions"),
                    ("EXTEND", True, "")]
        name = ("EXTNAME", self.name, "extension name")
        shape: tuple[int, ...] = ()
        dtype = np.dtype("u1")
        if self.array is not None:
            shape, dtype = self.array.shape, self.array.dtype
        if dtype.names is not None:
            return [*_table_structure(shape[0], dtype), name]
        kind = dtype.str[1:]
        if kind not in _BITPIX:
            raise Unusual(f"an array of {dtype}")
        cards = [("XTENSION", "IMAGE", "Image extension"),
                 ("BITPIX", _BITPIX[kind], "array data type"),
                 ("NAXIS", len(shape), "number of array dimensions"),
                 *((f"NAXIS{n}", size, "") for n, size in enumerate(reversed(shape), 1)),
                 ("PCOUNT", 0, "number of parameters"), ("GCOUNT", 1, "number of groups")]
        if kind in ("u2", "u4", "u8"):
            cards += [("BSCALE", 1, ""), ("BZERO", 1 << (8 * int(kind[1]) - 1), "")]
        return [*cards, name]


def _put(file: IO[bytes], content: Any) -> None:
    view = memoryview(content).cast("B")
    while view:
        view = view[file.write(view) :]


def _stored_pieces(array: np.ndarray) -> Iterator[Any]:
    """Yield the bytes of an array as they are in the file."""
    if array.dtype.names is not None:
        table = np.ascontiguousarray(array.astype(_stored_columns(array.dtype)))
        for name in array.dtype.names:
            if array.dtype[name].str == "|i1":  # of a logical column
                table[name] = np.where(array[name], ord("T"), ord("F"))
        yield table.view(np.uint8)
        return
    if array.size > _PIECE and not array.flags.c_contiguous:
        n = max(1, _PIECE // max(array[0].size, 1))
        for at in range(0, len(array), n):
            yield from _stored_pieces(np.ascontiguousarray(array[at : at + n]))
        return
    array = np.ascontiguousarray(array).reshape(-1)
    wanted = array.dtype.newbyteorder(">")
    is_scaled = array.dtype.kind == "u" and array.dtype.itemsize > 1
    if wanted == array.dtype and not is_scaled:
        yield array
        return
    flip = array.dtype.type(1 << (8 * array.dtype.itemsize - 1)) if is_scaled else None
    buffer = np.empty(_PIECE, wanted)
    for at in range(0, array.size, _PIECE):
        part = array[at : at + _PIECE]
        out = buffer[: part.size]
        out[...] = part if flip is None else part ^ flip
        yield out


def _table_structure(n_rows: int, dtype: np.dtype) -> list[tuple[str, Any, str]]:
    names = dtype.names or ()
    cards: list[tuple[str, Any, str]] = [
        ("XTENSION", "BINTABLE", "binary table extension"), ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", dtype.itemsize, "length of dimension 1"),
        ("NAXIS2", n_rows, "length of dimension 2"),
        ("PCOUNT", 0, "number of group parameters"), ("GCOUNT", 1, "number of groups"),
        ("TFIELDS", len(names), "number of table fields")]
    for n, name in enumerate(names, 1):
        column = dtype[name]
        kind = column.base.str[1:]
        if column.kind == "S":
            form = f"{column.itemsize}A"
        elif kind in _COLUMNS and len(column.shape) < 2:
            form = f"{column.shape[0] if column.shape else ''}{_COLUMNS[kind]}"
        else:
            raise Unusual(f"a column of {column}")
        cards += [(f"TTYPE{n}", name, ""), (f"TFORM{n}", form, "")]
    return cards


def _stored_columns(dtype: np.dtype) -> np.dtype:
    return np.dtype([(name, dtype[name].newbyteorder(">")) for name in dtype.names or ()])


class _Layout:
    """A tree distributed over HDUs, in the order of its schema, which is that of the file."""

    def __init__(self, tree: dict[str, Any], model: LightModel) -> None:
        self.hdus = {"PRIMARY": _Hdu("PRIMARY")}
        self._sections: list[str] = []  # titles that the next keyword is put below
        self._visit(tree, model._schema)
        for name, parts in tree.get("extra_fits", {}).items():
            if "data" in parts or name not in self.hdus:
                raise Unusual(f"the extension {name}")
            for keyword, value, comment in parts.get("header", ()):
                if not is_structural(keyword):
                    self.hdus[name].append(keyword, value, comment)

    def _hdu_of(self, schema: Mapping[str, Any]) -> _Hdu:
        name = schema.get("fits_hdu", "PRIMARY")
        return self.hdus.setdefault(name, _Hdu(name))

    def _visit(self, value: Any, schema: Mapping[str, Any]) -> None:
        if is_array(schema):
            self._set_array(value, self._hdu_of(schema))
        elif "properties" in schema:
            self._go_below(value, schema)
        elif not _may_be_written(value, schema):
            raise Unusual(f"{schema.get('fits_keyword', '')} = {value!r}")
        elif "fits_keyword" in schema:
            hdu = self._hdu_of(schema)
            for title in self._sections:
                for text in ("", title, ""):
                    hdu.remark(text)
            self._sections = []
            hdu.add(schema["fits_keyword"], value, schema["comment"])

    def _go_below(self, value: Any, schema: Mapping[str, Any]) -> None:
        if not isinstance(value, dict):
            raise Unusual(f"{value!r} in the place of several values")
        sections = self._sections
        if "title" in schema:
            sections.append(schema["title"])
        for name, below in schema["properties"].items():
            if name in value:
                self._visit(value[name], below)
        if "title" in schema:
            sections.pop()

    @staticmethod
    def _set_array(array: np.ndarray, hdu: _Hdu) -> None:
        if hdu.array is not None or (array.dtype.names is not None and hdu.cards):
            raise Unusual(f"the extension {hdu.name}")
        hdu.array = array
        hdu.add("EXTVER", 1, "extension value")


def _may_be_written(value: Any, schema: Mapping[str, Any]) -> bool:
    if isinstance(value, str) and value in _MISSING:
        schema = {key: part for key, part in schema.items() if key != "type"}
    return is_valid(value, schema)


# the ASDF extension -------------------------------------------------------------------------------


def _embedded(tree: dict[str, Any], hdus: list[_Hdu]) -> _Hdu:
    """Make the extension that holds the whole tree, with links to the arrays."""
    import yaml

    links = {id(hdu.array): hdu for hdu in hdus if hdu.array is not None}
    total = hashlib.sha256()
    for hdu in hdus:
        total.update(hdu.header())
    extension = _extension()
    for other in () if "wcs" in tree["meta"] else tree.get("history", {}).get("extensions", ()):
        if other.get("extension_class") != extension["extension_class"]:
            raise Unusual("other extensions of ASDF")
    extensions: list[Any] = [extension]
    blocks = b""
    if "wcs" in tree["meta"]:
        wcs, extensions, blocks = _described(tree["meta"]["wcs"])
        tree = {**tree, "meta": {**tree["meta"], "wcs": wcs}}
    tree = {**{"asdf_library": None, "history": None}, **tree, "asdf_library": _library(),
            "history": {"extensions": extensions}, FITS_HASH: total.hexdigest()}
    tree = {key: _Link(links[id(value)].name, value) if id(value) in links else value
            for key, value in tree.items()}
    text = io.BytesIO()
    text.write(b"#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n")
    yaml.dump_all([_Tagged("core/asdf-1.1.0", tree)], stream=text, Dumper=_dumper(),
                  explicit_start=True, explicit_end=True, version=(1, 1), allow_unicode=True,
                  encoding="utf-8", tags={"!": "tag:stsci.edu:asdf/"}, default_flow_style=None)
    text.write(blocks)
    hdu = _Hdu("ASDF")
    length = len(text.getbuffer())
    hdu.array = np.frombuffer(text.getbuffer(), [("ASDF_METADATA", "u1", (length,))])
    return hdu


def _described(wcs: Any) -> tuple[Any, list[Any], bytes]:
    """Coordinates as they are written, the extensions that they need, and their arrays."""
    if isinstance(wcs, WCS):
        described, blocks = _asdf.tree(wcs)
        return described, _asdf.extensions(), blocks
    found = _coordinates.serialized(wcs)
    return _Node(found.node), [_Node(item) for item in found.extensions], found.blocks


class _Node:
    """A part of another file, to be copied as it is."""

    def __init__(self, node: Any) -> None:
        self.node = node


class _Tagged(dict):  # type: ignore[type-arg]
    """A mapping with a tag of the ASDF standard, its keys in the order given."""

    def __init__(self, tag: str, content: Mapping[str, Any]) -> None:
        super().__init__(content)
        self.tag = f"tag:stsci.edu:asdf/{tag}"


class _Link(_Tagged):
    def __init__(self, name: str, array: np.ndarray) -> None:
        super().__init__("core/ndarray-1.1.0", {
            "source": f"fits:{name},1", "datatype": _datatype(array.dtype),
            "byteorder": "big", "shape": list(array.shape)})


def _datatype(dtype: np.dtype) -> Any:
    if dtype.names is None:
        return ["ascii", dtype.itemsize] if dtype.kind == "S" else dtype.name
    columns = []
    for name in dtype.names:
        column = {"byteorder": "big", "datatype": _datatype(dtype[name]), "name": name}
        columns.append(column)
    return columns


def _library() -> _Tagged:
    return _Tagged("core/software-1.0.0", {
        "author": "The ASDF Developers", "homepage": "http://github.com/asdf-format/asdf",
        "name": "asdf", "version": installed_version("asdf")})


def _extension() -> _Tagged:
    return _Tagged("core/extension_metadata-1.0.0", {
        "extension_class": "asdf.extension._manifest.ManifestExtension",
        "extension_uri": "asdf://asdf-format.org/core/extensions/core-1.6.0",
        "manifest_software": _Tagged("core/software-1.0.0", {
            "name": "asdf_standard", "version": installed_version("asdf_standard")}),
        "software": _Tagged("core/software-1.0.0", {
            "name": "asdf", "version": installed_version("asdf")})})


@functools.cache
def _dumper() -> Any:
    class Dumper(_asdf.dumper()):  # type: ignore[misc]
        pass

    def tagged(dumper: Any, data: _Tagged) -> Any:
        items = list(data.items())
        if data.tag.endswith("core/asdf-1.1.0"):
            items[2:] = sorted(items[2:])
        return dumper.represent_mapping(data.tag, items)

    Dumper.add_representer(_Node, lambda dumper, data: data.node)
    for kind in (_Tagged, _Link):
        Dumper.add_representer(kind, tagged)
    return Dumper
