"""Tables as ECSV: the header is astropy's, the rows are written a column at a time."""

from __future__ import annotations

import io
import locale
import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from jwst_cal.kernels.decimals import decimals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astropy.table import Table

__all__ = ["write"]

#: Texts that stand in a file as they are.
PLAIN = re.compile(r"[!#-~]+")


def write(table: Table, path: str) -> None:
    """
    Write a table: the bytes that astropy writes, which calls two functions for each value.

    Parameters
    ----------
    table : astropy.table.Table
        What to write.
    path : str
        The file; an existing one is replaced.
    """
    from astropy.table.serialize import represent_mixins_as_columns
    from astropy.utils.data_info import serialize_context_as

    with serialize_context_as("ecsv"):
        plain = represent_mixins_as_columns(table.__class__(table, copy=False))
    if not _simple(plain):
        table.write(path, format="ascii.ecsv", overwrite=True)
        return
    header = io.StringIO(newline="")
    plain[:0].write(header, format="ascii.ecsv")
    quoted = _quoting()
    encoding = locale.getpreferredencoding(False)  # as files are opened where none is given
    rows = zip(*(_texts(column, quoted, encoding) for column in plain.columns.values()),
               strict=True)
    end = os.linesep.encode()
    with open(path, "wb") as file:
        file.write(header.getvalue().encode(encoding))
        file.writelines(b" ".join(row) + end for row in rows)


def _simple(table: Table) -> bool:
    """Whether all columns are of single numbers or texts."""
    from astropy.table import Column, MaskedColumn

    return bool(table.columns) and all(
        type(column) in (Column, MaskedColumn) and column.ndim == 1 and column.dtype.kind in "biufU"
        for column in table.columns.values())


def _quoting() -> Callable[[str], str]:
    """Return what puts a text in quotes as astropy does."""
    from astropy.io import ascii as texts

    join = texts.get_writer(texts.Ecsv).data.splitter.join
    return lambda value: join([value])


def _texts(column: Any, quoted: Callable[[str], str], encoding: str) -> list[bytes]:
    """Tell the values of a column; masked ones are empty."""
    values = np.ma.getdata(column).view(np.ndarray)
    texts: Iterable[str]
    if values.dtype == np.float64 and len(values):
        found = decimals(values).tolist()
    else:
        if values.dtype.kind == "f":  # the shortest that is the same in this precision
            texts = map(str, values)
        elif values.dtype.kind == "U":
            texts = (value if PLAIN.fullmatch(value) else quoted(value)
                     for value in values.tolist())
        else:
            texts = map(str, values.tolist())
        found = [text.encode(encoding) for text in texts]
    for k in np.flatnonzero(np.ma.getmaskarray(column)) if np.ma.isMaskedArray(column) else ():
        found[k] = quoted("").encode(encoding)
    return found
