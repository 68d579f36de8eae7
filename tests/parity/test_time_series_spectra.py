"""Coordinates, cutouts and spectra of a star's time series beside the official steps."""

import subprocess

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.spectroscopy.extract_1d import Extract1dStep
from jwst_cal.spectroscopy.extract_2d import Extract2dStep
from tests.parity import compare, oracle, setup, star_spectra
from tests.parity.star_spectra import CUTOUTS, GRISM, SPECTRA

PYTHON, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
    pytest.mark.xdist_group("time-series-of-spectra"),
]

#: Rounding of the source's place, and of what is summed up from there.
ROUNDING = 1e-8
#: Keywords that may differ: references are in other folders, and none is chosen by rules.
ALLOWED = {*compare.ALLOWED, "R_APCORR", "R_CAMERA", "R_COLLIM", "R_DISPER", "R_DISTOR", "R_EXTR1D",
           "R_FILOFF", "R_FORE", "R_FPA", "R_MSA", "R_OTE", "R_SPCWCS", "R_WAVRAN", "R_CHRCOR",
           "R_IFUFOR", "R_IFUPOS", "R_IFUSLI"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Products of both."""
    mine, theirs = (tmp_path_factory.mktemp(name) for name in ("mine", "theirs"))
    crds = theirs / "none"
    crds.mkdir()
    done = subprocess.run(
        [str(PYTHON), star_spectra.__file__, str(theirs)], cwd=theirs, check=False,
        capture_output=True, text=True,
        env={k: str(v) for k, v in oracle.empty_cache(crds).items()})
    assert not done.returncode, done.stderr[-3000:]
    star_spectra.run((AssignWcsStep, Extract2dStep, Extract1dStep), mine)
    return mine, theirs


def products(folders, case):
    """Pairs of products of a case by name."""
    mine, theirs = ({path.name: path for path in (folder / case).glob("jw*")}
                    for folder in folders)
    assert mine.keys() == theirs.keys()
    return {name: (mine[name], theirs[name]) for name in mine}


def assert_same_headers(mine, theirs):
    assert not [line for line in compare.headers(mine, theirs, ALLOWED, absent=compare.ALL_GIVEN)
                if "TFORM" not in line]


def assert_same_coordinates(mine, theirs, shape, *more):
    x, y = np.meshgrid(np.linspace(0, shape[-1] - 1, 23), np.linspace(0, shape[-2] - 1, 11))
    x, y = x.ravel(), y.ravel()
    frames = theirs.available_frames
    assert mine.available_frames == frames
    for frame in frames[1:]:
        for got, want in zip(*(wcs.get_transform(frames[0], frame)(x, y, *more)
                               for wcs in (mine, theirs)), strict=True):
            np.testing.assert_allclose(got, want, rtol=2e-9, atol=1e-12)
    world = theirs.get_transform(frames[0], frames[-1])(x, y, *more)
    assert np.isfinite(world[2]).sum() > 20
    back = [wcs.get_transform(frames[-1], frames[0])(*world) for wcs in (mine, theirs)]
    for got, want in zip(*back, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-6)


def test_coordinates_of_the_grism_are_the_same(folders):
    (pair,) = products(folders, GRISM).values()
    assert_same_headers(*pair)
    with datamodels.open(pair[0]) as mine, datamodels.open(pair[1]) as theirs:
        assert_same_coordinates(mine.meta.wcs, theirs.meta.wcs, mine.data.shape,
                                np.ones(23 * 11))


@pytest.mark.parametrize("case", CUTOUTS)
def test_cutouts_are_the_same(case, folders):
    (pair,) = products(folders, case).values()
    assert not [str(d) for d in compare.files(*pair, 0.0) if d.bad]
    assert_same_headers(*pair)
    with datamodels.open(pair[0]) as mine, datamodels.open(pair[1]) as theirs:
        assert_same_coordinates(mine.meta.wcs, theirs.meta.wcs, mine.data.shape)


def test_only_ours_takes_the_grism_s_coordinates_from_a_file(folders):
    """Of a linear dispersion; there, a file gives it one row of wavelengths."""
    mine, theirs = folders
    assert "wrong number of dimensions" in (theirs / "grism-file" / "problem.txt").read_text()
    paths = [next((mine / case).glob("jw*_cutout.fits")) for case in ("grism-file", "grism-cutout")]
    assert not [str(d) for d in compare.files(*paths, 0.0) if d.bad]


@pytest.mark.parametrize("case", SPECTRA)
def test_spectra_are_the_same(case, folders):
    found = products(folders, case)
    assert len(found) == (4 if "save_profile" in SPECTRA[case][2] else 1)
    for name, pair in found.items():
        scale = 0.0 if "x1dints" in name else 1.0
        different = compare.files(*pair, ROUNDING if scale == 0.0 else 1e-5, scale=scale)
        assert not [str(d) for d in different if d.bad]
        assert_same_headers(*pair)
        if "x1dints" in name:
            assert_same_tables(*pair, n_tables=case != "slit-other-order")


def assert_same_tables(mine, theirs, n_tables):
    """Units, and coordinates of a spectrum."""
    with fits.open(mine) as a, fits.open(theirs) as b:
        assert ("EXTRACT1D" in b) == n_tables
        if n_tables:
            assert [column.unit for column in a["EXTRACT1D"].columns] == [
                column.unit for column in b["EXTRACT1D"].columns]
    with datamodels.open(mine) as one, datamodels.open(theirs) as other:
        for ours, official in zip(one.spec, other.spec, strict=True):
            rows = np.arange(0.0, 200.0, 7.0)
            for got, want in zip(ours.meta.wcs(rows), official.meta.wcs(rows), strict=True):
                np.testing.assert_allclose(got, want, rtol=1e-12)


