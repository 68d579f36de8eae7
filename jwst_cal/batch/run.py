"""A run from beginning to end: lock, record, engine, driver, exit status."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass

from jwst_cal.batch import currentness, driver, engines, progress, resources, tasks
from jwst_cal.batch.planning import Plan
from jwst_cal.batch.state import Lock, State, folder_of
from jwst_cal.errors import ExitStatus

__all__ = ["Options", "execute"]


@dataclass
class Options:
    """How to run."""

    jobs: int | None = None
    threads: int | None = None
    memory: int | None = None
    engine: str = "local"
    #: Site configuration of Parsl, or address of the scheduler of Dask.
    site: str | None = None
    as_json: bool = False
    force: bool = False
    #: Which part of the plan this is, see :mod:`~jwst_cal.batch.parts`.
    part: str | None = None
    disable_crds_steppars: bool = False


def execute(plan: Plan, options: Options | None = None, *,
            reporter: progress.Reporter | None = None,
            make: Callable[[resources.Share], engines.Engine] | None = None) -> dict[str, int]:
    """
    Run a plan.

    Parameters
    ----------
    plan : Plan
        What to do.
    options : Options, optional
        How.
    reporter : Reporter, optional
        Where it is shown; chosen by the options and the terminal by default.
    make : callable, optional
        Makes the engine; the one of the options by default.

    Returns
    -------
    dict
        Number of tasks by status.

    Raises
    ------
    ExitStatus
        1 if a task failed, 3 if another run is at work in the directory, 128 + N after signal N.
    JwstCalError
        If the tasks cannot be run together, or the directory cannot be written to.
    """
    options = options or Options()
    tasks.check(plan.tasks)
    experience = resources.Experience()
    needs = resources.foresee_all(plan.tasks, experience, plan.associations)
    share = resources.share(needs, jobs=options.jobs, threads=options.threads,
                            memory=options.memory)
    reporter = reporter or progress.choose(as_json=options.as_json)
    with (Lock(plan.output_dir, options.part),
          State(plan.output_dir, write=True, part=options.part) as state):
        plan.write_associations()
        driver.clean_up(plan.tasks)
        state.describe(command=shlex.join(sys.argv), engine=options.engine, jobs=share.jobs,
                       threads=share.threads, memory=share.memory,
                       foreseen=json.dumps(_foreseen(plan, needs, share)))
        if options.disable_crds_steppars:
            os.environ["STPIPE_DISABLE_CRDS_STEPPARS"] = "true"
        state.plan(plan.tasks)
        with driver.stopping() as stop, engines.single_threaded(share.threads):
            engine = _engine(plan, options, share, state, make)
            with contextlib.closing(engine), reporter:
                for remark in plan.remarks:
                    reporter.tell({"event": "remark", "text": remark})
                run = driver.Driver(plan.tasks, engine, state, reporter, share, experience,
                                    force=options.force)
                counts = run.run(stop)
        driver.clean_up(plan.tasks)
    if stop.signal is not None:
        raise ExitStatus(128 + stop.signal, "stopped by a signal; the same command goes on")
    if run.lost:
        raise ExitStatus(1, f"engine {options.engine} ended: {run.lost}; the same command goes on")
    failed = counts.get("failed", 0)
    if failed:
        raise ExitStatus(1, f"{failed} of {len(plan.tasks)} tasks failed; jwst-cal status "
                            f"{shlex.quote(os.path.relpath(plan.output_dir))} tells why")
    return counts


def _foreseen(plan: Plan, needs: list[resources.Need],
              share: resources.Share) -> dict[str, float]:
    """CPU seconds of each task, for the report."""
    seconds, _ = resources.schedule(plan.tasks, needs, share.jobs)
    return {task.name: round(one, 2) for task, one in zip(plan.tasks, seconds, strict=True)}


def _engine(plan: Plan, options: Options, share: resources.Share, state: State,
            make: Callable[[resources.Share], engines.Engine] | None) -> engines.Engine:
    """Make the engine; pilot jobs and clusters are not started for nothing."""
    if make is not None:
        return make(share)
    if options.engine != "local" and not options.force:
        context = currentness.rules()
        if not any(currentness.why_stale(task, state, context) for task in plan.tasks):
            return engines.local(share.jobs)
    return engines.make(options.engine, share, str(folder_of(plan.output_dir) / options.engine),
                        options.site)
