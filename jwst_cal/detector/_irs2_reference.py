"""Reference pixels of NIRSpec's IRS2 readout: the bad ones, and the noise that the others tell of.

All samples that an output reads of a frame lie in time as one stream. What the noise of a sample
is, filters in frequency tell from the reference output (alpha) and from the interleaved reference
pixels of its own output (beta).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from jwst_cal.detector._irs2 import OUTPUTS, PIXELS, REFERENCE, TURN
from jwst_cal.kernels.irs2 import (
    fill_missing,
    group_mean,
    pair_statistics,
    put_in_time_order,
    subtract_noise,
)
from jwst_cal.kernels.irs2_filter import LANES, PLACES, SLOTS, noise_of_frame, real_filters, turns

__all__ = ["find_bad", "listed_bad", "read_filters", "replace", "replacements",
           "subtract"]

#: Lines at both ends that see no light.
_EDGE = 4
#: Weights of the first guess for missing samples of the reference output.
_GUESS = np.sin(np.arange(1, 32, dtype=np.float32) / 32 * np.pi).astype(np.float64)
#: Frequencies of the stream that fill the gaps: all below, a cosine long; the same below Nyquist's.
_ALL_BELOW, _TAPER = 30268, 5000
_STREAM = 2048 * SLOTS


# ------------------------------------------------------------------------------------ bad pixels


def find_bad(data, known_bad, layout, *, n_sigma=3.0, n_threads=None):
    """
    Find reference pixels that stand out from the others of their output in any integration.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts.
    known_bad : bool [row]
        Rows that do not count.
    layout : Layout
        Where the pixels are.
    n_sigma : float
        Pairs of reads are bad whose mean difference, mean or standard deviation lies so many
        standard deviations above the mean of the output's pairs, outliers not counted.
    n_threads : int, optional
        Threads.

    Returns
    -------
    bool [row]
        Bad rows, the known ones included.

    Notes
    -----
    Source: jwst 3.0.0.
    """
    bad = known_bad.copy()
    pairs = np.sort(layout.rows[:, layout.is_reference], axis=1)[:, ::2]
    for integration in data:
        found = pair_statistics(integration, pairs.ravel(), n_threads=n_threads)
        for first, values in zip(pairs, found.reshape(*pairs.shape, 3), strict=True):
            good = ~(known_bad[first] | known_bad[first + 1])
            first, values = first[good], values[good]
            high = np.zeros(len(first), bool)
            for statistic in values.T:
                mean, sigma = _clipped(statistic, n_sigma)
                high |= statistic - mean > n_sigma * sigma
            bad[first[high]] = bad[first[high] + 1] = True
    return bad


def _clipped(values, n_sigma, n_repeats=5):
    """Mean and standard deviation without what is far from the median."""
    values = values[np.isfinite(values)]
    for _ in range(n_repeats):
        if not values.size:
            break
        middle, width = np.median(values), n_sigma * values.std()
        near = (values >= middle - width) & (values <= middle + width)
        if near.all():
            break
        values = values[near]
    return (values.mean(), values.std()) if values.size else (np.nan, np.nan)


def replacements(new, bad, layout, *, backwards=False):
    """
    Choose what bad rows are replaced by.

    Parameters
    ----------
    new : int [row]
        Rows to replace.
    bad : bool [row]
        Rows that are not used for it.
    layout : Layout
        Where the pixels are.
    backwards : bool
        Prefer the later of two rows.

    Returns
    -------
    list of (int, tuple of int)
        Row, and the rows whose mean it gets: those of the same parity in the neighbouring turns, of
        the same output; else one of the other parity of its turn; none, for 0.
    """
    in_pairs = np.zeros(layout.n_rows, bool)
    in_pairs[layout.rows[:, layout.is_reference]] = True
    chosen = []
    for row in map(int, new):
        first = row // PIXELS * PIXELS
        usable = {other for other in range(first, first + PIXELS) if not bad[other]}
        sources = tuple(other for other in (row - TURN, row + TURN) if other in usable)
        if not sources:
            others = (row + 2, row - 2) if backwards else (row - 2, row + 2)
            sources = tuple(other for other in others if other in usable and in_pairs[other])[:1]
        chosen.append((row, sources))
    return chosen


def replace(data, chosen):
    """
    Replace rows, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts.
    chosen : list of (int, tuple of int)
        From :func:`replacements`.
    """
    for row, sources in chosen:
        if len(sources) == 2:
            total = data[:, :, sources[0]] + data[:, :, sources[1]]
            data[:, :, row] = total / np.float32(2)
        else:
            data[:, :, row] = data[:, :, sources[0]] if sources else 0


def listed_bad(outputs, parities, masks, layout):
    """
    Read the reference file's list of bad reference pixels.

    Parameters
    ----------
    outputs, parities, masks : int [entry]
        Output from 1, parity (1 or 2), and a bit for each turn to the reference pixels, by
        ascending column of the detector.
    layout : Layout
        Where the pixels are.

    Returns
    -------
    list of list of int
        Rows of the array, for each entry.

    Raises
    ------
    ValueError
        If there is no such output or parity.
    """
    found = []
    for output, parity, mask in zip(outputs, parities, masks, strict=True):
        if not (1 <= output < OUTPUTS and 1 <= parity <= 2):
            raise ValueError(f"OUTPUT={output} ODD_EVEN={parity}: no reference pixels of IRS2")
        turns = np.flatnonzero(int(mask) >> np.arange(PIXELS // TURN) & 1)
        # Every other output is read backwards, and so are its pairs.
        second = (parity == 2) != (output % 2 == 0)
        first = PIXELS * output + (TURN - REFERENCE) // 2 + TURN * turns + 2 * second
        columns = (first[:, np.newaxis] + [0, 1]).ravel()
        rows = layout.n_rows - 1 - columns if layout.backwards else columns
        found.append(rows.tolist())
    return found


# ------------------------------------------------------------------------------------ noise


@lru_cache(maxsize=1)
def _turns(n_lines):
    return turns(n_lines)


@lru_cache(maxsize=1)
def _passband(n_lines):
    """Weight of each frequency of the stream in what fills its gaps, as the kernel wants it."""
    n_blocks, n_all = n_lines // 2 // LANES + 1, SLOTS * n_lines
    scale = n_all / (SLOTS * 2048)  # a stream of fewer lines has fewer frequencies
    below, taper = round(_ALL_BELOW * scale), round(_TAPER * scale)
    q = np.arange(n_blocks * LANES).reshape(n_blocks, 1, LANES)
    reach = below + taper + n_lines
    used = (PLACES * n_lines + reach) % (n_all // 2) < 2 * reach
    frequency = q + n_lines * PLACES[used, np.newaxis]
    frequency = np.minimum(frequency, n_all - frequency)
    # From Nyquist's frequency the taper starts one later.
    away = np.minimum(frequency, np.maximum(n_all // 2 - frequency - 1, 0)) - below
    weight = np.cos(np.clip(away, 0, taper) * np.pi / taper) + 1
    passband = np.zeros((n_blocks, SLOTS, LANES), np.float32)
    passband[:, used] = np.where(q <= n_lines // 2, weight / (2 * SLOTS), 0)
    return passband


def read_filters(table, *, n_lines=2048, n_threads=None):
    """
    Read the filters of a reference file.

    Parameters
    ----------
    table : structured array [2 * frequency]
        alpha_0 .. alpha_3, beta_0 .. beta_3, float32 of any byte order: real and imaginary part of
        a frequency follow each other.
    n_lines : int
        Lines of the readout.
    n_threads : int, optional
        Threads.

    Returns
    -------
    float32 array
        For :func:`subtract`.

    Raises
    ------
    ValueError
        If columns or rows are not those of IRS2.
    """
    names = [f"{filter}_{output}" for filter in ("alpha", "beta") for output in range(4)]
    table = np.asarray(table)
    if table.dtype.names is None or not set(names) <= set(table.dtype.names):
        raise ValueError(f"columns {table.dtype.names} where {names[0]} ... {names[-1]} are needed")
    if len(table) != 2 * SLOTS * n_lines:
        raise ValueError(f"{len(table)} rows where {2 * SLOTS * n_lines} are needed")
    kind = table.dtype[names[0]]
    if list(table.dtype.names) == names and table.dtype.itemsize == 4 * len(names):
        numbers = table.view((kind, len(names)))
    else:
        numbers = np.stack([table[name] for name in names], axis=1)
    return real_filters(numbers.reshape(-1, 2, 4), n_lines, n_threads=n_threads)


class _Rows(NamedTuple):
    """Rows of the array for the kernels, and the output of each."""

    output: np.ndarray
    row: np.ndarray
    slot: np.ndarray
    to: np.ndarray

    def lists(self, trends):
        """Arguments of the kernels."""
        return {"row": self.row, "slot": self.slot, "to": self.to, "line": trends[self.output]}


def _rows(layout, outputs, pixels, to=None):
    """The given pixels of the given outputs, in order of time."""
    output, pixel = (x.ravel() for x in np.meshgrid(outputs, np.flatnonzero(pixels), indexing="ij"))
    row, slot = layout.rows[output, pixel], layout.slots[pixel]
    to = np.arange(len(row)) if to is None else to(row, slot)
    return _Rows(output, row, slot, to.astype(np.int32))


def _straight_line(t, x):
    """
    Fit offset and slope, in float32 like the reference release.

    With other rounding, samples that lie on the line by chance would not count as missing.
    """
    if len(x) < 2:
        return 0, 0
    mean_t, mean_x = t.mean(), x.mean()
    slope = ((t * x).sum() - len(x) * mean_t * mean_x) / ((t**2).sum() - len(x) * mean_t**2)
    return mean_x - slope * mean_t, slope


class _Subtraction:
    """What is the same for all groups."""

    def __init__(self, layout, filters, n_lines, keep_reference, n_threads):
        self.layout, self.n_lines, self.keep_reference = layout, n_lines, keep_reference
        self.threads = {"n_threads": n_threads}
        everywhere, reference = np.full(PIXELS, True), layout.is_reference
        self.output = _rows(layout, [0], everywhere, to=lambda row, slot: slot)
        self.pixels = _rows(layout, range(1, OUTPUTS), reference)
        kept = everywhere if keep_reference else ~reference
        rows = np.arange(layout.n_rows) if keep_reference else layout.image_rows
        self.n_out = len(rows)
        self.wanted = _rows(layout, range(1, OUTPUTS), kept,
                            to=lambda row, slot: np.searchsorted(rows, row))
        self.with_mean = np.isin(self.wanted.row, layout.image_rows)
        known = np.zeros(SLOTS, bool)
        known[layout.slots[~reference]] = True
        # Each read goes to two slots around its turn: odd ones to the first and third pair ...
        first = layout.slots[reference].reshape(-1, REFERENCE)[:, :1]
        put = first[:, :, np.newaxis] + np.array([[-2, 0], [2, 4], [-1, 1], [3, 5]])
        self.tables = {
            "turn": _turns(n_lines), "passband": _passband(n_lines), "weights": filters,
            "known": known, "put": put.reshape(-1, 2).astype(np.int32),
            "wanted": layout.slots[kept]}
        self.stream = np.zeros((SLOTS, n_lines), np.float32)
        self.completed = np.empty_like(self.stream) if keep_reference else None
        self.samples = np.empty((len(self.pixels.row), n_lines), np.float32)
        self.noise = np.empty((len(self.wanted.row), n_lines), np.float32)
        ends = np.r_[0:_EDGE, n_lines - _EDGE : n_lines]
        self.ends = n_lines - 1 - ends if layout.backwards else ends
        times = ends[:, np.newaxis] * SLOTS + layout.slots - (SLOTS * n_lines - 1) / 2
        self.times = times.astype(np.float32)

    def trends(self, plane, mean):
        """Straight line in time through the first and last lines of each output: [output, 2]."""
        ends = (plane[:, self.ends] - mean[:, self.ends]).astype(np.float32)
        found = np.zeros((OUTPUTS, 2), np.float32)
        for line, rows in zip(found, self.layout.rows, strict=True):
            x = ends[rows].T
            used = np.isfinite(x) & (x != 0)
            line[:] = _straight_line(self.times[used], x[used])
        return found

    def __call__(self, plane, mean, out):
        """Correct one group; `out` may lie on `plane`."""
        trends = self.trends(plane, mean)
        where = {"n_slots": SLOTS, "backwards": self.layout.backwards} | self.threads
        put_in_time_order(plane, mean, self.stream, **self.output.lists(trends), **where)
        put_in_time_order(plane, mean, self.samples, **self.pixels.lists(trends), **where)
        filled = fill_missing(self.stream, _GUESS, **self.threads)
        noise_of_frame(filled, self.by_output(self.samples), self.by_output(self.noise),
                       completed=self.completed, **self.tables, **self.threads)
        subtract_noise(plane, mean, self.noise, out, **self.wanted.lists(trends),
                       with_mean=self.with_mean, **where)
        if self.keep_reference:
            order = slice(None, None, -1 if self.layout.backwards else 1)
            output = self.completed[self.output.slot, order]
            # What was filled by the guess alone stays as it was guessed.
            guessed = ~self.layout.is_reference
            output[guessed] = filled[self.output.slot[guessed], order]
            out[self.output.row] = output + mean[self.output.row]

    @staticmethod
    def by_output(rows):
        """Rows of the four outputs."""
        return rows.reshape(OUTPUTS - 1, -1, rows.shape[1])


def subtract(data, filters, layout, *, keep_reference=False, n_threads=None):
    """
    Subtract the noise that reference output and reference pixels tell of, in place.

    Parameters
    ----------
    data : float32 [integration, group, row, col], DN
        Counts, without superbias; used up.
    filters : float32 array
        From :func:`read_filters`.
    layout : Layout
        Where the pixels are.
    keep_reference : bool
        Keep the rows of the reference pixels, less their noise and their mean over the groups, and
        of the reference output as it was used.
    n_threads : int, optional
        Threads.

    Returns
    -------
    float32 [integration, group, row of the image, col], DN
        The image, in the memory of `data`; or all rows.

    Raises
    ------
    ValueError
        If the shape is not that of IRS2.

    Notes
    -----
    Source: Rauscher et al. 2017, PASP 129, 105003; csrc/irs2.h, csrc/irs2_filter.h.
    Differs from jwst 3.0.0: a reference sample that is not finite is missing; there it makes its
    output NaN. Transforms are in float32 there too, but of another order.
    """
    n_ints, n_groups, n_rows, n_lines = data.shape
    if n_rows != layout.n_rows or n_lines < 2 * _EDGE:
        raise ValueError(f"data: shape {data.shape} where {layout.n_rows} rows are needed")
    correct = _Subtraction(layout, filters, n_lines, keep_reference, n_threads)
    flat, size = data.reshape(-1), correct.n_out * n_lines
    planes = flat[: n_ints * n_groups * size].reshape(n_ints, n_groups, -1, n_lines)
    for integration, result in zip(data, planes, strict=True):
        mean = group_mean(integration, n_threads=n_threads)
        for plane, out in zip(integration, result, strict=True):
            correct(plane, mean, out)
    return planes
