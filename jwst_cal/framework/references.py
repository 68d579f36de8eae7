"""The reference files of a step: declared, found, opened at first use, cut to the exposure, closed.

A step declares ``references = {"gain": Reference("GainModel", crop=True)}``; its ``process`` gets a
:class:`References`, whose attributes open the files. What was used is recorded in the product.
"""

from __future__ import annotations

import logging
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from jwst_cal import modes
from jwst_cal.errors import InputError, ReferenceFileError, SkipStep
from jwst_cal.models import _files

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from jwst_cal.framework.step import Step

__all__ = ["LargeReference", "Recorded", "Reference", "References", "crop_to", "window_in"]

log = logging.getLogger(__name__)

#: Rows of NIRSpec's interleaved readout; the keyword says 2048.
_IRS2_ROWS = 3200
#: What references for several detectors have in the place of one.
_ANY = frozenset({"ANY", "MULTIPLE", "N/A", "UNDEFINED"})
_FULL_FRAME = {"MIRI": (1024, 1032)}


@dataclass(frozen=True)
class Reference:
    """
    One reference type of a step.

    Attributes
    ----------
    model : str or type
        Data model class, or its name in ``stdatamodels.jwst.datamodels`` (which is then imported
        at first use).
    crop : bool
        Cut the arrays to the subarray of the exposure.
    required : bool
        Without the file the step is skipped; otherwise ``refs.<type>`` is ``None``.
    """

    model: str | type
    crop: bool = False
    required: bool = True

    @property
    def model_class(self) -> type:
        """The data model class."""
        return _class_of(self.model)


def _class_of(model: str | type) -> type:
    if isinstance(model, type):
        return model
    from stdatamodels.jwst import datamodels

    found: type = getattr(datamodels, model)
    return found


class LargeReference(NamedTuple):
    """A reference whose primary array may be too large to read."""

    #: The model.
    model: Any
    #: Its primary array, cut to the exposure; of any byte order.
    data: np.ndarray[Any, Any]
    #: Lets go of the pages of the file that were read so far; None when the array is in memory.
    release: Callable[[], None] | None


class References:
    """
    The references of one run of a step, opened at first use: ``refs.gain``, ``refs.path("gain")``.

    Parameters
    ----------
    step : Step
        The step that declares them.
    model : data model
        The exposure: it decides the choice and the subarray.
    """

    def __init__(self, step: Step, model: Any) -> None:
        self._step = step
        self._model = model
        self._opened: dict[str, Any] = {}
        self._ours: list[Any] = []
        self._found: dict[str, Any] = {}

    def __enter__(self) -> References:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __getattr__(self, reftype: str) -> Any:
        if reftype.startswith("_"):
            raise AttributeError(reftype)
        if reftype not in self._opened:
            self._opened[reftype] = self._open(reftype)
        return self._opened[reftype]

    def path(self, reftype: str) -> str | None:
        """Return the file's path, or None when there is none or an open model overrides it."""
        found = self._find(reftype)
        return found if isinstance(found, str) else None

    def use(self, reftype: str, path: str) -> None:
        """
        Take a file for a type, whatever rules and overrides say; its base name is recorded.

        Parameters
        ----------
        reftype : str
            Reference type.
        path : str
            The file.
        """
        self._found[reftype] = path
        self._step.record_reference(reftype, os.path.basename(path), path)

    def mapped(self, reftype: str, model: str | type | None = None) -> LargeReference:
        """
        Open a reference that may be too large to read: its primary array is mapped.

        Parameters
        ----------
        reftype : str
            Reference type.
        model : str or type, optional
            Data model class, where it depends on the exposure; the declared one by default.

        Returns
        -------
        LargeReference
            Model, primary array and what lets go of the pages read; a compressed file or an open
            model is used as it is. Arrays are cut to the subarray of the exposure.
        """
        found = self._find(reftype)
        declared = self._declared(reftype)
        opened = self._cropped(found, model or declared.model, crop=True, light=True)
        return LargeReference(opened, getattr(opened, opened.get_primary_array_name()),
                              opened.release if _files.is_light(opened) else None)

    def mapped_table(self, reftype: str, name: str) -> LargeReference | None:
        """
        Open a reference with a large table: it is mapped.

        Parameters
        ----------
        reftype : str
            Reference type.
        name : str
            Name of the table in the data model.

        Returns
        -------
        LargeReference or None
            Model, table and what lets go of its pages; a file that cannot be mapped or an open
            model is used as it is. None when there is no reference and none is required.
        """
        found = self._find(reftype)
        if found is None:
            return None
        opened = self._cropped(found, self._declared(reftype).model, crop=False, light=True)
        if _files.is_light(opened):
            return LargeReference(opened, opened.stored(name), opened.release)
        return LargeReference(opened, getattr(opened, name), None)

    def opened(self, reftype: str, model_class: str | type) -> Any:
        """
        Open a reference whose data model depends on the exposure.

        Parameters
        ----------
        reftype : str
            Reference type.
        model_class : str or type
            Data model class, or its name in ``stdatamodels.jwst.datamodels``.

        Returns
        -------
        data model or None
            The reference, as a whole; None when there is none and none is required.
        """
        if reftype not in self._opened:
            found = self._find(reftype)
            if isinstance(found, str):
                found = open_reference(found, model_class, light=self._step._works_light)
                self._ours.append(found)
            self._opened[reftype] = found
        return self._opened[reftype]

    def close(self) -> None:
        """Close the files opened here."""
        self._opened.clear()
        while self._ours:
            self._ours.pop().close()

    def _declared(self, reftype: str) -> Reference:
        try:
            return self._step.references[reftype]
        except KeyError:
            raise AttributeError(
                f"{type(self._step).__name__} declares no reference '{reftype}'"
            ) from None

    def _find(self, reftype: str) -> Any:
        declared = self._declared(reftype)
        if reftype not in self._found:
            found = self._step.get_reference_file(self._model, reftype)
            self._found[reftype] = None if found in ("N/A", "") else found
        found = self._found[reftype]
        if found is None and declared.required:
            raise SkipStep(f"no {reftype.upper()} reference file for this exposure (N/A)")
        return found

    def _open(self, reftype: str) -> Any:
        found = self._find(reftype)
        declared = self._declared(reftype)
        return None if found is None else self._cropped(
            found, declared.model, crop=declared.crop, light=self._step._works_light)

    def _cropped(self, found: Any, model: str | type, *, crop: bool, light: bool) -> Any:
        """Open what was found, if it is a path, and cut it to the exposure if wanted."""
        if isinstance(found, str):
            opened, source = open_reference(found, model, light=light), found
            self._ours.append(opened)
        else:
            opened, source = found, f"the open {type(found).__name__}"
        _note_origin(self._model, opened, source)
        if not crop:
            return opened
        cut = crop_to(self._model, opened, source, in_place=opened is not found)
        if cut is not opened:
            self._ours.append(cut)
        return cut


class Recorded:
    """
    The references of another step, which the header of an exposure names: ``found.camera``.

    Parameters
    ----------
    model : data model
        The exposure, which has passed that step.
    alias : str
        The step.
    """

    def __init__(self, model: Any, alias: str) -> None:
        from jwst_cal import registry

        step: Any = registry.load(alias)
        self._model = model
        self._declared = step.references
        self._opened: dict[str, Any] = {}

    def __enter__(self) -> Recorded:
        return self

    def __exit__(self, *exception: object) -> None:
        for opened in self._opened.values():
            if opened is not None:
                opened.close()

    def __getattr__(self, reftype: str) -> Any:
        if reftype.startswith("_"):
            raise AttributeError(reftype)
        if reftype not in self._opened:
            from jwst_cal.framework import reference_store

            noted = getattr(self._model.meta.ref_file, reftype, None)
            path = reference_store.recorded(None if noted is None else noted.name)
            self._opened[reftype] = None if path == "N/A" else open_reference(
                path, self._declared[reftype].model, light=False)
        return self._opened[reftype]


def _note_origin(science: Any, reference: Any, source: str) -> None:
    """Say if a reference is of another instrument or detector than the exposure; it is used."""
    def origin(model: Any) -> tuple[str, ...]:
        of = getattr(model.meta, "instrument", None)
        found = [(getattr(of, name, None) or "").upper() for name in ("name", "detector")]
        return tuple("" if text in _ANY else text for text in found)

    ours, theirs = origin(science), origin(reference)
    if any(a and b and a != b for a, b in zip(ours, theirs, strict=True)):
        log.warning("%s is of %s, the exposure of %s", source, " ".join(theirs).strip(),
                    " ".join(ours).strip())


def open_reference(path: str, model: str | type, *, light: bool = False) -> Any:
    """
    Open a reference file as a data model.

    Parameters
    ----------
    path : str
        The file.
    model : str or type
        Its data model class, or the name of it in ``stdatamodels.jwst.datamodels``.
    light : bool
        As a light model (:mod:`jwst_cal.models.light`), if there is one and the file is plain.

    Returns
    -------
    data model
        The open model.

    Raises
    ------
    ReferenceFileError
        If the file is missing, unreadable or of another kind.
    """
    if not os.path.isfile(path):
        raise ReferenceFileError(f"{path}: the reference file does not exist")
    if light:
        from jwst_cal.models import _reading

        name = model if isinstance(model, str) else model.__name__
        try:
            read = _reading.read_tree if name in _reading.TREES else _reading.read_reference
            return read(path, name)
        except (_reading.Unusual, OSError) as why:
            log.debug("%s is left to stdatamodels: %s", path, why)
    from jwst_cal.models import _schemas

    _schemas.extensions_loaded()
    model_class = _class_of(model)
    try:
        with warnings.catch_warnings(), _schemas.parsed_once():
            warnings.filterwarnings("error", message=".*truncated")
            # checking each value as it is read costs more than reading
            return model_class(path, validate_on_assignment=False)
    except Exception as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise ReferenceFileError(
            f"{path}: the file cannot be read as a {model_class.__name__}: {reason}"
        ) from error


@dataclass(frozen=True)
class _Window:
    """First column and row (from 1) and size, as in SUBSTRT and SUBSIZE."""

    x: int
    y: int
    columns: int
    rows: int

    def __str__(self) -> str:
        return (f"SUBSTRT1={self.x} SUBSTRT2={self.y} "
                f"SUBSIZE1={self.columns} SUBSIZE2={self.rows}")


def _window(model: Any, shape: tuple[int, ...], what: str) -> _Window:
    """Read the window of a model; the actual array size beats the keywords, as in the reference."""
    rows, columns = shape[-2:]
    subarray = model.meta.subarray
    x, y = getattr(model, "xstart", None), getattr(model, "ystart", None)
    x = subarray.xstart if x is None else x
    y = subarray.ystart if y is None else y
    if x is None or y is None:
        full = _FULL_FRAME.get((model.meta.instrument.name or "").upper(), (2048, 2048))
        if (rows, columns) not in (full, (_IRS2_ROWS, 2048)):
            raise ReferenceFileError(
                f"{what}: shape ({rows}, {columns}) is no full frame and SUBSTRT1 or SUBSTRT2 is "
                "missing"
            )
        x = y = 1
    if x < 1 or y < 1:
        raise ReferenceFileError(f"{what}: SUBSTRT1={x} SUBSTRT2={y}; corners count from 1")
    return _Window(int(x), int(y), columns, rows)


def _name(model: Any) -> str:
    return model.meta.filename or f"the open {type(model).__name__}"


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Shapes of the images and cubes of a reference, the primary array's first; none is read."""
    names = [model.get_primary_array_name(), "err", "dq"]
    if "coeffs" in names:
        names.append("inv_coeffs")
    found = {}
    for name in filter(None, dict.fromkeys(names)):
        if _files.is_light(model):
            shape = model.shape_of(name)
        else:
            shape = getattr(getattr(model, name), "shape", None) if model.hasattr(name) else None
        if shape is not None and len(shape) >= 2:
            found[name] = shape
    return found


class _Cut(NamedTuple):
    """
    Rows and columns of a reference that an exposure needs: slices, or numbers of stripes.

    Called with an array it cuts the last two axes. Numbers [superstripe, row] give the result an
    axis more, before these.
    """

    rows: slice | np.ndarray[Any, Any]
    columns: slice | np.ndarray[Any, Any]

    @property
    def is_striped(self) -> bool:
        """Whether one axis is cut into stripes."""
        return not (isinstance(self.rows, slice) and isinstance(self.columns, slice))

    def __call__(self, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        import numpy as np

        cut = array[..., self.rows, self.columns]
        if isinstance(self.columns, np.ndarray) and self.columns.ndim == 2:
            cut = np.moveaxis(cut, -2, -3)
        return cut


def _cut_of(
    science: Any, reference: Any, shape: tuple[int, ...], source: str
) -> _Cut | None:
    """Rows and columns of a reference that an exposure needs; None when that is all of it."""
    theirs = _window(reference, shape, source)
    ours = _window(science, science.shape, _name(science))
    position: dict[int, np.ndarray[Any, Any]] = {}
    if getattr(science.meta.subarray, "multistripe_reads1", None) is not None:
        from jwst_cal.framework import stripes

        found = stripes.layout(science)
        assert found is not None
        several = modes.is_superstripe(science)
        position[found.axis] = found.position if several else found.position[0]
        alike = theirs == ours and not several
    else:
        interleaved = _IRS2_ROWS in (ours.rows, theirs.rows)
        alike = theirs == ours or (interleaved and theirs.columns == ours.columns)
    if alike:
        return None
    rows = _part(ours.y, ours.rows, theirs.y, theirs.rows, position.get(-2))
    columns = _part(ours.x, ours.columns, theirs.x, theirs.columns, position.get(-1))
    if rows is None or columns is None:
        subarray = science.meta.subarray.name or "the exposure"
        raise ReferenceFileError(
            f"{source}: shape {shape[-2:]} ({theirs}) does not cover {subarray} of "
            f"{_name(science)}, shape {tuple(science.shape[-2:])} ({ours})"
        )
    log.debug("%s cut to %s", source, "stripes" if position else f"rows {rows}, columns {columns}")
    return _Cut(rows, columns)


def _part(
    ours: int, size: int, theirs: int, available: int, position: np.ndarray[Any, Any] | None
) -> slice | np.ndarray[Any, Any] | None:
    """Part of one axis of a reference, by starts (from 1) and sizes; None if not all is there."""
    if position is not None:
        numbers = position + 1 - theirs
        return numbers if numbers.min() >= 0 and numbers.max() < available else None
    first = ours - theirs
    return slice(first, first + size) if first >= 0 and first + size <= available else None


def window_in(science: Any, reference: Any, source: str) -> tuple[Any, Any]:
    """
    Find the rows and columns of a reference that an exposure holds.

    Parameters
    ----------
    science : data model
        The exposure.
    reference : data model
        The reference, not cut.
    source : str
        Path of the reference, for messages.

    Returns
    -------
    (slice or int [row], slice or int [col])
        Rows and columns.

    Raises
    ------
    ReferenceFileError
        If the reference does not cover the exposure.
    InputError
        If the exposure holds several parts of the detector in each integration.
    """
    cut = _cut_of(science, reference, reference.shape, source)
    if cut is None:
        return slice(None), slice(None)
    if any(getattr(part, "ndim", 1) > 1 for part in cut):
        raise InputError(f"{_name(science)}: read in several stripes, not yet assembled by refpix")
    return cut.rows, cut.columns


def crop_to(science: Any, reference: Any, source: str, *, in_place: bool = False) -> Any:
    """
    Cut the arrays of a reference to the subarray of an exposure.

    Parameters
    ----------
    science : data model
        The exposure.
    reference : data model
        The reference; its primary array, ERR, DQ and inverse coefficients are cut.
    source : str
        Path of the reference, for messages.
    in_place : bool
        Change ``reference``; otherwise it is copied first, when there is something to cut.

    Returns
    -------
    data model
        The reference with arrays of native byte order that match the exposure. Those for a
        superstripe exposure are [superstripe, row, col], in a plain ``ReferenceFileModel``.

    Raises
    ------
    ReferenceFileError
        If the reference does not cover the subarray, or its arrays differ in shape.
    InputError
        If the keywords of a subarray of several stripes do not make it.

    Notes
    -----
    As the reference release does, arrays are used as they are when start and size agree, and the
    actual size is used where it contradicts SUBSIZE. NIRSpec's interleaved readout (IRS2) has more
    rows than its keywords say: its references are never cut. As there, inverse coefficients are
    not used in a subarray of several stripes.
    """
    shapes = _shapes(reference)
    if not shapes:
        return reference
    first, shape = next(iter(shapes.items()))
    for name, other in shapes.items():
        if other[-2:] != shape[-2:]:
            raise ReferenceFileError(f"{source}: {name} has shape {other[-2:]} where {first} "
                                     f"has {shape[-2:]}")
    cut = _cut_of(science, reference, shape, source)
    if cut is None:
        return reference
    names = list(shapes)
    if cut.is_striped and "inv_coeffs" in names:
        names.remove("inv_coeffs")
    if not _files.is_light(reference):
        return _crop_full(science, reference, cut, names, in_place=in_place)
    if not in_place:
        reference = reference.copy()
    for name in names:
        reference.cut(name, cut)
    _record_window(science, reference, cut, reference.shape_of(first))
    return reference


def _crop_full(science: Any, reference: Any, cut: _Cut, names: list[str], *, in_place: bool) -> Any:
    ndim = getattr(reference, names[0]).ndim
    arrays = {name: _native(cut(getattr(reference, name))) for name in names}
    if arrays[names[0]].ndim > ndim:
        return _plain(reference, arrays)
    if not in_place:
        reference = reference.copy()
    for name, array in arrays.items():
        setattr(reference, name, array)
    _record_window(science, reference, cut, arrays[names[0]].shape)
    return reference


def _record_window(science: Any, reference: Any, cut: _Cut, shape: tuple[int, ...]) -> None:
    if cut.is_striped and reference.hasattr("inv_coeffs"):
        reference.inv_coeffs = None
    subarray, ours = reference.meta.subarray, science.meta.subarray
    subarray.xstart, subarray.ystart = ours.xstart or 1, ours.ystart or 1
    subarray.ysize, subarray.xsize = shape[-2:]


def _native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def _plain(reference: Any, arrays: dict[str, Any]) -> Any:
    """Make a model with the metadata of a reference and arrays that its own schema forbids."""
    from stdatamodels.jwst import datamodels

    plain = datamodels.ReferenceFileModel(validate_on_assignment=False)
    plain.update(reference)
    for name, array in arrays.items():
        setattr(plain, name, array)
    return plain
