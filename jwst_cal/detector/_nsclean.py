"""Noise of NIRSpec fitted in Fourier space to the background of an image (NSClean)."""

import logging

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter1d

from jwst_cal.kernels.flicker import hermitian_solve, line_medians

__all__ = ["clean_full_frame", "clean_subarray"]

log = logging.getLogger(__name__)

#: From the median absolute deviation to a standard deviation.
MAD_TO_STD = 1.4826

#: Full frame: cut-off of the low-pass filter and width of its edge, cycles per pixel.
CUT_OFF = 16 / (2 * 2048)
EDGE = CUT_OFF / 4
#: Width of the window in which the density of background pixels is taken, pixels.
DENSITY_SIGMA = 32
#: Smoothing of the model across the lines, pixels.
SMOOTHING_SIGMA = 1.5
#: Lines at either end that are reference pixels.
N_REFERENCE = 4

#: Subarrays: time of a pixel, s; pixels of time between two lines.
PIXEL_TIME = 10e-6
LINE_OVERHEAD = 12
#: Background pixels in a section; least part of a section that must be background.
SECTION_PIXELS = 512
LEAST_BACKGROUND = 0.05


def _to_detector(image, detector):
    """Turn an image so that its rows are lines in the order in which they are read."""
    turned = image.T if detector == "NRS1" else image.T[::-1]
    return np.ascontiguousarray(turned)


def _to_science(image, detector):
    return image.T if detector == "NRS1" else image[::-1].T


def _gaussian(n, sigma, centre):
    """Transform of a normalised Gaussian on a circle of `n` pixels, about pixel `centre`."""
    x = np.arange(n)
    away = np.minimum((x - centre) % n, (centre - x) % n)
    return fft.rfft(np.exp(-((away / sigma) ** 2) / 2) / sigma / np.sqrt(2 * np.pi))


def _low_pass(n):
    """Gain of the low-pass filter, from 1 to 0 along half a cosine."""
    frequency = fft.rfftfreq(n)
    edge = (1 + np.cos(np.pi * (frequency - CUT_OFF) / EDGE + np.pi / 2)) / 2
    gain = np.where(frequency <= CUT_OFF - EDGE / 2, 1, edge)
    return np.where(frequency <= CUT_OFF + EDGE / 2, gain, 0)


def _density(known, window):
    """Density of what is known about each pixel of lines; a circular convolution."""
    return fft.irfft(fft.rfft(known.astype(np.float64), axis=1) * window, known.shape[1])


def _fit(values, known, density, waves):
    """
    Fit waves to what is known of lines, weighted by the inverse of its density.

    Parameters
    ----------
    values : float64 [line, pixel]
        Values; not NaN.
    known : bool [line, pixel]
        Which of them are used.
    density : float64 [line, pixel]
        Density of what is known.
    waves : int [wave]
        Numbers of the waves, ascending: periods in a line.

    Returns
    -------
    amplitude : complex128 [line, wave]
        Amplitudes; 0 for a line that does not determine them.
    determined : bool [line]
        Whether it does.
    """
    weight = np.zeros_like(density)
    np.divide(1, density, out=weight, where=known & (density != 0))
    weight *= weight
    # the products of two waves are waves, so that both sides of the equations are transforms
    matrix = fft.rfft(weight, axis=1)[:, np.abs(waves[:, None] - waves)]
    right = fft.rfft(weight * values, axis=1)[:, waves]
    return hermitian_solve(matrix, right)


def clean_full_frame(image, mask, *, detector, displaced=False):
    """
    Fit slow waves to the background of every line of a full frame, and subtract them.

    Parameters
    ----------
    image : float32 [row, col]
        Values without their background; not NaN.
    mask : bool [row, col]
        Background.
    detector : str
        NRS1 or NRS2.
    displaced : bool
        Density and smoothing are one line and one pixel off, as in jwst 3.0.0.

    Returns
    -------
    float32 [row, col]
        The image without noise. A line whose background does not determine the waves has none.

    Notes
    -----
    Source: Rauscher 2024, PASP 136, 015001.
    Differs from jwst 3.0.0: see `displaced`; there, a line after one without background, and a
    line that does not determine the waves, get arbitrary values or end the step.
    """
    data, known = _to_detector(image, detector), _to_detector(mask, detector)
    n_lines, n = data.shape
    gain = _low_pass(n)
    waves = np.flatnonzero(gain > 0)
    near = np.roll(known, 1, axis=0) if displaced else known
    window = _gaussian(n, DENSITY_SIGMA, 1 if displaced else 0)
    filled = _without_outliers(data, known)
    amplitude = np.zeros((n_lines, len(waves)), np.complex128)
    undetermined = 0
    for first in range(N_REFERENCE, n_lines - N_REFERENCE, 128):
        part = slice(first, min(first + 128, n_lines - N_REFERENCE))
        amplitude[part], determined = _fit(
            filled[part].astype(np.float64), known[part], _density(near[part], window), waves)
        undetermined += np.count_nonzero(known[part].any(axis=1) & ~determined)
    if undetermined:
        log.warning("Left %d of %d lines as they were: their background does not determine the "
                    "noise", undetermined, n_lines)
    amplitude *= n * gain[waves]
    smooth = gaussian_filter1d(amplitude, SMOOTHING_SIGMA, axis=0, mode="wrap", truncate=8)
    if displaced:
        smooth = np.roll(smooth, 1, axis=0) * np.exp(-2j * np.pi * waves / n)
    data -= fft.irfft(smooth, n, axis=1)
    return np.ascontiguousarray(_to_science(data, detector))


def _without_outliers(data, known):
    """Replace what is further than 3 sigma from the median of a line's background by that."""
    middle = line_medians(data, known)[0][:, None]
    away = np.abs(data - middle)
    limit = np.float32(3 * MAD_TO_STD) * line_medians(away, known)[0][:, None]
    return np.where(away <= limit, data, middle)


def clean_subarray(image, mask, *, detector, cut_off):
    """
    Fit slow and alternating waves to the background of a subarray in time, and subtract them.

    Parameters
    ----------
    image : float32 [row, col]
        Values without their background; not NaN.
    mask : bool [row, col]
        Background.
    detector : str
        NRS1 or NRS2.
    cut_off : tuple of float
        Frequencies, Hz: the gain falls from 1 to 0 between the first two and rises to 1 between
        the last two.

    Returns
    -------
    float64 [row, col]
        The image without noise. Sections with too little background have none.

    Notes
    -----
    Source: Rauscher 2024, PASP 136, 015001.
    Differs from jwst 3.0.0: sections that do not determine the waves are left as they are; there,
    they get arbitrary values or end the step.
    """
    data, known = _to_detector(image, detector), _to_detector(mask, detector)
    known = _without_outlying(data, known)
    model, weight = np.zeros(data.shape), np.zeros(data.shape)
    for first, stop in _sections(known.sum(axis=1)):
        part = slice(first, stop)
        near_middle = (1.001 - np.abs(np.linspace(-1, 1, stop - first)))[:, None]
        weight[part] += near_middle
        found = None
        if known[part].mean() > LEAST_BACKGROUND:
            found = _model_of_section(data[part], known[part], cut_off)
        if found is None:
            log.warning("Lines %d to %d were left as they are: they have too little background",
                        first, stop - 1)
        else:
            model[part] += near_middle * found
    np.divide(model, weight, out=model, where=weight > 0)
    return np.ascontiguousarray(_to_science(data - model, detector))


def _without_outlying(data, known):
    """Leave out of the background what is 4 sigma from its median, and the pixels beside that."""
    if not known.any():
        return known
    middle = np.median(data[known])
    away = np.abs(data - middle)
    outlier = known & (away > 4 * (1.4825 * np.median(away[known])))
    known = known & ~outlier
    known[1:] &= ~outlier[:-1]
    known[:-1] &= ~outlier[1:]
    known[:, 1:] &= ~outlier[:, :-1]
    known[:, :-1] &= ~outlier[:, 1:]
    return known


def _sections(n_known):
    """
    Cut lines into sections that overlap by half, each with about as much background.

    Parameters
    ----------
    n_known : int [line]
        Background pixels of each line.

    Yields
    ------
    first, stop : int
        Lines of a section.
    """
    filled = np.flatnonzero(n_known)
    if not len(filled):
        return
    before = np.concatenate([[0], np.cumsum(n_known)])
    first, end = filled[0], filled[-1] + 1
    while True:
        stop = end
        if before[-1] - before[first] > 1.5 * SECTION_PIXELS:
            stop = min(end, np.searchsorted(before, before[first] + SECTION_PIXELS, "right"))
        yield first, stop
        if stop == end:
            return
        first += max(round((stop - first) / 2), 1)


def _gain(n, cut_off):
    """Gain of the filter at the waves of `n` clock ticks; the steps of float32 count."""
    low, low_end, high_begin, high = np.float32(cut_off)
    f = np.float32(fft.rfftfreq(n, float(np.float32(PIXEL_TIME))))
    falling = 0.5 * (np.cos((np.pi / (low_end - low)) * (f - low)) + 1)
    rising = 0.5 * (np.cos((np.pi / (high - high_begin)) * (f - high_begin) + np.pi) + 1)
    gain = np.where(f < low_end, falling, 0)
    gain = np.where((f >= high_begin) & (f < high), rising, gain)
    return np.where((f < low) | (f >= high), 1, gain)


def _model_of_section(data, known, cut_off):
    """Noise of a section, from its pixels in the order of time; None if it is not determined."""
    n_lines, width = data.shape
    overhead = ((0, 0), (0, LINE_OVERHEAD))
    values = np.pad(data.astype(np.float64), overhead).reshape(1, -1)
    ticks = np.pad(known, overhead).reshape(1, -1)
    n = values.size
    gain = _gain(n, cut_off)
    waves = np.flatnonzero(gain > 0)
    sigma = 1 / ((cut_off[0] + cut_off[1]) / 2) / PIXEL_TIME / 2 / 4
    density = _density(ticks, _gaussian(n, sigma, 1))
    amplitude, determined = _fit(values, ticks, density, waves)
    if not determined[0]:
        return None
    transform = np.zeros(n // 2 + 1, np.complex128)
    transform[waves] = n * gain[waves] * amplitude[0]
    return fft.irfft(transform, n).reshape(n_lines, -1)[:, :width]
