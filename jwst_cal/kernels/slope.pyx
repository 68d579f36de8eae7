"""Count rates of ramps by optimally weighted least squares; the manual is csrc/slope.h."""

from typing import NamedTuple

import numpy as np

from jwst_cal.kernels import memory
from jwst_cal.kernels._arrays import contiguous, either_order
from jwst_cal.kernels._arrays import in_place as in_place_of

from jwst_cal.kernels._glue cimport check, jc_status, team_of, uint32_t, uint8_t


class Rates(NamedTuple):
    """Slopes with their flags and errors: one image, or one image per integration."""

    slope: object
    dq: object
    var_poisson: object
    var_rnoise: object
    err: object


class Segments(NamedTuple):
    """Every segment of every ramp, zero where a ramp has fewer."""

    slope: object
    sigslope: object
    var_poisson: object
    var_rnoise: object
    yint: object
    sigyint: object
    pedestal: object
    weights: object
    crmag: object


class Flags(NamedTuple):
    """The bits that the fit reads and sets."""

    do_not_use: int
    saturated: int
    jump: int
    persistence: int
    charge_loss: int
    no_gain: int


cdef float *floats(array) except? NULL:
    cdef float[::1] flat = array.reshape(-1)
    return &flat[0] if flat.shape[0] else NULL


cdef jc_slope_image image_of(rates) except *:
    cdef uint32_t[::1] dq = rates.dq.reshape(-1)
    return jc_slope_image(floats(rates.slope), &dq[0], floats(rates.var_poisson),
                          floats(rates.var_rnoise), floats(rates.err))


cdef jc_slope_image places_of(rates) except *:
    """The same of rates whose integrations do not follow each other."""
    cdef uint32_t[:, :, :] dq = rates.dq
    cdef float[:, :, :] slope = rates.slope, poisson = rates.var_poisson
    cdef float[:, :, :] rnoise = rates.var_rnoise, err = rates.err
    return jc_slope_image(&slope[0, 0, 0], &dq[0, 0, 0], &poisson[0, 0, 0], &rnoise[0, 0, 0],
                          &err[0, 0, 0])


#: Groups of an integration that its rates take the place of.
IN_PLACE = 5


def rates_in(data):
    """Make room for rates in the first planes of an array: of a ramp, for each integration."""
    places = (data[..., k, :, :] for k in range(IN_PLACE))
    return Rates(*(place.view(dtype) for place, dtype in zip(places, (
        np.float32, np.uint32, np.float32, np.float32, np.float32), strict=True)))


def empty_rates(shape):
    """Make room for rates."""
    return Rates(*(memory.empty(shape, dtype) for dtype in (
        np.float32, np.uint32, np.float32, np.float32, np.float32)))


def slope(
    data,
    groupdq,
    pixeldq,
    gain,
    read_noise,
    *,
    flags,
    double group_time,
    double frame_time,
    double first_time,
    int n_frames,
    groups=None,
    dark_current=None,
    zeroframe=None,
    bint suppress_one_group=True,
    bint clear_first_jump=False,
    double pedestal_groups=0.0,
    bint segments=False,
    bint in_place=False,
    n_threads=None,
):
    """
    Fit a count rate to every ramp, per integration and over all of them.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Ramps. A NaN counts as a group not to be used.
    groupdq : uint8 [integration, group, row, col]
        Flags of the groups.
    pixeldq : uint32 [row, col]
        Flags of the pixels.
    gain : float32 [row, col], e-/DN, either byte order
        Where it is NaN or not positive the pixel is not fitted.
    read_noise : float32 [row, col], DN, either byte order
        Noise of a difference of two frames.
    flags : Flags
        The bits to read and set.
    group_time, frame_time, first_time : float, s
        Time from group to group, of one frame, and to the mean of the first group.
    n_frames : int
        Frames averaged in a group.
    groups : tuple of int, optional
        First group to fit and number of groups; all of them by default.
    dark_current : float32 [row, col], DN/s, optional
        Added to the signal's rate in the Poisson variance.
    zeroframe : float32 [integration, row, col], DN, optional
        First frame, used where no group is good; 0 where it is saturated.
    suppress_one_group : bool
        Whether a ramp with a single good group is not fitted.
    clear_first_jump : bool
        Whether a jump in the first group is ignored (the groups before it being unusable).
    pedestal_groups : float
        Mean time of the first group as a fraction of a group; for ``segments`` only.
    segments : bool
        Whether to return every segment too.
    in_place : bool
        Whether the rates of the integrations may take the place of the ramps, which then are lost.
        They do so in ramps of at least five groups.
    n_threads : int, optional
        Threads; see ``kernels.threads``.

    Returns
    -------
    rate : Rates
        slope, err : float32 [row, col], DN/s; dq : uint32; var_poisson, var_rnoise :
        float32, (DN/s)^2.
    rateints : Rates
        The same for each integration: [integration, row, col].
    segments : Segments or None
        [integration, segment, row, col]; pedestal [integration, row, col], crmag
        [integration, jump, row, col].

    Raises
    ------
    TypeError
        If an array's dtype cannot be converted without loss.
    ValueError
        If an array's shape does not match ``data``, or a time or count is not positive.
    MemoryError
        If there is no memory for the results or for scratch.

    Notes
    -----
    Source: Fixsen et al. 2000, PASP 112, 1350; Robberto 2008, JWST-STScI-0001490.
    """
    cdef const float[:, :, :, ::1] d = contiguous(data, np.float32, (None,) * 4, "data")
    shape = tuple(d.shape)[:4]
    n_ints, n_groups, n_rows, n_cols = shape
    image = (n_rows, n_cols)
    cdef const uint8_t[:, :, :, ::1] q = contiguous(groupdq, np.uint8, shape, "groupdq")
    cdef const uint32_t[:, ::1] pq = contiguous(pixeldq, np.uint32, image, "pixeldq")
    gain, gain_swapped = either_order(gain, image, "gain")
    read_noise, noise_swapped = either_order(read_noise, image, "read_noise")
    cdef const uint32_t[:, ::1] g = gain, rn = read_noise
    cdef const float[:, ::1] dark
    cdef const float[:, :, ::1] zero
    first, used = (0, n_groups) if groups is None else groups
    folded = memory.long_rows(n_rows, n_cols)
    cdef jc_slope_ramps ramps = jc_slope_ramps(
        n_ints, n_groups, n_rows // folded, n_cols * folded, first, used, &d[0, 0, 0, 0], &q[0, 0, 0, 0],
        &pq[0, 0], &g[0, 0], &rn[0, 0], NULL, NULL, gain_swapped, noise_swapped)
    if dark_current is not None:
        dark = contiguous(dark_current, np.float32, image, "dark_current")
        ramps.dark_current = &dark[0, 0]
    if zeroframe is not None:
        zero = contiguous(zeroframe, np.float32, (n_ints, n_rows, n_cols), "zeroframe")
        ramps.zeroframe = &zero[0, 0, 0]
    cdef jc_slope_options options = jc_slope_options(
        group_time, frame_time, first_time, pedestal_groups, n_frames, suppress_one_group,
        clear_first_jump, flags.do_not_use, flags.saturated, flags.jump, flags.persistence,
        flags.charge_loss, flags.no_gain)

    cdef int team = team_of(n_threads, d.size)
    cdef jc_status status
    cdef jc_slope_segments parts
    found = None
    if segments:
        with nogil:
            status = jc_slope_extent(&ramps, &options, team, &parts.n_segments, &parts.n_jumps)
        check(status)
        planes = (n_ints, parts.n_segments, n_rows, n_cols)
        found = Segments(*(memory.zeros(planes, np.float32) for _ in range(6)),
                         memory.zeros((n_ints, n_rows, n_cols), np.float32),
                         memory.zeros(planes, np.float32),
                         memory.zeros((n_ints, parts.n_jumps, n_rows, n_cols), np.float32))
        parts.slope, parts.sigslope = floats(found.slope), floats(found.sigslope)
        parts.var_poisson = floats(found.var_poisson)
        parts.var_rnoise = floats(found.var_rnoise)
        parts.yint, parts.sigyint = floats(found.yint), floats(found.sigyint)
        parts.weights, parts.pedestal = floats(found.weights), floats(found.pedestal)
        parts.jump_size = floats(found.crmag)
    in_place = in_place and d.shape[1] >= IN_PLACE and not segments
    if in_place:
        in_place_of(data, np.float32, shape, "data")
    rate = rates_in(memory.empty((IN_PLACE, *image), np.float32))  # large enough to be kept
    rateints = rates_in(data) if in_place else empty_rates((n_ints, n_rows, n_cols))
    cdef jc_slope_image one = image_of(rate), each = places_of(rateints)
    cdef size_t step = n_rows * n_cols * (n_groups if in_place else 1)
    cdef const jc_slope_segments *wanted = &parts if segments else NULL
    with nogil:
        status = jc_slope(&ramps, &options, team, &one, &each, step, wanted)
    check(status)
    return rate, rateints, found
