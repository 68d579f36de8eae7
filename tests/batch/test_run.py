"""Runs: what is made, what is current, what fails, and that they resume."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batch.conftest import NAMES, command, content, same_bytes

from jwst_cal.batch import planning
from jwst_cal.batch.state import IN_USE, Lock, State, everything
from jwst_cal.errors import ExitStatus, InputError

STAGE1 = "calwebb_detector1"


def plan_of(folder, out, parameters=None, which=slice(None)):
    files = planning.expand([str(folder)])[which]
    return planning.Plan(str(out), planning.one_each(STAGE1, files, str(out), parameters))


def test_products_are_those_of_strun(undisturbed, raw, tmp_path):
    from jwst_cal.cli import strun

    assert strun.main([STAGE1, str(raw / f"{NAMES[2]}_uncal.fits"), f"--output_dir={tmp_path}",
                       "--log-stream=null"]) == 0
    name = f"{NAMES[2]}_rate.fits"
    assert content(undisturbed / name) == content(tmp_path / name)


class TestCurrentness:
    @pytest.fixture
    def done(self, exposures, tmp_path, run_here):
        out = tmp_path / "out"
        assert run_here(plan_of(exposures, out, which=slice(3))).of("done") == [
            f"{name}_uncal.fits" for name in NAMES[:3]]
        return out

    def again(self, run_here, exposures, out, parameters=None, **options):
        told = run_here(plan_of(exposures, out, parameters, slice(3)), **options)
        return [name.removesuffix("_uncal.fits") for name in told.of("done")]

    def test_nothing_is_done_twice(self, done, exposures, run_here):
        assert self.again(run_here, exposures, done) == []

    def test_force(self, done, exposures, run_here):
        assert self.again(run_here, exposures, done, force=True) == NAMES[:3]

    def test_content_counts_not_the_time_of_change(self, done, exposures, run_here):
        os.utime(exposures / f"{NAMES[0]}_uncal.fits", (1, 1))
        assert self.again(run_here, exposures, done) == []

    def test_other_content(self, done, exposures, run_here):
        shutil.copy(exposures / f"{NAMES[5]}_uncal.fits", exposures / f"{NAMES[1]}_uncal.fits")
        assert self.again(run_here, exposures, done) == [NAMES[1]]

    def test_a_product_that_is_gone(self, done, exposures, run_here):
        os.unlink(done / f"{NAMES[2]}_rateints.fits")
        assert self.again(run_here, exposures, done) == [NAMES[2]]

    def test_a_product_that_was_changed(self, done, exposures, run_here):
        with open(done / f"{NAMES[2]}_rate.fits", "r+b") as file:
            file.write(b"SIMPLE")
        assert self.again(run_here, exposures, done) == [NAMES[2]]

    def test_other_parameters(self, done, exposures, run_here):
        other = {"steps": {"jump": {"rejection_threshold": 5.0}}}
        assert self.again(run_here, exposures, done, other) == NAMES[:3]
        assert self.again(run_here, exposures, done, other) == []

    def test_another_version(self, done, exposures, run_here, monkeypatch):
        monkeypatch.setattr("jwst_cal.__version__", "99")
        assert self.again(run_here, exposures, done) == NAMES[:3]

    def test_a_reference_that_was_changed(self, exposures, tmp_path, run_here):
        from astropy.io import fits

        from jwst_cal.framework import reference_store

        first = str(exposures / f"{NAMES[0]}_uncal.fits")
        mine = tmp_path / "gain.fits"
        shutil.copy(reference_store.find(first, "gain"), mine)
        given = {"steps": {"jump": {"override_gain": str(mine)}}}
        out = tmp_path / "out"
        assert self.again(run_here, exposures, out, given) == NAMES[:3]
        assert self.again(run_here, exposures, out, given) == []
        fits.setval(mine, "DESCRIP", value="changed")
        assert self.again(run_here, exposures, out, given) == NAMES[:3]
        mine.unlink()
        told = run_here(plan_of(exposures, out, given, slice(1)))
        assert told.status == 1
        assert "gain.fits: no such file" in told.events[-2]["error"]

    def test_other_rules_that_name_the_same_files(self, done, exposures, run_here, monkeypatch):
        from jwst_cal.framework import reference_store

        monkeypatch.setattr(reference_store, "context", lambda: "jwst_9999.pmap")
        assert self.again(run_here, exposures, done) == []
        found = reference_store.find
        monkeypatch.setattr(reference_store, "find", lambda header, kind: (
            "/elsewhere/other_gain.fits" if kind == "gain" else found(header, kind)))
        told = run_here(plan_of(exposures, done, which=slice(3)))
        assert len(told.of("start")) == 3

    def test_a_directory_may_be_moved(self, done, exposures, run_here, tmp_path):
        shutil.move(done, tmp_path / "moved")
        assert self.again(run_here, exposures, tmp_path / "moved") == []


class TestFailures:
    def test_the_rest_goes_on(self, exposures, tmp_path, run_here, capsys):
        from jwst_cal.cli import command as jwst_cal_command

        bad = exposures / f"{NAMES[1]}_uncal.fits"
        os.truncate(bad, 20000)
        os.unlink(exposures / f"{NAMES[3]}_uncal.fits")
        plan = plan_of(exposures, tmp_path / "out", which=slice(3))
        plan.tasks += planning.one_each(STAGE1, [str(exposures / f"{NAMES[3]}_uncal.fits")],
                                        plan.output_dir)
        told = run_here(plan)
        assert told.status == 1
        assert told.of("failed") == [f"{NAMES[1]}_uncal.fits", f"{NAMES[3]}_uncal.fits"]
        assert len(told.of("done")) == 2
        assert jwst_cal_command.main(["status", plan.output_dir]) == 0
        out = capsys.readouterr().out
        assert "2 done, 2 failed" in out
        assert "truncated" in out
        assert "no such file" in out

    def test_a_vanished_reference_fails_only_what_needs_it(self, exposures, tmp_path, run_here,
                                                           capsys):
        from jwst_cal.cli import command as jwst_cal_command

        gone = {"steps": {"jump": {"override_gain": str(tmp_path / "gone_gain.fits")}}}
        plan = plan_of(exposures, tmp_path / "out", which=slice(3))
        plan.tasks[1:2] = plan_of(exposures, tmp_path / "out", gone, slice(1, 2)).tasks
        told = run_here(plan)
        assert told.status == 1
        assert told.of("failed") == [f"{NAMES[1]}_uncal.fits"]
        assert len(told.of("done")) == 2
        assert jwst_cal_command.main(["status", plan.output_dir]) == 0
        out = capsys.readouterr().out
        assert "2 done, 1 failed" in out
        assert "gone_gain.fits: no such file" in out

    def test_full_disk(self, exposures, tmp_path, run_here, monkeypatch):
        import errno

        from jwst_cal.models import _writing

        put = _writing._put

        def full(file, what):
            if NAMES[1] in file.name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            put(file, what)

        monkeypatch.setattr(_writing, "_put", full)
        told = run_here(plan_of(exposures, tmp_path / "out", which=slice(3)))
        assert told.of("done") == [f"{NAMES[0]}_uncal.fits", f"{NAMES[2]}_uncal.fits"]
        with State(str(tmp_path / "out")) as state:
            row = next(row for row in state.rows() if row["status"] == "failed")
        assert (row["kind"], "the disk is full" in row["error"]) == ("output", True)
        monkeypatch.setattr(_writing, "_put", put)
        assert run_here(plan_of(exposures, tmp_path / "out", which=slice(3))).of("done") == [
            f"{NAMES[1]}_uncal.fits"]
        assert not [name for name in os.listdir(tmp_path / "out") if name.startswith(".writing")]

    def test_no_science_data_is_no_failure(self, exposures, tmp_path, run_here, monkeypatch):
        from jwst_cal.pipelines import Detector1Pipeline

        def none(self, given):
            raise ExitStatus(64, "no science data")

        monkeypatch.setattr(Detector1Pipeline, "process", none)
        told = run_here(plan_of(exposures, tmp_path / "out", which=slice(1)))
        assert (told.status, told.of("empty")) == (0, [f"{NAMES[0]}_uncal.fits"])

    def test_same_names(self, exposures, tmp_path, run_here):
        (tmp_path / "other").mkdir()
        other = shutil.copy(exposures / f"{NAMES[0]}_uncal.fits", tmp_path / "other")
        plan = planning.Plan(str(tmp_path), [
            *planning.one_each(STAGE1, [str(exposures / f"{NAMES[0]}_uncal.fits")], str(tmp_path)),
            *planning.one_each(STAGE1, [str(other)], str(tmp_path))])
        with pytest.raises(InputError, match=r"two tasks are called|same names"):
            run_here(plan)

    def test_two_runs_in_one_directory(self, exposures, tmp_path, run_here):
        plan = plan_of(exposures, tmp_path / "out", which=slice(1))
        with Lock(plan.output_dir):
            with State(plan.output_dir, write=True) as state:
                state.plan(plan.tasks)
                state.note(plan.tasks[0], {"status": "running"})
                state.commit()
            assert everything(plan.output_dir)[0][0]["status"] == "running"
            assert run_here(plan).status == IN_USE
            done = command("run", exposures, "-o", plan.output_dir)
            assert done.returncode == IN_USE
            assert f"process {os.getpid()} on" in done.stderr
        assert everything(plan.output_dir)[0][0]["status"] == "interrupted"
        assert run_here(plan).status == 0


class TestStopping:
    """A run that is stopped, or killed, and the run after it."""

    def begin(self, raw, out, wanted):
        """Start a run; return when so many tasks are done."""
        running = subprocess.Popen(
            [sys.executable, "-P", "-m", "jwst_cal.cli.command", "run", str(raw), "-o", str(out),
             "--stages", "1", "--jobs", "1", "--threads", "1"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        for line in running.stdout:
            wanted -= " done " in line
            if not wanted:
                break
        return running

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_resumes(self, raw, undisturbed, tmp_path, number, run_here):
        out = tmp_path / "out"
        running = self.begin(raw, out, 2)
        # Ctrl-C reaches the whole group
        (os.killpg if number == signal.SIGINT else os.kill)(running.pid, number)
        _, err = running.communicate()
        assert running.returncode == (-9 if number == signal.SIGKILL else 128 + number)
        if number != signal.SIGKILL:
            assert "stopped by a signal" in err
        rows, _ = everything(str(out))
        assert "running" not in {row["status"] for row in rows}
        before = [row["name"] for row in rows if row["status"] == "done"]
        assert len(before) >= 1
        told = run_here(planning.make([str(raw)], str(out), stages=[1]), threads=1)
        assert told.status == 0
        assert not set(told.of("done")) & {name.split()[-1] for name in before}
        assert same_bytes(out) == same_bytes(undisturbed)
        assert not list(out.glob(".writing*"))

    def test_goes_on_without_a_worker(self, raw, undisturbed, tmp_path):
        out = tmp_path / "out"
        running = self.begin(raw, out, 2)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        workers = [int(child) for child in children
                   if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]
        os.kill(workers[-1], signal.SIGKILL)
        running.communicate()
        assert running.returncode == 0
        assert same_bytes(out) == same_bytes(undisturbed)
        assert not list(out.glob(".writing*"))

    def test_no_worker_outlives_the_driver(self, raw, tmp_path):
        running = self.begin(raw, tmp_path, 1)
        children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
        assert children
        running.kill()
        running.communicate()
        deadline = time.monotonic() + 20
        while any(alive(child) for child in children) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(alive(child) for child in children)


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
