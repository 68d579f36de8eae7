"""Whether a product is whole and consistent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from jwst_cal import flags
from jwst_cal.errors import JwstCalError

__all__ = ["problems"]

_REQUIRED = ("TELESCOP", "INSTRUME", "EXP_TYPE", "DATAMODL", "FILENAME", "DATE")
_CALIBRATED = ("CAL_VER", "DETECTOR", "DATE-OBS")
_STATUS = frozenset({"COMPLETE", "SKIPPED"})
#: Arrays that share the flags of ``dq``.
_FLAGGED = ("data", "err", "var_poisson", "var_rnoise", "var_flat")
#: Steps without which there would be no product of this suffix.
_MADE_BY = {"rate": ("ramp_fit",), "rateints": ("ramp_fit",), "cal": ("assign_wcs",),
            "calints": ("assign_wcs",), "i2d": ("resample",)}
#: Products in which pixels that are not to be used keep their errors.
_ERRORS_KEPT = frozenset({"rate", "rateints"})
_DO_NOT_USE = flags.pixel["DO_NOT_USE"]


def problems(path: str) -> list[str]:
    """
    Look for what is wrong with a product.

    Parameters
    ----------
    path : str
        A FITS or ASDF product.

    Returns
    -------
    list of str
        One line for each problem; empty for a good product. Looked at are: the file is whole; the
        keywords that every product has; the statuses of the steps; DO_NOT_USE where, and only
        where, the data are NaN (after stage 1 the errors, too); errors and variances not negative.
    """
    from jwst_cal import models
    from jwst_cal.models import _files

    try:
        _files.check_exposure(path)
        header = models.read_header(path)
        with _files.open_exposure(path, light=True) as model:
            return [*_keywords(path), *_statuses(path, header), *_arrays(path, model)]
    except JwstCalError as error:
        return [str(error).removeprefix(f"{path}: ")]
    except (OSError, ValueError, TypeError, EOFError) as error:
        return [f"cannot be read: {str(error).strip() or type(error).__name__}"]


def _suffix(path: str) -> str:
    return os.path.basename(path).partition(".")[0].rpartition("_")[2]


def _keywords(path: str) -> Iterator[str]:
    """Look at the keywords themselves: a model fills some in when it is opened."""
    from astropy.io import fits

    try:
        header = fits.getheader(path)
    except OSError:
        return  # an ASDF file has none
    raw = header.get("DATAMODL") == "Level1bModel"
    missing = [name for name in (_REQUIRED if raw else _REQUIRED + _CALIBRATED)
               if header.get(name) in (None, "")]
    if missing:
        yield f"without the keyword{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
    name = header.get("FILENAME")
    if name and name != os.path.basename(path):
        yield f"FILENAME is '{name}'"


def _statuses(path: str, header: dict[str, Any]) -> Iterator[str]:
    found = {name.removeprefix("meta.cal_step."): value for name, value in header.items()
             if name.startswith("meta.cal_step.")}
    for step, status in found.items():
        if status not in _STATUS:
            yield f"step {step} has the status {status}"
    for step in _MADE_BY.get(_suffix(path), ()):
        if found.get(step) != "COMPLETE":
            yield f"a product _{_suffix(path)} of which {step} is {found.get(step, 'not recorded')}"


def _arrays(path: str, model: Any) -> Iterator[str]:
    if not hasattr(model, "shape_of"):
        from jwst_cal.models import _files

        if not _files.is_model(model):
            return
    data = _array(model, "data")
    dq = _array(model, "dq")
    for name in _FLAGGED:
        array = data if name == "data" else _array(model, name)
        if array is None or not array.size or array.dtype.kind != "f":
            continue
        if data is not None and array.shape != data.shape:
            yield f"{name} has the shape {array.shape}, data {data.shape}"
            continue
        if name != "data":
            yield from _counted(np.count_nonzero(array < 0), f"in {name} are negative")
        if dq is not None and dq.shape == array.shape and data.ndim in (2, 3):
            both = name == "data" or _suffix(path) not in _ERRORS_KEPT
            yield from _flagged(name, np.isnan(array), dq & _DO_NOT_USE > 0, both=both)
        if name != "data":
            yield from _counted(np.count_nonzero(np.isinf(array)), f"in {name} are infinite")


def _flagged(name: str, is_nan: Any, is_out: Any, *, both: bool) -> Iterator[str]:
    yield from _counted(np.count_nonzero(is_nan & ~is_out), f"in {name} are NaN and not flagged "
                                                            "DO_NOT_USE")
    if both:
        yield from _counted(np.count_nonzero(is_out & ~is_nan), f"in {name} are flagged DO_NOT_USE "
                                                                "and not NaN")


def _counted(number: Any, text: str) -> Iterator[str]:
    if number:
        yield f"{number} pixels {text}"


def _array(model: Any, name: str) -> Any:
    try:
        found = getattr(model, name, None)
    except AttributeError:
        return None
    return found if isinstance(found, np.ndarray) else None
