"""The group_scale step: when it scales and when it does not."""

import numpy as np
import pytest

from jwst_cal.detector.group_scale import GroupScaleStep


def run(ramp, nframes, divisor):
    ramp.meta.exposure.nframes, ramp.meta.exposure.frame_divisor = nframes, divisor
    return GroupScaleStep().run(ramp)


def test_five_reads_divided_by_eight_are_brought_to_their_mean(small_ramp):
    result = run(small_ramp, 5, 8)
    np.testing.assert_array_equal(result.data, small_ramp.data * np.float32(1.6))
    assert result.data[0, 0, 0, 0] == 160
    assert result.meta.cal_step.group_scale == "COMPLETE"


@pytest.mark.parametrize(("nframes", "divisor"), [(4, 4), (5, 5), (8, None), (5, None), (None, 8),
                                                  (0, 8)])
def test_the_step_is_skipped_when(small_ramp, nframes, divisor):
    result = run(small_ramp, nframes, divisor)
    np.testing.assert_array_equal(result.data, small_ramp.data)
    assert result.meta.cal_step.group_scale == "SKIPPED"
