"""Data quality: the flags of the detector's bad pixels, as the ramp's first ones."""

import logging
import os

import numpy as np

from jwst_cal import flags, modes
from jwst_cal.detector import _superstripe
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import Reference, Step, param
from jwst_cal.kernels import memory

__all__ = ["DQInitStep"]

log = logging.getLogger(__name__)


class DQInitStep(Step):
    """
    Add the flags of the bad-pixel mask to the exposure's.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "dq_init"
    takes_light = True
    references = {"mask": Reference("MaskModel", crop=True)}
    takes = ("RampModel", "SuperstripeRampModel", "GuiderRawModel")

    user_supplied_dq: str | None = param(None, "FITS file with flags to add to the mask's")

    def process(self, ramp, *, refs):
        """
        Add the mask to PIXELDQ and its DO_NOT_USE to every group, in place.

        Parameters
        ----------
        ramp : RampModel, SuperstripeRampModel or GuiderRawModel
            The exposure; guide-star modes have their flags in DQ instead.
        refs : References
            ``mask``: flags of the pixels.

        Returns
        -------
        RampModel, SuperstripeRampModel or GuiderRawModel
            The same model.

        Raises
        ------
        InputError
            If the file of ``user_supplied_dq`` cannot be read or has another shape.
        ReferenceFileError
            If the mask has another shape than the exposure.
        """
        mask = refs.mask.dq
        shape = ramp.data.shape[-2:]
        if modes.is_superstripe(ramp):
            shape = (modes.superstripes(ramp), *shape)
        if mask.shape != shape:
            raise ReferenceFileError(f"{refs.path('mask') or 'the mask'}: shape {mask.shape} "
                                     f"where {ramp.meta.filename} has {shape}")
        if self.user_supplied_dq is not None:
            mask = mask | _read_flags(self.make_input_path(self.user_supplied_dq), shape)
        if modes.is_guider(ramp):
            ramp.dq = _fitting(ramp.dq, shape, np.uint32) | mask
            return ramp
        ramp.pixeldq = _fitting(ramp.pixeldq, shape, np.uint32)
        ramp.groupdq = _fitting(ramp.groupdq, ramp.data.shape, np.uint8)
        np.bitwise_or(ramp.pixeldq, mask, out=ramp.pixeldq)
        unusable = (mask & flags.pixel["DO_NOT_USE"]).astype(np.uint8)
        for integrations, stripe in _superstripe.parts(ramp):
            ramp.groupdq[integrations] |= unusable[stripe]
        log.info("Flagged %d of %d pixels as DO_NOT_USE", np.count_nonzero(unusable), unusable.size)
        return ramp


def _fitting(dq, shape, dtype):
    """The flags themselves, or zeros where there are none of the exposure's shape."""
    if dq is not None and dq.shape == shape:
        return dq
    log.warning("The exposure's flags have shape %s where %s is needed: set to 0",
                None if dq is None else dq.shape, shape)
    return memory.zeros(shape, dtype)


def _are_whole(values):
    if values.dtype.kind == "f":
        return bool(np.all((values >= 0) & (values < 2**32) & (values == np.floor(values))))
    return values.dtype.kind in "iu"


def _read_flags(path, shape):
    from astropy.io import fits

    if not os.path.isfile(path):
        raise InputError(f"{path}: no such file (user_supplied_dq)")
    try:
        given = fits.getdata(path)
    except (OSError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"{path}: no FITS image (user_supplied_dq): {error}") from error
    if given.shape != shape or not _are_whole(given):
        raise InputError(f"{path}: {given.dtype.name} array of shape {given.shape} where whole "
                         f"numbers of shape {shape} are needed (user_supplied_dq)")
    log.info("Added the flags of %s to the mask", path)
    return given.astype(np.uint32)
