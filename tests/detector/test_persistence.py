"""The persistence step: windows and charge traps within and between exposures, refusals."""

import os

import asdf
import numpy as np
import pytest
from scipy.integrate import quad
from stdatamodels.jwst import datamodels
from stdatamodels.jwst.datamodels import dqflags

from jwst_cal import models
from jwst_cal.detector import _persistence, _traps
from jwst_cal.detector.persistence import PersistenceStep
from jwst_cal.errors import InputError, ParameterError, ReferenceFileError
from jwst_cal.framework import Pipeline

SATURATED, PERSISTENCE = dqflags.group["SATURATED"], dqflags.group["PERSISTENCE"]
DNU = dqflags.group["DO_NOT_USE"]


@pytest.fixture
def ramp(small_ramp):
    exposure = small_ramp.meta.exposure
    exposure.start_time, exposure.integration_time, exposure.group_time = 60000.0, 30.0, 10.0
    small_ramp.groupdq[0, 1, 2, 3] = SATURATED
    return small_ramp


def flagged(result):
    return (result.groupdq & PERSISTENCE != 0)[0, :, 2, 3].tolist()


def test_a_window_opens_with_the_saturation(ramp):
    result = PersistenceStep(persistence_time=1000).run(ramp)
    assert flagged(result) == [False, True, True]
    assert np.count_nonzero(result.groupdq & PERSISTENCE) == 2
    assert not (result.groupdq & DNU).any()
    assert result.meta.cal_step.persistence == "COMPLETE"


def test_bright_counts_open_one_and_groups_may_be_unusable(ramp):
    step = PersistenceStep(persistence_time=1000, dn_threshold=250.0, persistence_dnu=True)
    result = step.run(ramp)
    assert (result.groupdq[0, 2] & ~np.uint8(SATURATED) == PERSISTENCE | DNU).all()
    assert np.count_nonzero(result.groupdq[0, :2] & PERSISTENCE) == 1


@pytest.mark.parametrize("duration", [None, 0, -5])
def test_without_a_duration_the_step_fails_and_goes_on(ramp, duration):
    result = PersistenceStep(persistence_time=duration).run(ramp)
    assert result.meta.cal_step.persistence == "FAILED"
    np.testing.assert_array_equal(result.groupdq, ramp.groupdq)


def test_windows_carry_over_to_the_next_exposure(ramp, tmp_path):
    path = tmp_path / "windows"
    PersistenceStep(persistence_time=100, save_persistence=str(path)).run(ramp)
    with asdf.open(f"{path}.asdf") as file:
        end = (60000.0 - 40587) * 86400 + 30 + 100
        assert (list(file["NRCA1"]["rows"]), list(file["NRCA1"]["cols"])) == ([2], [3])
        assert list(file["NRCA1"]["vals"]) == [end]
    ramp.groupdq[:] = 0
    ramp.meta.exposure.start_time += 105 / 86400
    again = PersistenceStep(persistence_time=100, persistence_array_file=f"{path}.asdf")
    assert flagged(again.run(ramp)) == [True, True, False]
    ramp.meta.instrument.detector = "NRCA2"
    assert flagged(again.run(ramp)) == [False, False, False]


def test_windows_of_other_detectors_are_kept(ramp, tmp_path):
    path = str(tmp_path / "windows.asdf")
    for detector in ("NRCA1", "NRCA2"):
        _persistence.write_windows(path, detector, 10, np.eye(3), "x.fits")
    for detector in ("NRCA1", "NRCA2"):
        windows, reason = _persistence.read_windows(path, detector, 10, (3, 3))
        np.testing.assert_array_equal(windows, np.eye(3))
        assert reason is None


@pytest.mark.parametrize(("detector", "duration", "reason"), [
    ("NRCA3", 10, "has none of NRCA3"), ("NRCA1", 11, "last 10 s")])
def test_windows_of_another_kind_are_not_used(tmp_path, detector, duration, reason):
    path = _persistence.write_windows(str(tmp_path / "w.asdf"), "NRCA1", 10, np.eye(3), "x.fits")
    windows, given = _persistence.read_windows(path, detector, duration, (3, 3))
    assert not windows.any()
    assert reason in given


def test_a_missing_file_of_windows_starts_anew(ramp, tmp_path):
    step = PersistenceStep(persistence_time=99, persistence_array_file=str(tmp_path / "no.asdf"))
    assert flagged(step.run(ramp)) == [False, True, True]


def test_integrations_start_when_int_times_says():
    options = {"start": 40587.0, "integration_time": 30.0, "group_time": 10.0}
    assert _persistence.group_times(2, 2, **options).tolist() == [[10, 20], [40, 50]]
    times = _persistence.group_times(2, 2, **options, int_starts=[40588.0])
    assert times.tolist() == [[86410, 86420], [40, 50]]


def test_refuses_windows_outside_of_the_exposure(ramp, tmp_path):
    path = _persistence.write_windows(str(tmp_path / "w.asdf"), "NRCA1", 10, np.eye(9), "x.fits")
    step = PersistenceStep(persistence_time=10, persistence_array_file=path)
    with pytest.raises(InputError, match=r"w.asdf: its pixels of NRCA1 lie outside of \(6, 8\)"):
        step.run(ramp)


def test_refuses_a_file_that_is_none_of_windows(ramp, tmp_path):
    (tmp_path / "w.asdf").write_text("nothing")
    step = PersistenceStep(persistence_time=10, persistence_array_file=str(tmp_path / "w.asdf"))
    with pytest.raises(InputError, match="no persistence file"):
        step.run(ramp)


def test_refuses_an_exposure_without_its_times(ramp):
    ramp.meta.exposure.start_time = None
    with pytest.raises(InputError, match="EXPSTART is missing"):
        PersistenceStep(persistence_time=10).run(ramp)


# ---- the trap model ---------------------------------------------------------------------------
FAMILIES = [(100.0, -1e-2, 10.0, -2e-3), (50.0, -1e-3, 0.0, -1e-4)]
TRAPSFILLED = "jw00001001001_02101_00001_nrca1_trapsfilled.fits"
DETECTOR = (20, 30)


def trappars(rows):
    columns = [(name, "f8") for name in ("capture0", "capture1", "capture2", "decay_param")]
    return datamodels.TrapParsModel(trappars_table=np.array(rows, columns))


def trap_references(rows=FAMILIES):
    found = {"trapdensity": datamodels.TrapDensityModel(data=np.ones(DETECTOR, np.float32)),
             "persat": datamodels.PersistenceSatModel(data=np.full(DETECTOR, 5e4, np.float32)),
             "trappars": trappars(rows)}
    for reftype in ("trapdensity", "persat"):
        found[reftype].dq = np.zeros(DETECTOR, np.uint32)
        subarray = found[reftype].meta.subarray
        subarray.xstart = subarray.ystart = 1
        subarray.ysize, subarray.xsize = DETECTOR
    return {f"override_{reftype}": model for reftype, model in found.items()}


@pytest.fixture
def bright(small_ramp, tmp_path, monkeypatch):
    """A ramp that stands at its full well in one pixel."""
    monkeypatch.chdir(tmp_path)
    exposure = small_ramp.meta.exposure
    exposure.start_time, exposure.end_time = 60000.0, 60000.0 + 40 / 86400
    exposure.nresets_at_start = exposure.nresets_between_ints = 1
    small_ramp.data[0, :, 2, 3] = 6e4
    small_ramp.groupdq[0, :, 2, 3] = SATURATED
    return small_ramp


def dark_after(ramp, seconds):
    """The same exposure without light, some time after the other one has ended."""
    later = ramp.copy()
    later.data[:], later.groupdq[:] = 0, 0
    later.meta.exposure.start_time = ramp.meta.exposure.end_time + seconds / 86400
    later.meta.exposure.end_time = later.meta.exposure.start_time + 40 / 86400
    return later


def test_traps_of_a_full_pixel_release_into_the_next_exposure(bright):
    """The pixel is at row 6, column 5 of the detector. Nothing comes from nowhere."""
    first = PersistenceStep(save_trapsfilled=True, **trap_references()).run(bright)
    np.testing.assert_array_equal(first.data, bright.data)
    with models.open(TRAPSFILLED) as product:
        filled = np.array(product.data)
        assert product.meta.subarray.name == "FULL"
        assert product.meta.exposure.end_time == bright.meta.exposure.end_time
    expected = 10 + 100 * (1 - np.exp(-0.3)), 50 * (1 - np.exp(-0.03))
    assert filled[:, 6, 5] == pytest.approx(expected)
    assert (filled[:, 6, 6] > 0).all()
    assert filled[:, 6, 6].max() < 0.01

    dark = dark_after(bright, 60)
    step = PersistenceStep(input_trapsfilled=TRAPSFILLED, flag_pers_cutoff=1.5,
                           save_persistence=True, **trap_references())
    second = step.run(dark)
    at_start = filled[:, 6, 5] * np.exp([-2e-3 * 60, -1e-4 * 60])
    released = [(at_start * (1 - np.exp([-2e-3 * t, -1e-4 * t]))).sum() for t in (10, 20, 30)]
    assert second.data[0, :, 2, 3] == pytest.approx(-np.array(released), rel=1e-5)
    pixeldq = second.pixeldq & dqflags.pixel["PERSISTENCE"]
    assert np.argwhere(pixeldq).tolist() == [[2, 3]]
    with models.open(TRAPSFILLED) as product:
        left = at_start - np.array(product.data[:, 6, 5])
        assert left.sum() == pytest.approx(released[-1], rel=1e-4)
    with models.open(TRAPSFILLED.replace("trapsfilled", "output_pers")) as product:
        np.testing.assert_array_equal(product.data, -second.data)


def test_pixels_outside_of_the_subarray_only_empty(bright):
    PersistenceStep(save_trapsfilled=True, **trap_references()).run(bright)
    moved = dark_after(bright, 0)
    moved.meta.subarray.xstart = 12
    PersistenceStep(input_trapsfilled=TRAPSFILLED, **trap_references()).run(moved)
    with models.open(TRAPSFILLED) as product:
        expected = ((10 + 100 * (1 - np.exp(-0.3))) * np.exp(-2e-3 * 30),
                    50 * (1 - np.exp(-0.03)) * np.exp(-1e-4 * 30))
        assert product.data[:, 6, 5] == pytest.approx(expected)


def test_captured_charge_is_that_of_the_model():
    """A line of unit slope fills t (slow (1 - exp(-t/time)) + instant) in each second t."""
    for rate in (0.0, 1e-7, 1e-3, 0.0099, 0.0101, 0.3):
        seconds = np.array([0.0, 1.0, 37.0])
        found = _traps._captured(80.0, rate, 6.0, seconds)
        wanted = [quad(lambda t, rate=rate: t * (80 * -np.expm1(-rate * t) + 6), 0, end)[0]
                  for end in seconds]
        assert found == pytest.approx(wanted, rel=1e-8)


def test_small_steps_in_time_find_the_same_traps(bright):
    """Filling during a line, one hundredth of a second at a time."""
    bright.data[0, :, 1, 1] = [9000, 18000, 27000]
    PersistenceStep(save_trapsfilled=True, **trap_references()).run(bright)
    t = (np.arange(4000) + 0.5) / 100  # three groups and one frame of reset
    slope = 9000 / 10 / 5e4
    with models.open(TRAPSFILLED) as product:
        for k, (slow, rate, instant, _) in enumerate(FAMILIES):
            filled = 2 * slope**2 * np.sum(t * (slow * (1 - np.exp(rate * t)) + instant)) / 100
            assert product.data[k, 5, 3] == pytest.approx(filled, rel=1e-5)


@pytest.mark.parametrize(("value", "files"), [
    (None, [TRAPSFILLED]), (True, [TRAPSFILLED]), (False, [])])
def test_saving_of_the_traps(bright, value, files):
    PersistenceStep(save_trapsfilled=value, **trap_references()).run(bright)
    assert os.listdir() == files


@pytest.mark.parametrize(("value", "saved"), [
    (True, True), ("yes", True), (False, False), ("False", False), (None, False)])
def test_saving_of_what_was_subtracted(bright, value, saved):
    PersistenceStep(save_trapsfilled=False, save_persistence=value, **trap_references()).run(bright)
    assert bool(os.listdir()) is saved


@pytest.mark.parametrize("asked", [
    {"input_trapsfilled": ""}, {"flag_pers_cutoff": 40.0}, {"save_trapsfilled": False}])
def test_each_parameter_asks_for_the_trap_model(asked):
    assert not PersistenceStep().uses_trap_model
    step = PersistenceStep(parent=Pipeline(), skip=False, **asked)
    assert step.uses_trap_model
    assert step.wanted_types() == ("trapdensity", "trappars", "persat")
    assert PersistenceStep(persistence_time=10).wanted_types() == ()


def test_without_a_reference_the_step_is_skipped(bright):
    step = PersistenceStep(**(trap_references() | {"override_persat": "N/A"}))
    result = step.run(bright)
    assert result.meta.cal_step.persistence == "SKIPPED"
    assert os.listdir() == []


def test_flagged_references_and_missing_values_hold_no_traps(bright):
    references = trap_references()
    references["override_trapdensity"].dq[6, 5] = dqflags.pixel["DO_NOT_USE"]
    references["override_trapdensity"].data[6, 6] = np.nan
    references["override_persat"].data[6, 7] = 0
    PersistenceStep(**references).run(bright)
    with models.open(TRAPSFILLED) as product:
        assert (product.data[:, 6, 5:8] == 0).all()
        assert (product.data[:, 6, 8] > 0).all()


def test_resets_that_are_not_told_are_one(bright):
    PersistenceStep(**trap_references()).run(bright)
    with models.open(TRAPSFILLED) as product:
        told = np.array(product.data)
    bright.meta.exposure.nresets_at_start = bright.meta.exposure.nresets_between_ints = None
    PersistenceStep(**trap_references()).run(bright)
    with models.open(TRAPSFILLED) as product:
        np.testing.assert_array_equal(product.data, told)


@pytest.mark.parametrize(("parameters", "message"), [
    ({"persistence_time": 100}, "persistence_time = 100 flags groups"),
    ({"dn_threshold": 5.0}, "dn_threshold"),
    ({"persistence_dnu": True}, "persistence_dnu"),
    ({"persistence_array_file": "x.asdf"}, "persistence_array_file"),
    ({"save_persistence": "windows.asdf"}, "it is true or false, not 'windows.asdf'"),
])
def test_refuses_parameters_of_both_forms(bright, parameters, message):
    step = PersistenceStep(flag_pers_cutoff=40.0, **parameters)
    with pytest.raises(ParameterError, match=message):
        step.run(bright)


def _changed(**changes):
    def change(model):
        for name, value in changes.items():
            if name == "data":
                model.data = value
            else:
                setattr(model.meta.exposure if name == "end_time" else model.meta.instrument,
                        name, value)
    return change


@pytest.mark.parametrize(("change", "message"), [
    (_changed(data=np.zeros((3, *DETECTOR), np.float32)), r"shape \(3, 20, 30\) where \(2, 20, 30"),
    (_changed(detector="NRCA2"), "of NRCA2, but .*uncal.fits is of NRCA1"),
    (_changed(end_time=60000.01), "ends .* s after .* starts"),
    (_changed(end_time=None), "EXPEND is missing"),
], ids=["families", "detector", "later", "no end"])
def test_refuses_traps_of_another_exposure(bright, change, message):
    PersistenceStep(**trap_references()).run(bright)
    with models.open(TRAPSFILLED) as product:
        change(product)
        product.save("changed_trapsfilled.fits")
    step = PersistenceStep(input_trapsfilled="changed_trapsfilled.fits", **trap_references())
    with pytest.raises(InputError, match=message):
        step.run(dark_after(bright, 10))


def test_refuses_a_file_that_is_none_of_traps(bright):
    bright.save("ramp.fits")
    step = PersistenceStep(input_trapsfilled="ramp.fits", **trap_references())
    with pytest.raises(InputError, match=r"ramp\.fits: RampModel, where TrapsFilledModel is"):
        step.run(bright)
    step.input_trapsfilled = "none_trapsfilled.fits"
    with pytest.raises(InputError, match=r"none_trapsfilled\.fits"):
        step.run(bright)


@pytest.mark.parametrize(("name", "keyword"), [("group_time", "TGROUP"), ("frame_time", "TFRAME")])
def test_refuses_an_exposure_without_the_times_of_the_traps(bright, name, keyword):
    setattr(bright.meta.exposure, name, None)
    with pytest.raises(InputError, match=f"{keyword} is missing"):
        PersistenceStep(**trap_references()).run(bright)


@pytest.mark.parametrize(("rows", "message"), [
    ([], "its table has no row"), ([(1.0, np.nan, 0.0, 0.0)], "is not a number")])
def test_refuses_families_that_are_none(bright, rows, message):
    with pytest.raises(ReferenceFileError, match=message):
        PersistenceStep(**trap_references(rows)).run(bright)


def test_refuses_a_reference_that_does_not_cover_the_exposure(bright):
    bright.meta.subarray.xstart = 25
    with pytest.raises(ReferenceFileError, match="does not cover"):
        PersistenceStep(**trap_references()).run(bright)
