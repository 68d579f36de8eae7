"""One owner of the thread count."""

import pytest

from jwst_cal.kernels import threads


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("JWST_CAL_NUM_THREADS", "OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"):
        monkeypatch.delenv(name, raising=False)
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


def test_small_work_takes_one_thread_unless_told():
    threads.set_threads(4)
    assert threads.team_size(work=10) == 1
    assert threads.team_size(4, work=10) == 4


def test_slurm_grant_is_a_limit(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert threads.granted_cpus() == 1


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
