"""The asdf library parses the same schema files from YAML at each validation; here, once.

A data model validates every keyword and array that it reads. For arrays that means fetching
``ndarray-1.x.yaml`` and what it refers to, some two hundred times in one pipeline: a third of the
processor time of a small exposure. :func:`parsed_once` keeps the parsed schemas for the time of a
run. It uses a private function of asdf; where that does not exist, nothing is done.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Iterator
from typing import Any

__all__ = ["parsed_once"]

_lock = threading.Lock()
_depth = 0
_original: Any = None


@contextlib.contextmanager
def parsed_once() -> Iterator[None]:
    """Let asdf keep the schemas that it parses during the block; does not import it for that."""
    global _depth, _original
    schema: Any = sys.modules.get("asdf.schema")
    if schema is None:
        yield
        return
    with _lock:
        make = getattr(schema, "_make_schema_loader", None)
        if _depth == 0 and make is not None:
            _original = make
            loader = functools.cache(make())
            schema._make_schema_loader = lambda: loader
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and _original is not None:
                schema._make_schema_loader = _original
                _original = None
