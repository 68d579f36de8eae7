"""What a worker does: run one task after the other, and tell what came of each.

A worker lives as long as the run, so that imports, parsed schemas and reference sums serve all its
tasks. It writes products and the task's log; everything else is in the dictionary it returns.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["execute", "kind_of", "prepare"]

_MOST_WARNINGS = 40
#: Pipelines that this process ran already.
_ran: set[str] = set()
#: How others say that there is no memory.
_NO_MEMORY = ("memory limit", "can't start new thread", "failed to map segment",
              "Cannot allocate memory", "Unable to allocate")


def prepare() -> None:
    """Make a child process a worker: the driver alone answers Ctrl-C, and no worker outlives it."""
    import multiprocessing

    from jwst_cal.kernels import memory

    memory.keep_freed()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    from multiprocessing import connection

    connection.wait([sentinel])
    os._exit(1)


def execute(order: Mapping[str, Any]) -> dict[str, Any]:
    """
    Run a task.

    Parameters
    ----------
    order : mapping
        ``target``, ``label``, ``inputs``, ``parameters``, ``output_dir``, ``files`` (whose content
        decides the result), ``log`` (file), ``threads``, ``memory`` (bytes) and ``environment``.

    Returns
    -------
    dict
        ``status`` (``done``, ``empty`` or ``failed``), products, files with their sums, seconds,
        memory, warnings, pictures; of a failure ``error``, ``kind`` and ``traceback``. Of plain
        values only.
    """
    started, cpu = time.time(), time.process_time()
    _forget_peak()
    told: dict[str, Any] = {"host": _host(), "pid": os.getpid(), "warnings": [], "products": [],
                            "references": [], "inputs": [], "pictures": []}
    try:
        with _environment(order.get("environment") or {}):
            _run(order, told)
        told["status"] = "done"
    except SystemExit as leaving:
        _tell(told, leaving, "a library ended the process")
    except OSError as error:  # of the log, say: no product could be written either
        full = error.errno in (errno.ENOSPC, errno.EDQUOT) and not error.filename
        _tell(told, error, f"{order['output_dir']}: the disk is full" if full else None)
    except Exception as error:
        _tell(told, error, None)
    label = str(order.get("label"))
    told["is_first"] = label not in _ran
    _ran.add(label)
    told |= {"started": started, "finished": time.time(), "seconds": time.time() - started,
             "cpu": time.process_time() - cpu, "peak": _peak()}
    return told


def _tell(told: dict[str, Any], error: BaseException, text: str | None) -> None:
    """Describe a failure, with the place in the program where it happened."""
    import traceback

    from jwst_cal.framework import commandline

    line = text or commandline.describe(error).removesuffix("; --debug shows where")
    if getattr(error, "status", None) == 64:
        told |= {"status": "empty", "error": line}
        return
    told |= {"status": "failed", "error": line, "kind": kind_of(error),
             "traceback": "".join(traceback.format_exception(error))[-8000:]}


def kind_of(error: BaseException) -> str:
    """
    Classify a failure.

    Parameters
    ----------
    error : BaseException
        What was raised.

    Returns
    -------
    str
        ``memory``, ``input``, ``reference``, ``parameter``, ``output`` or ``other``.
    """
    from jwst_cal import errors

    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(each, MemoryError) or getattr(each, "errno", None) == errno.ENOMEM
           or any(text in str(each) for text in _NO_MEMORY) for each in chain):
        return "memory"
    kinds = ((errors.InputError, "input"), (errors.ReferenceFileError, "reference"),
             (errors.ParameterError, "parameter"), (errors.UnknownStepError, "parameter"),
             (errors.OutputError, "output"))
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return "output"
    return next((kind for cls, kind in kinds if isinstance(error, cls)), "other")


# running ------------------------------------------------------------------------------------------


def _import(step: Any) -> None:
    """Have loaded what serves all tasks, and is not to count as the memory of the first."""
    import importlib

    from jwst_cal.errors import JwstCalError
    from jwst_cal.framework import reference_store

    for name in ("scipy.ndimage", "astropy.io.fits", "asdf"):
        importlib.import_module(name)
    kind = next(iter(step.wanted_references() if hasattr(step, "wanted_references")
                     else step.wanted_types()), None)
    if kind is not None:
        with contextlib.suppress(JwstCalError):  # the run will say so
            reference_store.name_of(step.primary_input, kind)


def _run(order: Mapping[str, Any], told: dict[str, Any]) -> None:
    from jwst_cal.framework import building, commandline, logs, provenance
    from jwst_cal.framework.configuration import Setting
    from jwst_cal.kernels import threads
    from jwst_cal.models import _files

    threads.sleep_in_between()
    threads.set_threads(order["threads"])
    files = [_look(path) for path in order["files"]]
    for path in order["files"]:
        provenance.sums.start(path)
    cls, local, file = commandline.load_target(order["target"])
    logcfg = None if local is None else building.take_logcfg(local)
    setup = logs.choose(logcfg=logcfg) if logcfg else logs.choose(
        stream="null", file=order["log"])
    with (logs.applied(setup, *commandline.packages(cls)), _warnings(told["warnings"]),
          _files.noting() as saved):
        try:
            given = {**order["parameters"]}
            if order["output_dir"]:
                given["output_dir"] = order["output_dir"]
            merged = building.assemble(cls, order["inputs"][0], local=local, given=given,
                                       source="command line")
            merged["save_results"] = Setting(True, "strun, which always saves")
            step = building.make(cls, merged, config_file=file)
            step.set_primary_input(order["inputs"][0])
            commandline.check_folder(step)
            commandline.check_file(step, order["inputs"][0])
            _import(step)
            with _memory(order.get("memory")):
                step.run_light(*order["inputs"])
        except Exception as error:
            logs.to_files(f"{type(error).__name__}: {error}")
            raise
    told["products"] = [_look(os.path.abspath(path)) for path in dict.fromkeys(saved)]
    told["inputs"] = [(*found[:3], provenance.sums.of(found[0])) for found in files]
    told["references"] = _references(step)
    told["context"] = _context()
    told["pictures"] = _pictures(told["products"])


def _look(path: str) -> tuple[Any, ...]:
    from jwst_cal.batch.tasks import File
    from jwst_cal.errors import InputError

    try:
        return tuple(File.at(path))
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from error


def _references(step: Any) -> list[tuple[Any, ...]]:
    from jwst_cal.framework import provenance

    used = {(reference["type"], reference["path"])
            for entry in step._history for reference in entry.get("references", ())
            if reference["path"] is not None}
    return [(kind, *_look(path)[:3], provenance.sums.of(path)) for kind, path in sorted(used)]


def _context() -> str | None:
    from jwst_cal.framework import reference_store

    return reference_store.used().context


def _pictures(products: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """Draw the image among the products that comes last in the order of the stages."""
    from jwst_cal.batch import pictures

    found = []
    for path, *_ in products:
        with contextlib.suppress(Exception):  # a picture is not worth a failure
            drawn = pictures.of_product(path)
            if drawn is not None:
                found.append(drawn)
    return found


# the process --------------------------------------------------------------------------------------


@contextlib.contextmanager
def _warnings(found: list[str]) -> Iterator[None]:
    """Collect warnings of the log."""
    from jwst_cal.framework import logs

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if len(found) < _MOST_WARNINGS:
                found.append(record.getMessage())

    collector = Collector(logging.WARNING)
    loggers = [logging.getLogger(name) for name in logs.LOGGERS]
    for logger in loggers:
        logger.addHandler(collector)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(collector)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    kept = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _memory(limit: int | None) -> Iterator[None]:
    """
    Let allocations beyond a limit fail with MemoryError, rather than the system kill the process.

    What the process holds already is not counted.
    """
    if limit is None or sys.platform != "linux":
        yield
        return
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _status("VmData") + limit
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))


def _status(name: str) -> int:
    """Return a value of /proc/self/status in bytes, 0 where it is not told."""
    with contextlib.suppress(OSError, ValueError), open("/proc/self/status") as file:
        for line in file:
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def _forget_peak() -> None:
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def _peak() -> int:
    """Return the most memory that the process had since :func:`_forget_peak`, bytes."""
    import resource

    return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _host() -> str:
    import socket

    return socket.gethostname()
