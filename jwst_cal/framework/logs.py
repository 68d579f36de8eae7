"""Logging: where lines go, which of them are kept in the product, and the progress line.

Handlers are put on the loggers named in :data:`LOGGERS` for the time of a run and taken off again.
The root logger is never touched, so a program that imports this package keeps its own set-up.
"""

from __future__ import annotations

import contextvars
import copy
import logging
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from jwst_cal import clock
from jwst_cal.errors import LoggedError, ParameterError

__all__ = [
    "FORMAT",
    "LOGGERS",
    "LogSetup",
    "applied",
    "choose",
    "current",
    "find",
    "progress",
    "read",
    "recording",
    "status",
]

log = logging.getLogger(__name__)

#: Loggers that a run configures.
LOGGERS = ("jwst_cal", "jwst", "stcal", "stdatamodels", "stpipe", "tweakwcs", "CRDS", "py.warnings")
FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"

#: Log configurations that are used when none is named.
SEARCHED = ("stpipe-log.cfg", "~/.stpipe-log.cfg", "/etc/stpipe-log.cfg")


class LogSetup(NamedTuple):
    """A log configuration."""

    handlers: tuple[str, ...] = ("stdout",)
    level: int = logging.INFO
    break_level: int = logging.NOTSET
    format: str = FORMAT
    warnings: tuple[str, ...] = ()


def parse_level(text: str | int) -> int:
    """
    Read a log level.

    Parameters
    ----------
    text : str or int
        A name in any case, or a number.

    Returns
    -------
    int
        The level.

    Raises
    ------
    ParameterError
        If there is no such level.
    """
    name = str(text).strip().upper()
    known = logging.getLevelNamesMapping()
    if name in known:
        return known[name]
    try:
        return int(name)
    except ValueError:
        levels = "DEBUG, INFO, WARNING, ERROR, CRITICAL or a number"
        raise ParameterError(f"unknown log level '{text}' where {levels} is needed") from None


def _checked_handler(name: str) -> str:
    kind, _, file = name.partition(":")
    if name in ("stdout", "stderr", "null") or (kind in ("file", "append") and file):
        return name
    raise ParameterError(
        f"unknown log handler '{name}' where stdout, stderr, null, file:NAME or append:NAME is "
        "needed"
    )


def read(file: str | os.PathLike[str]) -> LogSetup:
    """
    Read a log configuration file.

    Parameters
    ----------
    file : str or path
        INI style; the entries ``handler``, ``level``, ``break_level`` and ``format`` stand below
        ``[*]`` (or ``[root]``, ``[.]``), or in no section. Sections of single loggers are left
        out, with a warning.

    Returns
    -------
    LogSetup
        The configuration.

    Raises
    ------
    ParameterError
        If it is missing, unreadable, or holds an unknown entry, handler or level; the message
        names the file.
    """
    from jwst_cal.framework import configuration

    path = os.fspath(file)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParameterError(f"there is no log configuration '{path}'") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ParameterError(f"cannot read the log configuration '{path}': {reason}") from None
    try:
        return _from_sections(configuration.parse_cfg(text, raw=True))
    except ParameterError as error:
        raise ParameterError(f"log configuration '{path}': {error}") from None


def _from_sections(sections: dict[str, Any]) -> LogSetup:
    bare = {name: value for name, value in sections.items() if not isinstance(value, dict)}
    chosen = [name for name in sections if name in ("*", "root", ".")]
    odd = [
        name
        for name, value in sections.items()
        if isinstance(value, dict) and name not in chosen[:1]
    ]
    section = bare or (sections[chosen[0]] if chosen else {})
    setup = LogSetup(warnings=tuple(
        f"section [{name}] of the log configuration is not used; only [*] is" for name in odd
    ))  # fmt: skip
    for name, value in section.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        if name == "handler":
            names = [part.strip() for part in text.split(",") if part.strip()]
            setup = setup._replace(handlers=tuple(map(_checked_handler, names)))
        elif name == "level":
            setup = setup._replace(level=parse_level(text))
        elif name == "break_level":
            setup = setup._replace(break_level=parse_level(text))
        elif name == "format":
            setup = setup._replace(format=_checked_format(text))
        else:
            raise ParameterError(
                f"unknown entry '{name}' where handler, level, break_level or format is needed"
            )
    return setup


def _checked_format(text: str) -> str:
    try:
        logging.Formatter(text)
    except ValueError as error:
        raise ParameterError(f"format: {error}") from None
    return text


def find() -> str | None:
    """Return the log configuration that is used when none is named, or None."""
    paths = (os.path.expanduser(name) for name in SEARCHED)
    return next((path for path in paths if os.path.isfile(path)), None)


def choose(
    *,
    logcfg: str | os.PathLike[str] | None = None,
    verbose: bool = False,
    level: str | int | None = None,
    file: str | None = None,
    stream: str | None = None,
) -> LogSetup:
    """
    Choose the log configuration from the options of ``strun``.

    Parameters
    ----------
    logcfg : str or path, optional
        Configuration file, used unless any of the others is given; the one that :func:`find`
        returns by default.
    verbose : bool
        Level DEBUG, whatever `level` says.
    level : str or int, optional
        Lowest level that is written; INFO by default.
    file : str, optional
        File written in addition to the stream.
    stream : str, optional
        ``stdout`` (default), ``stderr``, ``null`` or any other handler.

    Returns
    -------
    LogSetup
        The configuration.

    Raises
    ------
    ParameterError
        If one of them cannot be used.
    """
    if verbose or level is not None or file is not None or stream is not None:
        wanted = "DEBUG" if verbose else "INFO" if level is None else level
        handlers = [_checked_handler(stream or "stdout")]
        if file is not None:
            handlers.append(f"file:{file}")
        return LogSetup(tuple(handlers), parse_level(wanted))
    chosen = logcfg or find()
    return LogSetup() if chosen is None else read(chosen)


# ---- handlers -----------------------------------------------------------------------------------


class _Break(logging.Handler):
    """Stops the run at the first line of its level."""

    def emit(self, record: logging.LogRecord) -> None:
        raise LoggedError(record.getMessage())


class _GivesUp(logging.Handler):
    """Stops writing when the disk is full or the pipe closed, instead of failing at each line."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once why, and write no more."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self.setLevel(sys.maxsize)
        if not isinstance(error, BrokenPipeError):
            print(f"cannot write the log: {error.strerror}", file=sys.stderr)


class _Stream(_GivesUp, logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what ``sys.stdout`` or ``sys.stderr`` is at the time of writing."""

    def __init__(self, name: str) -> None:
        super().__init__(getattr(sys, name))
        self._stream_name = name

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = getattr(sys, self._stream_name)
        if _line is None or not self.stream.isatty():
            super().emit(record)
            return
        try:  # above the progress line, and not wrapped as print would be
            _line.console.out(self.format(record), highlight=False)
        except OSError:
            self.handleError(record)


class _File(_GivesUp, logging.FileHandler):
    """Writes to a file."""


def _handler(name: str) -> logging.Handler:
    kind, _, file = name.partition(":")
    if kind == "null":
        return logging.NullHandler()
    if kind in ("stdout", "stderr"):
        return _Stream(kind)
    try:
        return _File(file, "w" if kind == "file" else "a", "utf-8")
    except OSError as error:
        raise ParameterError(f"cannot write the log file '{file}': {error.strerror}") from None


@contextmanager
def _attached(handlers: Sequence[logging.Handler], names: Sequence[str]) -> Iterator[None]:
    """Put handlers on loggers, and take them off again."""
    loggers = [logging.getLogger(name) for name in names]
    for logger in loggers:
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            for handler in handlers:
                logger.removeHandler(handler)
        for handler in handlers:
            handler.close()


_active: LogSetup | None = None
_files: list[logging.Handler] = []


def is_active() -> bool:
    """Whether a log configuration is applied."""
    return _active is not None


@contextmanager
def applied(setup: LogSetup, *more: str) -> Iterator[list[str]]:
    """
    Apply a log configuration for the time of a ``with`` block.

    Parameters
    ----------
    setup : LogSetup
        The configuration. It is not applied when another one already is.
    *more : str
        Names of further loggers, those of third-party steps for instance.

    Yields
    ------
    list of str
        The lines recorded for the product; grows during the block.

    Raises
    ------
    ParameterError
        If a log file cannot be written.
    """
    global _active
    if _active is not None:
        with recording() as lines:
            yield lines
        return
    handlers = [_handler(name) for name in setup.handlers]
    for handler in handlers:
        handler.setLevel(setup.level)
        handler.setFormatter(logging.Formatter(setup.format))
    if setup.break_level != logging.NOTSET:
        handlers.append(_Break(setup.break_level))
    names = tuple(dict.fromkeys((*LOGGERS, *(name for name in more if name))))
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    with ExitStack() as stack:
        stack.enter_context(_attached(handlers, names))
        stack.enter_context(_captured_warnings())
        lines = stack.enter_context(recording(*more))
        _active = setup
        _files.extend(handler for handler in handlers if isinstance(handler, _File))
        try:
            for logger in loggers:
                logger.setLevel(setup.level)
            quiet_crds()
            for warning in setup.warnings:
                log.warning("%s", warning)
            yield lines
        finally:
            _active = None
            _files.clear()
            _restore_crds()
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def to_files(message: str) -> None:
    """Write an error into the log files only; the terminal gets it from the command."""
    record = log.makeRecord(log.name, logging.ERROR, __file__, 0, message, (), None)
    for handler in _files:
        handler.handle(record)


@contextmanager
def _captured_warnings() -> Iterator[None]:
    already = logging._warnings_showwarning is not None  # type: ignore[attr-defined]
    logging.captureWarnings(True)
    try:
        yield
    finally:
        if not already:
            logging.captureWarnings(False)


_crds_quiet = False


def quiet_crds() -> None:
    """Take the terminal from the ``crds`` client, whose lines come through ours; after import."""
    global _crds_quiet
    module = sys.modules.get("crds.core.log")
    if _active is not None and module is not None and module.THE_LOGGER.console is not None:
        module.remove_console_handler()
        _crds_quiet = True


def _restore_crds() -> None:
    global _crds_quiet
    if _crds_quiet:
        sys.modules["crds.core.log"].add_console_handler()
        _crds_quiet = False


# ---- lines kept in the product ------------------------------------------------------------------

_PATH = re.compile(r"(?<!\w)/(?:[^/\s'\"]+/)+([^/\s'\"]+)")
_QUOTED_PATH = re.compile(r"(['\"])/[^'\"\n]*/([^/'\"\n]+)/?\1")
#: Times that a library tells in the text of a line.
_OF_TWEAKWCS = re.compile(r"(?<=align_wcs\(\)) (?:started|ended) on .*|TOTAL RUN TIME: .*")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{3,}")


def _private_words() -> re.Pattern[str]:
    """Match the names of this user and machine."""
    import getpass
    import socket

    names = [socket.gethostname()]
    with suppress(OSError, KeyError):  # a container may have no user database
        names.append(getpass.getuser())
    found = "|".join(re.escape(name) for name in names if name)
    return re.compile(rf"(?<!\w)(?:{found})(?!\w)" if found else r"(?!)")


def _has_address(text: str) -> bool:
    import ipaddress

    for token in _ADDRESS.findall(text):
        token = token.strip(".:") if token.count(".") == 3 else token
        if token.count(".") == 3 or token.count(":") > 1:
            try:
                address = ipaddress.ip_address(token)
            except ValueError:
                continue
            if int(address) or address.version == 4:
                return True
    return False


def without_folders(text: str) -> str:
    """Cut each absolute path in a text to its base name."""
    return _PATH.sub(r"\1", _QUOTED_PATH.sub(r"\1\2\1", text))


def scrub(line: str, private: re.Pattern[str]) -> str:
    """
    Remove what a public product must not tell.

    Parameters
    ----------
    line : str
        A log line.
    private : pattern
        Matches the names of user and machine.

    Returns
    -------
    str
        The line with absolute paths cut to the base name; empty if it still holds a private
        name or an IP address.
    """
    line = without_folders(line)
    return "" if private.search(line) or _has_address(line) else line


class _Recorder(logging.Handler):
    """Keeps formatted lines, in UTC and scrubbed."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._private = _private_words()
        formatter = logging.Formatter(
            "%(asctime)s.%(msecs)03d - %(name)s - %(levelname)s - %(message)s", "%Y-%m-%dT%H:%M:%S"
        )
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        if _recorder.get() in (self, None):  # lines of another thread's run are not ours
            moment = clock.fixed()
            if moment is not None:
                record = copy.copy(record)
                record.created, record.msecs = moment, 0.0
                record.msg, record.args = _OF_TWEAKWCS.sub("", record.getMessage()), ()
            self.lines.append(scrub(self.format(record), self._private))


_recorder: contextvars.ContextVar[_Recorder | None] = contextvars.ContextVar("r", default=None)


def current() -> object | None:
    """Return what stands for the recording that this thread is in, None outside of one."""
    return _recorder.get()


@contextmanager
def recording(*more: str) -> Iterator[list[str]]:
    """
    Record log lines for the product during a ``with`` block.

    Parameters
    ----------
    *more : str
        Names of further loggers.

    Yields
    ------
    list of str
        The lines; within another recording, those of the outer one.
    """
    outer = _recorder.get()
    if outer is not None:
        yield outer.lines
        return
    recorder = _Recorder()
    token = _recorder.set(recorder)
    names = tuple(dict.fromkeys((*LOGGERS, *(name for name in more if name))))
    try:
        with _attached([recorder], names):
            yield recorder.lines
    finally:
        _recorder.reset(token)


# ---- the progress line --------------------------------------------------------------------------

_line: Any = None


def status(text: str) -> None:
    """Show on the progress line, if there is one, what is being done."""
    if _line is not None:
        _line.update(_line.task_ids[0], description=text)


@contextmanager
def progress(text: str) -> Iterator[None]:
    """
    Show what is being done, and for how long, on the terminal's last line; in a pipe, nothing.

    Parameters
    ----------
    text : str
        What is being done; :func:`status` replaces it.
    """
    global _line
    if _line is not None or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    on_stderr = sys.stderr.isatty()
    with Progress(*columns, transient=True, redirect_stderr=on_stderr) as _line:
        _line.add_task(text, total=None)
        try:
            yield
        finally:
            _line = None
