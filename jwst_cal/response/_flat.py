"""Which pixels of a flat can be divided by."""

from jwst_cal import flags
from jwst_cal.kernels import flat as kernel

__all__ = ["clean"]


def clean(flat, flat_dq):
    """
    Make a flat safe to divide by: 1 where it is not usable, which the flags tell.

    Parameters
    ----------
    flat : float32 [row, col]
        Relative response.
    flat_dq : uint32 [row, col]
        Its flags.

    Returns
    -------
    flat : float32 [row, col]
        1 where the flat is NaN, 0 or flagged DO_NOT_USE or NO_FLAT_FIELD.
    flat_dq : uint32 [row, col]
        With DO_NOT_USE and NO_FLAT_FIELD where the flat is NaN or 0, DO_NOT_USE where it had
        NO_FLAT_FIELD.
    n_bad : int
        Pixels that have one of these flags.
    """
    return kernel.clean(flat, flat_dq, unusable=flags.pixel["DO_NOT_USE"],
                        missing=flags.pixel["NO_FLAT_FIELD"])
