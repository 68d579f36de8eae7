"""What came of the tasks of a directory: one SQLite file, and the lock of the run that writes it.

Both lie in ``.jwst-cal`` in the folder of the products. Only the driver writes, so that the file
may lie on NFS; ``status`` and ``report`` read it at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from jwst_cal.batch.tasks import File, Task
from jwst_cal.errors import ExitStatus, InputError, OutputError

__all__ = ["FOLDER", "IN_USE", "Lock", "State", "everything", "folder_of"]

#: Folder beside the products.
FOLDER = ".jwst-cal"
#: Exit status when another run works in the directory.
IN_USE = 3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    name TEXT PRIMARY KEY, position INTEGER, target TEXT, label TEXT, inputs TEXT,
    parameters TEXT, output_dir TEXT, status TEXT, error TEXT, kind TEXT, traceback TEXT,
    asked TEXT, version TEXT, context TEXT, attempts INTEGER, seconds REAL, cpu REAL, peak INTEGER,
    request INTEGER, size INTEGER, started REAL, finished REAL, host TEXT, log TEXT, warnings TEXT,
    pictures TEXT);
CREATE TABLE IF NOT EXISTS files (
    task TEXT, role TEXT, kind TEXT, path TEXT, size INTEGER, mtime INTEGER, sha1 TEXT);
CREATE INDEX IF NOT EXISTS files_of ON files (task, role);
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT);
"""
_COLUMNS = frozenset({
    "name", "position", "target", "label", "inputs", "parameters", "output_dir", "status", "error",
    "kind", "traceback", "asked", "version", "context", "attempts", "seconds", "cpu", "peak",
    "request", "size", "started", "finished", "host", "log", "warnings", "pictures"})
_AS_JSON = ("inputs", "parameters", "warnings", "pictures")


def folder_of(directory: str) -> Path:
    """Return the folder in which a directory's state lies."""
    return Path(directory) / FOLDER


class Lock:
    """
    The right to run in a directory: one process on all machines that share it.

    It ends with the process, however that ends.

    Parameters
    ----------
    directory : str
        Folder of the products.
    part : str, optional
        Only this part of the plan: other parts may be at work, but not the whole.

    Raises
    ------
    ExitStatus
        With status 3, if another run holds it.
    OutputError
        If the folder cannot be written to.
    """

    def __init__(self, directory: str, part: str | None = None) -> None:
        self.directory, self.part = directory, part
        self._files: list[IO[str]] = []

    def __enter__(self) -> Lock:
        folder = folder_of(self.directory)
        self._take(folder / "lock", exclusively=self.part is None)
        if self.part is not None:
            self._take(folder / "parts" / f"{_plain(self.part)}.lock", exclusively=True)
        mine = self._files[-1]
        mine.truncate(0)
        mine.write(f"process {os.getpid()} on {socket.gethostname()}, since "
                   f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n")
        mine.flush()
        return self

    def _take(self, path: Path, *, exclusively: bool, tries: int = 3) -> None:
        """Lock a file: not for others at all, or for others of its kind only."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+", encoding="utf-8")  # noqa: SIM115  # closed with the lock
        except OSError as error:
            raise OutputError(f"{path}: cannot be made: {error.strerror}") from error
        try:
            # an flock is one of the whole file server on NFS, and children do not inherit it
            fcntl.flock(file, (fcntl.LOCK_EX if exclusively else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            if tries:  # it may be `status` that looks whether a run is at work
                file.close()
                time.sleep(0.1)
                self._take(path, exclusively=exclusively, tries=tries - 1)
                return
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            self.__exit__()
            raise ExitStatus(IN_USE, f"{self.directory}: a run is at work here: {holder}. Wait "
                                     "for it, or choose another output_dir") from None
        except OSError as error:
            file.close()
            self.__exit__()
            raise OutputError(f"{path}: cannot be locked: {error.strerror}") from error
        self._files.append(file)

    def __exit__(self, *exception: object) -> None:
        while self._files:
            file = self._files.pop()
            if file.tell():
                with contextlib.suppress(OSError):
                    file.truncate(0)
            file.close()


def _plain(part: str) -> str:
    return part.replace("/", "-of-")


class State:
    """
    The record of a directory.

    Parameters
    ----------
    directory : str
        Folder of the products.
    write : bool
        To be written, by the holder of the lock; otherwise it is only read.
    part : str, optional
        That of this part of the plan, which has a file of its own.

    Raises
    ------
    InputError
        If there is none to read.
    OutputError
        If it cannot be opened.
    """

    def __init__(self, directory: str, *, write: bool = False, part: str | None = None) -> None:
        self.directory = os.path.abspath(directory)
        folder = folder_of(self.directory)
        path = (folder / "state.sqlite" if part is None else
                folder / "parts" / f"{_plain(part)}.sqlite")
        self._path = path
        if not write and not path.exists():
            raise InputError(f"{directory}: no run was made here (there is no {FOLDER})")
        try:
            if write:
                self._db = sqlite3.connect(path.absolute().as_uri(), uri=True, timeout=30)
                self._db.execute("PRAGMA synchronous = NORMAL")  # half the waiting for the disk
                self._db.executescript(_SCHEMA)
            else:
                self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True,
                                           timeout=30)
        except sqlite3.Error as error:
            raise OutputError(f"{path}: cannot be opened: {error}") from error
        self._db.row_factory = sqlite3.Row
        self._waiting: list[tuple[dict[str, Any], list[tuple[Any, ...]] | None]] = []

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> State:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # paths are kept relative to the directory, so that it may be moved

    def _kept(self, path: str) -> str:
        inside = path.startswith(f"{self.directory}{os.sep}")
        return path[len(self.directory) + 1 :] if inside else path

    def _found(self, path: str) -> str:
        return os.path.join(self.directory, path)

    # reading --------------------------------------------------------------------------------------

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield what is known of each task, in order."""
        for row in self._db.execute("SELECT * FROM tasks ORDER BY position, name"):
            yield self._row(row)

    def row(self, name: str) -> dict[str, Any] | None:
        """Return what is known of a task, None if nothing."""
        found = self._db.execute("SELECT * FROM tasks WHERE name = ?", (name,)).fetchone()
        return None if found is None else self._row(found)

    def _row(self, row: sqlite3.Row) -> dict[str, Any]:
        values = dict(row)
        for key in _AS_JSON:
            values[key] = json.loads(values[key] or "null")
        return values

    def files(self, name: str, role: str) -> list[tuple[str, File]]:
        """
        Return files of a task's last run.

        Parameters
        ----------
        name : str
            The task.
        role : str
            ``input``, ``reference`` or ``product``.

        Returns
        -------
        list of (kind, File)
            The kind is the type of a reference.
        """
        rows = self._db.execute("SELECT kind, path, size, mtime, sha1 FROM files WHERE task = ? "
                                "AND role = ?", (name, role))
        return [(row["kind"], File(self._found(row["path"]), row["size"], row["mtime"],
                                   row["sha1"])) for row in rows]

    def counts(self) -> dict[str, int]:
        """Count the tasks by status."""
        return dict(self._db.execute("SELECT status, count(*) FROM tasks GROUP BY status"))

    def about(self) -> dict[str, str]:
        """Return what is known of the last run."""
        return dict(self._db.execute("SELECT key, value FROM about"))

    # writing --------------------------------------------------------------------------------------

    def describe(self, **values: Any) -> None:
        """Note facts of the run."""
        self._db.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)",
                             [(key, str(value)) for key, value in values.items()])
        self._db.commit()

    def plan(self, tasks: list[Task]) -> None:
        """Enter tasks that are not known yet, forget those left by a run that was killed."""
        self._adopt({task.name for task in tasks})
        self._db.execute("UPDATE tasks SET status = 'interrupted' WHERE status = 'running'")
        self._db.executemany(
            "INSERT INTO tasks (name, position, target, label, inputs, parameters, output_dir, "
            "status) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting') ON CONFLICT (name) DO UPDATE SET "
            "position = excluded.position",
            [(task.name, at, task.target, task.label,
              json.dumps(list(map(self._kept, task.inputs))),
              json.dumps(task.parameters, default=str), self._kept(task.output_dir))
             for at, task in enumerate(tasks)])
        self._db.commit()

    def _adopt(self, names: set[str]) -> None:
        """Take over what is known of tasks from runs of parts, or of the whole."""
        newest = {row["name"]: row["finished"] or 0 for row in self.rows()}
        for path in _others(self.directory, self._path):
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ATTACH DATABASE ? AS other", (f"{path.as_uri()}?mode=ro",))
                try:
                    found = self._db.execute(
                        "SELECT name, finished FROM other.tasks WHERE finished IS NOT NULL")
                    for name, finished in found.fetchall():
                        if name in names and finished > newest.get(name, 0):
                            self._db.execute("INSERT OR REPLACE INTO tasks "
                                             "SELECT * FROM other.tasks WHERE name = ?", (name,))
                            self._db.execute("DELETE FROM files WHERE task = ?", (name,))
                            self._db.execute("INSERT INTO files "
                                             "SELECT * FROM other.files WHERE task = ?", (name,))
                            newest[name] = finished
                    self._db.commit()
                finally:
                    self._db.rollback()
                    self._db.execute("DETACH DATABASE other")

    def note(self, task: Task, values: Mapping[str, Any],
             files: Mapping[str, list[tuple[str, File]]] | None = None) -> None:
        """
        Write down what came of a task, with the next :meth:`commit`.

        Parameters
        ----------
        task : Task
            The task.
        values : mapping
            Columns.
        files : mapping, optional
            By role, in the place of those of the last run.
        """
        row = {"name": task.name, "target": task.target, "label": task.label,
               "inputs": list(map(self._kept, task.inputs)), "parameters": task.parameters,
               "output_dir": self._kept(task.output_dir), **values}
        row = {key: json.dumps(value, default=str) if key in _AS_JSON else value
               for key, value in row.items() if key in _COLUMNS}
        rows = None if files is None else [
            (task.name, role, kind, self._kept(file.path), file.size, file.mtime, file.sha1)
            for role, found in files.items() for kind, file in found]
        self._waiting.append((row, rows))

    def commit(self) -> str | None:
        """
        Write what was noted.

        Returns
        -------
        str or None
            Why it could not be written, if so; it is kept and tried again the next time.
        """
        if not self._waiting:
            return None
        try:
            with self._db:
                for row, files in self._waiting:
                    self._write(row, files)
        except sqlite3.Error as error:
            return str(error)
        self._waiting.clear()
        return None

    def _write(self, row: Mapping[str, Any], files: list[tuple[Any, ...]] | None) -> None:
        names = list(row)
        self._db.execute(
            f"INSERT INTO tasks ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
            "ON CONFLICT (name) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in names if name != "name"),
            list(row.values()))
        if files is not None:
            self._db.execute("DELETE FROM files WHERE task = ?", (row["name"],))
            self._db.executemany("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", files)


def _others(directory: str, own: Path | None) -> list[Path]:
    folder = folder_of(os.path.abspath(directory))
    found = [folder / "state.sqlite", *sorted((folder / "parts").glob("*.sqlite"))]
    return [path for path in found if path.exists() and path != own]


def _is_at_work(directory: str) -> bool:
    """Whether a run holds a lock of a directory."""
    folder = folder_of(directory)
    for path in (folder / "lock", *(folder / "parts").glob("*.lock")):
        try:
            with open(path, encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass  # not there, or a file system without locks
    return False


def everything(directory: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """
    Read what is known of a directory, whoever ran: the whole plan or parts of it.

    Parameters
    ----------
    directory : str
        Folder of the products.

    Returns
    -------
    rows : list of dict
        The latest of each task, in order.
    about : dict
        Facts of the run.

    Raises
    ------
    InputError
        If no run was made there.
    """
    rows: dict[str, dict[str, Any]] = {}
    about: dict[str, str] = {}
    paths = _others(directory, None)
    if not paths:
        raise InputError(f"{directory}: no run was made here (there is no {FOLDER})")
    is_over = not _is_at_work(directory)
    for path in paths:
        part = None if path.name == "state.sqlite" else path.stem
        with State(directory, part=part) as state:
            about |= state.about()
            for row in state.rows():
                if is_over and row["status"] == "running":  # it was killed, or the disk was full
                    row["status"] = "interrupted"
                known = rows.get(row["name"])
                if known is None or (row["started"] or 0) > (known["started"] or 0):
                    rows[row["name"]] = row
    return sorted(rows.values(), key=lambda row: (row["position"] or 0, row["name"])), about
