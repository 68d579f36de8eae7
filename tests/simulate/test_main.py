"""The command line of the simulator."""

import pytest

from jwst_cal.simulate import references
from jwst_cal.simulate.__main__ import main
from jwst_cal.simulate.exposures import configurations


def test_writes_an_exposure_and_says_where(tmp_path, capsys):
    assert main(["exposure", "--instrument", "nircam", "--subarray", "sub64p", "--groups", "3",
                 str(tmp_path)]) == 0
    path = tmp_path / "jw01234001001_02101_00001_nrca1_uncal.fits"
    assert capsys.readouterr().out.strip() == str(path)
    assert path.exists()
    assert path.with_name("jw01234001001_02101_00001_nrca1_truth.npz").exists()


def test_writes_the_rules_and_says_how_to_use_them(tmp_path, capsys):
    assert main(["cache", str(tmp_path / "crds")]) == 0
    out = capsys.readouterr().out.strip()
    assert out == f"CRDS_PATH={tmp_path / 'crds'} CRDS_CONTEXT=jwst_embedded_9001.pmap"


def test_writes_one_segment_of_another_detector(tmp_path, capsys):
    assert main(["exposure", "--instrument", "nirspec", "--subarray", "sub512", "--detector",
                 "nrs2", "--segment", "2/3", "--groups", "2", str(tmp_path)]) == 0
    name = "jw01234001001_02101_00001-seg002_nrs2_uncal.fits"
    assert capsys.readouterr().out.strip() == str(tmp_path / name)


def test_help_lists_every_kind(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for kind in configurations():
        row = [kind.instrument, kind.subarray, kind.exp_type, kind.readpatt]
        assert any(line.split()[:4] == row and kind.detector in line.split()
                   for line in text.splitlines()), kind


def test_writes_all_references_of_one_detector(tmp_path, monkeypatch):
    monkeypatch.setattr(references, "write", lambda row, path: path.touch())
    assert main(["cache", str(tmp_path / "crds"), "--all", "--detector", "mirimage"]) == 0
    names = {path.name for path in (tmp_path / "crds" / "references" / "jwst").iterdir()}
    assert "jwst_miri_dark_9003.fits" in names
    assert "jwst_miri_emicorr_9001.asdf" in names
    assert not any(name.startswith("jwst_nircam") for name in names)


@pytest.mark.parametrize("arguments", [
    ["exposure", "--instrument", "acs", "OUT"],
    ["cache", "--all", "OUT", "--detector", "NRCA9"],
    ["exposure", "--subarray", "SUB1", "OUT"],
    ["exposure", "--subarray", "SUB64P", "--groups", "-1", "OUT"],
    ["exposure", "--subarray", "SUB64P", "/proc/nowhere"],
    ["cache", "/proc/nowhere"],
    ["dithers", "OUT", "--instrument", "nirspec"],
    ["dithers", "OUT", "--detectors", "NRCA9"],
    ["dithers", "OUT", "--subarray", "SUBGRISM64"],
    ["dithers", "OUT", "--filter", "F999W"],
    ["dithers", "OUT", "--instrument", "fgs", "--filter", "F200W"],
    ["dithers", "OUT", "--dithers", "0"],
    ["dithers", "OUT", "--sky-step", "nan"],
    ["dithers", "/proc/nowhere"],
])
def test_an_error_is_one_line(arguments, capsys):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
