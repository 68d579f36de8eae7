"""Inter-pixel capacitance: the charge that neighbouring pixels see of each other."""

import logging

from jwst_cal import modes
from jwst_cal.detector import _irs2
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import Reference, Step
from jwst_cal.kernels.ipc import ipc

__all__ = ["IPCStep"]

log = logging.getLogger(__name__)


class IPCStep(Step):
    """
    Convolve every group with a kernel that undoes the crosstalk of neighbouring pixels.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "ipc"
    takes_light = True
    references = {"ipc": Reference("IPCModel")}
    takes = ("RampModel", "SuperstripeRampModel")

    def process(self, ramp, *, refs):
        """
        Convolve the image, without the reference pixels, in place.

        Parameters
        ----------
        ramp : RampModel or SuperstripeRampModel
            Counts, DN.
        refs : References
            ``ipc``: one kernel, or one of each pixel.

        Returns
        -------
        RampModel or SuperstripeRampModel
            The same model.

        Raises
        ------
        InputError
            If SUBSTRT1 or SUBSTRT2 is missing.
        ReferenceFileError
            If the reference is no kernel, or does not cover the subarray.
        """
        kernel, subarray = refs.ipc.data, ramp.meta.subarray
        if subarray.xstart is None or subarray.ystart is None:
            raise InputError(f"{ramp.meta.filename}: SUBSTRT1 or SUBSTRT2 is missing")
        if kernel.ndim not in (2, 4):
            raise ReferenceFileError(f"{refs.path('ipc') or 'the open IPCModel'}: {kernel.ndim} "
                                     "axes where 2 or 4 are needed")
        rows = _irs2.rows_of(ramp) if modes.is_irs2(ramp) else None
        shape = (ramp.data.shape[2] if rows is None else len(rows), ramp.data.shape[3])
        if kernel.ndim == 4:
            kernel = _cut(kernel, ramp, shape, refs.path("ipc") or "the open IPCModel")
        planes = ramp.data.reshape(-1, *ramp.data.shape[2:])
        ipc(planes, kernel, region=_image(ramp, shape), rows=rows)
        log.info("Convolved with a kernel of %d x %d pixels%s", *kernel.shape[:2],
                 " for each pixel" if kernel.ndim == 4 else "")
        return ramp


def _cut(kernel, ramp, shape, source):
    """The kernels of the exposure's pixels; the file has those of the whole detector."""
    if kernel.shape[2:] == shape:
        return kernel
    x, y = ramp.meta.subarray.xstart - 1, ramp.meta.subarray.ystart - 1
    cut = kernel[:, :, y : y + shape[0], x : x + shape[1]]
    if cut.shape[2:] != shape:
        raise ReferenceFileError(f"{source}: kernels of {kernel.shape[2:]} pixels do not cover "
                                 f"{ramp.meta.subarray.name} of {ramp.meta.filename}")
    return cut


def _image(ramp, shape):
    """Rows and columns of the exposure that are no reference pixels."""
    subarray, (n_rows, n_cols) = ramp.meta.subarray, shape
    if modes.is_miri(ramp):
        return slice(0, n_rows), _without_edges(subarray.xstart - 1, n_cols, 1032)
    return (_without_edges(subarray.ystart - 1, n_rows, 2048),
            _without_edges(subarray.xstart - 1, n_cols, 2048))


def _without_edges(start, size, full):
    first = max(4 - start, 0)
    return slice(first, max(min(size, full - 4 - start), first))
