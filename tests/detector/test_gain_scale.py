"""Gain scale: values, errors and variances of both products."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from stdatamodels.jwst.datamodels import CubeModel, GainModel, ImageModel

from jwst_cal.detector.gain_scale import GainScaleStep


@pytest.fixture(params=[ImageModel, CubeModel])
def rate(request):
    shape = (6, 8) if request.param is ImageModel else (2, 6, 8)
    model = request.param(data=np.full(shape, 3, np.float32))
    model.err = np.full(shape, 0.5, np.float32)
    model.var_poisson = np.full(shape, 0.25, np.float32)
    model.var_rnoise = np.full(shape, 0.125, np.float32)
    return model


def gain(factor=None):
    model = GainModel(data=np.ones((6, 8), np.float32))
    model.meta.exposure.gain_factor = factor
    return model


@pytest.mark.parametrize("where", ["exposure", "reference"])
def test_scales_by_the_factor_and_variances_by_its_square(where, rate):
    rate.meta.exposure.gain_factor = 2.0 if where == "exposure" else None
    result = GainScaleStep(override_gain=gain(2.0 if where == "reference" else 5.0)).run(rate)
    for name, value in [("data", 6), ("err", 1), ("var_poisson", 1), ("var_rnoise", 0.5)]:
        assert_array_equal(getattr(result, name), np.full(rate.data.shape, value, np.float32))
    assert result.meta.exposure.gain_factor == 2.0
    assert result.meta.cal_step.gain_scale == "COMPLETE"
    assert rate.data.max() == 3


@pytest.mark.parametrize("override", ["N/A", gain()])
def test_skipped_without_a_factor(override, rate):
    result = GainScaleStep(override_gain=override).run(rate)
    assert result.meta.cal_step.gain_scale == "SKIPPED"
    assert_array_equal(result.data, rate.data)


def test_a_product_without_variances_is_scaled():
    rate = ImageModel(data=np.ones((6, 8), np.float32))
    rate.meta.exposure.gain_factor = 4.0
    assert np.all(GainScaleStep(override_gain="N/A").run(rate).data == 4)
