"""The flicker noise step: what is subtracted, where it is measured, products, refusals."""

import logging
from collections import namedtuple

import images
import numpy as np
import pytest
import soss
import spectra
import star_series
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal
from spectral_series import ranges
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.detector import _flicker, _flicker_parameters, _nsclean
from jwst_cal.detector.clean_flicker_noise import CleanFlickerNoiseStep
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.framework import Chain, Pipeline
from jwst_cal.models import _schemas
from jwst_cal.pipelines import Detector1Pipeline

DNU, JUMP = datamodels.dqflags.group["DO_NOT_USE"], datamodels.dqflags.group["JUMP_DET"]
RNG = np.random.default_rng(13)
_STATE = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _the_same_numbers_in_any_order():
    RNG.bit_generator.state = _STATE
#: What the noise of a line is off by, at most; it is up to 0.25.
ERROR = 0.08


@pytest.fixture(scope="module", autouse=True)
def _schemas_read_once():
    with _schemas.parsed_once():
        yield


def describe(model, kind="NRC_IMAGE", instrument="NIRCAM", detector="NRCA1", slow=2,
             subarray="SUB64P"):
    meta = model.meta
    meta.telescope, meta.instrument.name, meta.instrument.detector = "JWST", instrument, detector
    meta.exposure.type, meta.exposure.readpatt = kind, "RAPID"
    meta.exposure.nframes, meta.exposure.groupgap, meta.exposure.drop_frames1 = 1, 0, 0
    meta.exposure.frame_time = meta.exposure.group_time = 10.0
    meta.exposure.nints = model.data.shape[0] if model.data.ndim > 2 else 1
    meta.exposure.ngroups = model.data.shape[1] if model.data.ndim == 4 else 1
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.subarray.name, meta.subarray.slowaxis, meta.subarray.fastaxis = subarray, slow, 3 - slow
    meta.subarray.xstart = meta.subarray.ystart = 1
    meta.subarray.ysize, meta.subarray.xsize = model.data.shape[-2:]
    meta.filename = "jw00001001001_02101_00001_nrca1_rate.fits"
    return model


def sky(shape, star=True):
    """Background of 3 with scatter 0.05, and a star."""
    image = 3 + RNG.normal(0, 0.05, shape)
    if star:
        image[..., 20:30, 30:42] += 50
    return image.astype(np.float32)


def stripes(shape, axis):
    """Noise that is the same along an axis of an image."""
    size = list(shape)
    size[len(shape) - 2 + axis] = 1
    return np.broadcast_to(RNG.normal(0, 0.1, size), shape).astype(np.float32)


def striped_rate(axis=1, shape=(60, 64), **about):
    clean, noise = sky(shape), stripes(shape, axis)
    noise = noise - np.median(noise)
    kind = {2: datamodels.ImageModel, 3: datamodels.CubeModel}[len(shape)]
    return describe(kind(data=clean + noise), **about), clean


def placed(reference):
    reference.meta.subarray.xstart = reference.meta.subarray.ystart = 1
    return reference


def references(shape):
    """Overrides of the fit, so that nothing is looked up."""
    return {"override_gain": placed(datamodels.GainModel(data=np.full(shape, 2, np.float32))),
            "override_readnoise": placed(
                datamodels.ReadnoiseModel(data=np.full(shape, 5, np.float32)))}


def run(model, **parameters):
    parameters = {"override_flat": "N/A", "override_pastasoss": "N/A", "skip": False} | parameters
    pipeline = Detector1Pipeline(steps={"ramp_fit": references(model.data.shape[-2:]),
                                        "clean_flicker_noise": parameters})
    return pipeline.clean_flicker_noise.run(model)


def offset(result, clean):
    """Median difference of each row and column: a change of the whole level aside."""
    away = result - clean
    away = away - np.median(away)
    return [np.abs(np.median(away, axis=axis)).max() for axis in (-1, -2)]


@pytest.mark.parametrize(("axis", "about"), [
    (1, {}),
    (0, {"kind": "NIS_IMAGE", "instrument": "NIRISS", "detector": "NIS", "slow": 1}),
    (0, {"kind": "MIR_IMAGE", "instrument": "MIRI", "detector": "MIRIMAGE", "slow": 2}),
    (0, {"kind": "NRS_FIXEDSLIT", "instrument": "NIRSPEC", "detector": "NRS1", "slow": 1}),
])
@pytest.mark.parametrize("background", ["median", "model", "None"])
def test_stripes_are_taken_off(axis, about, background):
    rate, clean = striped_rate(axis, **about)
    before = rate.data.copy()
    result = run(rate, background_method=background, n_sigma=4.0)
    level = np.median(clean) if background == "None" else 0  # goes, too, as if it were noise
    assert np.abs(np.median(result.data + level - clean, axis=axis)).max() < ERROR
    assert result.meta.cal_step.clean_flicker_noise == "COMPLETE"
    assert_array_equal(rate.data, before)


def test_each_integration_is_cleaned_by_itself():
    rates, clean = striped_rate(shape=(3, 60, 64))
    result = run(rates)
    assert max(offset(result.data, clean)) < ERROR


def ramp_of(rates, n_groups=5):
    """A ramp that climbs by some rates, and the same with stripes in every group."""
    clean = np.repeat(rates[:, None] * 10, n_groups, axis=1).cumsum(axis=1, dtype=np.float32)
    noise = stripes(clean.shape, 1) * 10
    noise[:, 0] = 0
    model = describe(datamodels.RampModel(data=clean + noise))
    model.groupdq = np.zeros(clean.shape, np.uint8)
    return model, clean


def test_groups_of_a_ramp_are_cleaned():
    ramp, clean = ramp_of(sky((2, 60, 64)))
    shared = [ramp.groupdq.copy(), ramp.pixeldq.copy(), ramp.meta.exposure.gain_factor]
    result = run(ramp, n_sigma=4.0)
    assert_array_equal(result.data[:, 0], ramp.data[:, 0])
    before, after = (np.median(data - clean, axis=-1).std(axis=-1) for data in
                     (ramp.data, result.data))
    assert (after[:, 1:] < 0.4 * before[:, 1:]).all()
    assert_array_equal(result.groupdq, shared[0])
    assert_array_equal(result.pixeldq, shared[1])
    assert result.meta.exposure.gain_factor == shared[2]
    assert result.meta.cal_step.ramp_fit is None
    assert result.meta.ref_file.gain.name is None


@pytest.mark.parametrize("bit", [DNU, JUMP])
def test_flagged_pixels_are_not_used(bit):
    """More than half of a row is off by a jump: it would carry the median away."""
    ramp, clean = ramp_of(sky((1, 60, 64), star=False))
    ramp.data = clean.copy()
    ramp.data[0, 2:, 10, :40] += np.float32(1.2)
    found = []
    for flags in (0, bit):
        ramp.groupdq[0, 2, 10, :40] = flags
        found.append(np.median((run(ramp, n_sigma=50.0).data - clean)[0, 2, 10, 50:]))
    assert found[0] < -0.5
    assert abs(found[1]) < 0.3


def test_a_group_without_background_is_left_as_it_is(caplog):
    ramp, _ = ramp_of(sky((1, 60, 64)))
    ramp.groupdq[0, 3] = DNU
    with caplog.at_level(logging.WARNING):
        result = run(ramp)
    assert_array_equal(result.data[0, 3], ramp.data[0, 3])
    assert not np.array_equal(result.data[0, 2], ramp.data[0, 2])
    assert "Left integration 1, group 4 as it was: it has no background" in caplog.text


def test_the_draft_is_made_with_the_references_of_the_pipeline(monkeypatch):
    """Nothing is looked up, and the gain of the override decides what has no rate."""
    from jwst_cal.framework import reference_store

    monkeypatch.setattr(reference_store, "find", lambda *args: pytest.fail(f"looked up {args}"))
    ramp, _ = ramp_of(sky((1, 60, 64)))
    gain = references((60, 64))
    gain["override_gain"].data[5] = np.nan
    pipeline = Detector1Pipeline(steps={
        "ramp_fit": gain, "clean_flicker_noise": {"override_flat": "N/A", "skip": False,
                                                  "override_pastasoss": "N/A", "n_sigma": 0.0}})
    result = pipeline.clean_flicker_noise.run(ramp)
    assert_array_equal(result.data[0, :, 5], ramp.data[0, :, 5])
    assert not np.array_equal(result.data[0, 1:, 6], ramp.data[0, 1:, 6])


def test_outputs_are_fitted_one_by_one():
    image = sky((40, 2048), star=False)
    noise = np.repeat(RNG.normal(0, 0.1, (40, 4)), 512, axis=1)
    noise -= np.median(noise)
    left = []
    for by_channel in (True, False):
        rate = describe(datamodels.ImageModel(data=(image + noise).astype(np.float32)),
                        subarray="FULL")
        result = run(rate, fit_by_channel=by_channel, n_sigma=50.0)
        left.append(np.std(np.median((result.data - image).reshape(40, 4, 512), axis=2)))
    assert left[0] < 0.01 < 0.05 < left[1]


def test_outputs_are_not_fitted_one_by_one_in_subarrays(caplog):
    rate, _ = striped_rate()
    with caplog.at_level(logging.WARNING):
        result = run(rate, fit_by_channel=True)
    assert "full frames of near-infrared detectors" in caplog.text
    assert_array_equal(result.data, run(rate).data)


# masks ------------------------------------------------------------------------------------------


def products(folder):
    return {path.stem.partition("nrca1_")[2]: fits.getdata(path) for path in folder.glob("*.fits")}


def test_products_are_saved_on_request(tmp_path):
    rate, _ = striped_rate()
    result = run(rate, save_mask=True, save_background=True, save_noise=True,
                 output_dir=str(tmp_path))
    found = products(tmp_path)
    assert found.keys() == {"mask", "flicker_bkg", "flicker_noise"}
    assert set(np.unique(found["mask"])) == {0, 1}
    assert not found["mask"][20:30, 30:42].any()
    assert found["mask"][:, :20].mean() > 0.7
    assert np.ptp(found["flicker_bkg"]) == 0
    assert found["flicker_bkg"][0, 0] == pytest.approx(3, abs=0.5)
    assert_array_equal(found["flicker_noise"], result.data - rate.data)


def test_products_of_ramps_have_the_shape_of_ramps(tmp_path):
    ramp, _ = ramp_of(sky((2, 60, 64)))
    run(ramp, save_mask=True, save_background=True, save_noise=True, single_mask=False,
        output_dir=str(tmp_path))
    found = products(tmp_path)
    assert found["mask"].shape == (2, 60, 64)
    assert found["flicker_bkg"].shape == found["flicker_noise"].shape == ramp.data.shape
    assert not found["flicker_bkg"][:, 0].any()
    assert not found["flicker_noise"][:, 0].any()


def test_a_mask_may_be_given(tmp_path):
    rate, clean = striped_rate()
    mask = np.ones((60, 64), np.float32)
    mask[40] = 0
    path = tmp_path / "given.fits"
    datamodels.ImageModel(data=mask).save(path)
    result = run(rate, user_mask=str(path), n_sigma=0.0, save_mask=True, output_dir=str(tmp_path))
    assert_array_equal(result.data[40], rate.data[40])
    assert np.abs(np.median((result.data - clean)[50])) < ERROR
    assert_array_equal(products(tmp_path)["mask"], mask)


@pytest.mark.parametrize("shape", [(60, 63), (3, 60, 64)])
def test_a_mask_of_another_shape_is_not_used(tmp_path, shape, caplog):
    rates, _ = striped_rate(shape=(2, 60, 64))
    path = tmp_path / "given.fits"
    kind = datamodels.ImageModel if len(shape) == 2 else datamodels.CubeModel
    kind(data=np.ones(shape, np.float32)).save(path)
    result = run(rates, user_mask=str(path))
    assert result.meta.cal_step.clean_flicker_noise == "FAILED"
    assert_array_equal(result.data, rates.data)
    assert f"The mask of shape {shape} does not fit" in caplog.text


def test_a_missing_mask_is_named():
    with pytest.raises(InputError, match=r"nowhere\.fits: no such file"):
        run(striped_rate()[0], user_mask="nowhere.fits")


def test_the_histogram_finds_the_background_of_a_crowded_field():
    image = sky((200, 200), star=False)
    bright = RNG.random((200, 200)) < 0.4
    image[bright] += RNG.exponential(1, bright.sum()).astype(np.float32)
    shares = []
    for fit_histogram in (False, True):
        mask = _flicker.scene_mask(image, np.ones(image.shape, bool), fit_histogram=fit_histogram)
        shares.append((bright & mask).sum() / bright.sum())
    assert shares[1] < 0.6 * shares[0]


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_a_histogram_that_no_gaussian_fits_is_done_without(caplog, monkeypatch, error):
    from scipy import optimize

    def curve_fit(*args, **options):
        raise error("no convergence")

    monkeypatch.setattr(optimize, "curve_fit", curve_fit)
    image, mask = sky((60, 64)), np.ones((60, 64), bool)
    _flicker.clip_to_background(image, mask, fit_histogram=True)
    assert not mask[20:30, 30:42].any()
    assert mask.mean() > 0.8
    assert "No Gaussian fits" in caplog.text


def test_nan_and_0_are_no_background():
    rate, _ = striped_rate()
    rate.data[3, ::3], rate.data[4, 1::2] = np.nan, 0
    result = run(rate)
    assert_array_equal(np.isnan(result.data), np.isnan(rate.data))
    mask = _flicker.scene_mask(rate.data, np.ones(rate.data.shape, bool), n_sigma=0.0)
    assert_array_equal(mask, np.isfinite(rate.data) & (rate.data != 0))


def test_an_image_without_background_is_left_as_it_is(caplog):
    rate = describe(datamodels.ImageModel(data=np.full((8, 8), np.nan, np.float32)))
    assert np.isnan(run(rate).data).all()
    assert "it has no background" in caplog.text


# the flat ---------------------------------------------------------------------------------------


def flat_of(shape, bad=True):
    flat = RNG.uniform(0.5, 1.5, shape).astype(np.float32)
    if bad:
        flat[2, 3], flat[4, 5], flat[6, 7] = 0, np.nan, np.inf
    return placed(datamodels.FlatModel(data=flat, err=np.zeros(shape, np.float32)))


def test_a_flat_is_divided_out_meanwhile():
    flat = flat_of((60, 64), bad=False)
    clean, noise = sky((60, 64)), stripes((60, 64), 1)
    noise -= np.median(noise)
    rate = describe(datamodels.ImageModel(data=(clean + noise) * flat.data))
    result = run(rate, apply_flat_field=True, override_flat=flat)
    assert max(offset(result.data / flat.data, clean)) < ERROR
    assert result.meta.ref_file.flat.name == "override://FlatModel"


def test_bad_pixels_of_a_flat_get_what_is_around_them():
    flat = flat_of((64, 64)).data
    flat[flat < 10] = 1 + 0 * flat[flat < 10]
    flat[2, 3], flat[4, 5], flat[6, 7] = 0, np.nan, np.inf
    before = flat.copy()
    assert_allclose(_flicker.fill_flat(flat), 1)
    assert_array_equal(flat, before)


def test_without_a_flat_none_is_applied(caplog):
    rate, _ = striped_rate()
    assert_array_equal(run(rate, apply_flat_field=True).data, run(rate).data)
    assert "There is no flat for this exposure" in caplog.text


def test_science_regions_of_miri_are_those_without_flat(tmp_path):
    shape = (60, 64)
    rate, _ = striped_rate(0, kind="MIR_IMAGE", instrument="MIRI", detector="MIRIMAGE")
    rate.dq = np.zeros(shape, np.uint32)
    rate.dq[50] = datamodels.dqflags.pixel["NON_SCIENCE"]
    flat = flat_of(shape)
    flat.dq = np.zeros(shape, np.uint32)
    flat.dq[:, 60] = datamodels.dqflags.pixel["NO_FLAT_FIELD"]
    flat.err[40, 7] = np.nan
    result = run(rate, mask_science_regions=True, override_flat=flat, n_sigma=0.0, save_mask=True,
                 output_dir=str(tmp_path))
    mask = products(tmp_path)["mask"].astype(bool)
    assert not mask[50].any()
    assert not mask[:, 60].any()
    assert not mask[[2, 4, 40], [3, 5, 7]].any()
    assert mask[6, 7]
    assert mask.mean() > 0.9
    assert result.dq[0, 60] & DNU


# backgrounds ------------------------------------------------------------------------------------


def test_a_model_follows_a_slope():
    rows = np.arange(96, dtype=np.float32)[:, None]
    image = (sky((96, 64), star=False) + rows / 10).astype(np.float32)
    everywhere = np.ones(image.shape, bool)
    levels = [_flicker.background_level(image, everywhere.copy(), method=method, box=[8, 8])
              for method in ("median", "model")]
    assert np.std(image - levels[0]) > 2
    assert np.std(image - levels[1]) < 0.5


def test_a_background_that_cannot_be_modelled_is_its_median(caplog):
    image, mask = sky((64, 64)), np.zeros((64, 64), bool)
    mask[::16, ::16] = True
    level = _flicker.background_level(image, mask, method="model")
    assert level == pytest.approx(3, abs=0.3)
    assert "No model fits the background" in caplog.text


def test_boxes_that_do_not_divide_the_image_are_told(caplog):
    run(striped_rate()[0], background_method="model", background_box_size=[7, 16])
    assert "Boxes of 7 x 16 pixels do not divide the image of 60 x 64 evenly" in caplog.text


def test_the_median_of_all_integrations_is_taken_off_meanwhile():
    """A gradient that no mask would leave out; integrations differ in brightness."""
    scale = np.array([1, 1.1, 0.9, 1, 1.05, 0.95, 1], np.float32)[:, None, None]
    scene = 20 + 30 * np.sin(np.arange(64) / 9).astype(np.float32) ** 2
    clean = np.broadcast_to(scale * scene, (7, 60, 64)) + RNG.normal(0, 0.05, (7, 60, 64))
    noise = stripes((7, 60, 64), 1) * 10
    noise -= np.median(noise, axis=(1, 2), keepdims=True)
    rates = describe(datamodels.CubeModel(data=(clean + noise).astype(np.float32)))
    result = run(rates, background_method="median_image", n_sigma=0.0)
    assert np.std(result.data - clean) < 0.75 * np.std(noise)


def test_integrations_without_flux_are_scaled_like_the_others(caplog):
    rateints = sky((4, 60, 64))
    rateints[1] = np.nan
    expected = _flicker.scaled_median([rateints], _flicker.median_rates(rateints))
    assert_allclose(np.median(expected(1, 0)), 3, rtol=0.02)
    assert "1 of 4 integrations have no flux" in caplog.text
    assert _flicker.scaled_median([rateints], np.full(4, np.nan)) is None


def test_a_median_image_needs_several_integrations(caplog):
    result = run(striped_rate(shape=(1, 60, 64))[0], background_method="median_image")
    assert result.meta.cal_step.clean_flicker_noise == "FAILED"
    assert "needs several integrations, there is 1" in caplog.text


class WithPhotometry(Pipeline):
    """The step, and those that measure a star for it, with references for all."""

    class_alias = "with_photometry"
    chain = Chain("clean_flicker_noise", "assign_wcs", "tso_photometry", "ramp_fit")


def series(flux, n_groups=None):
    """A time series of images of one star; its brightness by integration; as rates or a ramp."""
    y, x = np.indices((96, 128))
    star = np.exp(-((x - 60) ** 2 + (y - 40) ** 2) / 8)
    clean = (3 + 500 * np.asarray(flux)[:, None, None] * star).astype(np.float32)
    noise = (stripes(clean.shape, 1) * 10).astype(np.float32)
    model = datamodels.CubeModel(data=clean + noise)
    model.dq = np.zeros(clean.shape, np.uint32)
    model.err = np.ones_like(clean)
    images.describe(model, "NIRCAM")
    model.meta.exposure.type, model.meta.exposure.nints = "NRC_TSIMAGE", len(flux)
    model.meta.wcsinfo.siaf_xref_sci, model.meta.wcsinfo.siaf_yref_sci = 61.0, 41.0
    model.meta.bunit_data = model.meta.bunit_err = "DN/s"
    model.meta.filename = "jw00001001001_02101_00001_nrca1_rateints.fits"
    times = np.zeros(len(flux), model.get_dtype("int_times"))
    times["integration_number"] = np.arange(1, len(flux) + 1)
    model.int_times = times
    return model, clean


def test_the_star_of_a_time_series_scales_its_median(tmp_path):
    """The star is a small part of the image: the median of an integration does not know it."""
    flux = np.array([1.0, 1.3, 0.8, 1.1, 0.9])
    rates, clean = series(flux)
    given = spectra.overrides(images.references("NIRCAM", tmp_path),
                              AssignWcsStep.reference_file_types)
    gain = datamodels.GainModel(data=np.full((96, 128), 2, np.float32))
    gain.meta.subarray.instance.update(rates.meta.subarray.instance)
    pipeline = WithPhotometry(steps={
        "assign_wcs": given, "tso_photometry": {"override_gain": gain},
        "clean_flicker_noise": {"skip": False, "background_method": "median_image",
                                "save_background": True, "output_dir": str(tmp_path)}})
    result = pipeline.clean_flicker_noise.run(rates)
    assert result.meta.cal_step.clean_flicker_noise == "COMPLETE"
    (path,) = tmp_path.glob("*_flicker_bkg.fits")
    expected = fits.getdata(path)
    assert_allclose(expected[:, 40, 60] / expected[0, 40, 60], flux / flux[0], rtol=0.02)
    before, after = (np.std(data[:, :, 90:] - clean[:, :, 90:]) for data in (
        series(flux)[0].data, result.data))
    assert after < before


@pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning")
def test_a_slit_that_is_not_seen_has_no_median_image(tmp_path, caplog):
    rates = spectra.exposure("NRS_BRIGHTOBJ", "G140M", subarray="SUB2048", shape=(2, 32, 2048))
    given = spectra.overrides(spectra.references(tmp_path, "G140M"),
                              AssignWcsStep.reference_file_types)
    step = WithSpectra(steps={"assign_wcs": given, "clean_flicker_noise": {
        "skip": False, "background_method": "median_image"}}).clean_flicker_noise
    result = step.run(rates)
    assert result.meta.cal_step.clean_flicker_noise == "FAILED"
    assert "NRS1 sees none of the open slits: nothing was changed" in caplog.text
    assert_array_equal(result.data, rates.data)


class WithSpectra(Pipeline):
    """The step, and those that extract a spectrum for it, with references for all."""

    class_alias = "with_spectra"
    chain = Chain("clean_flicker_noise", "assign_wcs", "extract_2d", "extract_1d", "ramp_fit")


@pytest.mark.parametrize("kind", star_series.KINDS)
@pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning")
def test_the_spectrum_of_a_time_series_scales_its_median(kind, tmp_path):
    """Without INT_TIMES, too."""
    paths = star_series.references(kind, tmp_path)
    rates = star_series.rates(kind)
    star = np.where(rates.data > 20, rates.data, 0)[0]
    flux = np.array([1.0, 1.3, 0.8, 1.1])
    rates.data += ((flux[:, None, None] - 1) * star).astype(np.float32)
    rates.data[~np.isfinite(rates.data)] = 3
    rates.dq[:] = 0
    rates.meta.subarray.slowaxis, rates.meta.subarray.fastaxis = 2, 1
    del rates.int_times
    steps = {alias: spectra.overrides(paths, step.reference_file_types)
             for alias, step in WithSpectra.step_defs.items() if alias != "ramp_fit"}
    steps["clean_flicker_noise"] |= {"skip": False, "background_method": "median_image",
                                     "save_background": True, "output_dir": str(tmp_path)}
    result = WithSpectra(steps=steps).clean_flicker_noise.run(rates)
    assert result.meta.cal_step.clean_flicker_noise == "COMPLETE"
    assert not hasattr(result.meta, "wcs") or result.meta.wcs is None
    (path,) = tmp_path.glob("*_flicker_bkg.fits")
    expected = fits.getdata(path)
    middle = np.unravel_index(star.argmax(), star.shape)
    scale = flux * (1 + 0.05 * np.sin(np.arange(4)))
    assert_allclose(expected[(..., *middle)] / expected[(0, *middle)], scale, rtol=0.03)


# modes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "method", "reason"), [
    ("MIR_LRS-FIXEDSLIT", "median", "EXP_TYPE MIR_LRS-FIXEDSLIT is not supported"),
    ("NRC_IMAGE", "fft", "fit_method 'fft' cannot be applied to EXP_TYPE NRC_IMAGE"),
])
def test_other_modes_are_left_alone(kind, method, reason, caplog):
    rate, _ = striped_rate(kind=kind)
    result = run(rate, fit_method=method)
    assert result.meta.cal_step.clean_flicker_noise == "FAILED"
    assert_array_equal(result.data, rate.data)
    assert reason in caplog.text


@pytest.mark.parametrize("slow", [None, 3])
def test_a_missing_slow_axis_is_named(slow):
    rate, _ = striped_rate()
    rate.meta.subarray.instance["slowaxis"] = slow
    with pytest.raises(InputError, match=rf"rate\.fits: SLOWAXIS is {slow} where 1 or 2 is needed"):
        run(rate)


def test_other_models_are_refused():
    with pytest.raises(InputError, match="takes RampModel or ImageModel"):
        CleanFlickerNoiseStep().run(datamodels.MultiSlitModel())
    with pytest.raises(InputError, match="takes RampModel or ImageModel"):
        CleanFlickerNoiseStep().run(datamodels.SuperstripeRampModel())  # before it is assembled


def test_science_regions_of_nirspec_need_the_references_of_coordinates():
    rate, _ = striped_rate(kind="NRS_FIXEDSLIT", instrument="NIRSPEC", detector="NRS1")
    with pytest.raises(ReferenceFileError, match="no DISPERSER reference file, which NRS_F"):
        run(rate, mask_science_regions=True)


class WithCoordinates(Pipeline):
    """The step, and the one that gives coordinates, with references for both."""

    class_alias = "with_coordinates"
    chain = Chain("clean_flicker_noise", "assign_wcs")


@pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning", "ignore:Traceback")
@pytest.mark.parametrize(("first_row", "status"), [(1056, "COMPLETE"), (1, "FAILED")])
def test_coordinates_are_made_to_find_slits(tmp_path, first_row, status, caplog):
    subarray = "SUBS200A1" if status == "COMPLETE" else "SUBS200B1"  # which NRS1 does not see
    rate = spectra.exposure(shape=(64, 2048), corner=(1, first_row), subarray=subarray)
    given = spectra.overrides(spectra.references(tmp_path), AssignWcsStep.reference_file_types)
    pipeline = WithCoordinates(steps={"assign_wcs": given, "clean_flicker_noise": {
        "skip": False, "mask_science_regions": True, "n_sigma": 0.0, "save_mask": True,
        "output_dir": str(tmp_path)}})
    result = pipeline.clean_flicker_noise.run(rate)
    assert result.meta.cal_step.clean_flicker_noise == status
    assert result.meta.wcs is None
    if status == "FAILED":
        assert "NRS1 sees none of the open slits: nothing was changed" in caplog.text
        assert_array_equal(result.data, rate.data)
        return
    (path,) = tmp_path.glob("*_mask.fits")
    mask = fits.getdata(path)
    assert not mask[4:59, 818:].any()
    assert mask[:4].all()
    assert mask[59:].all()
    assert mask[:, :817].all()


Slit = namedtuple("Slit", "quadrant")


class Coordinates:
    """Two slits; stands in for the coordinates of an exposure."""

    def __init__(self, quadrants):
        self.slit_ids = [7, 9]
        self.slits = [Slit(quadrant) for quadrant in quadrants]
        self.bounding_box = {7: ((9.6, 30.4), (4.7, 8.2)), 9: ((-0.5, 63.5), (40, 44))}

    def get_transform(self, start, end):
        assert (start, end) == ("gwa", "slit_frame")
        return self


@pytest.mark.parametrize(("kind", "quadrants", "rows"), [
    ("NRS_FIXEDSLIT", (5, 5), False), ("NRS_MSASPEC", (1, 5), False), ("NRS_MSASPEC", (1, 2), True),
])
def test_slits_of_nirspec_are_left_out(tmp_path, kind, quadrants, rows):
    rate, _ = striped_rate(0, (1200, 64), kind=kind, instrument="NIRSPEC", detector="NRS1", slow=1)
    rate.meta.instance["wcs"] = Coordinates(quadrants)
    rate.meta.cal_step.msa_flagging = "COMPLETE"
    rate.dq = np.zeros((1200, 64), np.uint32)
    rate.dq[600, 5] = datamodels.dqflags.pixel["MSA_FAILED_OPEN"]
    step = CleanFlickerNoiseStep(mask_science_regions=True, n_sigma=0.0)
    usable = ~step._science(rate, None)
    expected = np.ones((1200, 64), bool)
    expected[5:8, 10:30] = expected[40:44] = expected[600, 5] = False
    expected[922:1116] = not rows
    assert_array_equal(usable, expected)


@pytest.mark.parametrize("kind", ["NRS_IMAGE", "NRS_DARK", "NRS_LAMP"])
def test_of_images_and_lamps_failed_shutters_are_left_out_that_are_flagged(kind, tmp_path):
    rate, _ = striped_rate(0, kind=kind, instrument="NIRSPEC", detector="NRS1", slow=1)
    rate.dq = np.zeros(rate.data.shape, np.uint32)
    rate.dq[20, 5] = datamodels.dqflags.pixel["MSA_FAILED_OPEN"]
    result = run(rate, mask_science_regions=True, n_sigma=0.0, save_mask=True,
                 output_dir=str(tmp_path))
    assert result.meta.cal_step.clean_flicker_noise == "COMPLETE"
    (path,) = tmp_path.glob("*_mask.fits")
    mask = fits.getdata(path)
    assert not mask[20, 5]
    assert mask.mean() > 0.9


class Chosen:
    """Which slice a pixel sees; stands in for the coordinates of the IFU."""

    def __init__(self, regions):
        self.label_mapper = self
        self.mapper = regions

    def get_transform(self, start, end):
        assert (start, end) == ("detector", "slicer")
        return self


@pytest.mark.parametrize("kind", [datamodels.ImageModel, datamodels.CubeModel,
                                  datamodels.IFUImageModel])
def test_slices_of_nirspec_are_left_out(kind):
    shape = (2, 1200, 64) if kind is datamodels.CubeModel else (1200, 64)
    rates = kind(data=np.ones(shape, np.float32))
    describe(rates, kind="NRS_IFU", instrument="NIRSPEC", detector="NRS1", slow=1)
    regions = np.zeros((1200, 64), np.int32)
    regions[100:110, 3:60] = 17
    if kind is datamodels.IFUImageModel:
        rates.regions = regions
    else:
        rates.meta.instance["wcs"] = Chosen(regions)
    rates.dq = np.zeros(shape, np.uint32)
    rates.dq[..., 600, 5] = datamodels.dqflags.pixel["MSA_FAILED_OPEN"]
    found = CleanFlickerNoiseStep(mask_science_regions=True)._science(rates, None)
    expected = np.zeros((1200, 64), bool)
    expected[100:110, 3:60] = expected[600, 5] = expected[922:1116] = True
    assert_array_equal(found, np.broadcast_to(expected, shape))


# SOSS -------------------------------------------------------------------------------------------


def pastasoss():
    model, x = datamodels.PastasossModel(), np.arange(0.0, 200.0, 2.0)
    meta = model.meta
    meta.pwcpos_cmd, meta.pwcpos_bounds = 245.76, [245.51, 246.01]
    meta.wavemap_wlmin, meta.wavemap_wlmax, meta.wavemap_nwl = 0.5, 3.5, 3001
    meta.subarray_ymin = 1792
    model.traces.append({"spectral_order": 1, "trace": np.stack([x, 60 + 0.1 * x], axis=1),
                         "pivot_x": 100.0, "pivot_y": 70.0})
    model.wavecal_models.append({"spectral_order": 1, "coefficients": [3.0, -2.0, 0.0],
                                 "scale_extents": [[0.0, -0.25], [199.0, 0.25]]})
    return model


def soss_rate(shape, subarray, angle=245.76):
    rate, _ = striped_rate(0, shape, kind="NIS_SOSS", instrument="NIRISS", detector="NIS", slow=1,
                           subarray=subarray)
    rate.meta.instrument.pupil_position = angle
    return rate


@pytest.mark.parametrize(("shape", "subarray", "row"), [
    ((256, 200), "SUBSTRIP256", 70), ((96, 200), "SUBSTRIP96", 60), ((2048, 200), "FULL", 1862)])
def test_traces_of_soss_are_left_out(tmp_path, shape, subarray, row):
    run(soss_rate(shape, subarray), mask_science_regions=True, override_pastasoss=pastasoss(),
        n_sigma=0.0, save_mask=True, output_dir=str(tmp_path))
    masked = np.flatnonzero(products(tmp_path)["mask"][:, 100] == 0)
    assert masked.tolist() == list(range(row - 16, row + 17))


def test_soss_needs_its_traces():
    with pytest.raises(InputError, match="mask_science_regions needs a PASTASOSS reference"):
        run(soss_rate((96, 200), "SUBSTRIP96"), mask_science_regions=True)
    with pytest.raises(InputError, match=r"PWCPOS is 240\.0, the open Pastasoss.* for 245"):
        run(soss_rate((96, 200), "SUBSTRIP96", 240.0), mask_science_regions=True,
            override_pastasoss=pastasoss())


class OfSoss(Pipeline):
    """The step, and those that measure a spectrum for it, with references for all."""

    class_alias = "of_soss"
    chain = Chain("clean_flicker_noise", "ramp_fit", "bkg_subtract", "white_light")


def soss_series(n_groups=None, n_ints=4, subarray="SUBSTRIP256"):
    """Integrations of a spectrum that changes its brightness, and the same without noise."""
    shape = (256 if subarray == "SUBSTRIP256" else 96, 2048)
    clean = np.stack([soss.scene(number, shape) for number in range(n_ints)]).astype(np.float32)
    noise = 5 * stripes(clean.shape, 0)
    model = datamodels.CubeModel(data=clean + noise, dq=np.zeros(clean.shape, np.uint32),
                                 err=np.ones_like(clean))
    if n_groups:
        seconds = 10 * np.arange(1, n_groups + 1, dtype=np.float32)[:, None, None]
        clean = clean[:, None] * seconds
        model = datamodels.RampModel(data=clean + 10 * stripes(clean.shape, 0))
    describe(model, kind="NIS_SOSS", instrument="NIRISS", detector="NIS", slow=1,
             subarray=subarray)
    model.meta.instrument.pupil_position, model.meta.instrument.filter = 245.76, "CLEAR"
    return model, clean


def clean_soss(model, folder, **parameters):
    shape = model.data.shape[-2:]
    given = {"skip": False, "background_method": "median_image", "save_background": True,
             "output_dir": str(folder), "override_flat": "N/A",
             "override_pastasoss": soss.traces(2048)} | parameters
    sky = placed(datamodels.SossBkgModel(data=soss.templates()))
    pipeline = OfSoss(steps={
        "clean_flicker_noise": given, "ramp_fit": references(shape),
        "bkg_subtract": {"override_bkg": sky},
        "white_light": {"override_wavelengthrange": ranges()}})
    return pipeline.clean_flicker_noise.run(model)


@pytest.mark.parametrize(("n_groups", "subarray"), [
    (None, "SUBSTRIP256"), (None, "SUBSTRIP96"), (3, "SUBSTRIP256")])
def test_the_spectrum_of_soss_scales_its_median(n_groups, subarray, tmp_path):
    """The sky, which does not change, is not scaled."""
    model, clean = soss_series(n_groups, subarray=subarray)
    given = model.data.copy()
    result = clean_soss(model, tmp_path)
    assert result.meta.cal_step.clean_flicker_noise == "COMPLETE"
    expected = products(tmp_path)["flicker_bkg"]
    assert np.abs(expected - clean).std() < np.abs(given - clean).std()
    row = 80 if subarray == "SUBSTRIP256" else 70
    lit, unlit = (np.median(expected[..., rows, 900:1000], axis=(-1, -2)).reshape(4, -1)[:, -1]
                  for rows in (slice(row, row + 1), slice(-20, None)))
    assert_allclose((lit - unlit) / (lit - unlit)[0], soss.LIGHT_CURVE[:4], rtol=0.03)
    assert_allclose(unlit / unlit[0], 1, rtol=0.02)
    before, after = (np.std(data - clean) for data in (given, result.data))
    assert after < 0.7 * before


def test_the_flat_is_not_in_the_sky_that_is_added_back(tmp_path):
    model, clean = soss_series()
    flat = np.where(np.arange(256)[:, None] > 200, 2, 1) * np.ones(2048, np.float32)
    model.data *= flat
    clean_soss(model, tmp_path, apply_flat_field=True,
               override_flat=placed(datamodels.FlatModel(
                   data=flat, err=np.zeros_like(flat), dq=np.zeros(flat.shape, np.uint32))))
    found = products(tmp_path)["flicker_bkg"][:, 220:, 1000:1200]
    assert_allclose(np.median(found, axis=(1, 2)), np.median(2 * clean[0, 220:, 1000:1200]),
                    rtol=0.03)


def without_sky(model):
    model.data[1] = np.nan


def without_integrations(model):
    model.data, model.dq = model.data[:1], model.dq[:1]


def of_full_frames(model):
    model.meta.subarray.name = "FULL"


def turned_too_far(model):
    model.meta.instrument.pupil_position = 247.0


@pytest.mark.parametrize(("change", "parameters", "reason"), [
    (of_full_frames, {}, "'median_image' of NIRISS SOSS is not for the subarray FULL"),
    (None, {"override_pastasoss": "N/A"}, "needs a PASTASOSS reference, and there is none"),
    (turned_too_far, {}, "PWCPOS is 247.0, the open PastasossModel holds for 245.51 to 246.01"),
    (without_sky, {}, "integration 2 has no sky to make a median image with"),
    (without_integrations, {}, "needs several integrations, there is 1"),
])
def test_series_of_soss_that_are_left_as_they_are(change, parameters, reason, caplog, tmp_path):
    model, _ = soss_series(n_ints=2)
    if change is not None:
        change(model)
    before = model.data.copy()
    result = clean_soss(model, tmp_path, **parameters)
    assert result.meta.cal_step.clean_flicker_noise == "FAILED"
    assert reason in caplog.text
    assert_array_equal(result.data, before)


def test_ramps_of_soss_need_the_times_of_their_groups(caplog, tmp_path):
    model, _ = soss_series(n_groups=2, n_ints=2)
    model.meta.exposure.groupgap = None
    with pytest.raises(InputError, match="GROUPGAP"):
        clean_soss(model, tmp_path)


# waves ------------------------------------------------------------------------------------------


def drift(n_lines, n, slowest, overhead=12):
    """Noise that drifts slowly in time, in the frame of the detector."""
    time = np.arange(n_lines * (n + overhead))
    waves = sum(np.sin(time * 2 * np.pi / period + RNG.uniform(0, 7))
                for period in RNG.uniform(slowest, 20 * slowest, 5))
    return waves.reshape(n_lines, -1)[:, :n]


@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
@pytest.mark.parametrize(("shape", "subarray", "slowest"), [
    ((32, 512), "SUB512", 200), ((256, 300), "ALLSLITS", 1000)])
def test_waves_are_taken_off_subarrays(detector, shape, subarray, slowest):
    noise = drift(shape[1], shape[0], slowest)
    noise = noise.T if detector == "NRS1" else noise[::-1].T
    image = RNG.normal(0, 0.05, shape)
    image[10:14] += 40
    rate = describe(datamodels.ImageModel(data=(3 + image + noise).astype(np.float32)),
                    kind="NRS_FIXEDSLIT", instrument="NIRSPEC", detector=detector, slow=1,
                    subarray=subarray)
    result = run(rate, fit_method="fft", background_method="None", n_sigma=10.0)
    left = result.data - image
    assert np.std(left - np.median(left)) < 0.2 * np.std(noise)
    turned = run(rate.copy(), fit_method="fft", n_sigma=10.0)
    assert turned.meta.cal_step.clean_flicker_noise == "COMPLETE"


def test_full_frames_are_fitted_line_by_line(monkeypatch):
    monkeypatch.setattr(_flicker, "FULL_FRAME", 512)
    noise = np.convolve(RNG.normal(0, 2, 512), np.ones(9) / 9, "same")
    noise = noise * (1 + np.cos(np.arange(512) * 2 * np.pi / 512)[:, None])
    image = RNG.normal(0, 0.05, (512, 512))
    image[200:260, 100:400] += 30
    rate = describe(datamodels.ImageModel(data=(3 + image + noise).astype(np.float32)),
                    kind="NRS_IFU", instrument="NIRSPEC", detector="NRS1", slow=1, subarray="FULL")
    result = run(rate, fit_method="fft", n_sigma=50.0, background_method="median")
    left = (result.data - 3 - image)[:, 8:-8]
    # waves of the noise that are shorter than the fit passes stay
    assert np.std(left) < 0.7 * np.std(noise[:, 8:-8])


def test_lines_that_do_not_determine_the_waves_are_left_as_they_are(caplog):
    image = RNG.normal(0, 1, (512, 512)).astype(np.float32)
    mask = np.zeros((512, 512), bool)
    mask[3, 100:120] = True
    assert_array_equal(_nsclean.clean_full_frame(image.copy(), mask, detector="NRS1"), image)
    assert "Left 20 of 512 lines as they were" in caplog.text


def test_sections_with_little_background_are_left_as_they_are(caplog):
    image = RNG.normal(0, 1, (64, 200)).astype(np.float32)
    mask = np.zeros((64, 200), bool)
    mask[5, ::3] = True
    cut_off = (1061, 1211, 49943, 49957)
    cleaned = _nsclean.clean_subarray(image, mask, detector="NRS2", cut_off=cut_off)
    assert_array_equal(cleaned, image)
    assert "they have too little background" in caplog.text
    mask[:] = False
    cleaned = _nsclean.clean_subarray(image, mask, detector="NRS1", cut_off=cut_off)
    assert_array_equal(cleaned, image)


def test_sections_overlap_by_half_and_reach_the_end():
    known = np.array([0, 0] + [100] * 40 + [0])
    sections = list(_nsclean._sections(known))
    assert sections[0] == (2, 8)
    assert set(np.diff([first for first, _ in sections])) == {3}
    assert sections[-1][1] == 42
    assert sum(known[slice(*sections[-1])]) <= 768
    assert list(_nsclean._sections(np.zeros(5, int))) == []


# autoparam --------------------------------------------------------------------------------------


def field(slope=0.0, offset=0.0, stars=0.0):
    """A full-width strip: slope along columns, steps between outputs, part of it stars."""
    rng = np.random.default_rng(3)
    image = 1 + rng.normal(0, 0.02, (256, 2048)) + slope * np.arange(2048)
    image += np.repeat([0, offset, 0, offset], 512)
    image[rng.random(image.shape) < stars] += 50
    return image.astype(np.float32)


@pytest.mark.parametrize(("about", "chosen"), [
    ({}, ("median", False)),
    ({"slope": 1e-4}, ("model", False)),
    ({"offset": 0.3}, ("median", True)),
    ({"stars": 0.2}, ("median", False)),
    ({"stars": 0.2, "slope": 1e-4}, ("model", False)),
    ({"stars": 0.2, "offset": 0.3}, ("median", False)),
])
def test_parameters_suit_the_image(about, chosen, monkeypatch):
    rules = _flicker_parameters.RULES["NRC_IMAGE"]
    found = _flicker_parameters.choose(field(**about), axis=1, rules=rules)
    assert found == chosen


@pytest.mark.parametrize(("mask", "offset", "slopes", "scatter", "chosen"), [
    (0.5, 0, (2e-4, 2e-4), 0, ("model", False)),
    (0.5, 0.1, (5e-5, 5e-5), 0, ("median", False)),
    (0.5, 0.1, (2e-4, 1e-6), 0, ("model", False)),
    (0.0, 0.1, (1, 1), 1, ("median", True)),
    (0.0, 0.01, (2e-5, 1e-5), 0.1, ("model", True)),
    (0.0, 0.01, (2e-5, 1e-6), 0.01, ("median", False)),
    (0.0, 0.0, (2e-4, 1e-6), 0.1, ("model", False)),
    (0.0, 0.01, (1e-6, 1e-7), 0.1, ("median", True)),
])
def test_rules_of_niriss(mask, offset, slopes, scatter, chosen, monkeypatch):
    image = np.zeros((4, 4), np.float32)
    masked = np.arange(16).reshape(4, 4) >= 16 * mask
    monkeypatch.setattr(_flicker_parameters, "_quickly_cleaned", lambda *_: (image, masked))
    monkeypatch.setattr(_flicker, "background_level", lambda *_, **__: 0.0)
    lines = iter([(slopes[0], 0), (slopes[1], 0), (0, scatter)])
    monkeypatch.setattr(_flicker_parameters, "_line", lambda _: next(lines))
    monkeypatch.setattr(_flicker_parameters, "_largest_offset", lambda _: offset)
    rules = _flicker_parameters.RULES["NIS_IMAGE"]
    assert _flicker_parameters.choose(image, axis=0, rules=rules) == chosen


def test_chosen_parameters_hold_for_one_run(caplog):
    ramp, _ = ramp_of(sky((1, 60, 64)) + np.arange(64, dtype=np.float32) / 5)
    step = Detector1Pipeline(steps={
        "ramp_fit": references((60, 64)),
        "clean_flicker_noise": {"autoparam": True, "skip": False, "override_flat": "N/A",
                                "override_pastasoss": "N/A"}}).clean_flicker_noise
    with caplog.at_level(logging.INFO):
        step.run(ramp)
    assert "autoparam chose background_method=model" in caplog.text
    assert step.background_method == "median"


def test_modes_without_rules_keep_their_parameters(caplog):
    rate, _ = striped_rate(kind="NRC_GRISM")
    assert_array_equal(run(rate, autoparam=True).data, run(rate).data)
    assert "autoparam has no rules for EXP_TYPE NRC_GRISM" in caplog.text
