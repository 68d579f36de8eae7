"""Linearity: the response of a pixel flattens as it fills; the counts are made proportional."""

import logging

from jwst_cal import flags
from jwst_cal.detector import _linearity
from jwst_cal.framework import Reference, Step

__all__ = ["LinearityStep"]

log = logging.getLogger(__name__)


class LinearityStep(Step):
    """
    Correct the counts for the detector's non-linear response.

    Notes
    -----
    Differs from jwst 3.0.0: with inverse coefficients in the reference and groups that average
    several reads, the reads dropped between groups are counted, and a single group is corrected
    instead of ending in an error.
    """

    class_alias = "linearity"
    takes_light = True
    references = {"linearity": Reference("LinearityModel", crop=True)}
    takes = ("RampModel",)

    def process(self, ramp, *, refs):
        """
        Apply each pixel's polynomial to its unsaturated groups, in place.

        Parameters
        ----------
        ramp : RampModel
            Counts, DN.
        refs : References
            ``linearity``: coefficients and, where given, inverse coefficients.

        Returns
        -------
        RampModel
            The same model; pixels without a polynomial have NO_LIN_CORR in PIXELDQ.
        """
        polynomial, exposure = refs.linearity, ramp.meta.exposure
        # Reads with times of their own follow no regular pattern.
        inverse = None if exposure.read_times else polynomial.inv_coeffs
        by_read = _linearity.linearise(
            ramp.data, ramp.groupdq, ramp.pixeldq,
            coeffs=polynomial.coeffs, dq=polynomial.dq, inverse=inverse,
            frames_per_group=exposure.nframes or 1, group_gap=exposure.groupgap or 0,
            zeroframe=ramp.zeroframe if exposure.zero_frame else None,
            saturated=flags.group["SATURATED"], no_correction=flags.pixel["NO_LIN_CORR"],
        )
        if by_read:
            log.info("Corrected each of the %d reads of a group, by the inverse coefficients",
                     exposure.nframes)
        return ramp
