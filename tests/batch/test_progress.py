"""Lines, events and the table."""

import io
import json

from jwst_cal.batch import progress

EVENTS = [
    {"event": "begin", "total": 3, "jobs": 2, "threads": 1, "memory": 2e9, "engine": "local"},
    {"event": "current", "task": "a"},
    {"event": "start", "task": "b", "attempt": 1},
    {"event": "retry", "task": "b", "error": "out of memory", "memory": 5},
    {"event": "start", "task": "b", "attempt": 2},
    {"event": "done", "task": "b", "seconds": 75.2, "peak": 5e8, "cpu": 70.0},
    {"event": "start", "task": "c", "attempt": 1},
    {"event": "failed", "task": "c", "error": "c: no such file", "seconds": 0.1},
    {"event": "end", "counts": {"done": 1, "failed": 1, "current": 1}, "seconds": 80.0},
]


def told(reporter, upto=None):
    with reporter:
        for event in EVENTS[:upto]:
            reporter.tell(event)
        return reporter


def test_lines():
    stream = io.StringIO()
    told(progress.Lines(stream))
    assert stream.getvalue().splitlines() == [
        "3 tasks, 2 at a time with 1 thread each, 2.0 GB (local)",
        "[1/3] retry   b: out of memory",
        "[2/3] done    b  1 min 15 s  500 MB",
        "[3/3] failed  c: c: no such file",
        "1 done, 1 current already, 1 failed in 1 min 20 s",
    ]


def test_events():
    stream = io.StringIO()
    told(progress.Events(stream))
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [{k: v for k, v in event.items() if k != "time"} for event in found] == EVENTS


def test_table():
    from rich.console import Console

    stream = io.StringIO()
    with progress.Table(stream) as table:
        for event in EVENTS[:7]:
            table.tell(event)
        picture = io.StringIO()
        Console(file=picture, width=100).print(table.picture())
        for event in EVENTS[7:]:
            table.tell(event)
    assert "running" in picture.getvalue()
    assert "2/3" in picture.getvalue()
    assert "c: no such file" in stream.getvalue()


def test_choice(monkeypatch):
    stream = io.StringIO()
    assert type(progress.choose(stream=stream)) is progress.Lines
    assert type(progress.choose(stream=stream, as_json=True)) is progress.Events
    monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert type(progress.choose(stream=stream)) is progress.Table


def test_durations():
    assert [progress.duration(t) for t in (0.04, 61, 3 * 3600 + 60)] == [
        "0.0 s", "1 min 01 s", "3 h 01 min"]
