"""Reference pixels: which ones tell the drift of which part of the image, and its removal.

A :class:`Plan` says for one exposure where its reference pixels are, and what each pixel of the
image loses; :func:`correct` measures and removes. The plan depends on flags and subarray only.

Detector frame: rows along the slow axis of the readout, columns along the fast one. Four
amplifiers of a near-infrared detector share the columns evenly; MIRI's take turns.
"""

from typing import NamedTuple

import numpy as np

from jwst_cal.kernels.refpix import reference_means, side_signal, subtract_reference

__all__ = ["Plan", "Sides", "correct", "plan_irs2", "plan_miri", "plan_near_infrared",
           "plan_one_output", "plan_stripes", "sirs_kernels"]

_SIZE, _EDGE, _AMPLIFIERS = 2048, 4, 4
#: Planes treated together: bounds the memory of the signals.
_BATCH = 64


class Sides(NamedTuple):
    """Reference pixels at the sides: tables for the running median."""

    pixels: np.ndarray
    value: np.ndarray
    window: int


class Plan(NamedTuple):
    """
    What a correction needs to know.

    Attributes
    ----------
    start, pixels : int32
        Sets of reference pixels.
    paired : bool
        Two neighbouring sets (of opposite edges) make one value.
    together : int
        So many neighbouring values are used all or none.
    which : int32 [period, col] or [1, row]
        Number of the value that a pixel loses, -1 for none.
    along_rows, flipped : bool
        The fast axis runs along the rows of the array; the slow axis runs backwards.
    sides : Sides or None
        For the running median along the slow axis.
    """

    start: np.ndarray
    pixels: np.ndarray
    paired: bool
    together: int
    which: np.ndarray
    along_rows: bool = False
    flipped: bool = False
    sides: Sides | None = None

    @property
    def is_empty(self):
        """Whether there is no usable reference pixel."""
        return self.pixels.size == 0 and (self.sides is None or (self.sides.pixels < 0).all())


class _Frame:
    """An exposure's pixels in the detector frame: their place in the array, usability, position."""

    def __init__(self, shape, fast_axis, slow_axis, first_col, first_row):
        self.along_rows = abs(fast_axis) == 2
        fast, slow = np.sign(fast_axis), np.sign(slow_axis)
        rows, cols = (fast, slow) if self.along_rows else (slow, fast)
        self._turn = (slice(None, None, rows), slice(None, None, cols))
        self.flipped = bool(slow < 0)
        self.place = self(np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape))
        starts = {1: (first_col, shape[1]), 2: (first_row, shape[0])}
        self.first_fast = self._first(*starts[abs(fast_axis)], fast)
        self.first_slow = self._first(*starts[abs(slow_axis)], slow)

    @staticmethod
    def _first(start, size, sign):
        return start if sign > 0 else _SIZE - start - size

    def __call__(self, image):
        turned = image[self._turn]
        return turned.T if self.along_rows else turned

    def as_array(self, by_fast):
        """Turn numbers by fast position into the order of the array."""
        order = self._turn[0] if self.along_rows else self._turn[1]
        return np.ascontiguousarray(by_fast[order], dtype=np.int32)[np.newaxis]

    @property
    def fast(self):
        """Position of each column on the whole detector."""
        return self.first_fast + np.arange(self.place.shape[1])

    @property
    def slow(self):
        """Position of each row on the whole detector."""
        return self.first_slow + np.arange(self.place.shape[0])


def _lists(sets):
    start = np.cumsum([0, *map(len, sets)]).astype(np.int32)
    return start, np.concatenate(sets).astype(np.int32)


def plan_near_infrared(usable, *, fast_axis, slow_axis, first_col=0, first_row=0,
                       odd_even_columns=True, side_smoothing_length=None, all_sides=False):
    """
    Plan the correction of a full frame, or of a subarray read through four amplifiers.

    Parameters
    ----------
    usable : bool [row, col]
        Pixels without DO_NOT_USE.
    fast_axis, slow_axis : {1, -1, 2, -2}
        FASTAXIS and SLOWAXIS: 1 along the columns' number, 2 along the rows', negative backwards.
    first_col, first_row : int
        Position of the subarray on the detector, from 0.
    odd_even_columns : bool
        Odd and even columns have values of their own.
    side_smoothing_length : int, optional
        Rows of the running median of the side pixels; without it these are not used.
    all_sides : bool
        Side pixels are used whatever their flags, as SIRS does, which finds the bad ones itself.

    Returns
    -------
    Plan
        Values in the order amplifier, parity; sets in the order amplifier, parity, edge.
    """
    frame = _Frame(usable.shape, fast_axis, slow_axis, first_col, first_row)
    good, parities = frame(usable), 2 if odd_even_columns else 1
    edges = [frame.slow >= _SIZE - _EDGE, frame.slow < _EDGE]
    value = frame.fast * _AMPLIFIERS // _SIZE * parities + frame.fast % parities
    sets = [frame.place[np.ix_(edge, value == v)][good[np.ix_(edge, value == v)]]
            for v in range(_AMPLIFIERS * parities) for edge in edges]
    sides = None
    if side_smoothing_length is not None:
        sides = _sides(frame, good | all_sides, value, side_smoothing_length)
    return Plan(*_lists(sets), paired=True, together=parities, which=frame.as_array(value),
                along_rows=frame.along_rows, flipped=frame.flipped, sides=sides)


def _sides(frame, good, value, window):
    """Tables of the side pixels; beyond the ends of the detector the rows are mirrored."""
    half = window // 2
    rows = np.abs(np.arange(-half, _SIZE + window - 1 - half))
    rows = np.where(rows >= _SIZE, 2 * (_SIZE - 1) - rows, rows)
    first = frame.first_slow
    rows = rows[first : first + len(frame.slow) + window - 1] - first
    inside = (rows >= 0) & (rows < len(frame.slow))
    pixels = np.full((2, len(rows), _EDGE), -1, np.int32)
    values = pixels.copy()
    for side, first in enumerate((0, _SIZE - _EDGE)):
        for k, col in enumerate(range(first - frame.first_fast, first - frame.first_fast + _EDGE)):
            if 0 <= col < len(frame.fast):
                at = rows[inside]
                pixels[side, inside, k] = np.where(good[at, col], frame.place[at, col], -1)
                values[side, inside, k] = value[col]
    return Sides(pixels, values, window)


def plan_one_output(usable, reference, *, fast_axis, slow_axis, first_col=0, first_row=0,
               odd_even_columns=True):
    """
    Plan the correction of a subarray read through one output.

    Parameters
    ----------
    usable, reference : bool [row, col]
        Pixels without DO_NOT_USE; reference pixels, on whatever edge.
    fast_axis, slow_axis, first_col, first_row, odd_even_columns
        As for :func:`plan_near_infrared`.

    Returns
    -------
    Plan
        One value, or two by the parity of the column.
    """
    frame = _Frame(usable.shape, fast_axis, slow_axis, first_col, first_row)
    parities = 2 if odd_even_columns else 1
    value = frame.fast % parities
    known = frame(usable & reference)
    sets = [frame.place[:, value == v][known[:, value == v]] for v in range(parities)]
    return Plan(*_lists(sets), paired=False, together=parities, which=frame.as_array(value),
                along_rows=frame.along_rows, flipped=frame.flipped)


def plan_stripes(usable, reference, *, fast_axis, slow_axis, first_col=0, first_row=0,
            odd_even_columns=True):
    """
    Plan the correction of a subarray of several stripes, read through four amplifiers.

    Parameters
    ----------
    usable, reference : bool [row, col]
        Pixels without DO_NOT_USE; reference pixels, read again with each stripe.
    fast_axis, slow_axis, first_col, first_row, odd_even_columns
        As for :func:`plan_near_infrared`.

    Returns
    -------
    Plan
        Values in the order amplifier, parity.
    """
    frame = _Frame(usable.shape, fast_axis, slow_axis, first_col, first_row)
    parities = 2 if odd_even_columns else 1
    # The first column counts as on the detector whatever the direction, parity from the subarray.
    col = np.arange(len(frame.fast))
    start = first_row if frame.along_rows else first_col
    value = (col + start) * _AMPLIFIERS // _SIZE * parities + col % parities
    known = frame(usable & reference)
    sets = [frame.place[:, value == v][known[:, value == v]] for v in range(_AMPLIFIERS * parities)]
    return Plan(*_lists(sets), paired=False, together=parities, which=frame.as_array(value),
                along_rows=frame.along_rows, flipped=frame.flipped)


def plan_irs2(usable, output, interleaved, *, backwards=False, odd_even_columns=True):
    """
    Plan the removal of the means of both ends from an IRS2 exposure.

    Parameters
    ----------
    usable : bool [row, col]
        Pixels without DO_NOT_USE.
    output : int [position]
        Number of the output that reads each position along the fast axis.
    interleaved : bool [position]
        Interleaved reference pixels: of four that follow on each other two are odd, then two even.
    backwards : bool
        Rows and columns run against the axes of the detector.
    odd_even_columns : bool
        Odd and even positions have values of their own.

    Returns
    -------
    Plan
        Values in the order output, parity; sets in the order output, parity, edge.
    """
    frame = _Frame(usable.shape, *((-2, -1) if backwards else (2, 1)), 0, 0)
    good, parities = frame(usable), 2 if odd_even_columns else 1
    fast = np.arange(len(output))
    parity = np.where(interleaved, fast // 2 % 2, fast % 2) if odd_even_columns else 0
    value = output * parities + parity
    sets = [frame.place[edge][:, value == v][good[edge][:, value == v]]
            for v in range(value.max() + 1)
            for edge in (slice(-_EDGE, None), slice(None, _EDGE))]
    return Plan(*_lists(sets), paired=True, together=parities, which=frame.as_array(value),
                along_rows=True)


def plan_miri(usable, *, odd_even_rows=True):
    """
    Plan the correction of a MIRI full frame.

    Parameters
    ----------
    usable : bool [row, col]
        Pixels without DO_NOT_USE.
    odd_even_rows : bool
        Odd and even rows have values of their own.

    Returns
    -------
    Plan
        Values in the order amplifier, parity; sets in the order amplifier, parity, side.
    """
    n_rows, n_cols = usable.shape
    parities = 2 if odd_even_rows else 1
    sets = []
    for amplifier in range(_AMPLIFIERS):
        for parity in range(parities):
            for col in (amplifier, n_cols - _EDGE + amplifier):
                rows = np.arange(parity, n_rows, parities)
                sets.append((rows * n_cols + col)[usable[rows, col]])
    amplifier = np.arange(n_cols) % _AMPLIFIERS
    which = amplifier * parities + np.arange(parities)[:, np.newaxis]
    return Plan(*_lists(sets), paired=True, together=_AMPLIFIERS * parities,
                which=which.astype(np.int32))


def _values(plan, means, n_single, both_edges):
    """Value of each column from the means of its sets; 0 where there is none."""
    values = means
    if plan.paired:
        top, bottom = means[:, 0::2], means[:, 1::2]
        values = 0.5 * (top + bottom)
        if not both_edges:
            values = np.where(np.isnan(top), bottom, np.where(np.isnan(bottom), top, values))
        values[:n_single] = values[:n_single].astype(np.float32)
    groups = values.reshape(len(values), -1, plan.together)
    groups[np.isnan(groups).any(axis=2)] = 0
    return groups.reshape(values.shape)


def correct(data, plan, *, siglimit=3.0, side_gain=1.0, from_first=False, zeroframe=False,
            kernels=None, sigreject=4.0, n_threads=None):
    """
    Measure the drifts of every group on its reference pixels and remove them, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts, changed in place.
    plan : Plan
        Which pixels, and for which.
    siglimit : float, standard deviations
        Reference pixels farther from their mean are not used.
    side_gain : float
        Factor of the side signal.
    from_first : bool
        Counts above the first group are corrected (MIRI); the first group stays.
    zeroframe : bool
        The data are one: counts of exactly 0 are missing and stay, and nothing is in float32.
    kernels : tuple of two float64 [amplifier, tap], optional
        With them the side signal is their convolution with the side pixels, by amplifier.
    sigreject : float
        Side pixels so many deviations from their median are not used with kernels.
    n_threads : int, optional
        Threads.

    Raises
    ------
    TypeError, ValueError
        If an array has the wrong dtype or shape.

    Notes
    -----
    Source: csrc/refpix.h; Rauscher et al. 2019 for the kernels.
    Differs from jwst 3.0.0: a reference pixel that is NaN, or a set that clipping empties, is left
    out; there it makes the whole amplifier NaN. Where one parity of columns has no usable pixel in
    a subarray of one output, nothing is corrected; there it ends in an IndexError.
    """
    options = {"siglimit": siglimit, "side_gain": side_gain, "kernels": kernels,
               "sigreject": sigreject, "n_threads": n_threads, "zeroframe": zeroframe}
    if from_first:
        for ramp in data:
            if len(ramp) > 1:
                _correct_planes(ramp[1:], plan, n_single=len(ramp), base=ramp[0], **options)
        return
    planes = data.reshape(-1, *data.shape[2:])
    # The reference release works in float64 from the second plane on when it uses the sides.
    narrow = len(planes)
    if plan.sides is not None:
        narrow = 0 if zeroframe else 1
    for first in range(0, len(planes), _BATCH):
        _correct_planes(planes[first : first + _BATCH], plan, n_single=max(narrow - first, 0),
                        base=None, **options)


def _correct_planes(planes, plan, *, n_single, base, siglimit, side_gain, kernels, sigreject,
                    zeroframe, n_threads):
    common = {"n_single": n_single, "n_threads": n_threads}
    means = reference_means(planes, plan.start, plan.pixels, limit=siglimit, base=base, **common)
    values = _values(plan, means, n_single, both_edges=base is not None)
    signal = channel = None
    if plan.sides is not None and kernels is not None:
        signal, channel = _convolved(planes, values, plan, kernels, sigreject, n_single)
    elif plan.sides is not None:
        signal = side_signal(planes, values, plan.sides.pixels, plan.sides.value,
                             window=plan.sides.window, gain=side_gain, **common)[:, np.newaxis]
    if signal is not None and plan.flipped:
        signal = signal[..., ::-1]
    subtract_reference(planes, values, plan.which, along_rows=plan.along_rows, signal=signal,
                       channel=channel, base=base, keep_zeros=zeroframe, **common)


def sirs_kernels(left, right, *, gaussmooth=1.0, halfwidth=30):
    """
    Make convolution kernels from their Fourier coefficients.

    Parameters
    ----------
    left, right : complex [amplifier, frequency]
        Coefficients for the reference pixels of both sides.
    gaussmooth : float, pixels
        Width of the Gaussian that smooths the kernels.
    halfwidth : int
        Taps on each side of the middle.

    Returns
    -------
    left, right : float64 [amplifier, tap]
        Kernels.
    """
    taps = np.arange(-halfwidth, halfwidth + 1)
    window = np.exp(-(taps**2) / (2 * gaussmooth**2))
    window /= window.sum()
    made = []
    for coefficients in (left, right):
        full = np.fft.fftshift(np.fft.irfft(coefficients, axis=-1), axes=-1)
        middle = np.shape(coefficients)[-1] - 1
        cut = full[..., middle - halfwidth : middle + halfwidth + 1]
        made.append(np.array([np.convolve(kernel, window, mode="same") for kernel in cut]))
    return tuple(made)


def _convolved(planes, values, plan, kernels, sigreject, n_single):
    """Side signal by amplifier, from both sides' rows without outliers, by convolution."""
    half, rows = plan.sides.window // 2, planes.shape[2 if plan.along_rows else 1]
    at, value = plan.sides.pixels[:, half : half + rows], plan.sides.value[:, half : half + rows]
    signal = np.zeros((len(planes), len(kernels[0]), rows))
    for k, plane in enumerate(planes):
        counts = plane.ravel()[at] - values[k][value]
        if k < n_single:
            counts = counts.astype(np.float32).astype(np.float64)
        for side, kernel in zip(counts, kernels, strict=True):
            median = np.median(side)
            sigma = 1.48 * np.median(np.abs(side - median))
            good = np.abs(side - median) <= sigreject * sigma
            line, weight = np.sum(side * good, axis=1) / _EDGE, good.sum(axis=1) / _EDGE
            for amplifier, taps in enumerate(kernel):
                full, known, smooth = (np.convolve(row, taps, mode="same")
                                       for row in (np.ones(rows), weight, line))
                signal[k, amplifier] += smooth * (full / known)
    return signal, plan.which[0] // plan.together
