"""NIRSpec's IRS2 readout: where the image lies among the interleaved reference pixels."""

import numpy as np

from jwst_cal.errors import InputError

__all__ = ["rows_of", "science_rows"]

_AMPLIFIERS, _COLUMNS = 4, 512


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
