"""``jwst-cal explain FILE...``: what made a product, as the product tells it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]

_USAGE = "usage: jwst-cal explain PRODUCT [PRODUCT ...]"


def main(words: Sequence[str] | None = None) -> int:
    """Run the command, with the arguments of the process by default; return its exit status."""
    words = sys.argv[1:] if words is None else list(words)
    if "-h" in words or "--help" in words:
        print(f"{__doc__}\n\n{_USAGE}")
        return 0
    if len(words) < 2 or words[0] != "explain":
        print(_USAGE, file=sys.stderr)
        return 2
    from jwst_cal.errors import JwstCalError
    from jwst_cal.framework import provenance

    try:
        for name in words[1:]:
            print("\n".join([f"{name}:", *provenance.describe(name)]))
        sys.stdout.flush()
    except JwstCalError as error:
        print(f"jwst-cal: error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader of our output has gone, as in `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
