"""The dq_init step: the mask, a user's flags, guide-star modes, refusals."""

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst.datamodels import GuiderRawModel, MaskModel, dqflags

from jwst_cal.detector.dq_init import DQInitStep
from jwst_cal.errors import InputError, ReferenceFileError

DNU, HOT = dqflags.pixel["DO_NOT_USE"], dqflags.pixel["HOT"]


@pytest.fixture
def mask(small_ramp):
    model = MaskModel(dq=np.zeros((6, 8), np.uint32))
    model.meta.subarray.instance.update(small_ramp.meta.subarray.instance)
    model.dq[1, 2], model.dq[3, 4] = DNU | HOT, HOT
    return model


def test_flags_are_added_and_unusable_pixels_reach_every_group(small_ramp, mask):
    small_ramp.pixeldq[3, 4], small_ramp.groupdq[0, 1, 1, 2] = 8, 4
    result = DQInitStep(override_mask=mask).run(small_ramp)
    assert (result.pixeldq[1, 2], result.pixeldq[3, 4]) == (DNU | HOT, HOT | 8)
    assert np.count_nonzero(result.pixeldq) == 2
    assert result.groupdq[0, :, 1, 2].tolist() == [DNU, DNU | 4, DNU]
    assert np.count_nonzero(result.groupdq) == 3
    assert result.groupdq.dtype == np.uint8
    assert result.meta.cal_step.dq_init == "COMPLETE"


def test_a_mask_of_the_full_frame_is_cut(small_ramp):
    whole = MaskModel(dq=np.zeros((2048, 2048), np.uint32))
    whole.meta.subarray.xstart = whole.meta.subarray.ystart = 1
    whole.meta.subarray.xsize = whole.meta.subarray.ysize = 2048
    whole.dq[4 + 5, 2 + 7] = HOT
    result = DQInitStep(override_mask=whole).run(small_ramp)
    assert np.argwhere(result.pixeldq).tolist() == [[5, 7]]


def test_flags_of_the_user_are_added(small_ramp, mask, tmp_path):
    given = np.zeros((6, 8), np.int32)
    given[5, 7] = DNU
    fits.writeto(tmp_path / "mine.fits", given)
    step = DQInitStep(override_mask=mask, user_supplied_dq=str(tmp_path / "mine.fits"))
    result = step.run(small_ramp)
    assert result.pixeldq[5, 7] == DNU
    assert (result.groupdq[0, :, 5, 7] == DNU).all()
    assert result.pixeldq[3, 4] == HOT
    assert not mask.dq[5, 7]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (np.zeros((6, 7), np.int32), r"int32 array of shape \(6, 7\) where"),
        (np.full((6, 8), 0.5, np.float32), "float32 array of shape"),
        (np.full((6, 8), np.nan), "float64 array of shape"),
        (np.full((6, 8), -1.0), "float64 array of shape"),
        (b"no image", "no FITS image"),
        (None, "no such file"),
    ],
    ids=["narrow flags", "fractions", "not a number", "negative", "no FITS file", "no file"],
)
def test_refuses_flags_of_the_user(small_ramp, mask, tmp_path, content, message):
    path = tmp_path / "mine.fits"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        fits.writeto(path, content)
    with pytest.raises(InputError, match=f"mine.fits.*{message}"):
        DQInitStep(override_mask=mask, user_supplied_dq=str(path)).run(small_ramp)


def test_refuses_a_mask_of_another_subarray(small_ramp, mask):
    mask.meta.subarray.ystart += 1
    with pytest.raises(ReferenceFileError, match="does not cover SUB64"):
        DQInitStep(override_mask=mask).run(small_ramp)


def test_without_a_mask_the_step_is_skipped(small_ramp):
    result = DQInitStep(override_mask="N/A").run(small_ramp)
    assert result.meta.cal_step.dq_init == "SKIPPED"


def test_guide_star_exposures_have_their_flags_in_dq(mask):
    guider = GuiderRawModel(data=np.ones((2, 3, 6, 8), np.float32))
    guider.meta.instrument.name, guider.meta.exposure.type = "FGS", "FGS_TRACK"
    guider.meta.subarray.instance.update(mask.meta.subarray.instance)
    result = DQInitStep(override_mask=mask).run(guider)
    np.testing.assert_array_equal(result.dq, mask.dq)
    assert result.meta.cal_step.dq_init == "COMPLETE"
