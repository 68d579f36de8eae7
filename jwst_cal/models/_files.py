"""Opening and saving data models: checked input, whole output."""

from __future__ import annotations

import builtins
import contextlib
import copy
import errno
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from jwst_cal import clock, modes
from jwst_cal.errors import InputError, OutputError
from jwst_cal.models import _schemas

__all__ = ["full", "is_light", "is_model", "new", "open", "open_exposure", "open_light",
           "read_header", "save"]

log = logging.getLogger(__name__)

_FITS_START = b"SIMPLE  ="
_NEEDED = ("TELESCOP", "INSTRUME", "EXP_TYPE")


def is_model(thing: Any) -> bool:
    """Whether an object is a JWST data model, a light one included; imports nothing."""
    base = sys.modules.get("stdatamodels.jwst.datamodels")
    return is_light(thing) or (base is not None and isinstance(thing, base.JwstDataModel))


def is_light(thing: Any) -> bool:
    """Whether an object is a light model; imports nothing."""
    light = sys.modules.get("jwst_cal.models.light")
    return light is not None and isinstance(thing, light.LightModel)


def full(thing: Any) -> Any:
    """Make the data model of ``stdatamodels`` of a light model; anything else stays as it is."""
    if not is_light(thing):
        return thing
    from jwst_cal.models import light

    return light.full(thing)


def new(name: str, like: Any, *, only: str | None = None, **arrays: Any) -> Any:
    """
    Make a product of an open model: its metadata, other arrays.

    Parameters
    ----------
    name : str
        Name of a data model class.
    like : data model
        Where the metadata come from; the product is a light model if this is one and the class
        can be one.
    only : str, optional
        Take only what belongs to this HDU.
    **arrays : ndarray
        Arrays of the product.

    Returns
    -------
    data model
        The product.
    """
    made = None
    if is_light(like):
        from jwst_cal.models import light

        light_class = light.light_class(name)
        made = None if light_class is None else light_class({"meta": {"model_type": name}})
        like = like if made is not None else light.full(like.bare())
    if made is None:
        from stdatamodels.jwst import datamodels

        made = getattr(datamodels, name)(validate_on_assignment=False)
    made.update(like, only=only)
    for array, values in arrays.items():
        setattr(made, array, values)
    return made


def _reason(error: BaseException) -> str:
    return str(error).strip().split("\n")[0] or type(error).__name__


def check_file(path: str | os.PathLike[str]) -> None:
    """
    Check that a file is there and that its first bytes are FITS, ASDF or JSON.

    Parameters
    ----------
    path : str or path
        The file.

    Raises
    ------
    InputError
        If it is missing, a directory, unreadable, empty or of another format.
    """
    name = os.fspath(path)
    try:
        with builtins.open(name, "rb") as file:
            start = file.read(9)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a directory, an exposure file is needed") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    if not start:
        raise InputError(f"{name}: the file is empty")
    if start == _FITS_START or start.startswith(b"#ASDF") or start[:2] == b"\x1f\x8b":
        return
    if name.lower().endswith(".json"):
        return
    raise InputError(f"{name}: is neither a FITS nor an ASDF file")


def read_header(path: str | os.PathLike[str]) -> dict[str, Any]:
    """
    Read the metadata of a file as flat names (``meta.instrument.name``), without its arrays.

    Parameters
    ----------
    path : str or path
        A FITS or ASDF file of a data model.

    Returns
    -------
    dict
        Texts, numbers and booleans by dotted name.

    Raises
    ------
    InputError
        If the file is missing or unreadable.
    """
    check_file(path)
    found = _light_header(os.fspath(path))
    if found is not None:
        return found
    found = read_metadata(path, flatten=True)
    return {key: value for key, value in found.items()
            if isinstance(value, str | int | float | bool)}


def read_metadata(path: str | os.PathLike[str], *, flatten: bool) -> dict[str, Any]:
    """
    Read the metadata of a file as ``stdatamodels`` does.

    Parameters
    ----------
    path : str or path
        A FITS or ASDF file of a data model.
    flatten : bool
        One level of dotted names, or nested.

    Returns
    -------
    dict
        The metadata.

    Raises
    ------
    InputError
        If the file is missing or unreadable.
    """
    check_file(path)
    from stdatamodels.jwst import datamodels

    found: dict[str, Any]
    try:
        with _truncation_refused():
            try:
                found = datamodels.read_metadata(path, flatten=flatten)
            except KeyError:  # a FITS file without the ASDF extension: its keywords tell as much
                with datamodels.JwstDataModel(path) as model:
                    found = (model.to_flat_dict(include_arrays=False) if flatten
                             else {"meta": copy.deepcopy(model.meta.instance)})
    except Exception as error:
        raise InputError(f"{os.fspath(path)}: the header cannot be read: "
                         f"{_reason(error)}") from error
    return found


def _light_header(name: str) -> dict[str, Any] | None:
    """Metadata of a plain FITS file; None for any other."""
    from jwst_cal.models import _reading

    try:
        model = _reading.read_product(name)
    except (_reading.Unusual, OSError):
        return None
    return model.get_crds_parameters()


def _exposure_class(hdulist: Any) -> Any:
    """Choose the model of a raw exposure; None when the file says itself what it is."""
    from stdatamodels.jwst import datamodels

    from jwst_cal.models import _reading

    naxis = hdulist["SCI"].header.get("NAXIS") if "SCI" in hdulist else None
    name = _reading.exposure_class(hdulist[0].header, naxis, "DQ" in hdulist)
    return None if name is None else getattr(datamodels, name)


def open_exposure(path: str | os.PathLike[str], *, light: bool = False) -> Any:
    """
    Open one exposure as a step needs it: a raw one as a ramp, all others as what they are.

    Parameters
    ----------
    path : str or path
        A FITS or ASDF product.
    light : bool
        As a light model (:mod:`jwst_cal.models.light`), if it is a plain FITS file.

    Returns
    -------
    data model
        ``RampModel`` (``GuiderRawModel``, ``SuperstripeRampModel``) for level-1b data: data as
        float32, PIXELDQ and GROUPDQ zero where the file has none; arrays native and writable.

    Raises
    ------
    InputError
        If the file is missing, truncated, not FITS, no JWST exposure or no known product.
    """
    name = os.fspath(path)
    check_file(path)
    with builtins.open(name, "rb") as file:
        is_asdf = file.read(5) == b"#ASDF"
    if not is_asdf:
        from jwst_cal.models import _reading

        try:
            model = _reading.read_exposure(name)
        except (_reading.Unusual, OSError) as reason:
            log.debug("%s is left to stdatamodels: %s", name, reason)
        else:
            log.debug("%s opened as %s", name, type(model).__name__)
            return model if light else full(model)
    _schemas.extensions_loaded()
    from stdatamodels.jwst import datamodels

    try:
        with _schemas.parsed_once():
            return datamodels.open(name) if is_asdf else _open_fits(name)
    except (InputError, ImportError):
        raise
    except Exception as error:
        raise InputError(f"{name}: cannot be read as an exposure: {_reason(error)}") from error


def open_light(path: str | os.PathLike[str], **options: Any) -> Any:
    """
    Open a product as a light model if it is a plain FITS file, else as :func:`open` does.

    Parameters
    ----------
    path : str or path
        The file.
    **options
        As for :func:`open`.

    Returns
    -------
    data model
        The open model.

    Raises
    ------
    InputError
        If the file is missing, unreadable or neither FITS nor ASDF.
    """
    from jwst_cal.models import _reading

    check_file(path)
    try:
        return _reading.read_exposure(os.fspath(path))
    except (_reading.Unusual, OSError) as reason:
        log.debug("%s is left to stdatamodels: %s", path, reason)
    try:
        with _truncation_refused():
            return open(path, **options)
    except (InputError, ImportError):
        raise
    except Exception as error:
        raise InputError(f"{os.fspath(path)}: cannot be opened: {_reason(error)}") from error


@contextlib.contextmanager
def _truncation_refused() -> Iterator[None]:
    """Make astropy's warning of a truncated file an error."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*truncated.*")
        yield


@contextlib.contextmanager
def _fits(name: str) -> Iterator[Any]:
    """Open a FITS file that is whole and an exposure of JWST."""
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyUserWarning

    with _truncation_refused():
        try:
            with fits.open(name, memmap=False) as hdulist:
                len(hdulist)  # reads all headers
                header = hdulist[0].header
                missing = [key for key in _NEEDED if not header.get(key)]
                if missing:
                    raise InputError(f"{name}: is no JWST exposure: no {', '.join(missing)} in "
                                     "its header")
                if str(header["TELESCOP"]).upper() != "JWST":
                    raise InputError(f"{name}: is no JWST exposure: TELESCOP is "
                                     f"'{header['TELESCOP']}'")
                if "SCI" not in hdulist and not header.get("DATAMODL"):
                    raise InputError(f"{name}: has no SCI extension and no DATAMODL keyword")
                yield hdulist
        except AstropyUserWarning as warning:
            raise InputError(f"{name}: the file is truncated: {_reason(warning)}") from warning


def check_exposure(path: str | os.PathLike[str]) -> None:
    """
    Check, without reading its data, that a file is an exposure that can be opened.

    Parameters
    ----------
    path : str or path
        The file. Of other formats than FITS only the first bytes are looked at.

    Raises
    ------
    InputError
        If it is missing, truncated, not FITS or no JWST exposure.
    """
    name = os.fspath(path)
    check_file(name)
    with builtins.open(name, "rb") as file:
        if file.read(9) != _FITS_START:
            return
    from jwst_cal.models import _reading

    if _reading.is_exposure(name):
        return
    try:
        with _fits(name):
            pass
    except (InputError, ImportError):
        raise
    except Exception as error:
        raise InputError(f"{name}: cannot be read as an exposure: {_reason(error)}") from error


def _open_fits(name: str) -> Any:
    from stdatamodels.jwst import datamodels

    with _fits(name) as hdulist:
        model_class = _exposure_class(hdulist)
        if model_class is not None:
            return _open_raw(hdulist, model_class)
    return datamodels.open(name)


def _open_raw(hdulist: Any, model_class: Any) -> Any:
    """Open raw data; its metadata is validated in one go, again one by one if that fails."""
    from asdf.exceptions import ValidationError

    model = model_class(hdulist, strict_validation=True, validate_on_assignment=False)
    try:
        model.validate()
    except ValidationError:  # warns of what is wrong and leaves it out, slowly
        model = model_class(hdulist)
    return _native(model)


def _native(model: Any) -> Any:
    """Make the big arrays of a ramp native, writable and C-contiguous, as the kernels need."""
    for array in ("data", "pixeldq", "groupdq", "zeroframe", "refout"):
        if is_light(model):  # one that is still in its file comes out like that
            values = model.instance.get(array)
        else:
            values = getattr(model, array) if model.hasattr(array) else None
        flags = getattr(values, "flags", None)
        if flags is not None and not (values.dtype.isnative and flags.carray):
            setattr(model, array, values.astype(values.dtype.newbyteorder("="), order="C"))
    return model


def note_groups(model: Any) -> None:
    """Say if NGROUPS is not the number of groups that a ramp has; the data decide."""
    shape = model.shape  # of a light model without reading it
    if shape is None or len(shape) != 4:
        return
    promised, found = model.meta.exposure.ngroups, shape[1]
    if promised is not None and promised != found:
        log.warning("%s: NGROUPS is %d and the data have %d groups: the data count",
                    model.meta.filename or "the exposure", promised, found)


def as_ramp(model: Any) -> Any:
    """Convert an open raw exposure, which is used up, to a ramp; give ramps arrays for kernels."""
    if is_light(model):
        return _native(model) if type(model).__name__ == "RampModel" else model
    from stdatamodels.jwst import datamodels

    if not isinstance(model, datamodels.Level1bModel):
        ramps = (datamodels.RampModel, datamodels.SuperstripeRampModel)
        return _native(model) if isinstance(model, ramps) else model
    if modes.is_guider(model):
        ramp_class = datamodels.GuiderRawModel
    elif modes.is_superstripe(model):
        ramp_class = datamodels.SuperstripeRampModel
    else:
        ramp_class = datamodels.RampModel
    tree = dict(model.instance)
    for name in ("data", "zeroframe", "refout"):
        if tree.get(name) is not None:
            tree[name] = tree[name].astype("float32")
    return ramp_class(tree)


def shallow_copy(model: Any) -> Any:
    """Copy a data model's metadata, and share its arrays."""
    import copy

    tree = dict(model.instance)
    tree["meta"] = copy.deepcopy(tree["meta"])
    return type(model)(tree, validate_on_assignment=False)


def open(init: Any = None, guess: bool = True, **options: Any) -> Any:
    """
    Open a data model as ``stdatamodels.jwst.datamodels.open`` does, with one-line errors.

    Parameters
    ----------
    init : str, path, data model, list or association
        What to open.
    guess : bool
        Guess the class of a file that does not name it.
    **options
        Handed to the model class.

    Returns
    -------
    data model or container
        The open model.

    Raises
    ------
    InputError
        If a file is missing, unreadable or neither FITS nor ASDF.
    """
    _schemas.extensions_loaded()
    from stdatamodels.jwst import datamodels

    if isinstance(init, str | os.PathLike):
        check_file(init)
        try:
            return datamodels.open(init, guess=guess, **options)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{os.fspath(init)}: cannot be opened: {_reason(error)}") from error
    return datamodels.open(init, guess=guess, **options)


_noted: list[list[str]] = []


@contextlib.contextmanager
def noting() -> Iterator[list[str]]:
    """Collect the names of the products that are saved during the block."""
    found: list[str] = []
    _noted.append(found)
    try:
        yield found
    finally:
        _noted.remove(found)


def note(path: str) -> None:
    """Tell :func:`noting` of a product that was saved."""
    for found in _noted:
        found.append(path)


def save(model: Any, path: str | os.PathLike[str], **options: Any) -> str:
    """
    Write a product, whole or not at all, and tell :func:`noting` of it.

    Parameters
    ----------
    model, path, **options
        As for :func:`write`.

    Returns
    -------
    str
        The path.

    Raises
    ------
    OutputError
        If the folder is missing or not writable, or the disk is full.
    """
    target = write(model, path, **options)
    note(target)
    return target


def write(model: Any, path: str | os.PathLike[str], **options: Any) -> str:
    """
    Write a model so that a crash leaves the old file or the new one, never a part.

    Parameters
    ----------
    model : data model, or any object with ``save(path)``
        What to write; its ``meta.filename`` becomes the name of the file.
    path : str or path
        The file; an existing one is replaced.
    **options
        Handed to ``model.save``.

    Returns
    -------
    str
        The path.

    Raises
    ------
    OutputError
        If the folder is missing or not writable, or the disk is full.
    """
    target = Path(path)
    folder = target.parent
    scratch = None
    try:
        # a folder of its own, beside the product: the model records the base name it is given
        scratch = tempfile.mkdtemp(prefix=".writing-", dir=folder)
        written = os.path.join(scratch, target.name)
        if clock.fixed() is not None:
            from jwst_cal.models import _writing

            model = _writing.dated(model)
        model.save(written, **options)
        os.replace(written, target)
    except OSError as error:
        full = "Not enough space on disk" in str(error)  # astropy's own, without a number
        reason = {
            errno.ENOSPC: "the disk is full",
            errno.EDQUOT: "the disk quota is exceeded",
            errno.EACCES: "the folder is not writable",
            errno.EROFS: "the file system is read-only",
            errno.ENOENT: "the folder does not exist",
        }.get(errno.ENOSPC if full else error.errno or 0, error.strerror or _reason(error))
        raise OutputError(f"{target}: cannot be written: {reason}") from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return str(target)


class _Saved:
    """What :func:`write` writes, other than a model."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.save = write


def save_table(table: Any, path: str | os.PathLike[str]) -> str:
    """
    Write a table as ECSV, whole or not at all, as :func:`save` does.

    Parameters
    ----------
    table : astropy.table.Table
        What to write.
    path : str or path
        The file; an existing one is replaced.

    Returns
    -------
    str
        The path.

    Raises
    ------
    OutputError
        If the folder is missing or not writable, or the disk is full.
    """
    from jwst_cal.models import _ecsv

    return save(_Saved(partial(_ecsv.write, table)), path)


def save_text(text: str, path: str | os.PathLike[str]) -> str:
    """
    Write a text in UTF-8, whole or not at all; it is no product.

    Parameters
    ----------
    text : str
        What to write.
    path : str or path
        The file.

    Returns
    -------
    str
        The path.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    return write(_Saved(lambda written: Path(written).write_text(text, encoding="utf-8")), path)
