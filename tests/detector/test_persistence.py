"""The persistence step: windows within and between exposures, times, refusals."""

import asdf
import numpy as np
import pytest
from stdatamodels.jwst.datamodels import dqflags

from jwst_cal.detector import _persistence
from jwst_cal.detector.persistence import PersistenceStep
from jwst_cal.errors import InputError

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
