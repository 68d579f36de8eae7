"""A Slurm array script for a plan: for sites that want no pilot jobs."""

from __future__ import annotations

import math
import os
import shlex
import sys
from collections.abc import Sequence

from jwst_cal.batch import parts
from jwst_cal.batch.planning import Plan
from jwst_cal.batch.resources import Need, Share
from jwst_cal.errors import OutputError, ParameterError

__all__ = ["write"]

_SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
{array}#SBATCH --ntasks=1
#SBATCH --cpus-per-task={cpus}
#SBATCH --mem={memory}M
#SBATCH --time={time}
#SBATCH --output={output}
#SBATCH --signal=B:TERM@60
{site}
# Made by: {command}
# A job that is stopped or fails may be submitted again: what is current is not done twice.
cd {folder} || exit 1
exec {python} -m jwst_cal.cli.command run {plan} --part "{part}"
"""
_MOST_PARTS = 200


def write(plan: Plan, path: str, needs: Sequence[Need], share: Share, *, n_parts: int | None = None,
          site: str | None = None) -> list[tuple[str, int]]:
    """
    Write the script of an array job, and of one that does stage 3 after it.

    Parameters
    ----------
    plan : Plan
        The plan.
    path : str
        Its file, on a file system that the nodes see.
    needs : sequence of Need
        Of each task.
    share : Share
        Threads of each job.
    n_parts : int, optional
        Number of jobs, 200 at most by default.
    site : str, optional
        File whose lines (``#SBATCH --partition=...``, ``module load ...``) are put in.

    Returns
    -------
    list of (str, int)
        Scripts and the number of their jobs.

    Raises
    ------
    ParameterError
        If the site file cannot be read.
    OutputError
        If a script cannot be written.
    """
    chains, final = parts.split(plan.tasks)
    need = {task.name: n for task, n in zip(plan.tasks, needs, strict=True)}
    stem = os.path.splitext(path)[0]
    lines = _site(site)
    found = []
    if chains:
        total = min(len(chains), n_parts or _MOST_PARTS)
        longest = max(sum(need[task.name].seconds for chain in chains[at::total] for task in chain)
                      for at in range(total))
        memory = max(need[task.name].request for chain in chains for task in chain)
        found.append((f"{stem}.slurm", total, f"${{SLURM_ARRAY_TASK_ID}}/{total}", longest,
                      memory))
    if final:
        found.append((f"{stem}-final.slurm", 1, parts.FINAL,
                      sum(need[task.name].seconds for task in final),
                      max(need[task.name].request for task in final)))
    for name, total, part, seconds, memory in found:
        text = _SCRIPT.format(
            name=os.path.basename(stem), cpus=share.threads,
            array=f"#SBATCH --array=1-{total}\n" if part != parts.FINAL else "",
            memory=math.ceil(1.5 * memory / 2**20), time=_clock(3 * seconds + 600), site=lines,
            output=os.path.join(plan.output_dir, ".jwst-cal", "slurm-%A_%a.out"
                                if part != parts.FINAL else "slurm-%j.out"),
            command=shlex.join(["jwst-cal", *sys.argv[1:]]), part=part,
            folder=shlex.quote(os.path.dirname(os.path.abspath(path))),
            python=shlex.quote(sys.executable), plan=shlex.quote(os.path.basename(path)))
        try:
            os.makedirs(os.path.join(plan.output_dir, ".jwst-cal"), exist_ok=True)
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise OutputError(f"{name}: cannot be written: {error.strerror}") from error
    return [(name, total) for name, total, *_ in found]


def _site(path: str | None) -> str:
    if path is None:
        return ""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"site file {path}: {error}") from None


def _clock(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:00"
