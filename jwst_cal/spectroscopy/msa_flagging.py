"""Failed shutters: pixels that see the sky through shutters which NIRSpec cannot close."""

import logging

import numpy as np

from jwst_cal import flags
from jwst_cal.errors import InputError
from jwst_cal.framework import Reference, SkipStep, Step
from jwst_cal.framework.references import Recorded

__all__ = ["MSAFlagOpenStep"]

log = logging.getLogger(__name__)


class MSAFlagOpenStep(Step):
    """
    Flag the pixels that see the sky through shutters that stay open.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "msa_flagging"
    references = {"msaoper": Reference("JwstDataModel", required=False)}
    takes = ("ImageModel", "IFUImageModel", "CubeModel")

    def process(self, rates, *, refs):
        """
        Flag an exposure that has coordinates.

        Parameters
        ----------
        rates : ImageModel, IFUImageModel or CubeModel
            Count rates; the references of ``assign_wcs`` are those that its header names.
        refs : References
            ``msaoper``, the states of the shutters.

        Returns
        -------
        data model
            The same model.

        Raises
        ------
        InputError
            If the exposure has no coordinates.
        """
        from jwst_cal.astrometry._wcs import nirspec, nirspec_slits

        path = refs.path("msaoper")
        if path is None:
            raise SkipStep("no MSAOPER reference file for this exposure (N/A)")
        if rates.meta.cal_step.assign_wcs != "COMPLETE":
            raise InputError(f"{rates.meta.filename or 'the input'}: msa_flagging needs assign_wcs "
                             "before")
        shutters = nirspec_slits.failed(path)
        if shutters:
            with Recorded(rates, "assign_wcs") as optics:
                open_ = nirspec.seen_through(rates, optics, shutters)
            dq = rates.get_default("dq") if rates.dq is None else rates.dq
            rates.dq = np.where(open_, dq | flags.pixel["MSA_FAILED_OPEN"], dq).astype(np.uint32)
            log.info("Flagged %d pixels that see %d shutters which do not close", open_.sum(),
                     len(shutters))
        return rates
