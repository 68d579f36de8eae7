"""Reference files of a set of exposures: named, fetched once, packed for nodes without network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from jwst_cal.errors import JwstCalError, OutputError, ReferenceFileError

__all__ = ["Copy", "fetch", "kept", "pack", "verify", "verify_names"]

#: Lists what a packed cache holds: SHA-1 sum and path.
MANIFEST = "sha1.txt"


class Copy(NamedTuple):
    """A reference file of a cache."""

    name: str
    path: str | None
    size: int | None

    @property
    def is_here(self) -> bool:
        """Whether the cache has it."""
        return self.size is not None


def kept(names: Iterable[str]) -> list[Copy]:
    """
    Look which reference files the cache has.

    Parameters
    ----------
    names : iterable of str
        Base names.

    Returns
    -------
    list of Copy
        One for each; of one that is not there the path is where it would be.
    """
    from jwst_cal.framework import reference_store

    found = []
    for name in names:
        path = reference_store.place_of(name)
        found.append(Copy(name, path, os.path.getsize(path) if os.path.exists(path) else None))
    return found


def fetch(names: Iterable[str], tell: Callable[[str], None]) -> list[str]:
    """
    Fetch what the cache does not have, one file after the other.

    Parameters
    ----------
    names : iterable of str
        Base names.
    tell : callable
        Gets a line for each file that is fetched, or cannot be.

    Returns
    -------
    list of str
        Names of those that cannot be had; others are whole, of the size and sum that the server
        lists.
    """
    from jwst_cal.framework import reference_store

    failed = []
    for copy in kept(names):
        if copy.is_here:
            continue
        try:
            tell(f"{copy.name}: {reference_store.obtain(copy.name)}")
        except JwstCalError as error:
            failed.append(copy.name)
            tell(str(error))
    return failed


def pack(names: Iterable[str], folder: str) -> tuple[int, int]:
    """
    Copy the rules and reference files into a cache that needs no server.

    Parameters
    ----------
    names : iterable of str
        Base names; what the cache does not have is fetched.
    folder : str
        The new cache, to be used as ``CRDS_PATH``; what it has already stays.

    Returns
    -------
    number, size : int
        Reference files in it, and their bytes.

    Raises
    ------
    ReferenceFileError
        If one cannot be had.
    OutputError
        If the folder cannot be written to.
    """
    from jwst_cal.framework import reference_store

    target = Path(folder)
    total = 0
    sums: dict[str, str] = {}
    try:
        for source, place in reference_store.rule_files():
            _copy(source, target / place)
            sums[place] = reference_store.sha1(source)
        names = list(names)
        for name in names:
            source = reference_store.obtain(name)
            place = _place(source)
            _copy(source, target / place)
            total += os.path.getsize(source)
            sums[place] = reference_store.sha1(str(target / place))
            if sums[place] != reference_store.sha1(source):
                raise OutputError(f"{target / place}: the copy is not the same as {source}")
        known = dict(_manifest(target)) if (target / MANIFEST).exists() else {}
        lines = [f"{sha1}  {place}\n" for place, sha1 in sorted({**known, **sums}.items())]
        (target / f"{MANIFEST}.new").write_text("".join(lines), encoding="utf-8")
        os.replace(target / f"{MANIFEST}.new", target / MANIFEST)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    return len(names), total


def _place(path: str) -> str:
    """Return where a reference file lies in its cache."""
    _, found, after = path.rpartition(f"{os.sep}references{os.sep}")
    if not found:
        raise ReferenceFileError(f"{path}: lies in no CRDS cache")
    return os.path.join("references", after)


def _copy(source: str, target: Path) -> None:
    """Copy a file whole, or not at all; one of the same size is not copied again."""
    if target.exists() and target.stat().st_size == os.path.getsize(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        shutil.copyfile(source, scratch)
        os.replace(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


def _manifest(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except OSError as error:
        raise ReferenceFileError(f"{folder}: is no packed cache: {MANIFEST}: "
                                 f"{error.strerror}") from error
    for line in text.splitlines():
        sha1, _, place = line.partition("  ")
        yield place, sha1


def verify(folder: str) -> tuple[int, list[str]]:
    """
    Compare a packed cache with its list of sums.

    Parameters
    ----------
    folder : str
        The cache.

    Returns
    -------
    number : int
        Files that were compared.
    problems : list of str
        One line for each that is missing or differs.

    Raises
    ------
    ReferenceFileError
        If the folder is no packed cache.
    """
    from jwst_cal.framework import reference_store

    number, problems = 0, []
    for place, sha1 in _manifest(Path(folder)):
        number += 1
        path = os.path.join(folder, place)
        if not os.path.exists(path):
            problems.append(f"{path}: is missing")
        elif reference_store.sha1(path) != sha1:
            problems.append(f"{path}: its SHA-1 sum is not the one listed")
    return number, problems


def verify_names(names: Iterable[str]) -> tuple[int, list[str]]:
    """
    Compare reference files of the cache with the sizes and sums that the server lists.

    Parameters
    ----------
    names : iterable of str
        Base names.

    Returns
    -------
    number : int
        Files that the server lists and that were compared.
    problems : list of str
        One line for each that is missing or differs.
    """
    from jwst_cal.framework import reference_store

    number, problems = 0, []
    for copy in kept(names):
        if not copy.is_here:
            problems.append(f"{copy.path}: is missing")
            continue
        problem = reference_store.difference(copy.name, str(copy.path))
        number += problem is not None
        if problem:
            problems.append(f"{copy.path}: {problem}")
    return number, problems
