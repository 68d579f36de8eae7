"""Persistence: when each group ended, and the windows that one exposure leaves to the next."""

import os

import numpy as np

from jwst_cal.errors import InputError

__all__ = ["group_times", "read_windows", "write_windows"]

_UNIX_EPOCH, _DAY = 40587.0, 86400.0


def group_times(n_ints, n_groups, *, start, integration_time, group_time, int_starts=None):
    """
    Tell the end of each group.

    Parameters
    ----------
    n_ints, n_groups : int
        Shape of the exposure.
    start : float, MJD
        Start of the exposure.
    integration_time, group_time : float, s
        Length of an integration and of a group.
    int_starts : sequence of float, MJD, optional
        Starts of the first integrations, from INT_TIMES.

    Returns
    -------
    float64 [integration, group], s
        Seconds since 1970.
    """
    times = np.empty((n_ints, n_groups))
    for i in range(n_ints):
        if int_starts is not None and len(int_starts) > i:
            now = (int_starts[i] - _UNIX_EPOCH) * _DAY
        else:
            now = (start - _UNIX_EPOCH) * _DAY + i * integration_time
        for g in range(n_groups):  # added up, so that the times are those of the reference release
            now = now + group_time
            times[i, g] = now
    return times


def read_windows(path, detector, duration, shape):
    """
    Read the windows that an earlier exposure has left.

    Parameters
    ----------
    path : str
        ASDF file of :func:`write_windows`.
    detector : str
        Whose.
    duration : int, s
        Length of the windows wanted.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    windows : float64 [row, col], s
        End of each pixel's window, 0 for none.
    reason : str or None
        Why there are none.

    Raises
    ------
    InputError
        If the file is no such file, or of another shape.
    """
    windows = np.zeros(shape)
    if not os.path.exists(path):
        return windows, "the file does not exist"
    import asdf

    try:
        with asdf.open(path, lazy_load=False) as file:
            found = file.tree.get(detector)
            if found is None:
                return windows, f"the file has none of {detector}"
            if found["pers_time"] != duration:
                return windows, f"the file's last {found['pers_time']} s"
            rows, cols = np.asarray(found["rows"]), np.asarray(found["cols"])
            windows[rows, cols] = np.asarray(found["vals"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: no persistence file: {error}") from error
    except IndexError as error:
        raise InputError(f"{path}: its pixels of {detector} lie outside of {shape}") from error
    return windows, None


def write_windows(path, detector, duration, windows, filename):
    """
    Write the windows for the next exposure; those of other detectors are kept.

    Parameters
    ----------
    path : str
        ASDF file; the extension is added where missing.
    detector : str
        Whose.
    duration : int, s
        Length of a window.
    windows : float64 [row, col], s
        End of each pixel's window, 0 for none.
    filename : str
        Of the exposure.

    Returns
    -------
    str
        The path.
    """
    import asdf

    root, extension = os.path.splitext(path)
    path = path if extension == ".asdf" else f"{root}.asdf"
    tree = {}
    if os.path.exists(path):
        with asdf.open(path, lazy_load=False, memmap=False) as file:
            tree = {name: part for name, part in file.tree.items()
                    if name not in ("asdf_library", "history")}
    rows, cols = np.nonzero(windows)
    tree[detector] = {"filename": filename, "rows": rows, "cols": cols,
                      "vals": windows[rows, cols], "pers_time": duration}
    written = f"{path}.{os.getpid()}.part"
    try:
        asdf.AsdfFile(tree).write_to(written)
        os.replace(written, path)
    finally:
        if os.path.exists(written):
            os.remove(written)
    return path
