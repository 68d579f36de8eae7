"""Workers that die, memory that runs out, and what the driver does about it."""

import errno
import os
import signal
import threading
from concurrent.futures import Executor, Future

import numpy as np
import pytest
from batch import work

from jwst_cal.batch import engines, planning, worker
from jwst_cal.batch.tasks import Task


@pytest.fixture(scope="module")
def executor():
    executor = engines.LocalExecutor(1)
    yield executor
    executor.shutdown()


class TestLocalExecutor:
    def test_a_worker_that_dies_is_replaced(self, executor):
        first = executor.submit(os.getpid).result()
        assert executor.submit(os.getpid).result() == first
        with pytest.raises(engines.WorkerLost, match="killed by signal 9"):
            executor.submit(work.die).result()
        assert executor.submit(os.getpid).result() != first

    def test_a_worker_that_died_idle_is_replaced(self, executor):
        import time

        os.kill(executor.submit(os.getpid).result(), signal.SIGKILL)
        time.sleep(0.5)
        assert executor.submit(os.getppid).result() == os.getpid()

    def test_memory_limit(self, executor):
        assert executor.submit(work.greedy, 200_000_000).result() == 1
        with pytest.raises(MemoryError):
            executor.submit(work.greedy, 20_000_000).result()
        assert executor.submit(work.greedy, None).result() == 1


class Script(Executor):
    """Answers each task with what is written for it; remembers what was asked for."""

    def __init__(self, answers):
        self.answers, self.orders, self.most = answers, [], 0

    def submit(self, fn, order):
        self.orders.append(order)
        answer = self.answers[order["task"]].pop(0)
        future = Future()
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result({"status": "done", "cpu": 1.0, "peak": 10, "seconds": 1.0} | answer)
        return future


MEMORY = {"status": "failed", "kind": "memory", "error": "out of memory"}
OTHER = {"status": "failed", "kind": "input", "error": "no good"}


def tasks(tmp_path, *after):
    for number, names in enumerate(after):
        (tmp_path / f"{number}_uncal.fits").touch()
        yield Task(str(number), "jump", (str(tmp_path / f"{number}_uncal.fits"),), {},
                   str(tmp_path), tuple(names))


def run(run_here, tmp_path, answers, *after, slots=1, is_local=True, **options):
    script = Script(answers)
    plan = planning.Plan(str(tmp_path), list(tasks(tmp_path, *after)))
    told = run_here(plan, make=lambda share: engines.Engine("script", script, slots,
                                                           is_local=is_local), **options)
    return told, script.orders


class TestRetry:
    def test_memory_is_tried_once_with_more(self, run_here, tmp_path):
        told, orders = run(run_here, tmp_path, {"0": [MEMORY, {}], "1": [{}]}, (), (), slots=2,
                           memory=4_000_000_000)
        assert told.of("done") == ["0", "1"] or told.of("done") == ["1", "0"]
        first, again = (order["memory"] for order in orders if order["task"] == "0")
        assert (first, again) == (2_000_000_000, 4_000_000_000)

    def test_twice_is_a_failure(self, run_here, tmp_path):
        told, orders = run(run_here, tmp_path, {"0": [MEMORY, MEMORY]}, (), slots=2)
        assert (told.status, told.of("failed"), len(orders)) == (1, ["0"], 2)

    def test_there_is_no_more(self, run_here, tmp_path):
        told, orders = run(run_here, tmp_path, {"0": [MEMORY]}, ())
        assert (told.status, told.of("failed"), len(orders)) == (1, ["0"], 1)

    @pytest.mark.parametrize("error", [engines.WorkerLost(9), RuntimeError("the node is gone")])
    def test_lost_worker(self, run_here, tmp_path, error):
        told, orders = run(run_here, tmp_path, {"0": [error, {}]}, ())
        assert (told.status, told.of("retry"), len(orders)) == (0, ["0"], 2)

    def test_an_engine_that_is_gone_ends_the_run(self, run_here, tmp_path):
        """Tasks are not blamed for it: they are done by the next run."""
        gone = RuntimeError("no workers\n\n\tany more")
        script = Script({"0": [{}], "1": [gone, {}], "2": [{}]})
        plan = planning.Plan(str(tmp_path), list(tasks(tmp_path, (), (), ("1",))))
        told = run_here(plan, make=lambda share: engines.Engine(
            "script", script, 1, is_local=True, is_gone=lambda: True))
        assert (told.status, told.of("done"), told.of("interrupted")) == (1, ["0"], ["1"])
        (event,) = [event for event in told.events if event["event"] == "interrupted"]
        assert event["error"] == "the engine ended: RuntimeError: no workers any more"
        assert told.events[-1]["counts"] == {"done": 1, "interrupted": 1, "waiting": 1}
        script.answers["0"].append({})
        told = run_here(plan, make=lambda share: engines.Engine("script", script, 1,
                                                                is_local=True))
        assert (told.status, told.of("done")[-2:]) == (0, ["1", "2"])

    def test_other_failures_are_final(self, run_here, tmp_path):
        told, orders = run(run_here, tmp_path, {"0": [OTHER]}, ())
        assert (told.status, len(orders)) == (1, 1)

    def test_users_limit_is_raised_the_second_time(self, run_here, tmp_path, monkeypatch):
        monkeypatch.setenv("JWST_CAL_MEMORY_LIMIT", "100MB")
        _, orders = run(run_here, tmp_path, {"0": [MEMORY, {}]}, (), memory=4_000_000_000)
        assert [order["environment"] for order in orders] == [
            {}, {"JWST_CAL_MEMORY_LIMIT": "4000000000"}]


def test_stopping_is_told(run_here, tmp_path):
    """After Ctrl-C what runs may end, and the user hears of it."""
    class Interrupted(Executor):
        def submit(self, fn, order):
            os.kill(os.getpid(), signal.SIGINT)
            future = Future()
            told = {"status": "done", "cpu": 1.0, "peak": 10, "seconds": 1.0}
            threading.Timer(0.5, future.set_result, [told]).start()
            return future

    plan = planning.Plan(str(tmp_path), list(tasks(tmp_path, (), ())))
    told = run_here(plan, make=lambda share: engines.Engine("x", Interrupted(), 1, is_local=True))
    assert (told.status, told.of("done")) == (130, ["0"])
    (text,) = [event["text"] for event in told.events if event["event"] == "remark"]
    assert text.startswith("stopping: 1 running, which get 10 s to end")
    assert told.events[-1]["counts"] == {"done": 1, "waiting": 1}


class TestOrder:
    def test_after(self, run_here, tmp_path):
        told, _ = run(run_here, tmp_path, {"0": [{}], "1": [{}], "2": [{}]}, ("2",), (), ("1",))
        assert told.of("start") == ["1", "2", "0"]

    def test_what_comes_after_a_failure_is_not_run(self, run_here, tmp_path):
        told, orders = run(run_here, tmp_path, {"0": [OTHER], "1": [{}]}, (), (), ("0",), ("2",))
        assert told.of("blocked") == ["2", "3"]
        assert [order["task"] for order in orders] == ["0", "1"]

    def test_circle(self, run_here, tmp_path):
        from jwst_cal.errors import InputError

        with pytest.raises(InputError, match="wait for each other"):
            run(run_here, tmp_path, {}, ("1",), ("0",))


def test_kinds_of_failures():
    from jwst_cal import errors

    def of(error):
        try:
            raise error
        except Exception as caught:
            return worker.kind_of(caught)

    assert of(errors.ReferenceFileError("x")) == "reference"
    assert of(errors.OutputError("x")) == "output"
    assert of(ValueError("x")) == "other"
    assert of(OSError(errno.ENOSPC, "No space left on device")) == "output"
    assert of(ValueError("memory limit 1 MB: an exposure needs 2 MB")) == "memory"
    with pytest.raises(MemoryError) as caught:
        np.empty(1 << 60, np.uint8)
    assert worker.kind_of(caught.value) == "memory"
