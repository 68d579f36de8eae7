"""How the commands end: one line of error on stderr, and an exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from jwst_cal.errors import ExitStatus, JwstCalError

__all__ = ["Parser", "guarded"]


class Parser(argparse.ArgumentParser):
    """Parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Raise, with status 2."""
        raise ExitStatus(2, f"{message}; {self.prog} --help lists what there is")


def guarded(name: str, do: Callable[[], int]) -> int:
    """
    Do something; tell an error in one line.

    Parameters
    ----------
    name : str
        Of the command.
    do : callable
        Returns an exit status.

    Returns
    -------
    int
        The exit status.
    """
    try:
        status = do()
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (JwstCalError, OSError) as error:
        from jwst_cal.framework import commandline

        print(f"{name}: error: {commandline.describe(error)}", file=sys.stderr)
        return int(getattr(error, "status", 1))
