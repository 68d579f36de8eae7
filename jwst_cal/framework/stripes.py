"""Subarrays read in several stripes: which row of the detector each row of the array is.

Along its slow axis a near-infrared detector need not be read from one end to the other. It may
read some reference rows first, skip some, read a stripe, skip, read the next stripe, with or
without going back to the reference rows in between (*substripes*: DHS); or an integration reads
one stripe and the next integration the next one (*superstripes*). The keywords MSTR_RD1 ...
SSTR_NST tell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jwst_cal.errors import InputError

__all__ = ["DETECTOR", "Keywords", "Layout", "follow", "layout"]

#: Rows of a near-infrared detector along its slow axis.
DETECTOR = 2048


class Layout(NamedTuple):
    """
    Where the rows of a striped subarray lie, along the slow axis and in the order of the array.

    Attributes
    ----------
    position : int [superstripe, row]
        Place on the detector in the frame of the array, from 0.
    reference : bool [row]
        Belongs to the rows read first, again and again.
    stripe : int [row]
        Number of the stripe within a frame, from 0, in the order of reading.
    axis : {-1, -2}
        Axis of the array along which the rows lie.
    """

    position: NDArray[np.intp]
    reference: NDArray[np.bool_]
    stripe: NDArray[np.intp]
    axis: int


class Keywords(NamedTuple):
    """
    Keywords of the readout.

    Attributes
    ----------
    reads1, skips1, reads2, skips2, repeat, interleave : int
        MSTR_RD1, MSTR_SK1, MSTR_RD2, MSTR_SK2, MSTR_RPT, MSTR_ILV.
    step, superstripes : int
        SSTR_STP, SSTR_NST.
    """

    reads1: int = 0
    skips1: int = 0
    reads2: int = 0
    skips2: int = 0
    repeat: int = 0
    interleave: int = 0
    step: int = 0
    superstripes: int = 0

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in zip(FITS, self, strict=True))


#: Names of the keywords, in their order.
FITS = ("MSTR_RD1", "MSTR_SK1", "MSTR_RD2", "MSTR_SK2", "MSTR_RPT", "MSTR_ILV", "SSTR_STP",
        "SSTR_NST")


_NAMES = {"reads1": "multistripe_reads1", "skips1": "multistripe_skips1",
          "reads2": "multistripe_reads2", "skips2": "multistripe_skips2",
          "repeat": "repeat_stripe", "interleave": "interleave_reads1",
          "step": "superstripe_step", "superstripes": "num_superstripe"}


def layout(model: Any) -> Layout | None:
    """
    Find the rows of an exposure on the detector.

    Parameters
    ----------
    model : data model
        The exposure.

    Returns
    -------
    Layout or None
        None where the subarray was not read in stripes.

    Raises
    ------
    InputError
        If the keywords of the stripes do not make the subarray, or lead off the detector.

    Notes
    -----
    As in jwst 3.0.0, stripes of DHS subarrays are counted from the first row of the detector
    whatever SUBSTRT says, and a start of 1 on a detector that is read backwards means its first
    row, too.
    """
    subarray = model.meta.subarray
    if getattr(subarray, "multistripe_reads1", None) is None:
        return None
    name = model.meta.filename or f"the open {type(model).__name__}"
    slow = subarray.slowaxis
    if slow not in (1, -1, 2, -2):
        raise InputError(f"{name}: SLOWAXIS={slow}, 1, -1, 2 or -2 is needed")
    size, start = ((subarray.xsize, subarray.xstart) if abs(slow) == 1
                   else (subarray.ysize, subarray.ystart))
    if size is None or start is None:
        raise InputError(f"{name}: SUBSIZE{abs(slow)} or SUBSTRT{abs(slow)} is missing")
    keys = Keywords(*(getattr(subarray, _NAMES[key], None) or 0 for key in Keywords._fields))
    first = 0 if "DHS" in (subarray.name or "").upper() else _first(slow, start)
    try:
        return follow(keys, size, slow_axis=slow, first=first)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def follow(keys: Keywords, size: int, *, slow_axis: int, first: int = 0) -> Layout:
    """
    Follow the readout of a subarray of several stripes.

    Parameters
    ----------
    keys : Keywords
        How it is read.
    size : int
        Rows of the subarray.
    slow_axis : {1, -1, 2, -2}
        SLOWAXIS of the detector.
    first : int
        Row of the detector at which the readout starts, from 0, in the order of reading.

    Returns
    -------
    Layout
        In the order of the array.

    Raises
    ------
    ValueError
        If the keywords do not make `size` rows, or lead off the detector.

    Notes
    -----
    Source: the keywords' descriptions in the data model. As in jwst 3.0.0, stripes that are
    interleaved within a frame do not move with the superstripe, but for the first.
    """
    if keys.superstripes and keys.reads2 <= 0:
        keys = keys._replace(reads2=keys.step)
    orders = [_order(keys, size, first, k) for k in range(max(keys.superstripes, 1))]
    position, reference, stripe = (np.array(part) for part in zip(*orders, strict=True))
    if not position.size or position.shape[1] != size:
        raise ValueError(f"{keys} do not make the {size} rows of the subarray")
    if position.min() < 0 or position.max() >= DETECTOR:
        raise ValueError(f"{keys} reach row {position.max()} of the detector, which has {DETECTOR}")
    if slow_axis < 0:
        position = DETECTOR - 1 - position
    turn = slice(None, None, -1 if slow_axis < 0 else 1)
    return Layout(np.ascontiguousarray(position[:, turn]), reference[0, turn], stripe[0, turn],
                  -abs(slow_axis))


def _first(slow: int, start: int) -> int:
    """Row of the detector that is read first, from its keyword."""
    if slow > 0:
        return start - 1
    return 0 if start == 1 else DETECTOR - start


def _order(keys: Keywords, size: int, first: int, superstripe: int
           ) -> tuple[list[int], list[bool], list[int]]:
    """Follow the readout of one frame: place, kind and stripe of each row, as far as `size`."""
    place: list[int] = []
    reference: list[bool] = []
    stripe: list[int] = []

    def read(start: int, count: int, *, again: bool, number: int) -> int:
        place.extend(range(start, start + count))
        reference.extend([again] * count)
        stripe.extend([number] * count)
        return start + count

    if keys.reads2 <= 0:
        return place, reference, stripe
    skip = keys.skips1 + keys.step * superstripe
    head, number = first, 0
    while len(place) < size:
        if number == 0 or keys.repeat > 0:
            head = read(first, keys.reads1, again=True, number=number)
            interleaved = keys.skips1 + number * (keys.skips2 + keys.reads2)
            head += interleaved if number and keys.interleave else skip
        else:
            head += keys.skips2
        head = read(head, keys.reads2, again=False, number=number)
        number += 1
    return place, reference, stripe

