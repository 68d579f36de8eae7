"""What combining images takes from each of them."""

import logging

import numpy as np

from jwst_cal.coadd import _output_frame
from jwst_cal.errors import InputError
from jwst_cal.kernels.pixels import inverse_variance
from jwst_cal.models import requirements

__all__ = ["look", "weigh", "without_sky"]

log = logging.getLogger(__name__)


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
        If the first is no 2-D image with coordinates on the sky.
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
            found.append((first.meta.wcs, first.meta.wcsinfo.instance, first.data.shape,
                          s_region))
            area = first.meta.photometry.pixelarea_steradians
            library.shelve(first, 0, modify=False)
    return found, polygons, area


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


def without_sky(image):
    """
    Take off the level of the sky where it was measured and not subtracted.

    Parameters
    ----------
    image : data model
        The image; it is not changed.

    Returns
    -------
    float32 [row, col]
        Values.
    """
    level = image.meta.background.level
    if level is None or image.meta.background.subtracted:
        return image.data
    return image.data - np.float32(level)
