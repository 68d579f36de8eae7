"""``import jwst`` answered by this package, for scripts that cannot be changed; opt-in.

::

    import jwst_cal.compat.jwst          # once, before the first import of jwst
    from jwst.pipeline import Detector1Pipeline

The names that public scripts use are there: ``jwst.pipeline``, ``jwst.step``, the package and the
module of each step, ``jwst.stpipe``, ``jwst.datamodels``, ``jwst.associations``. They give the very
objects of this package, imported at first use. Modules behind the steps are not there. When the
official package is installed the hook refuses, so that nobody wonders which of them ran.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from jwst_cal import registry, reproduces

__all__ = ["install"]

_STDATAMODELS = "stdatamodels.jwst.datamodels"

#: Modules of the reference release that stand for one of ours.
_WHOLE = {
    "jwst.datamodels": "jwst_cal.models",
    "jwst.datamodels.container": "jwst_cal.models.container",
    "jwst.datamodels.library": "jwst_cal.models.library",
    "jwst.associations": "jwst_cal.associations",
    "jwst.associations.asn_from_list": "jwst_cal.associations.asn_from_list",
    "jwst.associations.load_as_asn": "jwst_cal.associations.load_as_asn",
    "jwst.stpipe.core": "jwst_cal.framework",
}

#: Single names: module of the reference release, name, our module, our name.
_SINGLE = (
    ("jwst.stpipe", "Step", "jwst_cal.framework", "Step"),
    ("jwst.stpipe", "Pipeline", "jwst_cal.framework", "Pipeline"),
    ("jwst.stpipe.core", "JwstStep", "jwst_cal.framework", "Step"),
    ("jwst.stpipe.core", "JwstPipeline", "jwst_cal.framework", "Pipeline"),
    ("jwst.lib.suffix", "KNOW_SUFFIXES", "jwst_cal.framework.products", "KNOWN"),
    ("jwst.lib.suffix", "remove_suffix", "jwst_cal.framework.products", "remove_suffix"),
    ("jwst.lib.suffix", "replace_suffix", "jwst_cal.framework.products", "replace_suffix"),
)

#: Rules that scripts hand to ``asn_from_list``, which knows them by name.
_RULES = {
    "jwst.associations.lib.rules_level3_base": "DMS_Level3_Base",
    "jwst.associations.lib.rules_level2_base": "DMSLevel2bBase",
}

Names = dict[str, Callable[[], Any]]


def _from(module: str, name: str) -> Callable[[], Any]:
    return lambda: getattr(importlib.import_module(module), name)


def _table() -> dict[str, Names]:
    """Build the names of each module of the reference release; imports none of ours."""
    table: dict[str, Names] = {module: {} for module in _WHOLE}
    for module, name, our_module, our_name in _SINGLE:
        table.setdefault(module, {})[name] = _from(our_module, our_name)
    for module, name in _RULES.items():
        table.setdefault(module, {})[name] = _rule(name)
    for row in registry.ROWS:
        loader = _loader(row.path)
        homes = {row.jwst_module, row.jwst_module.rpartition(".")[0]}
        if not row.is_pipeline:
            homes.add("jwst.step")
        for module in homes:
            table.setdefault(module, {})[row.class_name] = loader
    for module in list(table):
        while "." in module:  # every package on the way exists, and has its submodules as names
            outer, _, name = module.rpartition(".")
            table.setdefault(outer, {}).setdefault(name, _importer(module))
            module = outer
    table["jwst"] |= {"__version__": lambda: reproduces, "__version_commit__": lambda: ""}
    return table


def _rule(name: str) -> Callable[[], Any]:
    return lambda: type(name, (), {})


def _loader(path: str) -> Callable[[], Any]:
    return lambda: registry.load(path)


def _importer(module: str) -> Callable[[], Any]:
    return lambda: importlib.import_module(module)


class _Module(ModuleType):
    """A module whose names are looked up at first use."""

    def __init__(self, name: str, names: Names, whole: str | None) -> None:
        super().__init__(name, f"Names of {name}, answered by jwst_cal.")
        self.__path__: list[str] = []
        self._names, self._whole = names, whole

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":  # from jwst.pipeline import *
            return [known for known in self._names
                    if known in registry.by_class and registry.by_class[known].exists]
        if name in self._names:
            value = self._names[name]()
        elif self._whole is not None and not name.startswith("__"):
            value = getattr(importlib.import_module(self._whole), name)
        else:
            raise AttributeError(f"module {self.__name__!r} of jwst_cal has no name {name!r}")
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        whole = [] if self._whole is None else dir(importlib.import_module(self._whole))
        return sorted({*super().__dir__(), *self._names, *whole} - {"_names", "_whole"})


class _Aliases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of the reference release."""

    def __init__(self) -> None:
        self.table = _table()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "jwst":
            return None
        if fullname in self.table:
            return ModuleSpec(fullname, self, is_package=True)
        tail = fullname.removeprefix("jwst.datamodels.")
        if tail != fullname and importlib.util.find_spec(f"{_STDATAMODELS}.{tail}") is not None:
            return ModuleSpec(fullname, self, is_package=True)
        raise ModuleNotFoundError(
            f"No module named '{fullname}': jwst_cal answers for the steps and pipelines of jwst "
            f"{reproduces}, not for the modules behind them",
            name=fullname,
        )

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        whole = _WHOLE.get(spec.name)
        if spec.name not in self.table:
            whole = spec.name.replace("jwst.datamodels", _STDATAMODELS, 1)
        return _Module(spec.name, self.table.get(spec.name, {}), whole)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: names are looked up when they are used."""


def install() -> None:
    """
    Make ``import jwst`` and what is below it give this package's objects.

    Raises
    ------
    ImportError
        If a package named ``jwst`` is installed.
    """
    if any(isinstance(finder, _Aliases) for finder in sys.meta_path):
        return
    official = importlib.util.find_spec("jwst")
    if official is not None:
        raise ImportError(
            f"a package named jwst is installed ({official.origin}); jwst_cal does not take its "
            "place: uninstall it, or import jwst_cal directly",
            name="jwst",
        )
    sys.meta_path.append(_Aliases())


def uninstall() -> None:
    """Take the names away again."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Aliases)]
    for name in [name for name, module in sys.modules.items() if isinstance(module, _Module)]:
        del sys.modules[name]
