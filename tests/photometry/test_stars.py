"""Star finders beside those of photutils, which they are to be the same as."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwst_cal.errors import ParameterError
from jwst_cal.photometry import _stars
from jwst_cal.photometry._finders import Search

SEARCH = Search(
    starfinder="iraf", snr_threshold=5, kernel_fwhm=2.5, bkg_boxsize=400, minsep_fwhm=0.0,
    sigma_radius=1.5, sharplo=0.5, sharphi=2.0, roundlo=0.0, roundhi=0.2, brightest=200,
    peakmax=None, npixels=10, connectivity="8", nlevels=32, contrast=0.001,
    multithresh_mode="exponential", localbkg_width=0, apermask_method="correct",
    kron_params=None, deblend=False)
#: Names of photutils, where they are others.
THEIRS = {"xcentroid": "x_centroid", "ycentroid": "y_centroid"}


def photutils(image, uncovered, threshold, search):
    from photutils import detection, use_future_column_names

    kind = detection.DAOStarFinder if search.starfinder == "dao" else detection.IRAFStarFinder
    finder = kind(threshold=threshold, fwhm=search.kernel_fwhm, sigma_radius=search.sigma_radius,
                  min_separation=max(2, int(search.minsep_fwhm * search.kernel_fwhm + 0.5)),
                  sharpness_range=(search.sharplo, search.sharphi),
                  roundness_range=(search.roundlo, search.roundhi), peak_max=search.peakmax,
                  n_brightest=search.brightest)
    with warnings.catch_warnings(), use_future_column_names():
        warnings.simplefilter("ignore")
        return finder(image, mask=uncovered)


def field(seed, shape=(90, 70), n_stars=60, fwhm=2.5, noise=1.0):
    """Stars, some of which are cut by the edges, on noise."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    image = rng.normal(0, noise, shape)
    for row, col, flux in rng.uniform((-1, -1, 1.5), (*shape, 4), (n_stars, 3)):
        wide = fwhm / 2.355 * rng.uniform(0.7, 1.4, 2)
        image += 10 ** (flux - 1) * np.exp(
            -((x - col) / wide[0])**2 / 2 - ((y - row) / wide[1])**2 / 2)
    return image.astype(np.float32), rng.random(shape) < 0.01


def same(image, uncovered, threshold, search):
    """Compare both; the number of stars."""
    ours, theirs = (find(image, uncovered, threshold, search) for find in (_stars.find, photutils))
    if theirs is None:
        assert ours is None
        return 0
    assert ours.colnames == [{their: our for our, their in THEIRS.items()}.get(name, name)
                             for name in theirs.colnames]
    assert len(ours) == len(theirs)
    for name in ours.colnames:
        there = theirs[THEIRS.get(name, name)]
        assert ours[name].dtype == there.dtype or name.startswith(("sharp", "round", "daofind"))
        # photutils adds up squares of float32 in float32
        np.testing.assert_allclose(np.asarray(ours[name]), np.asarray(there), rtol=2e-5, atol=2e-5,
                                   err_msg=name)
        assert getattr(ours[name], "unit", None) == getattr(there, "unit", None)
    return len(ours)


@pytest.mark.parametrize("finder", ["dao", "iraf"])
@pytest.mark.parametrize("change", [
    {}, {"sharplo": -9.0, "sharphi": 9.0, "roundlo": -9.0, "roundhi": 9.0, "brightest": None},
    {"peakmax": 200.0}, {"brightest": 3}, {"kernel_fwhm": 1.0}, {"kernel_fwhm": 6.3},
    {"sigma_radius": 3.0}, {"sigma_radius": 0.4}, {"minsep_fwhm": 4.0},
    {"roundlo": -0.5, "roundhi": 0.5}])
def test_stars_are_those_of_photutils(finder, change):
    search = replace(SEARCH, starfinder=finder, **change)
    assert sum(same(*field(seed), 8.0, search) for seed in range(8)) > 3


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), finder=st.sampled_from(["dao", "iraf"]),
       rows=st.integers(3, 40), cols=st.integers(3, 40), threshold=st.floats(0.5, 50),
       fwhm=st.floats(1.0, 5.0), missing=st.booleans())
def test_any_field(seed, finder, rows, cols, threshold, fwhm, missing):
    image, uncovered = field(seed, (rows, cols), 12)
    if missing:
        image[np.random.default_rng(seed).random(image.shape) < 0.02] = np.nan
        image[np.isnan(image)] = 0  # as the callers do where nothing is known
    wide = replace(SEARCH, starfinder=finder, kernel_fwhm=fwhm, sharplo=-99.0, sharphi=99.0,
                   roundlo=-99.0, roundhi=99.0, brightest=None)
    same(image, uncovered, threshold, wide)


@pytest.mark.parametrize("finder", ["dao", "iraf"])
def test_a_star_is_where_it_is(finder):
    y, x = np.indices((41, 43))
    image = 1000 * np.exp(-((x - 20.3)**2 + (y - 19.8)**2) / (2 * (2.5 / 2.355)**2))
    image = image.astype(np.float32)
    found = _stars.find(image, np.zeros(image.shape, bool), 50.0,
                        replace(SEARCH, starfinder=finder, roundlo=-0.5, roundhi=0.5))
    assert len(found) == 1
    assert abs(found["xcentroid"][0] - 20.3) < 0.1
    assert abs(found["ycentroid"][0] - 19.8) < 0.1


@pytest.mark.parametrize("finder", ["dao", "iraf"])
def test_nothing_is_found_in_nothing(finder):
    image = np.zeros((20, 30), np.float32)
    search = replace(SEARCH, starfinder=finder)
    assert _stars.find(image, np.zeros(image.shape, bool), 1.0, search) is None
    image[10, 10] = np.nan
    image[12, 20] = 100
    assert _stars.find(image, np.ones(image.shape, bool), 1.0, search) is None


@pytest.mark.parametrize(("change", "told"), [
    ({"kernel_fwhm": 0.0}, "'kernel_fwhm' and .*: 0.0 and 1.5"),
    ({"sigma_radius": -1.0}, "'sigma_radius': 2.5 and -1.0"),
    ({"brightest": 0}, "'brightest': 0")])
def test_numbers_that_mean_nothing(change, told):
    image = np.zeros((20, 30), np.float32)
    with pytest.raises(ParameterError, match=f"{told}.* needed"):
        _stars.find(image, image > 1, 1.0, replace(SEARCH, **change))
