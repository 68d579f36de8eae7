"""Extract 2D: cut the spectra out of an exposure, each with its own coordinates."""

import logging

from jwst_cal import modes
from jwst_cal.errors import InputError
from jwst_cal.framework import Reference, SkipStep, Step, param
from jwst_cal.spectroscopy import _cutouts

__all__ = ["Extract2dStep"]

log = logging.getLogger(__name__)

#: Exposures through NIRSpec's slits; of lamps, too.
SLITS = modes.LAMPS | {"NRS_FIXEDSLIT", "NRS_MSASPEC", "NRS_BRIGHTOBJ"}
WIDE_FIELD = frozenset({"NIS_WFSS", "NRC_WFSS", "MIR_WFSS"})
#: Rows of a cutout of a grism time series.
USUAL_HEIGHT = 64


class Extract2dStep(Step):
    """
    Cut the spectra out of an exposure.

    Notes
    -----
    Differs from jwst 3.0.0: wide-field slitless spectra are refused.
    """

    class_alias = "extract_2d"
    references = {"wavelengthrange": Reference("WavelengthrangeModel", required=False)}
    takes = ("ImageModel", "CubeModel")

    slit_names: list | None = param(None, "Slits that are wanted, by name; all by default",
                                    scalar=True)
    source_ids: list | None = param(None, "Sources that are wanted, by number; all by default",
                                    scalar=True)
    source_ra: list | None = param(None, "Right ascensions of wanted sources (wide field)",
                                   scalar=True)
    source_dec: list | None = param(None, "Declinations of wanted sources (wide field)",
                                    scalar=True)
    source_max_sep: float = param(2.0, "How far from these a source may be, arcsec (wide field)")
    extract_orders: list[int] | None = param(None, "Spectral orders, one for time series; those "
                                                   "of the reference by default")
    grism_objects: list | None = param(None, "Objects to cut out (wide field)")
    tsgrism_extract_height: int | None = param(None, "Rows of a cutout of a grism time series; "
                                                     "64 by default")
    wfss_extract_half_height: int = param(5, "Rows on either side of a source (wide field)")
    wfss_mmag_extract: float | None = param(None, "Faintest magnitude to cut out (wide field)")
    wfss_nbright: int = param(1000, "At most so many of the brightest objects (wide field)")

    #: For wide-field slitless spectra, which this release does not do.
    accepted = ("source_ra", "source_dec", "source_max_sep", "grism_objects",
                "wfss_extract_half_height", "wfss_mmag_extract", "wfss_nbright")

    def process(self, exposure, *, refs):
        """
        Cut out.

        Parameters
        ----------
        exposure : ImageModel or CubeModel
            Count rates with coordinates.
        refs : References
            ``wavelengthrange``: the spectral order of each filter (grism time series).

        Returns
        -------
        SlitModel or MultiSlitModel
            One spectrum of a time series; those of all slits otherwise.

        Raises
        ------
        InputError
            If the coordinates are missing, or it is a wide-field exposure.
        ExitStatus
            Of status 64, if none of the wanted slits was open.
        """
        kind, name = modes.exposure_type(exposure), exposure.meta.filename or "the input"
        if kind in WIDE_FIELD:
            raise InputError(f"{name}: EXP_TYPE={kind}; this release cuts out spectra of NIRSpec's "
                             "slits and grism time series of NIRCam")
        if kind not in SLITS and kind != "NRC_TSGRISM":
            raise SkipStep(f"EXP_TYPE {kind} has no spectra to be cut out")
        if kind in SLITS and (exposure.meta.instrument.grating or "").upper() == "MIRROR":
            raise SkipStep(f"EXP_TYPE {kind} with GRATING=MIRROR has no spectra to be cut out")
        if kind in SLITS and exposure.meta.cal_step.assign_wcs in (None, "SKIPPED"):
            raise SkipStep("assign_wcs was skipped")
        if not exposure.meta.hasattr("wcs") or exposure.meta.wcs is None:
            raise InputError(f"{name}: no coordinates (WCS); run assign_wcs first")
        if kind == "NRC_TSGRISM":
            return self._of_grism(exposure, refs, name)
        slits = _cutouts.chosen(exposure, self.slit_names, self.source_ids)
        if kind == "NRS_BRIGHTOBJ":
            return _cutouts.through_slit(exposure, slits[0])
        return _cutouts.through_slits(exposure, slits)

    def _of_grism(self, exposure, refs, name):
        height = USUAL_HEIGHT if self.tsgrism_extract_height is None else \
            self.tsgrism_extract_height
        if height < 1:
            raise InputError(f"{name}: tsgrism_extract_height={height} where at least one row is "
                             "needed")
        orders = _cutouts.orders(refs.wavelengthrange, exposure, self.extract_orders)
        if len(orders) != 1:
            raise InputError(f"{name}: extract_orders={orders}; grism time series have one "
                             "spectrum")
        return _cutouts.of_grism(exposure, orders[0], height)
