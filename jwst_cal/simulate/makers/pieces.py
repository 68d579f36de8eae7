"""What the content of most reference files is made of."""

import numpy as np

from jwst_cal.simulate import _fits

__all__ = ["dq", "nowhere", "sci"]


def _dq_table(names):
    rows = np.zeros(len(names), [("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"),
                                 ("DESCRIPTION", "S80")])
    for bit, name in enumerate(names):
        rows[bit] = (bit, 1 << bit, name.encode(), name.lower().replace("_", " ").encode())
    return rows


def dq(shape, named, repeat=()):
    """DQ and DQ_DEF: bit k of the file is the k-th name, as in the real files."""
    values = np.zeros(shape, np.uint32)
    for bit, where in enumerate(named.values()):
        values |= where.astype(np.uint32) << np.uint32(bit)
    planes = [values] * int(np.prod(repeat, dtype=int))
    return [_fits.image("DQ", (*repeat, *shape), "u4", planes),
            _fits.table("DQ_DEF", _dq_table(list(named)))]


def sci(array, name="SCI", cards=()):
    """An image extension of floats."""
    return _fits.image(name, array.shape, "f4", [array], cards)


def nowhere(window):
    """A flag that no pixel has."""
    return np.zeros(window.shape, bool)
