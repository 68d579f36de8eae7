"""NIRSpec's IRS2 readout: where the image lies among the interleaved reference pixels.

Along the fast axis come the reference output and four others; every other output is read backwards.
In each of the four, stretches of the image alternate with turns to reference pixels, which are read
twice each.
"""

import logging
import math

import numpy as np

from jwst_cal.errors import InputError

__all__ = ["OUTPUTS", "PIXELS", "REFERENCE", "TURN", "Layout", "keep_rows", "layout_of", "rows_of",
           "science_rows"]

log = logging.getLogger(__name__)

_AMPLIFIERS, _COLUMNS = 4, 512
#: Outputs, the reference output included; pixels of a line of each.
OUTPUTS, PIXELS = 5, 640
#: Pixels from one turn to the reference pixels to the next, and those of a turn.
TURN, REFERENCE = 20, 4
_NORMAL, _LINES = TURN - REFERENCE, 2048


class Layout:
    """
    Where the pixels of the usual readout lie in the array, and in time.

    Rows of the array are places along the fast axis, columns are the lines of the readout.

    Parameters
    ----------
    backwards : bool
        Rows and columns run against the axes of the detector, as those of NRS2.

    Attributes
    ----------
    rows : int32 [output, pixel]
        Rows of the array in order of time; output 0 is the reference output.
    slots : int32 [pixel]
        Time of a row's pixels within a line, in samples: before and after each turn to the
        reference pixels there is a gap of one.
    is_reference : bool [pixel]
        Interleaved reference pixels; in the reference output, samples read at the same time.
    """

    n_rows = OUTPUTS * PIXELS

    def __init__(self, backwards=False):
        self.backwards = backwards
        pixel = np.arange(PIXELS)
        rows = PIXELS * np.arange(OUTPUTS)[:, np.newaxis] + pixel
        rows[::2] = rows[::2, ::-1]
        self.rows = (self.n_rows - 1 - rows if backwards else rows).astype(np.int32)
        turns, within = np.divmod(pixel + _NORMAL // 2, TURN)
        self.is_reference = within >= _NORMAL
        self.slots = (pixel + 2 * turns + self.is_reference).astype(np.int32)

    @property
    def reference_rows(self):
        """Whether each row of the array holds reference pixels: bool [row]."""
        found = np.zeros(self.n_rows, bool)
        found[self.rows[0]] = True
        found[self.rows[1:, self.is_reference]] = True
        return found

    @property
    def image_rows(self):
        """Rows of the array that hold the image, ascending: int [row]."""
        return np.flatnonzero(~self.reference_rows)

    @property
    def by_column(self):
        """Output, and whether a pixel is one of a turn, for each column of the detector."""
        # A line is the same read from either end.
        return np.repeat(np.arange(OUTPUTS), PIXELS), np.tile(self.is_reference, OUTPUTS)


def layout_of(ramp):
    """
    Find the layout of an IRS2 exposure.

    Parameters
    ----------
    ramp : RampModel
        An exposure of the IRS2 readout.

    Returns
    -------
    Layout
        Its layout.

    Raises
    ------
    InputError
        If detector, shape, NRS_NORM or NRS_REF are not those of the usual readout, the only one
        that there are reference files for.
    """
    name, detector = ramp.meta.filename, ramp.meta.instrument.detector
    if detector not in ("NRS1", "NRS2"):
        raise InputError(f"{name}: DETECTOR={detector} where NRS1 or NRS2 is needed")
    pattern = []
    for keyword, value, usual in (("NRS_NORM", ramp.meta.exposure.nrs_normal, _NORMAL),
                                  ("NRS_REF", ramp.meta.exposure.nrs_reference, REFERENCE)):
        if value is None:
            log.warning("%s is missing; %d was taken", keyword, usual)
        pattern.append(usual if value is None else value)
    if pattern != [_NORMAL, REFERENCE] or ramp.data.shape[2:] != (Layout.n_rows, _LINES):
        raise InputError(f"{name}: shape {ramp.data.shape[2:]} NRS_NORM={pattern[0]} NRS_REF="
                         f"{pattern[1]} where {(Layout.n_rows, _LINES)}, {_NORMAL} and {REFERENCE} "
                         "are needed")
    return Layout(backwards=detector == "NRS2")


def keep_rows(array, rows):
    """
    Leave out the other rows of an array, in place.

    Parameters
    ----------
    array : array [..., row, col]
        In C order; used up.
    rows : int [kept row]
        Ascending.

    Returns
    -------
    array [..., kept row, col]
        In the memory of `array`.
    """
    *outer, n_rows, n_cols = array.shape
    planes = array.reshape(-1, n_rows, n_cols)
    shape = len(planes), len(rows), n_cols
    kept = array.reshape(-1)[: math.prod(shape)].reshape(shape)
    for plane, result in zip(planes, kept, strict=True):
        result[...] = plane[rows]
    return kept.reshape(*outer, len(rows), n_cols)


def science_rows(n_rows, *, normal, reference, reverse):
    """
    List the rows of an IRS2 array that hold the image.

    Along the slow axis come the reference output, then four amplifiers, in each of which
    `reference` interleaved pixels follow after `normal` pixels, the first after half as many.

    Parameters
    ----------
    n_rows : int
        Rows of the array, 3200 for the usual readout.
    normal, reference : int
        Pixels of the image between two visits to the reference pixels, and pixels read there
        (NRS_NORM, NRS_REF).
    reverse : bool
        The order of rows is that of NRS2, from the last to the first.

    Returns
    -------
    int32 [row]
        Rows of the array, ascending.

    Raises
    ------
    ValueError
        If the numbers do not divide an amplifier evenly.
    """
    if normal < 2 or reference < 0 or _COLUMNS % normal or normal % 2:
        raise ValueError(f"NRS_NORM={normal} NRS_REF={reference}: 512 is not divided evenly")
    output = _COLUMNS + _COLUMNS // normal * reference
    if n_rows != (_AMPLIFIERS + 1) * output:
        raise ValueError(f"{n_rows} rows where NRS_NORM={normal} NRS_REF={reference} make "
                         f"{(_AMPLIFIERS + 1) * output}")
    at = (np.arange(output, n_rows) - output - normal // 2) % (normal + reference)
    interleaved = (at < reference) & (np.arange(output, n_rows) >= output + normal // 2)
    rows = np.flatnonzero(~interleaved) + output
    if reverse:
        rows = n_rows - 1 - rows[::-1]
    return rows.astype(np.int32)


def rows_of(ramp):
    """
    List the rows of an IRS2 exposure that hold the image, after its keywords.

    Parameters
    ----------
    ramp : RampModel
        An exposure of the IRS2 readout.

    Returns
    -------
    int32 [row]
        Rows of the array, ascending.

    Raises
    ------
    InputError
        If the array has not the rows that NRS_NORM and NRS_REF make.
    """
    exposure = ramp.meta.exposure
    try:
        return science_rows(
            ramp.data.shape[2], normal=exposure.nrs_normal or 16,
            reference=exposure.nrs_reference or 4,
            reverse=ramp.meta.instrument.detector == "NRS2",
        )
    except ValueError as error:
        raise InputError(f"{ramp.meta.filename}: no IRS2 exposure: {error}") from error
