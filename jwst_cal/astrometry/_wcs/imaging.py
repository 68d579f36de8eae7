"""World coordinates of images: distortion, aberration and pointing."""

import logging

import gwcs
from astropy import coordinates, units
from astropy.modeling import bind_bounding_box
from astropy.modeling.models import Identity, Shift
from gwcs import coordinate_frames as frames

from jwst_cal import modes
from jwst_cal.astrometry._wcs import pointing
from jwst_cal.errors import ReferenceFileError, SkipStep

__all__ = ["build", "distortion", "subarray_shift"]

log = logging.getLogger(__name__)


def build(model, refs):
    """
    Build the coordinates of an image.

    Parameters
    ----------
    model : ImageModel or CubeModel
        The exposure.
    refs : References
        ``distortion``: full-frame pixels to V2, V3. ``filteroffset``: shifts by filter.

    Returns
    -------
    gwcs.WCS
        Frames ``detector``, ``v2v3``, ``v2v3vacorr``, ``world``.

    Raises
    ------
    SkipStep
        If there is no distortion reference.
    ReferenceFileError
        If the filter offsets are ambiguous.
    """
    if refs.distortion is None:
        raise SkipStep("no DISTORTION reference file for this exposure (N/A)")
    pixel, arcsec = (units.pix, units.pix), (units.arcsec, units.arcsec)
    telescope = {"axes_order": (0, 1), "axes_names": ("v2", "v3"), "unit": arcsec}
    return gwcs.WCS([
        (frames.Frame2D(name="detector", axes_order=(0, 1), unit=pixel), _distortion(model, refs)),
        (frames.Frame2D(name="v2v3", **telescope), pointing.aberration(model)),
        (frames.Frame2D(name="v2v3vacorr", **telescope), pointing.to_sky(model)),
        (frames.CelestialFrame(name="world", reference_frame=coordinates.ICRS()), None),
    ])


def _distortion(model, refs):
    """Pixels of the exposure's array to V2, V3, with the array's bounds."""
    transform, shift = distortion(model, refs), subarray_shift(model)
    if shift is None:
        return transform
    subarray = model.meta.subarray
    transform = shift | transform
    bind_bounding_box(transform, _bounds(subarray.ysize or 0, subarray.xsize or 0), order="F")
    return transform


def distortion(model, refs):
    """
    Make the map from pixels of the full frame to the telescope's frame.

    Parameters
    ----------
    model : data model
        The exposure: its filter, and its shape where the reference has no bounds.
    refs : References
        ``distortion`` and ``filteroffset``.

    Returns
    -------
    astropy.modeling.Model
        Pixels (from 0) to V2, V3 in arcsec, with bounds.

    Raises
    ------
    ReferenceFileError
        If the filter offsets are ambiguous.
    """
    transform = refs.distortion.model
    try:
        bounds = transform.bounding_box.bounding_box(order="F")
    except NotImplementedError:
        bounds = _bounds(*model.data.shape[-2:])
    offset = _filter_offset(model, refs)
    if offset is not None:
        transform = Shift(offset[0]) & Shift(offset[1]) | transform
    bind_bounding_box(transform, bounds, order="F")
    return transform


def subarray_shift(model):
    """
    Make the shift from pixels of the exposure's array to those of the full frame.

    Parameters
    ----------
    model : data model
        SUBSTRT1 and SUBSTRT2 are read.

    Returns
    -------
    astropy.modeling.Model or None
        None where it is the full frame's corner.
    """
    subarray = model.meta.subarray
    shifts = [Shift(start - 1) if start not in (None, 1) else Identity(1)
              for start in (subarray.xstart, subarray.ystart)]
    return shifts[0] & shifts[1] if any(isinstance(shift, Shift) for shift in shifts) else None


def _bounds(n_rows, n_cols):
    """Outer edges of an array's pixels: those of x, those of y."""
    return (-0.5, n_cols - 0.5), (-0.5, n_rows - 0.5)


def _filter_offset(model, refs):
    """Shift in columns and rows that the filter causes, or None."""
    instrument = model.meta.instrument
    if instrument.name.upper() == "FGS" or refs.filteroffset is None:
        return None
    wanted = {"filter": instrument.filter}
    if not modes.is_miri(model):
        wanted["pupil"] = instrument.pupil
    rows = [row for row in map(_plain, refs.filteroffset.filters)
            if all(row.get(key) == value for key, value in wanted.items())]
    chosen = " ".join(str(value) for value in wanted.values())
    if len(rows) > 1 and not modes.is_miri(model):
        raise ReferenceFileError(f"{refs.filteroffset.meta.filename}: {len(rows)} rows for "
                                 f"{chosen} where one is needed")
    offset = (rows[0].get("column_offset"), rows[0].get("row_offset")) if rows else (None, None)
    if None in offset or "N/A" in offset:
        log.info("No offset of the filter %s is known", chosen)
        return None
    log.info("Offset of the filter %s: %s columns, %s rows", chosen, *offset)
    return offset


def _plain(row):
    """A row of the file as a dict; the data model gives nodes."""
    return dict(getattr(row, "instance", row))
