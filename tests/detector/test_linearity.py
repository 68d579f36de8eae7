"""Linearity: known truth through the step, flags, read-level correction and its differences."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst.datamodels import LinearityModel

from jwst_cal import flags
from jwst_cal.detector import _linearity
from jwst_cal.detector.linearity import LinearityStep

#: measured = linear - LOSS * linear^2, whose inverse has Catalan's numbers as coefficients.
LOSS = 2e-6
CATALAN = (1, 1, 2, 5, 14, 42, 132, 429, 1430)


def measure(linear):
    return linear - LOSS * linear**2


def reference(inverse=False, shape=(6, 8)):
    """The polynomial that undoes LOSS."""
    fit = np.array([0] + [number * LOSS**k for k, number in enumerate(CATALAN)])
    model = LinearityModel(coeffs=np.tile(fit[:, None, None], (1, *shape)).astype(np.float32))
    model.dq = np.zeros(shape, np.uint32)
    if inverse:
        back = np.array([0, 1, -LOSS])
        model.inv_coeffs = np.tile(back[:, None, None], (1, *shape)).astype(np.float32)
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = 3, 5, shape[1], shape[0]
    return model


def averaged(ramp, nframes, groupgap, n_groups=6, rate=300.0):
    """Give a ramp groups that average several reads; return their linear means."""
    reads = _linearity.read_positions(n_groups, frames_per_group=nframes, group_gap=groupgap)
    linear = rate * reads * np.ones((6, 8, 1, 1))
    data = measure(linear).mean(axis=-1)
    ramp.data = np.moveaxis(data, -1, 0)[None].astype(np.float32)
    ramp.groupdq = np.zeros(ramp.data.shape, np.uint8)
    exposure = ramp.meta.exposure
    exposure.ngroups, exposure.nframes, exposure.groupgap = n_groups, nframes, groupgap
    return np.moveaxis(linear.mean(axis=-1), -1, 0)[None]


def test_recovers_the_counts_before_the_loss(small_ramp):
    linear = np.array([1e4, 2e4, 4e4])[:, None, None] * np.ones((1, 1, 6, 8))
    small_ramp.data = measure(linear).astype(np.float32)
    model = reference()
    model.coeffs[3, 1, 2] = np.nan
    model.dq[4, 5] = flags.pixel["NONLINEAR"]
    small_ramp.groupdq[0, 2, 0, 0] = flags.group["SATURATED"]
    before = small_ramp.data.copy()
    result = LinearityStep(override_linearity=model).run(small_ramp)
    wanted = linear.copy()
    wanted[:, :, 1, 2] = before[:, :, 1, 2]
    wanted[0, 2, 0, 0] = before[0, 2, 0, 0]
    assert_allclose(result.data, wanted, rtol=1e-5)
    assert result.pixeldq[1, 2] == flags.pixel["NO_LIN_CORR"]
    assert result.pixeldq[4, 5] == flags.pixel["NONLINEAR"]
    assert result.meta.cal_step.linearity == "COMPLETE"
    assert np.isnan(model.coeffs[3, 1, 2])


def test_zeroframe_is_linearised(small_ramp):
    small_ramp.zeroframe = np.full((1, 6, 8), measure(1e4), np.float32)
    small_ramp.zeroframe[0, 1, 1] = 0
    small_ramp.meta.exposure.zero_frame = True
    result = LinearityStep(override_linearity=reference()).run(small_ramp)
    wanted = np.full((1, 6, 8), 1e4)
    wanted[0, 1, 1] = 0
    assert_allclose(result.zeroframe, wanted, rtol=1e-5)


@pytest.mark.parametrize(("nframes", "groupgap"), [(4, 0), (4, 1), (8, 12)])
def test_reads_of_a_group_are_corrected_one_by_one(nframes, groupgap, small_ramp):
    wanted = averaged(small_ramp, nframes, groupgap, rate=40000 / (6 * (nframes + groupgap)))
    plain = LinearityStep(override_linearity=reference()).run(small_ramp).data
    by_read = LinearityStep(override_linearity=reference(inverse=True)).run(small_ramp).data
    assert np.abs(by_read - wanted).max() < np.abs(plain - wanted).max() / 5


def test_reads_dropped_between_groups_count():
    """In jwst 3.0.0 they do not: there its read-level correction is worse than none for DEEP8."""
    ours = _linearity.read_positions(3, frames_per_group=8, group_gap=12)
    assert_array_equal(ours[:, 0], [1, 21, 41])
    theirs = _linearity.read_positions(3, frames_per_group=8, group_gap=0)
    assert_array_equal(theirs[:, 0], [1, 9, 17])

    def error(gap):
        linear = 300.0 * _linearity.read_positions(6, frames_per_group=8, group_gap=12)
        data = measure(linear).mean(axis=1).astype(np.float32).reshape(1, 6, 1, 1)
        model = reference(inverse=True, shape=(1, 1))
        pixeldq = np.zeros((1, 1), np.uint32)
        _linearity.linearise(
            data, np.zeros(data.shape, np.uint8), pixeldq, coeffs=model.coeffs, dq=model.dq,
            inverse=model.inv_coeffs if gap is not None else None, frames_per_group=8,
            group_gap=gap or 0, saturated=2, no_correction=1 << 20)
        return np.abs(data[0, :, 0, 0] - linear.mean(axis=1)).max()

    plain, official, ours = error(None), error(0), error(12)
    assert ours < plain / 5
    assert official > plain


def test_a_single_averaged_group_is_corrected_as_a_whole(small_ramp):
    """In jwst 3.0.0 this ends in an IndexError."""
    wanted = averaged(small_ramp, 4, 0, n_groups=1)
    result = LinearityStep(override_linearity=reference(inverse=True)).run(small_ramp)
    assert_allclose(result.data, wanted, rtol=1e-3)


def test_reads_with_times_of_their_own_are_not_corrected_one_by_one(small_ramp):
    averaged(small_ramp, 4, 0)
    plain = LinearityStep(override_linearity=reference()).run(small_ramp).data
    small_ramp.meta.exposure.read_times = [[1.0, 2.0]]
    result = LinearityStep(override_linearity=reference(inverse=True)).run(small_ramp)
    assert_array_equal(result.data, plain)


def test_skipped_without_a_reference(small_ramp):
    result = LinearityStep(override_linearity="N/A").run(small_ramp)
    assert result.meta.cal_step.linearity == "SKIPPED"
