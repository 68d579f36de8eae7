"""What there is to do: a task is one run of a step or pipeline on its inputs."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jwst_cal.errors import InputError, ParameterError

__all__ = ["File", "Task", "check", "in_order", "members_of"]


class File(NamedTuple):
    """A file as it was: its content is told by the sum, the rest saves reading it again."""

    path: str
    size: int
    mtime: int
    sha1: str | None = None

    @classmethod
    def at(cls, path: str) -> File:
        """Look at a file; its content is not read."""
        status = os.stat(path)
        return cls(path, status.st_size, status.st_mtime_ns)

    def is_same(self) -> bool:
        """Whether the file still has its content; False if it is gone."""
        from jwst_cal.framework import provenance

        try:
            status = os.stat(self.path)
        except OSError:
            return False
        if (status.st_size, status.st_mtime_ns) == (self.size, self.mtime):
            return True
        return (self.sha1 is not None and status.st_size == self.size
                and provenance.sums.of(self.path) == self.sha1)


@dataclass(frozen=True)
class Task:
    """
    One run of a step or pipeline.

    Attributes
    ----------
    name : str
        Unique in a plan.
    target : str
        Alias, class or parameter file, as for ``strun``.
    inputs : tuple of str
        Absolute paths; the first names the products.
    parameters : mapping
        Values given, those of steps below ``steps``.
    output_dir : str
        Absolute path of the folder of the products.
    after : tuple of str
        Names of the tasks whose products this one takes.
    products : tuple of str
        Products that are expected, by base name; those that came are recorded by a run.
    """

    name: str
    target: str
    inputs: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output_dir: str = ""
    after: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Short name of the pipeline or step."""
        return os.path.basename(self.target).rpartition(".")[2] or self.target

    @property
    def root(self) -> str:
        """What the names of the products begin with, but for a suffix."""
        from jwst_cal.framework.products import remove_suffix

        stem = os.path.basename(self.inputs[0])
        for ending in (".gz", ".fits", ".asdf", ".json"):
            stem = stem.removesuffix(ending)
        return remove_suffix(stem)[0]

    def files(self) -> list[str]:
        """
        List what decides the result, other than what CRDS selects.

        Returns
        -------
        list of str
            Inputs, members of associations, parameter file and overrides; existing or not.
        """
        found = []
        for path in self.inputs:
            found.append(path)
            if path.lower().endswith(".json") and os.path.exists(path):
                found += members_of(path)
        if os.path.isfile(self.target):
            found.append(os.path.abspath(self.target))
        found += _overrides(self.parameters)
        return list(dict.fromkeys(found))

    def asked(self) -> str:
        """
        Digest what is asked for: class, parameters, inputs by name.

        Returns
        -------
        str
            64 hexadecimal digits.
        """
        from jwst_cal.framework import building

        asked = [self.target if not os.path.isfile(self.target) else "file", self.parameters,
                 [os.path.basename(path) for path in self.inputs], building.disabled(),
                 os.environ.get("JWST_CAL_CRDS", "")]
        return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def members_of(path: str) -> list[str]:
    """Return the paths of the members of an association file; none where it cannot be read."""
    from jwst_cal.models import association_file

    try:
        association = association_file.read(path)
    except InputError:
        return []  # said when the task runs
    folder = os.path.dirname(path)
    return [os.path.join(folder, member["expname"])
            for product in association.get("products") or () for member in product["members"]
            if isinstance(member.get("expname"), str)]


def _overrides(parameters: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            found += _overrides(value)
        elif name.startswith("override_") and isinstance(value, str) and value not in ("", "N/A"):
            found.append(os.path.abspath(os.path.expanduser(value)))
        elif name == "config_file" and value:
            found.append(os.path.abspath(os.path.expanduser(str(value))))
    return found


def check(tasks: Sequence[Task]) -> None:
    """
    Refuse tasks that cannot be run together.

    Parameters
    ----------
    tasks : sequence of Task
        The tasks.

    Raises
    ------
    InputError
        If two would write the same products, have the same name, or a file that no task makes is
        missing.
    ParameterError
        If several products would be called the same.
    """
    names: dict[str, Task] = {}
    written: dict[tuple[str, str, str], Task] = {}
    for task in tasks:
        if task.name in names:
            raise InputError(f"two tasks are called '{task.name}'")
        names[task.name] = task
        if task.parameters.get("output_file") and len(tasks) > 1:
            raise ParameterError("output_file: with several inputs each product is named after "
                                 "its input")
        key = (task.output_dir, task.target, task.root)
        other = written.setdefault(key, task)
        if other is not task:
            raise InputError(f"{other.inputs[0]} and {task.inputs[0]}: their products would have "
                             f"the same names in {task.output_dir}")
    for task in tasks:
        for name in task.after:
            if name not in names:
                raise InputError(f"task '{task.name}' comes after '{name}', which is not planned")


def in_order(tasks: Iterable[Task]) -> Iterator[Task]:
    """
    Sort tasks so that each comes after those whose products it takes.

    Parameters
    ----------
    tasks : iterable of Task
        The tasks.

    Yields
    ------
    Task
        One after the other, as given where nothing else is needed.

    Raises
    ------
    InputError
        If they wait for each other.
    """
    waiting = {task.name: task for task in tasks}
    while waiting:
        ready = [task for task in waiting.values() if not any(n in waiting for n in task.after)]
        if not ready:
            raise InputError(f"tasks wait for each other: {', '.join(sorted(waiting)[:4])}")
        for task in ready:
            del waiting[task.name]
            yield task
