"""Data models: the classes of ``stdatamodels.jwst.datamodels``, opened and saved with care.

Every name of ``stdatamodels.jwst.datamodels`` is found here, imported at first use, and the
containers of the reference release: ``ModelContainer`` and ``ModelLibrary``.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from jwst_cal.models._files import (
    full,
    new,
    open,
    open_exposure,
    read_header,
    save,
    save_table,
    save_text,
)

__all__ = ["ModelContainer", "ModelLibrary", "full", "new", "open", "open_exposure", "read_header",
           "save", "save_table", "save_text"]

_CONTAINERS = {"ModelContainer": "container", "ModelLibrary": "library"}


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _CONTAINERS:
        return getattr(import_module(f"{__name__}.{_CONTAINERS[name]}"), name)
    if find_spec(f"{__name__}.{name}") is not None:  # `from jwst_cal.models import container`
        return import_module(f"{__name__}.{name}")
    from stdatamodels.jwst import datamodels

    try:
        return getattr(datamodels, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    from stdatamodels.jwst import datamodels

    return sorted({*__all__, *dir(datamodels)})
