"""Last frame: which groups are flagged, and when none are."""

import numpy as np
import pytest

from jwst_cal import flags
from jwst_cal.detector.lastframe import LastFrameStep

DNU, SATURATED = flags.group["DO_NOT_USE"], flags.group["SATURATED"]


@pytest.fixture
def ramp(small_ramp):
    small_ramp.groupdq = np.zeros(small_ramp.data.shape, np.uint8)
    small_ramp.groupdq[0, 2, 1, 1] = SATURATED
    small_ramp.meta.instrument.name, small_ramp.meta.instrument.detector = "MIRI", "MIRIFULONG"
    return small_ramp


def test_flags_the_last_group_beside_other_flags(ramp):
    result = LastFrameStep().run(ramp)
    assert np.all(result.groupdq[:, 2] & DNU)
    assert result.groupdq[0, 2, 1, 1] == DNU | SATURATED
    assert not np.any(result.groupdq[:, :2])
    assert result.meta.cal_step.lastframe == "COMPLETE"


def test_skipped_for_two_groups(ramp):
    ramp.data, ramp.groupdq = ramp.data[:, :2], ramp.groupdq[:, :2]
    result = LastFrameStep().run(ramp)
    assert result.meta.cal_step.lastframe == "SKIPPED"
    assert not np.any(result.groupdq)


def test_skipped_for_other_instruments(ramp):
    ramp.meta.instrument.name = "FGS"
    assert LastFrameStep().run(ramp).meta.cal_step.lastframe == "SKIPPED"
