"""The header of an image that several were combined in."""

import contextlib
import logging

import numpy as np

from jwst_cal.coadd import _output_frame
from jwst_cal.errors import ParameterError
from jwst_cal.models import _files

__all__ = ["Times", "blank", "describe", "fill_value", "name_association"]

log = logging.getLogger(__name__)

#: Keywords of the pointing of one detector, which a mosaic does not have.
_OF_ONE_DETECTOR = ("v2_ref", "v3_ref", "ra_ref", "dec_ref", "roll_ref", "v3yangle", "vparity")


class Times:
    """Exposure times; an exposure counts once, however many detectors it has."""

    def __init__(self):
        self._seen = set()
        self._start, self._end = [], []
        self._sums = dict.fromkeys(("exposure_time", "measurement_time", "duration"), 0.0)

    @property
    def n_exposures(self):
        return len(self._seen)

    def add(self, image):
        group = image.meta.group_id
        if group in self._seen:
            return
        self._seen.add(group)
        exposure = image.meta.exposure
        self._start.append(exposure.start_time)
        self._end.append(exposure.end_time)
        for name, total in self._sums.items():
            value = getattr(exposure, name)
            if value is None and name == "measurement_time":
                self._sums[name] = None
            elif total is not None:
                self._sums[name] = total + (value or 0.0)

    def write(self, output):
        exposure = output.meta.exposure
        for name, total in self._sums.items():
            setattr(exposure, name, total)
        exposure.effective_exposure_time = self._sums["exposure_time"]
        exposure.elapsed_exposure_time = self._sums["duration"]
        for name, values, choose in (("start_time", self._start, min),
                                     ("end_time", self._end, max)):
            known = [value for value in values if value is not None]
            setattr(exposure, name, choose(known) if known else None)


def blank(image, frame):
    """
    Make an empty output with the header of an image.

    Parameters
    ----------
    image : data model
        The first of the images.
    frame : Frame
        The output frame.

    Returns
    -------
    ImageModel
        Without arrays.
    """
    output = _files.new("ImageModel", image)
    output.meta.wcs = frame.wcs
    output.meta.bunit_data = image.meta.bunit_data
    return output


def fill_value(text, alias):
    """
    Read the value of output pixels without data.

    Parameters
    ----------
    text : str
        A number, NAN or INDEF.
    alias : str
        Step whose parameter it is.

    Returns
    -------
    float
        The value.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    text = text.strip().upper()
    try:
        return np.nan if text in ("NAN", "INDEF", "") else float(text)
    except ValueError:
        raise ParameterError(f"Parameter 'fillval' of {alias}: '{text}' where a number, NAN or "
                             "INDEF is needed") from None


def describe(output, frame, polygons, n_exposures, step):
    """
    Fill in what the header says of the grid and of how it was made.

    Parameters
    ----------
    output : ImageModel
        The combined image.
    frame : Frame
        Its grid.
    polygons : list of float64 [corner, 2]
        Outlines of the images, degrees.
    n_exposures : int
        Number of exposures in it.
    step : Step
        With the parameters pixfrac, kernel, fillval and weight_type.
    """
    from jwst_cal.astrometry import _s_region

    meta = output.meta
    meta.wcs = frame.wcs
    meta.photometry.pixelarea_arcsecsq = frame.scale**2
    meta.photometry.pixelarea_steradians = frame.scale**2 / np.rad2deg(3600) ** 2
    made = meta.resample
    made.pointings, made.pixel_scale_ratio = n_exposures, frame.scale_ratio
    made.pixfrac, made.kernel, made.fillval = step.pixfrac, step.kernel, step.fillval
    made.weight_type = None if step.weight_type == "None" else step.weight_type
    meta.background.level = meta.background.subtracted = None
    _describe_grid(output)
    outline = _output_frame.union(polygons, frame)
    if outline is None:
        log.warning("No image lies in the output: S_REGION is not set")
    else:
        meta.wcsinfo.s_region = "  ".join(_s_region.polygon(part) for part in outline)
        log.info("S_REGION: %s", meta.wcsinfo.s_region)


def name_association(output, library):
    """Tell the association that the images are of."""
    for theirs, ours in (("asn_pool", "pool_name"), ("table_name", "table_name")):
        if library.asn.get(theirs) is not None:
            setattr(output.meta.asn, ours, library.asn[theirs])


def _describe_grid(output):
    """Keywords of the linear FITS description in the place of those of one detector."""
    from jwst_cal.astrometry import _fits_sip

    info, wcs = output.meta.wcsinfo, output.meta.wcs
    _fits_sip.forget(info)
    plane = _output_frame.plane_of(wcs)
    if plane is not None:
        values = {"ctype1": f"RA---{plane['code']}", "ctype2": f"DEC--{plane['code']}",
                  "radesys": "ICRS"}
        for axis in (0, 1):
            values |= {f"crpix{axis + 1}": float(plane["crpix"][axis]) + 1,
                       f"cdelt{axis + 1}": float(plane["cdelt"][axis]),
                       f"crval{axis + 1}": float(plane["crval"][axis]),
                       f"cunit{axis + 1}": str(wcs.output_frame.unit[axis])}
            for other in (0, 1):
                values[f"pc{axis + 1}_{other + 1}"] = float(plane["pc"][axis][other])
        for name, value in values.items():
            with contextlib.suppress(AttributeError):
                setattr(info, name, value)
    else:
        log.warning("The output's coordinates are no plain projection: the header describes them "
                    "by a linear fit")
        if wcs.bounding_box is None:
            n_rows, n_cols = output.data.shape
            wcs.bounding_box = (-0.5, n_cols - 0.5), (-0.5, n_rows - 0.5)
        _fits_sip.describe(info, wcs, degree=1, max_inverse_error=None, inverse_degree=0)
    for name in _OF_ONE_DETECTOR:
        info.instance.pop(name, None)
