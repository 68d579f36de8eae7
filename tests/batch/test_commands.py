"""strun with many inputs, and jwst-cal."""

import json
import os

import pytest
from batch.conftest import NAMES, content

from jwst_cal.cli import command, strun

STAGE1 = "calwebb_detector1"
SKIP = "--steps.jump.skip=true"


@pytest.fixture
def at(exposures, tmp_path, monkeypatch):
    """Work in a folder beside the exposures."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


class TestStrun:
    def test_many(self, at, capfd):
        files = [f"raw/{name}_uncal.fits" for name in NAMES[:2]]
        assert strun.main([STAGE1, *files, "--jobs", "1", "--threads=1", SKIP]) == 0
        lines = capfd.readouterr().out.splitlines()
        assert lines[1].startswith(f"[1/2] done    {STAGE1} {NAMES[0]}_uncal.fits")
        assert strun.main([STAGE1, files[0], "--output_dir=alone", SKIP, "--log-stream=null"]) == 0
        assert content(f"{NAMES[0]}_rate.fits") == content(f"alone/{NAMES[0]}_rate.fits")
        assert strun.main([STAGE1, *files, SKIP]) == 0
        assert "2 current already" in capfd.readouterr().out

    def test_parameter_file_folder_and_list(self, at, capfd):
        from jwst_cal.batch.state import State

        (at / "mine.cfg").write_text(f"class = {STAGE1}\n[steps]\n[[jump]]\nskip = True\n")
        (at / "list.txt").write_text("# two\nraw/" + f"{NAMES[0]}_uncal.fits\n\nraw\n")
        for name in NAMES[2:]:
            os.unlink(f"raw/{name}_uncal.fits")
        assert strun.main(["mine.cfg", "@list.txt", "--output_dir=out", "--jobs=1"]) == 0
        assert "[2/2] done    mine.cfg" in capfd.readouterr().out
        with State("out") as state:
            assert {path for path, *_ in (file for row in state.rows()
                                          for _, file in state.files(row["name"], "input"))} == {
                str(at / "mine.cfg"), *(str(at / "raw" / f"{name}_uncal.fits")
                                        for name in NAMES[:2])}

    @pytest.mark.parametrize(("words", "status", "says"), [
        (["raw/a_uncal.fits", "--jobs=0"], 2, "--jobs: '0'"),
        (["raw/a_uncal.fits", "--jobs=x"], 2, "--jobs: 'x'"),
        (["@none"], 1, "none: the list of inputs cannot be read"),
        (["raw", "--explain"], 2, "take one input"),
        (["raw", "--output_file=x"], 1, "output_file: with several inputs"),
    ])
    def test_refuses(self, at, capfd, words, status, says):
        assert strun.main([STAGE1, *words]) == status
        err = capfd.readouterr().err
        assert err.startswith("strun: error: ")
        assert err.count("\n") == 1
        assert says in err


class TestCommand:
    def test_run_and_status(self, at, capsys):
        done = command.main(["run", f"raw/{NAMES[0]}_uncal.fits", "raw/none_uncal.fits",
                             "-o", "out", "--json", "--stages=1"])
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert done == 1
        assert sorted(event["event"] for event in events if event["event"] != "start") == [
            "begin", "done", "end", "failed"]
        assert command.main(["status", "out", "--all"]) == 0
        out = capsys.readouterr().out
        assert out.startswith("1 done, 1 failed\n")
        assert f"{STAGE1} {NAMES[0]}" in out
        assert command.main(["status", "out", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["counts"] == {"done": 1, "failed": 1}
        assert found["tasks"][1]["kind"] == "input"

    @pytest.mark.parametrize(("words", "status", "says"), [
        ([], 2, "COMMAND"), (["fly"], 2, "fly"), (["run"], 2, "INPUT"),
        (["run", "x", "--stages=4"], 2, "numbers from 1 to 3"),
        (["run", "raw", "--engine=none"], 1, "engine 'none'"),
        (["run", "raw", "--memory=much"], 1, "amount of memory"),
        (["run", "raw", "--pipeline=none"], 1, "none"),
        (["status", "raw"], 1, "no run was made here"),
        (["explain", "none.fits"], 1, "none.fits: no such file"),
    ])
    def test_refuses(self, at, capsys, words, status, says):
        assert command.main(words) == status
        err = capsys.readouterr().err
        assert says in err
        assert "Traceback" not in err

    def test_help(self, capsys):
        with pytest.raises(SystemExit) as leaving:
            command.main(["run", "--help"])
        assert leaving.value.code == 0
        assert "--jobs" in capsys.readouterr().out
