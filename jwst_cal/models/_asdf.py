"""ASDF trees with transformations and coordinates, read and written without their libraries.

What is written is what ``asdf`` would write of the ``gwcs`` object of the same content, with the
tags of the releases in :data:`_VERSIONS`, which a test compares. What is read may be of any
version. A part that is not known makes :class:`Unusual`, and whoever asked uses ``gwcs``.
"""

from __future__ import annotations

import bz2
import functools
import hashlib
import io
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jwst_cal.models._dictionary import installed_version
from jwst_cal.models._fits import Unusual
from jwst_cal.models.transforms import KINDS, WCS, Frame, Transform

__all__ = ["Tagged", "Unusual", "as_astropy", "as_gwcs", "document", "dump", "dumper", "extension",
           "extensions", "from_gwcs", "loads", "transform_of", "tree"]

_ASDF, _GWCS = "tag:stsci.edu:asdf/", "tag:stsci.edu:gwcs/"
#: Tags of the newest releases, by kind; those of transformations by default in the second.
_VERSIONS = {"wcs": "1.4.0", "step": "1.3.0", "frame2d": "1.2.0", "celestial_frame": "1.2.0",
             "spherical_cartesian": "1.3.0", "fitswcs_imaging": "1.0.0",
             "remap_axes": "1.5.0", "polynomial": "1.3.0", "affine": "1.5.0", "constant": "1.6.0",
             "rotate_sequence_3d": "1.2.0", "rotate3d": "1.5.0"}
_VERSION_OF_TRANSFORMS = "1.4.0"
_OF_GWCS = {"wcs", "step", "frame2d", "celestial_frame", "spherical_cartesian", "fitswcs_imaging"}
#: Extensions that describe these tags: what they are, library of the schemas, library.
_EXTENSIONS = (
    ("asdf-format.org/core/extensions/core-1.6.0", "asdf_standard", "asdf"),
    ("asdf-format.org/transform/extensions/transform-1.7.0", "asdf_transform_schemas",
     "asdf-astropy"),
    ("astropy.org/astropy/extensions/units-1.3.0", None, "asdf-astropy"),
    ("asdf-format.org/astronomy/coordinates/extensions/coordinates-1.0.0",
     "asdf_coordinates_schemas", "asdf-astropy"),
    ("asdf-format.org/astronomy/gwcs/extensions/gwcs-1.4.0", "asdf_wcs_schemas", "gwcs"),
)
_BLOCK = b"\xd3BLK"
#: Letters of numpy for kinds of texts.
_TEXTS = {"ascii": "S", "ucs4": "U"}
_UNPACK: dict[bytes, Callable[[bytes], bytes]] = {
    b"\0\0\0\0": bytes, b"zlib": zlib.decompress, b"bzp2": bz2.decompress}


# writing ------------------------------------------------------------------------------------------


class Tagged(dict):  # type: ignore[type-arg]
    """A mapping with a tag, its keys in the order given; ``keeps_order`` writes them in it."""

    def __init__(self, tag: str, content: Mapping[str, Any], keeps_order: bool = False) -> None:
        super().__init__(content)
        self.tag, self.keeps_order = tag, keeps_order


class Unit(str):
    """A unit."""

    __slots__ = ()


def _tag(kind: str) -> str:
    version = _VERSIONS.get(kind, _VERSION_OF_TRANSFORMS)
    return f"{_GWCS}{kind}-{version}" if kind in _OF_GWCS else f"{_ASDF}transform/{kind}-{version}"


def tree(wcs: WCS) -> tuple[Tagged, bytes]:
    """
    Describe coordinates as ASDF does.

    Parameters
    ----------
    wcs : WCS
        The coordinates.

    Returns
    -------
    Tagged
        Mappings, lists, numbers, texts and :class:`Unit`.
    bytes
        The blocks of their arrays, in the order of their numbers.
    """
    writer = _Writer()
    steps = [Tagged(_tag("step"), {
        "frame": _frame(frame),
        "transform": None if transform is None else writer.described(transform)})
        for frame, transform in wcs.steps]
    shape = None if wcs.pixel_shape is None else list(wcs.pixel_shape)
    return (Tagged(_tag("wcs"), {"name": wcs.name, "steps": steps, "pixel_shape": shape}),
            b"".join(writer.blocks))


def _frame(frame: Frame) -> Tagged:
    content: dict[str, Any] = {
        "name": frame.name, "axes_order": [0, 1], "axes_names": list(frame.axes_names),
        "unit": [Unit(unit) for unit in frame.unit],
        "axis_physical_types": list(frame.axis_physical_types)}
    if frame.kind == "celestial_frame":
        content["reference_frame"] = Tagged(
            "tag:astropy.org:astropy/coordinates/frames/icrs-1.1.0", {"frame_attributes": {}})
    return Tagged(_tag(frame.kind), content)


class _Writer:
    """Describes transformations, each once, and collects the blocks of their arrays."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self._known: dict[int, Tagged] = {}

    def described(self, transform: Transform) -> Tagged:
        """Describe a transformation."""
        if id(transform) not in self._known:
            self._known[id(transform)] = self._describe(transform)
        return self._known[id(transform)]

    def _describe(self, transform: Transform) -> Tagged:
        content = {name: self._value(value) for name, value in transform.values.items()}
        if transform.name is not None:
            content["name"] = transform.name
        content["inputs"], content["outputs"] = list(transform.inputs), list(transform.outputs)
        if transform.own_inverse is not None:
            content["inverse"] = self.described(transform.own_inverse)
        if transform.bounds is not None:
            content["bounding_box"] = Tagged(f"{_ASDF}transform/property/bounding_box-1.2.0", {
                "ignore": [], "order": "F", "intervals": {
                    name: list(limits) for name, limits in
                    zip(transform.inputs, transform.bounds, strict=True)}})
        return Tagged(_tag(transform.kind), content)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Transform):
            return self.described(value)
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if not isinstance(value, np.ndarray):
            return value
        content = value.astype("<f8").tobytes()
        size = len(content)
        self.blocks.append(_BLOCK + struct.pack(
            ">HI4sQQQ16s", 48, 0, b"", size, size, size, hashlib.md5(content).digest()) + content)
        return Tagged(f"{_ASDF}core/ndarray-1.1.0", {
            "source": len(self.blocks) - 1, "datatype": "float64", "byteorder": "little",
            "shape": list(value.shape)}, keeps_order=True)


def extensions() -> list[Tagged]:
    """Return what a file with coordinates says of the extensions of ASDF that it needs."""
    return [extension(n) for n in range(len(_EXTENSIONS))]


def extension(number: int) -> Tagged:
    """Return what a file says of one of the extensions; number 0 is the core of ASDF."""
    uri, schemas, library = _EXTENSIONS[number]
    content: dict[str, Any] = {
        "extension_class": "asdf.extension._manifest.ManifestExtension",
        "extension_uri": f"asdf://{uri}"}
    if schemas is not None:
        content["manifest_software"] = _software(schemas)
    content["software"] = _software(library)
    return Tagged(f"{_ASDF}core/extension_metadata-1.0.0", content)


def _software(name: str) -> Tagged:
    return Tagged(f"{_ASDF}core/software-1.0.0", {
        "name": name, "version": installed_version(name.replace("-", "_"))})


@functools.cache
def dumper() -> Any:
    """Return the class that writes YAML with :class:`Tagged` and :class:`Unit` in it."""
    import yaml

    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
        pass

    def mapping(dumper: Any, data: Tagged) -> Any:
        return dumper.represent_mapping(data.tag, list(data.items()) if data.keeps_order else data)

    Dumper.add_representer(Tagged, mapping)
    Dumper.add_representer(Unit, lambda dumper, data: dumper.represent_scalar(
        f"{_ASDF}unit/unit-1.0.0", str(data)))
    return Dumper


def dump(root: Tagged, blocks: bytes = b"") -> io.BytesIO:
    """
    Write an ASDF file.

    Parameters
    ----------
    root : Tagged
        The tree.
    blocks : bytes
        Blocks of its arrays.

    Returns
    -------
    BytesIO
        The file.
    """
    import yaml

    text = io.BytesIO()
    text.write(b"#ASDF 1.0.0\n#ASDF_STANDARD 1.6.0\n")
    yaml.dump_all([root], stream=text, Dumper=dumper(), explicit_start=True, explicit_end=True,
                  version=(1, 1), allow_unicode=True, encoding="utf-8", tags={"!": _ASDF},
                  default_flow_style=None)
    text.write(blocks)
    return text


def document(thing: WCS | Transform) -> io.BytesIO:
    """
    Write a file with nothing but coordinates, or a transformation.

    Parameters
    ----------
    thing : WCS or Transform
        What is written, as ``thing``.

    Returns
    -------
    BytesIO
        An ASDF file.
    """
    if isinstance(thing, WCS):
        content, blocks = tree(thing)
    else:
        writer = _Writer()
        content, blocks = writer.described(thing), b"".join(writer.blocks)
    return dump(Tagged(f"{_ASDF}core/asdf-1.1.0", {
        "history": {"extensions": extensions()}, "thing": content}, keeps_order=True), blocks)


def as_gwcs(wcs: Any) -> Any:
    """
    Make the ``gwcs`` object.

    Parameters
    ----------
    wcs : WCS or object
        Coordinates.

    Returns
    -------
    gwcs.WCS or object
        The same; any other object as it is.
    """
    return _by_asdf(wcs) if isinstance(wcs, WCS) else wcs


def as_astropy(transform: Any) -> Any:
    """
    Make the model of ``astropy``.

    Parameters
    ----------
    transform : Transform or object
        A transformation.

    Returns
    -------
    astropy.modeling.Model or object
        The same; any other object as it is.
    """
    return _by_asdf(transform) if isinstance(transform, Transform) else transform


def _by_asdf(thing: WCS | Transform) -> Any:
    from jwst_cal.models import _schemas

    _schemas.coordinates_loaded()
    import asdf

    file = document(thing)
    file.seek(0)
    with asdf.config_context() as config:
        config.validate_on_read = False
        with asdf.open(file, lazy_load=False, memmap=False) as opened:
            return opened.tree["thing"]


# reading ------------------------------------------------------------------------------------------


def from_gwcs(wcs: Any) -> WCS:
    """
    Make light coordinates of a ``gwcs`` object.

    Parameters
    ----------
    wcs : gwcs.WCS
        Coordinates.

    Returns
    -------
    WCS
        The same.

    Raises
    ------
    Unusual
        If they hold what is not known here.
    """
    return _through_asdf(wcs, WCS)


def transform_of(model: Any) -> Transform:
    """
    Make a transformation of a model of ``astropy``.

    Parameters
    ----------
    model : astropy.modeling.Model or Transform
        The model; a transformation is returned as it is.

    Returns
    -------
    Transform
        The same.

    Raises
    ------
    Unusual
        If it holds what is not known here.
    """
    return model if isinstance(model, Transform) else _through_asdf(model, Transform)


def _through_asdf(thing: Any, kind: type) -> Any:
    import asdf

    file = io.BytesIO()
    asdf.AsdfFile({"thing": thing}).write_to(file, include_block_index=False)
    found = loads(file.getvalue())["thing"]
    if not isinstance(found, kind):
        raise Unusual(f"a {type(thing).__name__}")
    return found


def loads(content: bytes) -> dict[str, Any]:
    """
    Read an ASDF file that holds plain values, numeric arrays, transformations and coordinates.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    dict
        Its tree, with :class:`~jwst_cal.models.transforms.Transform` and
        :class:`~jwst_cal.models.transforms.WCS`.

    Raises
    ------
    Unusual
        If it is no ASDF file, or holds something else.
    """
    import yaml

    body, mark, rest = content.partition(b"\n...")
    if not content.startswith(b"#ASDF 1.") or not mark:
        raise Unusual("no ASDF file")
    loader = _loader()(body + mark)
    loader.blocks = _blocks(rest)
    try:
        found = loader.get_single_data()
    except (yaml.YAMLError, UnicodeDecodeError, LookupError, TypeError, ValueError) as error:
        raise Unusual(f"an ASDF file that is not understood: {error}") from error
    finally:
        loader.dispose()
    if not isinstance(found, dict):
        raise Unusual("an ASDF file without tree")
    return found


def of_node(node: Any, blocks: bytes) -> Any:
    """
    Make what a part of a document stands for.

    Parameters
    ----------
    node : yaml.Node
        The part.
    blocks : bytes
        The arrays of the document.

    Returns
    -------
    object
        As from `loads`.

    Raises
    ------
    Unusual
        If it holds something else.
    """
    loader = _loader()(b"")
    loader.blocks = _blocks(blocks)
    try:
        return loader.construct_document(node)
    except (LookupError, TypeError, ValueError) as error:
        raise Unusual(f"a part of ASDF that is not understood: {error}") from error
    finally:
        loader.dispose()


def _blocks(content: bytes) -> list[bytes]:
    """Content of the blocks after the tree."""
    found, at = [], content.find(_BLOCK)
    while at >= 0 and content.startswith(_BLOCK, at):
        size, = struct.unpack_from(">H", content, at + 4)
        flags, packing, allocated, used, _ = struct.unpack_from(">I4sQQQ", content, at + 6)
        start = at + 6 + size
        if flags or packing not in _UNPACK or start + used > len(content):
            raise Unusual("a block of another form")
        found.append(_UNPACK[packing](content[start : start + used]))
        at = start + allocated
    return found


@functools.cache
def _loader() -> Any:
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        blocks: list[bytes]

    def plain(loader: Any, suffix: str, node: Any) -> Any:
        if suffix.startswith("ndarray-"):
            return _array(loader, node)
        if suffix.startswith(("asdf-", "software-", "extension_metadata-", "history_entry-")):
            return loader.construct_mapping(node, deep=True)
        raise Unusual(f"!core/{suffix}")

    def transform(loader: Any, suffix: str, node: Any) -> Any:
        kind = suffix.rpartition("-")[0]
        content = loader.construct_mapping(node, deep=True)
        if kind == "property/bounding_box":
            return Tagged(kind, content)
        return _transform(kind, content)

    def coordinates(loader: Any, suffix: str, node: Any) -> Any:
        kind = suffix.rpartition("-")[0]
        content = loader.construct_mapping(node, deep=True)
        made = {"wcs": _wcs, "step": _step, "frame2d": _plane, "celestial_frame": _sky}.get(kind)
        return _transform(kind, content) if made is None else made(content)

    def other(loader: Any, suffix: str, node: Any) -> Any:
        raise Unusual(node.tag)

    Loader.add_multi_constructor(f"{_ASDF}core/", plain)
    Loader.add_multi_constructor(f"{_ASDF}transform/", transform)
    Loader.add_multi_constructor(_GWCS, coordinates)
    Loader.add_multi_constructor(f"{_ASDF}table/column-", lambda loader, suffix, node: Tagged(
        "table/column", loader.construct_mapping(node, deep=True)))
    Loader.add_multi_constructor(
        "tag:astropy.org:astropy/table/table-",
        lambda loader, suffix, node: _table(loader.construct_mapping(node, deep=True)))
    Loader.add_multi_constructor(f"{_ASDF}unit/unit-", lambda loader, suffix, node: Unit(
        loader.construct_scalar(node)))
    Loader.add_multi_constructor("tag:astropy.org:astropy/coordinates/frames/icrs-",
                                 lambda loader, suffix, node: _icrs(
                                     loader.construct_mapping(node, deep=True)))
    Loader.add_multi_constructor("", other)
    return Loader


def _array(loader: Any, node: Any) -> np.ndarray:
    if node.id == "sequence":
        return np.array(loader.construct_sequence(node, deep=True), np.float64)
    content = loader.construct_mapping(node, deep=True)
    if "data" in content and set(content) <= {"data", "datatype", "shape"}:
        return np.array(content["data"], content.get("datatype"))
    source = content.get("source")
    if (set(content) - {"source", "datatype", "byteorder", "shape", "offset"}
            or type(source) is not int or not 0 <= source < len(loader.blocks)):
        raise Unusual("an array of another form")
    order: Any = {"little": "<", "big": ">"}[content["byteorder"]]
    dtype = _dtype(content["datatype"]).newbyteorder(order)
    shape = tuple(content["shape"])
    return np.frombuffer(loader.blocks[source], dtype, int(np.prod(shape)),
                         content.get("offset", 0)).reshape(shape)


def _dtype(told: Any) -> np.dtype:
    if isinstance(told, list) and len(told) == 2 and told[0] in _TEXTS:
        return np.dtype(f"{_TEXTS[told[0]]}{told[1]}")
    return np.dtype(told)


def _table(content: dict[str, Any]) -> np.ndarray:
    """A table of astropy as an array of structures."""
    columns: dict[Any, Any] = {
        column.get("name"): column.get("data") for column in content.get("columns", ())
        if isinstance(column, Tagged) and column.tag == "table/column"}
    names = content.get("colnames")
    if names != list(columns) or not all(isinstance(data, np.ndarray) and data.ndim == 1
                                         for data in columns.values()):
        raise Unusual("a table of another form")
    return np.rec.fromarrays(list(columns.values()), names=names)


_COMMON = ("name", "inputs", "outputs", "inverse", "bounding_box")


def _transform(kind: str, content: dict[str, Any]) -> Transform:
    cls = KINDS.get(kind)
    if cls is None or set(content) - {*cls.properties, *_COMMON}:
        raise Unusual(f"the transformation {kind}")
    values = {name: content[name] for name in cls.properties if name in content}
    made = cls(**values)
    if any(isinstance(value, Unit) for value in values.values()):
        raise Unusual("a unit")
    made.name = content.get("name")
    made.inputs, made.outputs = (
        _names(content.get(which), getattr(made, which)) for which in ("inputs", "outputs"))
    made.own_inverse = content.get("inverse")
    box = content.get("bounding_box")
    if box is not None:
        if not isinstance(box, Tagged) or box.get("ignore") or box.get("order") != "F":
            raise Unusual("a bounding box of another form")
        made.bounds = tuple(tuple(box["intervals"][name]) for name in made.inputs)
    return made


def _names(given: Any, default: tuple[str, ...]) -> tuple[str, ...]:
    if given is None:
        return default
    if len(given) != len(default):
        raise Unusual(f"{len(given)} names for {len(default)} places")
    return tuple(given)


def _icrs(content: dict[str, Any]) -> str:
    if content.get("frame_attributes"):
        raise Unusual("a frame with attributes")
    return "icrs"


def _plane(content: dict[str, Any]) -> Frame:
    if set(content) - {"name", "axes_order", "axes_names", "unit", "axis_physical_types"}:
        raise Unusual("a plane of another form")
    return _as_frame("frame2d", content)


def _sky(content: dict[str, Any]) -> Frame:
    if content.pop("reference_frame", None) != "icrs":
        raise Unusual("another frame of the sky than ICRS")
    return _as_frame("celestial_frame", content)


def _as_frame(kind: str, content: dict[str, Any]) -> Frame:
    if content.pop("axes_order") != [0, 1]:
        raise Unusual("axes in another order")
    names, unit, types = (tuple(content.pop(name)) for name in (
        "axes_names", "unit", "axis_physical_types"))
    return Frame(kind, content.pop("name"), names, tuple(map(str, unit)), types)


def _step(content: dict[str, Any]) -> tuple[Frame, Transform | None]:
    frame, transform = content["frame"], content.get("transform")
    if not isinstance(frame, Frame) or not isinstance(transform, Transform | None):
        raise Unusual("a step of another form")
    return frame, transform


def _wcs(content: dict[str, Any]) -> WCS:
    steps = content["steps"]
    last, transform = steps[-1]
    if transform is not None or last.kind != "celestial_frame" or any(
            step is None for _, step in steps[:-1]):
        raise Unusual("coordinates that do not end at the sky")
    if len(steps) < 2 or set(content) - {"name", "steps", "pixel_shape"}:
        raise Unusual("coordinates of another form")
    found = WCS(steps, content["name"])
    if content.get("pixel_shape") is not None:
        found.pixel_shape = tuple(content["pixel_shape"])
    return found
