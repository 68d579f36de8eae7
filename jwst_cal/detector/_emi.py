"""MIRI's electromagnetic interference: periodic patterns in the order in which pixels are read.

Four neighbouring columns are read at the same time by four outputs: a *quad*. Times count samples
of 10 microseconds from the first pixel. A pattern is a *wave*: its values at equal steps of phase
over one period.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Clocks", "remove_by_joint_fit", "remove_sequentially"]

SAMPLE = 1.0e-5  # seconds
OUTPUTS = 4
#: Samples that a row outside the subarray takes.
SKIPPED_ROW = 7
FULL_ROWS = 1024
#: Phases at which the joint fit looks for the best.
TRIALS = 500
MOST_BINS = 501
#: Quads of the reference columns that are not to be trusted.
BAD_QUADS = [1, 2]


class Clocks(NamedTuple):
    """How long the readout takes, in samples."""

    n_samples: int  #: of a pixel: 1 in fast mode, 9 in slow mode
    row: int  #: from row to row
    frame: int  #: of the frame that is read between two integrations
    has_reset_frame: bool  #: whether there is one

    def frame_time(self, n_rows):
        """Count samples from frame to frame."""
        return n_rows * self.row + (FULL_ROWS - n_rows) * SKIPPED_ROW

    def between(self):
        """Count samples that are added between two integrations."""
        return self.frame if self.has_reset_frame else 0

    def pixel_times(self, n_rows, n_quads):
        """Time of each quad of a frame, [row, quad]."""
        return np.arange(n_rows)[:, np.newaxis] * self.row + np.arange(n_quads) * self.n_samples


def period_of(frequency):
    """Return the period of a frequency in Hz, in samples."""
    return (1.0 / frequency) / SAMPLE


# joint fit ----------------------------------------------------------------------------------------

class Spline:
    """A wave at any phase: the cubic spline through it and its periodic neighbours."""

    def __init__(self, wave):
        from scipy.interpolate import CubicSpline

        self.n = len(wave)
        self.at = (np.arange(self.n + 2) - 0.5) / self.n
        self.terms = CubicSpline(self.at, np.concatenate([wave[-1:], wave, wave[:1]])).c

    def __call__(self, phase):
        """Evaluate at phases from 0 to 1."""
        piece = (phase * self.n + 0.5).astype(np.int32)
        t = phase - self.at[piece]
        c3, c2, c1, c0 = self.terms
        return ((c3[piece] * t + c2[piece]) * t + c1[piece]) * t + c0[piece]


def steady_pixels(data, pixeldq):
    """Good pixels whose groups scatter less than twice the median scatter, [integration, pixel]."""
    scatter = np.stack([[np.std(ramp[:, row], axis=0) for row in range(ramp.shape[1])]
                        for ramp in data])
    return (scatter < 2 * np.median(scatter)) & (pixeldq == 0)


def sum_by_phase(data, usable, phase, n_bins):
    """Sum the groups of usable pixels by phase: [integration, bin, group] and counts."""
    bins = np.repeat((phase * n_bins).astype(np.intp), OUTPUTS, axis=1)
    usable = usable.copy()
    for quad in BAD_QUADS:
        usable[:, :, OUTPUTS * quad : OUTPUTS * (quad + 1)] = False
    sums = np.zeros((len(data), n_bins, data.shape[1]))
    counts = np.zeros((len(data), n_bins))
    for i, ramp in enumerate(data):
        chosen = np.flatnonzero(usable[i])
        where = bins.reshape(-1)[chosen]
        counts[i] = np.bincount(where, minlength=n_bins)
        for g, group in enumerate(ramp):
            sums[i, :, g] = np.bincount(where, group.reshape(-1)[chosen], n_bins)
    return sums, counts


class PhaseFit:
    """
    Chi squared of straight ramps plus a wave, as a function of the wave's phase.

    The ramps of all pixels of one phase bin are fitted at once through their sums. For a phase,
    chi squared is a parabola in the amplitude, ``a x**2 + b x``.
    """

    def __init__(self, sums, counts, spline, template, step):
        self.phases = np.arange(TRIALS) * 1.0 / TRIALS
        self.step = step
        n_groups = sums.shape[2]
        time = np.arange(n_groups)
        t, tt = time.sum(), (time**2).sum()
        delta = n_groups * tt - t**2
        self.a = np.empty((len(sums), TRIALS))
        self.b = np.empty_like(self.a)
        y, ty = sums.sum(axis=2), (sums * time).sum(axis=2)
        for k, phase in enumerate(self.phases):
            wave = spline((template + phase) % 1)
            z, tz, zz = wave.sum(axis=1), (wave * time).sum(axis=1), (wave**2).sum(axis=1)
            straight = -tt * z**2 + 2 * t * z * tz - n_groups * tz**2 + zz * delta
            self.a[:, k] = (counts / delta * straight).sum(axis=1)
            along = (tt * z - t * tz) * y + (n_groups * tz - t * z) * ty
            self.b[:, k] = 2 / delta * along.sum(axis=1) - 2 * (wave * sums).sum(axis=(1, 2))

    def parabolas(self, phases, integrations):
        """Sum a and b over integrations for phases of the first integration."""
        a, b = np.zeros(len(phases)), np.zeros(len(phases))
        for i in integrations:
            # The trial phase at or above the wanted one.
            away = (self.phases - np.asarray(phases)[:, np.newaxis] - self.step * i) % 1
            nearest = np.abs(away).argmin(axis=1)
            a += self.a[i, nearest]
            b += self.b[i, nearest]
        void = np.isclose(a, 0, atol=1e-8) | ~np.isfinite(a) | ~np.isfinite(b)
        return a, b, void

    def best(self, integrations):
        """Phase in the first integration and amplitude of the best fit."""
        a, b, void = self.parabolas(self.phases, integrations)
        with np.errstate(divide="ignore", invalid="ignore"):
            chi2 = np.where(void, np.nan, -(b**2) / (4 * a))
        phase = lowest(self.phases, chi2)
        a, b, void = self.parabolas([phase], integrations)
        return phase, 0.0 if void[0] else -b[0] / (2 * a[0])


def lowest(phases, chi2):
    """Phase of the vertex of the parabola through the lowest chi squared and its neighbours."""
    if np.isnan(chi2).all():
        return phases[0]
    k = int(np.nanargmin(chi2))
    before, here, after = chi2[k - 1], chi2[k], chi2[(k + 1) % len(chi2)]
    curvature = before - 2 * here + after
    if not np.isfinite(curvature) or curvature <= 0:
        return phases[k]
    return phases[k] + 0.5 * (before - after) / curvature / len(phases)


def remove_by_joint_fit(data, pixeldq, wave, *, frequency, clocks, fit_ints_separately):
    """
    Fit straight ramps and a wave of known shape together, and subtract the wave, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Changed in place.
    pixeldq : uint32 [row, col]
        Flags; the fit uses pixels without any.
    wave : float [phase]
        The wave over one period.
    frequency : float
        Hz.
    clocks : Clocks
        Readout times.
    fit_ints_separately : bool
        Fit phase and amplitude in each integration instead of once.

    Returns
    -------
    phases, amplitudes : float [integration]
        Of the wave that was subtracted.

    Notes
    -----
    Differs from jwst 3.0.0: where the best of the trial phases is the first or the last one, the
    vertex is found across the end of the period; there it comes out half a period away.
    """
    n_ints, n_groups, n_rows, n_cols = data.shape
    period = period_of(frequency)
    phase = (clocks.pixel_times(n_rows, n_cols // OUTPUTS) / period) % 1
    group_step = (clocks.frame_time(n_rows) / period) % 1
    step = group_step * n_groups + clocks.between() / period
    spline = Spline(np.asarray(wave, np.float64))
    template = (spline.at[1:-1, np.newaxis] + np.arange(n_groups) * group_step) % 1
    sums, counts = sum_by_phase(data, steady_pixels(data, pixeldq), phase, spline.n)
    fit = PhaseFit(sums, counts, spline, template, step)
    if fit_ints_separately:
        found = [fit.best([i]) for i in range(n_ints)]
    else:
        found = [fit.best(range(n_ints))] * n_ints
    phases = np.array([best + i * step for i, (best, _) in enumerate(found)]) % 1
    amplitudes = np.array([amplitude for _, amplitude in found])
    for i in range(n_ints):
        for g in range(n_groups):
            noise = amplitudes[i] * spline((phase + group_step * g + phases[i]) % 1)
            data[i, g].reshape(n_rows, -1, OUTPUTS)[...] -= noise[..., np.newaxis]
    return phases, amplitudes


# sequential fit -----------------------------------------------------------------------------------

def resampled(wave, length):
    """Stretch a wave to a length, which need not be whole, by its nearest earlier values."""
    at = (np.arange(int(np.ceil(length))) * (len(wave) / length)).astype(int)
    return wave[np.minimum(at, len(wave) - 1)]


def residuals(ramp):
    """Quads of a ramp less its line, pedestal and median: float64 [group, row, quad]."""
    middle, n = ramp[1:-1], len(ramp) - 2
    time = np.arange(n, dtype=np.float64)
    total = middle.sum(axis=0, dtype=np.float64)
    along = sum(t * group for t, group in zip(time, middle, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (n * along - time.sum() * total) / (n * (time**2).sum() - time.sum() ** 2)
    flat = np.stack([(group - slope * g).astype(np.float32) for g, group in enumerate(ramp)])
    flat -= np.nanmin(flat[1:-1], axis=0) if n <= 2 else np.nanmedian(flat[1:-1], axis=0)
    quads = flat[..., 0::4] + flat[..., 1::4] + flat[..., 2::4] + flat[..., 3::4]
    quads /= 4
    quads[..., BAD_QUADS] = ((quads[..., 0] + quads[..., 3]) / 2)[..., np.newaxis]
    return quads.astype(np.float64) - np.median(quads, axis=(1, 2), keepdims=True)


def phases_of(shape, first, clocks, period, right_reference):
    """Phases of the quads of one integration that starts at a time: [group, row, quad]."""
    n_groups, n_rows, n_quads = shape
    times = clocks.pixel_times(n_rows, n_quads).astype(np.float64)
    if right_reference:
        # Three samples later; the rest is the reference release's, and shifts the phase.
        times[:, -1] += 3 + 2**32
    frames = first + clocks.frame_time(n_rows) * np.arange(n_groups, dtype=np.float64)
    waves = (frames[:, np.newaxis, np.newaxis] + times) / period
    return waves - np.floor(waves)


def average_by_phase(phase, values, n_bins):
    """Sigma-clipped mean of values in bins of phase, less its median: float64 [bin]."""
    from astropy.stats import sigma_clipped_stats

    bins = np.searchsorted(np.arange(n_bins + 1) / n_bins, phase.reshape(-1), side="left") - 1
    order = np.argsort(bins, kind="stable")
    values = values.reshape(-1)[order]
    ends = np.searchsorted(bins[order], np.arange(n_bins + 1))
    wave = np.full(n_bins, np.nan)
    for k in range(n_bins):
        inside = values[ends[k] : ends[k + 1]]
        if np.isfinite(inside).any():
            wave[k] = sigma_clipped_stats(inside)[0]
    return wave - np.median(wave)


def fitted_to(wave, reference, period, scale):
    """Shift a reference wave to a measured one, scale it on request: values by sample."""
    stretched = resampled(wave, len(reference))
    with np.errstate(invalid="ignore", divide="ignore"):
        likeness = [np.corrcoef(np.roll(reference, k), stretched)[0, 1]
                    for k in range(len(reference))]
    model = resampled(np.roll(reference, int(np.argmax(likeness))), period)
    if scale:
        model = model * np.polyfit(model, resampled(wave, period), 1)[0]
    return model


def remove_sequentially(data, *, frequency, clocks, reference=None, n_ints_to_phase=None,
                        n_bins=None, scale_reference=True, right_reference=False):
    """
    Average what is left of straight ramps by phase, and subtract that wave, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Changed in place.
    frequency : float
        Hz.
    clocks : Clocks
        Readout times.
    reference : float [phase], optional
        The wave to subtract, shifted to the measured one; the measured one by default.
    n_ints_to_phase : int, optional
        Integrations to average; all by default.
    n_bins : int, optional
        Bins of phase; one for two samples by default, and never more than 501.
    scale_reference : bool
        Scale the reference wave to the measured one.
    right_reference : bool
        Whether the last quad of a row is of reference pixels.

    Returns
    -------
    float64 [bin]
        The measured wave.

    Notes
    -----
    Source: after E. Bergeron's fix_miri_emi.
    """
    n_ints, n_groups, n_rows, n_cols = data.shape
    shape = (n_groups, n_rows, n_cols // OUTPUTS)
    period = period_of(frequency)
    n_bins = int(period / 2.0) if n_bins is None else n_bins
    n_bins = 500 if n_bins > MOST_BINS else n_bins
    length = clocks.frame_time(n_rows) * n_groups + clocks.between()

    def phase(integration):
        return phases_of(shape, integration * length, clocks, period, right_reference)

    used = range(n_ints if n_ints_to_phase is None else min(n_ints, n_ints_to_phase))
    wave = average_by_phase(np.stack([phase(i) for i in used]),
                            np.stack([residuals(data[i]) for i in used]), n_bins)
    if not np.isfinite(wave).all():
        return wave
    model = resampled(wave, period)
    if reference is not None:
        model = fitted_to(wave, np.asarray(reference), period, scale_reference)
    for i in range(n_ints):
        noise = model[(phase(i) * period).astype(int)]
        data[i].reshape(n_groups, n_rows, -1, OUTPUTS)[...] -= noise[..., np.newaxis]
    return wave
