"""Count rates of ramps by likelihood; the manual is csrc/likelihood.h."""

import numpy as np

from jwst_cal.kernels._arrays import contiguous, either_order
from jwst_cal.kernels.slope import empty_rates

from jwst_cal.kernels._glue cimport check, jc_status, team_of, uint32_t, uint8_t
from jwst_cal.kernels.slope cimport image_of, jc_slope_image, jc_slope_ramps


cdef extern from "likelihood.h" nogil:
    ctypedef struct jc_likelihood_options:
        int n_differences
        const double *interval
        const double *alpha_photon
        const double *alpha_read
        const double *beta_photon
        const double *beta_read
        const uint8_t *pair
        int first_frames
        double one, two
        uint32_t do_not_use, saturated, jump
    jc_status jc_likelihood(const jc_slope_ramps *ramps, const jc_likelihood_options *options,
                            int n_threads, const jc_slope_image *rate,
                            const jc_slope_image *rateints, float *chi_squared)


def likelihood(
    data,
    groupdq,
    pixeldq,
    gain,
    read_noise,
    *,
    flags,
    interval,
    alpha_photon,
    alpha_read,
    beta_photon,
    beta_read,
    pair,
    double one,
    double two,
    dark_current=None,
    zeroframe=None,
    int first_frames=0,
    n_threads=None,
):
    """
    Fit a count rate to every ramp by the likelihood of its group differences, leaving out jumps.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Ramps. A NaN counts as a flagged group.
    groupdq : uint8 [integration, group, row, col]
        Flags of the groups; a difference that touches a flagged group is left out.
    pixeldq : uint32 [row, col]
        Flags of the pixels.
    gain : float32 [row, col], e-/DN, either byte order
        Gain.
    read_noise : float32 [row, col], DN, either byte order
        Noise of a difference of two frames.
    flags : slope.Flags
        The bits to read and set: do_not_use, saturated, jump.
    interval : float64 [difference], s
        Time between the means of neighbouring groups.
    alpha_photon, alpha_read : float64 [difference], 1/s and 1/s^2
        Diagonal of the covariance matrix, per rate and per square of the noise of a frame.
    beta_photon, beta_read : float64 [difference - 1]
        The same beside the diagonal.
    pair : uint8 [difference - 1]
        Whether a difference and the next may be left out together.
    one, two : float
        Least drop of chi squared for leaving out one difference, and two.
    dark_current : float32 [row, col], DN/s, optional
        Added to the rate that makes the covariance matrix of the fit.
    zeroframe : float32 [integration, row, col], DN, optional
        First frame, split off the first group if `first_frames` is above 1.
    first_frames : int
        Frames in the first group of which ``zeroframe`` is one; 0 not to split it.
    n_threads : int, optional
        Threads; see ``kernels.threads``.

    Returns
    -------
    rate, rateints : slope.Rates
        Rate of the exposure [row, col] and of each integration, in DN/s and its square.
    chi_squared : float32 [row, col]
        Sum over the integrations.

    Raises
    ------
    TypeError
        If an array's dtype cannot be converted without loss.
    ValueError
        If an array's shape does not match, there are fewer than three differences, or an
        interval is not positive.
    MemoryError
        If there is no memory for the results or for scratch.

    Notes
    -----
    Source: Brandt 2024, PASP 136, 045004 and 045005.
    """
    cdef const float[:, :, :, ::1] d = contiguous(data, np.float32, (None,) * 4, "data")
    shape = tuple(d.shape)[:4]
    n_ints, n_groups, n_rows, n_cols = shape
    image = (n_rows, n_cols)
    n = n_groups - 1 + (first_frames > 1)
    if n < 3:
        raise ValueError(f"data: {n_groups} groups where at least 4 are needed")
    cdef const uint8_t[:, :, :, ::1] q = contiguous(groupdq, np.uint8, shape, "groupdq")
    cdef const uint32_t[:, ::1] pq = contiguous(pixeldq, np.uint32, image, "pixeldq")
    gain, gain_swapped = either_order(gain, image, "gain")
    read_noise, noise_swapped = either_order(read_noise, image, "read_noise")
    cdef const uint32_t[:, ::1] g = gain, rn = read_noise
    cdef const double[::1] t = contiguous(interval, np.float64, (n,), "interval")
    cdef const double[::1] ap = contiguous(alpha_photon, np.float64, (n,), "alpha_photon")
    cdef const double[::1] ar = contiguous(alpha_read, np.float64, (n,), "alpha_read")
    cdef const double[::1] bp = contiguous(beta_photon, np.float64, (n - 1,), "beta_photon")
    cdef const double[::1] br = contiguous(beta_read, np.float64, (n - 1,), "beta_read")
    cdef const uint8_t[::1] both = contiguous(pair, np.uint8, (n - 1,), "pair")
    cdef const float[:, ::1] dark
    cdef const float[:, :, ::1] zero
    cdef jc_slope_ramps ramps = jc_slope_ramps(
        n_ints, n_groups, n_rows, n_cols, 0, n_groups, &d[0, 0, 0, 0], &q[0, 0, 0, 0],
        &pq[0, 0], &g[0, 0], &rn[0, 0], NULL, NULL, gain_swapped, noise_swapped)
    if dark_current is not None:
        dark = contiguous(dark_current, np.float32, image, "dark_current")
        ramps.dark_current = &dark[0, 0]
    if zeroframe is not None:
        zero = contiguous(zeroframe, np.float32, (n_ints, n_rows, n_cols), "zeroframe")
        ramps.zeroframe = &zero[0, 0, 0]
    elif first_frames > 1:
        raise ValueError("zeroframe: None where first_frames asks for it")
    cdef jc_likelihood_options options = jc_likelihood_options(
        n, &t[0], &ap[0], &ar[0], &bp[0], &br[0], &both[0], first_frames, one, two,
        flags.do_not_use, flags.saturated, flags.jump)
    rate, rateints = empty_rates(image), empty_rates((n_ints, n_rows, n_cols))
    cdef float[:, ::1] chi_squared = np.empty(image, np.float32)
    cdef jc_slope_image single = image_of(rate), each = image_of(rateints)
    cdef int team = team_of(n_threads, d.size)
    cdef jc_status status
    with nogil:
        status = jc_likelihood(&ramps, &options, team, &single, &each, &chi_squared[0, 0])
    check(status)
    return rate, rateints, np.asarray(chi_squared)
