"""Log lines of one run, for ``log_records`` and the product."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator

__all__ = ["recording"]

_LOGGERS = ("jwst_cal", "stdatamodels", "stpipe", "CRDS", "py.warnings")


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        formatter = logging.Formatter(
            "%(asctime)s.%(msecs)03d - %(name)s - %(levelname)s - %(message)s", "%Y-%m-%dT%H:%M:%S"
        )
        formatter.converter = time.gmtime
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextlib.contextmanager
def recording() -> Iterator[list[str]]:
    """
    Collect the log lines of the block.

    Yields
    ------
    list of str
        Grows with every record that reaches the loggers of the package and its libraries.
    """
    recorder = _Recorder()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addHandler(recorder)
    try:
        yield recorder.lines
    finally:
        for logger in loggers:
            logger.removeHandler(recorder)
