"""Jump: the groups in which a cosmic ray hit a pixel."""

import logging

import numpy as np

from jwst_cal import flags
from jwst_cal.detector import _large_events, _two_point
from jwst_cal.detector._usable import note_unusable
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import Reference, SkipStep, Step, param
from jwst_cal.kernels.threads import cores_to_threads

log = logging.getLogger(__name__)

GROUP_BITS = {
    "jump": flags.group["JUMP_DET"],
    "saturated": flags.group["SATURATED"],
    "do_not_use": flags.group["DO_NOT_USE"],
}
NO_GAIN = flags.pixel["NO_GAIN_VALUE"] | flags.pixel["DO_NOT_USE"]


class JumpStep(Step):
    """Flag the groups in which the signal of a pixel jumped, by two-point differences."""

    class_alias = "jump"
    takes_light = True
    takes = ("RampModel",)
    references = {
        "gain": Reference("GainModel", crop=True),
        "readnoise": Reference("ReadnoiseModel", crop=True),
    }

    #: Taken for the sake of old parameter files.
    accepted = ("use_ellipses",)

    # Two-point differences
    rejection_threshold: float = param(4.0, "Threshold, in sigma", ge=0)
    three_group_rejection_threshold: float = param(
        6.0, "Threshold for three usable groups, in sigma", ge=0)
    four_group_rejection_threshold: float = param(
        5.0, "Threshold for four usable groups, in sigma", ge=0)
    maximum_cores: str = param("1", "Threads: 'none', 'quarter', 'half', 'all' or a number; "
                                    "'none' and '1' let the package decide")
    flag_4_neighbors: bool = param(True, "Flag the four pixels beside a jump")
    max_jump_to_flag_neighbors: float = param(
        1000.0, "Jumps above this do not flag their neighbours, in sigma")
    min_jump_to_flag_neighbors: float = param(
        10.0, "Jumps below this do not flag their neighbours, in sigma")
    after_jump_flag_dn1: float = param(0.0, "Jumps of this size flag the groups after them, in DN")
    after_jump_flag_time1: float = param(0.0, "For this long, in seconds")
    after_jump_flag_dn2: float = param(0.0, "The same, a second time: size, in DN")
    after_jump_flag_time2: float = param(0.0, "The same, a second time: seconds")
    # Snowballs
    expand_large_events: bool = param(False, "Find snowballs and expand their flags")
    min_sat_area: float = param(1.0, "Least area of the saturated core of a snowball, in pixels")
    min_jump_area: float = param(5.0, "Least area of a snowball, in pixels")
    expand_factor: float = param(2.0, "Factor by which a snowball is expanded")
    use_ellipses: bool = param(False, "Without effect; kept for old parameter files")
    sat_required_snowball: bool = param(True, "A snowball needs a saturated core")
    min_sat_radius_extend: float = param(
        2.5, "Least diameter of a saturated core that is expanded, in pixels")
    sat_expand: int = param(2, "Pixels added to the radius of a saturated core")
    edge_size: int = param(
        25, "Distance from the edge within which no saturated core is needed, in pixels")
    mask_snowball_core_next_int: bool = param(
        True, "Flag the cores of snowballs in the next integration, too")
    snowball_time_masked_next_int: int = param(
        4000, "For this long, in seconds")
    # Showers
    find_showers: bool = param(False, "Find the showers of MIRI and flag them")
    max_shower_amplitude: float = param(
        4.0, "Largest change of a pixel's rate by which a shower may be flagged, in DN/s")
    extend_snr_threshold: float = param(
        1.2, "Least signal-to-noise ratio of a shower, averaged over a ring")
    extend_min_area: int = param(90, "Least area of a shower, in pixels")
    extend_inner_radius: float = param(1.0, "Inner radius of the smoothing ring, in pixels")
    extend_outer_radius: float = param(
        2.6, "Width of the smoothing ring (not its outer radius), in pixels")
    extend_ellipse_expand_ratio: float = param(1.1, "Factor by which a shower is expanded")
    time_masked_after_shower: float = param(
        15.0, "Time after a shower in which its pixels are flagged, in seconds")
    # Which rule finds the outliers
    min_diffs_single_pass: int = param(
        10, "Differences of an integration from which outliers are flagged in one pass")
    max_extended_radius: int = param(200, "Largest radius of an expanded event, in pixels")
    minimum_groups: int = param(3, "Usable groups below which no jumps are looked for")
    minimum_sigclip_groups: int = param(
        100, "Integrations (or groups) from which sigma clipping is used")
    only_use_ints: bool = param(
        True, "Sigma clipping compares a group over the integrations, not all groups")

    def process(self, ramp, *, refs):
        """
        Flag the jumps of a ramp.

        Parameters
        ----------
        ramp : RampModel
            Linearised and dark-subtracted.
        refs : References
            gain, readnoise.

        Returns
        -------
        RampModel
            The same, with JUMP_DET in groupdq, and in pixeldq NO_GAIN_VALUE and DO_NOT_USE where
            the gain is not positive.

        Raises
        ------
        InputError
            If NFRAMES or TGROUP are missing.
        ReferenceFileError
            If a reference has another shape than the exposure.

        Notes
        -----
        Source: Anderson and Gordon 2011, PASP 123, 1237; Regan 2023 (STScI), on showers and
        snowballs in JWST.
        Differs from jwst 3.0.0: `minimum_groups` is honoured on one core, too; PRIMECRS is left
        out, not negative, when there are too few groups; `max_shower_amplitude` is honoured, in
        DN/s; the right edge of a subarray is where its columns end. Results do not depend on
        `maximum_cores`.
        """
        if ramp.data.shape[1] <= 2:
            raise SkipStep(f"NGROUPS is {ramp.data.shape[1]} and jumps need at least 3")
        n_frames = _keyword(ramp, "nframes", "NFRAMES")
        group_time = _keyword(ramp, "group_time", "TGROUP")
        gain, read_noise = refs.gain.data, refs.readnoise.data
        _check_shape(gain, refs.path("gain") or "the open GainModel", ramp)
        _check_shape(read_noise, refs.path("readnoise") or "the open ReadnoiseModel", ramp)
        note_unusable(gain, read_noise)
        with np.errstate(invalid="ignore"):
            ramp.pixeldq[~(gain > 0)] |= NO_GAIN
        n_threads = cores_to_threads(self.maximum_cores)
        observed = _two_point.observed(ramp.groupdq, group_time=group_time,
                                       do_not_use=GROUP_BITS["do_not_use"])
        found = _two_point.flag(
            ramp.data,
            ramp.groupdq,
            gain=gain,
            read_noise=read_noise,
            n_frames=n_frames,
            group_time=group_time,
            n_threads=n_threads,
            **GROUP_BITS,
            **self.options_for(_two_point.flag),
        )
        if found is None:
            log.warning("Too few usable groups: no jumps were looked for")
        else:
            log.info("Found %d jumps above %g sigma", found, self.rejection_threshold)
        n_events = 0
        if self.expand_large_events:
            n_events = _large_events.flag_snowballs(
                ramp.groupdq,
                group_time=group_time,
                jump=GROUP_BITS["jump"],
                saturated=GROUP_BITS["saturated"],
                n_threads=n_threads,
                **self.options_for(_large_events.flag_snowballs),
            )
            log.info("Found %d snowballs", n_events)
        if self.find_showers:
            n_events = _large_events.flag_showers(
                ramp.data,
                ramp.groupdq,
                ramp.pixeldq,
                gain=gain,
                read_noise=read_noise,
                n_frames=n_frames,
                group_time=group_time,
                largest_change=self.max_shower_amplitude * group_time * gain,
                reference_pixel=flags.pixel["REFERENCE_PIXEL"],
                n_threads=n_threads,
                **GROUP_BITS,
                **self.options_for(_large_events.flag_showers),
            )
            log.info("Found %d showers", n_events)
        if observed > 0:
            ramp.meta.exposure.extended_emission_events = 1e6 * n_events / observed
            if found is not None:
                ramp.meta.exposure.primary_cosmic_rays = 1e3 * found / observed
        return ramp


def _keyword(ramp, name, keyword):
    value = getattr(ramp.meta.exposure, name)
    if value is None or not value > 0:
        raise InputError(f"{ramp.meta.filename or 'the exposure'}: {keyword} is "
                         f"{'missing' if value is None else value}; the jump step needs it")
    return value


def _check_shape(plane, source, ramp):
    shape = ramp.data.shape[2:]
    if plane.shape != shape:
        raise ReferenceFileError(f"{source}: shape {plane.shape} where the exposure has {shape}")
