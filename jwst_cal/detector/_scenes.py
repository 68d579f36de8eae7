"""What steps share that measure on the background: draft rates, NIRSpec's shutters, by-products."""

import logging

import numpy as np

from jwst_cal import flags, models, modes

__all__ = ["draft_rates", "save", "shutters", "with_coordinates"]

log = logging.getLogger(__name__)

#: Rows of NIRSpec's fixed slits.
FIXED_SLITS = slice(922, 1116)
#: Exposures of NIRSpec's spectrographs, through slits and shutters, and all.
WITH_SLITS = frozenset({"NRS_FIXEDSLIT", "NRS_BRIGHTOBJ", "NRS_MSASPEC"})
SPECTRA = WITH_SLITS | {"NRS_IFU"}


def draft_rates(step, ramp):
    """
    Fit a ramp with default parameters, to see what is in the image.

    Parameters
    ----------
    step : Step
        The step that asks.
    ramp : RampModel
        Ramps, which are left alone.

    Returns
    -------
    rate, rateints : data model or None
        Count rates; None where no ramp can be fitted.
    """
    log.info("Made a draft rate to find the background")
    return step.run_other("ramp_fit", ramp)


def with_coordinates(step, rates, *, failed_shutters):
    """
    Give NIRSpec's count rates coordinates, which tell where slits and shutters are.

    Parameters
    ----------
    step : Step
        The step that asks; its input's folder holds the list of open shutters.
    rates : ImageModel or CubeModel
        Count rates, which are left alone.
    failed_shutters : bool
        Flag what is seen through failed-open shutters.

    Returns
    -------
    ImageModel or CubeModel
        The same, if nothing is missing, or with it. Of images and darks nothing is known to be
        missing.

    Raises
    ------
    ExitStatus
        If the detector sees none of the open slits.
    ShutterFileError
        If it is not known which shutters were open.
    """
    kind = modes.exposure_type(rates)
    if kind not in SPECTRA and not (failed_shutters and kind in modes.LAMPS):
        return rates
    if not rates.meta.hasattr("wcs") or rates.meta.wcs is None:
        log.info("Assigned coordinates to find slits and shutters")
        rates = step.run_other("assign_wcs", rates)
    done = rates.meta.cal_step
    if failed_shutters and done.assign_wcs == "COMPLETE" and done.msa_flagging is None:
        rates = step.run_other("msa_flagging", rates)
    return rates


def shutters(rates):
    """
    Find where NIRSpec's slits and shutters let light through.

    Parameters
    ----------
    rates : ImageModel or CubeModel
        Count rates, with coordinates if they show spectra.

    Returns
    -------
    bool, of the shape of the flags
        Slits, failed-open shutters that are flagged, and all rows of the fixed slits if none was
        open.

    Notes
    -----
    Of the IFU: its slices, and those rows.
    """
    kind = modes.exposure_type(rates)
    dq = rates.get_default("dq") if rates.dq is None else rates.dq
    found = dq & flags.pixel["MSA_FAILED_OPEN"] != 0
    if kind == "NRS_IFU":
        log.info("Left out the slices and the rows of the fixed slits")
        found |= _slices(rates) > 0
        found[..., FIXED_SLITS, :] = True
    if kind not in WITH_SLITS:
        return found
    from gwcs.utils import to_index

    wcs = rates.meta.wcs
    frame = wcs.get_transform("gwa", "slit_frame")
    for slit in frame.slit_ids:
        box = wcs.bounding_box[slit]
        columns, rows = (slice(*map(int, to_index(tuple(box[axis])))) for axis in (0, 1))
        found[..., rows, columns] = True
    if kind == "NRS_MSASPEC" and not any(slit.quadrant == 5 for slit in frame.slits):
        log.info("Left out the rows of the fixed slits: none of them was open")
        found[..., FIXED_SLITS, :] = True
    return found


def _slices(rates):
    """Number of the slice that each pixel sees, from 1."""
    regions = getattr(rates, "regions", None)
    if regions is not None:
        return regions
    return rates.meta.wcs.get_transform("detector", "slicer").label_mapper.mapper


def save(step, like, data, suffix):
    """
    Save an array beside the products, with the metadata of an exposure.

    Parameters
    ----------
    step : Step
        The step that made it.
    like : data model
        The exposure.
    data : array [row, col], [integration, row, col] or [integration, group, row, col]
        What is saved, as float32.
    suffix : str
        End of the file name.
    """
    kinds = {2: models.ImageModel, 3: models.CubeModel, 4: models.RampModel}
    product = kinds[data.ndim](data=data.astype(np.float32, copy=False))
    product.update(like)
    step.save_model(product, suffix, output_file=like.meta.filename)
    product.close()
