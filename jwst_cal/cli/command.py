"""``jwst-cal``: many exposures at once, and what came of them.

Exit status: 0 done, 1 an error or a task failed, 2 wrong usage, 3 another run is at work in the
directory, 130 or 143 stopped by Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

__all__ = ["main"]


def _run(options: argparse.Namespace) -> int:
    from jwst_cal.batch import parts, run

    plan = _plan_of(options)
    if options.engine == "slurm-array":
        return _slurm(options, plan)
    if options.part is not None:
        plan.tasks = parts.part(plan.tasks, options.part)
    run.execute(plan, run.Options(
        jobs=options.jobs, threads=options.threads, memory=_memory(options.memory),
        part=options.part, engine=options.engine, site=options.site, as_json=options.json,
        force=options.force))
    return 0


def _slurm(options: argparse.Namespace, plan: Any) -> int:
    """Write the scripts of an array job."""
    from jwst_cal.batch import plan_file, progress, resources, slurm
    from jwst_cal.errors import ExitStatus

    if not plan_file.is_plan(options.inputs[0]):
        raise ExitStatus(2, "--engine slurm-array needs a plan file: jwst-cal plan writes one")
    needs = resources.foresee_all(plan.tasks, resources.Experience(), plan.associations)
    share = resources.Share(1, options.threads or 1, 0)
    scripts = slurm.write(plan, options.inputs[0], needs, share, n_parts=options.parts,
                          site=options.site)
    for name, number in scripts:
        print(f"{name}: {progress.counted(number, 'job')}")
    words = [f"id=$(sbatch --parsable {scripts[0][0]})"] if len(scripts) > 1 else [
        f"sbatch {scripts[0][0]}"]
    words += [f"sbatch --dependency=afterany:$id {name}" for name, _ in scripts[1:]]
    print(f"submit:  {' && '.join(words)}")
    return 0


def _memory(text: str | None) -> int | None:
    from jwst_cal.batch import resources

    return None if text is None else resources.parse_memory(text)


def _stages(text: str) -> list[int]:
    from jwst_cal.errors import ExitStatus

    words = text.replace(",", " ").split()
    if not words or any(word not in ("1", "2", "3") for word in words):
        raise ExitStatus(2, f"--stages: '{text}' where numbers from 1 to 3 are needed, as 1,2")
    return sorted({int(word) for word in words})


def _plan_of(options: argparse.Namespace) -> Any:
    """Make or read the plan that the arguments name."""
    from jwst_cal.batch import plan_file, planning
    from jwst_cal.errors import ExitStatus

    words = options.inputs
    if any(plan_file.is_plan(word) for word in words):
        if len(words) > 1 or options.output_dir or options.pipeline:
            raise ExitStatus(2, "a plan stands alone: it has its inputs and its output_dir")
        return plan_file.read(words[0])
    folder = os.path.abspath(os.path.expanduser(options.output_dir or os.curdir))
    if options.pipeline:
        inputs = planning.expand(words)
        return planning.Plan(folder, planning.one_each(_target(options.pipeline), inputs, folder))
    return planning.make(words, folder, stages=_stages(options.stages))


def _target(name: str) -> str:
    """Check the name of a step or pipeline; a parameter file becomes an absolute path."""
    from jwst_cal.framework import commandline

    _, _, file = commandline.load_target(name)
    return name if file is None else os.path.abspath(file)


def _plan(options: argparse.Namespace) -> int:
    from jwst_cal.batch import plan_file, progress, references, resources

    plan = _plan_of(options)
    needed = references.needed(plan.tasks) if options.references else references.Needed()
    experience = resources.Experience()
    total = plan_file.write(plan, options.plan, experience, needed.by_task)
    needs = resources.foresee_all(plan.tasks, experience, plan.associations)
    plan.write_associations()
    for remark in [*plan.remarks, *(f"{task}: {why}" for task, why in needed.problems.items())]:
        print(remark, file=sys.stderr)
    share = resources.share(needs)
    print(f"{options.plan}: {progress.counted(len(plan.tasks))} on "
          f"{progress.megabytes(total['bytes'])}, {len(needed.names())} reference files")
    seconds, wall = resources.schedule(plan.tasks, needs, share.jobs)
    print(f"foreseen: {progress.duration(sum(seconds))} of CPU, "
          f"{progress.megabytes(total['memory'])} of memory for the largest task, "
          f"{progress.megabytes(total['written'])} of products; here, with {share.jobs} at a time, "
          f"about {progress.duration(wall)}")
    free = resources.free_space(plan.output_dir)
    if free is not None and free < total["written"]:
        print(f"{options.output_dir or os.curdir}: only {progress.megabytes(free)} are free for "
              "them", file=sys.stderr)
    return 0


def _check(options: argparse.Namespace) -> int:
    from jwst_cal.batch import checking

    status = 0
    for name in options.products:
        found = checking.problems(name)
        status = 1 if found else status
        for text in found or [] if options.quiet else found or ["good"]:
            print(f"{name}: {text}")
    return status


def _status(options: argparse.Namespace) -> int:
    from jwst_cal.batch import progress
    from jwst_cal.batch.state import everything

    rows, _ = everything(options.directory)
    counts = dict(sorted(Counter(row["status"] for row in rows).items()))
    if options.json:
        import json

        names = ("name", "status", "error", "kind", "seconds", "cpu", "peak", "attempts",
                 "started", "finished", "host", "log")
        print(json.dumps({"counts": counts,
                          "tasks": [{name: row[name] for name in names} for row in rows]}))
        return 0
    print(", ".join(f"{number} {status}" for status, number in counts.items()))
    for row in rows:
        if options.all or row["status"] in ("failed", "blocked", "interrupted", "running"):
            reason = f": {row['error']}" if row["error"] else ""
            seconds = f"  {progress.duration(row['seconds'])}" if row["seconds"] else ""
            print(f"{row['status']:<12}{row['name']}{seconds}{reason}")
            if row["status"] == "failed" and row["log"]:
                print(f"{'':<12}log: {os.path.join(options.directory, row['log'])}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from jwst_cal.batch import report

    path = options.output or os.path.join(options.directory, "report.html")
    report.write(options.directory, path, most_pictures=options.pictures)
    print(path)
    return 0


def _refs(options: argparse.Namespace) -> int:
    from jwst_cal.batch import progress, reference_files, references

    if options.action == "verify" and options.cache:
        number, problems = reference_files.verify(options.cache)
        return _verified(number, problems)
    if not options.inputs:
        from jwst_cal.errors import ExitStatus

        raise ExitStatus(2, f"refs {options.action}: name exposures, folders or a plan")
    if options.action == "pack" and not options.cache:
        from jwst_cal.errors import ExitStatus

        raise ExitStatus(2, "refs pack: --cache DIR, the folder to be packed, is needed")
    needed = references.needed(_plan_of(options).tasks)
    for task, why in needed.problems.items():
        print(f"{task}: {why}", file=sys.stderr)
    status = 1 if needed.problems else 0
    names = needed.names()
    if options.action == "plan":
        copies = reference_files.kept(names)
        for copy in copies:
            print(f"{copy.name}  {progress.megabytes(copy.size) or 'to be fetched'}")
        print(f"{len(names)} reference files, {sum(not c.is_here for c in copies)} to be fetched")
    elif options.action == "fetch":
        failed = reference_files.fetch(names, print)
        print(f"{len(names) - len(failed)} of {len(names)} reference files are in the cache")
        status = 1 if failed else status
    elif options.action == "pack":
        number, size = reference_files.pack(names, options.cache)
        print(f"{options.cache}: {number} reference files, {progress.megabytes(size)}. Use it with")
        print(f"export CRDS_PATH={os.path.abspath(options.cache)} "
              "CRDS_SERVER_URL=https://jwst-serverless.stsci.edu CRDS_READONLY_CACHE=1")
    else:
        number, problems = reference_files.verify_names(names)
        status = max(status, _verified(number, problems, len(names)))
    return status


def _verified(number: int, problems: list[str], total: int | None = None) -> int:
    from jwst_cal.batch import progress

    for text in problems:
        print(text)
    print(f"{progress.counted(number, 'file')} compared with their SHA-1 sums, {len(problems)} "
          "wrong")
    unknown = 0 if total is None else total - number - len(problems)
    if unknown > 0:
        print(f"{progress.counted(unknown, 'file')} only looked for: the rules in use list no sums "
              "of them")
    return 1 if problems else 0


def _explain(options: argparse.Namespace) -> int:
    from jwst_cal.cli import explain

    return explain.main(["explain", *options.products])


def _add_inputs(parser: argparse.ArgumentParser, number: str = "+") -> None:
    parser.add_argument("inputs", nargs=number, metavar="INPUT",
                        help="exposures, folders, associations, a pool (.csv), @LIST, or one plan "
                             "file")
    parser.add_argument("-o", "--output-dir", metavar="DIR",
                        help="folder of the products and of the record of the run [here]")
    parser.add_argument("--stages", default="1,2,3", metavar="N,...",
                        help="stages to be planned [1,2,3]")
    parser.add_argument("-p", "--pipeline", metavar="NAME",
                        help="this step, pipeline or parameter file for each input, no stages")


def _parser() -> argparse.ArgumentParser:
    from jwst_cal.cli import _exits

    parser = _exits.Parser(prog="jwst-cal", description=__doc__,
                           formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    plan = commands.add_parser(
        "plan", help="find out what there is to do and what it needs; write a plan, run nothing")
    _add_inputs(plan)
    plan.add_argument("--plan", default="plan.toml", metavar="FILE",
                      help="plan to be written, .toml or .json [plan.toml]")
    plan.add_argument("--no-references", dest="references", action="store_false",
                      help="do not ask CRDS which references are needed")
    plan.set_defaults(do=_plan)

    run = commands.add_parser("run", help="run what is not current, and go on where a run stopped")
    _add_inputs(run)
    run.add_argument("-j", "--jobs", type=int, metavar="N", help="tasks at a time [all CPUs]")
    run.add_argument("--threads", type=int, metavar="N",
                     help="threads of each; jobs x threads is never more than the CPUs granted")
    run.add_argument("--memory", metavar="SIZE", help="budget of all jobs together, as 16GB "
                                                      "[what is available or granted]")
    run.add_argument("--engine", default="local", metavar="NAME",
                     help="who runs them: local (processes), parsl, dask; slurm-array writes a "
                          "script that runs a plan [local]")
    run.add_argument("--site", metavar="FILE|ADDRESS",
                     help="site file of Parsl (.toml or .py); address or file of Dask's scheduler")
    run.add_argument("--part", metavar="N/M",
                     help="part N of M of the plan, or 'final', what needs several parts")
    run.add_argument("--parts", type=int, metavar="M", help="jobs of slurm-array [at most 200]")
    run.add_argument("--force", action="store_true", help="run what is current, too")
    run.add_argument("--json", action="store_true", help="events as JSON, one a line")
    run.set_defaults(do=_run)

    status = commands.add_parser("status", help="what came of the tasks of a directory")
    status.add_argument("directory", nargs="?", default=os.curdir)
    status.add_argument("--all", action="store_true", help="all tasks, not only the troubled ones")
    status.add_argument("--json", action="store_true", help="as JSON")
    status.set_defaults(do=_status)

    report = commands.add_parser("report", help="one HTML page about the run of a directory")
    report.add_argument("directory", nargs="?", default=os.curdir)
    report.add_argument("-o", "--output", metavar="FILE", help="the page [DIRECTORY/report.html]")
    report.add_argument("--pictures", type=int, default=4000, metavar="N",
                        help="pictures at most; one takes about 10 kB [4000]")
    report.set_defaults(do=_report)

    refs = commands.add_parser(
        "refs", help="reference files of exposures: name, fetch, pack for nodes without network")
    refs.add_argument("action", choices=("plan", "fetch", "pack", "verify"),
                      help="plan: list; fetch: into the cache, by this process alone; pack: copy "
                           "rules and files into --cache; verify: the SHA-1 sums")
    _add_inputs(refs, "*")
    refs.add_argument("--cache", metavar="DIR", help="packed cache")
    refs.set_defaults(do=_refs)

    check = commands.add_parser("check", help="whether products are whole and consistent")
    check.add_argument("products", nargs="+", metavar="PRODUCT")
    check.add_argument("-q", "--quiet", action="store_true", help="say nothing of good ones")
    check.set_defaults(do=_check)

    explain = commands.add_parser("explain", help="what made a product, as the product tells it")
    explain.add_argument("products", nargs="+", metavar="PRODUCT")
    explain.set_defaults(do=_explain)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, with the arguments of the process by default; return its exit status."""
    from jwst_cal.cli import _exits

    def do() -> int:
        options = _parser().parse_args(words)
        status: int = options.do(options)
        return status

    return _exits.guarded("jwst-cal", do)


if __name__ == "__main__":
    sys.exit(main())
