"""The picture_frame step: a known glow is removed from ramps and rates; refusals."""

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal.detector import _picture_frame
from jwst_cal.detector.picture_frame import PictureFrameStep
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.pipelines import Detector1Pipeline

AWAY = np.abs(np.linspace(-1, 1, 2048, dtype=np.float32))
GLOW = 0.05 * np.maximum(AWAY[:, None], AWAY) ** 4
NAME = "jw00001001001_02101_00001_nrs1_rate.fits"


def described(model, subarray="FULL", instrument="NIRSPEC"):
    meta = model.meta
    meta.instrument.name, meta.instrument.detector = instrument, "NRS1"
    meta.exposure.type, meta.exposure.readpatt = "NRS_FIXEDSLIT", "NRSRAPID"
    meta.exposure.nframes, meta.exposure.groupgap, meta.exposure.drop_frames1 = 1, 0, 0
    meta.exposure.frame_time = meta.exposure.group_time = 10.0
    if model.data.ndim == 4:
        meta.exposure.nints, meta.exposure.ngroups = model.data.shape[:2]
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.subarray.name, meta.subarray.fastaxis, meta.subarray.slowaxis = subarray, 2, 1
    meta.subarray.xstart = meta.subarray.ystart = 1
    meta.subarray.ysize, meta.subarray.xsize = model.data.shape[-2:]
    meta.filename = NAME
    return model


def noise(shape=(2048, 2048)):
    return np.random.default_rng(3).normal(0, 0.05, shape).astype(np.float32)


def run(model, frame=GLOW, **parameters):
    reference = frame if isinstance(frame, str) else datamodels.PictureFrameModel(data=frame)
    parameters = {"override_pictureframe": reference, "mask_science_regions": False,
                  "skip": False} | parameters
    shape = model.data.shape[-2:]
    fit = {"override_gain": datamodels.GainModel(data=np.full(shape, 2, np.float32)),
           "override_readnoise": datamodels.ReadnoiseModel(data=np.full(shape, 1, np.float32))}
    for made in fit.values():
        made.meta.subarray.xstart = made.meta.subarray.ystart = 1
    pipeline = Detector1Pipeline(steps={"ramp_fit": fit, "picture_frame": parameters})
    return pipeline.picture_frame.run(model)


def border(image):
    """Mean of the border over that of the middle."""
    return np.nanmean(image[8:40, 8:-8]) - np.nanmean(image[900:1100, 900:1100])


def test_off_by_default():
    assert PictureFrameStep().skip


def test_glow_and_level_of_a_rate_are_removed():
    model = described(datamodels.ImageModel(data=noise() + 2 * GLOW + 0.4))
    model.data[600:700, 500:1500] += 3
    model.data[9, 9] = np.nan
    before = border(model.data)
    result = run(model, n_sigma=6.0)
    assert before > 0.07
    assert abs(border(result.data)) < 0.01
    assert np.nanmean(result.data[900:1100, 900:1100]) == pytest.approx(0, abs=0.01)
    assert np.mean(result.data[600:700, 500:1500]) == pytest.approx(3, abs=0.02)
    assert result.meta.cal_step.picture_frame == "COMPLETE"
    assert np.isnan(result.data[9, 9])


def test_each_integration_has_its_own_scale(tmp_path):
    cube = np.stack([noise() + 1.5 * GLOW, noise() - 2 * GLOW + 1])
    result = run(described(datamodels.CubeModel(data=cube.copy())), save_correction=True,
                 save_mask=True, output_dir=str(tmp_path))
    assert [abs(border(image)) < 0.01 for image in result.data] == [True, True]
    correction = fits.getdata(tmp_path / NAME.replace("rate", "pctfrm_correction"))
    np.testing.assert_array_equal(cube + correction, result.data)
    mask = fits.getdata(tmp_path / NAME.replace("rate", "pctfrm_mask"))
    assert mask.shape == (2048, 2048)
    assert 0.8 < mask.mean() < 1


def test_of_a_ramp_what_comes_after_the_first_group_is_corrected():
    groups = np.arange(3, dtype=np.float32)[:, None, None]
    data = 1000 + noise((1, 3, 2048, 2048)) + groups * (200 * GLOW + 2)
    model = described(datamodels.RampModel(data=data.copy()))
    model.groupdq = np.zeros(data.shape, np.uint8)
    result = run(model)
    np.testing.assert_array_equal(result.data[0, 0], data[0, 0])
    above = result.data[0, 1:] - result.data[0, 0]
    assert [abs(border(image)) < 0.05 for image in above] == [True, True]
    assert np.abs(np.median(above, axis=(1, 2))).max() < 0.05


def test_regions_leave_the_reference_pixels_and_the_rest_out():
    centre, edge = _picture_frame.regions_of(np.ones((2048, 2048), bool))
    rows, cols = np.nonzero(centre)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (76, 1983, 76, 1983)
    assert centre.sum() == 1908**2
    assert edge.sum() == 2039**2 - 1910**2
    assert not edge[:4].any()
    assert not edge[:, 2043:].any()
    assert not (centre & edge).any()


def test_scales_of_a_ramp():
    """The first group has none; NaN in a group is left out of the median."""
    rng = np.random.default_rng(1)
    data = np.zeros((2, 3, 2048, 2048), np.float32)
    scale = np.array([[0, 3, -4], [0, 50, 0.5]], np.float32)
    for at in np.ndindex(2, 3):
        data[at] = scale[at] * GLOW + rng.uniform(-5, 5)
    data[1, 2, 100, 100] = np.nan
    found = _picture_frame.subtract(data, GLOW,
                                    _picture_frame.regions_of(np.ones((2048, 2048), bool)))
    np.testing.assert_allclose(found, scale, rtol=1e-3)


@pytest.mark.parametrize(("change", "reason"), [
    ({"frame": "N/A"}, "no PICTUREFRAME reference"),
    ({"subarray": "SUB2048"}, "only full frames of NIRSpec"),
    ({"instrument": "NIRCAM"}, "only full frames of NIRSpec"),
    ({"groups": 1}, "a single group has no rate"),
    ({"empty": slice(76, 1984)}, "no background is left"),
])
def test_skipped(change, reason, caplog):
    about = {k: v for k, v in change.items() if k in ("subarray", "instrument")}
    if "groups" in change:
        model = datamodels.RampModel(data=np.ones((1, 1, 2048, 2048), np.float32))
    else:
        model = datamodels.ImageModel(data=noise())
        if "empty" in change:
            model.data[change["empty"], change["empty"]] = np.nan
    before = model.data.copy()
    result = run(described(model, **about), **{k: v for k, v in change.items() if k == "frame"})
    assert result.meta.cal_step.picture_frame == "SKIPPED"
    np.testing.assert_array_equal(result.data, before)
    assert reason in caplog.text


def test_refusals():
    small = described(datamodels.ImageModel(data=noise((64, 64))))
    with pytest.raises(InputError, match=r"rate\.fits: shape \(64, 64\) where \(2048, 2048\)"):
        run(small)
    whole = described(datamodels.ImageModel(data=noise()))
    with pytest.raises(ReferenceFileError, match=r"PictureFrameModel: shape \(64, 64\) where"):
        run(whole, GLOW[:64, :64])
    with pytest.raises(ReferenceFileError, match="no DISPERSER reference file, which NRS_F"):
        run(whole, mask_science_regions=True)
