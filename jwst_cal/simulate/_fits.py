"""Write FITS files plane by plane, with little memory, and ASDF: the same bytes every time."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path

import asdf
import numpy as np
from astropy.io import fits

from jwst_cal.errors import OutputError

__all__ = ["asdf_hdu", "image", "replacing", "table", "write", "write_asdf",
           "write_json"]

_BITPIX = {"u2": 16, "u4": 32, "f4": -32}
_OFFSET = {"u2": 1 << 15, "u4": 1 << 31}


@contextlib.contextmanager
def replacing(path):
    """
    Open a file that appears under its name only when it is complete.

    Parameters
    ----------
    path : path-like
        Final name; its folder must exist.

    Yields
    ------
    binary file
        A temporary sibling, removed if the block fails.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    path = Path(path)
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def image(name, shape, dtype, planes, cards=()):
    """
    Describe an image extension.

    Parameters
    ----------
    name : str
        EXTNAME.
    shape : tuple of int
        Shape of the whole array.
    dtype : {'u2', 'u4', 'f4'}
        Type stored; unsigned integers with BZERO.
    planes : iterable of array
        The array in pieces, in order; each is converted and written on its own.
    cards : iterable of tuple
        Further header cards.

    Returns
    -------
    header : bytes
    chunks : generator of bytes-like
    """
    header = fits.Header([
        ("XTENSION", "IMAGE", "Image extension"),
        ("BITPIX", _BITPIX[dtype], "array data type"),
        ("NAXIS", len(shape), "number of array dimensions"),
        *((f"NAXIS{k + 1}", n) for k, n in enumerate(reversed(shape))),
        ("PCOUNT", 0, "number of parameters"),
        ("GCOUNT", 1, "number of groups"),
        *((("BSCALE", 1), ("BZERO", _OFFSET[dtype])) if dtype in _OFFSET else ()),
        ("EXTNAME", name, "extension name"),
        *cards,
        ("EXTVER", 1, "extension value"),
    ])

    def chunks():
        size = 0
        for plane in planes:
            block = np.ascontiguousarray(plane, dtype)
            if dtype in _OFFSET:
                # subtracting the offset modulo 2^n is flipping the top bit
                block = block ^ block.dtype.type(_OFFSET[dtype])
            block = block.astype(">" + dtype)
            size += block.nbytes
            yield memoryview(block).cast("B")
        yield bytes(-size % 2880)

    return header.tostring().encode(), chunks()


def table(name, rows):
    """
    Describe a table extension.

    Parameters
    ----------
    name : str
        EXTNAME.
    rows : structured array
        The table.

    Returns
    -------
    header : bytes
    chunks : tuple of bytes
    """
    hdu = fits.BinTableHDU(rows, name=name, ver=1)
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    return buffer.getvalue()[2880:], ()


def asdf_hdu(tree):
    """
    Describe the ASDF extension.

    Parameters
    ----------
    tree : dict
        Metadata, without arrays.

    Returns
    -------
    header : bytes
    chunks : tuple of bytes
    """
    buffer = io.BytesIO()
    asdf.AsdfFile(tree).write_to(buffer)
    text = np.frombuffer(buffer.getvalue(), np.uint8)
    rows = np.zeros(1, [("ASDF_METADATA", "u1", (len(text),))])
    rows["ASDF_METADATA"] = text
    return table("ASDF", rows)


def write_asdf(path, tree):
    """
    Write an ASDF file.

    Parameters
    ----------
    path : path-like
        Its name; the file appears only when complete.
    tree : dict
        Its content.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with replacing(path) as file:
        asdf.AsdfFile(tree).write_to(file)


def write_json(path, tree):
    """
    Write a JSON file.

    Parameters
    ----------
    path : path-like
        Its name; the file appears only when complete.
    tree : dict
        Its content.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with replacing(path) as file:
        file.write((json.dumps(tree, indent=2) + "\n").encode())


def write(path, cards, hdus):
    """
    Write a FITS file.

    Parameters
    ----------
    path : path-like
        Its name; the file appears only when complete.
    cards : iterable of tuple
        Cards of the primary header: keyword, value, comment.
    hdus : iterable of tuple
        Extensions from :func:`image`, :func:`table` and :func:`asdf_hdu`.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    header = fits.Header([
        ("SIMPLE", True, "conforms to FITS standard"), ("BITPIX", 8, "array data type"),
        ("NAXIS", 0, "number of array dimensions"), ("EXTEND", True), *cards,
    ])
    with replacing(path) as file:
        file.write(header.tostring().encode())
        for head, chunks in hdus:
            file.write(head)
            for chunk in chunks:
                file.write(chunk)
