"""The one owner of the thread count.

In order: an explicit argument, ``set_threads``, ``JWST_CAL_NUM_THREADS``, ``OMP_NUM_THREADS``,
and the CPUs granted to the process by affinity, cgroup and ``SLURM_CPUS_PER_TASK``. Small work
runs on one thread. The team size is handed to each OpenMP region; no global OpenMP state is set.
"""

import math
import os
from pathlib import Path

__all__ = ["cores_to_threads", "granted_cpus", "set_threads", "sleep_in_between", "team_size"]

#: Elements below which starting a team costs more than it saves.
SMALL_WORK = 1 << 16

_CGROUPS = Path("/sys/fs/cgroup")

_chosen: int | None = None


def _positive(text):
    try:
        value = int(text.split(",")[0])
    except (AttributeError, ValueError):
        return None
    return value if value > 0 else None


def _groups():
    """Yield the folders of the process's control groups and of those above them, by version."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if controllers == "":
            root = _CGROUPS
        elif "cpu" in controllers.split(","):
            root = _CGROUPS / controllers
            if not root.is_dir():
                root = _CGROUPS / "cpu"
        else:
            continue
        # in a container the path may be that of the host, of which only the root is seen
        place = root / path.strip("/")
        while place != root:
            yield place
            place = place.parent
        yield root


def _quota(place):
    """CPUs that a control group is allowed, or None."""
    try:
        quota, period = (place / "cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        try:
            quota = (place / "cpu.cfs_quota_us").read_text()
            period = (place / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        return max(1, math.ceil(int(quota) / int(period))) if int(quota) > 0 else None
    except (ValueError, ZeroDivisionError):
        return None  # "max"


def _cgroup_cpus():
    """CPUs allowed by the quota of the process's control group or one above it, or None."""
    return min(filter(None, map(_quota, _groups())), default=None)


def granted_cpus():
    """
    Count the CPUs this process may use.

    Returns
    -------
    int
        The least of affinity mask, cgroup quota and ``SLURM_CPUS_PER_TASK``; at least 1.
    """
    try:
        limits = [len(os.sched_getaffinity(0))]
    except AttributeError:
        limits = [os.cpu_count() or 1]
    for limit in (_cgroup_cpus(), _positive(os.environ.get("SLURM_CPUS_PER_TASK"))):
        if limit is not None:
            limits.append(limit)
    return max(1, min(limits))


def set_threads(n_threads):
    """
    Choose the number of threads for this process.

    Parameters
    ----------
    n_threads : int or None
        At least 1; ``None`` returns to the environment's choice.

    Raises
    ------
    ValueError
        If it is less than 1.
    """
    global _chosen
    if n_threads is not None and int(n_threads) < 1:
        raise ValueError(f"n_threads: {n_threads} where at least 1 is needed")
    _chosen = None if n_threads is None else int(n_threads)


def sleep_in_between():
    """
    Have threads sleep from one parallel region to the next: for the process of a command.

    By themselves they wait in a loop, which costs a fifth of the CPU time of an exposure on two
    threads and gains nothing by the clock. Comes too late where a kernel is loaded already; a
    choice in the environment (``OMP_WAIT_POLICY``) stands.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def team_size(n_threads=None, work=None):
    """
    Decide how many threads a kernel uses.

    Parameters
    ----------
    n_threads : int, optional
        Explicit choice, which wins.
    work : int, optional
        Number of elements; below ``SMALL_WORK`` the team is one thread unless chosen explicitly.

    Returns
    -------
    int
        Threads, at least 1.

    Raises
    ------
    ValueError
        If `n_threads` is less than 1, or ``JWST_CAL_NUM_THREADS`` is no such number.
    """
    if n_threads is not None:
        if int(n_threads) < 1:
            raise ValueError(f"n_threads: {n_threads} where at least 1 is needed")
        return int(n_threads)
    if work is not None and work < SMALL_WORK:
        return 1
    if _chosen is not None:
        return _chosen
    ours = os.environ.get("JWST_CAL_NUM_THREADS", "").strip()
    value = _positive(ours)
    if ours and value is None:
        raise ValueError(f"JWST_CAL_NUM_THREADS: {ours!r} where a number of threads, at least 1, "
                         "is needed")
    return value or _positive(os.environ.get("OMP_NUM_THREADS")) or granted_cpus()


def cores_to_threads(maximum_cores):
    """
    Map the historical ``maximum_cores`` parameter to a thread count.

    Parameters
    ----------
    maximum_cores : str
        ``'none'``, ``'quarter'``, ``'half'``, ``'all'`` or a number.

    Returns
    -------
    int or None
        ``None`` for ``'none'`` and ``'1'``, which are the historical defaults and mean here:
        let the package decide.

    Raises
    ------
    ValueError
        If the text is none of these.

    Notes
    -----
    In the reference release ``'1'`` and ``'none'`` mean one process. Results do not depend on
    the thread count here, so the default does not hold the kernels to one core.
    """
    text = str(maximum_cores).strip().lower()
    if text in ("none", "1"):
        return None
    fraction = {"quarter": 4, "half": 2, "all": 1}.get(text)
    if fraction is not None:
        return max(1, granted_cpus() // fraction)
    value = _positive(text) if text.isdigit() else None
    if value is None:
        raise ValueError(
            f"maximum_cores: {maximum_cores!r} where 'none', 'quarter', 'half', 'all' "
            "or a positive number is needed"
        )
    return min(value, granted_cpus())
