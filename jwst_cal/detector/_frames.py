"""What the steps for MIRI's first and last frames share."""

from jwst_cal import modes
from jwst_cal.framework import SkipStep

__all__ = ["require_ramp"]


def require_ramp(ramp, effect, *, more_than):
    """
    Skip the step unless the exposure is MIRI's and long enough to do without a group.

    Parameters
    ----------
    ramp : RampModel
        The exposure.
    effect : str
        What the step is for.
    more_than : int
        Groups that are too few.

    Raises
    ------
    SkipStep
        With the reason.
    """
    if not modes.is_miri(ramp):
        raise SkipStep(f"the {effect} effect is MIRI's")
    n_groups = ramp.data.shape[1]
    if n_groups <= more_than:
        raise SkipStep(f"NGROUPS={n_groups}; more than {more_than} are needed")
