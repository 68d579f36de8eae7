"""The command line of the simulator."""

import pytest

from jwst_cal.simulate.__main__ import main


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


@pytest.mark.parametrize("arguments", [
    ["exposure", "--instrument", "acs", "OUT"],
    ["exposure", "--subarray", "SUB1", "OUT"],
    ["exposure", "--subarray", "SUB64P", "--groups", "-1", "OUT"],
    ["exposure", "--subarray", "SUB64P", "/proc/nowhere"],
    ["cache", "/proc/nowhere"],
])
def test_an_error_is_one_line(arguments, capsys):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
