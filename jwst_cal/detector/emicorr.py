"""EMI: electronics that beat in MIRI's readout leave stripes in the order of reading."""

import logging
import math
from datetime import UTC, datetime

import numpy as np

from jwst_cal import models, modes
from jwst_cal.detector import _emi
from jwst_cal.framework import Reference, SkipStep, Step, param
from jwst_cal.framework.references import open_reference

__all__ = ["EmiCorrStep"]

log = logging.getLogger(__name__)

READ_PATTERNS = ("FAST", "FASTR1", "SLOW", "SLOWR1")
#: Samples from row to row and of a frame, for frequencies given without a reference.
CLOCKS = {
    "SLITLESSPRISM": (28, 15904),
    "MASKLYOT": (90, 32400),
    "SUB64": (28, 8512),
    "SUB128": (44, 11904),
    "MASK1140": (82, 23968),
    "MASK1550": (82, 23968),
    "MASK1065": (82, 23968),
    "FULL_FAST": (271, 277504),
    "FULL_SLOW": (2333, 2388992),
    "BRIGHTSKY": (162, 86528),
    "SUB256": (96, 29952),
}
#: Groups below which the ramps leave too little for the sequential algorithm.
ENOUGH_GROUPS = 10


class EmiCorrStep(Step):
    """
    Subtract electromagnetic interference from MIRI ramps.

    Notes
    -----
    Differs from jwst 3.0.0: the best phase at the ends of the period, see
    `_emi.remove_by_joint_fit`. A reference wave of any length can be used with 'sequential' (there
    some lengths end in an error). A reference made on the fly can be given back as a reference
    (there FASTR1, SLOWR1 and full-frame exposures do not find themselves in it).
    """

    class_alias = "emicorr"
    takes_light = True
    references = {"emicorr": Reference("EmiModel", required=False)}
    takes = ("RampModel",)

    skip: bool = param(True, "Skip this step")
    algorithm: str = param(
        "joint", "Fit ramps and interference together or one after the other",
        choices=("sequential", "joint"),
    )
    nints_to_phase: int | None = param(None, "Integrations to average ('sequential')")
    nbins: int | None = param(None, "Bins of phase ('sequential')")
    scale_reference: bool = param(
        True, "Scale the reference wave to the measured one ('sequential')"
    )
    onthefly_corr_freq: list[float] | None = param(
        None, "Frequencies in Hz to correct without a reference"
    )
    use_n_cycles: int | None = param(
        3, "Periods to average, None for all integrations ('sequential')"
    )
    fit_ints_separately: bool = param(False, "Fit each integration on its own ('joint')")
    user_supplied_reffile: str | None = param(None, "Deprecated: use override_emicorr")
    save_intermediate_results: bool = param(
        False, "Save a reference that was made on the fly, as _emi_ref_waves.asdf"
    )

    def process(self, ramp, *, refs):
        """
        Subtract the wave of each frequency, one after the other, in place.

        Parameters
        ----------
        ramp : RampModel
            Raw counts, DN.
        refs : References
            ``emicorr``: waves, frequencies and readout times by subarray.

        Returns
        -------
        RampModel
            The same model.
        """
        exposure = ramp.meta.exposure
        readpatt, n_groups = (exposure.readpatt or "").upper(), ramp.data.shape[1]
        if not modes.is_miri(ramp):
            raise SkipStep("this interference is MIRI's")
        if readpatt not in READ_PATTERNS:
            raise SkipStep(f"READPATT={readpatt}; {', '.join(READ_PATTERNS)} can be corrected")
        if n_groups < 3:
            raise SkipStep(f"NGROUPS={n_groups}; at least 3 are needed")
        row, frame, waves = self._case(ramp, refs)
        clocks = _emi.Clocks(exposure.nsamples, row, frame, readpatt.endswith("R1"))
        measured = {}
        if self._algorithm(waves, n_groups) == "joint":
            for frequency, wave in waves.values():
                phases, amplitudes = _emi.remove_by_joint_fit(
                    ramp.data, ramp.pixeldq, wave, frequency=frequency, clocks=clocks,
                    fit_ints_separately=self.fit_ints_separately,
                )
                log.info("Removed %s Hz: amplitude %.3f, phase %.3f in the first integration",
                         frequency, amplitudes[0], phases[0])
        else:
            measured = self._remove_sequentially(ramp, waves, clocks)
        if self.save_intermediate_results and self.onthefly_corr_freq is not None:
            self._save(ramp, clocks, measured)
        return ramp

    def _algorithm(self, waves, n_groups):
        if self.algorithm == "joint" and self.onthefly_corr_freq is None:
            return "joint"
        if self.algorithm == "joint":
            log.warning("The joint algorithm needs a reference wave; 'sequential' is used")
        elif n_groups < ENOUGH_GROUPS:
            log.warning("NGROUPS=%d; below %d the joint algorithm is better", n_groups,
                        ENOUGH_GROUPS)
        return "sequential"

    def _case(self, ramp, refs):
        """Row and frame time, and {name: (frequency, wave)}, of this subarray and pattern."""
        name, speed = _subarray_case(ramp)
        if self.onthefly_corr_freq is not None:
            if name not in CLOCKS or not self.onthefly_corr_freq:
                raise SkipStep(f"no readout times are known for {name}, or no frequency is given")
            return *CLOCKS[name], {repr(f): (f, None) for f in self.onthefly_corr_freq}
        if self.user_supplied_reffile is not None:
            log.warning("user_supplied_reffile is deprecated; use override_emicorr")
            model_class = self.references["emicorr"].model_class
            with open_reference(self.user_supplied_reffile, model_class) as reference:
                return _from_reference(reference, name, speed, ramp.meta.instrument.detector)
        if refs.emicorr is None:
            raise SkipStep("no EMICORR reference file for this exposure (N/A)")
        return _from_reference(refs.emicorr, name, speed, ramp.meta.instrument.detector)

    def _remove_sequentially(self, ramp, waves, clocks):
        measured, n_phased = {}, self.nints_to_phase
        subarray = ramp.meta.subarray
        for name, (frequency, wave) in waves.items():
            if n_phased is None and self.use_n_cycles is not None:
                # The first frequency decides for all, as in the reference release.
                cycles = self.use_n_cycles * _emi.period_of(frequency)
                n_phased = math.ceil(cycles / (clocks.frame * ramp.data.shape[1]))
            found = _emi.remove_sequentially(
                ramp.data, frequency=frequency, clocks=clocks, reference=wave,
                n_ints_to_phase=n_phased, n_bins=self.nbins, scale_reference=self.scale_reference,
                right_reference=int(subarray.xsize / 4 + subarray.xstart - 1) == 258,
            )
            measured[name] = {"frequency": frequency, "phase_amplitudes": found}
            log.info("Removed %s Hz in %d bins of phase", frequency, len(found))
        return measured

    def _save(self, ramp, clocks, measured):
        name, speed = _subarray_case(ramp)
        names = list(measured)
        if speed == "SLOW":
            names = {ramp.meta.instrument.detector: names}
        saved = self.references["emicorr"].model_class()
        saved.frequencies = measured
        saved.subarray_cases = {
            name: {"rowclocks": clocks.row, "frameclocks": clocks.frame, "freqs": {speed: names}}
        }
        meta = saved.meta
        meta.reftype, meta.author, meta.pedigree = "emicorr", "jwst_cal", "GROUND"
        meta.description = "Interference measured in one exposure"
        meta.useafter = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        path = models.save(saved, self.make_output_path(suffix="emi_ref_waves", ext=".asdf"))
        log.info("Saved the measured waves in %s", path)
        saved.close()


def _subarray_case(ramp):
    """Name of the exposure in the reference, and the speed of its readout."""
    speed = "SLOW" if "SLOW" in ramp.meta.exposure.readpatt.upper() else "FAST"
    name = ramp.meta.subarray.name or "no SUBARRAY"
    return (f"{name}_{speed}" if "FULL" in name else name), speed


def _from_reference(reference, name, speed, detector):
    case = getattr(reference.subarray_cases, name, None)
    names = getattr(case.freqs, speed, None) if case is not None else None
    if names is not None and speed == "SLOW":
        names = getattr(names, detector, None)
    if not names:
        raise SkipStep(f"the EMICORR reference has no frequencies for {name}, {speed}, {detector}")
    waves = {}
    for each in names:
        found = getattr(reference.frequencies, each)
        waves[each] = (found.frequency, np.array(found.phase_amplitudes))
    return case.rowclocks, case.frameclocks, waves
