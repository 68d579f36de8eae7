"""Flicker noise beside the official step: every method and mask on random exposures, file by file.

The last tests pin what is different on purpose, on both sides.
"""

import subprocess

import numpy as np
import pytest
from astropy.io import fits

from jwst_cal import registry
from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.detector import _nsclean
from jwst_cal.detector.clean_flicker_noise import CleanFlickerNoiseStep
from jwst_cal.framework import Chain, Pipeline
from tests import soss
from tests.parity import compare, flickers, oracle, setup

PYTHON, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    folder = tmp_path_factory.mktemp("official")
    crds = folder / "none"
    crds.mkdir()
    done = subprocess.run(
        [str(PYTHON), flickers.__file__, str(folder)], cwd=folder, check=False,
        capture_output=True, text=True,
        env={k: str(v) for k, v in oracle.empty_cache(crds).items()})
    assert not done.returncode, done.stderr[-3000:]
    return folder


class WithCoordinates(Pipeline):
    """The step, and those that it makes for itself; references are given to all."""

    class_alias = "with_coordinates"
    chain = Chain("clean_flicker_noise", "ramp_fit", "assign_wcs", "msa_flagging",
                  "tso_photometry", "bkg_subtract", "white_light", "extract_2d", "extract_1d")


def ours(name, folder):
    model, paths, parameters = flickers.prepared(name, folder)
    overrides = {f"override_{reftype}": paths.get(reftype, "N/A")
                 for reftype in CleanFlickerNoiseStep.references}
    fit = {f"override_{reftype}": paths[reftype] for reftype in ("gain", "readnoise")}
    optics = {f"override_{reftype}": paths.get(reftype, "N/A")
              for reftype in AssignWcsStep.references}
    spectra = {alias: {f"override_{reftype}": paths.get(reftype, "N/A")
                       for reftype in registry.load(alias).references}
               for alias in ("extract_2d", "extract_1d")}
    pipeline = WithCoordinates(steps=spectra | {
        "ramp_fit": fit, "assign_wcs": optics,
        "tso_photometry": {"override_gain": paths["gain"]},
        "bkg_subtract": {"override_bkg": paths.get("bkg", "N/A")},
        "white_light": {"override_wavelengthrange": paths.get("wavelengthrange", "N/A")},
        "msa_flagging": {"override_msaoper": paths.get("msaoper", "N/A")},
        "clean_flicker_noise": parameters | overrides | {"skip": False}})
    pipeline.clean_flicker_noise.run(model)


#: Keywords that may differ: references are in other folders, and none is chosen by rules.
ALLOWED = (*compare.ALLOWED, "CRDS_CTX", "R_FLAT", "R_GAIN", "R_PSTSOS", "R_READNO", "R_CAMERA",
           "R_COLLIM", "R_DISPER", "R_FORE", "R_FPA", "MSAMETFL", "R_MSA", "R_MSAOPE", "R_OTE",

           "R_WAVRAN", "R_CHRCOR", "R_IFUFOR", "R_IFUPOS", "R_IFUSLI",
           "R_DISTOR", "R_FILOFF", "R_SPCWCS", "R_EXTR1D", "R_APCORR")



def explained(line):
    """Whether headers differ because there are no rules, or in a flat that only we record."""
    return line.endswith(("CRDS_VER: missing; official '14.0.3'",
                          "CRDS_CTX: missing; official 'jwst_0000.pmap'")) or (
        "R_FLAT: ours" in line)


@pytest.mark.parametrize("name", flickers.CASES | flickers.STARS)
def test_products_and_flags_are_the_same(name, official, tmp_path):
    ours(name, tmp_path / name)
    mine = {p.name: p for p in (tmp_path / name).glob("jw*")}
    theirs = {p.name: p for p in (official / name).glob("jw*")}
    assert mine.keys() == theirs.keys()
    problems = []
    for file, path in theirs.items():
        if name in flickers.STARS:  # rounding, of data of some hundreds: their scale is a sum
            problems += [f"{file} {d}" for d in compare.files(mine[file], path, 1e-6, scale=300.0)
                         if d.bad]
        elif "fft" in name:
            problems += about_the_same(mine[file], path)
        else:
            tolerance = 1e-6 if name == "soss-median-image-ramp" else 0.0  # that of the draft
            problems += [f"{file} {d}" for d in compare.files(mine[file], path, tolerance)
                         if d.bad]
        problems += [f"{file} {line}" for line in compare.headers(mine[file], path, ALLOWED)
                     if not explained(line)]
    assert not problems, "\n".join(problems)


def test_spectra_are_added_up_without_the_times_of_integrations(official, tmp_path):
    """There, nothing is changed."""
    name = "star-without-times"
    ours(name, tmp_path / name)
    status, changed = [], []
    for folder in (tmp_path, official):
        (path,) = (folder / name).glob("jw*_cleaned.fits")
        status.append(fits.getval(path, "S_CLNFNS"))
        changed.append(fits.getdata(path))
    given = flickers.star_of(name)[0].data
    assert status == ["COMPLETE", "FAILED"]
    np.testing.assert_array_equal(changed[1], given)
    assert np.nanstd(changed[0] - given) > 0.3


def about_the_same(mine, theirs):
    """Where the noise is fitted in Fourier space: the same to some 1e-6 of its amplitude."""
    problems = []
    with fits.open(mine) as a, fits.open(theirs) as b:
        for hdu in b[1:]:
            if hdu.data is None or hdu.data.dtype.names:
                continue
            if hdu.data.dtype.kind == "f":
                # of a ramp, what is left of the rounding of its counts
                atol = 2e-5 if hdu.data.ndim == 4 else 2e-6
                np.testing.assert_allclose(a[hdu.name].data, hdu.data, rtol=1e-5, atol=atol)
            else:
                problems += [] if (a[hdu.name].data == hdu.data).all() else [hdu.name]
    return problems


@pytest.mark.parametrize("detector", ["NRS1", "NRS2"])
def test_full_frames_are_smoothed_where_they_are(official, detector):
    """There, density and smoothing are a line and a pixel off, which leaves more noise."""
    theirs = np.load(official / "full_frames.npz")[f"scattered_{detector}"]
    image, masks = flickers.full_frame()
    left = {}
    for displaced in (True, False):
        found = _nsclean.clean_full_frame(image.copy(), masks["scattered"].copy(),
                                          detector=detector, displaced=displaced)
        left[displaced] = found[:, 8:-8].std()
        if displaced:
            np.testing.assert_allclose(found, theirs, atol=1e-5)
    assert left[False] < 0.95 * left[True]


@pytest.mark.parametrize(("detector", "after"), [("NRS1", 210), ("NRS2", 199)])
def test_lines_after_lines_without_background_have_weights(official, detector, after):
    """There, they have rounding errors for weights, which also decide whether the step fails."""
    theirs = np.load(official / "full_frames.npz")[f"broken_{detector}"]
    image, masks = flickers.full_frame()
    found = _nsclean.clean_full_frame(image.copy(), masks["broken"].copy(), detector=detector,
                                      displaced=True)
    if theirs.size:
        lines = np.flatnonzero(np.abs(found - theirs).max(axis=0) > 1e-4)
        assert 0 < len(lines) < 20
        assert np.abs(lines - after).max() < 15
    ours = _nsclean.clean_full_frame(image.copy(), masks["broken"].copy(), detector=detector)
    assert ours[:, 8:-8].std() < 0.8 * found[:, 8:-8].std()


def test_traces_of_full_frames_are_masked_where_they_are(official, tmp_path):
    """There, 1792 rows too low."""
    ours("soss-full", tmp_path / "soss-full")
    masks = []
    for folder in (tmp_path, official):
        (path,) = (folder / "soss-full").glob("jw*_mask.fits")
        masks.append(fits.getdata(path)[:, 100] == 0)
    assert masks[0][1860:1880].all()
    assert not masks[0][:400].all()
    assert masks[1][70:90].all()
    assert masks[1][1860:1880].mean() < 0.1


@pytest.fixture(scope="module")
def both(official, tmp_path_factory):
    """Make the backgrounds of both packages, ours and theirs."""
    folder = tmp_path_factory.mktemp("ours")

    def make(name):
        ours(name, folder / name)
        paths = [next((where / name).glob("jw*_flicker_bkg.fits")) for where in (folder, official)]
        return [fits.getdata(path) for path in paths]

    return make


@pytest.mark.parametrize("name", ["soss-median-image-substrip96", "soss-median-image-flagged"])
def test_the_median_image_of_soss_changes_like_the_light(name, both):
    """There, the box is 10 rows off in SUBSTRIP96, and flagged pixels count."""
    row = 70 if "96" in name else 80
    curves = [np.nanmedian(found[:, row, 800:900], axis=1) for found in both(name)]
    light = soss.LIGHT_CURVE[: len(curves[0])]
    away = [np.abs(curve / curve.mean() - light / light.mean()).max() for curve in curves]
    assert away[0] < 0.03  # the sky under it does not change
    assert away[1] > 0.06


def test_the_sky_under_a_median_image_is_that_of_the_ramp(both):
    """There, the sky is measured with the flat divided out, and taken off the ramp as it is."""
    away = np.abs(flickers.flat_field((256, 2048))[150:, 1000:] - 1) > 0.25
    changes = [(found[2] - found[1])[-1, 150:, 1000:][away].std()
               for found in both("soss-median-image-flat")]
    assert changes[0] < 0.8 * changes[1]
