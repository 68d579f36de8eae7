"""Reset: which groups and integrations are corrected."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from stdatamodels.jwst.datamodels import ResetModel

from jwst_cal.detector.reset import ResetStep


@pytest.fixture
def ramp(small_ramp):
    small_ramp.data = np.repeat(small_ramp.data, 3, axis=0)
    small_ramp.groupdq = np.zeros(small_ramp.data.shape, np.uint8)
    small_ramp.meta.instrument.name, small_ramp.meta.instrument.detector = "MIRI", "MIRIMAGE"
    small_ramp.meta.exposure.nints = 3
    return small_ramp


def anomaly(n_groups=2, n_ints=2):
    """Of 10 (integration + 1) + group DN."""
    offset = 10 * np.arange(1, n_ints + 1)[:, None] + np.arange(n_groups)
    data = np.broadcast_to(offset[:, :, None, None], (n_ints, n_groups, 6, 8))
    model = ResetModel(data=data.astype(np.float32))
    model.dq = np.zeros((6, 8), np.uint32)
    model.meta.exposure.nints, model.meta.exposure.ngroups = n_ints, n_groups
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = 3, 5, 8, 6
    return model


def test_first_groups_lose_the_anomaly_of_their_integration(ramp):
    model = anomaly()
    model.dq[2, 3] = 1
    model.data[1, 1, 4, 4] = np.nan
    result = ResetStep(override_reset=model).run(ramp)
    change = ramp.data - result.data
    assert_array_equal(change[:, :, 0, 0], [[10, 11, 0], [20, 21, 0], [20, 21, 0]])
    assert_array_equal(change[:, :, 4, 4], [[10, 11, 0], [20, 0, 0], [20, 0, 0]])
    assert result.pixeldq[2, 3] == 1
    assert result.meta.cal_step.reset == "COMPLETE"


def test_a_segment_counts_integrations_from_its_start(ramp):
    ramp.meta.exposure.integration_start, ramp.meta.exposure.integration_end = 2, 4
    result = ResetStep(override_reset=anomaly(n_ints=3)).run(ramp)
    assert_array_equal((ramp.data - result.data)[:, 0, 0, 0], [20, 30, 30])


def test_keywords_limit_the_reference(ramp):
    model = anomaly(n_groups=3, n_ints=3)
    model.meta.exposure.ngroups, model.meta.exposure.nints = 1, 2
    result = ResetStep(override_reset=model).run(ramp)
    assert_array_equal((ramp.data - result.data)[:, :, 0, 0], [[10, 0, 0], [20, 0, 0], [20, 0, 0]])


def test_skipped_for_other_instruments(ramp):
    ramp.meta.instrument.name = "NIRCAM"
    result = ResetStep(override_reset=anomaly()).run(ramp)
    assert result.meta.cal_step.reset == "SKIPPED"
    assert_array_equal(result.data, ramp.data)
