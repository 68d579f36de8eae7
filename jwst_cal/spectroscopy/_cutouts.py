"""Cutouts of spectra: NIRSpec's slits, NIRCam's grism time series."""

import logging

import numpy as np

from jwst_cal import modes
from jwst_cal.astrometry._s_region import polygon
from jwst_cal.astrometry._wcs import nircam_grism, nirspec_one_slit, nirspec_slits
from jwst_cal.errors import ExitStatus, InputError, ReferenceFileError

__all__ = ["chosen", "of_grism", "orders", "through_slit", "through_slits",
           "wavelengths"]

log = logging.getLogger(__name__)

NO_DATA = 64
#: Row, from 0, in which the star of a grism time series is said to be.
STAR_ROW = 34
#: Any wavelength will do where only places are asked for, m and micron.
SOME_METRES, SOME_MICRONS = 2e-6, 2.0
ARRAYS = ("data", "err", "dq", "var_rnoise", "var_poisson", "var_flat")
#: Attributes of a slit that opened shutters have besides, with their types.
_OF_SHUTTERS = {
    "source_name": str, "source_alias": str, "stellarity": float, "source_xpos": float,
    "source_ypos": float, "quadrant": int, "xcen": int, "ycen": int, "dither_position": int,
    "source_ra": float, "source_dec": float, "slit_xscale": float, "slit_yscale": float,
    "shutter_state": str,
}


def chosen(exposure, names, sources):
    """
    List the open slits that are wanted.

    Parameters
    ----------
    exposure : data model
        With coordinates.
    names, sources : list or None
        Names of slits and numbers of sources; all slits where both are None.

    Returns
    -------
    list of Slit
        First those by name.

    Raises
    ------
    ExitStatus
        Of status 64, if there is none.
    """
    slits = exposure.meta.wcs.get_transform("gwa", "slit_frame").slits
    if names is None and sources is None:
        return list(slits)
    found = []
    for what, wanted in (("name", names), ("source_id", sources)):
        here = {str(getattr(slit, what)) for slit in slits}
        wanted = {str(value) for value in wanted or ()}
        if wanted - here:
            log.warning("No open slit has the %s %s", what, ", ".join(sorted(wanted - here)))
        found += [slit for slit in slits
                  if str(getattr(slit, what)) in wanted and slit not in found]
    if not found:
        raise ExitStatus(NO_DATA, f"{exposure.meta.filename or 'the input'}: none of the wanted "
                                  "slits was open")
    return found


def through_slit(exposure, slit):
    """
    Cut out the spectrum of one slit, as a product of its own.

    Parameters
    ----------
    exposure : ImageModel or CubeModel
        Count rates with coordinates.
    slit : Slit
        An open slit.

    Returns
    -------
    SlitModel
        The spectrum, with wavelengths and its place in the exposure.
    """
    from gwcs.utils import to_index

    wcs = nirspec_one_slit.of_slit(exposure.meta.wcs, _number(slit))
    columns, rows = (to_index(wcs.bounding_box[axis]) for axis in (0, 1))
    window = slice(*rows), slice(*columns)
    _shift(wcs, "detector", "sca", columns[0], rows[0])
    cutout = _cut(exposure, window, wcs)
    cutout.wavelength = wavelengths(wcs, cutout.data.shape).astype(np.float32)
    cutout.meta.wcsinfo.dispersion_direction = exposure.meta.wcsinfo.dispersion_direction
    cutout.name, cutout.source_id = str(slit.name), int(slit.source_id)
    cutout.shutter_id = int(slit.shutter_id)
    cutout.slit_ymin, cutout.slit_ymax = slit.ymin, slit.ymax
    cutout.xstart, cutout.xsize = columns[0] + 1, columns[1] - columns[0]
    cutout.ystart, cutout.ysize = rows[0] + 1, rows[1] - rows[0]
    if _of_shutters(exposure):
        for name, kind in _OF_SHUTTERS.items():
            setattr(cutout, name, kind(getattr(slit, name)))
        named = str(slit.name).removeprefix("-").isdigit()
        cutout.slitlet_id = int(slit.name if named else slit.shutter_id)
    elif modes.exposure_type(exposure) == "NRS_BRIGHTOBJ":
        cutout.source_xpos, cutout.source_ypos = _place_in_slit(cutout)
    elif modes.exposure_type(exposure) == "NRS_FIXEDSLIT":
        is_target = slit.name == exposure.meta.instrument.fixed_slit
        cutout.source_xpos, cutout.source_ypos = _place_in_slit(cutout) if is_target else (0., 0.)
    if "world" in wcs.available_frames:
        _outline(cutout)
    log.info("Cut out slit %s: columns %d to %d, rows %d to %d (from 1)", slit.name,
             columns[0] + 1, columns[1], rows[0] + 1, rows[1])
    return cutout


def through_slits(exposure, slits):
    """
    Cut out the spectra of slits.

    Parameters
    ----------
    exposure : ImageModel or CubeModel
        Count rates with coordinates.
    slits : list of Slit
        Open slits.

    Returns
    -------
    MultiSlitModel
        Their spectra, in this order.
    """
    from stdatamodels.jwst.datamodels import MultiSlitModel

    product = MultiSlitModel()
    product.update(exposure)
    product.slits.extend([through_slit(exposure, slit) for slit in slits])
    return product


def _number(slit):
    """Number of a slit for coordinates."""
    name = str(slit.name).upper()
    return nirspec_slits.fixed_slit_id(name) if name in nirspec_slits.FIXED_SLITS else slit.name


def _of_shutters(exposure):
    return (modes.exposure_type(exposure) in ("NRS_MSASPEC", "NRS_AUTOFLAT")
            or (exposure.meta.instrument.lamp_mode or "").upper() == "MSASPEC")


def _cut(exposure, window, wcs):
    """A SlitModel of part of the exposure."""
    from stdatamodels.jwst.datamodels import SlitModel

    found = {name: getattr(exposure, name) for name in ARRAYS if exposure.hasattr(name)}
    cutout = SlitModel(**{name: array[(..., *window)].copy() for name, array in found.items()
                          if array is not None and array.size})
    cutout.update(exposure)
    if modes.is_tso(exposure) and exposure.hasattr("int_times") and exposure.int_times is not None:
        cutout.int_times = exposure.int_times.copy()
    n_rows, n_cols = cutout.data.shape[-2:]
    wcs.bounding_box = (-0.5, n_cols - 0.5), (-0.5, n_rows - 0.5)
    cutout.meta.wcs = wcs
    return cutout


def _shift(wcs, first, second, column, row):
    """Let coordinates begin in the corner of a cutout."""
    from astropy.modeling.models import Shift

    transform = wcs.get_transform(first, second)
    wcs.set_transform(first, second,
                      (Shift(column) & Shift(row) | transform).rename(transform.name))


def wavelengths(wcs, shape):
    """
    Find the wavelength of every pixel.

    Parameters
    ----------
    wcs : gwcs.WCS
        Coordinates of a cutout.
    shape : tuple of int
        Its shape; rows and columns come last.

    Returns
    -------
    float64 [row, col], micron
        NaN where no light falls.
    """
    rows, columns = np.indices(shape[-2:], dtype=float)
    # a transformation takes the grid as it is; with a bounding box it would get a list of pixels
    return np.broadcast_to(wcs.forward_transform(columns, rows)[2], shape[-2:])


def _place_in_slit(cutout):
    """Where the target is in its slit, in widths and heights."""
    from stdatamodels.jwst.transforms.models import IdealToV2V3

    dither, info = cutout.meta.dither, cutout.meta.wcsinfo
    if dither.x_offset is None or dither.y_offset is None:
        log.warning("XOFFSET or YOFFSET is missing: the target was taken to be in the middle of "
                    "the slit")
        return 0.0, 0.0
    telescope = IdealToV2V3(info.v3yangle, info.v2_ref, info.v3_ref, info.vparity)
    to_slit = cutout.meta.wcs.get_transform("v2v3", "slit_frame")
    x, y, _ = to_slit(*telescope(dither.x_offset, dither.y_offset), SOME_MICRONS)
    log.info("The target is at x, y = %.3f, %.3f in the slit", x, y)
    return float(x), float(y)


def _outline(cutout):
    """Write outline and wavelengths of the slit into the header."""
    corners = [-0.5, -0.5, 0.5, 0.5], [cutout.slit_ymin, cutout.slit_ymax, cutout.slit_ymax,
                                       cutout.slit_ymin]
    to_sky = cutout.meta.wcs.get_transform("slit_frame", "world")
    ra, dec, wavelength = to_sky(*corners, [SOME_METRES] * 4)
    outline = polygon(np.stack([ra, dec], axis=1))
    if outline is not None:
        cutout.meta.wcsinfo.s_region = outline
        log.info("S_REGION: %s", outline)
    cutout.meta.wcsinfo.spectral_region = (np.nanmin(wavelength), np.nanmax(wavelength))


def orders(reference, exposure, wanted):
    """
    List the spectral orders to cut out.

    Parameters
    ----------
    reference : WavelengthrangeModel or None
        Orders by filter.
    exposure : data model
        Its filter is read.
    wanted : list of int or None
        What the user asks for.

    Returns
    -------
    list of int
        The orders.

    Raises
    ------
    ReferenceFileError
        If the reference is missing, is for another mode, or does not know the filter.
    """
    name = exposure.meta.filename or "the input"
    if reference is None:
        raise ReferenceFileError(f"{name}: no WAVELENGTHRANGE reference, which tells the spectral "
                                 "order")
    file, filter_ = reference.meta.filename, exposure.meta.instrument.filter
    of = reference.meta.instrument.name, reference.meta.exposure.type
    if of != ("NIRCAM", "NRC_TSGRISM"):
        raise ReferenceFileError(f"{file}: a WAVELENGTHRANGE reference of {of[0]}, {of[1]} where "
                                 "one of NIRCAM, NRC_TSGRISM is needed")
    found = wanted
    if found is None:
        listed = [row[1] for row in reference.extract_orders if row[0] == filter_]
        found = list(listed[-1]) if listed else []
    known = {(row[0], row[2]) for row in reference.wavelengthrange}
    unknown = [order for order in found if (order, filter_) not in known]
    if unknown or not found:
        raise ReferenceFileError(f"{file}: no range of wavelengths of the filter {filter_} in "
                                 f"order {', '.join(map(str, unknown)) or 'any'}")
    return found


def of_grism(exposure, order, height):
    """
    Cut out the spectrum of a grism time series: the first rows, all columns.

    Parameters
    ----------
    exposure : ImageModel or CubeModel
        Count rates with coordinates; XREF_SCI and YREF_SCI are read.
    order : int
        Spectral order.
    height : int
        Rows.

    Returns
    -------
    SlitModel
        The spectrum, with wavelengths. Wherever the star is, SRCYPOS is 34.

    Raises
    ------
    InputError
        If the place of the star is missing, or its wavelengths cannot be found.
    """
    meta = exposure.meta
    if meta.wcsinfo.siaf_xref_sci is None or meta.wcsinfo.siaf_yref_sci is None:
        raise InputError(f"{meta.filename or 'the input'}: XREF_SCI or YREF_SCI missing: the place "
                         "of the star on the detector is not known")
    if "DHS" in (meta.subarray.name or "").upper():
        raise InputError(f"{meta.filename or 'the input'}: SUBARRAY={meta.subarray.name}; this "
                         "release cuts out time series through GRISMR")
    nircam_grism.check_inverse(meta.wcs, meta.filename or "the input")
    wcs = _of_order(meta.wcs, order)
    cutout = _cut(exposure, (slice(0, height), slice(None)), wcs)
    cutout.wavelength = wavelengths(wcs, cutout.data.shape)
    x = _column_of_star(exposure)
    cutout.meta.wcsinfo.siaf_xref_sci, cutout.meta.wcsinfo.siaf_yref_sci = x + 1, STAR_ROW
    cutout.meta.wcsinfo.spectral_order = order
    cutout.name, cutout.source_id = "1", 1
    cutout.source_type, cutout.source_name = meta.target.source_type, meta.target.catalog_name
    cutout.source_alias = meta.target.proposer_name
    cutout.source_xpos, cutout.source_ypos = x, STAR_ROW
    cutout.xstart = cutout.ystart = 1
    cutout.ysize, cutout.xsize = cutout.data.shape[-2:]
    log.info("Cut out order %d: rows 1 to %d of %d; the star is in column %.2f (from 1)", order,
             cutout.ysize, exposure.data.shape[-2], x + 1)
    return cutout


def _of_order(wcs, order):
    """Coordinates that take x and y only, of one order."""
    import gwcs
    from astropy.modeling.models import Const1D, Identity, Mapping

    constant = Const1D(order)
    constant.inverse = Const1D(order)
    first, *others = wcs.pipeline
    return gwcs.WCS([
        (first.frame, Mapping((0, 1, 0)) | Identity(2) & constant | first.transform),
        *((leg.frame, leg.transform) for leg in others)])


def _column_of_star(exposure):
    """Column, from 0, on which the star would fall without the grism."""
    from stdatamodels.jwst.transforms.models import IdealToV2V3

    info, dither = exposure.meta.wcsinfo, exposure.meta.dither
    telescope = IdealToV2V3(info.v3yangle, info.v2_ref, info.v3_ref, info.vparity)
    to_pixels = exposure.meta.wcs.get_transform("v2v3", "direct_image")
    place = telescope(dither.x_offset or 0.0, dither.y_offset or 0.0)
    return float(to_pixels(*place, np.nan, 1)[0])
