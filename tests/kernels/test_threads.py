"""One owner of the thread count."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jwst_cal.kernels import threads


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("JWST_CAL_NUM_THREADS", "OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
        monkeypatch.delenv(name, raising=False)
    threads.set_threads(None)  # a command run in this process may have chosen
    yield
    threads.set_threads(None)


def test_order_of_precedence(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert threads.team_size() == 3
    monkeypatch.setenv("JWST_CAL_NUM_THREADS", "5")
    assert threads.team_size() == 5
    threads.set_threads(6)
    assert threads.team_size() == 6
    assert threads.team_size(7) == 7


@pytest.mark.parametrize("text", ["four", "0", "-2", "1.5"])
def test_a_number_of_threads_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("JWST_CAL_NUM_THREADS", text)
    with pytest.raises(ValueError, match=f"JWST_CAL_NUM_THREADS: '{text}' where a number of thr"):
        threads.team_size()
    monkeypatch.setenv("JWST_CAL_NUM_THREADS", " ")
    assert threads.team_size() == threads.granted_cpus()


def test_small_work_takes_one_thread_unless_told():
    threads.set_threads(4)
    assert threads.team_size(work=10) == 1
    assert threads.team_size(4, work=10) == 4


def test_slurm_grant_is_a_limit(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert threads.granted_cpus() == 1


@pytest.fixture
def groups(monkeypatch, tmp_path):
    """Control groups as the system shows them; write(path, text)."""
    def write(path, text):
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def read(path):
        return tmp_path / "proc" if path == "/proc/self/cgroup" else Path(path)

    monkeypatch.setattr(threads, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(threads, "Path", read)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(64)))
    return write


def test_the_quota_of_a_job_is_that_of_its_own_group_or_one_above(groups):
    groups("proc", "0::/system.slice/job_7/step_0\n")
    groups("groups/cpu.max", "max 100000\n")
    groups("groups/system.slice/cpu.max", "2000000 100000\n")
    groups("groups/system.slice/job_7/cpu.max", "350000 100000\n")
    groups("groups/system.slice/job_7/step_0/cpu.max", "max 100000\n")
    assert threads.granted_cpus() == 4


def test_the_quota_of_a_container_is_at_the_root(groups):
    groups("proc", "0::/\n")
    groups("groups/cpu.max", "250000 100000\n")
    assert threads.granted_cpus() == 3


def test_a_container_that_names_the_group_of_its_host_has_the_quota_of_the_root(groups):
    groups("proc", "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n")
    groups("groups/cpu,cpuacct/cpu.cfs_quota_us", "200000\n")
    groups("groups/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    assert threads.granted_cpus() == 2


@pytest.mark.parametrize("text", ["-1\n", "nonsense\n", ""])
def test_without_a_quota_the_affinity_counts(groups, text):
    groups("proc", "1:cpu:/a\n0::/\n")
    groups("groups/cpu/a/cpu.cfs_quota_us", text)
    groups("groups/cpu/a/cpu.cfs_period_us", "100000\n")
    assert threads.granted_cpus() == 64


@pytest.mark.parametrize(("text", "wanted"), [("none", None), ("1", None), ("all", 8), ("half", 4),
                                              ("quarter", 2), ("3", 3), ("99", 8)])
def test_maximum_cores(monkeypatch, text, wanted):
    monkeypatch.setattr(threads, "granted_cpus", lambda: 8)
    assert threads.cores_to_threads(text) == wanted


@pytest.mark.parametrize("text", ["some", "-1", "0", "2.5"])
def test_maximum_cores_refuses(text):
    with pytest.raises(ValueError, match="maximum_cores"):
        threads.cores_to_threads(text)


@pytest.mark.parametrize("count", [0, -2])
def test_less_than_one_thread_is_refused(count):
    with pytest.raises(ValueError, match="at least 1"):
        threads.team_size(count)
    with pytest.raises(ValueError, match="at least 1"):
        threads.set_threads(count)


def test_threads_of_a_command_sleep_in_between(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    threads.sleep_in_between()
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    threads.sleep_in_between()
    assert os.environ["OMP_WAIT_POLICY"] == "active"


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")
def test_a_command_says_so_before_openmp_is_loaded(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    told = subprocess.run([sys.executable, "-P", "-c", """
import os, sys
from jwst_cal.cli import strun
from jwst_cal.kernels import threads
sys.argv = ["strun", "--version"]
assert not any("libgomp" in line for line in open("/proc/self/maps"))
assert strun.main() == 0
assert os.environ["OMP_WAIT_POLICY"] == "passive"
"""], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
