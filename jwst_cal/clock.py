"""The time that products tell.

``SOURCE_DATE_EPOCH`` (seconds since 1970, see https://reproducible-builds.org) takes its place and
makes durations zero, so that the same inputs give the same files byte for byte.
"""

from __future__ import annotations

import datetime
import os
import time

from jwst_cal.errors import ParameterError

__all__ = ["elapsed", "fixed", "now"]


def fixed() -> float | None:
    """
    Return the time that stands for all times.

    Returns
    -------
    float or None
        Seconds since 1970; None where time is told as it is.

    Raises
    ------
    ParameterError
        If ``SOURCE_DATE_EPOCH`` is no number of seconds.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    try:
        found = float(text)
        datetime.datetime.fromtimestamp(found, datetime.UTC)
    except (ValueError, OverflowError, OSError):
        raise ParameterError(f"SOURCE_DATE_EPOCH: '{text}' where a number of seconds since 1970 is "
                             "needed") from None
    return found


def now() -> datetime.datetime:
    """Return the time, in UTC."""
    seconds = fixed()
    return (datetime.datetime.now(datetime.UTC) if seconds is None else
            datetime.datetime.fromtimestamp(seconds, datetime.UTC))


def elapsed(since: float) -> float:
    """
    Return how long something took.

    Parameters
    ----------
    since : float, s
        ``time.perf_counter()`` at its beginning.

    Returns
    -------
    float, s
        Zero where the time is fixed.
    """
    return time.perf_counter() - since if fixed() is None else 0.0
