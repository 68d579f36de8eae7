"""Small pictures of products, and counts of their flags."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from typing import Any

import numpy as np

__all__ = ["of_product", "png"]

_SIDE = 96
_FLAGS = ("DO_NOT_USE", "SATURATED", "JUMP_DET")


def of_product(path: str) -> dict[str, Any] | None:
    """
    Look at an image.

    Parameters
    ----------
    path : str
        A product.

    Returns
    -------
    dict or None
        ``product`` (base name), ``png`` (base 64), ``median``, ``pixels`` and, of those, the number
        with each flag; None for what is no image of two dimensions.
    """
    from astropy.io import fits

    if not path.endswith(".fits"):
        return None
    with fits.open(path) as hdus:
        names = {hdu.name for hdu in hdus}
        if "SCI" not in names or hdus["SCI"].header["NAXIS"] != 2:
            return None
        return _drawn(path, hdus["SCI"].data, hdus["DQ"].data if "DQ" in names else None)


def _drawn(path: str, stored: np.ndarray, dq: np.ndarray | None) -> dict[str, Any]:
    from jwst_cal import flags

    every = max(1, -(-max(stored.shape) // _SIDE))
    part = np.asarray(stored[::every, ::every], np.float32)
    found: dict[str, Any] = {"product": os.path.basename(path), "png": png(_stretched(part)),
                             "pixels": int(stored.size)}
    usable = part[np.isfinite(part)]
    if usable.size:
        found["median"] = float(f"{np.median(usable):.4g}")
    if dq is not None and dq.shape == stored.shape:
        found |= {name: int(np.count_nonzero(dq & flags.pixel[name])) for name in _FLAGS}
    return found


def _stretched(image: np.ndarray) -> np.ndarray:
    """Grey levels, uint8 [row, col]; the first row is the lowest, as astronomers look at it."""
    usable = image[np.isfinite(image)]
    low, high = np.percentile(usable, (2, 99.5)) if usable.size else (0.0, 1.0)
    scaled = np.clip((image - low) / max(high - low, 1e-30), 0, 1)
    grey = np.arcsinh(10 * scaled) / np.arcsinh(10.0) * 254 + 1
    return np.where(np.isfinite(image), grey, 0).astype(np.uint8)[::-1]


def png(grey: np.ndarray) -> str:
    """
    Encode a picture.

    Parameters
    ----------
    grey : uint8 [row, col]
        Grey levels, the first row at the top.

    Returns
    -------
    str
        A PNG file in base 64.
    """
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (struct.pack(">I", len(content)) + kind + content
                + struct.pack(">I", zlib.crc32(kind + content)))

    n_rows, n_cols = grey.shape
    rows = np.zeros((n_rows, n_cols + 1), np.uint8)
    rows[:, 1:] = grey
    header = struct.pack(">IIBBBBB", n_cols, n_rows, 8, 0, 0, 0, 0)
    content = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
               + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b""))
    return base64.b64encode(content).decode()
