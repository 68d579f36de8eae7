"""What is shown of a run: a table on a terminal, lines in a pipe, events for machines."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import IO, Any

__all__ = ["Events", "Lines", "Reporter", "Table", "choose", "counted", "duration", "megabytes"]


def duration(seconds: float | None) -> str:
    """Write a time for people."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else (
        f"{minutes // 60} h {minutes % 60:02d} min")


def megabytes(amount: float | None) -> str:
    """Write an amount of memory for people."""
    if amount is None:
        return ""
    return f"{amount / 1e6:.0f} MB" if amount < 1e9 else f"{amount / 1e9:.1f} GB"


def counted(number: int, name: str = "task") -> str:
    """Write a number of things for people."""
    return f"{number} {name}{'' if number == 1 else 's'}"


class Reporter:
    """
    Told what happens, as events: dictionaries with ``event`` and, mostly, ``task``.

    ``begin`` (``total``, ``jobs``, ``threads``, ``memory``), ``remark`` (``text``), ``start``,
    ``retry``, ``done``, ``empty``, ``current``, ``failed``, ``blocked``, and ``end`` (``counts``).
    """

    def __init__(self, stream: IO[str] | None = None) -> None:
        self.stream = stream or sys.stdout
        self.total = self.finished = 0
        self.counts: Counter[str] = Counter()
        self.running: dict[str, float] = {}

    def __enter__(self) -> Reporter:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def tell(self, event: Mapping[str, Any]) -> None:
        """Take note of an event."""
        kind = event["event"]
        if kind == "begin":
            self.total = event["total"]
        elif kind == "start":
            self.running[event["task"]] = time.monotonic()
        elif kind in ("done", "empty", "current", "failed", "blocked", "retry", "interrupted"):
            self.running.pop(event["task"], None)
            if kind != "retry":
                self.counts[kind] += 1
                self.finished += 1
        self.show(event)

    def show(self, event: Mapping[str, Any]) -> None:
        """Show an event."""

    def line(self, event: Mapping[str, Any]) -> str | None:
        """Write an event as a line; None for one that is not worth one."""
        kind = event["event"]
        if kind == "begin":
            return (f"{counted(event['total'])}, {event['jobs']} at a time with {event['threads']} "
                    f"thread{'' if event['threads'] == 1 else 's'} each, "
                    f"{megabytes(event['memory'])} ({event['engine']})")
        if kind == "remark":
            return str(event["text"])
        if kind == "end":
            return summary(event["counts"], event["seconds"])
        if kind in ("start", "current"):
            return None
        text = f"[{self.finished}/{self.total}] {kind:<8}{event['task']}"
        if kind in ("done", "empty"):
            text += f"  {duration(event['seconds'])}  {megabytes(event['peak'])}"
        if event.get("error"):
            text += f": {event['error']}"
        return text


def summary(counts: Mapping[str, int], seconds: float) -> str:
    """Write the end of a run as a line."""
    names = {"done": "done", "current": "current already", "empty": "without science data",
             "failed": "failed", "blocked": "not run after a failure",
             "interrupted": "interrupted", "waiting": "not begun"}
    told = ", ".join(f"{counts[key]} {name}" for key, name in names.items() if counts.get(key))
    return f"{told or 'nothing to do'} in {duration(seconds)}"


class Lines(Reporter):
    """One line for each task that ended."""

    def show(self, event: Mapping[str, Any]) -> None:
        """Write the line."""
        text = self.line(event)
        if text is not None:
            print(text, file=self.stream, flush=True)


class Events(Reporter):
    """One JSON object for each event."""

    def show(self, event: Mapping[str, Any]) -> None:
        """Write the object."""
        print(json.dumps({"time": round(time.time(), 3), **event}), file=self.stream, flush=True)


class Table(Reporter):
    """What runs now, and how far all is; failures and remarks stay above it."""

    def __enter__(self) -> Table:
        from rich.console import Console
        from rich.live import Live

        self.console = Console(file=self.stream)
        self.started = time.monotonic()
        self.begun: tuple[float, int] | None = None
        self.live = Live(get_renderable=self.picture, console=self.console, refresh_per_second=4,
                         transient=True)
        self.live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.live.stop()

    def show(self, event: Mapping[str, Any]) -> None:
        """Write what is to stay."""
        if event["event"] not in ("done", "start", "current"):
            text = self.line(event)
            if text is not None:
                self.console.out(text, highlight=False)

    def picture(self) -> Any:
        """Draw the table."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table as Grid

        now = time.monotonic()
        grid = Grid.grid(padding=(0, 2))
        for task, since in list(self.running.items())[: max(3, self.console.height - 6)]:
            grid.add_row("running", task, duration(now - since))
        spent = now - self.started
        worked = self.finished - self.counts["current"]
        # the first tasks of processes take longer: the others tell the speed
        if self.begun is None and worked > 2 * len(self.running):
            self.begun = now, worked
        left = None
        if self.begun is not None and worked > self.begun[1]:
            left = (self.total - self.finished) * (now - self.begun[0]) / (worked - self.begun[1])
        bar = Grid.grid(padding=(0, 2))
        bar.add_row(f"{self.finished}/{self.total}",
                    ProgressBar(total=max(self.total, 1), completed=self.finished, width=40),
                    f"{self.counts['failed']} failed", duration(spent),
                    f"{duration(left)} left" if left is not None else "")
        return Group(grid, bar)


def choose(*, as_json: bool = False, stream: IO[str] | None = None) -> Reporter:
    """Choose how a run is shown: events, a table on a terminal, lines in a pipe."""
    import os

    stream = stream or sys.stdout
    if as_json:
        return Events(stream)
    is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    return Table(stream) if is_terminal else Lines(stream)
