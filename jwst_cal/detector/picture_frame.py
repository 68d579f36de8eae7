"""Picture frame: the glow of the border of NIRSpec's detectors."""

import logging

import numpy as np

from jwst_cal import modes
from jwst_cal.detector import _flicker, _picture_frame, _scenes
from jwst_cal.errors import ExitStatus, InputError, ReferenceFileError, ShutterFileError
from jwst_cal.framework import Reference, SkipStep, Step, param
from jwst_cal.kernels import memory

__all__ = ["PictureFrameStep"]

log = logging.getLogger(__name__)


class PictureFrameStep(Step):
    """
    Scale the picture frame of a NIRSpec detector to each group and subtract it.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "picture_frame"
    references = {"pictureframe": Reference("PictureFrameModel")}
    takes = ("RampModel", "ImageModel", "IFUImageModel", "CubeModel")

    mask_science_regions: bool = param(True, "Leave known science regions out of the background")
    n_sigma: float = param(2.0, "What is brighter than the background by so many standard "
                                "deviations is left out of it")
    save_mask: bool = param(False, "Save the mask of the background, as _pctfrm_mask")
    save_correction: bool = param(False, "Save what was changed, as _pctfrm_correction")
    skip: bool = param(True, "Skip this step")

    def process(self, model, *, refs):
        """
        Correct a ramp or count rates, in place.

        Parameters
        ----------
        model : RampModel, ImageModel or CubeModel
            Ramp with jumps flagged, DN, or count rates, DN/s, of a full frame.
        refs : References
            ``pictureframe``.

        Returns
        -------
        data model
            The same model.

        Raises
        ------
        InputError
            If the image is no full frame.
        ReferenceFileError
            If the reference has another shape.
        """
        frame = refs.pictureframe.data
        if not modes.is_nirspec(model) or (model.meta.subarray.name or "").upper() != "FULL":
            raise SkipStep("only full frames of NIRSpec have a picture frame")
        name, shape = model.meta.filename or "the exposure", model.data.shape[-2:]
        if shape != (2048, 2048):
            raise InputError(f"{name}: shape {shape} where (2048, 2048) is needed")
        if frame.shape != shape:
            raise ReferenceFileError(f"{refs.path('pictureframe') or 'the open PictureFrameModel'}"
                                     f": shape {frame.shape} where {name} has {shape}")
        rates = model
        if model.data.ndim == 4:
            if model.data.shape[1] == 1:
                raise SkipStep("a single group has no rate")
            rates, _ = _scenes.draft_rates(self, model)
            if rates is None:
                raise SkipStep("no count rate can be fitted to find the background")
        masked = self.mask_science_regions
        if masked:
            try:
                rates = _scenes.with_coordinates(self, rates, failed_shutters=True)
            except ExitStatus as problem:
                log.warning("%s: science regions were not left out", problem)
                masked = False
            except ShutterFileError as problem:
                log.warning("%s: nothing was changed", problem)
                self.record_step_status(model, status="FAILED")
                return model
        mask = self._background(rates, masked=masked)
        regions = _picture_frame.regions_of(mask)
        if self.save_mask:
            _scenes.save(self, rates, mask, "pctfrm_mask")
        if not regions.are_usable:
            raise SkipStep("no background is left in the middle or near the border")
        before = memory.copied(model.data) if self.save_correction else None
        scales = _picture_frame.subtract(model.data, np.ascontiguousarray(frame, np.float32),
                                         regions)
        log.info("Subtracted the picture frame, measured on %d pixels in the middle and %d near "
                 "the border, scaled by up to %.3g", regions.centre.sum(), regions.edge.sum(),
                 np.nanmax(np.abs(scales)))
        if before is not None:
            _scenes.save(self, model, model.data - before, "pctfrm_correction")
        return model

    def _background(self, rates, *, masked):
        usable = np.ones(rates.data.shape, bool)
        if masked:
            usable &= ~_scenes.shutters(rates)
        return _flicker.scene_mask(rates.data, usable, n_sigma=self.n_sigma)
