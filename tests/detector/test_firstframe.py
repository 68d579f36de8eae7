"""First frame: which groups are flagged, and when none are."""

import numpy as np
import pytest

from jwst_cal import flags
from jwst_cal.detector.firstframe import FirstFrameStep

DNU, SATURATED = flags.group["DO_NOT_USE"], flags.group["SATURATED"]
ESTIMATED = flags.pixel["FLUX_ESTIMATED"]


@pytest.fixture
def ramp(small_ramp):
    small_ramp.data = np.zeros((2, 5, 6, 8), np.float32)
    small_ramp.groupdq = np.zeros((2, 5, 6, 8), np.uint8)
    small_ramp.groupdq[0, 2:, 1, 1] = SATURATED
    small_ramp.meta.instrument.name, small_ramp.meta.instrument.detector = "MIRI", "MIRIMAGE"
    return small_ramp


def test_bright_pixels_keep_their_first_group(ramp):
    result = FirstFrameStep().run(ramp)
    assert result.groupdq[0, 0, 1, 1] == 0
    assert result.pixeldq[1, 1] == ESTIMATED
    first = result.groupdq[:, 0]
    assert np.count_nonzero(first == DNU) == first.size - 1
    assert np.count_nonzero(result.pixeldq) == 1
    assert not np.any(result.groupdq[:, 1:] & DNU)
    assert result.meta.cal_step.firstframe == "COMPLETE"


def test_all_first_groups_are_flagged_on_request(ramp):
    result = FirstFrameStep(bright_use_group1=False).run(ramp)
    assert np.all(result.groupdq[:, 0] == DNU)
    assert not np.any(result.pixeldq)


def test_skipped_for_three_groups(ramp):
    ramp.data, ramp.groupdq = ramp.data[:, :3], ramp.groupdq[:, :3]
    assert FirstFrameStep().run(ramp).meta.cal_step.firstframe == "SKIPPED"


def test_skipped_for_other_instruments(ramp):
    ramp.meta.instrument.name = "NIRISS"
    result = FirstFrameStep().run(ramp)
    assert result.meta.cal_step.firstframe == "SKIPPED"
    assert not np.any(result.groupdq & DNU)
