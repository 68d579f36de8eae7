"""World coordinates of images: distortion, aberration and pointing."""

import logging

from jwst_cal import modes
from jwst_cal.astrometry._wcs import pointing
from jwst_cal.errors import ReferenceFileError, SkipStep
from jwst_cal.models import _asdf, transforms
from jwst_cal.models.transforms import Frame

__all__ = ["build", "distortion", "subarray_shift"]

log = logging.getLogger(__name__)

DETECTOR = Frame("frame2d", "detector", ("x", "y"), ("pixel", "pixel"), ("custom:x", "custom:y"))
V2V3 = Frame("frame2d", "v2v3", ("v2", "v3"), ("arcsec", "arcsec"), ("custom:v2", "custom:v3"))
WORLD = Frame("celestial_frame", "world", ("lon", "lat"), ("deg", "deg"),
              ("pos.eq.ra", "pos.eq.dec"))


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
    WCS or gwcs.WCS
        Frames ``detector``, ``v2v3``, ``v2v3vacorr``, ``world``. The second for a distortion with
        transformations that the first does not know.

    Raises
    ------
    SkipStep
        If there is no distortion reference.
    ReferenceFileError
        If the distortion holds no transformation, or the filter offsets are ambiguous.
    """
    if refs.distortion is None:
        raise SkipStep("no DISTORTION reference file for this exposure (N/A)")
    if not callable(getattr(refs.distortion, "model", None)):
        raise ReferenceFileError(f"{refs.distortion.meta.filename or 'DISTORTION'}: no "
                                 "transformation ('model')")
    try:
        _asdf.transform_of(refs.distortion.model)
    except _asdf.Unusual as reason:
        log.debug("The distortion is left to gwcs: %s", reason)
        from jwst_cal.astrometry._wcs import libraries as kinds
    else:
        kinds = transforms
    first, shift = distortion(model, refs, kinds), subarray_shift(model, kinds)
    if shift is not None:
        subarray = model.meta.subarray
        first = kinds.bounded(shift | first, _bounds(subarray.ysize or 0, subarray.xsize or 0))
    return kinds.WCS([
        (DETECTOR, first),
        (V2V3, pointing.aberration(model, kinds)),
        (V2V3._replace(name="v2v3vacorr"), pointing.to_sky(model, kinds)),
        (WORLD, None),
    ])


def distortion(model, refs, kinds=transforms):
    """
    Make the map from pixels of the full frame to the telescope's frame.

    Parameters
    ----------
    model : data model
        The exposure: its filter, and its shape where the reference has no bounds.
    refs : References
        ``distortion`` and ``filteroffset``.
    kinds : module
        Where the transformations are taken from: ``transforms``, or ``libraries`` for those of
        astropy and gwcs.

    Returns
    -------
    Transform or astropy.modeling.Model
        Pixels (from 0) to V2, V3 in arcsec, with bounds.

    Raises
    ------
    ReferenceFileError
        If the filter offsets are ambiguous.
    """
    of_kind = _asdf.transform_of if kinds is transforms else _asdf.as_astropy
    transform = of_kind(refs.distortion.model)
    bounds = kinds.bounds_of(transform) or _bounds(*model.data.shape[-2:])
    offset = _filter_offset(model, refs)
    if offset is not None:
        transform = kinds.Shift(offset=offset[0]) & kinds.Shift(offset=offset[1]) | transform
    return kinds.bounded(transform, bounds)


def subarray_shift(model, kinds=transforms):
    """
    Make the shift from pixels of the exposure's array to those of the full frame.

    Parameters
    ----------
    model : data model
        SUBSTRT1 and SUBSTRT2 are read.
    kinds : module
        As for :func:`distortion`.

    Returns
    -------
    Transform or astropy.modeling.Model or None
        None where it is the full frame's corner.
    """
    corner = [1 if start is None else start
              for start in (model.meta.subarray.xstart, model.meta.subarray.ystart)]
    if corner == [1, 1]:
        return None
    shifts = [kinds.Identity(1) if start == 1 else kinds.Shift(offset=start - 1)
              for start in corner]
    return shifts[0] & shifts[1]


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
