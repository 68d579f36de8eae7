"""The array or table of a large reference file, read where it lies: only what is used comes in."""

from __future__ import annotations

import mmap
import os
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from jwst_cal.errors import ReferenceFileError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LargeReference", "open_mapped", "open_mapped_table"]

#: Extensions that are not read: the mapped one, one of its size, and the tree that names both.
_LEFT_OUT = ("SCI", "ERR", "ASDF")


class LargeReference(NamedTuple):
    """A reference whose primary array, or one table, may be too large to read."""

    #: Data model; its own primary array is a stand-in of one element when the true one is mapped,
    #: and it has no such table.
    model: Any
    #: The primary array, cut to the exposure, or the table; of any byte order when it is mapped.
    data: np.ndarray[Any, Any]
    #: Lets go of the pages read so far; None when the array is in memory.
    release: Callable[[], None] | None


def open_mapped(path: str, model_class: type) -> LargeReference | None:
    """
    Open a reference file without reading its SCI array.

    Parameters
    ----------
    path : str
        The file.
    model_class : type
        Its data model class.

    Returns
    -------
    LargeReference or None
        None when the array cannot be mapped: a compressed file, or not plain float32.

    Raises
    ------
    ReferenceFileError
        If the file cannot be read or ends before the array does.
    """
    import numpy as np
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyUserWarning

    try:
        with warnings.catch_warnings(), fits.open(path, memmap=False) as hdus:
            warnings.simplefilter("ignore", AstropyUserWarning)  # truncated: an error, below
            place = _place_of(hdus)
            if place is None:
                return None
            small = [hdu for hdu in hdus if hdu.name not in _LEFT_OUT]
            # Without any primary array the model would leave DQ in the bits of the file.
            small.append(fits.ImageHDU(np.zeros([1] * len(place[1]), np.float32), name="SCI"))
            model = model_class(fits.HDUList(small))
            if "DQ" not in hdus:
                model.dq = np.zeros([1] * (model.dq.ndim - 2) + list(place[1][-2:]), np.uint32)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, EOFError) as error:
        raise _unreadable(path, model_class, error) from error
    offset, shape = place
    data, release = _map(path, offset, np.dtype(">f4"), int(np.prod(shape)), "SCI array")
    return LargeReference(model, data.reshape(shape), release)


def open_mapped_table(path: str, model_class: type, extension: str) -> LargeReference | None:
    """
    Open a reference file without reading one of its tables.

    Parameters
    ----------
    path : str
        The file.
    model_class : type
        Its data model class.
    extension : str
        EXTNAME of the table.

    Returns
    -------
    LargeReference or None
        The table as a structured array; the model does not have it. None when it cannot be mapped:
        a compressed file, no such table, or columns that are not plain numbers.

    Raises
    ------
    ReferenceFileError
        If the file cannot be read or ends before the table does.
    """
    from astropy.io import fits
    from astropy.utils.exceptions import AstropyUserWarning

    try:
        with warnings.catch_warnings(), fits.open(path, memmap=False) as hdus:
            warnings.simplefilter("ignore", AstropyUserWarning)  # truncated: an error, below
            if extension not in hdus or not _is_plain_table(hdus[extension]):
                return None
            hdu = hdus[extension]
            dtype, n_rows = hdu.columns.dtype.newbyteorder(">"), hdu.header["NAXIS2"]
            offset = hdu.fileinfo()["datLoc"]
            left = fits.HDUList([other for other in hdus if other is not hdu
                                 and other.name != "ASDF"])
            model = model_class(left, validate_on_assignment=False)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, EOFError) as error:
        raise _unreadable(path, model_class, error) from error
    data, release = _map(path, offset, dtype, n_rows, f"{extension} table")
    return LargeReference(model, data, release)


def _unreadable(path: str, model_class: type, error: Exception) -> ReferenceFileError:
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    return ReferenceFileError(
        f"{path}: the file cannot be read as a {model_class.__name__}: {reason}"
    )


def _is_plain_table(hdu: Any) -> bool:
    """Whether the rows of a table are in the file as they are in memory, but for the byte order."""
    from astropy.io import fits

    return (
        type(hdu) is fits.BinTableHDU
        and hdu.fileinfo()["file"].compression is None
        and hdu.columns.dtype.itemsize == hdu.header["NAXIS1"]
        and all(column.format in ("I", "J", "K", "E", "D") and column.bscale in (None, "", 1)
                and column.bzero in (None, "", 0) for column in hdu.columns)
    )


def _place_of(hdus: Any) -> tuple[int, tuple[int, ...]] | None:
    """Offset and shape of a plain float32 SCI array."""
    from astropy.io import fits

    if "SCI" not in hdus:
        return None
    hdu = hdus["SCI"]
    header, info = hdu.header, hdu.fileinfo()
    plain = (
        type(hdu) is fits.ImageHDU
        and header["BITPIX"] == -32
        and header.get("BSCALE", 1) == 1
        and header.get("BZERO", 0) == 0
        and info["file"].compression is None
    )
    return (info["datLoc"], hdu.shape) if plain and hdu.shape else None


def _map(
    path: str, offset: int, dtype: Any, count: int, what: str
) -> tuple[Any, Callable[[], None]]:
    import numpy as np

    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size < offset + dtype.itemsize * count:
            raise ReferenceFileError(f"{path}: the file ends before its {what} does")
        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    data = np.frombuffer(mapping, dtype, count, offset)

    def release() -> None:
        if hasattr(mmap, "MADV_DONTNEED"):
            mapping.madvise(mmap.MADV_DONTNEED)

    return data, release
