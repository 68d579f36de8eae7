"""Reference pixels: the drifts of the readout, taken off the image."""

import logging

import numpy as np

from jwst_cal import flags, modes
from jwst_cal.detector import _irs2, _irs2_reference, _refpix, _superstripe
from jwst_cal.errors import InputError, ParameterError, ReferenceFileError
from jwst_cal.framework import Reference, SkipStep, Step, param

__all__ = ["RefPixStep"]

log = logging.getLogger(__name__)

#: NIRSpec subarrays away from all edges: four columns at both ends see little light.
EDGELESS = frozenset({"SUB512", "SUB512S", "SUB32"})


class RefPixStep(Step):
    """
    Subtract the signal of the reference pixels from every group.

    Notes
    -----
    Differs from jwst 3.0.0: a reference pixel that is NaN is left out, where it there makes its
    amplifier NaN; each superstripe is corrected by its own flags, where there those of the first
    one count for all; see also `_superstripe.assemble`. In IRS2 exposures BAD_REF_PIXEL counts in
    rows of reference pixels only; there a row of the image is lost to it, too, and replaced by
    others. Without a file for IRS2 the exposure is unchanged; there bad pixels have been flagged
    and replaced.
    """

    class_alias = "refpix"
    takes_light = True
    references = {
        "refpix": Reference("IRS2Model", required=False),
        "sirskernel": Reference("SIRSKernelModel", required=False),
    }
    takes = ("RampModel", "SuperstripeRampModel")

    odd_even_columns: bool = param(True, "Treat odd and even columns apart (near infrared)")
    use_side_ref_pixels: bool = param(True, "Use the reference pixels at the sides, row by row")
    side_smoothing_length: int = param(11, "Rows of the running median of the side pixels")
    side_gain: float = param(1.0, "Factor of the side signal before it is subtracted")
    odd_even_rows: bool = param(True, "Treat odd and even rows apart (MIRI)")
    ovr_corr_mitigation_ftr: float = param(3.0, "Deviation of bad reference pixels in IRS2, sigma")
    preserve_irs2_refpix: bool = param(False, "Keep the reference pixels of IRS2 in the output")
    irs2_mean_subtraction: bool = param(False, "Subtract means before the correction of IRS2")
    refpix_algorithm: str = param("median", "Signal of the side pixels: running median, or SIRS",
                                  choices=("median", "sirs"))
    sigreject: float = param(4.0, "Deviation of side pixels that SIRS leaves out, sigma")
    gaussmooth: float = param(1.0, "Width of the Gaussian that smooths the kernels of SIRS")
    halfwidth: int = param(30, "Half width of the kernels of SIRS, pixels")
    siglimit: float = param(3.0, "Deviation of reference pixels that are left out, sigma")

    def process(self, ramp, *, refs):
        """
        Remove the drifts from the groups and the zeroframe, in place.

        Parameters
        ----------
        ramp : RampModel or SuperstripeRampModel
            Counts, DN: without superbias in the near infrared.
        refs : References
            ``sirskernel``, for ``refpix_algorithm='sirs'``; ``refpix``, for IRS2.

        Returns
        -------
        RampModel
            The same model; of superstripes, a new one in which they are assembled.

        Raises
        ------
        InputError
            If the exposure is none of the IRS2 readout that it claims to be, or keywords of the
            subarray are missing.
        ParameterError
            If a length or limit is not positive.
        ReferenceFileError
            If the file for IRS2 lists pixels that there are not.
        """
        if self.siglimit <= 0:
            raise ParameterError(f"Parameter 'siglimit' of {self.name}: {self.siglimit:g} where "
                                 "more than 0 is needed")
        if modes.is_irs2(ramp):
            return self._irs2(ramp, refs)
        options = {"siglimit": self.siglimit}
        if modes.is_miri(ramp):
            plans, options["from_first"] = {(): self._miri(ramp)}, True
        else:
            kernels = self._kernels(ramp, refs)
            plans = {stripe: self._near_infrared(ramp, ramp.pixeldq[stripe], kernels is not None)
                     for _, stripe in _superstripe.parts(ramp)[: modes.superstripes(ramp) or 1]}
            options |= {"side_gain": self.side_gain, "sigreject": self.sigreject,
                        "kernels": kernels}
        if all(plan.is_empty for plan in plans.values()):
            log.warning("The exposure has no usable reference pixel: nothing was subtracted")
        else:
            log.info("Used %d reference pixels in %d sets",
                     sum(plan.pixels.size for plan in plans.values()),
                     sum(len(plan.start) - 1 for plan in plans.values()))
        for ints, stripe in _superstripe.parts(ramp):
            self._correct(ramp, ints, plans[stripe], options)
        return _superstripe.assemble(ramp) if modes.is_superstripe(ramp) else ramp

    def _correct(self, ramp, ints, plan, options):
        if plan.is_empty:
            return
        _refpix.correct(ramp.data[ints], plan, **options)
        if ramp.meta.exposure.zero_frame and not modes.is_miri(ramp):
            _refpix.correct(ramp.zeroframe[ints, np.newaxis], plan, zeroframe=True, **options)

    def _irs2(self, ramp, refs):
        reference = refs.mapped_table("refpix", "irs2_table")
        if reference is None:
            raise SkipStep("no REFPIX reference file for this exposure (N/A)")
        layout = _irs2.layout_of(ramp)
        source = refs.path("refpix") or "the open IRS2Model"
        try:
            filters = _irs2_reference.read_filters(reference.data)
        except ValueError as error:
            raise SkipStep(f"{source}: no filters of IRS2: {error}") from error
        if reference.release is not None:
            reference.release()
        bad = self._flag_bad(ramp, layout)
        if self.irs2_mean_subtraction:
            plan = _refpix.plan_irs2(_usable(ramp.pixeldq), *layout.by_column,
                                     backwards=layout.backwards,
                                     odd_even_columns=self.odd_even_columns)
            _refpix.correct(ramp.data, plan, siglimit=self.siglimit)
            log.info("Subtracted the means of %d reference pixels in %d sets", plan.pixels.size,
                     len(plan.start) - 1)
        _replace_bad(ramp.data, bad, layout, reference.model, source)
        keep = self.preserve_irs2_refpix
        ramp.data = _irs2_reference.subtract(ramp.data, filters, layout, keep_reference=keep)
        if not keep:
            rows = layout.image_rows
            ramp.groupdq = _irs2.keep_rows(ramp.groupdq, rows)
            ramp.pixeldq = _irs2.keep_rows(ramp.pixeldq, rows)
            if ramp.meta.exposure.zero_frame:
                ramp.zeroframe = _irs2.keep_rows(ramp.zeroframe, rows)
        return ramp

    def _flag_bad(self, ramp, layout):
        """Flag the rows of bad reference pixels; return which they are."""
        flag = flags.pixel["BAD_REF_PIXEL"]
        known = np.any(ramp.pixeldq & flag, axis=1) & layout.reference_rows
        bad = _irs2_reference.find_bad(ramp.data, known, layout,
                                       n_sigma=self.ovr_corr_mitigation_ftr)
        ramp.pixeldq[bad] |= flag | flags.pixel["DO_NOT_USE"]
        log.info("Flagged %d rows of reference pixels as bad, %d of them by the mask", bad.sum(),
                 known.sum())
        return bad

    def _miri(self, ramp):
        n_rows, n_cols = ramp.data.shape[2:]
        if n_rows < 1024 or n_cols < 1032:
            raise SkipStep("MIRI subarrays are not corrected")
        return _refpix.plan_miri(_usable(ramp.pixeldq), odd_even_rows=self.odd_even_rows)

    def _near_infrared(self, ramp, pixeldq, all_sides):
        subarray, exposure = ramp.meta.subarray, ramp.meta.exposure
        n_rows, n_cols = ramp.data.shape[2:]
        where = {"fast_axis": subarray.fastaxis, "slow_axis": subarray.slowaxis}
        if {abs(axis or 0) for axis in where.values()} != {1, 2}:
            raise InputError(f"{ramp.meta.filename}: FASTAXIS={subarray.fastaxis} SLOWAXIS="
                             f"{subarray.slowaxis}, one of 1 and one of 2 is needed")
        reference, usable = pixeldq & flags.pixel["REFERENCE_PIXEL"] != 0, _usable(pixeldq)
        is_subarray = n_rows < 2048 or n_cols < 2048
        if is_subarray:
            if subarray.xstart is None or subarray.ystart is None:
                raise InputError(f"{ramp.meta.filename}: SUBSTRT1 or SUBSTRT2 is missing")
            where |= {"first_col": subarray.xstart - 1, "first_row": subarray.ystart - 1}
        where |= {"odd_even_columns": self.odd_even_columns}
        if is_subarray and subarray.multistripe_reads1 is not None:
            return _refpix.plan_stripes(usable, reference, **where)
        if is_subarray and not _fits(where, n_rows, n_cols):
            raise SkipStep("the subarray does not fit on the detector")
        if is_subarray and exposure.noutputs != 4:
            if subarray.name in EDGELESS:
                log.info("%s has no reference pixels: four columns at both ends were taken",
                         subarray.name)
                reference[:, :4] = reference[:, -4:] = True
            return _refpix.plan_one_output(usable, reference, **where)
        return _refpix.plan_near_infrared(usable, side_smoothing_length=self._window(),
                                          all_sides=all_sides, **where)

    def _window(self):
        """Rows of the running median, None when the sides are not used."""
        window = self.side_smoothing_length
        if not self.use_side_ref_pixels:
            return None
        if not 1 <= window < 4096:
            raise ParameterError(f"Parameter 'side_smoothing_length' of {self.name}: {window} "
                                 "where 1 to 4095 is needed")
        if window % 2 == 0:
            log.info("The median of the side pixels is taken over %d rows before each row and %d "
                     "after", window // 2, window // 2 - 1)
        return window

    def _kernels(self, ramp, refs):
        """The kernels of SIRS for this detector, None for the running median."""
        if self.refpix_algorithm != "sirs" or not self.use_side_ref_pixels:
            return None
        if "FULL" not in (ramp.meta.subarray.name or "") or min(ramp.data.shape[2:]) < 2048:
            log.info("SIRS is not applied to subarrays; the running median was used")
            return None
        if refs.sirskernel is None:
            log.warning("There is no SIRSKERNEL reference file; the running median was used")
            return None
        detector = ramp.meta.instrument.detector
        found = {name.lower(): part for name, part in refs.sirskernel.instance.items()}
        found = found.get(detector.lower())
        if found is None:
            log.warning("The SIRSKERNEL reference has no kernels of %s; the running median was "
                        "used", detector)
            return None
        return _refpix.sirs_kernels(np.asarray(found["gamma"]), np.asarray(found["zeta"]),
                                    gaussmooth=self.gaussmooth, halfwidth=self.halfwidth)


def _replace_bad(data, bad, layout, reference, source):
    """Replace the bad reference pixels, then those that the reference file lists besides."""
    bad = bad.copy()
    rows = np.flatnonzero(bad)
    _irs2_reference.replace(data, _irs2_reference.replacements(rows, bad, layout))
    table = reference.dq_table if reference.hasattr("dq_table") else None
    if table is None or not len(table):
        log.warning("%s has no list of bad reference pixels", source)
        return
    names = {name.lower(): name for name in table.dtype.names}
    try:
        columns = [table[names[name]] for name in ("output", "odd_even", "mask")]
        listed = _irs2_reference.listed_bad(*columns, layout)
    except (KeyError, ValueError) as error:
        raise ReferenceFileError(f"{source}: bad reference pixels: {error}") from error
    for rows in listed:
        new = [row for row in rows if not bad[row]]
        bad[new] = True
        _irs2_reference.replace(data, _irs2_reference.replacements(
            new, bad, layout, backwards=layout.backwards))
    log.info("Replaced %d rows of bad reference pixels", bad.sum())


def _usable(pixeldq):
    return pixeldq & flags.pixel["DO_NOT_USE"] == 0


def _fits(where, n_rows, n_cols):
    first_col, first_row = where["first_col"], where["first_row"]
    return (first_col >= 0 and first_row >= 0 and first_col + n_cols <= 2048
            and first_row + n_rows <= 2048)
