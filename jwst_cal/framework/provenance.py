"""What made a product: every parameter, reference, status and version, kept in the product.

``meta.provenance.<alias>`` holds one JSON text for each pipeline (or step run alone) that the
product went through, so that :func:`read` can tell a later reader, and a later run, everything
that decided its values. It holds no absolute path: see :func:`portable`.
"""

from __future__ import annotations

import functools
import json
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from jwst_cal.errors import InputError, ParameterError
from jwst_cal.framework import logs

if TYPE_CHECKING:
    from jwst_cal.framework.step import Step

__all__ = ["Recipe", "Sums", "attach", "describe", "portable", "read", "recipe", "record"]


class Sums:
    """
    SHA-1 sums of reference files, computed beside the work and remembered between runs.

    Parameters
    ----------
    store : str, optional
        File that keeps sums by path, size and time of change; by default one in the user's cache
        folder. One that cannot be written is done without.
    """

    def __init__(self, store: str | None = None) -> None:
        self._store = store
        self._known: dict[str, str] | None = None
        self._lock = threading.Lock()
        self._pending: dict[str, Future[str | None]] = {}
        self._pool: ThreadPoolExecutor | None = None

    def start(self, path: str) -> None:
        """Begin with a file, without waiting for it."""
        with self._lock:
            if path in self._pending:
                return
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, "sha1")
            self._pending[path] = self._pool.submit(self._sum, path)

    def of(self, path: str) -> str | None:
        """Return the sum of a file, None if it cannot be read."""
        self.start(path)
        return self._pending.pop(path).result()

    def _sum(self, path: str) -> str | None:
        from jwst_cal.framework.reference_store import sha1

        try:
            status = os.stat(path)
            key = f"{os.path.abspath(path)}\t{status.st_size}\t{status.st_mtime_ns}"
            known = self._read()
            if key not in known:
                known[key] = sha1(path)
                self._append(key, known[key])
            return known[key]
        except OSError:
            return None

    def _file(self) -> str:
        if self._store is None:
            root = os.environ.get("JWST_CAL_CACHE") or os.path.join(
                os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "jwst_cal")
            self._store = os.path.join(root, "sha1.tsv")
        return self._store

    def _read(self) -> dict[str, str]:
        if self._known is None:
            self._known = {}
            try:
                with open(self._file(), encoding="utf-8") as file:
                    for line in file:
                        key, _, total = line.rstrip("\n").rpartition("\t")
                        if len(total) == 40:
                            self._known[key] = total
            except (OSError, UnicodeDecodeError):
                pass
        return self._known

    def _append(self, key: str, total: str) -> None:
        try:
            os.makedirs(os.path.dirname(self._file()), exist_ok=True)
            with open(self._file(), "a", encoding="utf-8") as file:
                file.write(f"{key}\t{total}\n")
        except OSError:
            pass


sums = Sums()


def record(step: Step, *, status: str, reason: str | None, seconds: float,
           references: list[tuple[str, str, str | None]]) -> dict[str, Any]:
    """
    Describe one run of a step.

    Parameters
    ----------
    step : Step
        The step, after running.
    status : str
        COMPLETE, SKIPPED or FAILED.
    reason : str or None
        Why it was skipped or failed.
    seconds : float
        How long it took.
    references : list of (type, recorded name, path)
        References used.

    Returns
    -------
    dict
        The description; ``path`` of a reference stands for its sum until :func:`attach`.
    """
    entry: dict[str, Any] = {
        "name": step.name,
        "class": f"{type(step).__module__}.{type(step).__qualname__}",
        "status": status,
        "seconds": round(seconds, 3),
        "parameters": _parameters(step),
    }
    if reason is not None:
        entry["reason"] = logs.without_folders(reason)
    overrides = {reftype: _plain(value) for reftype in step.reference_file_types
                 if (value := step.get_ref_override(reftype)) is not None}
    if overrides:
        entry["overrides"] = overrides
    if references:
        found = dict.fromkeys(references)
        entry["references"] = [{"type": kind, "name": portable(name), "path": path}
                               for kind, name, path in found]
        for _, _, path in found:
            if path is not None:
                sums.start(path)
    return entry


def _parameters(step: Step) -> dict[str, Any]:
    """The parameters of a step; hooks, which are commands perhaps, stay words of a shell."""
    return {name: _plain(getattr(step, name), _homeless if name.endswith("_hooks") else portable)
            for name in step.parameters()}


def _plain(value: Any, told: Callable[[str], str] | None = None) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item, told) for item in value]
    if isinstance(value, str):
        return (told or portable)(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return f"<{type(value).__name__}>"


def portable(text: str) -> str:
    """
    Write a path so that it tells nothing of the machine, and can still be found on it.

    Parameters
    ----------
    text : str
        A path, or any other text.

    Returns
    -------
    str
        Of an absolute path: relative to the working directory if it is in there, with ``~`` if it
        is in the user's home, else the base name. Any other text is as it was.
    """
    if not os.path.isabs(text):
        return text
    for folder, name in ((os.getcwd(), ""), (os.path.expanduser("~"), "~")):
        if len(folder) > 1 and text == folder:
            return name or "."
        if len(folder) > 1 and text.startswith(f"{folder}{os.sep}"):
            return os.path.join(name, text[len(folder) + 1 :])
    return os.path.basename(text.rstrip(os.sep)) or text


def attach(model: Any, root: Step, history: list[dict[str, Any]]) -> None:
    """
    Write into a product what made it.

    Parameters
    ----------
    model : data model
        The product.
    root : Step
        The outermost step or pipeline.
    history : list of dict
        Its sub-steps' records so far, in order; that of a step run alone.
    """
    if not model.meta.hasattr("provenance"):
        model.meta.provenance = {}
    setattr(model.meta.provenance, root.class_alias or root.name, json.dumps(told(root, history)))


def told(root: Step, history: list[dict[str, Any]]) -> dict[str, Any]:
    """
    Tell what a run did.

    Parameters
    ----------
    root : Step
        The outermost step or pipeline.
    history : list of dict
        As for :func:`attach`.

    Returns
    -------
    dict
        Class, name, input, parameters, steps with their references, software.
    """
    steps = []
    for entry in history:
        described = dict(entry)
        if "references" in entry:
            described["references"] = [
                {"type": ref["type"], "name": ref["name"]}
                | ({"sha1": sums.of(ref["path"])} if ref["path"] is not None else {})
                for ref in entry["references"]
            ]
        steps.append(described)
    return {
        "class": f"{type(root).__module__}.{type(root).__qualname__}",
        "name": root.name,
        "input": os.path.basename(root.primary_input or ""),
        "parameters": _parameters(root),
        "steps": steps,
        "software": _software(),
    }


@functools.cache
def libraries() -> dict[str, str]:
    """Versions of what is installed, loaded or not: of two workers both tell the same."""
    from importlib import metadata

    return {name: metadata.version(name)
            for name in ("numpy", "scipy", "astropy", "asdf", "stdatamodels", "gwcs")}


def _software() -> dict[str, Any]:
    import platform

    from jwst_cal import __version__, reproduces
    from jwst_cal.framework import reference_store
    from jwst_cal.kernels import threads

    crds, context = reference_store.used()
    return {
        "jwst_cal": __version__, "reproduces_jwst": reproduces, "crds": crds, "context": context,
        "python": platform.python_version(), "machine": platform.machine(),
        "threads": threads.team_size(None, work=1 << 30),
        **libraries(),
    }


def read(product: Any) -> dict[str, dict[str, Any]]:
    """
    Read what made a product.

    Parameters
    ----------
    product : str, path or data model
        A product of this package.

    Returns
    -------
    dict
        One description for each pipeline or step, by alias, in the order they ran.

    Raises
    ------
    InputError
        If the file is no product of this package.
    """
    if isinstance(product, str | os.PathLike):
        found = _from_file(os.fspath(product))
        name = os.fspath(product)
    else:
        meta = product.meta
        found = meta.provenance.instance if meta.hasattr("provenance") else None
        name = meta.filename or "the open model"
    if not isinstance(found, Mapping) or not found:
        raise InputError(f"{name}: holds no record of how it was made, as products of jwst_cal do")
    return {alias: json.loads(text) for alias, text in found.items()}


def _from_file(path: str) -> Any:
    from jwst_cal import models

    with models.open(path) as model:
        return dict(model.meta.provenance.instance) if model.meta.hasattr("provenance") else None


# telling and repeating ----------------------------------------------------------------------------


def describe(product: Any) -> list[str]:
    """
    Tell in lines what made a product.

    Parameters
    ----------
    product : str, path or data model
        A product of this package.

    Returns
    -------
    list of str
        For each pipeline its versions, and for each step status, time, reason of a skip,
        references with their sums, and parameters.
    """
    lines = []
    for alias, told in read(product).items():
        software = ", ".join(f"{name} {value}" for name, value in told["software"].items()
                             if value is not None)
        lines += [f"{alias} ({told['class']}) on {told['input'] or 'an open model'}",
                  f"  made with: {software}"]
        lines += [f"  {name} = {value!r}" for name, value in told["parameters"].items()]
        for step in told["steps"]:
            reason = f": {step['reason']}" if "reason" in step else ""
            lines.append(f"  {step['name']}: {step['status']}{reason} ({step['seconds']:g} s)")
            lines += [f"    reference {ref['type']} = {ref['name']}"
                      + (f" (sha1 {ref['sha1']})" if ref.get("sha1") else "")
                      for ref in step.get("references", ())]
            lines += [f"    {name} = {value!r}" for name, value in step["parameters"].items()]
    return lines


class Recipe(NamedTuple):
    """What it takes to make a product again."""

    config: dict[str, Any]
    input: str
    folder: str
    context: str | None
    product: str

    def inputs(self) -> list[str]:
        """
        Find the input: beside the product, else in the working directory.

        Returns
        -------
        list of str
            Its path.

        Raises
        ------
        InputError
            If it is in neither place.
        """
        for folder in (self.folder, ""):
            path = os.path.join(folder, self.input)
            if self.input and os.path.isfile(path):
                return [path]
        raise InputError(f"{self.product}: its input '{self.input}' is neither beside it nor in "
                         "the working directory; name the input after the options")

    def use_rules(self) -> None:
        """
        Let CRDS choose by the rules that were used then, for this process.

        Raises
        ------
        ParameterError
            If they were those of the embedded cache of another release.
        """
        from jwst_cal.framework import reference_store

        try:
            reference_store.use_rules(self.context)
        except ParameterError as error:
            raise ParameterError(f"{self.product}: {error}") from None


def _homeless(text: str) -> str:
    """A command with ``~`` in the place of the user's home."""
    home = os.path.expanduser("~")
    return text.replace(f"{home}{os.sep}", f"~{os.sep}") if len(home) > 1 else text


def _found_beside(path: str, folder: str) -> str:
    """The path of a file beside a product, when it is not where the path says."""
    beside = os.path.join(folder, path)
    is_here = os.path.exists(os.path.expanduser(path))
    return beside if not is_here and os.path.exists(beside) else path


def recipe(product: str | os.PathLike[str]) -> Recipe:
    """
    Read from a product how to make it again.

    Parameters
    ----------
    product : str or path
        A product of this package; the last pipeline it went through is meant.

    Returns
    -------
    Recipe
        Parameters as a configuration, with overrides; input and rules.

    Raises
    ------
    InputError
        If the file is no product of this package.
    ParameterError
        If a reference was an open model, which no file holds.
    """
    name = os.fspath(product)
    told = list(read(name).values())[-1]
    config: dict[str, Any] = {"class": told["class"], "name": told["name"], **told["parameters"]}
    alone = [step for step in told["steps"] if step["class"] == told["class"]]
    steps = {}
    for step in told["steps"]:
        overrides = {f"override_{kind}": value
                     for kind, value in step.get("overrides", {}).items()}
        for key, value in overrides.items():
            if str(value).startswith("<"):
                raise ParameterError(f"{name}: {key} of {step['name']} was an open model; it "
                                     "cannot be used again")
            overrides[key] = _found_beside(str(value), os.path.dirname(name))
        steps[step["name"]] = {**step["parameters"], **overrides}
    if alone:
        config |= steps[alone[0]["name"]]
    else:
        config["steps"] = steps
    return Recipe(config, told["input"], os.path.dirname(os.path.abspath(name)),
                  told["software"].get("context"), name)
