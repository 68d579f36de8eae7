"""Reference files from the CRDS server: one process at a time, whole and right, or not at all.

The client returns and keeps a file that was cut off, and gives up on a file that another process
is still fetching. Here each file is fetched under a lock that waits, compared with the size and
SHA-1 sum that the server lists, fetched once more when it differs, and removed when it still does.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any

from jwst_cal.errors import ReferenceFileError

__all__ = ["compare", "fetch"]

log = logging.getLogger(__name__)

_OBSERVATORY = "jwst"
_ATTEMPTS = 2


@contextlib.contextmanager
def _alone(path: str) -> Iterator[None]:
    """Let one process at a time fetch a file; the others wait."""
    import fcntl

    os.makedirs(os.path.dirname(path), exist_ok=True)
    lock = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.lock")
    while True:
        with open(lock, "w", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                if os.fstat(handle.fileno()).st_ino != os.stat(lock).st_ino:
                    continue
            except FileNotFoundError:  # the process before this one removed it
                continue
            try:
                yield
            finally:
                os.unlink(lock)
            return


def fetch(name: str, path: str, context: str) -> str:
    """
    Fetch a reference file into the cache.

    Parameters
    ----------
    name : str
        Base name.
    path : str
        Where the cache keeps it.
    context : str
        Rules that named it.

    Returns
    -------
    str
        The path of the complete file.

    Raises
    ------
    ReferenceFileError
        If it cannot be had.
    """
    if os.environ.get("CRDS_READONLY_CACHE") == "1":
        raise ReferenceFileError(f"{path}: not in the cache, which CRDS_READONLY_CACHE=1 forbids "
                                 "to fill")
    try:
        with _alone(path):
            if os.path.exists(path):  # fetched by another process while this one waited
                return path
            return _fetch(name, path, context)
    except OSError as error:
        raise ReferenceFileError(f"{path}: cannot be written: {error.strerror}") from error


def _fetch(name: str, path: str, context: str) -> str:
    from crds.client import api

    problem = "the server did not send it"
    scratch = os.path.join(os.path.dirname(path), f".fetching-{name}")
    try:
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch)
            try:
                api.FileCacher(context).download_files([name], {name: scratch})
            except (Exception, SystemExit) as error:
                problem = str(error).strip().split("\n")[0] or type(error).__name__
            if not os.path.exists(scratch):
                continue
            problem = _difference(scratch, _listed(name))
            if not problem:
                os.replace(scratch, path)
                log.info("Fetched reference file %s", path)
                return path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(scratch)
    raise ReferenceFileError(f"{name} ({context}): not in the cache and cannot be fetched: "
                             f"{problem}")


def compare(name: str, path: str) -> str | None:
    """
    Compare a file with the size and the SHA-1 sum that the server lists.

    Parameters
    ----------
    name, path : str
        Base name, and the file.

    Returns
    -------
    str or None
        What differs, empty when nothing does; None when the server does not list it.
    """
    listed = _listed(name)
    return _difference(path, listed) if listed else None


def _listed(name: str) -> Any:
    from crds.client import api

    try:
        return api.get_download_metadata()[name]
    except (Exception, SystemExit):
        return {}


def _difference(path: str, listed: Any) -> str:
    """Compare a file with the server's list; empty when it is right or not listed."""
    from jwst_cal.framework.reference_store import sha1

    size = listed.get("size") if hasattr(listed, "get") else None
    if size not in (None, "none", "") and int(size) != os.path.getsize(path):
        return f"{os.path.getsize(path)} bytes arrived of {size}"
    total = listed.get("sha1sum") if hasattr(listed, "get") else None
    if total not in (None, "none", "") and total != sha1(path):
        return "its SHA-1 sum is not the one the server lists"
    return ""
