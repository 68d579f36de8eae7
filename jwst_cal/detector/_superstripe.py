"""Superstripes: integrations that read one part of the detector each, and their assembly.

The data of a superstripe exposure are [integration x superstripe, group, row, col]: so many
integrations in a row, each of the next stripe, make a whole one. Flags of pixels and references
are [superstripe, row, col].
"""

import logging
from typing import NamedTuple

import numpy as np

from jwst_cal import flags, models, modes
from jwst_cal.errors import InputError
from jwst_cal.framework import stripes
from jwst_cal.kernels import memory

__all__ = ["assemble", "parts", "read_times"]

log = logging.getLogger(__name__)

#: Subarrays that are assembled to the whole length of the detector, with rows never read.
WHOLE_LENGTH = frozenset({"SUB17STRIPE_SOSS", "SUB60STRIPE_SOSS", "SUB204STRIPE_SOSS",
                          "SUB680STRIPE_SOSS"})
#: Seconds per pixel of one output, and pixels that the end of a row takes.
CLOCK, ROW_PAD = 10.0e-6, 12


def parts(model):
    """
    List the integrations that share flags of pixels and references.

    Parameters
    ----------
    model : data model
        A ramp.

    Returns
    -------
    list of tuple
        Slice of the integrations, and index of the planes [superstripe, row, col]: one of each for
        a superstripe exposure; otherwise all integrations, and ``()`` for planes [row, col].
    """
    n = modes.superstripes(model)
    if not n:
        return [(slice(None), ())]
    return [(slice(k, k + 1), k % n) for k in range(len(model.data))]


class _Place(NamedTuple):
    """Where the rows of one stripe go: [start, stop) in the array of the readout and assembled."""

    superstripe: int
    stripe: int
    source: slice
    target: slice


def _places(found, first):
    places = []
    for superstripe, position in enumerate(found.position):
        for stripe in range(found.stripe.max() + 1):
            at = np.flatnonzero((found.stripe == stripe) & ~found.reference)
            start = int(position[at[0]]) - first
            places.append(_Place(superstripe, stripe, slice(int(at[0]), int(at[-1]) + 1),
                                 slice(start, start + len(at))))
    return places


def _along(axis, rows):
    """Index of rows along an axis of the array."""
    return (Ellipsis, rows, slice(None)) if axis == -2 else (Ellipsis, rows)


def assemble(ramp):
    """
    Put the stripes of a superstripe exposure where they lie on the detector.

    Parameters
    ----------
    ramp : SuperstripeRampModel
        The exposure, without the signal of its reference pixels.

    Returns
    -------
    RampModel
        Whole integrations, [integration, group, row, col], of the rows from the first to the last
        that was read; the reference rows that were read with each stripe are gone. Where a frame
        reads several stripes each becomes a group of its own, and ``meta.exposure.read_times``
        tells their times. Rows that no stripe read are NaN and, in PIXELDQ, REFERENCE_PIXEL. The
        times of the stripes are in ``int_times_stripe``.

    Raises
    ------
    InputError
        If the keywords of the stripes do not make the subarray.

    Notes
    -----
    Differs from jwst 3.0.0: where a frame reads the same rows several times, the zeroframe is that
    of the first time; there it is that of the last. An incomplete integration at the end is left
    out, with its times; there the exposure fails if it has a table of times.
    """
    n, found = modes.superstripes(ramp), stripes.layout(ramp)
    if found is None:
        raise InputError(f"{ramp.meta.filename}: SSTR_NST={n}, but MSTR_RD1 is missing")
    first, size = _extent(ramp.meta.subarray.name, found)
    places = _places(found, first)
    n_ints, n_groups = len(ramp.data) // n, ramp.data.shape[1]
    if len(ramp.data) % n:
        log.warning("%d integrations make %d of %d superstripes; the last %d are left out",
                    len(ramp.data), n_ints, n, len(ramp.data) % n)
    repeats = int(found.stripe.max()) + 1
    shape = list(ramp.data.shape[2:])
    shape[found.axis] = size

    data = memory.empty((n_ints, n_groups * repeats, *shape), np.float32)
    data.fill(np.nan)
    groupdq = memory.zeros(data.shape, np.uint8)
    pixeldq = np.full(shape, flags.pixel["REFERENCE_PIXEL"], np.uint32)
    zeroframe = None
    if ramp.meta.exposure.zero_frame and ramp.hasattr("zeroframe"):
        zeroframe = np.full((n_ints, *shape), np.nan, np.float32)
    for place in places:
        source, target = (_along(found.axis, rows) for rows in (place.source, place.target))
        integrations = slice(place.superstripe, n_ints * n, n)
        groups = slice(place.stripe, None, repeats)
        data[:, groups][target] = ramp.data[integrations][source]
        groupdq[:, groups][target] = ramp.groupdq[integrations][source]
        pixeldq[target] = ramp.pixeldq[place.superstripe][source]
    if zeroframe is not None:
        for place in sorted(places, key=lambda place: -place.stripe):
            source, target = (_along(found.axis, rows) for rows in (place.source, place.target))
            zeroframe[target] = ramp.zeroframe[place.superstripe : n_ints * n : n][source]

    whole = models.RampModel(data=data, groupdq=groupdq, pixeldq=pixeldq,
                             validate_on_assignment=False)
    whole.update(ramp)
    if zeroframe is not None:
        whole.zeroframe = zeroframe
    if repeats > 1:
        whole.meta.exposure.read_times = read_times(ramp, found)
    _assemble_times(whole, ramp, n, n_ints)
    _describe(whole, n, found.axis, first)
    log.info("Assembled %d integrations of %d superstripes%s to %d of %d x %d pixels",
             len(ramp.data), n, f", {repeats} stripes in a frame," if repeats > 1 else "",
             n_ints, *shape)
    return whole


def _extent(name, found):
    """First row of the assembled array on the detector, from 0, and number of rows."""
    if name in WHOLE_LENGTH:
        return 0, stripes.DETECTOR
    position = found.position[:, ~found.reference]
    return int(position.min()), int(position.max() - position.min()) + 1


def _describe(whole, n, axis, first):
    """Make the keywords those of a plain exposure."""
    exposure, subarray = whole.meta.exposure, whole.meta.subarray
    begin = 1 if exposure.integration_start is None else exposure.integration_start
    end = exposure.nints if exposure.integration_end is None else exposure.integration_end
    exposure.integration_start, exposure.integration_end = _whole(begin, n), _whole(end, n)
    exposure.nints, exposure.ngroups = _whole(exposure.nints, n), whole.data.shape[1]
    for name in ("multistripe_reads1", "multistripe_reads2", "multistripe_skips1",
                 "multistripe_skips2", "repeat_stripe", "interleave_reads1", "num_superstripe",
                 "superstripe_step"):
        setattr(subarray, name, None)
    subarray.ysize, subarray.xsize = whole.data.shape[-2:]
    setattr(subarray, "xstart" if axis == -1 else "ystart", first + 1)


def _whole(number, n):
    """Number of the whole integration that has the stripe's integration, both from 1."""
    return -(-number // n)


def _assemble_times(whole, ramp, n, n_ints):
    """Keep the times of the stripes in a table of their own; a whole integration spans them."""
    table = ramp.int_times if ramp.hasattr("int_times") else None
    if table is None or len(table) == 0:
        return
    n_ints = min(n_ints, len(table) // n)
    table = np.asarray(table)[: n_ints * n]
    begin = _whole(ramp.meta.exposure.integration_start or 1, n)
    number = begin + np.arange(n_ints)

    by_stripe = np.zeros(len(table), whole.get_dtype("int_times_stripe"))
    together = np.zeros(n_ints, whole.get_dtype("int_times"))
    by_stripe["integration_number"] = np.repeat(number, n)
    by_stripe["stripe_number"] = np.arange(len(table)) % n + 1
    together["integration_number"] = number
    for scale in ("MJD_UTC", "BJD_TDB"):
        start, mid, end = (f"int_{when}_{scale}" for when in ("start", "mid", "end"))
        for column in (start, mid, end):
            by_stripe[column] = table[column]
        together[start], together[end] = table[start][::n], table[end][n - 1 :: n]
        together[mid] = (together[end] - together[start]) / 2.0 + together[start]
    whole.int_times_stripe, whole.int_times = by_stripe, together


def read_times(ramp, found):
    """
    Compute the times of the reads of a subarray that reads several stripes in a frame.

    Parameters
    ----------
    ramp : SuperstripeRampModel
        The exposure.
    found : Layout
        Its rows.

    Returns
    -------
    list of list of float, s
        Times of the reads averaged in each stripe of each group, since the start of the ramp.

    Raises
    ------
    InputError
        If NFRAMES, GROUPGAP or NOUTPUTS is missing.

    Notes
    -----
    Source: the clocking of the near-infrared detectors (JDox, NIRCam Detector Readout): a pixel
    takes 10 microseconds, a row its pixels by output and 12 more, a frame one to three rows more,
    which the first stripe of a frame is charged with.
    """
    exposure, name = ramp.meta.exposure, ramp.meta.filename
    for attribute, keyword in (("nframes", "NFRAMES"), ("groupgap", "GROUPGAP"),
                               ("noutputs", "NOUTPUTS")):
        if getattr(exposure, attribute) is None:
            raise InputError(f"{name}: no {keyword}, which the times of its stripes need")
    n_outputs = exposure.noutputs
    n_rows, n_cols = ramp.data.shape[-2:] if found.axis == -2 else ramp.data.shape[:-3:-1]
    row = n_cols / n_outputs + ROW_PAD
    more_rows, more_clocks = (1, 1) if n_outputs == 4 else (2 if n_cols >= 9 else 3, 0)
    frame = (row * (n_rows + more_rows) + more_clocks) * CLOCK
    lengths = np.bincount(found.stripe)
    steps = [(row * (lengths[0] + more_rows) + more_clocks) * CLOCK,
             *(row * length * CLOCK for length in lengths[1:])]
    times, now = [], 0.0
    for _ in range(ramp.data.shape[1]):
        for step in steps:
            now += step
            times.append([float(now + k * frame) for k in range(exposure.nframes)])
        now += frame * (exposure.nframes - 1 + exposure.groupgap)
    return times
