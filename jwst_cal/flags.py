"""Data-quality bits by name. The table is the data model's own; a test compares them."""

import numpy as np

__all__ = ["group", "pixel", "unwanted"]

_PIXEL_BITS = {
    "DO_NOT_USE": 0,
    "SATURATED": 1,
    "JUMP_DET": 2,
    "DROPOUT": 3,
    "OUTLIER": 4,
    "PERSISTENCE": 5,
    "AD_FLOOR": 6,
    "CHARGELOSS": 7,
    "RESERVED": 8,
    "NON_SCIENCE": 9,
    "DEAD": 10,
    "HOT": 11,
    "WARM": 12,
    "LOW_QE": 13,
    "RC": 14,
    "TELEGRAPH": 15,
    "NONLINEAR": 16,
    "BAD_REF_PIXEL": 17,
    "NO_FLAT_FIELD": 18,
    "NO_GAIN_VALUE": 19,
    "NO_LIN_CORR": 20,
    "NO_SAT_CHECK": 21,
    "UNRELIABLE_BIAS": 22,
    "UNRELIABLE_DARK": 23,
    "UNRELIABLE_SLOPE": 24,
    "UNRELIABLE_FLAT": 25,
    "OPEN": 26,
    "ADJ_OPEN": 27,
    "FLUX_ESTIMATED": 28,
    "MSA_FAILED_OPEN": 29,
    "OTHER_BAD_PIXEL": 30,
    "REFERENCE_PIXEL": 31,
}
_GROUP_NAMES = ("DO_NOT_USE", "SATURATED", "JUMP_DET", "DROPOUT", "PERSISTENCE", "AD_FLOOR",
                "CHARGELOSS")

#: Bits of PIXELDQ and DQ (uint32); GOOD is none of them.
pixel = {"GOOD": np.uint32(0)} | {
    name: np.uint32(1 << bit) for name, bit in _PIXEL_BITS.items()
}
#: Bits of GROUPDQ (uint8).
group = {"GOOD": np.uint8(0)} | {name: np.uint8(pixel[name]) for name in _GROUP_NAMES}


def unwanted(wanted):
    """
    Read the historical notation of flags that are no reason against a pixel.

    Parameters
    ----------
    wanted : str, int or None
        Names or numbers joined by ``+``, ``,`` or ``|``; a leading ``~`` stands for all others;
        None: all.

    Returns
    -------
    uint32
        The bits that are a reason against a pixel.

    Raises
    ------
    ValueError
        If there is no such flag.
    """
    from astropy.nddata.bitmask import interpret_bit_flags

    names = {name: int(bit) for name, bit in pixel.items() if bit}
    try:
        good = interpret_bit_flags(wanted, flag_name_map=names)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"'{wanted}' where names of flags or their numbers, joined by +, are "
                         "needed") from error
    return np.uint32(0 if good is None else ~good & 0xFFFFFFFF)
