"""The driver: hands tasks to an engine, keeps what came of them, and stops cleanly."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jwst_cal.batch import currentness, resources
from jwst_cal.batch.engines import Engine, WorkerLost
from jwst_cal.batch.progress import Reporter
from jwst_cal.batch.state import FOLDER, State
from jwst_cal.batch.tasks import File, Task, in_order
from jwst_cal.framework.products import remove_suffix

__all__ = ["Driver", "Stop", "clean_up", "stopping"]

#: Failures after which a task is tried once more.
_AGAIN = ("memory", "lost")
#: Seconds that running tasks get to end after the first signal.
GRACE = 10.0
#: Seconds after which an empty folder is nobody's any more.
_MOMENT = 5.0


class Stop:
    """Whether a signal asked to stop, and how often."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.count = 0
        self.since = 0.0

    @property
    def is_asked(self) -> bool:
        """Whether no new task is to begin."""
        return self.signal is not None

    def is_over(self) -> bool:
        """Whether running tasks are not waited for any more."""
        return self.count > 1 or (self.is_asked and time.monotonic() - self.since > GRACE)


@contextlib.contextmanager
def stopping() -> Iterator[Stop]:
    """Take SIGINT and SIGTERM, for the time of the block, as the wish to stop cleanly."""
    stop = Stop()

    def asked(number: int, frame: object) -> None:
        stop.signal = number
        stop.count += 1
        if stop.count == 1:
            stop.since = time.monotonic()

    kept = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@dataclass
class _Job:
    """A task that is running, or about to."""

    task: Task
    need: resources.Need
    request: int
    attempt: int = 1
    started: float = field(default_factory=time.time)


class Driver:
    """
    One run.

    Parameters
    ----------
    tasks : sequence of Task
        What there is to do.
    engine : Engine
        Who does it.
    state : State
        Where it is written down.
    reporter : Reporter
        Where it is shown.
    share : Share
        Threads of each task, memory of all.
    experience : Experience
        What past tasks needed.
    force : bool
        Run what is current, too.
    """

    def __init__(self, tasks: Sequence[Task], engine: Engine, state: State, reporter: Reporter,
                 share: resources.Share, experience: resources.Experience, *,
                 force: bool = False) -> None:
        self._tasks = list(in_order(tasks))
        self._engine, self._state, self._reporter = engine, state, reporter
        self._share, self._experience, self._force = share, experience, force
        self._running: dict[Future[Any], _Job] = {}
        self._done: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._ready: deque[_Job] = deque()
        self._ended: dict[str, str] = {}
        self._trouble: str | None = None
        #: Why the engine cannot go on, if so.
        self.lost: str | None = None
        self._untold: deque[dict[str, Any]] = deque()
        self.counts: dict[str, int] = {}

    def run(self, stop: Stop) -> dict[str, int]:
        """
        Run all tasks that are not current.

        Parameters
        ----------
        stop : Stop
            Asked between tasks.

        Returns
        -------
        dict
            Number of tasks by status: ``done``, ``current``, ``empty``, ``failed``, ``blocked``,
            ``interrupted``, ``waiting``.
        """
        started = time.monotonic()
        self._state.plan(self._tasks)
        self._context = currentness.rules()
        self._waiting = deque(self._tasks)
        self._tell("begin", total=len(self._tasks), jobs=self._engine.slots,
                   threads=self._share.threads, memory=self._share.memory,
                   engine=self._engine.name)
        for remark in self._share.remarks:
            self._tell("remark", text=remark)
        is_told = False
        while self._waiting or self._ready or self._running:
            if stop.is_asked and self._running and not is_told:
                is_told = True
                self._tell("remark", text=f"stopping: {len(self._running)} running, which get "
                                          f"{GRACE:.0f} s to end; Ctrl-C again stops at once")
            if self.lost or (stop.is_asked and (not self._running or stop.is_over())):
                break
            if not stop.is_asked:
                self._fill()
            self._commit()
            if self._running:
                self._collect()
        if self._running:
            self._engine.stop()
            clean_up([job.task for job in self._running.values()])
            for job in self._running.values():
                self._end(job.task, "interrupted", {
                    "error": f"the engine ended: {self.lost}" if self.lost else
                    "stopped by a signal"})
        self._commit()
        self._count("waiting", len(self._waiting) + len(self._ready))
        if self._trouble:
            self._tell("remark", text=f"The record of the run could not be written whole: "
                                      f"{self._trouble}")
        self._tell("end", counts=self.counts, seconds=round(time.monotonic() - started, 3))
        return self.counts

    def _tell(self, event: str, **values: Any) -> None:
        self._reporter.tell({"event": event, **values})

    def _count(self, status: str, number: int = 1) -> None:
        if number:
            self.counts[status] = self.counts.get(status, 0) + number

    def _commit(self) -> None:
        """Write down what happened, and only then tell it."""
        self._trouble = self._state.commit()
        while self._untold:
            self._reporter.tell(self._untold.popleft())

    # choosing -------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Hand out as many tasks as there is room for, and have the next ones looked at."""
        while True:
            self._look_ahead()
            free = len(self._running) < self._engine.slots
            job = next((job for job in self._ready if self._fits(job)), None) if free else None
            if job is None:
                return
            self._ready.remove(job)
            self._start(job)

    def _look_ahead(self) -> None:
        """Find the next tasks that are to be run; what is current or blocked ends here."""
        passed = 0
        while self._waiting and passed < len(self._waiting) and (
                len(self._ready) < self._engine.slots):
            task = self._waiting.popleft()
            before = [self._ended.get(name) for name in task.after]
            if any(status in ("failed", "blocked", "empty") for status in before):
                failed = next(name for name in task.after
                              if self._ended.get(name) in ("failed", "blocked", "empty"))
                self._end(task, "blocked", {"error": f"'{failed}' was not done"})
            elif None in before:
                self._waiting.append(task)
                passed += 1
                continue
            else:
                self._consider(task)
            passed = 0

    def _consider(self, task: Task) -> None:
        why = "forced" if self._force else currentness.why_stale(task, self._state, self._context)
        if why is None:
            self._ended[task.name] = "current"
            self._count("current")
            self._tell("current", task=task.name)
            return
        need = self._experience.foresee(task, resources.size_of(task))
        fair = self._share.memory // self._engine.slots if self._engine.is_local else 0
        self._ready.append(_Job(task, need, max(need.request, fair)))

    def _fits(self, job: _Job) -> bool:
        """Whether there is memory for a task; one that needs more than there is runs alone."""
        if not self._engine.is_local or not self._running:
            return True
        used = sum(other.request for other in self._running.values())
        return used + job.request <= self._share.memory

    # running --------------------------------------------------------------------------------------

    def _start(self, job: _Job) -> None:
        task = job.task
        log = os.path.join(self._state.directory, FOLDER, "logs", f"{_plain(task.name)}.log")
        os.makedirs(os.path.dirname(log), exist_ok=True)
        order = {
            "task": task.name, "target": task.target, "label": task.label,
            "inputs": list(task.inputs),
            "parameters": dict(task.parameters), "output_dir": task.output_dir,
            "files": task.files(), "log": log, "threads": self._share.threads,
            "memory": min(job.request, self._share.memory) if self._engine.is_local else None,
            "environment": _environment(job),
        }
        job.started = time.time()
        self._state.note(task, {"status": "running", "started": job.started, "error": None,
                                "kind": None, "traceback": None, "attempts": job.attempt,
                                "request": job.request, "log": _relative(log, self._state)})
        future = self._engine.submit(order)
        self._running[future] = job
        self._tell("start", task=task.name, attempt=job.attempt)
        future.add_done_callback(self._done.put)

    def _collect(self) -> None:
        """Wait a little for tasks to end; take all that did."""
        with contextlib.suppress(queue.Empty):
            future = self._done.get(timeout=0.3)
            while True:
                self._take(future)
                future = self._done.get_nowait()

    def _take(self, future: Future[Any]) -> None:
        job = self._running.pop(future)
        try:
            told = future.result()
        except WorkerLost as lost:
            clean_up([job.task])
            told = {"status": "failed", "kind": "lost", "error": str(lost)}
        except Exception as error:  # an engine's own, for a worker or a node that is gone
            reason = _in_short(error)
            if self._engine.is_gone():
                self.lost = reason
                self._end(job.task, "interrupted", {"error": f"the engine ended: {reason}"})
                return
            told = {"status": "failed", "kind": "lost", "error": f"the worker is gone: {reason}"}
        if told["status"] == "failed" and self._may_try_again(job, told["kind"]):
            self._again(job, told)
            return
        task = job.task
        columns = {key: told.get(key) for key in (
            "error", "kind", "traceback", "context", "seconds", "cpu", "peak", "host", "warnings",
            "pictures")}
        columns |= {"attempts": job.attempt, "finished": told.get("finished", time.time()),
                    "size": job.need.size, **_made_by(task)}
        self._end(task, told["status"], columns, _files(told))
        if told["status"] == "done":
            self._experience.add(task.label, resources.Past(
                job.need.size, told["cpu"], told["peak"],
                sum(size for _, size, *_ in told.get("products", ())), told.get("is_first", False)))

    def _may_try_again(self, job: _Job, kind: str) -> bool:
        if kind not in _AGAIN or job.attempt > 1:
            return False
        has_all = self._engine.is_local and job.request >= self._share.memory
        return kind != "memory" or not has_all or bool(os.environ.get("JWST_CAL_MEMORY_LIMIT"))

    def _again(self, job: _Job, told: dict[str, Any]) -> None:
        larger = min(2 * job.request, max(self._share.memory, job.request))
        self._tell("retry", task=job.task.name, error=told["error"], memory=larger)
        self._state.note(job.task, {"status": "waiting", "error": told["error"]})
        self._ready.appendleft(_Job(job.task, job.need, larger, job.attempt + 1))

    def _end(self, task: Task, status: str, columns: dict[str, Any],
             files: dict[str, list[tuple[str, File]]] | None = None) -> None:
        self._ended[task.name] = status
        self._count(status)
        self._state.note(task, {"status": status, **columns}, files)
        shown = {key: columns[key] for key in ("error", "kind", "seconds", "cpu", "peak")
                 if columns.get(key) is not None}
        self._untold.append({"event": status, "task": task.name, **shown})


def _in_short(error: Exception, most: int = 300) -> str:
    """One line of what engines tell in many."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return text if len(text) <= most else f"{text[:most]} ..."


def _made_by(task: Task) -> dict[str, Any]:
    from jwst_cal import __version__

    return {"asked": task.asked(), "version": __version__}


def _environment(job: _Job) -> dict[str, str]:
    """A second attempt may use more than the limit that the user set for each process."""
    if job.attempt > 1 and os.environ.get("JWST_CAL_MEMORY_LIMIT"):
        return {"JWST_CAL_MEMORY_LIMIT": str(job.request)}
    return {}


def _files(told: dict[str, Any]) -> dict[str, list[tuple[str, File]]]:
    return {"input": [("", File(*file)) for file in told.get("inputs", ())],
            "product": [("", File(*file)) for file in told.get("products", ())],
            "reference": [(kind, File(*file)) for kind, *file in told.get("references", ())]}


def _plain(name: str) -> str:
    """A file name of a task's name."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)


def _relative(path: str, state: State) -> str:
    return os.path.relpath(path, state.directory)


def clean_up(tasks: Sequence[Task]) -> None:
    """Remove what workers that were killed left of the tasks' products, half written."""
    roots: dict[str, set[str]] = {}
    for task in tasks:
        roots.setdefault(task.output_dir, set()).add(task.root)
    for folder, ours in roots.items():
        for scratch in Path(folder).glob(".writing-*"):
            with contextlib.suppress(OSError):
                names = os.listdir(scratch)
                # an empty one may be that of another process, which is about to write
                is_old = not names and time.time() - scratch.stat().st_mtime > _MOMENT
                if is_old or any(remove_suffix(name.partition(".")[0])[0] in ours
                                 for name in names):
                    shutil.rmtree(scratch, ignore_errors=True)
