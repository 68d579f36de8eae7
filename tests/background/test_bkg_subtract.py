"""Background: the mean, clipping, subarrays, what is refused."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.background import _average
from jwst_cal.background.bkg_subtract import BackgroundStep
from jwst_cal.errors import InputError
from tests import images


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
    from stdatamodels.jwst import datamodels

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
