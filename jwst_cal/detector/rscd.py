"""RSCD: MIRI's reset switch charge decay bends the first groups of an integration."""

import logging

import numpy as np

from jwst_cal import flags, modes
from jwst_cal.detector import _rscd
from jwst_cal.framework import Reference, SkipStep, Step

__all__ = ["RscdStep"]

log = logging.getLogger(__name__)


class RscdStep(Step):
    """
    Flag the first groups of MIRI integrations as not to be used.

    Notes
    -----
    Differs from jwst 3.0.0: only in a count in the header, see `_rscd.flag_first_groups`.
    """

    class_alias = "rscd"
    takes_light = True
    references = {"rscd": Reference("RSCDModel")}
    takes = ("RampModel",)

    def process(self, ramp, *, refs):
        """
        Flag the groups that the reference table names, in place.

        Parameters
        ----------
        ramp : RampModel
            The exposure.
        refs : References
            ``rscd``: groups to skip by subarray and read pattern.

        Returns
        -------
        RampModel
            The same model: DO_NOT_USE in GROUPDQ; FLUX_ESTIMATED in PIXELDQ where fewer groups
            were flagged because the pixel saturates early.
        """
        if not modes.is_miri(ramp):
            raise SkipStep("reset switch charge decay is MIRI's")
        first, later = _from_table(refs.rscd.rscd_group_skip_table, ramp.meta)
        n_groups = ramp.data.shape[1]
        if n_groups < _rscd.LEFT:
            raise SkipStep(f"NGROUPS={n_groups}; at least {_rscd.LEFT} are needed")
        # A segment may begin with a later integration of the exposure.
        has_first = (ramp.meta.exposure.integration_start or 1) == 1
        if has_first:
            self._flag(ramp, slice(0, 1), first, "int1")
        if (ramp.meta.exposure.nints or len(ramp.data)) > 1:
            self._flag(ramp, slice(int(has_first), None), later, "int2p")
        return ramp

    def _flag(self, ramp, integrations, wanted, name):
        n_skip = _rscd.groups_to_skip(wanted, ramp.data.shape[1])
        done = _rscd.flag_first_groups(
            ramp.groupdq[integrations], ramp.pixeldq, n_skip=n_skip,
            saturated=flags.group["SATURATED"], do_not_use=flags.group["DO_NOT_USE"],
            estimated=flags.pixel["FLUX_ESTIMATED"],
        )
        recorded = ramp.meta.rscd
        setattr(recorded, f"ngroups_skip_{name}", n_skip)
        setattr(recorded, f"keep_groups_saturation_{name}", done.n_lowered)
        setattr(recorded, f"keep_bright_firstgroup_{name}", done.n_single)
        log.info("Flagged the first %d groups of integration %s (%d in the table); fewer in %d "
                 "pixels that saturate early", n_skip, "1" if name == "int1" else "2 and later",
                 wanted, done.n_lowered)


def _from_table(table, meta):
    """Groups to skip in the first and in later integrations, for the subarray and pattern."""
    # The slitless prism had another name in early data.
    subarray, readpatt = meta.subarray.name, meta.exposure.readpatt
    subarray = {"SUBPRISM": "SLITLESSPRISM"}.get((subarray or "").upper(), subarray)
    subarrays, patterns = (np.char.strip(np.asarray(table[name]).astype(str))
                           for name in ("subarray", "readpatt"))
    for row, *names in zip(table, subarrays, patterns, strict=True):
        if names == [subarray, readpatt]:
            first = int(row["group_skip1"])
            if first < 0:
                log.warning("The RSCD reference has no value for the first integration; it "
                            "loses 1 group")
            return (1 if first < 0 else first), int(row["group_skip"])
    raise SkipStep(f"the RSCD reference has no row for {subarray} with {readpatt}")
