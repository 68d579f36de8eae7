"""Compare two FITS files of the data model: arrays, tables, headers."""

from typing import NamedTuple

import numpy as np
from astropy.io import fits

#: Relative difference that float32 rounding may cause.
TOLERANCE = 1e-5

#: Keywords that may differ, and why.
ALLOWED = {
    "CAL_VER": "our version",
    "CAL_VCS": "our version",
    "DATE": "time of writing",
    "CRDS_VER": "version of the crds client in each environment",
}
#: Where all references are given, there is none that the rules chose.
ALL_GIVEN = dict.fromkeys(("CRDS_VER", "CRDS_CTX", "meta.ref_file.crds."),
                          "no rule took part in the choice")


class Difference(NamedTuple):
    """How two arrays differ."""

    name: str
    size: int
    largest: float  # relative, where both are finite; of integers: 0
    n_over: int  # values that differ by more than the tolerance; of integers: that differ
    n_nan: int  # values of which only one is finite
    note: str = ""  # shape or type, if they differ

    @property
    def bad(self):
        """Whether the arrays are not the same within the tolerance."""
        return bool(self.n_over or self.n_nan or self.note)

    def __str__(self):
        return (f"{self.name}: {self.note}" if self.note else
                f"{self.name}: largest relative difference {self.largest:.2e}, {self.n_over} of "
                f"{self.size} beyond tolerance, {self.n_nan} finite in one only")


def arrays(name, ours, theirs, tolerance=TOLERANCE, scale=0.0):
    """
    Compare two arrays.

    Parameters
    ----------
    name : str
        What they are called in messages.
    ours, theirs : array
        Numbers.
    tolerance : float
        Relative difference allowed between finite floats. Integers must be equal.
    scale : float
        Differences are relative to it at least.

    Returns
    -------
    Difference
        Result.
    """
    if ours.shape != theirs.shape or ours.dtype.newbyteorder("=") != theirs.dtype.newbyteorder("="):
        return Difference(name, theirs.size, np.nan, 0, 0,
                          f"{ours.dtype} {ours.shape} is not {theirs.dtype} {theirs.shape}")
    if ours.dtype.kind != "f":
        return Difference(name, ours.size, 0.0, int((ours != theirs).sum()), 0)
    finite = np.isfinite(ours) & np.isfinite(theirs)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.maximum(np.maximum(np.abs(a), np.abs(b)), scale)
        relative = np.where(finite & ~same, np.abs(a - b) / size, 0.0)
    return Difference(name, ours.size, float(relative.max(initial=0.0)),
                      int((relative > tolerance).sum()), int((~finite & ~same).sum()))


def flagged_here(ours, theirs):
    """
    Find the pixels of a product that only we flag DO_NOT_USE, and have no value for.

    Parameters
    ----------
    ours, theirs : open FITS file
        Products with SCI and DQ of one shape.

    Returns
    -------
    bool array, or None
        None where there is no DQ.
    """
    if "DQ" not in ours or "DQ" not in theirs:
        return None
    only = (ours["DQ"].data & 1 > 0) & (theirs["DQ"].data & 1 == 0)
    return only & np.isnan(ours["SCI"].data)


def files(ours, theirs, tolerance=TOLERANCE, *, stricter=False, scale=0.0):
    """
    Compare all arrays and tables of two files.

    Parameters
    ----------
    ours, theirs : path
        FITS files.
    tolerance, scale : float
        As for :func:`arrays`.
    stricter : bool
        Leave out the pixels of :func:`flagged_here`.

    Returns
    -------
    list of Difference
        One for each array, and for each extension that only one file has.
    """
    found = []
    with fits.open(ours, memmap=False) as a, fits.open(theirs, memmap=False) as b:
        names = {(hdu.name, hdu.ver): hdu for hdu in b[1:] if hdu.name != "ASDF"}
        mine = {(hdu.name, hdu.ver): hdu for hdu in a[1:] if hdu.name != "ASDF"}
        for key in names.keys() ^ mine.keys():
            found.append(Difference(key[0], 0, 0.0, 0, 0,
                                    "missing" if key in names else "not in the official file"))
        out = flagged_here(a, b) if stricter else None
        for key in names.keys() & mine.keys():
            one, other = mine[key].data, names[key].data
            if out is not None and one.shape == other.shape == out.shape:
                one, other = one[~out], other[~out]
            if (one is None) or (other is None):
                if (one is None) != (other is None):
                    found.append(Difference(key[0], 0, 0.0, 0, 0, "empty in one only"))
            elif one.dtype.names:
                found += _tables(key[0], one, other, tolerance)
            else:
                found.append(arrays(key[0], one, other, tolerance, scale))
    return sorted(found)


def extensions(ours, theirs):
    """
    Compare the extensions of two files, and their order.

    Parameters
    ----------
    ours, theirs : path
        FITS files.

    Returns
    -------
    list of str
        One line if they are not the same.
    """
    lists = []
    for path in (ours, theirs):
        with fits.open(path, memmap=False) as file:
            lists.append([(hdu.name, hdu.ver) for hdu in file])
    return [] if lists[0] == lists[1] else [f"extensions {lists[0]} are not {lists[1]}"]


def _tables(name, ours, theirs, tolerance):
    if ours.dtype.names != theirs.dtype.names or ours.shape != theirs.shape:
        return [Difference(name, theirs.size, np.nan, 0, 0,
                           f"columns {ours.dtype.names} {ours.shape} are not "
                           f"{theirs.dtype.names} {theirs.shape}")]
    return [arrays(f"{name}.{c}", np.asarray(ours[c]), np.asarray(theirs[c]), tolerance)
            for c in ours.dtype.names]


def headers(ours, theirs, allowed=ALLOWED, absent=()):
    """
    Compare the headers of two files keyword by keyword.

    Parameters
    ----------
    ours, theirs : path
        FITS files.
    allowed : collection of str
        Keywords that may differ, but not be missing.
    absent : collection of str
        Keywords that may be missing in ours.

    Returns
    -------
    list of str
        One line for each difference.
    """
    found = []
    with fits.open(ours) as a, fits.open(theirs) as b:
        for hdu in b:
            if hdu.name == "ASDF" or (hdu.name, hdu.ver) not in [(h.name, h.ver) for h in a]:
                continue
            found += _cards(a[hdu.name, hdu.ver].header, hdu.header, hdu.name, allowed, absent)
    return found


def _cards(ours, theirs, name, allowed, absent):
    found = []
    for keyword in dict.fromkeys([*theirs, *ours]):
        if keyword in ("COMMENT", "HISTORY", "") or (keyword in absent and keyword not in ours):
            continue
        if keyword not in ours:
            found.append(f"{name} {keyword}: missing; official {theirs[keyword]!r}")
        elif keyword not in theirs:
            found.append(f"{name} {keyword}: ours {ours[keyword]!r}, not in the official file")
        elif keyword not in allowed and not _equal(ours[keyword], theirs[keyword]):
            found.append(f"{name} {keyword}: ours {ours[keyword]!r}, official {theirs[keyword]!r}")
    return found


def _equal(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return bool(np.isclose(a, b, rtol=1e-9, atol=0, equal_nan=True))
    return a == b


#: Parts of the metadata that may differ, and why.
ALLOWED_META = {
    "meta.calibration_software_version": "our version",
    "meta.calibration_software_revision": "our version",
    "meta.cal_logs": "our words",
    "meta.date": "time of writing",
    "meta.provenance": "only ours records it",
    "meta.ref_file.crds.sw_version": "version of the crds client in each environment",
}


def trees(ours, theirs, allowed=ALLOWED_META):
    """
    Compare the metadata of two data models.

    Parameters
    ----------
    ours, theirs : data model
        Open models.
    allowed : collection of str
        Beginnings of dotted names that may differ.

    Returns
    -------
    list of str
        One line for each difference.
    """
    mine, other = (
        {k: v for k, v in m.to_flat_dict(include_arrays=False).items() if k.startswith("meta.")}
        for m in (ours, theirs))
    found = []
    for name in sorted(mine.keys() | other.keys()):
        if name.startswith(tuple(allowed)):
            continue
        if name not in mine:
            found.append(f"{name}: missing; official {other[name]!r}")
        elif name not in other:
            found.append(f"{name}: ours {mine[name]!r}, not in the official model")
        elif not _equal(mine[name], other[name]):
            found.append(f"{name}: ours {mine[name]!r}, official {other[name]!r}")
    return found
