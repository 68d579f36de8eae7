"""NaN and DO_NOT_USE say the same thing in every array of a calibrated product."""

import numpy as np

from jwst_cal import flags
from jwst_cal.kernels import pixels

__all__ = ["reconcile"]

ARRAYS = ("data", "err", "var_rnoise", "var_poisson", "var_flat")


def reconcile(model):
    """
    Flag what is NaN in any array, and set to NaN in all arrays what is flagged DO_NOT_USE.

    Parameters
    ----------
    model : data model or slit
        With any of DATA, ERR, VAR_RNOISE, VAR_POISSON, VAR_FLAT, and DQ of the same shape; arrays
        of another shape than the first of them are left alone. Changed in place.

    Notes
    -----
    Source: the convention of the reference release for products from stage 2 on.
    """
    arrays = [array for array in (getattr(model, name, None) for name in ARRAYS)
              if array is not None]
    if not arrays:
        return
    shape = arrays[0].shape
    arrays = [array for array in arrays if array.shape == shape]
    dq = getattr(model, "dq", None)
    if dq is not None and dq.shape != shape:
        dq = None
    if all(_fits(array, np.float32) for array in arrays) and (dq is None or _fits(dq, np.uint32)):
        pixels.reconcile(arrays, dq, flags.pixel["DO_NOT_USE"])
    else:
        _mark(arrays, dq)


def _fits(array, dtype):
    """Whether a kernel can change an array."""
    return array.dtype == dtype and array.size and array.flags.carray


def _mark(arrays, dq):
    bad = np.isnan(arrays[0])
    for array in arrays[1:]:
        bad |= np.isnan(array)
    if dq is not None:
        bad |= (dq & flags.pixel["DO_NOT_USE"]) != 0
    if not bad.any():
        return
    if dq is not None:
        dq[bad] |= flags.pixel["DO_NOT_USE"]
    for array in arrays:
        array[bad] = np.nan
