"""Whether a product is current: made by this version from these inputs, parameters and references.

Content decides, by SHA-1 sums; a file whose size and time of change are the same is not read again.
Which references belong to an exposure is asked again only under other rules than last time.
"""

from __future__ import annotations

import os
from typing import Any

from jwst_cal.batch.state import State
from jwst_cal.batch.tasks import File, Task

__all__ = ["rules", "why_stale"]


def rules() -> str | None:
    """Return the CRDS context in force; None if there is none to be had."""
    from jwst_cal.errors import JwstCalError
    from jwst_cal.framework import reference_store

    try:
        return reference_store.context()
    except JwstCalError:
        return None  # the tasks that need references will say so


def why_stale(task: Task, state: State, context: str | None) -> str | None:
    """
    Tell why a task has to be run.

    Parameters
    ----------
    task : Task
        The task.
    state : State
        What is known of its last run.
    context : str or None
        The CRDS context in force.

    Returns
    -------
    str or None
        The reason; None when its products are current.
    """
    from jwst_cal import __version__

    row = state.row(task.name)
    if row is None or row["status"] == "waiting":
        return "new"
    if row["status"] not in ("done", "empty"):
        return str(row["status"])
    if row["version"] != __version__:
        return f"made by version {row['version']}"
    if row["asked"] != task.asked():
        return "other parameters"
    return (_of_inputs(task, state) or _of_products(task, state)
            or _of_references(task, state, row, context))


def _of_inputs(task: Task, state: State) -> str | None:
    known = {file.path: file for _, file in state.files(task.name, "input")}
    if set(known) != set(task.files()):
        return "other inputs"
    return next((f"{os.path.basename(file.path)} has changed" for file in known.values()
                 if not file.is_same()), None)


def _of_products(task: Task, state: State) -> str | None:
    for _, file in state.files(task.name, "product"):
        name = os.path.basename(file.path)
        if not os.path.exists(file.path):
            return f"{name} is missing"
        if File.at(file.path)[1:3] != file[1:3]:
            return f"{name} was changed"
    return None


def _of_references(task: Task, state: State, row: dict[str, Any],
                   context: str | None) -> str | None:
    used = state.files(task.name, "reference")
    for reftype, file in used:
        # one that has left the cache cannot have changed: its name stands for its content
        if os.path.exists(file.path) and not file.is_same():
            return f"reference {reftype} has changed"
    if context is None or row["context"] is None or context == row["context"]:
        return None
    given = set(task.files())  # overrides, whatever the rules
    return _chosen_anew(task, [item for item in used if item[1].path not in given])


def _chosen_anew(task: Task, used: list[tuple[str, File]]) -> str | None:
    """Compare references by name with those that other rules choose."""
    from jwst_cal.errors import JwstCalError
    from jwst_cal.framework import reference_store

    try:
        header = reference_store.header_of(task.inputs[0])
        for reftype, file in used:
            found = "" if header is None else reference_store.find(header, reftype)
            if os.path.basename(found) != os.path.basename(file.path):
                return f"the rules name another {reftype}"
    except JwstCalError as error:
        return str(error)
    return None
