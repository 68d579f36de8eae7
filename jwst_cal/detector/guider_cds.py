"""Guider CDS: count rates of guide-star exposures."""

import logging

import numpy as np

from jwst_cal.detector import _guider
from jwst_cal.detector._usable import note_unusable
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import Reference, Step
from jwst_cal.framework.references import crop_to

__all__ = ["GuiderCdsStep"]

log = logging.getLogger(__name__)

TABLES = ("planned_star_table", "flight_star_table", "pointing_table", "centroid_table",
          "track_sub_table")


class GuiderCdsStep(Step):
    """
    Compute the count rates of a guide-star exposure from differences of groups.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "guider_cds"
    references = {"gain": Reference("GainModel"), "readnoise": Reference("ReadnoiseModel")}
    takes = ("GuiderRawModel",)

    def process(self, exposure, *, refs):
        """
        Make the count rates.

        Parameters
        ----------
        exposure : GuiderRawModel
            Counts, DN.
        refs : References
            ``gain``, e-/DN; ``readnoise``, DN.

        Returns
        -------
        GuiderCalModel
            Rates and errors, DN/s, with the flags and tables of the exposure.

        Raises
        ------
        InputError
            If EXP_TYPE or TGROUP is missing, or there are too few groups or integrations.
        ReferenceFileError
            If a reference does not cover the exposure.
        """
        from stdatamodels.jwst.datamodels import GuiderCalModel

        mode, time = exposure.meta.exposure.type, exposure.meta.exposure.group_time
        if mode is None or time is None:
            missing = "EXP_TYPE" if mode is None else "TGROUP"
            raise InputError(f"{exposure.meta.filename}: {missing} is missing")
        gain = _fitting(exposure, refs.gain, refs.path("gain"))
        read_noise = _fitting(exposure, refs.readnoise, refs.path("readnoise"))
        note_unusable(gain, read_noise)
        kind = "fine" if mode == "FGS_FINEGUIDE" else "cds"
        kind = "minimum" if mode.startswith("FGS_ID") else kind
        try:
            found = _guider.count_rate(
                exposure.data, group_time=time, kind=kind, gain=gain, read_noise=read_noise)
        except ValueError as error:
            raise InputError(f"{exposure.meta.filename}: {error}, for {mode}") from error
        result = GuiderCalModel(data=found.rate)
        result.err, result.dq = found.err, exposure.dq
        for name in TABLES:
            if exposure.hasattr(name):
                setattr(result, name, getattr(exposure, name))
        result.update(exposure)
        result.meta.bunit_data = "DN/s"
        log.info("Made %d rate images of %s", len(found.rate), mode)
        return result


def _fitting(exposure, reference, path):
    """The reference's values for the exposure's pixels; for a stack their mean."""
    shape = exposure.data.shape[-2:]
    try:
        values = crop_to(exposure, reference, path or "the open reference").data
    except ReferenceFileError:
        if "STACK" not in exposure.meta.exposure.type:
            raise
        log.info("The mean of %s was used: it does not cover a stack", path)
        return np.full(shape, np.mean(reference.data), np.float32)
    return np.asarray(values, np.float32)
