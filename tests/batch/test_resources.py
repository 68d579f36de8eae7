"""CPUs and memory are shared within what is granted."""

import pytest

from jwst_cal.batch import resources
from jwst_cal.batch.tasks import Task
from jwst_cal.errors import ParameterError


@pytest.fixture(autouse=True)
def eight_cpus(monkeypatch):
    monkeypatch.setattr("jwst_cal.kernels.threads.granted_cpus", lambda: 8)


def needs(number, megabytes):
    return [resources.Need(1.0, int(megabytes * 1e6 / 1.3), 1)] * number


@pytest.mark.parametrize(("asked", "jobs", "threads"), [
    ({}, 8, 1), ({"jobs": 2}, 2, 4), ({"jobs": 3}, 3, 2), ({"jobs": 99}, 8, 1),
    ({"threads": 4}, 2, 4), ({"jobs": 4, "threads": 4}, 4, 2), ({"threads": 99}, 1, 8),
])
def test_never_more_than_granted(asked, jobs, threads):
    found = resources.share(needs(100, 100), memory=10**10, **asked)
    assert (found.jobs, found.threads) == (jobs, threads)
    too_many = asked.get("jobs", 1) * asked.get("threads", 1) > 8
    assert bool(found.remarks) == too_many


def test_memory_limits_the_jobs():
    assert resources.share(needs(100, 1000), memory=3_100_000_000)[:2] == (3, 2)
    assert resources.share(needs(100, 9000), memory=3_100_000_000)[:2] == (1, 8)


def test_few_tasks_get_more_threads():
    assert resources.share(needs(2, 100), memory=10**10)[:2] == (2, 4)


@pytest.mark.parametrize("wrong", [{"jobs": 0}, {"threads": -1}])
def test_refuses(wrong):
    with pytest.raises(ParameterError, match="at least 1"):
        resources.share([], **wrong)


@pytest.mark.parametrize(("text", "amount"), [("800MB", 8 * 10**8), ("1.5G", 15 * 10**8),
                                              ("2GiB", 2**31), ("100", 100)])
def test_amounts(text, amount):
    assert resources.parse_memory(text) == amount


@pytest.mark.parametrize("text", ["", "much", "-3G", "0"])
def test_refuses_amounts(text):
    with pytest.raises(ParameterError, match="amount of memory"):
        resources.parse_memory(text)


def test_slurm(monkeypatch):
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "100")
    assert resources.granted_memory() == 100 * 2**20
    monkeypatch.delenv("SLURM_MEM_PER_NODE")
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "10")
    assert resources.granted_memory() == 80 * 2**20


class TestExperience:
    task = Task("x", "calwebb_detector1", ("/x_uncal.fits",))

    def test_before_any_run(self, tmp_path):
        need = resources.Experience(str(tmp_path / "none")).foresee(self.task, 84_000_000)
        assert 1 < need.seconds < 5
        assert 5e8 < need.memory < 1e9

    def test_past_runs_decide(self, tmp_path):
        past = resources.Experience(str(tmp_path / "tasks.tsv"))
        for size in (10, 20, 30, 40):
            past.add("calwebb_detector1", size * 10**6, 1 + size, (100 + 7 * size) * 10**6)
        past.add("other", 10, 999, 999)
        need = resources.Experience(str(tmp_path / "tasks.tsv")).foresee(self.task, 60_000_000)
        assert need.seconds == pytest.approx(61)
        assert need.memory == pytest.approx(520e6)

    def test_same_sizes_scale_the_usual(self, tmp_path):
        past = resources.Experience(str(tmp_path / "tasks.tsv"))
        usual = past.foresee(self.task, 10**7)
        for _ in range(5):
            past.add("calwebb_detector1", 10**7, 3 * usual.seconds, 2 * usual.memory)
        need = resources.Experience(str(tmp_path / "tasks.tsv")).foresee(self.task, 10**7)
        assert need.seconds == pytest.approx(3 * usual.seconds, rel=1e-2)
        assert need.memory == pytest.approx(2 * usual.memory, rel=1e-2)

    def test_broken_lines_do_not_matter(self, tmp_path):
        (tmp_path / "tasks.tsv").write_text("calwebb_detector1\t12\nnonsense\n\t\t\t\n")
        assert resources.Experience(str(tmp_path / "tasks.tsv")).foresee(self.task, 1).seconds > 0
