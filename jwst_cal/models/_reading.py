"""Light models from FITS files: keywords at once, arrays when they are asked for."""

from __future__ import annotations

import functools
import hashlib
import logging
import mmap
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jwst_cal import flags, modes
from jwst_cal.kernels import memory
from jwst_cal.models._coordinates import Coordinates
from jwst_cal.models._fits import ODD, Hdu, Unusual, is_structural, scan
from jwst_cal.models.light import LightModel, Stored, Tree, dtype_of, light_class

__all__ = ["FITS_HASH", "Unusual", "exposure_class", "is_exposure", "is_valid", "read_exposure",
           "read_product", "read_reference", "read_tree"]

log = logging.getLogger(__name__)

#: Where the ASDF extension keeps the sum of the headers it was written with.
FITS_HASH = "_fits_hash"

#: Classes of ASDF files that are read as a tree, and what each must have.
TREES = {"DistortionModel": "model", "FilteroffsetModel": "filters",
         "ABVegaOffsetModel": "abvega_offset"}

_WORDS = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_COLUMNS = {"B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}
#: Bytes of raw counts converted at a time.
_AT_ONCE = 1 << 24
_OWN_BITS = np.uint32(1) << np.arange(32, dtype=np.uint32)


def exposure_class(header: Mapping[str, Any], naxis: int | None, has_dq: bool) -> str | None:
    """
    Choose the model of a raw exposure.

    Parameters
    ----------
    header : mapping
        Primary header.
    naxis : int or None
        Axes of SCI, None without SCI.
    has_dq : bool
        Whether there is a DQ extension.

    Returns
    -------
    str or None
        Name of the class; None when the file says itself what it is.
    """
    declared = header.get("DATAMODL")
    if declared not in (None, "Level1bModel", "RampModel"):
        return None
    if declared is None and (naxis != 4 or has_dq):
        return None
    if (header.get("EXP_TYPE") or "").upper() in modes.GUIDER:
        return "GuiderRawModel"
    return "SuperstripeRampModel" if header.get("SSTR_NST") else "RampModel"


def read_exposure(path: str) -> LightModel:
    """
    Read an exposure or product: a raw one as a ramp.

    Parameters
    ----------
    path : str
        A FITS file.

    Returns
    -------
    LightModel
        The model; arrays that steps change are native and writable.

    Raises
    ------
    Unusual
        If the file holds what a light model cannot, or breaks a rule of its schema.
    OSError
        If it cannot be opened.
    """
    content, hdus = scan(path)
    if not _is_exposure(hdus):
        raise Unusual("no JWST exposure")
    header = hdus[0].header
    named = _by_name(hdus)
    science = named.get("SCI")
    name = exposure_class(header, len(science.shape) if science else None, "DQ" in named)
    model = _read(path, content, hdus, name or str(header.get("DATAMODL")))
    if name == "RampModel" and model.shape is not None:
        for array in ("pixeldq", "groupdq"):
            if model.shape_of(array) is None:
                setattr(model, array, _blank(model, array))
    return model


def read_product(path: str) -> LightModel:
    """
    Read a file as the model that it says it is, for its metadata above all.

    Parameters
    ----------
    path : str
        A FITS file.

    Returns
    -------
    LightModel
        The model.

    Raises
    ------
    Unusual
        If the file holds what a light model cannot, or breaks a rule of its schema.
    OSError
        If it cannot be opened.
    """
    content, hdus = scan(path)
    return _read(path, content, hdus, str(hdus[0].header.get("DATAMODL")))


def is_exposure(path: str) -> bool:
    """Whether a file is certainly a whole FITS file with an exposure of JWST."""
    try:
        _, hdus = scan(path)
    except (Unusual, OSError):
        return False
    return _is_exposure(hdus)


def _is_exposure(hdus: list[Hdu]) -> bool:
    header = hdus[0].header
    return (str(header.get("TELESCOP")).upper() == "JWST" and bool(header.get("INSTRUME"))
            and bool(header.get("EXP_TYPE"))
            and ("DATAMODL" in header or any(hdu.name == "SCI" for hdu in hdus)))


def read_reference(path: str, name: str) -> LightModel:
    """
    Read a reference file; its values are not checked.

    Parameters
    ----------
    path : str
        A FITS file.
    name : str
        Name of the class.

    Returns
    -------
    LightModel
        The model. Floats are those of the file, big-endian, and cannot be changed; flags are
        translated to the bits of the pipeline.

    Raises
    ------
    Unusual
        If the file holds what a light model cannot.
    OSError
        If it cannot be opened.
    """
    content, hdus = scan(path)
    model = _model(name, {}, content)
    named = _by_name(hdus)
    for keyword in model._about.keywords:
        hdu = named.get(keyword.hdu)
        value = None if hdu is None else hdu.header.get(keyword.name)
        if value is not None and value is not ODD:
            _put(model.instance, keyword.path, value)
    _add_arrays(model, content, named)
    model.meta.filename = os.path.basename(path)
    model.meta.model_type = name
    model.meta.telescope = "JWST"
    return model


def read_tree(path: str, name: str) -> Tree:
    """
    Read a reference file that is no FITS file but a tree of values and transformations.

    Parameters
    ----------
    path : str
        An ASDF file.
    name : str
        Name of its class in ``stdatamodels.jwst.datamodels``.

    Returns
    -------
    Tree
        Its content; values are not checked but for those that make the class what it is.

    Raises
    ------
    Unusual
        If the class is another than those of :data:`TREES`, or the file lacks what it needs or
        holds what is not known.
    OSError
        If it cannot be opened.
    """
    if name not in TREES:
        raise Unusual(f"a {name}")
    from jwst_cal.models import _asdf

    with open(path, "rb") as file:
        tree = _asdf.loads(file.read())
    if TREES[name] not in tree or not isinstance(tree.get("meta"), dict):
        raise Unusual(f"no {TREES[name]}")
    tree["meta"]["filename"] = os.path.basename(path)
    return Tree(tree)


def _model(name: str, tree: dict[str, Any], content: Any) -> LightModel:
    found = light_class(name)
    if found is None:
        raise Unusual(f"a {name}")
    return found(tree, functools.partial(_let_go, content))


def _let_go(content: Any) -> None:
    if isinstance(content, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        content.madvise(mmap.MADV_DONTNEED)


def _by_name(hdus: list[Hdu]) -> dict[str, Hdu]:
    return {hdu.name: hdu for hdu in reversed(hdus)}


def _read(path: str, content: Any, hdus: list[Hdu], name: str) -> LightModel:
    named = _by_name(hdus)
    tree = _tree_of(content, named.get("ASDF"), path)
    known = tree.get(FITS_HASH) if hdus[0].header.get("DATAMODL") == name else None
    model = _model(name, tree, content)
    if known is None or known != _headers_sum(hdus):
        _add_keywords(model, hdus, named)
    _add_arrays(model, content, named)
    model.meta.filename = os.path.basename(path)
    model.meta.model_type = name
    return model


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value


# keywords -----------------------------------------------------------------------------------------


def _add_keywords(model: LightModel, hdus: list[Hdu], named: Mapping[str, Hdu]) -> None:
    tree = model.instance
    used: dict[str, set[str]] = {}
    for keyword in model._about.keywords:
        hdu = named.get(keyword.hdu)
        value = None if hdu is None else hdu.header.get(keyword.name)
        if value is None:
            continue
        used.setdefault(keyword.hdu, set()).add(keyword.name)
        if not is_valid(value, keyword.schema):
            raise Unusual(f"{keyword.name} = {value!r}")
        _put(tree, keyword.path, value)
    tree.pop("extra_fits", None)
    arrays = {array["fits_hdu"] for array in model._about.arrays.values()}
    for hdu in hdus:
        if hdu.name == "ASDF":
            continue
        if hdu.size and (hdu.name not in arrays or named[hdu.name] is not hdu):
            raise Unusual(f"the extension {hdu.name}")
        cards = [list(card) for card in hdu.cards
                 if not (is_structural(card.keyword)
                         or card.keyword in used.get(hdu.name, ()))]
        if cards:
            _put(tree, ("extra_fits", hdu.name, "header"), cards)
        if "HISTORY" in hdu.header or ODD in hdu.header.values():
            raise Unusual("HISTORY or odd cards")


def is_valid(value: Any, schema: Mapping[str, Any]) -> bool:
    """
    Tell whether a value keeps to its schema.

    Parameters
    ----------
    value : str, bool, int or float
        The value.
    schema : mapping
        Its schema.

    Returns
    -------
    bool
        Whether type, alternatives and pattern allow it.
    """
    kind = schema.get("type")
    if kind is not None and not _TYPES[kind](value):
        return False
    if "enum" in schema and not any(value == item and isinstance(value, bool) is
                                    isinstance(item, bool) for item in schema["enum"]):
        return False
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        return False
    return "anyOf" not in schema or any(is_valid(value, part) for part in schema["anyOf"])


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}


# the ASDF extension -------------------------------------------------------------------------------


class _Link:
    """An array of the tree that is an HDU of the file."""


def _place(node: Any, name: str) -> int | None:
    """Where a mapping has a key."""
    return next((at for at, (key, _) in enumerate(getattr(node, "value", ()))
                 if key.value == name), None) if getattr(node, "id", "") == "mapping" else None


def _found(node: Any, *names: str) -> Any:
    """What is below some keys of a document."""
    for name in names:
        at = _place(node, name)
        if at is None:
            return None
        node = node.value[at][1]
    return node


def _taken(node: Any, *names: str) -> Any:
    """The same, taken out."""
    below = _found(node, *names[:-1])
    at = _place(below, names[-1])
    return None if at is None else below.value.pop(at)[1]


def _tree_of(content: Any, hdu: Hdu | None, name: str) -> dict[str, Any]:
    if hdu is None:
        return {}
    if not hdu.is_table or hdu.shape[0] != 1 or hdu.header.get("TTYPE1") != "ASDF_METADATA":
        raise Unusual("an ASDF extension of another form")
    text = content[hdu.offset : hdu.offset + hdu.shape[1]]
    body, mark, blocks = text.partition(b"\n...")
    if not text.startswith(b"#ASDF 1.") or not mark:
        raise Unusual("an ASDF extension of another form")
    import yaml

    loader = _loader()(body + mark)
    try:
        node = loader.get_single_node()
        wcs, extensions = _taken(node, "meta", "wcs"), _found(node, "history", "extensions")
        tree = loader.construct_document(node)
    except yaml.YAMLError as error:
        raise Unusual(f"the ASDF extension: {error}") from error
    finally:
        loader.dispose()
    if not isinstance(tree, dict):
        raise Unusual("an ASDF extension without tree")
    if wcs is not None:
        blocks = blocks.removeprefix(b"\r").removeprefix(b"\n")
        tree["meta"]["wcs"] = Coordinates(wcs, [] if extensions is None else extensions.value,
                                          blocks, name)
    elif blocks.strip(b"\r\n \0"):
        raise Unusual("an ASDF extension with arrays of its own")
    history = tree.get("history", {})
    if not isinstance(history, dict) or set(history) - {"extensions"}:
        raise Unusual("history entries")
    for name in [name for name, value in tree.items() if isinstance(value, _Link)]:
        del tree[name]  # the HDU itself is read
    _check_plain(tree)
    return tree


@functools.cache
def _loader() -> type:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    def mapping(loader: Any, suffix: str, node: Any) -> Any:
        if suffix.startswith("ndarray-"):
            source = loader.construct_mapping(node).get("source")
            if isinstance(source, str) and source.startswith("fits:"):
                return _Link()
        elif suffix.startswith(("asdf-", "software-", "extension_metadata-", "history_entry-")):
            return loader.construct_mapping(node, deep=True)
        raise Unusual(f"!core/{suffix} in the ASDF extension")

    def other(loader: Any, suffix: str, node: Any) -> Any:
        raise Unusual(f"{node.tag} in the ASDF extension")

    Loader.add_multi_constructor("tag:stsci.edu:asdf/core/", mapping)
    Loader.add_multi_constructor("", other)
    return Loader


def _check_plain(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            _check_plain(item)
    elif isinstance(value, list):
        for item in value:
            _check_plain(item)
    elif not isinstance(value, str | int | float | bool | Coordinates | None):
        raise Unusual(f"a {type(value).__name__} in the ASDF extension")


def _headers_sum(hdus: list[Hdu]) -> str:
    total = hashlib.sha256()
    for hdu in hdus:
        if hdu.name != "ASDF":
            total.update(hdu.text)
    return total.hexdigest()


# arrays -------------------------------------------------------------------------------------------


def _add_arrays(model: LightModel, content: Any, named: Mapping[str, Hdu]) -> None:
    about, tree = model._about, model.instance
    for name, schema in about.arrays.items():
        hdu = named.get(schema["fits_hdu"])
        if hdu is not None and hdu.shape:
            tree[name] = _stored(hdu, schema, content, about.is_reference)
    if about.primary not in tree:
        return
    for name, wanted in (("dq", about.default_dq), ("err", about.default_err)):
        if wanted and name not in tree:
            tree[name] = _blank(model, name)
    if about.default_dq and "dq_def" in tree:
        meaning = _meaning(tree["dq_def"].read(), model)
        if meaning is not None and tree["dq"].words.size:
            tree["dq"] = Stored(tree["dq"].words,
                                functools.partial(_translated, meaning, tree["dq"]))


def _blank(model: LightModel, name: str) -> Stored:
    """An array of its default value, made when it is asked for."""
    schema = model._about.arrays[name]
    shape = model.shape or ()
    value = np.array(schema.get("default", 0), dtype_of(schema))
    words = np.broadcast_to(value, shape[len(shape) - schema.get("ndim", len(shape)) :])
    return Stored(words, lambda words: memory.zeros(words.shape, words.dtype) if not value
                  else np.array(words))


def _stored(hdu: Hdu, schema: Mapping[str, Any], content: Any, as_it_is: bool) -> Stored:
    target = dtype_of(schema)
    if target.names is not None:
        return _stored_table(hdu, target, content)
    shape = hdu.shape
    if hdu.is_table or schema.get("ndim", len(shape)) != len(shape) or (
            len(shape) > schema.get("max_ndim", len(shape))):
        raise Unusual(f"the shape of {hdu.name}")
    bits, zero = hdu.header["BITPIX"], hdu.header.get("BZERO", 0)
    if hdu.header.get("BSCALE", 1) != 1 or "BLANK" in hdu.header:
        raise Unusual(f"the scaling of {hdu.name}")
    words = np.frombuffer(content, _WORDS[bits], int(np.prod(shape)), hdu.offset).reshape(shape)
    convert: Callable[[np.ndarray], np.ndarray] | None
    if words.size and (bits, zero) == (16, 32768) and target == np.float32:
        convert = functools.partial(_as_counts, content)
    elif words.size and (bits, zero) == (32, 1 << 31) and target == np.uint32:
        convert = functools.partial(_as_flags, _OWN_BITS)
    elif as_it_is and not zero and words.dtype.newbyteorder("=") == target:
        convert = None
    elif (not zero or (bits in (16, 32, 64) and zero == 1 << bits - 1)) and (
            target.kind == "f" or words.dtype.kind in "iu"):
        convert = functools.partial(_cast, target, zero)
    else:
        raise Unusual(f"the numbers of {hdu.name}")
    return Stored(words, convert, is_same=not zero and words.dtype.newbyteorder("=") == target)


def _cast(target: np.dtype, zero: int, words: np.ndarray) -> np.ndarray:
    if zero:
        words = words.astype(np.int64) + np.int64(zero)
    out = memory.empty(words.shape, target)
    np.copyto(out, words, casting="unsafe")
    return out


def _as_counts(content: Any, words: np.ndarray) -> np.ndarray:
    """Convert some planes at a time: those of the file do not stay in memory beside the ramp."""
    from jwst_cal.kernels.counts import counts

    out = memory.empty(words.shape, np.float32)
    planes, converted = (array.reshape(-1, *array.shape[-2:]) for array in (words, out))
    step = max(1, _AT_ONCE // max(planes[0].nbytes, 1))
    for at in range(0, len(planes), step):
        counts(planes[at : at + step], out=converted[at : at + step])
        _let_go(content)
    return out


def _as_flags(meaning: np.ndarray, words: np.ndarray) -> np.ndarray:
    from jwst_cal.kernels.stored_flags import stored_flags

    return stored_flags(words, meaning)


def _translated(meaning: np.ndarray, stored: Stored, words: np.ndarray) -> np.ndarray:
    """Flags with the bits of the pipeline, of words that may have been cut."""
    if words.dtype == ">i4" and isinstance(stored.convert, functools.partial) and (
            stored.convert.func is _as_flags):
        return _as_flags(meaning, words)
    found = stored.convert(words) if stored.convert is not None else words
    scaled = (found.astype(np.int64) - (1 << 31)).astype(">i4")
    return _as_flags(meaning, scaled)


def _meaning(table: np.ndarray, model: LightModel) -> np.ndarray | None:
    """What each bit of the file stands for, by its table of names; None if it has no rows."""
    if not len(table):
        return None
    meaning = np.zeros(32, np.uint32)
    for value, name in zip(table["VALUE"], table["NAME"], strict=True):
        text = (name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)).strip()
        bits = int(value) >> np.arange(32) & 1 == 1
        if text in flags.pixel:
            meaning[bits] |= flags.pixel[text]
        else:
            log.warning("The flag %s of a %s is none of the pipeline's and was left out", text,
                        model._about.name)
    return meaning


def _stored_table(hdu: Hdu, target: np.dtype, content: Any) -> Stored:
    if not hdu.is_table or hdu.header.get("PCOUNT"):
        raise Unusual(f"the table {hdu.name}")
    columns = []
    zeros = []
    for n in range(1, hdu.header["TFIELDS"] + 1):
        form = re.fullmatch(r"(\d*)([BIJKEDA])", str(hdu.header.get(f"TFORM{n}", "")).strip())
        if form is None or any(f"{key}{n}" in hdu.header
                               for key in ("TSCAL", "TDIM", "TNULL", "TUNIT")):
            raise Unusual(f"column {n} of {hdu.name}")
        count, kind = int(form[1] or 1), form[2]
        zeros.append(hdu.header.get(f"TZERO{n}", 0))
        if zeros[-1] not in (0, {"I": 1 << 15, "J": 1 << 31}.get(kind, 0)):
            raise Unusual(f"column {n} of {hdu.name}")
        name = str(hdu.header.get(f"TTYPE{n}", "")).strip()
        columns.append((name, f"S{count}") if kind == "A" else (name, _COLUMNS[kind])
                       if count == 1 else (name, _COLUMNS[kind], (count,)))
    dtype = np.dtype(columns)
    names = dtype.names or ()
    if ([name.lower() for name in names] != [name.lower() for name in target.names or ()]
            or dtype.itemsize != hdu.shape[1]
            or any((dtype[n].kind == "S") != (target[n].kind == "S") for n in range(len(names)))):
        raise Unusual(f"the columns of {hdu.name}")
    target = np.dtype([(name, target[n].base, dtype[n].shape)
                       for n, name in enumerate(target.names or ())])
    words = np.frombuffer(content, dtype, hdu.shape[0], hdu.offset)
    return Stored(words, functools.partial(_as_table, target, zeros))


def _as_table(target: np.dtype, zeros: list[int], words: np.ndarray) -> np.ndarray:
    table = np.empty(words.shape, target)
    for ours, theirs, zero in zip(target.names or (), words.dtype.names or (), zeros, strict=True):
        table[ours] = words[theirs].astype(np.int64) + zero if zero else words[theirs]
    return table
