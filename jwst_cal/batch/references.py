"""Which reference files tasks need, by the rules; nothing is fetched."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jwst_cal.batch.tasks import Task
from jwst_cal.errors import JwstCalError

__all__ = ["Needed", "needed"]


class Needed:
    """
    The references of tasks.

    Attributes
    ----------
    by_task : dict
        Base names by type, by task; types that have none for the exposure are left out.
    problems : dict
        By task, why not all could be named.
    """

    def __init__(self) -> None:
        self.by_task: dict[str, dict[str, str]] = {}
        self.problems: dict[str, str] = {}

    def names(self) -> list[str]:
        """Return the base names of all files, sorted."""
        return sorted({name for found in self.by_task.values() for name in found.values()})


def needed(tasks: Iterable[Task]) -> Needed:
    """
    Find out which reference files tasks need.

    Parameters
    ----------
    tasks : iterable of Task
        Of a plan; a later stage is asked for by the header of the exposure it begins with.

    Returns
    -------
    Needed
        Names, and what went wrong.
    """
    found = Needed()
    by_name = {task.name: task for task in tasks}
    types: dict[tuple[str, str, str], list[str]] = {}
    headers: dict[str, Mapping[str, Any]] = {}
    for task in by_name.values():
        try:
            header = _header(task, by_name, headers)
            key = (task.target, repr(task.parameters), str(header.get("meta.exposure.type")))
            if key not in types:
                types[key] = list(_types(task, header))
            found.by_task[task.name] = dict(_names(header, types[key], found, task.name))
        except JwstCalError as error:
            found.problems[task.name] = str(error)
    return found


def _header(task: Task, by_name: Mapping[str, Task],
            known: dict[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Read the header that decides: of the first input, or what it will be made from."""
    from jwst_cal.framework import reference_store

    path = task.inputs[0]
    if not os.path.exists(path) and task.after:
        return _header(by_name[task.after[0]], by_name, known)
    if path not in known:
        known[path] = reference_store.header_of(path) or {}
    return known[path]


def _types(task: Task, header: Mapping[str, Any]) -> Iterator[str]:
    """Yield the types that a task with its parameters asks CRDS for."""
    from jwst_cal.framework import building, commandline

    cls, local, _ = commandline.load_target(task.target)
    if local is not None:
        building.take_logcfg(local)
    step: Any = building.make(cls, building.assemble(cls, header, local=local,
                                                     given=task.parameters))
    wanted = (step.wanted_references() if hasattr(step, "wanted_references")
              else step.wanted_types())
    yield from (kind for kind in wanted if step.get_ref_override(kind) is None)


def _names(header: Mapping[str, Any], types: Iterable[str], found: Needed,
           task: str) -> Iterator[tuple[str, str]]:
    from jwst_cal.framework import reference_store

    for reftype in types:
        try:
            name = reference_store.name_of(header, reftype)
            if name != reference_store.NOT_APPLICABLE:
                yield reftype, name
        except JwstCalError as error:
            found.problems.setdefault(task, str(error))
