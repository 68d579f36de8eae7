"""Simulated images from raw counts to surface brightness: sky, fluxes and places are true."""

import numpy as np
import pytest
from astropy.table import Table
from numpy.testing import assert_allclose

from jwst_cal.pipelines import Detector1Pipeline, Image2Pipeline
from jwst_cal.pointing import attitude
from jwst_cal.simulate import dithers, psf

ERROR = 0.05


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """A set of MIRI images of a few stars, and the calibrated images."""
    folder = tmp_path_factory.mktemp("set")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JWST_CAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("JWST_CAL_CRDS", "embedded")
        made = dithers.dithers(folder, "MIRI", n_dithers=2, stars=8, sky_step=0.2,
                               pointing_error=ERROR, n_groups=12, seed=11)
        for path in made.exposures:
            Detector1Pipeline.call(str(path), save_results=True, output_dir=str(folder))
        images = Image2Pipeline.call(str(made.level2), steps={"resample": {"skip": True}})
    return made, images


def test_sky(calibrated):
    made, images = calibrated
    truth, places = Table.read(made.pointings), Table.read(made.places)
    levels = []
    for image, path in zip(images, made.exposures, strict=True):
        rows, cols = np.indices(image.data.shape)
        empty = image.dq & 1 == 0
        for place in places[places["file"] == path.name]:
            empty &= np.hypot(cols - place["x"], rows - place["y"]) > 15
        assert empty.mean() > 0.3
        levels.append(np.nanmedian(image.data[empty]))
    assert_allclose(levels, truth["sky_mjysr"], rtol=0.02)
    assert_allclose(levels[1] / levels[0], truth["sky_mjysr"][1] / truth["sky_mjysr"][0],
                    rtol=0.01)
    assert abs(levels[1] / levels[0] - 1) > 0.03


def test_stars(calibrated):
    made, images = calibrated
    sources, places = Table.read(made.sources), Table.read(made.places)
    inside = psf.of_width(2.5).radius([0.9])[0]
    ratios, shifts = [], []
    for image, path in zip(images, made.exposures, strict=True):
        rows, cols = np.indices(image.data.shape)
        for place in places[places["file"] == path.name]:
            source = sources[place["id"] - 1]
            distance = np.hypot(cols - place["x"], rows - place["y"])
            near, around = distance < inside, (distance > 9) & (distance < 14)
            others = [np.hypot(place["x"] - o["x"], place["y"] - o["y"]) < 25 for o in places
                      if o["file"] == path.name and o["id"] != place["id"]]
            if (source["kind"] != "star" or any(others) or (image.dq[near] & 1).any()
                    or not 15 < place["x"] < 240 or not 15 < place["y"] < 240):
                continue
            light = image.data[near] - np.nanmedian(image.data[around])
            flux = light.sum() * image.meta.photometry.pixelarea_steradians * 1e12
            ratios.append(flux / source["flux_ujy"])
            shifts.append(((light * cols[near]).sum() / light.sum() - place["x"],
                           (light * rows[near]).sum() / light.sum() - place["y"]))
    assert len(ratios) >= 3
    assert_allclose(np.median(ratios), 0.9, atol=0.05)
    assert np.abs(np.median(shifts, axis=0)).max() < 0.1


def test_places_on_the_sky_are_off_by_the_error_of_the_pointing(calibrated):
    made, images = calibrated
    sources, places, pointings = (Table.read(path) for path in (
        made.sources, made.places, made.pointings))
    for image, path, told in zip(images, made.exposures, pointings, strict=True):
        seen = places[places["file"] == path.name]
        ra, dec = image.meta.wcs(seen["x"], seen["y"])
        source = sources[seen["id"] - 1]
        centre = attitude.attitude(0, 0, float(np.mean(ra)), float(np.mean(dec)), 0)
        offset = np.array(attitude.to_telescope(centre, ra, dec)) - np.array(
            attitude.to_telescope(centre, source["RA"], source["DEC"]))
        spread = np.hypot(*(offset - offset.mean(axis=1, keepdims=True))).max()
        assert spread < 2e-3  # of the roll
        assert_allclose(np.hypot(*offset.mean(axis=1)),
                        np.hypot(told["v2_error"], told["v3_error"]), atol=5e-3)
        assert 0.005 < np.hypot(*offset.mean(axis=1)) < 4 * ERROR
