"""CPUs and memory: what is granted, and what a task will need, as far as past runs tell."""

from __future__ import annotations

import heapq
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jwst_cal.batch.tasks import Task, members_of
from jwst_cal.errors import ParameterError

__all__ = [
    "Experience", "Need", "Past", "Share", "foresee_all", "free_space", "granted_memory",
    "parse_memory", "schedule", "share", "size_of",
]

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
          "KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}



class _Usual(NamedTuple):
    """What a pipeline needs before any run is known, constant and for each byte of input."""

    #: CPU seconds of a task.
    seconds: tuple[float, float]
    #: CPU seconds more of the first one in a process, which imports libraries and reads schemas.
    first: float
    #: Bytes of memory.
    memory: tuple[float, float]
    #: Bytes of products.
    written: tuple[float, float]


#: Measured with NIRCam, subarrays and full frames.
_USUAL = {
    "calwebb_image2": _Usual((0.2, 6.0e-9), 1.5, (3.0e8, 2.0), (1e5, 2.8)),
    "calwebb_image3": _Usual((1.0, 1.3e-8), 2.5, (2.2e8, 2.3), (1e5, 1.3)),
}
#: Any other; calwebb_detector1.
_OTHERS = _Usual((0.08, 6.0e-9), 1.5, (2.3e8, 3.6), (1e5, 2.0))
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


def free_space(folder: str) -> int | None:
    """Return the free bytes where a folder is or will be; None if that is not told."""
    while folder and not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


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
    """
    What a task is foreseen to need.

    CPU seconds; bytes of memory, inputs and products; seconds more of the first in a process.
    """

    seconds: float
    memory: int
    size: int
    written: int = 0
    first: float = 0.0

    @property
    def request(self) -> int:
        """Memory to be asked for, bytes."""
        return int(self.memory * _MARGIN)


class Experience:
    """
    Seconds, memory and products of past tasks, by pipeline, kept in the user's cache folder.

    Parameters
    ----------
    store : str, optional
        File; one that cannot be written is done without.
    """

    def __init__(self, store: str | None = None) -> None:
        root = os.environ.get("JWST_CAL_CACHE") or os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "jwst_cal")
        self._store = store or os.path.join(root, "tasks.tsv")
        self._known: dict[str, list[Past]] | None = None
        self._lines: dict[str, _Usual] = {}

    def add(self, label: str, past: Past) -> None:
        """Remember a task."""
        try:
            os.makedirs(os.path.dirname(self._store), exist_ok=True)
            with open(self._store, "a", encoding="utf-8") as file:
                file.write("\t".join((label, *(f"{value:.12g}" for value in past))) + "\n")
        except OSError:
            pass

    def _read(self) -> dict[str, list[Past]]:
        if self._known is None:
            self._known = {}
            try:
                lines = Path(self._store).read_text(encoding="utf-8").splitlines()[-_MOST_LINES:]
            except (OSError, UnicodeDecodeError):
                lines = []
            for line in lines:
                label, *values = line.split("\t")
                try:
                    past = Past(*map(float, values))
                except (TypeError, ValueError):
                    continue  # cut off, of two processes at once, or of an older release
                self._known.setdefault(label, []).append(past)
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
            self._lines[label] = _fitted(self._read().get(label, []), _USUAL.get(label, _OTHERS))
        seconds, first, memory, written = self._lines[label]
        return Need(seconds[0] + seconds[1] * size, int(memory[0] + memory[1] * size), size,
                    int(written[0] + written[1] * size), first)


class Past(NamedTuple):
    """What a task took: bytes of its inputs, CPU seconds, bytes of memory and of products."""

    size: float
    cpu: float
    peak: float
    written: float
    #: Whether it was the first of its pipeline in its process.
    is_first: float


def _fitted(past: list[Past], usual: _Usual) -> _Usual:
    """Fit what a pipeline needs to its past tasks."""
    warm = [one for one in past if not one.is_first]
    seconds = _line([(one.size, one.cpu) for one in warm]
                    or [(one.size, max(one.cpu - usual.first, 0.1 * one.cpu)) for one in past],
                    usual.seconds)
    more = sorted(one.cpu - seconds[0] - seconds[1] * one.size for one in past if one.is_first)
    first = max(0.0, more[len(more) // 2]) if more else usual.first
    return _Usual(seconds, first, _line([(one.size, one.peak) for one in past], usual.memory),
                  _line([(one.size, one.written) for one in past], usual.written))


def size_of(task: Task, associations: Mapping[str, Any] | None = None,
            known: Mapping[str, int] | None = None) -> int:
    """
    Sum up the exposures that a task takes.

    Parameters
    ----------
    task : Task
        The task.
    associations : mapping, optional
        Associations that are not written yet, by path.
    known : mapping, optional
        Sizes of files that are not there yet, by path.

    Returns
    -------
    int
        Bytes.
    """
    paths: list[str] = []
    for path in task.inputs:
        planned = (associations or {}).get(path)
        if planned is not None:
            folder = os.path.dirname(path)
            paths += [os.path.join(folder, member["expname"])
                      for product in planned["products"] for member in product["members"]]
        elif path.lower().endswith(".json") and os.path.exists(path):
            paths += members_of(path)
        else:
            paths.append(path)
    sizes = known or {}
    return sum(sizes[path] if path in sizes else
               os.path.getsize(path) if os.path.exists(path) else 0 for path in paths)


def foresee_all(tasks: Iterable[Task], experience: Experience,
                associations: Mapping[str, Any] | None = None) -> list[Need]:
    """
    Predict what tasks need, also those whose inputs are still to be made.

    Parameters
    ----------
    tasks : iterable of Task
        In order.
    experience : Experience
        What past tasks needed.
    associations : mapping, optional
        As for :func:`size_of`.

    Returns
    -------
    list of Need
        One for each.
    """
    known: dict[str, int] = {}
    needs = []
    for task in tasks:
        need = experience.foresee(task, size_of(task, associations, known))
        for name in task.products:
            known[os.path.join(task.output_dir, name)] = need.written // len(task.products)
        needs.append(need)
    return needs


def schedule(tasks: Sequence[Task], needs: Sequence[Need],
             jobs: int) -> tuple[list[float], float]:
    """
    Predict how long tasks take, some at a time, each after those that it waits for.

    Parameters
    ----------
    tasks, needs : sequence of Task, of Need
        In order.
    jobs : int
        Tasks at a time.

    Returns
    -------
    seconds : list of float
        CPU time of each, with what the first ones of a process take longer.
    wall : float, s
        Until the last ends, as far as CPUs, not the disk, decide.
    """
    seconds = []
    free = [(0.0, worker) for worker in range(jobs)]
    known: list[set[str]] = [set() for _ in range(jobs)]
    ends: dict[str, float] = {}
    for task, need in zip(tasks, needs, strict=True):
        since, worker = heapq.heappop(free)
        begin = max([since, *(ends.get(name, 0.0) for name in task.after)])
        seconds.append(need.seconds + (0.0 if task.label in known[worker] else need.first))
        known[worker].add(task.label)
        ends[task.name] = begin + seconds[-1]
        heapq.heappush(free, (ends[task.name], worker))
    return seconds, max(ends.values(), default=0.0)


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
