"""Gain scale: rates of an exposure taken with a non-standard gain, put on the standard one."""

import logging

import numpy as np

from jwst_cal.framework import Reference, SkipStep, Step

__all__ = ["GainScaleStep"]

log = logging.getLogger(__name__)


class GainScaleStep(Step):
    """
    Multiply count rates by the gain factor of the exposure.

    Notes
    -----
    Differs from jwst 3.0.0: nothing.
    """

    class_alias = "gain_scale"
    takes_light = True
    references = {"gain": Reference("GainModel", required=False)}

    def process(self, rate, *, refs):
        """
        Scale values and errors by the factor, variances by its square, in place.

        Parameters
        ----------
        rate : ImageModel or CubeModel
            Count rates, DN/s, of the exposure or of its integrations.
        refs : References
            ``gain``, asked for GAINFACT when the exposure has none.

        Returns
        -------
        ImageModel or CubeModel
            The same model, with GAINFACT.
        """
        factor = rate.meta.exposure.gain_factor
        if factor is None and refs.gain is not None:
            factor = refs.gain.meta.exposure.gain_factor
        if factor is None:
            raise SkipStep("GAINFACT is neither in the exposure nor in the gain reference",
                           expected=True)
        for name, scale in (("data", factor), ("err", factor),
                            ("var_poisson", factor**2), ("var_rnoise", factor**2)):
            values = getattr(rate, name, None)
            if values is not None and values.size:
                np.multiply(values, scale, out=values)
        rate.meta.exposure.gain_factor = factor
        log.info("Rates multiplied by the gain factor %s", factor)
        return rate
