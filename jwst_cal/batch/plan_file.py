"""Plans as files: TOML for people, JSON for programs.

Paths are relative to the file where they lie below its folder, so that both may be moved together.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from jwst_cal import models
from jwst_cal.batch import resources
from jwst_cal.batch.planning import Plan
from jwst_cal.batch.resources import Experience
from jwst_cal.batch.tasks import Task
from jwst_cal.errors import InputError

__all__ = ["is_plan", "read", "write"]

_VERSION = 1


def is_plan(path: str) -> bool:
    """Whether a file is called as plans are; a JSON file only if it says it is one."""
    name = path.lower()
    if name.endswith(".toml"):
        return True
    if not name.endswith(".json"):
        return False
    try:
        with open(path, encoding="utf-8") as file:
            return '"jwst_cal_plan"' in file.read(4096)
    except (OSError, UnicodeDecodeError):
        return False


def read(path: str) -> Plan:
    """
    Read a plan.

    Parameters
    ----------
    path : str
        A TOML or JSON file that :func:`write` wrote, or a person.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InputError
        If it cannot be read or is no plan.
    """
    import tomllib

    try:
        with open(path, "rb") as file:
            found = json.load(file) if path.lower().endswith(".json") else tomllib.load(file)
    except OSError as error:
        raise InputError(f"{path}: the plan cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: is no plan: {error}") from error
    if not isinstance(found, dict) or found.get("jwst_cal_plan") != _VERSION:
        raise InputError(f"{path}: is no plan of this release: it does not say "
                         f"jwst_cal_plan = {_VERSION}")
    folder = os.path.dirname(os.path.abspath(path))
    output_dir = os.path.normpath(os.path.join(folder, found.get("output_dir", ".")))
    common = found.get("parameters") or {}
    plan = Plan(output_dir)
    for number, entry in enumerate(found.get("task") or (), 1):
        unknown = set(entry) - {"name", "run", "inputs", "after", "products", "parameters",
                                "foreseen", "references"}
        if unknown or not {"name", "run", "inputs"} <= set(entry):
            problem = (f"unknown entry '{min(unknown)}'" if unknown else
                       "name, run or inputs missing")
            raise InputError(f"{path}: task {number}: {problem}")
        target = entry["run"]
        if os.sep in target or target.endswith((".asdf", ".cfg")):
            target = os.path.join(folder, target)
        given = _merged(common.get(entry["run"]) or {}, entry.get("parameters") or {})
        plan.tasks.append(Task(
            entry["name"], target, tuple(os.path.normpath(os.path.join(folder, name))
                                         for name in entry["inputs"]),
            given, output_dir, tuple(entry.get("after") or ()), tuple(entry.get("products") or ())))
    return plan


def _merged(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(low)
    for key, value in high.items():
        below = merged.get(key)
        merged[key] = (_merged(below, value) if isinstance(value, Mapping)
                       and isinstance(below, Mapping) else value)
    return merged


def write(plan: Plan, path: str, experience: Experience,
          references: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, float]:
    """
    Write a plan, with what it will need.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : str
        File, ``.toml`` or ``.json``.
    experience : Experience
        What past tasks needed.
    references : mapping, optional
        Base names of references by type, by task.

    Returns
    -------
    dict
        Sums: ``tasks``, ``bytes`` of inputs that exist, CPU ``seconds``, bytes ``written``; the
        most ``memory``.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    folder = os.path.dirname(os.path.abspath(path))
    found, total = _content(plan, folder, experience, references or {})
    text = json.dumps(found, indent=2) if path.lower().endswith(".json") else _as_toml(found)
    models.save_text(text + "\n", path)
    return total


def _content(plan: Plan, folder: str, experience: Experience,
             references: Mapping[str, Mapping[str, str]]) -> tuple[dict[str, Any],
                                                                   dict[str, float]]:
    needs = resources.foresee_all(plan.tasks, experience, plan.associations)
    there = {name for task in plan.tasks for name in task.inputs
             if name not in plan.associations and os.path.exists(name)}
    total = {"tasks": float(len(plan.tasks)), "bytes": float(sum(map(os.path.getsize, there))),
             "seconds": sum(need.seconds for need in needs),
             "memory": float(max((need.memory for need in needs), default=0)),
             "written": float(sum(need.written for need in needs))}
    tasks = []
    for task, need in zip(plan.tasks, needs, strict=True):
        entry: dict[str, Any] = {"name": task.name, "run": _near(task.target, folder)
                                 if os.sep in task.target else task.target,
                                 "inputs": [_near(name, folder) for name in task.inputs]}
        if task.after:
            entry["after"] = list(task.after)
        if task.products:
            entry["products"] = list(task.products)
        entry["foreseen"] = {"seconds": round(need.seconds, 1),
                             "megabytes": round(need.memory / 1e6), "bytes": need.size,
                             "bytes_written": need.written}
        if references.get(task.name):
            entry["references"] = dict(references[task.name])
        if task.parameters:
            entry["parameters"] = dict(task.parameters)
        tasks.append(entry)
    return {"jwst_cal_plan": _VERSION, "output_dir": _near(plan.output_dir, folder),
            "task": tasks}, total


def _near(path: str, folder: str) -> str:
    inside = path == folder or path.startswith(f"{folder}{os.sep}")
    return os.path.relpath(path, folder) if inside else path


def _as_toml(found: Mapping[str, Any]) -> str:
    lines = ["# A plan of jwst_cal: `jwst-cal run` executes it. Parameters for all tasks of a "
             "pipeline go below", "# [parameters.<pipeline>], those of one task below its "
             "parameters. 'foreseen' is information.", ""]
    lines += [f"{key} = {_value(value)}" for key, value in found.items() if key != "task"]
    for task in found["task"]:
        lines += ["", "[[task]]"]
        lines += [f"{key} = {_value(value)}" for key, value in task.items()]
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()
                               if item is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else json.dumps(key)
