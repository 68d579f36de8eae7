"""Where a source is in its cutout, by its coordinates."""

import logging
from typing import NamedTuple

import numpy as np

__all__ = ["Place", "in_slit"]

log = logging.getLogger(__name__)

MICRONS_PER_METRE = 1e6


class Place(NamedTuple):
    """
    A source in a cutout, in pixels from 0.

    Attributes
    ----------
    column : int
        The middle one.
    row : float
        Of the source in this column.
    trace : float64 [col]
        In every column.
    """

    column: int
    row: float
    trace: np.ndarray


def in_slit(slit):
    """
    Find a source whose place in NIRSpec's slit is known.

    Parameters
    ----------
    slit : SlitModel
        SRCXPOS and SRCYPOS, coordinates with a bounding box.

    Returns
    -------
    Place or None
        None where it is not on the cutout.
    """
    wcs = slit.meta.wcs
    (left, right), (bottom, top) = wcs.bounding_box
    middle, rows = (left + right) / 2.0, np.arange(float(round(top)))
    wavelengths = wcs(np.full(rows.shape, middle), rows)[2]
    if not np.isfinite(wavelengths).any():
        log.warning("The slit is not seen in the middle of the cutout: the aperture was not moved")
        return None
    to_pixels = wcs.get_transform("slit_frame", "detector")
    place = slit.source_xpos, slit.source_ypos
    row = to_pixels(*place, np.nanmean(wavelengths) / MICRONS_PER_METRE)[1]
    if not bottom <= row <= top:
        log.warning("The source would be in row %.2f, which is not on the cutout: the aperture was "
                    "not moved", row)
        return None
    return Place(int(np.round(middle)), float(row), _trace(wcs, to_pixels, place))


def _trace(wcs, to_pixels, place):
    """Row of the source in each column of the bounding box."""
    (left, right), (bottom, top) = wcs.bounding_box
    columns = np.arange(np.ceil(left), np.floor(right) + 1)
    rows = np.arange(np.ceil(bottom), np.floor(top) + 1)
    seen = wcs.get_transform("detector", "slit_frame")(*np.meshgrid(columns, rows))[2]
    wavelengths = np.linspace(np.nanmin(seen), np.nanmax(seen), columns.size)
    x, y = to_pixels(*(np.full(columns.size, value) for value in place), wavelengths)
    return _interpolated(columns - columns[0], x, y)


def _interpolated(at, x, y):
    """Interpolate linearly, and beyond the ends, too."""
    from scipy.interpolate import interp1d

    return interp1d(x, y, fill_value="extrapolate")(at)
