"""The commands that the reference's page on running the pipeline prints, on a small exposure."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

import jwst_cal
from jwst_cal import registry
from jwst_cal.cli import collect_pipeline_cfgs, strun

STAGE1 = ["X_rate.fits", "X_rateints.fits"]
HEAD = """\
#ASDF 1.0.0
#ASDF_STANDARD 1.5.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
"""
WRITTEN = HEAD + """\
class: jwst.pipeline.Detector1Pipeline
name: Detector1Pipeline
parameters:
  save_calibrated_ramp: true
  output_dir: run3
steps:
- class: jwst.jump.jump_step.JumpStep
  name: jump
  parameters:
    rejection_threshold: 5.5
- class: jwst.linearity.linearity_step.LinearityStep
  name: linearity
  parameters: {skip: true}
...
"""
OLDER = HEAD + """\
parameters:
  class: jwst.pipeline.Detector1Pipeline
  name: Detector1Pipeline
  steps:
    jump: {class: jwst.jump.jump_step.JumpStep, rejection_threshold: 5.5}
...
"""


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    """A small exposure, parameter files, and copies of two references."""
    from jwst_cal.framework import reference_store
    from jwst_cal.simulate import exposures

    folder = tmp_path_factory.mktemp("material")
    exposures.simulate("NIRCAM", "SUB64P", n_ints=2, n_groups=5).write(folder / "X_uncal.fits")
    for reftype, name in (("dark", "my_dark.fits"), ("linearity", "my_lin.fits")):
        found = reference_store.find(str(folder / "X_uncal.fits"), reftype)
        shutil.copy(found, folder / name)
    collect_pipeline_cfgs.write_all(str(folder))
    (folder / "skip.cfg").write_text(
        "name = Detector1Pipeline\nclass = jwst.pipeline.Detector1Pipeline\n"
        "[steps]\n[[linearity]]\nskip = True\n"
    )
    (folder / "pipeline-log.cfg").write_text("[*]\nhandler = file:pipeline.log\nlevel = INFO\n")
    (folder / "my_dark_current.cfg").write_text(
        "name = dark_current\nclass = jwst.dark_current.DarkCurrentStep\nsave_results = True\n"
    )
    (folder / "config_file.cfg").write_text(
        "name = Detector1Pipeline\nclass = jwst.pipeline.Detector1Pipeline\n"
        "[steps]\n[[dark_current]]\nconfig_file = my_dark_current.cfg\n"
    )
    (folder / "written.asdf").write_text(WRITTEN)
    (folder / "older.asdf").write_text(OLDER)
    return folder


@pytest.fixture
def folder(material, tmp_path, monkeypatch):
    for name in ("CRDS_PATH", "CRDS_SERVER_URL", "CRDS_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for file in material.iterdir():
        (tmp_path / file.name).symlink_to(file)
    return tmp_path


def made(folder):
    """Files that are no symbolic links to the material."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def run(command):
    assert strun.main(shlex.split(command)) == 0


def needs(*aliases):
    absent = [alias for alias in aliases if not registry.by_alias[alias].exists]
    return pytest.mark.skipif(bool(absent), reason=f"not there yet: {', '.join(absent)}")


@needs("calwebb_detector1", "linearity", "dark_current", "ramp_fit")
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("calwebb_detector1.cfg X_uncal.fits --steps.dark_current.override_dark='my_dark.fits'",
         STAGE1),
        ("jwst.pipeline.Detector1Pipeline X_uncal.fits "
         "--steps.dark_current.override_dark='my_dark.fits'", STAGE1),
        ("calwebb_detector1 X_uncal.fits --output_dir=calibrated",
         ["calibrated/X_rate.fits", "calibrated/X_rateints.fits"]),
        ("calwebb_detector1.cfg X_uncal.fits --output_dir=calibrated "
         "--steps.dark_current.output_file='dark_sub.fits' "
         "--steps.dark_current.output_dir='dark_calibrated'",
         ["calibrated/X_rate.fits", "calibrated/X_rateints.fits",
          "dark_calibrated/dark_sub_dark_current.fits"]),
        ("calwebb_detector1.cfg X_uncal.fits --steps.dark_current.output_file='intermediate'",
         [*STAGE1, "intermediate_dark_current.fits"]),
        ("calwebb_detector1.cfg X_uncal.fits --output_file='stage1_processed'",
         ["stage1_processed_rate.fits", "stage1_processed_rateints.fits"]),
        ("calwebb_detector1.cfg X_uncal.fits --save_calibrated_ramp=true",
         ["X_ramp.fits", *STAGE1]),
        ("config_file.cfg X_uncal.fits", ["X_dark_current.fits", *STAGE1]),
        ("calwebb_detector1 X_uncal.fits --steps.ramp_fit.skip=true", ["X_ramp.fits"]),
        ("calwebb_detector1 X_uncal.fits --steps.ramp_fit.save_opt=true --output_file=foo",
         ["X_fitopt.fits", "foo_rate.fits", "foo_rateints.fits"]),
        ("calwebb_detector1 X_uncal.fits --steps.gain_scale.save_results=true",
         ["X_gain_scale.fits", "X_gain_scaleints.fits", *STAGE1]),
        ("calwebb_detector1 X_uncal.fits --steps.ramp_fit.save_results=true",
         ["X_0_ramp_fit.fits", "X_1_ramp_fit.fits", *STAGE1]),
        ("ramp_fit.cfg X_uncal.fits", ["X_0_ramp_fit.fits", "X_1_ramp_fit.fits"]),
        ("written.asdf X_uncal.fits", ["run3/X_ramp.fits", "run3/X_rate.fits",
                                       "run3/X_rateints.fits"]),
        ("older.asdf X_uncal.fits", STAGE1),
        ("calwebb_dark X_uncal.fits", ["X_darkpipeline.fits"]),
        ("calwebb_dark.cfg X_uncal.fits", ["X_dark.fits"]),
        ("linearity.cfg X_uncal.fits", ["X_linearity.fits"]),
        ("jwst.linearity.LinearityStep X_uncal.fits", ["X_linearitystep.fits"]),
        ("linearity X_uncal.fits --output_ext=asdf", ["X_linearitystep.asdf"]),
    ],
)  # fmt: skip
def test_files(folder, command, expected):
    run(command + " --log-stream=null")
    assert made(folder) == expected


@needs("dq_init")
@pytest.mark.parametrize(
    ("command", "expected"),
    [("dq_init.cfg X_uncal.fits", "X_dq_init.fits"),
     ("jwst.dq_init.DQInitStep X_uncal.fits", "X_dqinitstep.fits"),
     ("dq_init X_uncal.fits --suffix=dq_init", "X_dq_init.fits")],
)  # fmt: skip
def test_single_step_on_a_raw_exposure(folder, command, expected):
    run(command + " --log-stream=null")
    assert made(folder) == [expected]


def header(name):
    from astropy.io import fits

    return fits.getheader(name)


@needs("calwebb_detector1", "linearity", "ramp_fit")
@pytest.mark.parametrize(
    "command",
    ["calwebb_detector1.cfg X_uncal.fits --steps.linearity.skip=True", "skip.cfg X_uncal.fits"],
)
def test_skip(folder, command):
    run(command + " --log-stream=null")
    assert header("X_rate.fits")["S_LINEAR"] == "SKIPPED"
    assert "R_LINEAR" not in header("X_rate.fits")


@needs("calwebb_detector1", "linearity", "ramp_fit")
def test_override_is_recorded(folder):
    run("calwebb_detector1.cfg X_uncal.fits --log-stream=null "
        "--steps.linearity.override_linearity='my_lin.fits'")  # fmt: skip
    found = header("X_rate.fits")
    assert found["S_LINEAR"] == "COMPLETE"
    assert found["R_LINEAR"].endswith("my_lin.fits")


@needs("calwebb_detector1", "ramp_fit")
def test_log_configuration(folder, capsys):
    run("calwebb_detector1.cfg X_uncal.fits --logcfg=pipeline-log.cfg")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
    text = (folder / "pipeline.log").read_text()
    assert "Step ramp_fit done" in text
    assert "Step Detector1Pipeline done" in text


@needs("calwebb_detector1", "jump", "ramp_fit")
def test_save_parameters_then_edit_then_rerun(folder, capsys):
    run("calwebb_detector1 X_uncal.fits --save-parameters=pars.asdf "
        "--steps.jump.rejection_threshold=6.25")  # fmt: skip
    assert "jumps above 6.25 sigma" in capsys.readouterr().out
    text = (folder / "pars.asdf").read_text()
    assert text.count("rejection_threshold: 6.25") == 1
    (folder / "pars.asdf").write_text(text.replace("old: 6.25", "old: 7.5"))
    run("pars.asdf X_uncal.fits")
    assert "jumps above 7.5 sigma" in capsys.readouterr().out
    run("pars.asdf X_uncal.fits --steps.jump.rejection_threshold=8")
    assert "jumps above 8 sigma" in capsys.readouterr().out


def test_values_of_a_written_file_are_used(folder, capsys):
    run("written.asdf X_uncal.fits --explain")
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["steps.jump.rejection_threshold", "5.5", "file", "'written.asdf'"] in lines
    assert ["steps.linearity.skip", "True", "file", "'written.asdf'"] in lines


@pytest.mark.parametrize(("words", "status"), [
    ("linearity X_uncal.fits", 0), ("linearity none_uncal.fits", 1), ("linearity --skip", 2),
    ("nodata.NoDataStep X_uncal.fits", 64)])
def test_exit_status(folder, words, status):
    (folder / "nodata.py").write_text(
        "from jwst_cal.errors import ExitStatus\nfrom jwst_cal.framework import Step\n\n\n"
        "class NoDataStep(Step):\n    'See nothing.'\n\n    def process(self, model, *, refs):\n"
        "        raise ExitStatus(64, 'no open slits fall on detector NRS2')\n")
    root = os.path.dirname(os.path.dirname(jwst_cal.__file__))
    done = subprocess.run(
        [sys.executable, "-P", "-m", "jwst_cal", *words.split()], capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join([root, str(folder)])})
    assert done.returncode == status, done.stderr
    assert len(done.stderr.splitlines()) == (status != 0)
    if status == 64:
        assert done.stderr == "strun: error: no open slits fall on detector NRS2\n"
        assert not list(folder.glob("X_nodata*"))


@pytest.mark.parametrize("word", ["--verbose", "--log-level=debug", "--log-level=10"])
def test_log_level(folder, capsys, word):
    run(f"group_scale X_uncal.fits {word}")
    assert " - DEBUG - " in capsys.readouterr().out


def test_parameters_go_to_the_working_directory(folder):
    run("group_scale X_uncal.fits --output_dir=out --save-parameters=p.asdf --log-stream=null")
    assert made(folder) == ["out/X_groupscalestep.fits", "p.asdf"]


@needs("calwebb_detector1", "dark_current")
def test_missing_override_stops_before_any_step(folder, capsys):
    command = "calwebb_detector1 X_uncal.fits --steps.dark_current.override_dark=no.fits"
    assert strun.main(shlex.split(command)) == 1
    captured = capsys.readouterr()
    assert "Step group_scale" not in captured.out
    assert captured.err.endswith("no.fits: no such file (override_dark of dark_current)\n")
    assert made(folder) == []


@needs("linearity")
def test_reference_set_to_na_is_a_skip(folder, capsys):
    run("linearity X_uncal.fits --override_linearity=N/A")
    assert "WARNING - Step LinearityStep skipped: no LINEARITY reference" in capsys.readouterr().out
    assert header("X_linearitystep.fits")["S_LINEAR"] == "SKIPPED"


@needs("linearity")
def test_misspelt_parameters_in_a_file(folder, capsys):
    (folder / "x.cfg").write_text(
        "class = jwst.pipeline.Detector1Pipeline\n[steps]\n[[jump]]\nrejection_treshold = 5\n"
    )
    assert strun.main(["x.cfg", "X_uncal.fits"]) == 1
    assert capsys.readouterr().err == (
        "strun: error: 'rejection_treshold' is no parameter of jump (file 'x.cfg'); did you mean "
        "'rejection_threshold'?\n"
    )
