"""collect_pipeline_cfgs and stpipe list."""

import io
import sys

import pytest

from jwst_cal import registry
from jwst_cal.cli import collect_pipeline_cfgs, stpipe
from jwst_cal.framework import building, configuration

EXISTING = [row for row in registry.ROWS if row.exists]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cfgs")
    collect_pipeline_cfgs.write_all(str(folder))
    return folder


@pytest.mark.parametrize("row", EXISTING, ids=lambda row: row.alias)
def test_one_file_for_each_that_loads_as_its_class(written, row):
    from jwst_cal.framework import Step

    step = Step.from_config_file(written / f"{row.alias}.cfg")
    assert type(step) is registry.load(row.alias)
    assert step.get_pars() == type(step)().get_pars() or row.alias in collect_pipeline_cfgs.VARIANTS


def test_every_file_loads(written):
    from jwst_cal.framework import Step

    for file in written.iterdir():
        step = Step.from_config_file(file)
        assert building.config_of(step)["class"] == configuration.read(file)["class"]


def test_pipelines_list_their_steps_in_order(written):
    text = (written / "calwebb_detector1.cfg").read_text()
    assert text.splitlines()[:2] == [
        'name = "Detector1Pipeline"',
        'class = "jwst.pipeline.calwebb_detector1.Detector1Pipeline"',
    ]
    assert text.index("[[dq_init]]") < text.index("[[saturation]]") < text.index("[[jump]]")
    steps = configuration.read(written / "calwebb_detector1.cfg")["steps"]
    assert list(steps) == list(registry.load("calwebb_detector1").step_defs)


def test_variants(written):
    config = configuration.read(written / "calwebb_tso1.cfg")
    assert config["save_calibrated_ramp"] == "True"
    assert config["steps"]["firstframe"] == {"skip": "True"}
    assert config["steps"]["jump"] == {}


def test_variants_name_known_classes():
    for variant in collect_pipeline_cfgs.VARIANTS.values():
        assert variant.alias in registry.by_alias


def test_command(tmp_path, capsys):
    folder = tmp_path / "a" / "b"
    assert collect_pipeline_cfgs.main([str(folder)]) == 0
    assert capsys.readouterr().out == f"{len(list(folder.iterdir()))} files written in {folder}\n"
    assert collect_pipeline_cfgs.main([str(folder)]) == 0  # no terminal, no question
    (tmp_path / "file").write_text("")
    assert collect_pipeline_cfgs.main([str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err == f"ERROR: {tmp_path / 'file'}: File exists\n"


@pytest.mark.parametrize(
    ("answers", "status"),
    [("\n", 0), ("yes\n", 0), ("no\n", 1), ("what\nn\n", 1), ("what\n" * 10, 1)],
)
def test_question_on_a_terminal(tmp_path, monkeypatch, capsys, answers, status):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answers))
    assert collect_pipeline_cfgs.main([str(tmp_path)]) == status
    assert bool(list(tmp_path.iterdir())) == (status == 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [([], "ERROR: missing argument (destination directory)\n"),
     (["a", "b"], "ERROR: too many arguments\n")],
)  # fmt: skip
def test_wrong_arguments(words, message, capsys):
    assert collect_pipeline_cfgs.main(words) == 1
    assert capsys.readouterr().err == message


def test_help_makes_no_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert collect_pipeline_cfgs.main(["-h"]) == 0
    assert not list(tmp_path.iterdir())
    assert "usage" in capsys.readouterr().out


def test_list(capsys):
    assert stpipe.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(EXISTING)
    assert lines == sorted(lines)
    assert "jwst_cal.detector.linearity.LinearityStep (linearity)" in lines


def test_list_selects(capsys):
    assert stpipe.main(["list", "--pipelines-only", "*DETECTOR1*"]) == 0
    assert capsys.readouterr().out == (
        "jwst_cal.pipelines.detector1.Detector1Pipeline (calwebb_detector1)\n"
    )
    assert stpipe.main(["list", "--steps-only", "*Detector1*"]) == 0
    assert capsys.readouterr().err == "(no matching classes)\n"


def test_bare_and_version(capsys):
    assert stpipe.main([]) == 0
    assert "list" in capsys.readouterr().out
    assert stpipe.main(["--version"]) == 0
    assert "reproduces jwst" in capsys.readouterr().out
