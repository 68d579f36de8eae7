"""The physical detectors: what the exposures suffer from and the reference files correct.

One :class:`Window` is a cut of one detector. Exposures and reference files both ask it for the same
maps (gain, bias, dark current, curvature, bad pixels ...), which depend on the detector's name
only, so a reference file made today fits an exposure made tomorrow. Maps are drawn in bands of
rows, each from a random stream of its own: a small subarray costs no more than its own bands.
All maps are [row, col] in the science orientation, float32 unless said otherwise.
"""

from __future__ import annotations

import contextlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from jwst_cal import flags
from jwst_cal.errors import ParameterError
from jwst_cal.kernels import threads
from jwst_cal.pointing import siaf
from jwst_cal.simulate.instruments import DETECTORS, INSTRUMENTS
from jwst_cal.simulate.instruments._parts import Properties, Subarray

__all__ = [
    "DETECTORS", "FLAW", "KIND", "RESET_GROUPS", "SCALE", "Properties", "Subarray", "Window",
    "in_bands", "stream",
]

#: The linearity polynomial is defined in units of this many DN.
SCALE = np.float32(60000.0)
#: Rows drawn from one random stream.
BAND = 64
#: Groups after which MIRI's reset anomaly is gone.
RESET_GROUPS = 8
#: Changes every map and every exposure when it changes.
ENTROPY = 20260719


def stream(*key):
    """
    Open the random stream of a key.

    Parameters
    ----------
    *key : int or str
        What is drawn; equal keys give equal numbers.

    Returns
    -------
    numpy.random.Generator
        Independent of the streams of all other keys.
    """
    words = [zlib.crc32(k.encode()) if isinstance(k, str) else int(k) for k in key]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([ENTROPY, *words])))


def in_bands(work, n_rows, band, n_threads=None):
    """
    Call a function for each band of rows, on all threads granted.

    Parameters
    ----------
    work : callable
        Called with the band's number, first row and row after the last one.
    n_rows, band : int
        Rows of the image and of a band.
    n_threads : int, optional
        Threads; by default the package's own choice.
    """
    bands = [(k, y, min(y + band, n_rows)) for k, y in enumerate(range(0, n_rows, band))]
    team = min(threads.team_size(n_threads), len(bands))
    if team == 1:
        for one in bands:
            work(*one)
        return
    with ThreadPoolExecutor(team) as pool:
        for _ in pool.map(lambda one: work(*one), bands):
            pass


#: Bad pixels: name, share of the pixels, flags in the mask. A pixel is of one kind only.
_KINDS = (
    ("good", 0.0, ()),
    ("hot", 4e-3, ("HOT",)),
    ("very_hot", 8e-4, ("HOT", "DO_NOT_USE")),
    ("warm", 4e-3, ("WARM",)),
    ("dead", 1.2e-3, ("DEAD", "DO_NOT_USE")),
    ("low_qe", 8e-4, ("LOW_QE",)),
    ("rc", 8e-4, ("RC",)),
    ("telegraph", 6e-4, ("TELEGRAPH",)),
    ("open", 2e-4, ("OPEN", "DO_NOT_USE")),
    ("floor", 5e-6, ("DEAD",)),
)
KIND = {name: np.uint8(k) for k, (name, _, _) in enumerate(_KINDS)}
_KIND_EDGES = np.cumsum([share for _, share, _ in _KINDS]).astype(np.float32)
#: Share of the reference pixels that are bad.
BAD_REFERENCE = np.float32(4e-3)

#: Pixels whose reference values are unusable, though the pixel itself is good.
_FLAWS = (
    ("none", 0.0),
    ("no_linearity", 1e-3),
    ("nan_linearity", 1e-5),
    ("no_saturation", 5e-4),
    ("nan_gain", 6e-6),
    ("negative_gain", 2e-6),
    ("nan_bias", 7e-6),
)
FLAW = {name: np.uint8(k) for k, (name, _) in enumerate(_FLAWS)}
_FLAW_EDGES = np.cumsum([share for _, share in _FLAWS]).astype(np.float32)


class Window:
    """
    The maps of one cut of a detector, each made when it is first asked for.

    Parameters
    ----------
    detector : str
        Name, for instance ``NRCA1``.
    subarray : str or Subarray, optional
        The cut; a name of the detector's own list or any cut inside it.
    speed : str, optional
        How it is clocked, see ``instruments``.
    """

    def __init__(self, detector, subarray="FULL", speed=""):
        self.detector, self.speed = DETECTORS[detector], speed
        self.subarray = (
            subarray if isinstance(subarray, Subarray) else self.detector.subarray(subarray)
        )
        sub = self.subarray
        self.shape = (sub.n_rows, sub.n_cols)
        self._rows = (sub.ystart - 1, sub.ystart - 1 + sub.n_rows)
        self._cols = (sub.xstart - 1, sub.xstart - 1 + sub.n_cols)
        #: Rows and columns of the detector, from 0.
        self.y, self.x = np.arange(*self._rows), np.arange(*self._cols)
        n_rows, n_cols = self.detector.shape
        if not (0 <= self._rows[0] < self._rows[1] <= n_rows
                and 0 <= self._cols[0] < self._cols[1] <= n_cols):
            raise ParameterError(
                f"subarray {sub.name}: columns {self._cols}, rows {self._rows} do not lie on "
                f"{detector}, which has {n_cols} columns and {n_rows} rows"
            )

    @property
    def instrument(self):
        """The instrument that the detector belongs to."""
        return INSTRUMENTS[self.detector.instrument]

    @property
    def interleaved(self):
        """Whether reference pixels are read between the others (NIRSpec's IRS2)."""
        return self.speed == "IRS2"

    @property
    def frame_time(self):
        """Seconds a frame."""
        return self.subarray.frame_times[self.speed] if self.speed else self.subarray.frame_time

    @property
    def readpatt(self):
        """Readout pattern that keeps every frame."""
        return next(n for n, p in self.instrument.patterns.items() if p.speed == self.speed)

    # ---- drawing ------------------------------------------------------------------------
    def draw(self, field, kind="standard_normal", margin=0):
        """
        Draw a random map of the detector and cut the window from it.

        Parameters
        ----------
        field : str
            Name of the map.
        kind : {'standard_normal', 'random'}
            Distribution.
        margin : int
            Pixels added on each side; beyond the detector they are 1.

        Returns
        -------
        float32 [row, col]
        """
        (y0, y1), (x0, x1) = self._rows, self._cols
        y0, y1, x0, x1 = y0 - margin, y1 + margin, x0 - margin, x1 + margin
        n_rows, n_cols = self.detector.shape
        out = np.ones((y1 - y0, x1 - x0), np.float32)
        left, right = max(x0, 0), min(x1, n_cols)

        def one(band, first, last):
            if last <= y0 or first >= y1:
                return
            rows = getattr(stream(self.detector.name, field, band), kind)(
                (last - first, n_cols), dtype=np.float32
            )
            top, bottom = max(first, y0), min(last, y1)
            out[top - y0 : bottom - y0, left - x0 : right - x0] = (
                rows[top - first : bottom - first, left:right]
            )

        in_bands(one, n_rows, BAND)
        return out

    def smooth(self, field, knots=7):
        """
        Draw a smooth map of mean 0 and standard deviation of about 1.

        Parameters
        ----------
        field : str
            Name of the map.
        knots : int
            Random values along each axis of the detector, interpolated bilinearly.

        Returns
        -------
        float32 [row, col]
        """
        grid = stream(self.detector.name, field, "knots").standard_normal((knots, knots))
        grid = ((grid - grid.mean()) / grid.std() * 1.5).astype(np.float32)
        (y, fy), (x, fx) = (
            _grid_position(place, size, knots)
            for place, size in zip((self.y, self.x), self.detector.shape, strict=True)
        )
        along = grid[y] * (1 - fy)[:, None] + grid[y + 1] * fy[:, None]
        return along.take(x, 1) * (1 - fx) + along.take(x + 1, 1) * fx

    # ---- layout -------------------------------------------------------------------------
    @cached_property
    def reference(self):
        """Bool: the pixel is a reference pixel, which sees no light."""
        bottom, top, left, right = self.detector.border
        n_rows, n_cols = self.detector.shape
        y, x = self.y, self.x
        return ((y < bottom) | (y >= n_rows - top))[:, None] | (
            (x < left) | (x >= n_cols - right)
        )[None, :]

    @property
    def n_outputs(self):
        """Output amplifiers that read pixels."""
        return self.subarray.n_outputs

    @property
    def all_outputs(self):
        """Output amplifiers, with the one of IRS2 that reads none."""
        return 5 if self.interleaved else self.subarray.n_outputs

    @cached_property
    def fast(self):
        """Place along the fast axis, from 0, int [1, col] or [row, 1]."""
        return self.x[None, :] if abs(self.detector.fast_axis) == 1 else self.y[:, None]

    @cached_property
    def output(self):
        """Output amplifier of each pixel, int [1, col] or [row, 1]."""
        if self.detector.instrument == "MIRI":
            return self.fast % 4
        return self.fast * self.n_outputs // self.detector.shape[1]

    def to_science(self, frame):
        """
        Turn an image from the order of readout.

        Parameters
        ----------
        frame : array [slow, fast]
            An image as it is read.

        Returns
        -------
        array [row, col]
            A view in the science orientation.
        """
        fast, slow = self.detector.fast_axis, self.detector.slow_axis
        if abs(fast) == 1:
            return frame[:: np.sign(slow), :: np.sign(fast)]
        return frame.T[:: np.sign(fast), :: np.sign(slow)]

    def to_readout(self, image):
        """
        Turn an image into the order of readout.

        Parameters
        ----------
        image : array [row, col]
            An image in the science orientation.

        Returns
        -------
        array [slow, fast]
            A view.
        """
        fast, slow = self.detector.fast_axis, self.detector.slow_axis
        if abs(fast) == 1:
            return image[:: np.sign(slow), :: np.sign(fast)]
        return image[:: np.sign(fast), :: np.sign(slow)].T

    # ---- bad pixels ---------------------------------------------------------------------
    @cached_property
    def _chance(self):
        return self.draw("kind", "random", margin=1)

    @cached_property
    def kind(self):
        """uint8: the kind of pixel, see KIND; reference pixels are 'good'."""
        kind = np.searchsorted(_KIND_EDGES, self._chance[1:-1, 1:-1], "right").astype(np.uint8)
        kind[(kind == len(_KINDS)) | self.reference] = KIND["good"]
        return kind

    def of_kind(self, *names):
        """
        Tell which pixels are of the given kinds.

        Parameters
        ----------
        *names : str
            Kinds, see KIND.

        Returns
        -------
        bool [row, col]
        """
        return np.isin(self.kind, [KIND[name] for name in names])

    @cached_property
    def mask(self):
        """uint32: the flags of the bad-pixel mask, in the data model's bits."""
        bits = [
            sum(int(flags.pixel[f]) for f in names)
            for _, _, names in _KINDS
        ]
        mask = np.array(bits, np.uint32)[self.kind]
        low, high = _KIND_EDGES[KIND["open"] - 1], _KIND_EDGES[KIND["open"]]
        is_open = (self._chance >= low) & (self._chance < high)
        beside = (is_open[:-2, 1:-1] | is_open[2:, 1:-1] | is_open[1:-1, :-2] | is_open[1:-1, 2:])
        beside &= ~is_open[1:-1, 1:-1]
        mask[beside] |= flags.pixel["ADJ_OPEN"] | flags.pixel["DO_NOT_USE"]
        mask[self.reference] = flags.pixel["REFERENCE_PIXEL"]
        mask[self.bad_reference] |= flags.pixel["BAD_REF_PIXEL"] | flags.pixel["DO_NOT_USE"]
        return mask

    @cached_property
    def bad_reference(self):
        """Bool: a reference pixel that is noisy."""
        return self.reference & (self._chance[1:-1, 1:-1] < BAD_REFERENCE)

    @cached_property
    def flaw(self):
        """uint8: what is wrong in the reference files at this pixel, see FLAW."""
        flaw = np.searchsorted(_FLAW_EDGES, self.draw("flaw", "random"), "right").astype(np.uint8)
        flaw[(flaw == len(_FLAWS)) | self.reference] = FLAW["none"]
        return flaw

    # ---- physics ------------------------------------------------------------------------
    @property
    def gain_factor(self):
        """Gain in this subarray, in units of the full frame's."""
        return 1.0 if self.subarray.name == "FULL" else self.detector.subarray_gain

    @cached_property
    def gain(self):
        """e-/DN."""
        return np.float32(self.mean_gain) * (
            1 + np.float32(0.02) * self.smooth("gain") + np.float32(0.004) * self.draw("gain")
        )

    @property
    def mean_gain(self):
        """Gain of the detector in this subarray, e-/DN."""
        return self.detector.gain * self.gain_factor

    @cached_property
    def flat_field(self):
        """Response of the pixels to light, in units of the mean."""
        return (1 + np.float32(0.02) * self.smooth("flat")
                + np.float32(0.01) * self.draw("flat"))

    @property
    def distortion(self):
        """Where the pixels of the whole detector look; None if it takes no images."""
        name = self.detector.aperture
        return siaf.distortion(name) if name else None

    @cached_property
    def aperture(self):
        """
        The aperture of the cut; None if the detector takes no images.

        Where the aperture file has none of the name, or elsewhere, one around the cut's centre.
        """
        if self.distortion is None:
            return None
        whole, sub = self.distortion.aperture, self.subarray
        if sub.name == "FULL":
            return whole
        name = whole.name.removesuffix("_FULL").removesuffix("_CEN") + f"_{sub.name}"
        with contextlib.suppress(ParameterError):
            found = siaf.aperture(name)
            x, y = found.x_ref - 1 + self.x[0], found.y_ref - 1 + self.y[0]
            if np.hypot(*(np.array(self.distortion.to_telescope(x, y))
                          - (found.v2_ref, found.v3_ref))) < 0.01:
                return found
        return self.distortion.cut(name, self.x[0], self.y[0], len(self.x), len(self.y))

    @cached_property
    def area(self):
        """float32: areas of the pixels in units of the reference pixel's, or None."""
        if self.distortion is None:
            return None
        area = self.distortion.area(self.x, self.y)
        return (area / self.distortion.nominal_area).astype(np.float32)

    @cached_property
    def read_noise(self):
        """White noise of one read, e-."""
        spread = np.maximum(1 + np.float32(0.08) * self.draw("read noise"), np.float32(0.4))
        noisy = self.draw("noisy", "random")
        spread *= np.where(noisy < 0.006, np.float32(1.5) + 500 * noisy, np.float32(1))
        spread[self.bad_reference] *= 8
        return spread * np.float32(self.detector.read_noise)

    @cached_property
    def bias(self):
        """Level of an empty pixel just after reset, DN."""
        bias = np.float32(self.detector.bias) + np.float32(60) * self.draw("bias")
        if self.detector.instrument == "MIRI":
            return bias + 180 * self.smooth("bias")
        bias += 120 * self.smooth("bias")
        steps = stream(self.detector.name, "outputs").standard_normal((4, 3)).astype(np.float32)
        parity = self.fast % 2
        bias += 250 * steps[self.output, 2] + 60 * steps[self.output, parity]
        return bias

    @cached_property
    def dark(self):
        """Dark current, e-/s."""
        z = self.draw("dark")
        dark = np.float32(self.detector.dark) * (1 + np.float32(0.17) * z) ** 2
        for name, level in (("hot", 1 + 4 * z**2), ("very_hot", 300 * (1 + z**2))):
            np.copyto(dark, level, where=self.kind == KIND[name])
        dark[self.kind == KIND["warm"]] += np.float32(0.2)
        dark[self.reference] = 0
        return dark

    @cached_property
    def efficiency(self):
        """Share of the light that is seen, 0 to 1."""
        efficiency = np.ones(self.shape, np.float32)
        efficiency[self.of_kind("dead", "open") | self.reference] = 0
        efficiency[self.kind == KIND["low_qe"]] = 0.4
        return efficiency

    @cached_property
    def saturation(self):
        """Level of saturation, DN above the bias (MIRI: including it)."""
        return np.float32(self.detector.saturation) * (
            1 + np.float32(0.012) * self.smooth("well") + np.float32(0.006) * self.draw("well")
        )

    @cached_property
    def full_well(self):
        """Level at which the pixel stops, DN above the bias (MIRI: including it)."""
        return self.saturation * np.float32(self.detector.full_well / self.detector.saturation)

    @cached_property
    def bend(self):
        """Factor on the detector's curvature; 0 where the pixel is strictly linear."""
        bend = np.clip(
            1 + np.float32(0.06) * self.draw("bend"), np.float32(0.7), np.float32(1.3)
        )
        bend[self.reference] = 0
        # pixels without a usable polynomial really are linear: the truth stays within reach
        bend[np.isin(self.flaw, (FLAW["no_linearity"], FLAW["nan_linearity"]))] = 0
        return bend

    @cached_property
    def cds_noise(self):
        """Noise of the difference of two reads as a reference file gives it, DN."""
        common, output = (0.2, 0.55) if self.interleaved else (0.55, 0.8)
        left = common * self.detector.common_noise + output * self.detector.output_noise
        return np.sqrt(2 * (self.read_noise**2 + np.float32(left**2))) / self.gain

    # ---- MIRI's own ---------------------------------------------------------------------
    def reset_anomaly(self, integration, group):
        """
        Compute the offset that decays after a reset of MIRI's detector.

        Parameters
        ----------
        integration, group : int
            From 0; integrations after the second are like the second.

        Returns
        -------
        float32 [row, col], DN
        """
        amplitude = np.float32((-35.0 if integration == 0 else -12.0) * 0.6**group)
        parity = np.where(self.y % 2, np.float32(1.15), np.float32(0.9))[:, None]
        return amplitude * parity * self._reset_shape

    @cached_property
    def _reset_shape(self):
        return 1 + np.float32(0.1) * self.smooth("reset")


def _grid_position(place, size, knots):
    where = place.astype(np.float32) * np.float32((knots - 1.001) / (size - 1))
    whole = where.astype(np.intp)
    return whole, (where - whole).astype(np.float32)
