"""The ipc step: kernels of every form, subarrays, refusals."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import IPCModel

from jwst_cal.detector.ipc import IPCStep
from jwst_cal.errors import InputError, ReferenceFileError

KERNEL = np.array([[0, -0.01, 0], [-0.01, 1.04, -0.01], [0, -0.01, 0]], np.float32)


def run(ramp, kernel):
    return IPCStep(override_ipc=IPCModel(data=kernel)).run(ramp)


def test_crosstalk_is_undone_but_not_on_reference_pixels(small_ramp):
    """The subarray starts at column 3 and row 5: two columns on the left are reference pixels."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(100, 200, small_ramp.data.shape).astype(np.float32)
    small_ramp.data = truth.copy()
    result = run(small_ramp, KERNEL)
    np.testing.assert_array_equal(result.data[..., :2], truth[..., :2])
    neighbours = truth[..., 1:5, 4] + truth[..., 1:5, 6] + truth[..., :4, 5] + truth[..., 2:, 5]
    wanted = 1.04 * truth[..., 1:5, 5] - 0.01 * neighbours
    np.testing.assert_allclose(result.data[..., 1:5, 5], wanted, rtol=1e-6)
    assert result.meta.cal_step.ipc == "COMPLETE"


def test_kernels_of_each_pixel_are_cut(small_ramp):
    kernel = np.zeros((1, 1, 40, 50), np.float32)
    kernel[0, 0] = np.arange(2000).reshape(40, 50)
    result = run(small_ramp, kernel)
    np.testing.assert_array_equal(result.data[0, 0, :, 2:], 100 * kernel[0, 0, 4:10, 4:10])


def test_miri_has_reference_columns_only(small_ramp):
    small_ramp.meta.instrument.name, small_ramp.meta.instrument.detector = "MIRI", "MIRIMAGE"
    small_ramp.meta.subarray.xstart, small_ramp.meta.subarray.ystart = 1, 1
    result = run(small_ramp, np.full((1, 1), 2, np.float32))
    np.testing.assert_array_equal(result.data[..., :4], small_ramp.data[..., :4])
    np.testing.assert_array_equal(result.data[..., 4:], 2 * small_ramp.data[..., 4:])


def test_irs2_leaves_the_interleaved_rows_alone():
    from stdatamodels.jwst.datamodels import RampModel

    ramp = RampModel(data=np.full((1, 1, 3200, 16), 100, np.float32))
    ramp.meta.instrument.name, ramp.meta.instrument.detector = "NIRSPEC", "NRS1"
    ramp.meta.exposure.readpatt = "NRSIRS2RAPID"
    ramp.meta.subarray.xstart = ramp.meta.subarray.ystart = 1
    result = run(ramp, np.full((1, 1), 2, np.float32))
    changed = (result.data[0, 0, :, 8] == 200).nonzero()[0]
    assert len(changed) == 2040
    assert changed[:5].tolist() == [644, 645, 646, 647, 652]


def test_without_a_kernel_the_step_is_skipped(small_ramp):
    result = IPCStep(override_ipc="N/A").run(small_ramp)
    assert result.meta.cal_step.ipc == "SKIPPED"
    np.testing.assert_array_equal(result.data, small_ramp.data)


def test_refuses_a_cube(small_ramp):
    with pytest.raises(ReferenceFileError, match="3 axes where 2 or 4 are needed"):
        run(small_ramp, np.ones((3, 3, 3), np.float32))


def test_refuses_kernels_that_do_not_cover_the_subarray(small_ramp):
    with pytest.raises(ReferenceFileError, match="do not cover SUB64"):
        run(small_ramp, np.ones((3, 3, 8, 8), np.float32))


def test_refuses_an_exposure_without_its_corner(small_ramp):
    small_ramp.meta.subarray.xstart = None
    with pytest.raises(InputError, match="SUBSTRT1 or SUBSTRT2 is missing"):
        run(small_ramp, KERNEL)
