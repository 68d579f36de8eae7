"""The asdf library parses much YAML: here once, and not by Python.

Its extensions are told by some fifty files; to load them takes a third of a second of the first use
of asdf in a process, a third of that by the parser written in C, which :func:`extensions_loaded`
has it use.

A data model validates every keyword and array that it reads. For arrays that means fetching
``ndarray-1.x.yaml`` and what it refers to, some two hundred times in one pipeline: a third of the
processor time of a small exposure. :func:`parsed_once` keeps the parsed schemas for the time of a
run. It uses a private function of asdf; where that does not exist, nothing is done.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from typing import Any

__all__ = ["coordinates_loaded", "extensions_loaded", "in_command", "is_command",
           "parsed_once", "uncollected"]

#: When the process of a command looks for garbage: what libraries and log lines leave is none, and
#: looking took a tenth of the time of a mosaic.
COLLECTED = 50_000, 50, 100

_lock = threading.Lock()
_depth = 0
_original: Any = None
_is_command = False


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


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """
    Let the garbage collector wait while libraries are loaded.

    Their objects are a million, and it would look at all of them several times, and once more when
    the process ends: a fifth of the time of an image. In the process of a command it never does.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if _is_command:
            gc.freeze()
        if was_enabled:
            gc.enable()


def in_command() -> None:
    """Say that this process is that of a command: libraries stay loaded to its end."""
    global _is_command
    _is_command = True
    gc.set_threshold(*COLLECTED)


def is_command() -> bool:
    """Whether this process is that of a command."""
    return _is_command


@functools.cache
def coordinates_loaded() -> None:
    """Import gwcs, and have asdf know its extensions."""
    with uncollected():
        import gwcs  # noqa: F401

        extensions_loaded()


@functools.cache
def extensions_loaded() -> None:
    """Import asdf and have it load the extensions that are installed, by the fast parser."""
    with uncollected():
        _load_extensions()


def _load_extensions() -> None:
    import types

    import asdf

    yaml: Any = import_module("yaml")
    load = yaml.load
    manifest: Any = sys.modules.get("asdf.extension._manifest")
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is None or getattr(manifest, "yaml", None) is not yaml:
        return
    manifest.yaml = types.SimpleNamespace(safe_load=lambda text: load(text, fast))
    try:
        asdf.get_config().extensions  # noqa: B018  a property that loads them
    finally:
        manifest.yaml = yaml
