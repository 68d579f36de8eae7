"""Engines: executors of the ``concurrent.futures`` kind whose workers live as long as the run.

Local processes come with Python; Parsl and Dask are extras. An engine runs at most ``slots`` tasks
at a time; which one is next is the driver's business.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from jwst_cal.batch import worker
from jwst_cal.batch.resources import Share
from jwst_cal.errors import ParameterError

__all__ = ["Engine", "LocalExecutor", "WorkerLost", "make", "single_threaded"]


class WorkerLost(Exception):
    """A worker ended in the middle of a task."""

    def __init__(self, signal: int | None = None) -> None:
        self.signal = signal
        super().__init__("the worker ended" if signal is None else
                         f"the worker was killed by signal {signal}"
                         + (", as the system does when memory runs out" if signal == 9 else ""))


class Engine:
    """
    An executor, and what the driver has to know of it.

    Parameters
    ----------
    name : str
        For messages.
    executor : concurrent.futures.Executor
        Runs the tasks.
    slots : int
        Tasks at a time.
    is_local : bool
        Whether the workers share this machine's memory.
    stop : callable, optional
        Ends the workers at once, tasks and all; ``shutdown`` by default.
    close : callable, optional
        Ends the workers when they have nothing to do; ``shutdown`` by default.
    is_gone : callable, optional
        Whether it cannot run tasks any more.
    """

    def __init__(self, name: str, executor: Executor, slots: int, *, is_local: bool,
                 stop: Callable[[], None] | None = None,
                 close: Callable[[], None] | None = None,
                 is_gone: Callable[[], bool] = lambda: False) -> None:
        self.is_gone = is_gone
        self.name, self.executor, self.slots, self.is_local = name, executor, slots, is_local
        self._stop, self._close, self._is_stopped = stop, close, False

    def submit(self, order: dict[str, Any]) -> Future[dict[str, Any]]:
        """Hand a task to a worker."""
        return self.executor.submit(worker.execute, order)

    def stop(self) -> None:
        """End the workers at once."""
        self._is_stopped = True
        if self._stop is not None:
            self._stop()
        else:
            self.executor.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the workers, which have nothing to do any more."""
        if self._is_stopped:
            return
        if self._close is not None:
            self._close()
        else:
            self.executor.shutdown(wait=True)


@contextlib.contextmanager
def single_threaded(threads: int) -> Iterator[None]:
    """Let workers that are started in the block use so many threads in OpenMP and BLAS."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    kept = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(threads)))
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class LocalExecutor(Executor):
    """
    Processes on this machine, spawned (never forked: OpenMP does not survive it).

    A worker that dies fails its own task only, with :class:`WorkerLost`, and is replaced.

    Parameters
    ----------
    jobs : int
        Number of processes.
    """

    def __init__(self, jobs: int) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._pools: list[ProcessPoolExecutor | None] = [None] * jobs
        self._idle = list(range(jobs))[::-1]
        self._lock = threading.Lock()
        self._is_stopped = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function in an idle process; there must be one."""
        with self._lock:
            if self._is_stopped:
                raise RuntimeError("the executor was shut down")
            if not self._idle:
                raise RuntimeError("all workers are busy")
            at = self._idle.pop()
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()
        try:
            inner = self._pool(at).submit(fn, *args, **kwargs)
        except BrokenProcessPool:  # it died while it was idle
            self._pools[at] = None
            inner = self._pool(at).submit(fn, *args, **kwargs)
        pool = self._pools[at]
        processes = list((getattr(pool, "_processes", None) or {}).values())
        inner.add_done_callback(lambda done: self._finish(at, processes, done, outer))
        return outer

    def _pool(self, at: int) -> ProcessPoolExecutor:
        pool = self._pools[at]
        if pool is None:
            pool = self._pools[at] = ProcessPoolExecutor(
                1, mp_context=self._context, initializer=worker.prepare)
        return pool

    def _finish(self, at: int, processes: list[Any], inner: Future[Any],
                outer: Future[Any]) -> None:
        error = None if inner.cancelled() else inner.exception()
        if isinstance(error, BrokenProcessPool):
            for process in processes:
                process.join(5)
            codes = [process.exitcode for process in processes if process.exitcode]
            error = WorkerLost(-codes[0] if codes and codes[0] < 0 else None)
            self._pools[at] = None
        with self._lock:
            self._idle.append(at)
        if inner.cancelled():
            outer.set_exception(WorkerLost())
        elif error is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes when they are done with their tasks."""
        self._is_stopped = True
        for pool in self._pools:
            if pool is not None:
                pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def stop(self) -> None:
        """End the processes at once."""
        self._is_stopped = True
        for pool in self._pools:
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.kill()
        self.shutdown(wait=True, cancel_futures=True)


def local(jobs: int) -> Engine:
    """Return the engine of processes on this machine."""
    executor = LocalExecutor(jobs)
    return Engine("local", executor, jobs, is_local=True, stop=executor.stop)


def make(name: str, share: Share, scratch: str, site: str | None = None) -> Engine:
    """
    Make an engine.

    Parameters
    ----------
    name : str
        ``local``, ``parsl`` or ``dask``.
    share : Share
        Jobs at a time, threads of each.
    scratch : str
        Folder for the engine's own files.
    site : str, optional
        Site file of Parsl, address of the scheduler of Dask.

    Returns
    -------
    Engine
        The engine.

    Raises
    ------
    ParameterError
        If there is no such engine, or it cannot be used.
    """
    if name == "local":
        if site is not None:
            raise ParameterError("engine local: it takes no --site")
        return local(share.jobs)
    if name == "parsl":
        from jwst_cal.batch import _parsl

        return _parsl.engine(share, site, scratch)
    if name == "dask":
        from jwst_cal.batch import _dask

        return _dask.engine(share, site, scratch)
    raise ParameterError(f"engine '{name}' where local, parsl, dask or slurm-array is needed")
