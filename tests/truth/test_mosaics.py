"""A dithered set from raw counts to mosaic and catalogue: shifts, sky, places, fluxes are true."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose

from jwst_cal.pipelines import Detector1Pipeline, Image2Pipeline, Image3Pipeline
from jwst_cal.pointing import attitude
from jwst_cal.simulate import dithers
from jwst_cal.simulate.exposures import Truth

PIXEL = 0.11  # arcsec
#: Pixels of each calibrated image that get some light more, as if stage 1 had missed a particle.
N_SPIKES = 40


def _spikes(path):
    """Rows and columns of the spikes of an image: where all exposures look, on good pixels."""
    rng = np.random.default_rng(int(path.name[24]))
    good = np.argwhere(fits.getdata(path, "DQ")[60:-60, 60:-60] & 1 == 0) + 60
    return rng.choice(good, N_SPIKES, replace=False)


def _add_spikes(path):
    places = tuple(_spikes(path).T)
    with fits.open(path, mode="update") as file:
        file["SCI"].data[places] += 25 * file["ERR"].data[places]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A set of MIRI images, and the folder with all products."""
    folder = tmp_path_factory.mktemp("set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JWST_CAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("JWST_CAL_CRDS", "embedded")
        made = dithers.dithers(folder, "MIRI", n_groups=12, seed=3, sky_step=0.15)
        out = {"save_results": True, "output_dir": str(folder)}
        for path in made.exposures:
            Detector1Pipeline.call(str(path), **out)
        Image2Pipeline.call(str(made.level2), **out, steps={"resample": {"skip": True}})
        for path in made.exposures:
            _add_spikes(folder / path.name.replace("_uncal", "_cal"))
        Image3Pipeline.call(str(made.level3), **out, steps={
            "tweakreg": {"abs_refcat": str(made.sources)},
            "skymatch": {"skymethod": "match", "subtract": True}})
    return made, folder


def _product(folder, suffix):
    (path,) = folder.glob(f"jw01234-o001_t001_miri_*_{suffix}")
    return path


def _aligned(folder, made):
    from stdatamodels.jwst import datamodels

    for path in made.exposures:
        with datamodels.open(folder / path.name.replace("_uncal", "_o001_crf")) as image:
            yield path.name, image


def test_alignment_takes_out_the_errors_of_the_pointing(run):
    made, folder = run
    sources, places = Table.read(made.sources), Table.read(made.places)
    pointings = Table.read(made.pointings)
    assert np.hypot(pointings["v2_error"], pointings["v3_error"]).max() > 0.02
    for name, image in _aligned(folder, made):
        assert image.meta.cal_step.tweakreg == "COMPLETE"
        seen = places[places["file"] == name]
        true = sources[seen["id"] - 1]
        ra, dec = image.meta.wcs(seen["x"], seen["y"], with_bounding_box=False)
        around = attitude.attitude(0, 0, float(np.mean(ra)), float(np.mean(dec)), 0)
        off = np.array(attitude.to_telescope(around, ra, dec)) - np.array(
            attitude.to_telescope(around, true["RA"], true["DEC"]))
        assert np.hypot(*off.mean(axis=1)) < 0.1 * PIXEL
        assert np.hypot(*off).max() < 0.15 * PIXEL


def test_steps_of_the_sky(run):
    made, folder = run
    truth = Table.read(made.pointings)["sky_mjysr"]
    found = np.array([image.meta.background.level for _, image in _aligned(folder, made)])
    assert np.ptp(truth) > 0.3
    assert_allclose(found, truth - truth.min(), atol=0.03 * truth.mean())


def test_spikes_are_flagged(run):
    made, folder = run
    n_found = n_spikes = n_false = n_clean = 0
    for name, image in _aligned(folder, made):
        truth = Truth.load(folder / name.replace("_uncal.fits", "_truth.npz"))
        with fits.open(folder / name.replace("_uncal", "_rate")) as rate:
            pull = (rate["SCI"].data - truth.rate) / rate["ERR"].data
        outlier = image.dq & 16 != 0
        spikes = np.zeros(outlier.shape, bool)
        spikes[tuple(_spikes(folder / name.replace("_uncal", "_cal")).T)] = True
        n_spikes, n_found = n_spikes + spikes.sum(), n_found + (spikes & outlier).sum()
        clean = ~spikes & (np.abs(pull) < 4) & (truth.bad_pixels == 0)
        n_clean, n_false = n_clean + clean.sum(), n_false + (clean & outlier).sum()
    assert n_spikes == 4 * N_SPIKES
    assert n_found > 0.95 * n_spikes, (n_found, n_spikes)
    assert n_false < 2e-3 * n_clean, (n_false, n_clean)


def test_catalogue(run):
    made, folder = run
    sources, catalogue = Table.read(made.sources), Table.read(_product(folder, "cat.ecsv"))
    with fits.open(_product(folder, "i2d.fits")) as mosaic:
        shape = mosaic["SCI"].shape
        covered = np.isfinite(mosaic["SCI"].data)
    assert min(shape) > 256
    assert covered.mean() > 0.5
    sky = catalogue["sky_centroid"]
    dx, dy, magnitudes, n_stars = [], [], [], 0
    for star in sources[sources["kind"] == "star"]:
        east = (sky.ra.deg - star["RA"]) * np.cos(np.radians(star["DEC"])) * 3600
        north = (sky.dec.deg - star["DEC"]) * 3600
        k = np.hypot(east, north).argmin()
        if np.hypot(east[k], north[k]) > 3 * PIXEL:
            continue
        n_stars += 1
        dx.append(east[k])
        dy.append(north[k])
        magnitudes.append(catalogue["aper_total_abmag"][k] - star["abmag"])
    assert n_stars > 25
    assert np.abs([np.median(dx), np.median(dy)]).max() < 0.1 * PIXEL
    assert 1.4826 * np.median(np.abs(dx - np.median(dx))) < 0.15 * PIXEL
    assert abs(np.nanmedian(magnitudes)) < 0.03
    assert 1.4826 * np.nanmedian(np.abs(magnitudes - np.nanmedian(magnitudes))) < 0.06
