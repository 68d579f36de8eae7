"""Plans in parts, and the Slurm scripts that run them."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from batch.conftest import NAMES, same_bytes

from jwst_cal.batch import parts, planning
from jwst_cal.batch.state import IN_USE, Lock, everything
from jwst_cal.batch.tasks import Task
from jwst_cal.cli import command
from jwst_cal.errors import ExitStatus, ParameterError


def task(name, *after, label="calwebb_detector1"):
    return Task(name, label, (f"/{name}_x.fits",), {}, "/out", after)


PLAN = [task("a1"), task("b1"), task("c1"), task("a2", "a1"), task("b2", "b1", "c1"),
        task("all", "a2", "b2", label="calwebb_image3"), task("more", "all")]


def test_chains():
    chains, final = parts.split(PLAN)
    assert [[task.name for task in chain] for chain in chains] == [
        ["a1", "a2"], ["b1", "c1", "b2"]]
    assert [task.name for task in final] == ["all", "more"]


def test_each_task_is_in_one_part():
    for total in (1, 2, 5):
        found = [parts.part(PLAN, f"{number}/{total}") for number in range(1, total + 1)]
        found.append(parts.part(PLAN, "final"))
        names = [task.name for one in found for task in one]
        assert sorted(names) == sorted(task.name for task in PLAN)
        for one in found:
            assert {name for task in one for name in task.after} <= {task.name for task in one}


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "a/b", "1/2/3"])
def test_refuses(text):
    with pytest.raises(ParameterError, match="as 3/10"):
        parts.parse(text)


def test_locks(tmp_path):
    where = str(tmp_path)
    with Lock(where, "1/2"), Lock(where, "2/2"):
        for part in (None, "1/2"):
            with pytest.raises(ExitStatus) as caught, Lock(where, part):
                pass
            assert caught.value.status == IN_USE
    with Lock(where), pytest.raises(ExitStatus), Lock(where, "1/2"):
        pass
    with Lock(where):
        pass


def test_parts_and_the_whole_know_of_each_other(raw, tmp_path, run_here):
    plan = planning.make([str(raw)], str(tmp_path), stages=[1])
    every = plan.tasks
    plan.tasks = parts.part(every, "2/3")
    assert len(run_here(plan, part="2/3").of("done")) == 2
    plan.tasks = parts.part(every, "1/2")
    told = run_here(plan, part="1/2")
    assert (told.of("current"), len(told.of("done"))) == ([NAMES[4]], 2)
    plan.tasks = every
    told = run_here(plan)
    assert (len(told.of("current")), len(told.of("done"))) == (4, 2)
    rows, _ = everything(str(tmp_path))
    assert [(row["name"].split()[-1], row["status"]) for row in rows] == [
        (name, "done") for name in NAMES]


def test_slurm_scripts(raw, tmp_path, monkeypatch, capsys, undisturbed):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site").write_text("#SBATCH --partition=long\nexport X=1\n")
    assert command.main(["plan", str(raw), "-o", "out", "--stages=1", "--no-references"]) == 0
    assert command.main(["run", "plan.toml", "--engine=slurm-array", "--parts=2", "--site=site",
                         "--threads=1"]) == 0
    out = capsys.readouterr().out
    assert "plan.slurm: 2 jobs\nsubmit:  sbatch plan.slurm\n" in out
    text = Path("plan.slurm").read_text()
    assert "#SBATCH --array=1-2\n" in text
    assert "#SBATCH --cpus-per-task=1\n" in text
    # else the signal reaches neither the shell nor what it runs
    assert "#SBATCH --signal=B:TERM@60\n" in text
    assert re.search("^exec .* run plan.toml", text, re.M)
    assert "#SBATCH --partition=long\n" in text
    assert re.search(r"^#SBATCH --time=\d\d:\d\d:00$", text, re.M)
    assert subprocess.run(["bash", "-n", "plan.slurm"], check=False).returncode == 0
    for number in ("2", "1"):
        done = subprocess.run(["bash", str(tmp_path / "plan.slurm")], cwd="/", check=False,
                              env={**os.environ, "SLURM_ARRAY_TASK_ID": number},
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "3 done in" in done.stdout
    assert same_bytes("out") == same_bytes(undisturbed)


def test_slurm_script_of_stage_3(raw, tmp_path, monkeypatch, capsys):
    from jwst_cal.batch import plan_file, resources

    monkeypatch.chdir(tmp_path)
    plan_file.write(planning.Plan(str(tmp_path), PLAN), "x.toml", resources.Experience())
    assert command.main(["run", "x.toml", "--engine=slurm-array"]) == 0
    assert "id=$(sbatch --parsable x.slurm) && sbatch --dependency=afterany:$id x-final.slurm" in (
        capsys.readouterr().out)
    assert '--part "final"' in Path("x-final.slurm").read_text()
    assert command.main(["run", str(raw), "--engine=slurm-array"]) == 2
