"""jwst-cal check: one test for each kind of trouble."""

import numpy as np
import pytest
from astropy.io import fits
from batch.conftest import NAMES

from jwst_cal.batch import checking
from jwst_cal.cli import command, strun


@pytest.fixture(scope="module")
def made(raw, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    assert strun.main(["calwebb_detector1", str(raw / f"{NAMES[0]}_uncal.fits"),
                       f"--output_dir={folder}", "--log-stream=null"]) == 0
    return folder


@pytest.fixture
def rate(made, tmp_path):
    path = tmp_path / f"{NAMES[0]}_rate.fits"
    path.write_bytes((made / path.name).read_bytes())
    return str(path)


def test_good(raw, made, capsys):
    names = [str(raw / f"{NAMES[0]}_uncal.fits"), *map(str, made.glob("*.fits"))]
    assert command.main(["check", *names]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: good" for name in names]
    assert command.main(["check", "-q", *names]) == 0
    assert capsys.readouterr().out == ""


def change(path, name, where, value):
    with fits.open(path, mode="update", memmap=False) as hdus:
        hdus[name].data[where] = value


@pytest.mark.parametrize(("name", "value", "says"), [
    ("SCI", np.nan, "1 pixels in data are NaN and not flagged DO_NOT_USE"),
    ("DQ", 1, "1 pixels in data are flagged DO_NOT_USE and not NaN"),
    ("VAR_RNOISE", -1, "1 pixels in var_rnoise are negative"),
    ("ERR", -1, "1 pixels in err are negative"),
    ("VAR_POISSON", np.inf, "1 pixels in var_poisson are infinite"),
    ("ERR", np.nan, "1 pixels in err are NaN and not flagged DO_NOT_USE"),
])
def test_arrays(rate, name, value, says):
    with fits.open(rate) as hdus:
        where = tuple(np.argwhere((hdus["DQ"].data == 0) & np.isfinite(hdus["SCI"].data))[0])
    change(rate, name, where, value)
    assert checking.problems(rate) == [says]


@pytest.mark.parametrize(("keyword", "value", "says"), [
    ("CAL_VER", None, "without the keyword CAL_VER"),
    ("FILENAME", "x_rate.fits", "FILENAME is 'x_rate.fits'"),
    ("S_JUMP", "FAILED", "step jump has the status FAILED"),
    ("S_RAMP", "SKIPPED", "a product _rate of which ramp_fit is SKIPPED"),
])
def test_keywords(rate, keyword, value, says):
    if value is None:
        fits.delval(rate, keyword)
    else:
        fits.setval(rate, keyword, value=value)
    assert checking.problems(rate) == [says]


def test_broken_files(rate, tmp_path, capsys):
    (tmp_path / "text.fits").write_text("nothing")
    with open(rate, "r+b") as file:
        file.truncate(30000)
    names = [rate, str(tmp_path / "text.fits"), str(tmp_path / "none.fits")]
    assert command.main(["check", *names]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "truncated" in lines[0]
    assert lines[1:] == [f"{names[1]}: is neither a FITS nor an ASDF file",
                         f"{names[2]}: no such file"]
