"""Real ramps: a ground test of MIRI and a guide-star acquisition of FGS.

The files are in ``../shared/data`` beside the checkout, or where ``JWST_CAL_REAL_DATA`` says. MIRI
is calibrated with the references of the simulated detector, so its rates mean nothing in absolute
terms; that they repeat from integration to integration, and equal the official package's, does.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst.datamodels import GuiderRawModel, Level1bModel, MaskModel

from jwst_cal import models, registry
from jwst_cal.simulate import cache
from tests.parity import cases, compare, guider, oracle, setup

DATA = Path(os.environ.get("JWST_CAL_REAL_DATA")
            or Path(__file__).parents[2].parent / "shared" / "data")
MIRI = DATA / "01_miri_sub64_real_ramp" / "MIRI_5582_89_S_20180308-010230_SCE1_pipe.fits"
FGS = DATA / "02_fgs_acq1_real_uncal" / "add_wcs_default_acq1.fits"

needs_miri = pytest.mark.skipif(not MIRI.exists(), reason=f"no real data: {MIRI} is not there")
needs_fgs = pytest.mark.skipif(not FGS.exists(), reason=f"no real data: {FGS} is not there")

#: What the test equipment did not write.
MIRI_KEYWORDS = {
    "EXP_TYPE": "MIR_IMAGE", "READPATT": "FASTR1", "FILTER": "F770W", "FASTAXIS": 1, "SLOWAXIS": 2,
    "NOUTPUTS": 4, "FRMDIVSR": 1, "NRSTSTRT": 1, "NRESETS": 1, "DRPFRMS1": 0, "DRPFRMS3": 0,
    "NSAMPLES": 1, "EFFINTTM": 4.25, "EFFEXPTM": 21.25, "INTSTART": 1, "INTEND": 5,
    "TSOVISIT": False, "COMPRESS": False, "ZEROFRAM": False,
    "DATE-END": "2018-03-08", "TIME-END": "01:02:52",
}


@pytest.fixture(scope="module")
def miri(tmp_path_factory):
    """The MIRI ramp with the keywords that the data model wants, our products and its exposure."""
    folder = tmp_path_factory.mktemp("miri")
    exposure = folder / "jw05582089001_02101_00001_mirimage_uncal.fits"
    with fits.open(MIRI) as raw:
        raw[0].header.update(MIRI_KEYWORDS)
        raw[0].header.remove("FILENAME")
        raw.writeto(exposure)
    results = folder / "ours"
    results.mkdir()
    return exposure, oracle.ours(exposure, results)


@needs_miri
def test_miri_ramp_goes_through_stage_1(miri):
    _, run = miri
    done = {row["step"] for row in run.record["steps"] if row["status"] == "COMPLETE"}
    assert {"dq_init", "saturation", "lastframe", "reset", "linearity", "rscd", "dark_current",
            "jump", "ramp_fit"} <= done
    with models.open(run.product("rate")) as rate:
        assert rate.shape == (64, 72)
        assert np.isfinite(rate.data).mean() > 0.95


@needs_miri
def test_miri_rates_repeat_within_their_errors(miri):
    _, run = miri
    with models.open(run.product("rateints")) as rateints:
        data, err = rateints.data, rateints.err
    assert data.shape == (5, 64, 72)
    late, late_err = data[1:], err[1:]  # the first integration after idling is not like the rest
    pull = (late - late.mean(axis=0)) / late_err / np.sqrt(3 / 4)
    sigma = 1.4826 * np.nanmedian(np.abs(pull))
    assert 0.5 < sigma < 1.5


@needs_miri
def test_miri_jumps_are_as_rare_as_muons(miri):
    _, run = miri
    with models.open(run.after("jump")[0]) as ramp:
        jumps = (ramp.groupdq[:, 6:-1] & 4 > 0).mean()
    assert jumps < 0.01


@needs_miri
@pytest.mark.parity
@pytest.mark.skipif(setup.find()[0] is None, reason=f"no official package: {setup.find()[1]}")
def test_miri_equals_the_official_package(miri, tmp_path):
    exposure, run = miri
    complete = tmp_path / exposure.name  # the official package stops at a file without ASDF
    with Level1bModel(exposure) as model:
        model.save(complete)
    official = oracle.official(
        complete, crds=oracle.serverless(cache.directory(), cache.CONTEXT),
        chosen=cases.prepare(exposure))
    problems = []
    for alias in dict.fromkeys(cases.MID_INFRARED):
        for path, expected in zip(run.after(alias), official.after(alias), strict=True):
            problems += [f"{alias}: {d}" for d in compare.files(path, expected) if d.bad]
    for suffix in ("rate", "rateints"):
        problems += [f"{suffix}: {d}" for d in
                     compare.files(run.product(suffix), official.product(suffix)) if d.bad]
    assert not problems, "\n".join(problems)


@needs_fgs
def test_fgs_acquisition_is_read_as_what_it_is():
    with models.open_exposure(FGS) as raw:
        assert isinstance(raw, GuiderRawModel)
        assert raw.data.shape == (6, 2, 128, 128)
        assert raw.data.dtype == np.float32
        with fits.open(FGS) as file:
            np.testing.assert_array_equal(raw.data, file["SCI"].data.astype(np.float32))
        star = raw.data[:, 1] - raw.data[:, 0]
        row, col = np.unravel_index(np.argmax(star, axis=None) % (128 * 128), (128, 128))
        assert star[:, row, col].min() > 20 * np.std(star[:, :32, :32])  # in every integration


@needs_fgs
@pytest.mark.parity
@pytest.mark.skipif(setup.find()[0] is None, reason=f"no official package: {setup.find()[1]}")
def test_fgs_acquisition_equals_the_official_package(tmp_path):
    exposure = tmp_path / "jw01234001001_gs-acq1_uncal.fits"
    with GuiderRawModel(FGS) as model:  # the official package stops at a file without ASDF
        start, mode = model.meta.subarray, model.meta.exposure.type
        given = guider.write_references(mode, tmp_path, model.data.shape,
                                        (start.xstart, start.ystart))
        model.meta.filename = exposure.name
        model.save(exposure)
    results = tmp_path / "ours"
    results.mkdir()
    options = {"pipeline": "GuiderPipeline", "overrides": given}
    ours = oracle.ours(exposure, results, **options)
    official = oracle.official(exposure, **options)
    assert [row["status"] for row in ours.record["steps"]] == ["COMPLETE"] * 3
    problems = [f"{alias}: {d}" for alias in cases.GUIDE_STAR for path, expected in
                zip(ours.after(alias), official.after(alias), strict=True)
                for d in compare.files(path, expected) if d.bad]
    problems += compare.headers(ours.product("cal"), official.product("cal"),
                                absent=compare.ALL_GIVEN)
    assert not problems, "\n".join(problems)


@needs_fgs
def test_fgs_acquisition_gets_its_bad_pixels(tmp_path):
    mask = MaskModel((128, 128))
    mask.dq = np.zeros((128, 128), np.uint32)
    mask.dq[5, 7] = 1
    for key, value in {"xstart": 887, "ystart": 1022, "xsize": 128, "ysize": 128}.items():
        setattr(mask.meta.subarray, key, value)
    mask.meta.instrument.name, mask.meta.instrument.detector = "FGS", "GUIDER2"
    result = registry.load("dq_init")(override_mask=mask).run(str(FGS))
    assert result.meta.cal_step.dq_init == "COMPLETE"
    assert result.dq[5, 7] & 1
    assert not result.dq[0, 0]
