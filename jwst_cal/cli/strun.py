"""``strun``: run a step or a pipeline from the shell.

Exit status: 0 done, 1 an error, 2 wrong usage, 64 no science data, or the number that a step asked
for. An error is one line on stderr; ``--debug`` shows the traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["main", "run"]


def run(words: Sequence[str]) -> Any:
    """Do what a command line asks for; see :func:`jwst_cal.framework.commandline.run`."""
    from jwst_cal.framework import commandline

    return commandline.run(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, with the arguments of the process by default; return its exit status."""
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
