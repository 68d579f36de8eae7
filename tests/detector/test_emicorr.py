"""EMI: an injected wave is found and removed; exposures left alone; waves made on the fly."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst.datamodels import EmiModel, RampModel

from jwst_cal.detector import _emi
from jwst_cal.detector.emicorr import CLOCKS, EmiCorrStep
from jwst_cal.errors import ReferenceFileError

FREQUENCY, AMPLITUDE = 390.625, 6.0
CENTRES = (np.arange(100) + 0.5) / 100
WAVE = np.sin(2 * np.pi * CENTRES) + 0.3 * np.sin(4 * np.pi * CENTRES)


def value(phase):
    return np.sin(2 * np.pi * phase) + 0.3 * np.sin(4 * np.pi * phase)


def injected(n_ints, n_groups, start=0.37):
    """The wave in a SUB64 exposure, [integration, group, row, col]."""
    row, frame = CLOCKS["SUB64"]
    times = (np.arange(64)[:, None] * row + np.arange(18)).repeat(4, axis=1).astype(float)
    length = 64 * row + (1024 - 64) * 7
    group = np.arange(n_groups)[:, None, None] * length
    integration = np.arange(n_ints)[:, None, None, None] * (n_groups * length + frame)
    return AMPLITUDE * value((times + group + integration) * FREQUENCY * 1e-5 + start)


def exposure(n_ints=2, n_groups=12, noise=True):
    rng = np.random.default_rng(4)
    rate = rng.uniform(5, 30, (64, 72))
    clean = 8000 + rate * np.arange(n_groups)[:, None, None] + np.zeros((n_ints, 1, 64, 72))
    wave = injected(n_ints, n_groups)
    data = clean + wave + (rng.normal(0, 2, clean.shape) if noise else 0)
    ramp = RampModel(data=data.astype(np.float32))
    ramp.groupdq, ramp.pixeldq = np.zeros(data.shape, np.uint8), np.zeros((64, 72), np.uint32)
    meta = ramp.meta
    meta.instrument.name, meta.instrument.detector = "MIRI", "MIRIMAGE"
    meta.subarray.name, meta.exposure.readpatt, meta.exposure.nsamples = "SUB64", "FASTR1", 1
    meta.subarray.xstart, meta.subarray.ystart = 1, 779
    meta.subarray.xsize, meta.subarray.ysize = 72, 64
    meta.filename = "jw00001001001_02101_00001_mirimage_uncal.fits"
    return ramp, wave


def reference(subarray="SUB64", frequency=FREQUENCY, wave=WAVE):
    model = EmiModel()
    model.frequencies = {"Hz390": {"frequency": frequency, "phase_amplitudes": wave}}
    row, frame = CLOCKS["SUB64"]
    model.subarray_cases = {subarray: {
        "rowclocks": row, "frameclocks": frame,
        "freqs": {"FAST": ["Hz390"], "SLOW": {"MIRIMAGE": ["Hz390"]}},
    }}
    return model


def left(ramp, result, wave):
    """Scatter of what is left of the wave, and of the wave itself."""
    return np.std(wave - (ramp.data - result.data)), np.std(wave)


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("n_groups", [4, 12])
def test_joint_fit_removes_the_wave(separate, n_groups):
    ramp, wave = exposure(n_groups=n_groups)
    step = EmiCorrStep(override_emicorr=reference(), fit_ints_separately=separate)
    result = step.run(ramp)
    rest, all_of_it = left(ramp, result, wave)
    assert rest < 0.03 * all_of_it
    assert result.meta.cal_step.emicorr == "COMPLETE"


@pytest.mark.parametrize("options", [
    {}, {"use_n_cycles": None}, {"nints_to_phase": 1}, {"nbins": 60},
    {"scale_reference": True, "use_n_cycles": 10000},
], ids=str)
@pytest.mark.parametrize("onthefly", [False, True])
def test_sequential_fit_removes_the_wave(options, onthefly):
    ramp, wave = exposure()
    if onthefly:
        options = options | {"onthefly_corr_freq": [FREQUENCY]}
    result = EmiCorrStep(override_emicorr=reference(), algorithm="sequential", **options).run(ramp)
    rest, all_of_it = left(ramp, result, wave)
    assert rest < 0.2 * all_of_it


def test_amplitude_of_the_reference_is_kept_on_request():
    ramp, _ = exposure()
    result = EmiCorrStep(override_emicorr=reference(), algorithm="sequential",
                         scale_reference=False).run(ramp)
    assert_allclose(np.ptp(ramp.data - result.data), np.ptp(WAVE), rtol=1e-2)


def test_flagged_pixels_do_not_take_part_in_the_joint_fit():
    ramp, wave = exposure()
    ramp.pixeldq[10:20] = 1
    ramp.data[:, :, 10:20] += 500 * np.sin(np.arange(12))[:, None, None]
    result = EmiCorrStep(override_emicorr=reference()).run(ramp)
    rest, all_of_it = left(ramp, result, wave)
    assert rest < 0.03 * all_of_it


def test_lowest_chi_squared_across_the_end_of_the_period():
    """There jwst 3.0.0 fits a parabola through phases 0.998, 0 and 0.002 as they stand."""
    phases = np.arange(500) / 500
    for truth in (0.0004, 0.9996, 0.2507):
        away = (phases - truth + 0.5) % 1 - 0.5
        found = _emi.lowest(phases, 7 + 1e3 * away**2)
        assert abs((found - truth + 0.5) % 1 - 0.5) < 1e-9
    chi2 = 7 + 1e3 * ((phases - 0.0004 + 0.5) % 1 - 0.5) ** 2
    a, b, _ = np.polyfit([0.998, 0, 0.002], chi2[[-1, 0, 1]], 2)
    assert abs(-b / (2 * a) - 0.0004) > 0.1


def test_no_chi_squared_at_all():
    phases = np.arange(500) / 500
    assert _emi.lowest(phases, np.full(500, np.nan)) == 0
    assert _emi.lowest(phases, np.ones(500)) == 0


def test_a_flat_exposure_is_left_alone():
    ramp, _ = exposure()
    ramp.data[:] = 100
    result = EmiCorrStep(override_emicorr=reference()).run(ramp)
    assert_array_equal(result.data, ramp.data)


def test_reference_made_on_the_fly_is_saved_and_can_be_given_back(tmp_path):
    ramp, wave = exposure()
    options = {"algorithm": "sequential", "output_dir": str(tmp_path)}
    EmiCorrStep(onthefly_corr_freq=[FREQUENCY], save_intermediate_results=True, **options).run(ramp)
    path = tmp_path / "jw00001001001_02101_00001_mirimage_emi_ref_waves.asdf"
    with EmiModel(path) as saved:
        assert getattr(saved.frequencies, repr(FREQUENCY)).frequency == FREQUENCY
    result = EmiCorrStep(override_emicorr=str(path), **options).run(ramp)
    rest, all_of_it = left(ramp, result, wave)
    assert rest < 0.2 * all_of_it


def test_user_supplied_reffile(tmp_path, caplog):
    model = reference()
    model.meta.author, model.meta.description, model.meta.pedigree = "test", "test", "GROUND"
    model.meta.useafter = "2022-01-01T00:00:00"
    model.save(tmp_path / "waves.asdf")
    ramp, wave = exposure()
    result = EmiCorrStep(user_supplied_reffile=str(tmp_path / "waves.asdf"),
                         override_emicorr="N/A").run(ramp)
    assert "deprecated" in caplog.text
    rest, all_of_it = left(ramp, result, wave)
    assert rest < 0.03 * all_of_it
    with pytest.raises(ReferenceFileError, match=r"none\.asdf"):
        EmiCorrStep(user_supplied_reffile=str(tmp_path / "none.asdf")).run(ramp)


@pytest.mark.parametrize("change", ["instrument", "read pattern", "groups", "case", "reference",
                                    "on-the-fly case"])
def test_skipped(change):
    ramp, _ = exposure(n_groups=2 if change == "groups" else 4)
    options = {"override_emicorr": reference()}
    if change == "instrument":
        ramp.meta.instrument.name = "NIRCAM"
    if change == "read pattern":
        ramp.meta.exposure.readpatt = "FASTGRPAVG"
    if change == "case":
        ramp.meta.subarray.name = "SUB128"
    if change == "reference":
        options["override_emicorr"] = "N/A"
    if change == "on-the-fly case":
        ramp.meta.subarray.name = "SUB32"
        options["onthefly_corr_freq"] = [FREQUENCY]
    result = EmiCorrStep(**options).run(ramp)
    assert result.meta.cal_step.emicorr == "SKIPPED"
    assert_array_equal(result.data, ramp.data)
