"""Dark current: the signal that a detector collects without light."""

import logging

import numpy as np

from jwst_cal import models
from jwst_cal.detector import _dark
from jwst_cal.errors import ReferenceFileError
from jwst_cal.framework import Reference, SkipStep, Step, param

__all__ = ["DarkCurrentStep"]

log = logging.getLogger(__name__)

MODELS = {"MIRI": "DarkMIRIModel", "NIRSPEC": "DarkNirspecModel"}


class DarkCurrentStep(Step):
    """
    Subtract the dark, regrouped as the exposure is, from every group.

    Notes
    -----
    Differs from jwst 3.0.0: a dark of averaged frames that is grouped otherwise than the exposure
    is not used (there its groups are taken for frames). A dark that is too short and has a
    single group is refused with a message. Darks are cut to the subarray of the exposure. In a
    MIRI segment of one integration after the first, with a dark to be regrouped, the dark's last
    integration is subtracted (there nothing is). The dark saved with `dark_output` has the groups
    of the exposure, also where the reference has more.
    """

    class_alias = "dark_current"
    cal_step = "dark_sub"
    takes_light = True
    references = {"dark": Reference("DarkModel", crop=True)}
    takes = ("RampModel",)

    dark_output: str | None = param(
        None, "File to save the dark in, as it was subtracted", path="output"
    )
    average_dark_current: float | None = param(
        None, "Average dark current, e-/s, instead of the reference's"
    )

    def process(self, ramp, *, refs):
        """
        Subtract the dark from the groups, in place; the zeroframe is left.

        Parameters
        ----------
        ramp : RampModel
            Linear counts, DN.
        refs : References
            ``dark``, DN; read only where it is needed.

        Returns
        -------
        RampModel
            The same model: the reference's flags in PIXELDQ, its average dark current, e-/s, for
            the noise of the fit.
        """
        name = (ramp.meta.instrument.name or "").upper()
        reference, frames, release = refs.mapped(
            "dark", MODELS.get(name, "DarkModel"))
        self._set_average_dark_current(ramp, reference)

        exposure = _pattern(ramp, ramp.data.shape[1], "the exposure")
        dark = _pattern(reference, frames.shape[-3], refs.path("dark") or "the dark")
        log.info("Exposure of %d groups of %d frames, gap %d; dark of %d groups of %d frames, gap "
                 "%d", *exposure, *dark)
        self._check(exposure, dark, refs.path("dark") or "the dark")
        subtracted = _dark.subtract(
            ramp.data, frames, exposure=exposure, dark=dark,
            first_integration=ramp.meta.exposure.integration_start or 1,
            averaged=self.dark_output is not None, release=release,
        )
        dq = reference.dq
        if dq.ndim == 4:
            dq = np.bitwise_or.reduce(dq[:, 0], axis=0)
        np.bitwise_or(ramp.pixeldq, dq, out=ramp.pixeldq)
        if subtracted is not None:
            self._save_dark(reference, subtracted if frames.ndim == 4 else subtracted[0], exposure)
        return ramp

    def _set_average_dark_current(self, ramp, reference):
        """Put the dark current, e-/s, where the fit looks for it: parameter, map, then keyword."""
        current, where = self.average_dark_current, "the parameter"
        per_pixel = None
        if current is None:
            if reference.hasattr("average_dark_current"):
                per_pixel = reference.average_dark_current
            current = reference.meta.exposure.average_dark_current or 0.0
            where = "the dark reference"
        if per_pixel is None or np.sum(per_pixel) == 0:
            ramp.average_dark_current = np.full(ramp.data.shape[2:], current, np.float32)
            log.info("Average dark current %s e-/s, from %s", current, where)
        elif per_pixel.shape == ramp.data.shape[2:]:
            ramp.average_dark_current = per_pixel
        else:
            log.warning("The map of the average dark current has shape %s, the exposure %s; it is "
                        "not used", per_pixel.shape, ramp.data.shape[2:])

    def _check(self, exposure, dark, source):
        if (dark.frames_per_group > exposure.frames_per_group
                or dark.group_gap > exposure.group_gap):
            raise SkipStep(
                f"the dark has NFRAMES={dark.frames_per_group} GROUPGAP={dark.group_gap}, more "
                f"than the exposure's {exposure.frames_per_group} and {exposure.group_gap}"
            )
        if dark[1:] not in ((1, 0), exposure[1:]):
            raise SkipStep(
                f"the dark has groups of NFRAMES={dark.frames_per_group} "
                f"GROUPGAP={dark.group_gap}, which cannot be regrouped to "
                f"{exposure.frames_per_group} and {exposure.group_gap}"
            )
        added = _dark.groups_to_add(exposure, dark)
        if not added:
            return
        if dark.n_groups < 2:
            raise ReferenceFileError(
                f"{source}: {dark.n_frames} frames where {exposure.n_frames} are needed, and too "
                "few to extrapolate: at least 2 groups"
            )
        log.warning("The dark has %d frames, the exposure needs %d: %d groups extrapolated from "
                    "its last two, with their noise", dark.n_frames, exposure.n_frames, added)

    def _save_dark(self, reference, data, exposure):
        flags, reference = reference.dq, models.full(reference)
        saved = type(reference)(data=data, dq=flags)
        saved.update(reference)
        recorded = saved.meta.exposure
        recorded.ngroups, recorded.nframes, recorded.groupgap = exposure
        path = models.save(saved, self.make_output_path(basepath=self.dark_output, suffix=False))
        log.info("Saved the dark in %s", path)
        saved.close()


def _pattern(model, n_groups, source):
    nframes, groupgap = model.meta.exposure.nframes, model.meta.exposure.groupgap
    if nframes is None or groupgap is None:
        raise ReferenceFileError(f"{source}: NFRAMES or GROUPGAP is missing")
    return _dark.ReadPattern(n_groups, nframes, groupgap)
