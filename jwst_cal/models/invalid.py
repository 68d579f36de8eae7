"""NaN and DO_NOT_USE say the same thing in every array of a calibrated product."""

import numpy as np

from jwst_cal import flags

__all__ = ["reconcile"]

ARRAYS = ("data", "err", "var_rnoise", "var_poisson", "var_flat")
#: Values treated at a time: they stay in the cache.
BLOCK = 1 << 18


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
    if not all(a.flags.c_contiguous for a in arrays) or (dq is not None
                                                         and not dq.flags.c_contiguous):
        _mark(arrays, dq)
        return
    flat = [array.reshape(-1) for array in arrays]
    flat_dq = None if dq is None else dq.reshape(-1)
    for start in range(0, flat[0].size, BLOCK):
        part = slice(start, start + BLOCK)
        _mark([array[part] for array in flat], None if dq is None else flat_dq[part])


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
