"""Background: the mean, clipping, subarrays, what is refused."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal.background import _average
from jwst_cal.background.bkg_subtract import BackgroundStep
from jwst_cal.errors import InputError
from tests import images, soss


def flat_image(value, seed=1, **options):
    model = images.image(seed=seed, **options)
    model.data[:], model.err[:], model.dq[:] = value, 0.2, 0
    return model


def test_the_mean_is_subtracted_and_the_flags_are_joined():
    science, backgrounds = flat_image(10), [flat_image(1, 2), flat_image(3, 3)]
    backgrounds[1].dq[4, 5] = 8
    result = BackgroundStep().run(science, backgrounds)
    assert_array_equal(result.data, np.full_like(science.data, 8))
    assert_array_equal(result.err, science.err)
    assert result.dq[4, 5] == 8
    assert result.meta.cal_step.bkg_subtract == "COMPLETE"
    assert science.data.max() == 10


def test_a_source_in_one_background_is_clipped():
    backgrounds = [flat_image(1 + 0.01 * k, k + 2) for k in range(6)]
    backgrounds[3].data[10, 20] = 500
    result = BackgroundStep(sigma=2.0).run(flat_image(10), backgrounds)
    assert result.data[10, 20] == pytest.approx(10 - 1.025, abs=0.01)


def test_integrations_are_clipped_first():
    background = flat_image(2, 2, n_ints=6)
    background.data[2, 10, 20] = 900
    result = BackgroundStep(sigma=2.0).run(flat_image(10, n_ints=3), [background])
    assert_array_equal(result.data, np.full((3, 96, 128), 8, np.float32))


def test_nan_does_not_count():
    backgrounds = [flat_image(1, 2), flat_image(3, 3)]
    backgrounds[0].data[7, 8] = np.nan
    assert BackgroundStep().run(flat_image(10), backgrounds).data[7, 8] == 7


def test_the_mean_is_saved_on_request(tmp_path):
    science = flat_image(10)
    BackgroundStep(save_combined_background=True, output_dir=str(tmp_path)).run(
        science, [flat_image(1, 2), flat_image(3, 3)])
    (path,) = tmp_path.iterdir()
    assert path.name == science.meta.filename.replace("rate", "combinedbackground")
    with datamodels.open(path) as model:
        assert_array_equal(model.data, 2)
        assert_allclose(model.err, np.sqrt(2) * 0.2 / 2, rtol=1e-6)


@pytest.mark.parametrize("form", ["list", "commas", "parameter", "association"])
def test_ways_of_giving_backgrounds(form, tmp_path):
    from jwst_cal.associations import io

    names = []
    for number, value in enumerate((10, 1, 3), 1):
        model = flat_image(value, number)
        model.save(tmp_path / model.meta.filename)
        names.append(str(tmp_path / model.meta.filename))
    science, backgrounds = names[0], names[1:]
    if form == "list":
        result = BackgroundStep().run(science, backgrounds)
    elif form == "commas":
        result = BackgroundStep().run(science, ",".join(backgrounds) + ",")
    elif form == "parameter":
        result = BackgroundStep(bkg_list=backgrounds).run(science)
    else:
        roles = ["science", "background", "background"]
        members = [{"expname": name, "exptype": role}
                   for name, role in zip(names, roles, strict=True)]
        io.write({"products": [{"name": "p", "members": members}]}, tmp_path / "a.json")
        result = BackgroundStep().run(str(tmp_path / "a.json"))
    assert_array_equal(result.data, np.full((96, 128), 8, np.float32))


def test_skipped_without_backgrounds():
    result = BackgroundStep().run(flat_image(10))
    assert result.meta.cal_step.bkg_subtract == "SKIPPED"


def test_skipped_where_the_grating_wheel_moved(caplog):
    science, background = flat_image(10), flat_image(1, 2)
    for model, tilt in ((science, 0.1), (background, 0.2)):
        model.meta.instrument.name, model.meta.instrument.detector = "NIRSPEC", "NRS1"
        model.meta.instrument.gwa_xtilt, model.meta.instrument.gwa_ytilt = tilt, 0.3
    result = BackgroundStep().run(science, [background])
    assert result.meta.cal_step.bkg_subtract == "SKIPPED"
    assert "gwa_xtilt=0.2" in caplog.text


def test_a_background_of_another_detector():
    background = flat_image(1, 2)
    background.meta.instrument.detector = "NRCB1"
    with pytest.raises(InputError, match=r"background of NIRCAM NRCB1 for .* NIRCAM NRCA1"):
        BackgroundStep().run(flat_image(10), [background])


def test_an_image_for_integrations():
    with pytest.raises(InputError, match="give its _rateints product"):
        BackgroundStep().run(flat_image(10, n_ints=2), [flat_image(1, 2)])


def test_integrations_for_an_image():
    with pytest.raises(InputError, match="integrations where the exposure is one image; give its"):
        BackgroundStep().run(flat_image(10), [flat_image(1, n_ints=2)])


def test_a_background_without_count_rates(tmp_path):
    from astropy.io import fits

    flat_image(1).save(tmp_path / "x_rate.fits")
    with fits.open(tmp_path / "x_rate.fits") as file:
        del file["SCI"]
        file.writeto(tmp_path / "y_rate.fits")
    with pytest.raises(InputError, match=r"y_rate.fits: no count rates \(SCI, ERR\); this is Im"):
        BackgroundStep().run(flat_image(10), [str(tmp_path / "y_rate.fits")])
    ramp = datamodels.RampModel((1, 2, 96, 128))
    ramp.update(flat_image(1))
    with pytest.raises(InputError, match=r"no count rates \(SCI, ERR\); this is RampModel"):
        BackgroundStep().run(flat_image(10), [ramp])


@pytest.mark.parametrize("n_pixels", [5, 96 * 128])
def test_pixels_without_a_background_are_told(n_pixels, caplog):
    caplog.set_level("INFO")
    background = flat_image(1)
    background.data.reshape(-1)[:n_pixels] = np.nan
    result = BackgroundStep().run(flat_image(10), [background])
    assert np.count_nonzero(result.data == 10) == n_pixels
    assert f"; {n_pixels} pixels, of which it has no value, stay" in caplog.text
    assert ("nothing was subtracted" in caplog.text) == (n_pixels == background.data.size)


def test_a_missing_background(tmp_path):
    with pytest.raises(InputError, match=r"nowhere_rate\.fits"):
        BackgroundStep().run(flat_image(10), [str(tmp_path / "nowhere_rate.fits")])


def test_a_mode_with_a_background_reference():
    science = flat_image(10)
    science.meta.exposure.type = "NRC_WFSS"
    with pytest.raises(InputError, match="EXP_TYPE=NRC_WFSS"):
        BackgroundStep().run(science, [flat_image(1, 2)])


def test_clipped_mean_beside_astropy():
    from astropy.stats import sigma_clip

    rng = np.random.default_rng(1)
    values = rng.standard_t(2, (9, 150, 7))
    values[rng.random(values.shape) < 0.1] = np.nan
    clipped = sigma_clip(np.ma.masked_invalid(values), sigma=2.0, maxiters=None, axis=0)
    mean, total, count = _average.clipped_mean(values, np.ones_like(values), sigma=2.0)
    assert_allclose(mean, clipped.mean(axis=0).filled(0))
    assert_array_equal(count, clipped.count(axis=0))
    assert_array_equal(total, count)


def test_onto_a_cut_that_shares_nothing():
    assert _average.onto((0, 0, 4, 4), (4, 0, 4, 4), np.ones((4, 4))) is None


# the sky of NIRISS SOSS -------------------------------------------------------------------------


def soss_exposure(shape=(256, 2048), n_ints=None, spectrum=True):
    rng = np.random.default_rng(4)
    kind = datamodels.ImageModel if n_ints is None else datamodels.CubeModel
    shape = shape if n_ints is None else (n_ints, *shape)
    clean = np.broadcast_to(soss.scene(0, shape[-2:]) if spectrum else 5, shape)
    model = kind(data=(clean + rng.normal(0, 0.02, shape)).astype(np.float32),
                 dq=np.zeros(shape, np.uint32), err=np.ones(shape, np.float32))
    meta = model.meta
    meta.telescope, meta.instrument.name, meta.instrument.detector = "JWST", "NIRISS", "NIS"
    meta.exposure.type, meta.filename = "NIS_SOSS", "jw00001001001_04101_00001_nis_rate.fits"
    meta.observation.date, meta.observation.time = "2026-01-02", "00:00:00.000"
    return model


def subtract_sky(model, templates=None, **parameters):
    templates = soss.templates() if templates is None else templates
    return BackgroundStep.call(model, override_bkg=datamodels.SossBkgModel(data=templates),
                               **parameters)


def sky_of(shape):
    left = np.arange(2048) <= 700
    sky = soss.templates()[1] * np.where(left, 1.1, 0.98)
    return sky if shape[0] == 256 else sky[10:106]


@pytest.mark.parametrize(("shape", "n_ints"), [
    ((256, 2048), None), ((256, 2048), 2), ((96, 2048), 2)])
def test_the_sky_of_soss_is_a_template_scaled_on_either_side_of_its_step(shape, n_ints, caplog):
    model = soss_exposure(shape, n_ints)
    before = model.data.copy()
    result = subtract_sky(model)
    assert result.meta.cal_step.bkg_subtract == "COMPLETE"
    assert "Template 2 of 3 subtracted" in caplog.text
    columns = np.r_[:680, 720:2048]  # but for those of the step
    taken_off = (model.data - result.data)[..., columns]
    assert_allclose(taken_off, np.broadcast_to(sky_of(shape), model.data.shape)[..., columns],
                    rtol=0.02)
    assert_array_equal(model.data, before)
    assert_array_equal(result.err, model.err)


def test_flagged_pixels_do_not_tell_the_sky():
    model = soss_exposure()
    clean = subtract_sky(model).data
    model.data[::2, ::2], model.dq[::2, ::2] = 0.01, 1
    assert_allclose(subtract_sky(model).data[1::2, 1::2], clean[1::2, 1::2], atol=0.02)


def test_percentiles_choose_the_pixels(caplog):
    """A patch, one tenth of all pixels, is fainter than the sky."""
    model = soss_exposure(spectrum=False)
    model.data[:26] -= 4
    deep = subtract_sky(model, soss_source_percentile=8.0).data
    usual = subtract_sky(model, soss_source_percentile=90.0, soss_bkg_percentile=[40, 60]).data
    assert np.median(deep[:26]) == pytest.approx(0, abs=0.1)
    assert np.median(usual[100:]) == pytest.approx(0, abs=0.4)
    assert np.median(deep[100:]) > 3


@pytest.mark.parametrize(("shape", "templates", "reason"), [
    ((256, 700), None, r"templates of 256 x 2048 pixels, the exposure 256 x 700"),
    ((256, 2048), np.ones((1, 96, 2048), np.float32), r"of 96 x 2048 pixels, the exposure 256"),
    ((256, 2048), np.zeros((2, 256, 2048), np.float32), "no template of the sky can be scaled"),
])
def test_skies_that_do_not_fit_are_not_subtracted(shape, templates, reason, caplog):
    model = soss_exposure(shape, spectrum=shape[1] == 2048)
    result = subtract_sky(model, templates)
    assert result.meta.cal_step.bkg_subtract == "SKIPPED"
    assert_array_equal(result.data, model.data)
    assert re.search(reason, caplog.text)


def test_an_exposure_without_values_has_no_sky(caplog):
    model = soss_exposure()
    model.dq[:] = 1
    assert subtract_sky(model).meta.cal_step.bkg_subtract == "SKIPPED"
    assert "no template of the sky can be scaled" in caplog.text


def test_without_a_reference_the_sky_stays(caplog):
    result = BackgroundStep.call(soss_exposure(), override_bkg="N/A")
    assert result.meta.cal_step.bkg_subtract == "SKIPPED"
    assert "there is no BKG reference file" in caplog.text
