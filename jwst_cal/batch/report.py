"""One page about a run: a single HTML file that needs no network."""

from __future__ import annotations

import html
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from jwst_cal import models
from jwst_cal.batch import progress
from jwst_cal.batch.state import everything

__all__ = ["page", "write"]

_ORDER = ("failed", "blocked", "interrupted", "running", "waiting", "empty", "done")
_FLAGS = (("DO_NOT_USE", "not usable"), ("SATURATED", "saturated"), ("JUMP_DET", "jumps"))
_COLUMNS = ("", "task", "status", "seconds", "CPU s", "memory", "median",
            *(title for _, title in _FLAGS), "warnings")


def write(directory: str, path: str, *, most_pictures: int = 4000) -> None:
    """
    Write the page of a directory's run.

    Parameters
    ----------
    directory : str
        Folder of the products.
    path : str
        The HTML file.
    most_pictures : int
        Pictures beyond this number are left out, to keep the page small.

    Raises
    ------
    InputError
        If no run was made there.
    OutputError
        If it cannot be written.
    """
    rows, about = everything(directory)
    models.save_text(page(rows, about, directory, most_pictures=most_pictures), path)


def page(rows: Iterable[Mapping[str, Any]], about: Mapping[str, str], directory: str, *,
         most_pictures: int = 4000) -> str:
    """
    Lay out the page.

    Parameters
    ----------
    rows : iterable of mapping
        What is known of each task.
    about : mapping
        What is known of the run.
    directory : str
        Its folder, as it is to be named.
    most_pictures : int
        As for :func:`write`.

    Returns
    -------
    str
        HTML, with its style, script and pictures.
    """
    from jwst_cal import __version__

    rows = sorted(rows, key=lambda row: (_rank(row), row["position"] or 0))
    counts = {status: sum(row["status"] == status for row in rows) for status in _ORDER}
    template = resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    left = [most_pictures]
    values = {
        "TITLE": html.escape(os.path.basename(os.path.abspath(directory))),
        "SUMMARY": _summary(rows, counts, about, __version__),
        "FILTERS": "".join(
            f'<button data-status="{status}" class="{status}">{number} {status}</button>'
            for status, number in counts.items() if number),
        "HEADS": "".join(f'<th data-column="{at}" title="sort">{name}</th>'
                         for at, name in enumerate(_COLUMNS)),
        "ROWS": "\n".join(_row(row, directory, left) for row in rows),
    }
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def _rank(row: Mapping[str, Any]) -> int:
    return _ORDER.index(row["status"]) if row["status"] in _ORDER else len(_ORDER)


def _summary(rows: list[Mapping[str, Any]], counts: Mapping[str, int], about: Mapping[str, str],
             version: str) -> str:
    cpu = sum(row["cpu"] or 0 for row in rows)
    begun = [row["started"] for row in rows if row["started"]]
    ended = [row["finished"] for row in rows if row["finished"]]
    span = max(ended) - min(begun) if begun and ended else 0
    foreseen = _foreseen(rows, about)
    facts = [f"{len(rows)} tasks", f"{progress.duration(cpu)} of CPU{foreseen}",
             f"{progress.duration(span)} from the first to the last",
             f"at most {progress.megabytes(max([row['peak'] or 0 for row in rows], default=0))}"]
    hosts = sorted({row["host"] for row in rows if row["host"]})
    contexts = sorted({row["context"] for row in rows if row["context"]})
    facts += [f"engine {about.get('engine', 'local')}, jobs: {about.get('jobs', '?')}, threads "
              f"of each: {about.get('threads', '?')}, machines: {len(hosts)}",
              f"rules {', '.join(contexts) or 'none'}", f"jwst_cal {version}"]
    return " &middot; ".join(map(html.escape, facts))


def _foreseen(rows: list[Mapping[str, Any]], about: Mapping[str, str]) -> str:
    """The CPU time that was foreseen for what was done."""
    seconds = json.loads(about.get("foreseen") or "{}")
    found = [seconds[row["name"]] for row in rows
             if row["status"] == "done" and row["name"] in seconds]
    return f" (foreseen {progress.duration(sum(found))})" if found else ""


def _row(row: Mapping[str, Any], directory: str, left: list[int]) -> str:
    pictures = row["pictures"] or []
    shown = next((p for p in pictures if not p["product"].endswith("_i2d.fits")), None)
    cells = [_picture(pictures, left), _told(row, directory),
             f'<span class="{row["status"]}">{row["status"]}</span>']
    sorts: list[Any] = [len(pictures), row["name"], _rank(row)]
    for value, text in ((row["seconds"], _number(row["seconds"])), (row["cpu"],
                        _number(row["cpu"])), (row["peak"], progress.megabytes(row["peak"]))):
        cells.append(text)
        sorts.append(value if value is not None else -1)
    median = None if shown is None else shown.get("median")
    cells.append("" if median is None else f"{median:g}")
    sorts.append(-1e30 if median is None else median)
    for flag, _ in _FLAGS:
        share = (None if shown is None or flag not in shown or not shown["pixels"]
                 else shown[flag] / shown["pixels"])
        cells.append("" if share is None else f"{100 * share:.2f}%")
        sorts.append(-1 if share is None else share)
    cells.append(_warnings(row["warnings"] or []))
    sorts.append(len(row["warnings"] or []))
    names = [f' data-name="{name}"' if at > 2 else "" for at, name in enumerate(_COLUMNS)]
    body = "".join(f'<td data-sort="{html.escape(str(sort))}"{name}>{cell}</td>'
                   for sort, cell, name in zip(sorts, cells, names, strict=True))
    return f'<tr data-status="{row["status"]}">{body}</tr>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _picture(pictures: list[dict[str, Any]], left: list[int]) -> str:
    if not pictures or left[0] <= 0:
        return ""
    left[0] -= 1
    last = pictures[0]
    return (f'<img alt="{html.escape(last["product"])}" title="{html.escape(last["product"])}" '
            f'src="data:image/png;base64,{last["png"]}">')


def _told(row: Mapping[str, Any], directory: str) -> str:
    """The name, and of a failure its reason, its log, and how to run it alone."""
    text = f"<b>{html.escape(row['name'])}</b>"
    if row["error"]:
        tries = f" ({row['attempts']} attempts)" if (row["attempts"] or 1) > 1 else ""
        text += f'<div class="reason">{html.escape(row["error"])}{tries}</div>'
    if row["status"] in ("failed", "interrupted"):
        text += f"<details><summary>how to run it again</summary><pre>{_again(row, directory)}"
        if row["log"]:
            text += f"\n\nlog: {html.escape(os.path.join(directory, row['log']))}"
        text += "</pre>"
        if row["traceback"]:
            text += f"<pre>{html.escape(row['traceback'])}</pre>"
        text += "</details>"
    return text


def _again(row: Mapping[str, Any], directory: str) -> str:
    words = ["strun", row["target"], *(os.path.join(directory, path) for path in row["inputs"]),
             f"--output_dir={os.path.join(directory, row['output_dir'])}",
             *_options(row["parameters"] or {})]
    return html.escape(shlex.join(words) + "\n# or all that is not current: the command of the run")


def _options(parameters: Mapping[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            found += _options(value, f"{prefix}{name}.")
        else:
            word = value if isinstance(value, str) else json.dumps(value)
            found.append(f"--{prefix}{name}={word}")
    return found


def _warnings(warnings: list[str]) -> str:
    if not warnings:
        return ""
    lines = "\n".join(html.escape(text) for text in warnings)
    return f"<details><summary>{len(warnings)}</summary><pre>{lines}</pre></details>"
