"""The charge_migration step: threshold, short ramps."""

import numpy as np
from stdatamodels.jwst.datamodels import dqflags

from jwst_cal.detector.charge_migration import ChargeMigrationStep

SPILLS = dqflags.group["CHARGELOSS"] | dqflags.group["DO_NOT_USE"]


def test_groups_above_the_threshold_are_flagged(small_ramp):
    small_ramp.data[0, 1:, 2, 3] = 30000
    result = ChargeMigrationStep().run(small_ramp)
    assert result.groupdq[0, :, 2, 3].tolist() == [0, SPILLS, SPILLS]
    assert np.count_nonzero(result.groupdq) == 10
    assert result.meta.cal_step.charge_migration == "COMPLETE"
    assert not ChargeMigrationStep(signal_threshold=31000).run(small_ramp).groupdq.any()


def test_fewer_than_three_groups_are_skipped(small_ramp):
    small_ramp.data = small_ramp.data[:, :2] + np.float32(30000)
    small_ramp.groupdq = small_ramp.groupdq[:, :2]
    result = ChargeMigrationStep().run(small_ramp)
    assert result.meta.cal_step.charge_migration == "SKIPPED"
    assert not result.groupdq.any()
