"""Plans in parts: for jobs that know nothing of each other, as those of a Slurm array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from jwst_cal.batch.tasks import Task
from jwst_cal.errors import ParameterError

__all__ = ["FINAL", "parse", "part", "split"]

#: The part of the tasks that need products of several others.
FINAL = "final"


def split(tasks: Sequence[Task]) -> tuple[list[list[Task]], list[Task]]:
    """
    Split a plan into what can be done apart.

    Parameters
    ----------
    tasks : sequence of Task
        The plan.

    Returns
    -------
    chains : list of list of Task
        Tasks that need each other, in order; no chain needs another one.
    final : list of Task
        Those of stage 3, which need several, and what comes after them.
    """
    final: dict[str, Task] = {}
    for task in tasks:
        if task.label.endswith("3") or any(name in final for name in task.after):
            final[task.name] = task
    chain_of: dict[str, list[Task]] = {}
    for task in tasks:
        if task.name in final:
            continue
        chain = [task]
        for name in task.after:
            other = chain_of[name]
            if other is not chain:
                chain = _joined(other, chain, chain_of)
        chain_of[task.name] = chain
    order = {task.name: at for at, task in enumerate(tasks)}
    chains = {id(chain): sorted(chain, key=lambda task: order[task.name])
              for chain in chain_of.values()}
    return list(chains.values()), list(final.values())


def _joined(first: list[Task], second: list[Task],
            chain_of: dict[str, list[Task]]) -> list[Task]:
    first.extend(second)
    for task in second:
        chain_of[task.name] = first
    return first


def parse(text: str) -> tuple[int, int] | None:
    """
    Read ``3/10``, or ``final``.

    Parameters
    ----------
    text : str
        Number of a part, from 1, and of parts.

    Returns
    -------
    tuple of int, or None
        Both numbers; None for the final part.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    if text == FINAL:
        return None
    number, _, total = text.partition("/")
    if not (number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise ParameterError(f"part '{text}' where a number from 1 and their total, as 3/10, or "
                             f"{FINAL} is needed")
    return int(number), int(total)


def part(tasks: Sequence[Task], text: str) -> list[Task]:
    """
    Take one part of a plan.

    Parameters
    ----------
    tasks : sequence of Task
        The plan.
    text : str
        As for :func:`parse`.

    Returns
    -------
    list of Task
        Its tasks; they wait for none of other parts.

    Raises
    ------
    ParameterError
        If the text is no part.
    """
    which = parse(text)
    chains, final = split(tasks)
    if which is None:
        return _alone(final)
    number, total = which
    return _alone(task for chain in chains[number - 1 :: total] for task in chain)


def _alone(tasks: Iterable[Task]) -> list[Task]:
    tasks = list(tasks)
    names = {task.name for task in tasks}
    return [replace(task, after=tuple(name for name in task.after if name in names))
            for task in tasks]
