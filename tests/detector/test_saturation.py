"""The saturation step: limits, growth, averaged groups, IRS2, refusals."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import SaturationModel, SuperBiasModel, dqflags

from jwst_cal.detector import _irs2
from jwst_cal.detector.saturation import SaturationStep
from jwst_cal.errors import InputError, ReferenceFileError

SATURATED, DNU = dqflags.group["SATURATED"], dqflags.group["DO_NOT_USE"]
AD_FLOOR, NO_SAT_CHECK = dqflags.group["AD_FLOOR"], dqflags.pixel["NO_SAT_CHECK"]


def place(model, like):
    model.meta.subarray.instance.update(like.meta.subarray.instance)
    return model


def limit(ramp, value=50000):
    return place(SaturationModel(data=np.full(ramp.data.shape[2:], value, np.float32)), ramp)


def bias(ramp, value=1000):
    return place(SuperBiasModel(data=np.full(ramp.data.shape[2:], value, np.float32)), ramp)


def run(ramp, **parameters):
    parameters = {"override_saturation": limit(ramp), "override_superbias": "N/A"} | parameters
    return SaturationStep(**parameters).run(ramp)


def test_a_saturated_pixel_and_its_neighbours_are_flagged(small_ramp):
    small_ramp.data[0, 1:, 2, 3] = 51000
    result = run(small_ramp)
    assert (result.groupdq[0, 1:, 1:4, 2:5] == SATURATED).all()
    assert np.count_nonzero(result.groupdq) == 18
    assert result.meta.cal_step.saturation == "COMPLETE"
    assert not small_ramp.groupdq.any()


@pytest.mark.parametrize(("rings", "wanted"), [(-1, 1), (0, 1), (2, 25)])
def test_the_number_of_rings_is_honoured(small_ramp, rings, wanted):
    small_ramp.data[0, 2, 2, 3] = 51000
    result = run(small_ramp, n_pix_grow_sat=rings)
    assert np.count_nonzero(result.groupdq[0, 2]) == wanted


def test_the_floor_of_the_converter_is_not_used(small_ramp):
    small_ramp.data[0, 1, 2, 3] = 0
    result = run(small_ramp)
    assert result.groupdq[0, 1, 2, 3] == AD_FLOOR | DNU
    assert np.count_nonzero(result.groupdq) == 1


def test_pixels_without_limit_are_said_to_be_unchecked(small_ramp):
    small_ramp.data[0, 1:, 2, 3] = 65535
    reference = limit(small_ramp)
    reference.data[2, 3] = np.nan
    reference.dq[0, 0] = NO_SAT_CHECK
    result = run(small_ramp, override_saturation=reference)
    assert not result.groupdq.any()
    assert np.argwhere(result.pixeldq == NO_SAT_CHECK).tolist() == [[0, 0], [2, 3]]
    assert np.isnan(reference.data[2, 3])


def late(ramp):
    """The second group hides a saturation in its last read."""
    ramp.data[:] = 2000
    ramp.data[0, 1:, 2, 3] = 16000, 60000
    ramp.meta.exposure.nframes = 4
    return ramp


@pytest.mark.parametrize(("use", "wanted"), [(True, DNU), (False, 0)])
def test_averaged_groups_that_saturate_late_are_not_used(small_ramp, use, wanted):
    result = run(late(small_ramp), use_readpatt=use, n_pix_grow_sat=0)
    assert result.groupdq[0, :, 2, 3].tolist() == [0, wanted, SATURATED]


def test_the_superbias_tells_a_faint_pixel(small_ramp):
    """A first group of 12000 DN promises saturation by the third, unless most of it is bias."""
    late(small_ramp).data[0, :, 2, 3] += 10000
    assert run(small_ramp).groupdq[0, 1, 2, 3] == 0
    result = run(small_ramp, override_superbias=bias(small_ramp, 11000))
    assert result.groupdq[0, 1, 2, 3] == DNU


def test_the_zeroframe_loses_saturated_values(small_ramp):
    small_ramp.meta.exposure.zero_frame = True
    small_ramp.zeroframe = np.full((1, 6, 8), 90, np.float32)
    small_ramp.zeroframe[0, 0, 0] = 52000
    result = run(small_ramp)
    assert np.argwhere(result.zeroframe[0] == 0).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_without_a_limit_the_step_is_skipped(small_ramp):
    small_ramp.data[0, 1:, 2, 3] = 51000
    result = run(small_ramp, override_saturation="N/A")
    assert result.meta.cal_step.saturation == "SKIPPED"
    assert not result.groupdq.any()


def test_missing_nframes_is_refused_unless_not_needed(small_ramp):
    small_ramp.meta.exposure.nframes = None
    with pytest.raises(InputError, match="NFRAMES=None, at least 1 is needed"):
        run(small_ramp)
    assert run(small_ramp, use_readpatt=False).meta.cal_step.saturation == "COMPLETE"


def test_a_limit_of_another_subarray_is_refused(small_ramp):
    reference = limit(small_ramp)
    reference.meta.subarray.xstart += 5
    with pytest.raises(ReferenceFileError, match="does not cover SUB64"):
        run(small_ramp, override_saturation=reference)


def irs2(ramp_class, detector):
    data = np.full((1, 3, 3200, 2048), 2000, np.float32)
    ramp = ramp_class(data=data)
    meta = ramp.meta
    meta.instrument.name, meta.instrument.detector = "NIRSPEC", detector
    meta.exposure.readpatt, meta.exposure.nframes = "NRSIRS2", 5
    meta.exposure.nrs_normal, meta.exposure.nrs_reference = 16, 4
    meta.subarray.xstart = meta.subarray.ystart = 1
    meta.subarray.xsize = meta.subarray.ysize = 2048
    return ramp


@pytest.mark.parametrize(("detector", "rows"), [("NRS1", [640 + 7, 640 + 12]),
                                                ("NRS2", [2559 - 7, 2559 - 12])])
def test_irs2_flags_jump_over_the_interleaved_rows(detector, rows):
    """Eight rows of the image, four interleaved ones, sixteen of the image..."""
    ramp = irs2(type_of_ramp(), detector)
    between = np.arange(min(rows) + 1, max(rows))
    ramp.data[0, 2, between] = 65000
    ramp.data[0, 2, rows[0], 100] = 65000
    reference = SaturationModel(data=np.full((2048, 2048), 5e4, np.float32))
    place(reference, ramp)
    result = run(ramp, override_saturation=reference)
    flagged = np.argwhere(result.groupdq[0, 2] == SATURATED)
    assert sorted(set(flagged[:, 0])) == sorted([rows[0] + (rows[0] - rows[1]) // 5, *rows])
    assert sorted(set(flagged[:, 1])) == [99, 100, 101]


def type_of_ramp():
    from stdatamodels.jwst.datamodels import RampModel

    return RampModel


def test_irs2_rows():
    rows = _irs2.science_rows(3200, normal=16, reference=4, reverse=False)
    assert len(rows) == 2048
    assert rows[:10].tolist() == [640, 641, 642, 643, 644, 645, 646, 647, 652, 653]
    back = _irs2.science_rows(3200, normal=16, reference=4, reverse=True)
    np.testing.assert_array_equal(back, 3199 - rows[::-1])
    with pytest.raises(ValueError, match="3000 rows where"):
        _irs2.science_rows(3000, normal=16, reference=4, reverse=False)
    with pytest.raises(ValueError, match="not divided evenly"):
        _irs2.science_rows(3200, normal=15, reference=4, reverse=False)
