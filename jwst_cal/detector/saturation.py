"""Saturation: the groups in which a pixel has reached its full well."""

import logging

from jwst_cal import flags, modes
from jwst_cal.detector import _irs2, _saturation, _superstripe
from jwst_cal.errors import InputError
from jwst_cal.framework import Reference, Step, param

__all__ = ["SaturationStep"]

log = logging.getLogger(__name__)


class SaturationStep(Step):
    """
    Flag the groups that exceed a pixel's saturation limit or the converter's range.

    Notes
    -----
    Differs from jwst 3.0.0: a single superstripe is not an error.
    """

    class_alias = "saturation"
    takes_light = True
    references = {
        "saturation": Reference("SaturationModel", crop=True),
        "superbias": Reference("SuperBiasModel", crop=True, required=False),
    }
    takes = ("RampModel", "SuperstripeRampModel")

    n_pix_grow_sat: int = param(1, "Rings of neighbours flagged around a saturated pixel")
    use_readpatt: bool = param(True, "Find groups that saturate between two reads of a group")

    def process(self, ramp, *, refs):
        """
        Set SATURATED, AD_FLOOR and DO_NOT_USE in GROUPDQ, in place.

        Parameters
        ----------
        ramp : RampModel or SuperstripeRampModel
            Raw counts, DN.
        refs : References
            ``saturation``: the limit, DN; ``superbias``, DN, used for averaged groups.

        Returns
        -------
        RampModel or SuperstripeRampModel
            The same model. Values of the zeroframe that are saturated or at the floor are 0.

        Raises
        ------
        InputError
            If NFRAMES is missing, or the rows are not those of the IRS2 readout.
        """
        limit, exposure = refs.saturation, ramp.meta.exposure
        reads = self._reads_per_group(ramp)
        rows = _irs2.rows_of(ramp) if modes.is_irs2(ramp) else None
        refs.path("superbias")  # recorded in the product, used or not
        bias = None
        if reads is not None and reads > 1 and ramp.data.shape[1] > 2:
            bias = None if refs.superbias is None else refs.superbias.data
            if bias is not None and rows is not None:
                bias = bias[rows]
        found = [_saturation.flag(
            ramp.data[ints], ramp.groupdq[ints], ramp.pixeldq[stripe],
            limit=limit.data[stripe], limit_dq=limit.dq[stripe],
            no_check=flags.pixel["NO_SAT_CHECK"], saturated=flags.group["SATURATED"],
            do_not_use=flags.group["DO_NOT_USE"],
            low=flags.group["AD_FLOOR"] | flags.group["DO_NOT_USE"],
            frames_per_group=reads, superbias=None if bias is None else bias[stripe], rows=rows,
            zeroframe=ramp.zeroframe[ints] if exposure.zero_frame else None,
            **self.options_for(_saturation.flag),
        ) for ints, stripe in _superstripe.parts(ramp)]
        log.info("Flagged %d ramps as saturated and %d at the floor of the converter",
                 sum(part.saturated for part in found), sum(part.low for part in found))
        return ramp

    def _reads_per_group(self, ramp):
        if not self.use_readpatt:
            return None
        reads = ramp.meta.exposure.nframes
        if reads is None or reads < 1:
            raise InputError(
                f"{ramp.meta.filename}: NFRAMES={reads}, at least 1 is needed; "
                "use_readpatt=False does without"
            )
        log.info("Groups are taken as means of %d reads", reads)
        return reads
