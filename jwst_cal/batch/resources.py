"""CPUs and memory: what is granted, and what a task will need, as far as past runs tell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from jwst_cal.batch.tasks import Task
from jwst_cal.errors import ParameterError

__all__ = ["Experience", "Need", "Share", "granted_memory", "parse_memory", "share"]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
          "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}

#: Before any run is known: CPU seconds and bytes of memory of a task, constant and per byte of
#: input; measured with calwebb_detector1 on a full frame.
_SECONDS = (0.3, 2.4e-8)
_MEMORY = (2.5e8, 5.0)
#: Memory asked for is what is foreseen times this.
_MARGIN = 1.3
_MOST_LINES = 4000


def parse_memory(text: str) -> int:
    """
    Read an amount of memory.

    Parameters
    ----------
    text : str
        A number of bytes, or one with a unit: ``800MB``, ``1.5G`` (powers of 1000), ``2GiB``.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    ParameterError
        If it is none.
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([KMGT]?I?)B?\s*", str(text).upper())
    amount = int(float(match[1]) * _UNITS.get(match[2], 0)) if match else 0
    if amount < 1:
        raise ParameterError(f"'{text}' where an amount of memory is needed, as 800MB or 16GB")
    return amount


def granted_memory() -> int:
    """
    Return the memory this process and its children may use.

    Returns
    -------
    int
        Bytes: the least of what the system has available, the limits of the control groups and
        what Slurm granted; 4 GB where nothing is told.
    """
    limits = [*_available(), *_of_cgroups(), *_of_slurm()]
    return min(limits, default=4 * 10**9)


def _available() -> Iterable[int]:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass


def _of_cgroups() -> Iterable[int]:
    roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"]
    try:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds in ("", "memory"):
                roots.append(f"/sys/fs/cgroup/{kinds}{path}")
    except (OSError, ValueError):
        pass
    for root in roots:
        for name in ("memory.max", "memory.limit_in_bytes"):
            try:
                amount = int(Path(root, name).read_text())
            except (OSError, ValueError):
                continue
            if amount < 1 << 60:
                yield amount


def _of_slurm() -> Iterable[int]:
    per_node = os.environ.get("SLURM_MEM_PER_NODE", "")
    per_cpu = os.environ.get("SLURM_MEM_PER_CPU", "")
    if per_node.isdigit() and int(per_node):
        yield int(per_node) * 2**20
    elif per_cpu.isdigit() and int(per_cpu):
        from jwst_cal.kernels import threads

        yield int(per_cpu) * 2**20 * threads.granted_cpus()


class Need(NamedTuple):
    """What a task is foreseen to need."""

    seconds: float
    memory: int
    size: int

    @property
    def request(self) -> int:
        """Memory to be asked for, bytes."""
        return int(self.memory * _MARGIN)


class Experience:
    """
    Seconds and memory of past tasks, by pipeline, kept in the user's cache folder.

    Parameters
    ----------
    store : str, optional
        File; one that cannot be written is done without.
    """

    def __init__(self, store: str | None = None) -> None:
        root = os.environ.get("JWST_CAL_CACHE") or os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "jwst_cal")
        self._store = store or os.path.join(root, "tasks.tsv")
        self._known: dict[str, list[tuple[float, float, float]]] | None = None
        self._lines: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {}

    def add(self, label: str, size: int, cpu: float, peak: int) -> None:
        """Remember a task."""
        try:
            os.makedirs(os.path.dirname(self._store), exist_ok=True)
            with open(self._store, "a", encoding="utf-8") as file:
                file.write(f"{label}\t{size}\t{cpu:.3f}\t{peak}\n")
        except OSError:
            pass

    def _read(self) -> dict[str, list[tuple[float, float, float]]]:
        if self._known is None:
            self._known = {}
            try:
                lines = Path(self._store).read_text(encoding="utf-8").splitlines()[-_MOST_LINES:]
            except (OSError, UnicodeDecodeError):
                lines = []
            for line in lines:
                label, _, rest = line.partition("\t")
                try:
                    size, cpu, peak = map(float, rest.split("\t"))
                except ValueError:
                    continue  # cut off, or of two processes at once
                self._known.setdefault(label, []).append((size, cpu, peak))
        return self._known

    def foresee(self, task: Task, size: int) -> Need:
        """
        Predict what a task needs.

        Parameters
        ----------
        task : Task
            The task.
        size : int
            Bytes of its inputs.

        Returns
        -------
        Need
            CPU seconds, memory in bytes.
        """
        label = task.label
        if label not in self._lines:
            past = self._read().get(label, [])
            self._lines[label] = (_line([(s, cpu) for s, cpu, _ in past], _SECONDS),
                                  _line([(s, peak) for s, _, peak in past], _MEMORY))
        seconds, memory = self._lines[label]
        return Need(seconds[0] + seconds[1] * size, int(memory[0] + memory[1] * size), size)


def _line(points: list[tuple[float, float]], usual: tuple[float, float]) -> tuple[float, float]:
    """
    Fit value = a + b size, neither negative, through points.

    Sizes that hardly differ tell no slope: then the usual line is scaled to their median.
    """
    if not points:
        return usual
    sizes = [size for size, _ in points]
    mean = sum(sizes) / len(points)
    spread = sum((size - mean) ** 2 for size in sizes) / len(points)
    if len(points) >= 4 and spread > (0.3 * mean) ** 2:
        value = sum(v for _, v in points) / len(points)
        slope = sum((s - mean) * (v - value) for s, v in points) / (spread * len(points))
        if slope > 0 and value - slope * mean > 0:
            return value - slope * mean, slope
    ratios = sorted(value / (usual[0] + usual[1] * size) for size, value in points)
    ratio = ratios[len(ratios) // 2]
    return usual[0] * ratio, usual[1] * ratio


class Share(NamedTuple):
    """How CPUs and memory are shared."""

    jobs: int
    threads: int
    memory: int
    remarks: tuple[str, ...] = ()


def share(needs: Iterable[Need], *, jobs: int | None = None, threads: int | None = None,
          memory: int | None = None) -> Share:
    """
    Share the CPUs and the memory granted among jobs.

    Parameters
    ----------
    needs : iterable of Need
        Of the tasks.
    jobs, threads : int, optional
        Tasks at a time, threads of each. By default as many jobs as CPUs, unless there is not
        memory for them or not as many tasks; the threads that fit.
    memory : int, optional
        Budget of all jobs together, bytes; what is granted by default.

    Returns
    -------
    Share
        Threads times jobs is never more than the CPUs granted.

    Raises
    ------
    ParameterError
        If a number is less than 1.
    """
    from jwst_cal.kernels import threads as of_kernels

    for name, value in (("jobs", jobs), ("threads", threads)):
        if value is not None and value < 1:
            raise ParameterError(f"{name}: {value} where at least 1 is needed")
    cpus = of_kernels.granted_cpus()
    budget = memory or granted_memory()
    requests = sorted(need.request for need in needs)
    remarks = []
    if jobs is None:
        usual = requests[len(requests) // 2] if requests else 1
        jobs = max(1, min(cpus // (threads or 1), len(requests) or 1, budget // max(usual, 1)))
    elif jobs > cpus:
        remarks.append(f"{jobs} jobs were asked for and {cpus} CPUs are granted: {cpus} jobs")
        jobs = cpus
    most = max(1, cpus // jobs)
    if threads is not None and threads > most:
        remarks.append(f"{threads} threads in each of {jobs} jobs were asked for and {cpus} CPUs "
                       f"are granted: {most} threads")
    return Share(jobs, min(threads or most, most), budget, tuple(remarks))
