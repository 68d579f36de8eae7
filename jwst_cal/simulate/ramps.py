"""From light to raw counts: cosmic rays, shot noise, non-linearity, readout noise, digitisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from jwst_cal.simulate import interference, irs2
from jwst_cal.simulate.detectors import KIND, RESET_GROUPS, SCALE, in_bands, stream

__all__ = ["JUMP", "Ramp", "Readout", "cosmic_rays", "expose", "shot_noise", "unbend"]

#: Rows worked on at once by one thread: its arrays stay in the cache of one core.
BAND = 32
#: Below this mean the counts come from the exact Poisson generator.
EXACT_BELOW = np.float32(4.0)
#: Part of a charge that appears in each of the four neighbours.
COUPLING = 0.006

#: One row per hit pixel and read: the first group that holds the charge, and its share in it.
JUMP = np.dtype([
    ("integration", "i2"), ("group", "i2"), ("row", "i2"), ("col", "i2"),
    ("electrons", "f4"), ("dn", "f4"), ("share", "f4"), ("kind", "u1"),
])
COSMIC_RAY, SNOWBALL, SHOWER = range(3)


@dataclass(frozen=True)
class Readout:
    """Sampling of an exposure: integrations, groups, frames averaged and dropped, s a frame."""

    n_ints: int
    n_groups: int
    n_frames: int
    group_gap: int
    frame_time: float
    #: Of a segment: first integration, from 0, and integrations of the whole exposure.
    first: int = 0
    total: int | None = None
    #: Frames not kept between the first half of the groups and the second one.
    pause: int = 0
    #: What the sum of the frames is divided by on board; by default their number.
    divisor: int | None = None

    @property
    def frame_divisor(self):
        """What the sum of the frames is divided by on board."""
        return self.divisor or self.n_frames

    @property
    def group_time(self):
        """Seconds from group to group, or from the first half of them to the second one."""
        if self.pause:
            return self.frame_time * (self.n_groups // 2 + self.pause)
        return self.frame_time * (self.n_frames + self.group_gap)

    @property
    def integration_time(self):
        """Seconds from the reset to the last read."""
        return float(self.read_times[-1])

    @property
    def read_times(self):
        """float64 [kept frame]: seconds from the reset to each frame that is kept."""
        group, frame = np.divmod(np.arange(self.n_groups * self.n_frames), self.n_frames)
        late = self.pause * (group >= self.n_groups // 2)
        return (group * (self.n_frames + self.group_gap) + frame + 1 + late) * self.frame_time


class Ramp(NamedTuple):
    """Raw counts and what happened in them."""

    data: np.ndarray
    zeroframe: np.ndarray | None
    jumps: np.ndarray
    saturated_group: np.ndarray


def shot_noise(rng, mean, out):
    """
    Draw the electrons collected where `mean` are expected.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random stream.
    mean : float32 array, e-
        Expected number.
    out : float32 array
        Receives the result.

    Notes
    -----
    Below 4 e- Poisson counts. Above, the Cornish-Fisher expansion of the Poisson distribution to
    third order: not whole numbers, but mean and variance are exact and the skewness right to
    within 1e-3.
    """
    low = mean < EXACT_BELOW
    if low.all():
        out[...] = rng.poisson(mean)
        return
    z = rng.standard_normal(mean.shape, dtype=np.float32)
    root = np.sqrt(np.maximum(mean, EXACT_BELOW))
    square = z * z
    np.subtract(1, square, out=out)
    out *= z
    out /= root
    out *= np.float32(1 / 72)
    square -= 1
    square *= np.float32(1 / 6)
    out += square
    z *= root
    out += z
    out += mean
    np.maximum(out, 0, out=out)
    if low.any():
        out[low] = rng.poisson(mean[low])


def unbend(linear, bend, curvature):
    """
    Find the counts that the linearity polynomial maps onto a linear signal.

    Parameters
    ----------
    linear : float32 array, DN
        Linear signal, up to about 75000 DN.
    bend : float32 array
        The pixel's factor on the curvature.
    curvature : tuple of float
        Coefficients of the 2nd to 4th power, in units of 60000 DN.

    Returns
    -------
    float32 array, DN
        ``x`` with ``P(x) = linear``, to 0.02 DN.

    Notes
    -----
    Two steps of Newton's method from the inverse to first order.
    """
    c2, c3, c4 = (np.float32(c) for c in curvature)
    target = np.minimum(linear, np.float32(1.25) * SCALE)
    target /= SCALE
    x = target / (1 + (c2 + c3 * target + c4 * target * target) * bend * target)
    for _ in range(2):
        value = ((c4 * x + c3) * x + c2) * x
        slope = ((4 * c4 * x + 3 * c3) * x + 2 * c2) * x
        value *= bend
        value += 1
        value *= x
        value -= target
        slope *= bend
        slope += 1
        value /= slope
        x -= value
    x *= SCALE
    return x


# ---- cosmic rays ------------------------------------------------------------------------------
def cosmic_rays(rng, shape, pixel_um, read_times, *, rate=4.5, snowballs=0, showers=0):
    """
    Draw the charge that particles leave in one integration.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random stream.
    shape : tuple of int
        Rows and columns.
    pixel_um : float
        Size of a pixel, micrometres.
    read_times : float64 array, s
        Time of each frame that is kept.
    rate : float
        Particles per cm^2 and second.
    snowballs, showers : int
        Number of large events: a saturated core with a halo (near-infrared) and a faint wide
        patch (MIRI).

    Returns
    -------
    read, pixel : int64 array
        First frame that holds the charge, and the flat index of the pixel; sorted, no pair twice.
    electrons : float64 array
        Charge, e-.
    kind : uint8 array
        0 cosmic ray, 1 snowball, 2 shower.
    """
    n_rows, n_cols = shape
    area = n_rows * n_cols * (pixel_um * 1e-4) ** 2
    deposits = [_tracks(rng, shape, rng.poisson(rate * area * read_times[-1]), read_times)]
    n_reads = len(read_times)
    for kind, number in ((SNOWBALL, snowballs), (SHOWER, showers)):
        for _ in range(number):
            read = rng.integers(min(1, n_reads - 1), n_reads)
            deposits.append(_blob(rng, shape, read, kind))
    read, row, col, electrons, kind = (np.concatenate(c) for c in zip(*deposits, strict=True))
    # each charge, and what couples into the four neighbours
    shifts = ((0, 0, 1.0), (1, 0, COUPLING), (-1, 0, COUPLING), (0, 1, COUPLING), (0, -1, COUPLING))
    rows, cols = (np.concatenate([a + s[k] for s in shifts]) for k, a in enumerate((row, col)))
    charge = np.concatenate([electrons * s[2] for s in shifts])
    read, kind = np.tile(read, len(shifts)), np.tile(kind, len(shifts))
    inside = (rows >= 0) & (rows < n_rows) & (cols >= 0) & (cols < n_cols)
    key = (read * n_rows + rows)[inside] * n_cols + cols[inside]
    key, where = np.unique(key, return_inverse=True)
    largest = np.zeros(len(key), np.uint8)
    np.maximum.at(largest, where, kind[inside])
    read, pixel = np.divmod(key, n_rows * n_cols)
    return read, pixel, np.bincount(where, charge[inside], len(key)), largest


def _tracks(rng, shape, n, read_times):
    """Straight tracks of random length, each sampled at points blurred by charge diffusion."""
    read = np.searchsorted(read_times, rng.random(n) * read_times[-1])
    start = rng.random((n, 2)) * shape
    length = rng.exponential(1.3, n) + np.where(rng.random(n) < 0.05, rng.exponential(12.0, n), 0)
    charge = rng.lognormal(np.log(900.0), 1.25, n) * (1 + 0.35 * length)
    angle = rng.random(n) * 2 * np.pi
    points = (10 + 5 * length).astype(np.intp)
    of = np.repeat(np.arange(n), points)
    along = (rng.random(len(of)) * length[of])[:, None]
    place = start[of] + along * np.column_stack([np.sin(angle), np.cos(angle)])[of]
    place = np.floor(place + 0.36 * rng.standard_normal(place.shape)).astype(np.int64)
    return (read[of], place[:, 0], place[:, 1], (charge / points)[of],
            np.full(len(of), COSMIC_RAY, np.uint8))


def _blob(rng, shape, read, kind):
    """A snowball (saturated core, halo) or a shower (a faint ellipse), centred at random."""
    radius = min(2 * rng.lognormal(0.6, 0.5), 9.0) if kind == SNOWBALL else 14 + 16 * rng.random()
    half = int(6 * radius + 12 if kind == SNOWBALL else 3 * radius)
    dy, dx = np.mgrid[-half : half + 1, -half : half + 1]
    turn, flat = rng.random() * np.pi, 0.6 + 0.4 * rng.random()
    r = np.hypot(dy * np.cos(turn) + dx * np.sin(turn),
                 (dx * np.cos(turn) - dy * np.sin(turn)) / flat)
    if kind == SNOWBALL:
        halo = 9000 * np.exp(-(r - radius) / (0.7 * radius + 1.5))
        mean = np.where(r < radius, 3e5, halo)
    else:
        mean = 28 * np.exp(-0.5 * (r / radius) ** 2)
    row, col = (int(rng.random() * n) for n in shape)
    keep = mean > (15 if kind == SNOWBALL else 1.5)
    charge = rng.poisson(mean[keep]).astype(float)
    return (np.full(len(charge), read), dy[keep] + row, dx[keep] + col, charge,
            np.full(len(charge), kind, np.uint8))


# ---- readout noise ----------------------------------------------------------------------------
#: Pixels over which the 1/f noise is held: what is faster is lost in the white noise.
_HOLD = 4
#: Makes the variance 1 in a full frame: each octave has the same, and 2^18 values sum to 12.4.
_PINK = np.float32(0.5 / np.sqrt(12.4))


def _pink(rng, n_rows, n_cols):
    """1/f noise along the pixels of rows read one after another, with 12 clocks between rows."""
    per_row = -(-n_cols // _HOLD) + 12 // _HOLD
    # an FFT length of small primes
    n = min(f << max(0, (-(-n_rows * per_row // f) - 1).bit_length()) for f in (1, 3, 5, 9, 15))
    n_frequencies = n // 2 + 1
    spectrum = rng.standard_normal(2 * n_frequencies, dtype=np.float32).view(np.complex64)
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, n_frequencies, dtype=np.float32))
    noise = np.fft.irfft(spectrum, n, norm="forward").astype(np.float32, copy=False)
    noise *= _PINK
    return noise[: n_rows * per_row].reshape(n_rows, per_row).repeat(_HOLD, 1)[:, :n_cols]


class _Electronics:
    """Noise common to many pixels of a frame, DN: drift of outputs and parities, 1/f."""

    def __init__(self, window, seed, integration):
        self.window, self.seed, self.integration = window, seed, integration
        self.miri = window.detector.instrument == "MIRI"
        self.n_outputs = 4 if self.miri else window.n_outputs
        # a random walk between frames: short frames drift less
        self.step = np.sqrt(min(1.0, window.frame_time / 10.73677))
        self.level = 3 * self.step * stream(seed, "drift", integration).standard_normal(
            self.n_outputs
        )

    def frame(self, number):
        """
        Make the noise of the next frame.

        Parameters
        ----------
        number : int
            Frame of the integration; frames are asked for in order.

        Returns
        -------
        float32 [row, col], DN
            In the science orientation.
        """
        window, detector = self.window, self.window.detector
        n_rows, n_cols = window.shape if abs(detector.fast_axis) == 1 else window.shape[::-1]
        rng = stream(self.seed, "1/f", self.integration, number)
        self.level += self.step * rng.standard_normal(self.n_outputs)
        parity = self.level + self.step * rng.standard_normal((2, self.n_outputs))
        width = n_cols // self.n_outputs
        gain = detector.gain * window.gain_factor
        common = _pink(rng, n_rows, width) * np.float32(detector.common_noise / gain)
        out = np.empty((n_rows, n_cols), np.float32)
        for k in range(self.n_outputs):
            noise = _pink(rng, n_rows, width) * np.float32(detector.output_noise / gain)
            noise += common
            if self.miri:
                target = out[:, k :: self.n_outputs]
                target[...] = noise
                target[0::2] += np.float32(parity[0, k])
                target[1::2] += np.float32(parity[1, k])
            else:
                target = out[:, k * width : (k + 1) * width]
                target[...] = noise[:, ::-1] if k % 2 else noise
                target[:, 0::2] += np.float32(parity[0, k])
                target[:, 1::2] += np.float32(parity[1, k])
        return window.to_science(out)

    def complete(self, counts):
        """
        Add what is read besides the pixels.

        Parameters
        ----------
        counts : float32 [row, col], DN
            Digitised pixels of the frame asked for last.

        Returns
        -------
        float32 [row, col], DN
            The frame as it is sent down: the same.
        """
        return counts


def couple(level, window):
    """
    Let each pixel show a part of its neighbours' signal: inter-pixel capacitance.

    Parameters
    ----------
    level : float32 [row, col], DN
        Signal.
    window : Window
        The detector. Reference pixels take no part.

    Returns
    -------
    float32 [row, col], DN
    """
    part = np.float32(window.detector.ipc)
    pixels = ~window.reference
    out = level.copy()
    for axis in (0, 1):
        one, other = ([slice(None)] * 2 for _ in range(2))
        one[axis], other[axis] = slice(1, None), slice(None, -1)
        one, other = tuple(one), tuple(other)
        flow = part * (level[one] - level[other]) * (pixels[one] & pixels[other])
        out[other] += flow
        out[one] -= flow
    return out


# ---- exposure ---------------------------------------------------------------------------------
class _Integration:
    """The state of the pixels between two frames, and the work on one band of rows."""

    def __init__(self, window, readout, rate, seed, number, deposits):
        self.window, self.readout, self.rate = window, readout, rate
        self.seed, self.number = seed, number
        self.read, self.pixel, self.electrons = deposits
        self.charge = np.zeros(window.shape, np.float32)
        self.offset = np.zeros(window.shape, np.float32)
        self.telegraph = window.kind == KIND["telegraph"]
        self.stuck = window.kind == KIND["floor"]
        self.state = stream(seed, "telegraph", number).random(window.shape, dtype=np.float32)
        if not window.detector.bias_in_well:
            in_bands(self._reset, window.shape[0], BAND)

    def _reset(self, band, first, last):
        rng = stream(self.seed, "reset", self.number, band)
        rows = slice(first, last)
        shape = self.offset[rows].shape
        detector = self.window.detector
        noise = np.float32(detector.reset_noise / (detector.gain * self.window.gain_factor))
        self.offset[rows] = self.window.bias[rows] + noise * rng.standard_normal(
            shape, dtype=np.float32
        )

    def frame(self, number, seconds, correlated, extra):
        """
        Expose for some seconds and read all pixels.

        Parameters
        ----------
        number : int
            Frame of the integration.
        seconds : float
            Since the frame before.
        correlated : float32 [row, col], DN
            Noise of the electronics.
        extra : callable or None
            ``extra(rows)`` gives an offset for a slice of rows, DN.

        Returns
        -------
        counts : float32 [row, col], DN
            Digitised, whole numbers.
        saturated : bool [row, col]
            The pixel has reached its saturation level.
        """
        n_rows, n_cols = self.window.shape
        counts = np.empty(self.window.shape, np.float32)
        saturated = np.zeros(self.window.shape, bool)
        start, stop = np.searchsorted(self.read, (number, number + 1))
        pixel, electrons = self.pixel[start:stop], self.electrons[start:stop]

        generators = {}

        def collect(band, first, last):
            rows = slice(first, last)
            rng = generators[band] = stream(self.seed, "frame", self.number, number, band)
            charge = self.charge[rows]
            signal = np.empty_like(charge)
            shot_noise(rng, self.rate[rows] * np.float32(seconds), signal)
            charge += signal
            a, b = np.searchsorted(pixel, (first * n_cols, last * n_cols))
            charge.reshape(-1)[pixel[a:b] - first * n_cols] += electrons[a:b]
            counts[rows], saturated[rows] = self._level(rows, charge)

        def read(band, first, last):
            rows = slice(first, last)
            self._add_noise(generators.pop(band), rows, counts[rows])
            counts[rows] += correlated[rows]
            if extra is not None:
                counts[rows] += extra(rows)
            counts[rows][self.stuck[rows]] = -1
            np.clip(counts[rows], 0, 65535, out=counts[rows])
            np.floor(counts[rows], out=counts[rows])

        in_bands(collect, n_rows, BAND)
        if self.window.detector.ipc:
            counts[...] = couple(counts, self.window)
        in_bands(read, n_rows, BAND)
        return counts, saturated

    def _level(self, rows, charge):
        """The signal, DN, and where it is saturated."""
        window, detector = self.window, self.window.detector
        gain = window.gain[rows]
        linear = charge / gain
        if detector.bias_in_well:
            linear += window.bias[rows]
        level = unbend(linear, window.bend[rows], detector.curvature)
        saturated = level >= window.saturation[rows]
        return np.minimum(level, window.full_well[rows], out=level), saturated

    def _add_noise(self, rng, rows, level):
        window = self.window
        noise = rng.standard_normal(level.shape, dtype=np.float32)
        noise *= window.read_noise[rows]
        noise /= window.gain[rows]
        level += noise
        level += self.offset[rows]
        # a telegraph pixel flips between two levels
        tele = self.telegraph[rows]
        if tele.any():
            state = self.state[rows]
            flip = rng.random(int(tele.sum())) < 0.05
            value = state[tele]
            state[tele] = np.where(flip, 1 - value, value)
            level[tele] += np.where(state[tele] < 0.5, np.float32(25), np.float32(0))


def expose(window, readout, light, seed, *, cosmic_ray_rate=4.5, snowballs=0, showers=0,
           light_curve=None, emi=0.0):
    """
    Simulate the raw counts of one exposure.

    Parameters
    ----------
    window : jwst_cal.simulate.detectors.Window
        The detector.
    readout : Readout
        The sampling.
    light : float32 [row, col], e-/s
        Photons converted by a pixel of full efficiency.
    seed : int
        Everything random depends on it and on nothing else.
    cosmic_ray_rate : float
        Particles per cm^2 and second.
    snowballs, showers : int
        Large events in the whole exposure.
    light_curve : float64 [integration], optional
        Factors on the light, of the whole exposure.
    emi : float, DN
        Amplitude of MIRI's electromagnetic interference.

    Returns
    -------
    Ramp
        data : uint16 [integration, group, row, col], DN
        zeroframe : uint16 [integration, row, col] or None — only NIRCam, where it averages
        jumps : JUMP array
        saturated_group : uint8 [integration, row, col] — first group that holds a frame in which
        the pixel has reached its saturation level, 255 for never
    """
    first, n_ints, total = readout.first, readout.n_ints, readout.total or readout.n_ints
    shape = irs2.SHAPE if window.interleaved else window.shape
    data = np.empty((n_ints, readout.n_groups, *shape), np.uint16)
    keeps_first = window.instrument.zero_frame and readout.n_frames > 1
    zeroframe = np.empty((n_ints, *shape), np.uint16) if keeps_first else None
    saturated = np.full((n_ints, *window.shape), 255, np.uint8)
    rate = light * window.efficiency + window.dark
    miri = window.detector.instrument == "MIRI"
    jumps, before = [], None
    # MIRI remembers the integration before, even if it is in another segment
    for i in range(max(first - miri, 0), first + n_ints):
        if light_curve is not None:
            rate = light * np.float32(light_curve[i]) * window.efficiency + window.dark
        read, pixel, electrons, kind = cosmic_rays(
            stream(seed, "cosmic rays", i), window.shape, window.detector.pixel_um,
            readout.read_times, rate=cosmic_ray_rate, snowballs=_share(snowballs, i, total),
            showers=_share(showers, i, total),
        )
        seen = window.efficiency.reshape(-1)[pixel] > 0
        read, pixel, electrons, kind = read[seen], pixel[seen], electrons[seen], kind[seen]
        state = _Integration(window, readout, rate, seed, i, (read, pixel, electrons))
        k = max(i - first, 0)  # the integration before a segment is overwritten
        saturated[k] = 255
        _read_out(state, before, emi, data[k], None if zeroframe is None else zeroframe[k],
                  saturated[k])
        if i >= first:
            jumps.append(_jump_table(window, readout, k, read, pixel, electrons, kind))
        before = np.minimum(state.charge / window.gain, np.float32(4e4)) if miri else None
    return Ramp(data, zeroframe, np.concatenate(jumps), saturated)


def _read_out(state, before, emi, data, zeroframe, saturated):
    """Read the frames of one integration into `data`, its first one into `zeroframe`."""
    window, readout, number = state.window, state.readout, state.number
    electronics = (irs2.Electronics if window.interleaved else _Electronics)(
        window, state.seed, number)
    total = np.zeros(data.shape[1:], np.float32)
    times, n_frames = readout.read_times, readout.n_frames
    for frame, time in enumerate(times):
        group, within = divmod(frame, n_frames)
        extra = None
        if window.detector.instrument == "MIRI":
            extra = _miri_offset(window, number, frame, readout.n_groups, before)
        noise = electronics.frame(frame)
        if emi:
            noise = noise + interference.of_frame(window, state.seed, emi, readout.n_groups, number,
                                                  frame)
        counts, reached = state.frame(
            frame, time - (times[frame - 1] if frame else 0.0), noise, extra
        )
        saturated[reached & (saturated == 255)] = group
        counts = electronics.complete(counts)
        if within == 0:
            total[...] = counts
            if frame == 0 and zeroframe is not None:
                zeroframe[...] = counts
        else:
            total += counts
        if within == n_frames - 1:
            total /= np.float32(readout.frame_divisor)
            data[group] = np.minimum(total, 65535, out=total)  # the cast truncates


def _share(total, part, parts):
    return total * (part + 1) // parts - total * part // parts


def _jump_table(window, readout, integration, read, pixel, electrons, kind):
    table = np.zeros(len(read), JUMP)
    table["integration"] = integration
    table["group"], within = np.divmod(read, readout.n_frames)
    table["share"] = (readout.n_frames - within) / readout.n_frames
    table["row"], table["col"] = np.divmod(pixel, window.shape[1])
    table["electrons"] = electrons
    table["dn"] = electrons / window.gain.reshape(-1)[pixel]
    table["kind"] = kind
    detector = window.detector
    return table[table["electrons"] > 0.25 * detector.read_noise]


def _miri_offset(window, integration, frame, n_groups, before):
    """Offsets of MIRI: after the reset, after a bright integration, and in the last frame."""
    offset = np.zeros(window.shape, np.float32)
    if frame < RESET_GROUPS:
        offset += window.reset_anomaly(integration, frame)
        if before is not None:
            offset -= np.float32(0.0025 * np.exp(-frame / 1.5)) * before
    if frame == n_groups - 1:
        offset[(window.y % 2) == 1] -= 14
    return lambda rows: offset[rows]
