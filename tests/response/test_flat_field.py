"""Flat field: arithmetic, flags, what is not usable, undoing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst.datamodels import FlatModel, GuiderCalModel

from jwst_cal import flags
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.response.flat_field import FlatFieldStep
from tests import images

SHAPE = (96, 128)


def flat(value=2.0, err=0.1, shape=SHAPE, corner=images.CORNER):
    model = FlatModel(data=np.full(shape, value, np.float32))
    model.err = np.full(shape, err, np.float32)
    model.dq = np.zeros(shape, np.uint32)
    sub = model.meta.subarray
    sub.xstart, sub.ystart = corner
    sub.ysize, sub.xsize = shape
    return model


def run(science, model, **parameters):
    others = {f"override_{kind}": "N/A" for kind in ("fflat", "sflat", "dflat")}
    return FlatFieldStep(override_flat=model, **others, **parameters).run(science)


@pytest.mark.parametrize("n_ints", [None, 3])
def test_values_and_errors(n_ints):
    science = images.image(n_ints=n_ints)
    science.dq[:] = 0
    science.data[:], science.var_poisson[:], science.var_rnoise[:] = 8.0, 4.0, 12.0
    result = run(science, flat())
    assert_array_equal(result.data, np.full_like(science.data, 4))
    assert_array_equal(result.var_poisson, np.full_like(science.data, 1))
    assert_array_equal(result.var_rnoise, np.full_like(science.data, 3))
    assert_allclose(result.var_flat, 16 / 4 * 0.01, rtol=1e-6)
    assert_allclose(result.err, np.sqrt(4.04), rtol=1e-6)
    assert science.data.max() == 8


@pytest.mark.parametrize(("value", "bit"), [(np.nan, None), (0.0, None), (3.0, "NO_FLAT_FIELD"),
                                            (3.0, "DO_NOT_USE")])
def test_unusable_pixels_of_the_flat(value, bit):
    model = flat()
    model.data[5, 7] = value
    model.dq[5, 7] = 0 if bit is None else flags.pixel[bit]
    science = images.image()
    science.dq[5, 7] = 0
    result = run(science, model)
    assert np.isnan(result.data[5, 7])
    assert np.isnan(result.err[5, 7])
    assert result.dq[5, 7] & flags.pixel["DO_NOT_USE"]
    assert bool(result.dq[5, 7] & flags.pixel["NO_FLAT_FIELD"]) == (bit != "DO_NOT_USE")


def test_flags_of_the_flat_are_joined():
    model = flat()
    model.dq[:] = flags.pixel["UNRELIABLE_FLAT"]
    science = images.image()
    result = run(science, model)
    assert_array_equal(result.dq & flags.pixel["JUMP_DET"], science.dq & flags.pixel["JUMP_DET"])
    assert (result.dq & flags.pixel["UNRELIABLE_FLAT"]).all()


def test_nan_and_do_not_use_say_the_same():
    result = run(images.image(), flat())
    bad = (result.dq & flags.pixel["DO_NOT_USE"]) != 0
    assert 0 < bad.sum() < bad.size
    for name in ("data", "err", "var_poisson", "var_rnoise", "var_flat"):
        assert_array_equal(np.isnan(getattr(result, name)), bad)


def test_a_larger_flat_is_cut():
    model = flat(shape=(256, 288), corner=(1, 1))
    model.data[:] = np.arange(288)[None, :] + 1000 * np.arange(256)[:, None] + 1
    science = images.image()
    science.data[:], science.dq[:] = 1.0, 0
    x, y = images.CORNER
    assert run(science, model).data[3, 4] == pytest.approx(
        1 / (x - 1 + 4 + 1000 * (y - 1 + 3) + 1), rel=1e-6)


def test_undone():
    science = images.image()
    back = run(run(science, flat()), flat(), inverse=True)
    good = ~np.isnan(back.data)
    assert_allclose(back.data[good], science.data[good], rtol=1e-6)
    assert_array_equal(back.var_flat[good], 0)


def test_flat_of_the_user(tmp_path):
    model = flat(4.0)
    model.meta.filename = "mine.fits"
    model.save(tmp_path / "mine.fits")
    science = images.image()
    result = run(science, "N/A", user_supplied_flat=str(tmp_path / "mine.fits"))
    assert np.nanmedian(result.data) == pytest.approx(np.nanmedian(science.data) / 4, rel=0.01)
    assert result.meta.ref_file.flat.name == "mine.fits"


def test_the_flat_applied_is_saved_on_request(tmp_path):
    science = images.image()
    run(science, flat(), save_interpolated_flat=True, output_dir=str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == [
        science.meta.filename.replace("rate", "interpolatedflat")]


def test_guider_products_have_errors_only():
    data = np.full((2, 8, 8), 6.0, np.float32)
    model = GuiderCalModel(data=data)
    model.err, model.dq = np.full_like(data, 2), np.zeros((8, 8), np.uint32)
    model.meta.instrument.name, model.meta.exposure.type = "FGS", "FGS_TRACK"
    model.meta.subarray.xstart = model.meta.subarray.ystart = 1
    result = run(model, flat(shape=(8, 8), corner=(1, 1)))
    assert_array_equal(result.data, 3)
    assert_allclose(result.err, np.sqrt(4 + 9 / 4 * 0.01), rtol=1e-6)


@pytest.mark.parametrize("why", ["no flat", "smaller", "extract_2d", "NIRSpec dark"])
def test_skipped(why, caplog):
    science, model = images.image(), flat()
    if why == "smaller":
        model = flat(shape=(8, 8))
    if why == "extract_2d":
        science.meta.cal_step.extract_2d = "COMPLETE"
    if why == "NIRSpec dark":
        science.meta.instrument.name, science.meta.exposure.type = "NIRSPEC", "NRS_DARK"
    result = run(science, "N/A" if why == "no flat" else model)
    assert result.meta.cal_step.flat_field == "SKIPPED"
    assert_array_equal(result.data, science.data)
    assert "Step FlatFieldStep skipped" in caplog.text


def test_nirspec_spectra_are_refused():
    science = images.image()
    science.meta.instrument.name, science.meta.exposure.type = "NIRSPEC", "NRS_IFU"
    with pytest.raises(InputError, match="EXP_TYPE=NRS_IFU"):
        run(science, flat())


def test_a_flat_of_another_place(tmp_path):
    model = flat(shape=(200, 200), corner=(1001, 1001))
    with pytest.raises(ReferenceFileError, match="does not cover"):
        run(images.image(), model)


def test_flat_of_the_user_is_recorded_by_its_base_name(tmp_path):
    mine = tmp_path / "mine.fits"
    flat(4.0).save(mine)
    result = FlatFieldStep(user_supplied_flat=str(mine), override_flat=flat(2.0)).run(
        images.image())
    assert result.meta.ref_file.flat.name == "mine.fits"
    good = np.isfinite(result.data)
    assert_array_equal(result.data[good], images.image().data[good] / 4)


def test_missing_flat_of_the_user_is_named():
    step = FlatFieldStep(user_supplied_flat="none.fits")
    with pytest.raises(ReferenceFileError, match=r"none.fits: the reference file does not exist"):
        step.run(images.image())


def test_open_flat_keeps_its_name_when_the_applied_one_is_saved(tmp_path):
    model = flat(shape=images.image().shape)
    model.meta.filename = "held.fits"
    run(images.image(), model, save_interpolated_flat=True, output_dir=str(tmp_path))
    assert model.meta.filename == "held.fits"
    (saved,) = tmp_path.iterdir()
    assert saved.name.endswith("_interpolatedflat.fits")
