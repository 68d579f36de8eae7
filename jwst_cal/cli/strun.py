"""``strun``: run a step or a pipeline from the shell.

Several inputs, a folder, a list (``@FILE``) or ``--jobs`` run each input by itself, in worker
processes. Exit status: 0 done, 1 an error, 2 wrong usage, 64 no science data, or the number that a
step asked for. An error is one line on stderr; ``--debug`` shows the traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jwst_cal.errors import ExitStatus

if TYPE_CHECKING:
    from jwst_cal.framework.commandline import Request

__all__ = ["main", "run"]


def run(words: Sequence[str]) -> Any:
    """Do what a command line asks for; see :func:`jwst_cal.framework.commandline.run`."""
    from jwst_cal.framework import commandline

    return commandline.run(words, _run_many)


def _run_many(request: Request) -> bool:
    """Run a step or pipeline on each of many inputs; False if there is but one."""
    from jwst_cal.framework import commandline

    options, inputs = request.options, request.inputs
    many = (options.jobs is not None or any(os.path.isdir(name) or name[0] == "@"
                                            for name in inputs if name)
            or len(inputs) > max(1, commandline.most_inputs(request.cls) or len(inputs)))
    if not inputs or not many:
        return False
    if options.explain or options.save_parameters or options.quicklook:
        raise ExitStatus(2, "--explain, --save-parameters and --quicklook take one input")
    from jwst_cal.batch import planning
    from jwst_cal.batch import run as runs

    if options.memory_limit is not None:
        os.environ["JWST_CAL_MEMORY_LIMIT"] = options.memory_limit  # that of each worker
    given = dict(request.given)
    folder = os.path.abspath(os.path.expanduser(str(given.pop("output_dir", None) or os.curdir)))
    target = request.file and os.path.abspath(request.file)
    plan = planning.Plan(folder, planning.one_each(
        target or commandline.name_of(request.cls), planning.expand(inputs), folder, given))
    runs.execute(plan, runs.Options(
        jobs=commandline.number(options.jobs, "--jobs"),
        threads=commandline.number(options.threads, "--threads"),
        disable_crds_steppars=options.disable_crds_steppars))
    return True


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, with the arguments of the process by default; return its exit status."""
    if words is None:
        from jwst_cal.kernels import threads
        from jwst_cal.models import _schemas

        _schemas.in_command()
        threads.sleep_in_between()
    words = sys.argv[1:] if words is None else list(words)
    try:
        run(words)
        sys.stdout.flush()
        return 0
    except KeyboardInterrupt:
        print("strun: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as in `strun --help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as leaving:  # a library that ends the process, as crds does
        return _fail(
            leaving, 1, f"the run was ended from within, with status {leaving.code}", words
        )
    except Exception as error:
        from jwst_cal.framework import commandline

        return _fail(error, getattr(error, "status", 1), commandline.describe(error), words)


def _fail(error: BaseException, status: int, message: str, words: Sequence[str]) -> int:
    print(f"strun: error: {message}", file=sys.stderr)
    if "--debug" not in words:
        return status
    import traceback

    traceback.print_exception(error)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return status
    import pdb

    pdb.post_mortem(error.__traceback__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
