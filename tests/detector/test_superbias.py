"""Superbias: subtraction from groups and zeroframe, flags, refusals."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from stdatamodels.jwst.datamodels import SuperBiasModel

from jwst_cal import flags
from jwst_cal.detector.superbias import SuperBiasStep
from jwst_cal.errors import InputError, ReferenceFileError


def superbias(rows=10, cols=14, x=1, y=1):
    data = np.arange(rows * cols, dtype=np.float32).reshape(rows, cols)
    model = SuperBiasModel(data=data, dq=np.zeros((rows, cols), np.uint32))
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = x, y, cols, rows
    return model


def test_subtracts_the_part_of_the_bias_that_the_subarray_covers(small_ramp):
    bias = superbias()
    bias.dq[5, 3] = flags.pixel["UNRELIABLE_BIAS"]
    bias.data[6, 4] = np.nan
    wanted = small_ramp.data - np.nan_to_num(bias.data[4:, 2:10])
    small_ramp.pixeldq[0, 0] = 1
    result = SuperBiasStep(override_superbias=bias).run(small_ramp)
    assert_array_equal(result.data, wanted)
    assert result.pixeldq[1, 1] == flags.pixel["UNRELIABLE_BIAS"]
    assert result.pixeldq[0, 0] == 1
    assert np.count_nonzero(result.pixeldq) == 2
    assert result.meta.cal_step.superbias == "COMPLETE"
    assert np.isnan(bias.data[6, 4])


def test_missing_values_of_the_zeroframe_stay_zero(small_ramp):
    small_ramp.zeroframe = np.full((1, 6, 8), 50, np.float32)
    small_ramp.zeroframe[0, 2, 3] = 0
    small_ramp.meta.exposure.zero_frame = True
    bias = superbias(6, 8, 3, 5)
    result = SuperBiasStep(override_superbias=bias).run(small_ramp)
    wanted = 50 - bias.data
    wanted[2, 3] = 0
    assert_array_equal(result.zeroframe[0], wanted)


def test_skipped_without_a_reference(small_ramp):
    result = SuperBiasStep(override_superbias="N/A").run(small_ramp)
    assert result.meta.cal_step.superbias == "SKIPPED"
    assert_array_equal(result.data, small_ramp.data)


def test_refuses_a_bias_that_does_not_cover_the_subarray(small_ramp):
    with pytest.raises(ReferenceFileError, match="does not cover"):
        SuperBiasStep(override_superbias=superbias(6, 8, 4, 5)).run(small_ramp)


def test_refuses_an_image():
    from stdatamodels.jwst.datamodels import ImageModel

    with pytest.raises(InputError, match="takes RampModel"):
        SuperBiasStep(override_superbias=superbias()).run(ImageModel((6, 8)))
