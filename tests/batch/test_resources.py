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
    task = Task("x", "calwebb_detector1", ("x_uncal.fits",))

    @pytest.fixture
    def past(self, tmp_path):
        """Remember tasks: size in MB, CPU seconds, and whether it was the first in its process."""
        store = str(tmp_path / "tasks.tsv")

        def remember(*tasks, label="calwebb_detector1"):
            for size, cpu, is_first in tasks:
                resources.Experience(store).add(label, resources.Past(
                    size * 10**6, cpu, (100 + 7 * size) * 10**6, 2 * size * 10**6, is_first))
            return resources.Experience(store)

        return remember

    def test_before_any_run(self, past):
        need = past().foresee(self.task, 84_000_000)
        assert 0.1 < need.seconds < 2
        assert 3e8 < need.memory < 1e9
        assert need.written == pytest.approx(168e6, rel=0.01)

    def test_fit(self, past):
        past((1, 99, False), label="other")
        need = past(*((size, 1 + size, False) for size in (1, 20, 40, 80))).foresee(
            self.task, 60_000_000)
        assert need.seconds == pytest.approx(61)
        assert need.memory == pytest.approx(520e6)
        assert need.written == pytest.approx(120e6, rel=1e-3)

    def test_one_size_scales_what_is_usual(self, past):
        usual = past().foresee(self.task, 10**7)
        need = past(*(((10, 3 * usual.seconds, False),) * 3)).foresee(self.task, 10**7)
        assert need.seconds == pytest.approx(3 * usual.seconds)

    def test_the_first_of_a_process_costs_more(self, past):
        need = past((10, 5.0, True), (10, 1.0, False), (10, 1.0, False)).foresee(self.task, 10**7)
        assert need.seconds == pytest.approx(1.0)
        assert need.first == pytest.approx(4.0)

    def test_lines_that_make_no_sense(self, past, tmp_path):
        past()
        (tmp_path / "tasks.tsv").write_text("calwebb_detector1\t1\ncalwebb_detector1\t1\t2\t3\n")
        assert past().foresee(self.task, 1) == resources.Experience(
            str(tmp_path / "none")).foresee(self.task, 1)


def test_later_stages_are_foreseen(tmp_path):
    """What is not there yet is as large as is foreseen; associations stand for their members."""
    raw = tmp_path / "a_uncal.fits"
    raw.write_bytes(bytes(10**6))
    out = str(tmp_path / "out")
    tasks = [Task("1", "calwebb_detector1", (str(raw),), {}, out, (), ("a_rate.fits", "b.fits")),
             Task("3", "calwebb_image3", (f"{out}/x_asn.json",), {}, out, ("1",))]
    association = {"products": [{"members": [{"expname": "a_rate.fits"}]}]}
    one, three = resources.foresee_all(tasks, resources.Experience(str(tmp_path / "none")),
                                       {f"{out}/x_asn.json": association})
    assert one.size == 10**6
    assert three.size == one.written // 2 > 0


@pytest.mark.parametrize(("jobs", "seconds", "wall"), [
    (1, [11, 10, 5], 26), (2, [11, 11, 5], 16)])
def test_schedule(jobs, seconds, wall):
    """Tasks wait for others and for a free process; the first in a process takes longer."""
    tasks = [Task("a", "jump", ()), Task("b", "jump", ()), Task("c", "ipc", (), after=("a", "b"))]
    needs = [resources.Need(10, 1, 1, first=1.0), resources.Need(10, 1, 1, first=1.0),
             resources.Need(4, 1, 1, first=1.0)]
    assert resources.schedule(tasks, needs, jobs) == (seconds, wall)
    assert resources.schedule([], [], 1) == ([], 0)


def test_free_space(tmp_path):
    assert resources.free_space(str(tmp_path / "not" / "there")) > 0
