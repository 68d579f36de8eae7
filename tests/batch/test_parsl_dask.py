"""Real workers of Parsl and Dask: the same products; site files that cannot be used."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batch.conftest import NAMES, command, same_bytes

from jwst_cal.batch import engines
from jwst_cal.batch.resources import Share
from jwst_cal.errors import ParameterError

SHARE = Share(1, 1, 10**10)


@pytest.fixture
def some(raw, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in NAMES[:2]:
        shutil.copy(raw / f"{name}_uncal.fits", folder)
    return folder


@pytest.fixture
def expected(undisturbed):
    return {name: made for name, made in same_bytes(undisturbed).items()
            if name.startswith(tuple(NAMES[:2]))}


def test_local_is_the_default(tmp_path):
    assert engines.make("local", SHARE, str(tmp_path)).name == "local"
    with pytest.raises(ParameterError, match="takes no --site"):
        engines.make("local", SHARE, str(tmp_path), "x.toml")


def test_ends_with_its_parent(tmp_path):
    """What Parsl starts in a session of its own does not outlive a run that is killed."""
    (tmp_path / "sleeper.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(300)\n")
    starter = ("import subprocess, sys, time\n"
               "child = subprocess.Popen([sys.executable, '-P', '-m', "
               "'jwst_cal.batch._with_parent', 'sleeper'], start_new_session=True)\n"
               "print(child.pid, flush=True)\ntime.sleep(300)\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    parent = subprocess.Popen([sys.executable, "-P", "-c", starter], stdout=subprocess.PIPE,
                              text=True,
                              env={**os.environ, "PYTHONPATH": path})
    found = sorted([parent.stdout.readline().strip(), parent.stdout.readline().strip()])
    assert found[1] == "up"
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{found[0]}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    state = Path(f"/proc/{found[0]}/stat")
    assert not state.exists() or " Z " in state.read_text()


class TestParsl:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("parsl", reason="Parsl is not installed: pip install jwst-cal[parsl]")

    def test_products(self, some, expected, tmp_path):
        site = tmp_path / "site.toml"
        site.write_text('provider = "local"\nworkers_per_node = 1\nworker_init = "true"\n')
        done = command("run", some, "-o", tmp_path / "out", "--stages=1", "--engine=parsl",
                       "--site", site, "--threads=1", timeout=180)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0].startswith("2 tasks, 1 at a time with 1 thread")
        assert same_bytes(tmp_path / "out") == expected

    @pytest.mark.parametrize(("name", "text", "says"), [
        ("site.toml", 'provider = "none"', "provider 'none'"),
        ("site.toml", 'provider = "slurm"\nnoodles = 3', "has no option 'noodles'"),
        ("site.toml", "provider", "site.toml: Expected"),
        ("site.py", "x = 1", "defines no 'config'"),
        ("site.py", "1 / 0", "ZeroDivisionError"),
        ("none.toml", None, "No such file"),
    ])
    def test_site_files(self, tmp_path, name, text, says):
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(ParameterError, match=says):
            engines.make("parsl", SHARE, str(tmp_path), str(tmp_path / name))

    @pytest.mark.parametrize(("provider", "options"), [
        ("slurm", {"partition": "long", "account": "me", "cores_per_node": 32}),
        ("pbs", {"queue": "long", "account": "me", "cpus_per_node": 32, "workers_per_node": 8}),
    ])
    def test_batch_systems(self, tmp_path, provider, options, monkeypatch):
        from jwst_cal.batch import _parsl

        monkeypatch.setenv("CRDS_PATH", "/grp/my cache")
        config, slots = _parsl.site_config(
            {"provider": provider, "nodes_per_block": 2, "max_blocks": 3, "walltime": "04:00:00",
             "address": "10.0.0.1", **options}, Share(1, 4, 10**10), str(tmp_path))
        (executor,) = config.executors
        assert slots == 3 * 2 * 8
        assert executor.max_workers_per_node == 8
        assert executor.cores_per_worker == 4
        assert "export OMP_NUM_THREADS=4" in executor.provider.worker_init
        assert "export CRDS_PATH='/grp/my cache'" in executor.provider.worker_init
        assert executor.provider.walltime == "04:00:00"


class TestDask:
    @pytest.fixture(autouse=True)
    def installed(self):
        pytest.importorskip("distributed",
                            reason="Dask is not installed: pip install jwst-cal[dask]")

    def test_products(self, some, expected, tmp_path):
        done = command("run", some, "-o", tmp_path / "out", "--stages=1", "--engine=dask",
                       "--jobs=1", "--threads=1", timeout=180)
        assert done.returncode == 0, done.stderr
        assert same_bytes(tmp_path / "out") == expected

    def test_no_scheduler(self, tmp_path):
        with pytest.raises(ParameterError, match="nonsense"):
            engines.make("dask", SHARE, str(tmp_path), "nonsense://x")

    @pytest.mark.parametrize(("workers", "says"), [
        ({}, "has no workers"), ({"a": 1, "b": 4}, "--nthreads 1")])
    def test_workers(self, workers, says):
        from jwst_cal.batch import _dask

        class Client:
            is_closed = False

            def nthreads(self):
                return workers

            def close(self):
                self.is_closed = True

        client = Client()
        with pytest.raises(ParameterError, match=says):
            _dask._slots(client, "tcp://x")
        assert client.is_closed
