"""What combining images takes from each of them."""

import logging

import numpy as np

from jwst_cal.coadd import _output_frame
from jwst_cal.errors import InputError
from jwst_cal.kernels.pixels import inverse_variance
from jwst_cal.models import requirements

__all__ = ["look", "sky_left", "tell_gaps", "weigh"]

log = logging.getLogger(__name__)

#: What lays the output along the axes of the detector.
POINTING = {"ra_ref": "RA_REF", "dec_ref": "DEC_REF", "roll_ref": "ROLL_REF",
            "v3yangle": "V3I_YANG", "vparity": "VPARITY"}
#: A frame of so many pixels, of which images fill less than this part, is told to be empty.
LARGE, EMPTY = 50_000_000, 0.02


def look(library, alias):
    """
    Find out where images lie.

    Parameters
    ----------
    library : ModelLibrary
        The images; only the first is opened.
    alias : str
        Step that they are given to.

    Returns
    -------
    found : list of (wcs, wcsinfo, shape, s_region)
        As :func:`jwst_cal.coadd._output_frame.around` takes them.
    polygons : list of float64 [corner, 2]
        All outlines, degrees.
    area : float or None
        Pixel area of the first image, steradians.

    Raises
    ------
    InputError
        If the first is no 2-D image with coordinates on the sky, or does not tell how the
        detector lay on it.
    """
    found, polygons = [], []
    with library:
        for index in range(len(library)):
            s_region = library.read_metadata(index).get("meta.wcsinfo.s_region")
            polygons += _output_frame.outlines(s_region)
            if index:
                found.append((None, None, None, s_region))
                continue
            first = library.borrow(0)
            requirements.image_of_the_sky(first, alias)
            _require_pointing(first, alias)
            found.append((first.meta.wcs, first.meta.wcsinfo.instance, first.data.shape,
                          s_region))
            area = first.meta.photometry.pixelarea_steradians
            library.shelve(first, 0, modify=False)
    return found, polygons, area


def _require_pointing(image, alias):
    missing = [keyword for name, keyword in POINTING.items()
               if getattr(image.meta.wcsinfo, name, None) is None]
    if missing:
        raise InputError(f"{image.meta.filename}: {', '.join(missing)} missing; {alias} takes "
                         "exposures of a detector, no mosaics")


def tell_gaps(library, found, frame):
    """
    Warn of a large frame that is nearly empty, as one image lies far away from the others.

    Parameters
    ----------
    library : ModelLibrary
        The images.
    found : list of (wcs, wcsinfo, shape, s_region)
        As `look` found them.
    frame : Frame
        The frame around all of them.
    """
    n_pixels = float(np.prod(frame.shape, dtype=float))
    if n_pixels < LARGE:
        return
    filled, middles = 0.0, []
    for *_, s_region in found:
        parts = [np.stack(frame.wcs.invert(*part.T, with_bounding_box=False))
                 for part in _output_frame.outlines(s_region)]
        filled += sum(abs(np.sum(x * np.roll(y, 1) - y * np.roll(x, 1))) / 2 for x, y in parts)
        middles.append(np.hstack(parts).mean(axis=1) if parts else [np.nan, np.nan])
    if not filled < EMPTY * n_pixels:
        return
    away = np.hypot(*(np.array(middles) - np.nanmedian(middles, axis=0)).T)
    with library:
        name = library.read_metadata(int(np.nanargmax(away))).get("meta.filename")
    log.warning("The images fill %.2g %% of an output of %d columns and %d rows: %s is %.3g "
                "degrees away from the others", 100 * filled / n_pixels, *frame.shape[::-1], name,
                np.nanmax(away) * frame.scale / 3600)


def weigh(image, weight_type, unwanted):
    """
    Give the weights of an image's pixels.

    Parameters
    ----------
    image : data model
        The image.
    weight_type : {"ivm", "exptime", "None"}
        Inverse variance of the read noise, exposure time, or 1.
    unwanted : uint32
        Pixels with one of these flags have no weight.

    Returns
    -------
    weight : float32 [row, col]
        Weights.
    image_weight : float or str
        Weight of the image as a whole: a number, or the name of the variance whose inverse it is.

    Raises
    ------
    InputError
        If there is no exposure time to weigh by.
    """
    name, shape = image.meta.filename, image.data.shape
    variance = getattr(image, "var_rnoise", None) if weight_type == "ivm" else None
    if variance is not None and variance.shape == shape:
        return inverse_variance(variance, image.dq, unwanted), "var_rnoise"
    usable = (image.dq & unwanted) == 0
    if weight_type == "exptime":
        exposure = image.meta.exposure
        time = exposure.measurement_time or exposure.exposure_time
        if time is None:
            raise InputError(f"{name}: neither TMEASURE nor XPOSURE: there is no exposure time to "
                             "weigh by")
        return np.where(usable, np.float32(time), np.float32(0)), time
    if weight_type == "ivm":
        log.warning("%s has no VAR_RNOISE: all its pixels weigh the same", name)
    return usable.astype(np.float32), 1.0


def sky_left(image):
    """
    Give the level of the sky that was measured and not subtracted.

    Parameters
    ----------
    image : data model
        The image.

    Returns
    -------
    float
        The level; 0 if there is none.
    """
    level = image.meta.background.level
    return 0.0 if level is None or image.meta.background.subtracted else level
