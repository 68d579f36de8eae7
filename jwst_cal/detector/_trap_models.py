"""Data models of the trap model: its references, and the traps that one exposure leaves filled."""

import logging

import numpy as np

from jwst_cal import models, modes
from jwst_cal.detector import _traps
from jwst_cal.errors import InputError, ReferenceFileError

__all__ = ["families", "filled_at_start", "filled_model", "released_model", "timing"]

log = logging.getLogger(__name__)

_DAY = 86400.0


def families(trappars, path):
    """
    Read the families of traps.

    Parameters
    ----------
    trappars : TrapParsModel
        Table with one row a family.
    path : str or None
        Its file, for messages.

    Returns
    -------
    Families
        Rates and shares.

    Raises
    ------
    ReferenceFileError
        If there is no family, or a value is no number.
    """
    table = trappars.trappars_table
    columns = [np.array(table[name], np.float64)
               for name in ("capture0", "capture1", "capture2", "decay_param")]
    name = path or f"the open {type(trappars).__name__}"
    if not len(columns[0]):
        raise ReferenceFileError(f"{name}: its table has no row, one for each family is needed")
    if not np.isfinite(columns).all():
        raise ReferenceFileError(f"{name}: a value in its table is not a number")
    return _traps.Families(*columns)


def timing(ramp):
    """
    Read the times of an exposure.

    Parameters
    ----------
    ramp : RampModel
        The exposure.

    Returns
    -------
    Timing
        Seconds and numbers of resets; where these are missing one, none for MIRI.

    Raises
    ------
    InputError
        If TGROUP or TFRAME is missing.
    """
    exposure = ramp.meta.exposure
    usual = 0 if modes.is_miri(ramp) else 1
    resets = []
    for name, value in (("NRSTSTRT", exposure.nresets_at_start),
                        ("NRESETS", exposure.nresets_between_ints)):
        if value is None:
            log.info("%s is missing: took %d", name, usual)
        resets.append(usual if value is None else value)
    return _traps.Timing(_needed(ramp, "TGROUP", exposure.group_time),
                         _needed(ramp, "TFRAME", exposure.frame_time), *resets)


def filled_at_start(path, ramp, families, shape):
    """
    Tell which traps are filled when an exposure starts.

    Parameters
    ----------
    path : str or None
        File of :func:`filled_model` that an earlier exposure left; None: no trap is filled.
    ramp : RampModel
        The exposure.
    families : Families
        Rates at which traps empty in the time between.
    shape : (int, int)
        Rows and columns of the detector.

    Returns
    -------
    float32 [family, detector row, detector col], DN
        Filled traps.

    Raises
    ------
    InputError
        If the file is of another kind, detector or shape, or was left by a later exposure.
    """
    wanted = (len(families.decay), *shape)
    if path is None:
        return np.zeros(wanted, np.float32)
    with models.open(path) as model:
        if type(model).__name__ != "TrapsFilledModel":
            raise InputError(f"{path}: {type(model).__name__}, where TrapsFilledModel is needed")
        if model.data.shape != wanted:
            raise InputError(f"{path}: shape {model.data.shape} where {wanted} is needed, from the "
                             "references TRAPPARS and TRAPDENSITY")
        detectors = model.meta.instrument.detector, ramp.meta.instrument.detector
        if detectors[0] != detectors[1]:
            raise InputError(f"{path}: of {detectors[0]}, but {ramp.meta.filename} is of "
                             f"{detectors[1]}")
        filled = np.array(model.data, np.float32)
        end = _needed(model, "EXPEND", model.meta.exposure.end_time)
    seconds = (_needed(ramp, "EXPSTART", ramp.meta.exposure.start_time) - end) * _DAY
    if seconds < 0:
        raise InputError(f"{path}: ends {-seconds:.1f} s after {ramp.meta.filename} starts; the "
                         "exposure before is needed")
    filled[~np.isfinite(filled)] = 0
    filled -= filled * _traps.emptied(families, seconds).astype(np.float32)[:, None, None]
    log.info("Traps filled by an earlier exposure, %.1f s before: %s", seconds, path)
    return filled


def filled_model(filled, ramp):
    """
    Describe the traps that are filled at the end of an exposure.

    Parameters
    ----------
    filled : float32 [family, detector row, detector col], DN
        Filled traps.
    ramp : RampModel
        The exposure.

    Returns
    -------
    TrapsFilledModel
        The product ``_trapsfilled``: always of the whole detector.
    """
    model = models.new("TrapsFilledModel", ramp, only="PRIMARY", data=filled)
    model.meta.subarray.name = "FULL"
    model.meta.subarray.xstart = model.meta.subarray.ystart = 1
    model.meta.subarray.ysize, model.meta.subarray.xsize = filled.shape[1:]
    return model


def released_model(released, ramp):
    """
    Describe what was subtracted from an exposure.

    Parameters
    ----------
    released : float32 [integration, group, row, col], DN
        What full traps have released since the integration began.
    ramp : RampModel
        The exposure.

    Returns
    -------
    RampModel
        The product ``_output_pers``.
    """
    return models.new("RampModel", ramp, only="PRIMARY", data=released)


def _needed(model, keyword, value):
    if value is None:
        raise InputError(f"{model.meta.filename}: {keyword} is missing")
    return value
