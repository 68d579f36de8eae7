"""Flat field: differences of response between pixels, divided out."""

import logging

import numpy as np

from jwst_cal import modes
from jwst_cal.errors import InputError
from jwst_cal.framework import Reference, SkipStep, Step, param
from jwst_cal.framework.references import crop_to
from jwst_cal.kernels import flat as kernel
from jwst_cal.models import invalid, requirements
from jwst_cal.response import _flat

__all__ = ["FlatFieldStep"]

log = logging.getLogger(__name__)

#: NIRSpec exposures that pass through the instrument as images.
NIRSPEC_IMAGES = frozenset({"NRS_CONFIRM", "NRS_FOCUS", "NRS_IMAGE", "NRS_MIMF", "NRS_MSATA",
                            "NRS_TACONFIRM", "NRS_TACQ", "NRS_TASLIT", "NRS_WATA"})
NIRSPEC_SPECTRA = frozenset({"NRS_BRIGHTOBJ", "NRS_FIXEDSLIT", "NRS_IFU", "NRS_MSASPEC",
                             "NRS_LAMP", "NRS_AUTOWAVE"})


class FlatFieldStep(Step):
    """
    Divide an exposure by the detector's relative response.

    Notes
    -----
    Differs from jwst 3.0.0: NIRSpec spectra are refused; VAR_FLAT of a guide-star exposure, which
    its product has no place for, is not left in the metadata.
    """

    class_alias = "flat_field"
    takes_light = True
    references = {
        "flat": Reference("FlatModel", required=False),
        "fflat": Reference("NirspecFlatModel", required=False),
        "sflat": Reference("NirspecFlatModel", required=False),
        "dflat": Reference("NirspecFlatModel", required=False),
    }

    save_interpolated_flat: bool = param(False, "Save the flat that was applied")
    user_supplied_flat: str = param(None, "Flat to be used in the place of all references")
    inverse: bool = param(False, "Multiply by the flat instead: undo an earlier run")

    #: For NIRSpec spectra, which this release does not do.
    accepted = ("fflat", "sflat", "dflat")

    def process(self, science, *, refs):
        """
        Divide data and variances, set VAR_FLAT and ERR, and join the flags.

        Parameters
        ----------
        science : ImageModel, CubeModel, IFUImageModel, GuiderCalModel
            Count rates.
        refs : References
            ``flat``.

        Returns
        -------
        data model
            The same model. VAR_FLAT, ERR and DQ are new.

        Raises
        ------
        InputError
            For NIRSpec spectra.
        """
        kind = modes.exposure_type(science)
        if modes.is_nirspec(science) and kind not in NIRSPEC_IMAGES:
            self._refuse_spectra(science, kind)
        if science.meta.cal_step.extract_2d == "COMPLETE":
            raise SkipStep(f"{kind}: extract_2d must not come before the flat field")
        if self.user_supplied_flat is not None:
            refs.use("flat", self.make_input_path(self.user_supplied_flat))
            log.info("Flat supplied by the user: %s", self.user_supplied_flat)
        else:
            for reftype in self.references:
                refs.path(reftype)  # those that do not apply are recorded, too
        flat = refs.flat
        if flat is None:
            raise SkipStep("no FLAT reference file for this exposure (N/A)")
        name = refs.path("flat") or "the open flat"
        if any(have < need for have, need in zip(flat.data.shape[-2:], science.data.shape[-2:],
                                                 strict=True)):
            raise SkipStep(f"{name}: shape {flat.data.shape} is smaller than the exposure's "
                           f"{science.data.shape}")
        flat = crop_to(science, flat, name)
        self._apply(science, flat)
        if self.save_interpolated_flat:
            self.save_model(flat.copy(), suffix="interpolatedflat", force=True)
        return science

    def _refuse_spectra(self, science, kind):
        if kind not in NIRSPEC_SPECTRA:
            raise SkipStep(f"no flat field for {kind} exposures")
        raise InputError(f"{science.meta.filename or 'the input'}: EXP_TYPE={kind}; this release "
                         "does not flat-field NIRSpec spectra")

    def _apply(self, science, flat):
        values, flat_dq, n_bad = _flat.clean(flat.data, flat.dq)
        data = requirements.changeable(science, "data")
        variances = [array for name in ("var_poisson", "var_rnoise")
                     if (array := requirements.changeable(science, name)) is not None]
        guider = type(science).__name__ == "GuiderCalModel"
        if self.inverse:
            err = kernel.multiply(data, variances, values)
            var_flat = np.zeros_like(data)
        else:
            var_flat, err = kernel.divide(data, variances, values, flat.err)
        if not guider:
            science.err, science.var_flat = err, var_flat
        elif not self.inverse:
            science.err = np.sqrt(science.err**2 + var_flat)
        science.dq = science.dq | flat_dq
        invalid.reconcile(science)
        log.info("%s by the flat; %d pixels have none", "Multiplied" if self.inverse else "Divided",
                 n_bad)
