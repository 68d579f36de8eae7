"""Telemetry from files: the values of mnemonics in time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jwst_cal.errors import InputError

__all__ = ["Samples", "Telemetry"]

SECONDS_PER_DAY = 86400


class Samples(NamedTuple):
    """
    The values of one mnemonic.

    Attributes
    ----------
    time : float64 [sample], MJD
        Ascending.
    value : float64 [sample]
    """

    time: np.ndarray
    value: np.ndarray


class Telemetry:
    """
    The mnemonics of a file.

    Parameters
    ----------
    source : path-like or mapping
        A JSON file of ``{"MNEMONIC": [[time, value], ...]}``; a table (ECSV, CSV) with columns
        ``mnemonic``, ``time``, ``value``; a folder of ``<mnemonic>_data.json`` files as the
        engineering database sends them; or the mapping itself. Times are MJD or ISO 8601 (UTC).

    Raises
    ------
    InputError
        If it cannot be read, or holds something else.
    """

    def __init__(self, source):
        self.name = "telemetry" if isinstance(source, dict) else str(source)
        try:
            found = source if isinstance(source, dict) else _read(Path(source))
            self._samples = {name.upper(): _sorted(rows) for name, rows in found.items()}
        except OSError as error:
            raise InputError(f"{self.name}: no telemetry ({error.strerror or error})") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{self.name}: no telemetry: a table of mnemonic, time, value or JSON "
                             f"of [time, value] by mnemonic is needed ({error})") from error

    def between(self, mnemonic, start, end, tolerance):
        """
        Take the samples of an observation.

        Parameters
        ----------
        mnemonic : str
            Name.
        start, end : float, MJD
            Time of the observation.
        tolerance : float, s
            How far outside of it a sample may lie, if there are fewer than two inside.

        Returns
        -------
        Samples
            Those inside; else also the last one before and the first one after.

        Raises
        ------
        InputError
            If there are none.
        """
        if mnemonic not in self._samples:
            raise InputError(f"{self.name}: mnemonic {mnemonic} missing")
        time, value = self._samples[mnemonic]
        first, last = np.searchsorted(time, start), np.searchsorted(time, end, "right")
        if last - first < 2:
            first, last = max(first - 1, 0), min(last + 1, len(time))
            margin = tolerance / SECONDS_PER_DAY
            near = (time[first:last] >= start - margin) & (time[first:last] <= end + margin)
            time, value = time[first:last][near], value[first:last][near]
        else:
            time, value = time[first:last], value[first:last]
        if not len(time):
            raise InputError(f"{self.name}: mnemonic {mnemonic} has no value from MJD {start:.6f} "
                             f"to {end:.6f}, nor within {tolerance:g} s of that")
        return Samples(time, value)


def _read(path):
    if path.is_dir():
        return {file.name.removesuffix("_data.json"): _records(json.loads(file.read_text()))
                for file in sorted(path.glob("*_data.json"))}
    text = path.read_text()
    if text.lstrip().startswith("{"):
        return json.loads(text)
    from astropy.table import Table

    table = Table.read(text, format="ascii.ecsv" if text.startswith("# %ECSV") else "ascii.csv")
    columns = {name.lower(): table[name] for name in table.colnames}
    found = {}
    for name, time, value in zip(columns["mnemonic"], columns["time"], columns["value"],
                                 strict=True):
        found.setdefault(str(name), []).append((time, value))
    return found


def _records(content):
    """Samples in an answer of the engineering database: milliseconds since 1970."""
    return [(int(record["ObsTime"].strip("/Date()").partition("+")[0]) / 1e3 / SECONDS_PER_DAY
             + 40587, record["EUValue"]) for record in content["Data"] or ()]


def _sorted(rows):
    pairs = [(_mjd(time), float(value)) for time, value in rows]
    pairs.sort(key=lambda pair: pair[0])
    array = np.array(pairs, float).reshape(-1, 2)
    return Samples(array[:, 0], array[:, 1])


def _mjd(time):
    try:
        return float(time)
    except ValueError:
        from astropy.time import Time

        return float(Time(str(time).replace(" ", "T").rstrip("Z"), format="isot").mjd)
