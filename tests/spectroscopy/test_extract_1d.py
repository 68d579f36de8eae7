"""Spectra: known fluxes, apertures, backgrounds, corrections, times, refusals."""

import numpy as np
import pytest
import spectra
import star_series
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.spectroscopy import _apcorr, _apertures, _boxcar
from jwst_cal.spectroscopy.extract_1d import Extract1dStep
from jwst_cal.spectroscopy.extract_2d import Extract2dStep

pytestmark = pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning")
GRISM, SLIT = star_series.KINDS
REGIONS = {"bkg_coeff": [[2.5], [18.5], [45.5], [60.5]]}


@pytest.fixture(scope="module")
def cutouts(tmp_path_factory):
    """A cutout of each kind, and its references."""
    found = {}
    for kind in star_series.KINDS:
        paths = star_series.references(kind, tmp_path_factory.mktemp(kind))
        model = star_series.rates(kind)
        for step in (AssignWcsStep, Extract2dStep):
            model = step(**spectra.overrides(paths, step.reference_file_types)).run(model)
        found[kind] = model, paths
    return found


@pytest.fixture
def extract(cutouts, tmp_path):
    """Extract from a cutout, with an aperture of one's own."""
    def run(slit, rule=None, **parameters):
        kind = slit.meta.exposure.type
        paths = dict(cutouts[kind][1])
        if rule is not None:
            paths["extract1d"] = str(tmp_path / "own.json")
            star_series.write_apertures(paths["extract1d"], kind, **rule)
        return Extract1dStep(**spectra.overrides(paths, Extract1dStep.reference_file_types),
                             **parameters).run(slit)

    return run


def even(cutouts, kind=GRISM, value=2.0):
    """A cutout of one value without bad pixels."""
    slit = cutouts[kind][0].copy()
    slit.data[:], slit.dq[:] = value, 0
    for name in ("err", "var_rnoise", "var_poisson"):
        getattr(slit, name)[:] = 0.25
    return slit


def table(result):
    (spectrum,) = result.spec
    return spectrum.spec_table


# what is added up -------------------------------------------------------------------------------


def test_a_spectrum_of_one_value(cutouts, extract):
    result = extract(even(cutouts), {"extract_width": 7.5, "xstart": 10, "xstop": 59})
    found = table(result)
    assert found["FLUX"].shape == (4, 50)
    assert_allclose(found["FLUX"], 15.0)
    assert_allclose(found["SURF_BRIGHT"], 2.0)
    assert_allclose(found["NPIXELS"], 7.5)
    assert_allclose(found["FLUX_VAR_RNOISE"], 0.25 * (6 + 2 * 0.75**2))
    assert_allclose(found["FLUX_ERROR"]**2, found["FLUX_VAR_RNOISE"] + found["FLUX_VAR_POISSON"])
    assert_allclose(found["SB_ERROR"] * 7.5, found["FLUX_ERROR"])
    assert not found["BACKGROUND"].any()
    assert not found["DQ"].any()
    assert_allclose(found["WAVELENGTH"][0], cutouts[GRISM][0].wavelength[34, 10:60])
    spectrum = result.spec[0]
    assert (spectrum.extraction_xstart, spectrum.extraction_xstop) == (11, 60)
    assert_allclose([spectrum.extraction_ystart, spectrum.extraction_ystop], [31.75, 38.25])
    assert result.meta.cal_step.extract_1d == "COMPLETE"
    assert found.columns["FLUX"].unit == "DN/s"


def test_bad_pixels_take_no_part(cutouts, extract):
    slit = even(cutouts)
    slit.dq[1, 34, 20] = 1
    slit.var_rnoise[1, 33, 20] = np.nan
    slit.data[2, 28:41, 30] = np.nan
    found = table(extract(slit, {"xstart": 0}))
    assert_allclose(found["NPIXELS"][1, 19:22], [9, 7, 9])
    assert_allclose(found["FLUX"][1, 19:22], [18, 14, 18])
    assert np.isnan(found["FLUX"][2, 30])
    assert found["DQ"][2, 30] == 1
    assert np.isnan(found["FLUX"]).sum() == 1
    assert not np.isnan(slit.data[1]).any()


def test_times_are_those_of_the_integrations(cutouts, extract):
    slit = even(cutouts)
    slit.meta.exposure.integration_start, slit.meta.exposure.integration_end = 2, 4
    slit.data, slit.err, slit.dq = slit.data[1:], slit.err[1:], slit.dq[1:]
    slit.var_rnoise, slit.var_poisson = slit.var_rnoise[1:], slit.var_poisson[1:]
    found = table(extract(slit))
    assert_array_equal(found["INT_NUM"], [2, 3, 4])
    assert_array_equal(found["MJD-AVG"], slit.int_times["int_mid_MJD_UTC"][1:])
    slit.meta.exposure.integration_end = 9
    assert np.isnan(table(extract(slit))["MJD-AVG"]).all()


def test_one_image(cutouts, extract):
    slit = even(cutouts)
    for name in ("data", "err", "dq", "var_rnoise", "var_poisson"):
        setattr(slit, name, getattr(slit, name)[0])
    result = extract(slit)
    assert type(result).__name__ == "MultiSpecModel"
    assert_allclose(table(result)["FLUX"], 18.0)


def test_order_and_slit_choose_the_aperture(cutouts, extract, tmp_path):
    assert not len(extract(even(cutouts), {"spectral_order": 2}).spec)
    with pytest.raises(ReferenceFileError, match=r"own\.json: no aperture with the id NRC_TSGRISM"):
        extract(even(cutouts), {"id": "S200A1"})
    with pytest.raises(ReferenceFileError, match="bkg_coeff of NRC_TSGRISM has 3 limits"):
        extract(even(cutouts), {"bkg_coeff": [[1], [2], [3]]})
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(ReferenceFileError, match=r"no\.json: no EXTRACT1D reference"):
        Extract1dStep(override_extract1d=str(tmp_path / "no.json"), override_apcorr="N/A").run(
            even(cutouts))


# background -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("parameters", "left"), [
    ({}, 30.0), ({"bkg_fit": "median"}, 30.0), ({"bkg_fit": "mean"}, 30.0),
    ({"bkg_order": 1}, 0.0), ({"subtract_background": False}, 30.0 + 18.0),
])
def test_a_background(parameters, left, cutouts, extract):
    """A slope that only a line follows: regions lie about row 31.5, the aperture about 34."""
    slit = even(cutouts)
    rows = np.arange(64.0)[:, np.newaxis]
    slope = 30.0 / 9 / (34 - np.array([*range(3, 19), *range(46, 61)]).mean())
    slit.data += (slope * (rows - 34) + 30.0 / 9).astype(np.float32)
    found = table(extract(slit, REGIONS | {"xstart": 0}, **parameters))
    if parameters.get("bkg_fit") == "median":
        slope = np.median([*range(3, 19), *range(46, 61)])
        assert_allclose(found["FLUX"] + found["BACKGROUND"] * 9, 48.0, rtol=1e-5)
        assert (found["BKGD_ERROR"] > 0).all()
        return
    assert_allclose(found["FLUX"], left, atol=1e-4)
    assert_allclose(found["FLUX"] + found["BACKGROUND"] * 9, 48.0, rtol=1e-5)
    assert (found["BKGD_ERROR"] > 0).all() == ("subtract_background" not in parameters)


def reference_line(image, variance, background, weights, order):
    """Background of one column in the aperture and its variance, by least squares."""
    heights = np.linspace(-1, 1, len(image))
    use = (background != 0) & np.isfinite(image) & np.isfinite(variance)
    powers = np.vander(heights, order + 1, increasing=True)
    matrix = np.linalg.pinv(powers[use])
    in_sum = (weights @ powers) @ matrix
    return powers @ (matrix @ image[use]), np.sum(in_sum**2 * variance[use])


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_line_is_that_of_least_squares(order):
    rng = np.random.default_rng(order)
    data = rng.normal(5, 1, (3, 20, 6)).astype(np.float32)
    variance = rng.uniform(0.5, 1, data.shape).astype(np.float32)
    data[1, 3, 2] = data[2, 15, 4] = variance[0, 16, 5] = np.nan
    weights, background = np.zeros((20, 6)), np.zeros((20, 6))
    weights[8:12], weights[12] = 1, 0.3
    background[1:6] = background[14:18] = 1
    sums = _boxcar.extract(_boxcar.Images(data, {"rnoise": variance}), weights, background,
                           order=order)
    for k in range(3):
        for x in range(6):
            line, of_line = reference_line(data[k, :, x].astype(float), variance[k, :, x],
                                           background[:, x], weights[:, x], order)
            assert_allclose(sums.flux[k, x], np.nansum(weights[:, x] * (data[k, :, x] - line)))
            assert_allclose(sums.background[k, x], np.sum(weights[:, x] * line))
            assert_allclose(sums.background_variances["rnoise"][k, x], of_line, rtol=1e-9)
            own = np.nansum(weights[:, x]**2 * variance[k, :, x])
            assert_allclose(sums.flux_variances["rnoise"][k, x], own + of_line, rtol=1e-6)


def test_a_column_without_background_keeps_its_flux():
    data = np.full((1, 9, 3), 4, np.float32)
    data[0, :3, 1] = np.nan
    weights, background = np.zeros((9, 3)), np.zeros((9, 3))
    weights[5:7], background[:3] = 1, 1
    sums = _boxcar.extract(_boxcar.Images(data, {}), weights, background)
    assert_allclose(sums.flux, [[0, 8, 0]], atol=1e-12)
    median = _boxcar.extract(_boxcar.Images(data, {}), weights, background, fit="median")
    assert_array_equal(np.isnan(median.flux), [[False, True, False]])


@pytest.mark.parametrize("fit", ["poly", "median"])
def test_blocks_do_not_show(fit, monkeypatch):
    """Integrations are done in blocks, and rows without weight are left out."""
    rng = np.random.default_rng(4)
    images = _boxcar.Images(rng.normal(5, 1, (7, 30, 8)).astype(np.float32),
                            {"flat": rng.uniform(0, 1, (7, 30, 8)).astype(np.float32)})
    weights, background = np.zeros((30, 8)), np.zeros((30, 8))
    weights[12:15], background[3:9] = 1, 1

    def run(scene=None):
        return _boxcar.extract(images, weights, background, fit=fit, smoothing=3, scene=scene)

    whole = run()
    scene = np.empty_like(images.data)
    monkeypatch.setattr(_boxcar, "_AT_ONCE", 500)
    for sums in (run(), run(scene)):
        assert_allclose(sums.flux, whole.flux, rtol=1e-13)
        assert_allclose(sums.flux_variances["flat"], whole.flux_variances["flat"], rtol=1e-12)
    expected = (weights * (images.data - scene)).sum(axis=1)
    assert_allclose(expected, 0, atol=1e-5)


# places and corrections -------------------------------------------------------------------------


def test_the_aperture_follows_the_source(cutouts, extract):
    slit = even(cutouts, SLIT)
    rows = np.arange(float(slit.data.shape[-2]))[:, np.newaxis]
    to_pixels = slit.meta.wcs.get_transform("slit_frame", "detector")
    waves = np.nanmedian(slit.wavelength, axis=0)
    known = np.isfinite(waves)
    x, y = to_pixels(*(np.full(known.sum(), v) for v in (slit.source_xpos, slit.source_ypos)),
                     waves[known] * 1e-6)
    trace = np.interp(np.arange(slit.data.shape[-1]), x, y)
    slit.data[:] = np.abs(rows - trace) < 2.6
    kept = table(extract(slit, {"extract_width": 9}, apply_apcorr=False))
    away = table(extract(slit, {"extract_width": 9}, apply_apcorr=False, position_offset=5.0))
    assert (kept["FLUX"] > 4.8).all()
    assert (away["FLUX"] < 3).all()


def test_light_beside_the_aperture(cutouts, extract):
    slit = even(cutouts, SLIT)
    plain, corrected = (table(extract(slit, apply_apcorr=apply)) for apply in (False, True))
    ratio = corrected["FLUX"] / plain["FLUX"]
    covered = (plain["WAVELENGTH"] > 0.7) & (plain["WAVELENGTH"] < 4.9)
    assert ((ratio > 1.005) & (ratio < 1.2))[covered].all()
    assert (ratio[~covered] == 1).all()
    assert_allclose(corrected["FLUX_VAR_RNOISE"], plain["FLUX_VAR_RNOISE"] * ratio**2)
    assert_allclose(corrected["SB_ERROR"], plain["SB_ERROR"] * ratio)
    slit.source_type = "EXTENDED"
    extended = table(extract(slit, use_source_posn=True))
    assert_array_equal(extended["FLUX"], plain["FLUX"])


def test_the_correction_is_interpolated(cutouts):
    reference, slit = star_series.corrections(), cutouts[SLIT][0]
    reference.sizeunit = "pixels"
    waves, size = np.array([0.5, 1.0, 2.35, 4.4]), np.array([0.5, 0.5, 0.61, 9.0])
    found = _apcorr.factors(reference, slit, waves, size, (210.0, 12.0))
    row = reference.apcorr_table[1]
    phase = row["apcorr"][..., 1:3].mean(axis=-1)  # of four, from 0 to 1
    grid = np.array([[np.interp(w, row["wavelength"], values[k]) for w in waves]
                     for values in (row["size"], phase) for k in range(3)]).reshape(2, 3, 4)
    expected = [np.interp(s, grid[0, :, k], grid[1, :, k]) for k, s in enumerate(size)]
    assert_allclose(found, [1.0, *expected[1:]], rtol=1e-6)
    slit.meta.instrument.filter, kept = "F070LP", slit.meta.instrument.filter
    with pytest.raises(ReferenceFileError, match="0 rows for FILTER=F070LP"):
        _apcorr.factors(reference, slit, waves, size, (210.0, 12.0))
    slit.meta.instrument.filter = kept


def test_calibrated_units(cutouts, extract):
    slit = even(cutouts)
    slit.meta.cal_step.photom, slit.meta.photometry.pixelarea_steradians = "COMPLETE", 1e-13
    found = table(extract(slit))
    assert_allclose(found["FLUX"], 18 * 1e-13 * 1e6)
    assert_allclose(found["SURF_BRIGHT"], 2)
    assert (found.columns["FLUX"].unit, found.columns["SB_ERROR"].unit) == ("Jy", "MJy/sr")
    slit = even(cutouts, SLIT)
    slit.meta.cal_step.photom, slit.meta.photometry.pixelarea_steradians = "COMPLETE", 1e-13
    found = table(extract(slit, apply_apcorr=False))  # MJy in each pixel
    assert_allclose(found["FLUX"], 2e6 * found["NPIXELS"])
    assert not found["SURF_BRIGHT"].any()


@pytest.mark.parametrize(("length", "taken"), [(0, 0), (2, 0), (3, 3), (6, 5), (4.8, 5)])
def test_smoothing_lengths(length, taken):
    rules = [{"id": "ANY", "smoothing_length": length}]
    assert _apertures.choose(rules, (10, 10), "x", 1, "file").smoothing == taken


# what else is saved, refusals -------------------------------------------------------------------


def test_images_beside_the_spectrum(cutouts, extract, tmp_path):
    slit = even(cutouts)
    extract(slit, REGIONS, save_profile=True, save_scene_model=True, save_residual_image=True,
            output_dir=str(tmp_path))
    found = {}
    for suffix in ("profile", "scene_model", "residual"):
        (path,) = tmp_path.glob(f"jw*_{suffix}.fits")
        with datamodels.open(path) as model:
            found[suffix] = model.data.copy()
    assert_allclose(found["profile"][:, 50].sum(), 9)
    assert_allclose(found["scene_model"][:, :, 50], 2, rtol=1e-6)
    assert_allclose(found["residual"][:, 34, 3:252], 0, atol=1e-6)


def test_optimal_extraction_is_refused(cutouts, extract, tmp_path, caplog):
    assert_allclose(table(extract(even(cutouts), extraction_type="optimal"))["FLUX"], 18.0)
    assert "There is no PSF reference" in caplog.text
    psf = tmp_path / "psf.fits"
    psf.write_bytes(b"x")
    with pytest.raises(InputError, match="this release extracts with extraction_type=box"):
        Extract1dStep(extraction_type="optimal", override_psf=str(psf), override_extract1d="N/A",
                      override_apcorr="N/A").run(even(cutouts))


@pytest.mark.parametrize(("change", "message"), [
    (lambda slit: setattr(slit.meta.exposure, "type", "NRS_FIXEDSLIT"),
     "EXP_TYPE=NRS_FIXEDSLIT; this release extracts"),
    (lambda slit: setattr(slit.meta, "wcs", None), "no coordinates"),
    (lambda slit: setattr(slit.meta.wcsinfo, "dispersion_direction", 2), "DISPAXIS=2 where 1"),
])
def test_refusals(change, message, cutouts):
    slit = even(cutouts)
    change(slit)
    with pytest.raises(InputError, match=message):
        Extract1dStep(override_extract1d="N/A", override_apcorr="N/A").run(slit)
