"""The jump step: known truth, which rule applies when, pixels without gain, refusals."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import GainModel, RampModel, ReadnoiseModel, dqflags

from jwst_cal.detector import _two_point
from jwst_cal.detector.jump import JumpStep
from jwst_cal.errors import InputError, ReferenceFileError

JUMP, DNU = dqflags.group["JUMP_DET"], dqflags.group["DO_NOT_USE"]
READ_NOISE, GAIN, GROUP_TIME = 15.0, 2.0, 10.0


def exposure(shape, rate=40.0, seed=1):
    """A ramp with photon and read noise, in DN, in a subarray of the upper right corner."""
    rng = np.random.default_rng(seed)
    electrons = np.cumsum(rng.poisson(rate * GAIN, shape), axis=1)
    data = electrons / GAIN + rng.normal(0, READ_NOISE / np.sqrt(2), shape)
    ramp = RampModel(data=data.astype(np.float32))
    ramp.groupdq, ramp.pixeldq = np.zeros(shape, np.uint8), np.zeros(shape[2:], np.uint32)
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "NIRCAM", "NRCA1"
    ramp.meta.exposure.nframes, ramp.meta.exposure.group_time = 1, GROUP_TIME
    place(ramp, 2049 - shape[3], 2049 - shape[2], shape)
    return ramp


def place(model, xstart, ystart, shape):
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart = xstart, ystart
    subarray.ysize, subarray.xsize = shape[-2:]


def calibration(ramp):
    """Gain and read noise of the very subarray."""
    models = {}
    for reftype, model_class, value in [("gain", GainModel, GAIN),
                                        ("readnoise", ReadnoiseModel, READ_NOISE)]:
        model = model_class(data=np.full(ramp.data.shape[2:], value, np.float32))
        subarray = ramp.meta.subarray
        place(model, subarray.xstart, subarray.ystart, ramp.data.shape)
        models[f"override_{reftype}"] = model
    return models


def run(ramp, **parameters):
    overrides = calibration(ramp) | parameters
    return JumpStep(**overrides).run(ramp)


@pytest.mark.parametrize("n_groups", [6, 20], ids=["clipping", "single pass"])
def test_known_jumps_are_found_and_hardly_any_other(n_groups):
    """Completeness and false positives at 4 sigma; 6 sigma jumps in one of five pixels."""
    ramp = exposure((1, n_groups, 100, 200))
    rng = np.random.default_rng(9)
    hit = rng.random(ramp.data.shape[2:]) < 0.2
    sigma = np.sqrt(40 * GAIN + (READ_NOISE * GAIN) ** 2) / GAIN
    ramp.data[0, 3:, hit] += np.float32(6 * sigma)
    result = run(ramp, flag_4_neighbors=False)
    found = result.groupdq[0] == JUMP
    assert found[3, hit].mean() > 0.93
    found[3, hit] = found[4, hit] = found[2, hit] = False
    assert found[1:, ~hit].mean() < 1.2e-3  # a normal distribution would have 6e-5, but the
    # median of few differences is uncertain, and low where the largest is left out of it
    assert not result.groupdq[0, 0].any()
    assert result.meta.cal_step.jump == "COMPLETE"
    wanted = 1e3 * np.count_nonzero(result.groupdq & JUMP) / ((n_groups - 1) * 20000 * GROUP_TIME)
    assert result.meta.exposure.primary_cosmic_rays == pytest.approx(wanted)


def test_the_caller_keeps_what_he_gave():
    ramp = exposure((1, 5, 4, 8))
    ramp.data[0, 3:, 2, 3] += 1e4
    result = run(ramp)
    assert result.groupdq[0, 3, 2, 3] == JUMP
    assert not ramp.groupdq.any()
    assert ramp.meta.cal_step.jump is None


def test_pixels_without_gain_are_flagged():
    ramp = exposure((1, 5, 4, 8))
    overrides = calibration(ramp)
    overrides["override_gain"].data[1, 2:6] = 0, -2, np.nan, 3
    result = JumpStep(**overrides).run(ramp)
    bad = dqflags.pixel["NO_GAIN_VALUE"] | DNU
    assert result.pixeldq[1].tolist() == [0, 0, bad, bad, bad, 0, 0, 0]
    assert np.count_nonzero(result.pixeldq) == 3


def test_references_of_the_full_frame_are_cut():
    ramp = exposure((1, 5, 16, 16))
    overrides = calibration(ramp)
    whole = GainModel(data=np.full((2048, 2048), GAIN, np.float32))
    whole.data[2040, 2047] = 0
    place(whole, 1, 1, (2048, 2048))
    result = JumpStep(**overrides | {"override_gain": whole}).run(ramp)
    assert np.argwhere(result.pixeldq).tolist() == [[8, 15]]


def test_two_groups_are_skipped():
    result = run(exposure((1, 2, 4, 8)))
    assert result.meta.cal_step.jump == "SKIPPED"
    assert not result.groupdq.any()


def test_too_few_usable_groups_flag_nothing():
    ramp = exposure((1, 4, 4, 8))
    ramp.data[0, 2:, 2, 3] += 1e5
    ramp.groupdq[:, [0, 3]] = DNU
    ramp.groupdq[0, 3, 0, 0] |= JUMP
    result = run(ramp)
    assert set(np.unique(result.groupdq)) == {0, DNU}
    assert result.meta.cal_step.jump == "COMPLETE"
    assert result.meta.exposure.primary_cosmic_rays is None


def test_minimum_groups_is_honoured():
    """Jwst 3.0.0 takes 3 whatever is asked for, unless it works on several cores."""
    ramp = exposure((1, 5, 4, 8))
    ramp.data[0, 2:, 2, 3] += 1e5
    assert run(ramp, minimum_groups=5).groupdq[0, 2, 2, 3] == JUMP
    assert not run(ramp, minimum_groups=6).groupdq.any()


def test_groups_after_a_jump_are_flagged_for_a_time():
    ramp = exposure((1, 9, 4, 8))
    ramp.data[0, 2:, 2, 3] += 2000
    ramp.data[0, 2:, 0, 6] += 500
    result = run(ramp, after_jump_flag_dn1=1000.0, after_jump_flag_time1=39.0,
                 flag_4_neighbors=False)
    assert np.flatnonzero(result.groupdq[0, :, 2, 3]).tolist() == [2, 3, 4, 5]
    assert np.flatnonzero(result.groupdq[0, :, 0, 6]).tolist() == [2]


@pytest.mark.parametrize("cores", ["none", "1", "2", "half", "all"])
def test_cores_change_nothing(cores):
    ramp = exposure((1, 9, 64, 300))
    wanted = run(ramp).groupdq
    np.testing.assert_array_equal(run(ramp, maximum_cores=cores).groupdq, wanted)


@pytest.mark.parametrize(
    ("dead_groups", "options", "wanted"),
    [
        ([], {}, "clip"),
        ([], {"min_diffs_single_pass": 7}, "single_pass"),
        ([0], {"min_diffs_single_pass": 7}, "clip"),
        ([0, 7], {"minimum_groups": 7}, None),
        ([0, 7], {"minimum_groups": 7, "minimum_sigclip_groups": 5}, "sigma_ints"),
        ([], {"minimum_sigclip_groups": 6}, "clip"),
        ([], {"minimum_sigclip_groups": 40, "only_use_ints": False}, "sigma_all"),
        ([7], {"minimum_sigclip_groups": 40, "only_use_ints": False}, "clip"),
    ],
)
def test_choice_of_the_method(dead_groups, options, wanted):
    dead = np.zeros((5, 8), bool)
    dead[2, dead_groups] = True
    usual = {"min_diffs_single_pass": 10, "minimum_groups": 3, "minimum_sigclip_groups": 100,
             "only_use_ints": True}
    assert _two_point.choose_method(dead, **usual | options) == wanted


@pytest.mark.parametrize("keyword", ["nframes", "group_time"])
def test_refuses_an_exposure_without_read_pattern(keyword):
    ramp = exposure((1, 5, 4, 8))
    setattr(ramp.meta.exposure, keyword, None)
    with pytest.raises(InputError, match="is missing; the jump step needs it"):
        run(ramp)


@pytest.mark.parametrize("cores", ["many", "-1", "0"])
def test_refuses_a_wrong_number_of_cores(cores):
    with pytest.raises(ValueError, match="maximum_cores"):
        run(exposure((1, 5, 4, 8)), maximum_cores=cores)


def test_snowballs_are_expanded_when_asked_for():
    ramp = exposure((1, 6, 100, 90))
    rows, cols = np.indices((100, 90))
    far = np.hypot(rows - 50, cols - 44)
    ramp.data[0, 3:, far <= 9] += 3e4
    ramp.groupdq[0, 3:, far <= 3] = dqflags.group["SATURATED"]
    plain, expanded = run(ramp), run(ramp, expand_large_events=True)
    assert plain.meta.exposure.extended_emission_events == 0
    wanted = 1e6 / (5 * 9000 * GROUP_TIME)
    assert expanded.meta.exposure.extended_emission_events == pytest.approx(wanted)
    assert (expanded.groupdq[0, 3, far < 13] != 0).all()
    assert (plain.groupdq[0, 3, far > 11] == 0).mean() > 0.99


def shower(largest):
    """A ramp with a shower of 60 DN, twice the noise, flagged, and the pixels well inside."""
    ramp = exposure((1, 12, 80, 80), rate=200.0)
    rows, cols = np.indices((80, 80))
    inside = np.hypot(rows - 40, cols - 36) <= 14
    ramp.data[0, 6:, inside] += 60.0
    options = {"find_showers": True, "max_shower_amplitude": largest, "extend_snr_threshold": 1.8}
    result = run(ramp, **options if largest is not None else {})
    return result, np.hypot(rows - 40, cols - 36) <= 12


def test_showers_are_flagged_for_a_time():
    result, inside = shower(largest=10.0)
    assert result.meta.exposure.extended_emission_events > 0
    flagged = (result.groupdq[0][:, inside] & JUMP != 0).mean(axis=1)
    assert (flagged[[6, 7]] > 0.95).all()
    assert (flagged[[4, 5, 8, 9]] < 0.1).all()


def test_showers_are_not_flagged_where_they_matter_too_much():
    """In DN/s, as documented; jwst 3.0.0 takes 6 electrons per second whatever is asked for."""
    np.testing.assert_array_equal(shower(largest=0.0)[0].groupdq, shower(largest=None)[0].groupdq)


def test_few_differences_are_not_searched_for_showers(caplog):
    ramp = exposure((1, 9, 8, 8))
    with caplog.at_level("WARNING"):
        run(ramp, find_showers=True)
    assert "Too few differences" in caplog.text


def test_old_parameter_without_effect_is_taken():
    assert JumpStep(use_ellipses=True).use_ellipses is True


@pytest.mark.parametrize("reftype", ["gain", "readnoise"])
def test_refuses_a_reference_of_another_shape(reftype):
    """Of interleaved readout, which is never cut."""
    ramp = exposure((1, 5, 64, 2048))
    overrides = calibration(ramp)
    model = overrides[f"override_{reftype}"]
    model.data = np.ones((3200, 2048), np.float32)
    with pytest.raises(ReferenceFileError, match=r"shape \(3200, 2048\) where the exposure has"):
        JumpStep(**overrides).run(ramp)
