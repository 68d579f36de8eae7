"""``stpipe list``: the steps and pipelines that ``strun`` knows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

__all__ = ["main"]


def listing(pattern: str | None = None, *, pipelines: bool = True, steps: bool = True) -> list[str]:
    """
    List classes as ``class (alias)``, sorted.

    Parameters
    ----------
    pattern : str, optional
        Glob that the class or the alias matches, in any case.
    pipelines, steps : bool
        Which kinds.

    Returns
    -------
    list of str
        One line per class.
    """
    from fnmatch import fnmatch

    from jwst_cal import registry

    wanted = (pattern or "*").lower()
    return sorted(
        f"{row.path} ({row.alias})"
        for row in registry.ROWS
        if row.exists
        and (pipelines if row.is_pipeline else steps)
        and (fnmatch(row.alias.lower(), wanted) or fnmatch(row.path.lower(), wanted))
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, with the arguments of the process by default; return its exit status."""
    parser = argparse.ArgumentParser(prog="stpipe", description="Look at steps and pipelines.")
    parser.add_argument("--version", action="store_true", help="show the versions")
    commands = parser.add_subparsers(dest="command")
    lister = commands.add_parser("list", help="list the steps and pipelines")
    only = lister.add_mutually_exclusive_group()
    only.add_argument("--pipelines-only", action="store_true", help="leave out the steps")
    only.add_argument("--steps-only", action="store_true", help="leave out the pipelines")
    lister.add_argument("pattern", nargs="?", help="class or alias, * and ? allowed")
    options = parser.parse_args(words)
    if options.version:
        from jwst_cal.framework.commandline import version_text

        print(version_text())
    elif options.command != "list":
        parser.print_help()
    else:
        lines = listing(
            options.pattern, pipelines=not options.steps_only, steps=not options.pipelines_only
        )
        print("\n".join(lines)) if lines else print("(no matching classes)", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
