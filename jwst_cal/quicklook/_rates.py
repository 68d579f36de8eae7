"""A picture of a count-rate product: rates, errors, flags, one pixel's ramp with its fit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jwst_cal import flags
from jwst_cal.errors import InputError
from jwst_cal.quicklook._figures import new, save, show, show_flags, title

__all__ = ["PixelRamp", "choose_pixel", "draw", "pixel_ramp"]

_UNUSABLE = flags.group["DO_NOT_USE"] | flags.group["SATURATED"]
_JUMP = flags.group["JUMP_DET"]


class PixelRamp(NamedTuple):
    """
    One pixel's ramp and what the fit made of it.

    Attributes
    ----------
    time : float64 [group], s
        End of each group.
    counts : float32 [group], DN
        Corrected ramp.
    used, jump : bool [group]
        Groups that the fit used, and those in which a jump begins.
    pieces : list of tuple
        Times and fitted counts of each piece between jumps.
    """

    time: np.ndarray
    counts: np.ndarray
    used: np.ndarray
    jump: np.ndarray
    pieces: list


def _has_one_jump(groupdq):
    """Whether a pixel has one jump, in the middle third of its ramp: bool [row, col]."""
    jump = groupdq & _JUMP > 0
    first, n_groups = jump.argmax(axis=0), len(groupdq)
    middle = (first >= n_groups // 3) & (first <= 2 * n_groups // 3)
    return (jump.sum(axis=0) == 1) & middle


def choose_pixel(groupdq, data, rate):
    """
    Choose a pixel worth showing: fully used, with one jump in mid-ramp as large as the rest.

    Parameters
    ----------
    groupdq : uint8 [group, row, col]
        Flags of one integration.
    data : float32 [group, row, col], DN
        Corrected ramp.
    rate : float32 [row, col], DN/s
        Fitted rate.

    Returns
    -------
    row, col : int
        The pixel. Without any such pixel, the brightest fully used one.
    """
    out = groupdq & _UNUSABLE > 0
    lost = out.all(axis=(1, 2))  # in every pixel: MIRI's first groups and the last
    usable = ~out[~lost].any(axis=0) & np.isfinite(rate)
    first = (groupdq & _JUMP > 0).argmax(axis=0)
    row, col = np.nonzero(usable & _has_one_jump(groupdq))
    if not row.size:
        return tuple(int(i) for i in np.unravel_index(
            np.argmax(np.where(usable, rate, -np.inf)), rate.shape))
    at = first[row, col]
    step = data[at, row, col] - data[at - 1, row, col]
    rise = data[-1, row, col] - data[0, row, col]
    rest = np.maximum(rise - step, 1e-3)
    # a jump of about the size of the rest shows both the jump and the slope; brighter is better
    score = np.abs(np.log(np.maximum(step, 1e-3) / rest)) - np.log10(np.maximum(rest, 1))
    best = int(np.argmin(score))
    return int(row[best]), int(col[best])


def pixel_ramp(counts, flagged, rate, group_time):
    """
    Lay a fitted rate over a ramp.

    Parameters
    ----------
    counts : float32 [group], DN
        Corrected ramp of one pixel.
    flagged : uint8 [group]
        Its flags.
    rate : float, DN/s
        Fitted rate.
    group_time : float
        Seconds from group to group.

    Returns
    -------
    PixelRamp
        The ramp, and a line of the fitted slope through each piece between jumps.
    """
    time = (np.arange(len(counts)) + 1) * group_time
    used, jump = flagged & _UNUSABLE == 0, flagged & _JUMP > 0
    pieces = []
    if np.isfinite(rate):
        for piece in np.unique(np.cumsum(jump)):
            members = used & (np.cumsum(jump) == piece)
            if members.any():
                offset = float(np.mean(counts[members] - rate * time[members]))
                pieces.append((time[members], offset + rate * time[members]))
    return PixelRamp(time, counts, used, jump, pieces)


def _show_ramp(axis, ramp, title):
    line = {"color": "#c1272d", "lw": 1.6}
    for k, (time, counts) in enumerate(ramp.pieces):
        axis.plot(time, counts, label="fitted rate" if k == 0 else None, **line)
    kept = ramp.used & ~ramp.jump
    axis.plot(ramp.time[kept], ramp.counts[kept], "o", ms=5, color="black", label="group")
    if ramp.jump.any():
        axis.plot(ramp.time[ramp.jump], ramp.counts[ramp.jump], "D", ms=7, mfc="none", mew=1.6,
                  color="#2f7ed8", label="group after a jump")
    out = ~ramp.used
    if out.any():
        axis.plot(ramp.time[out], ramp.counts[out], "x", ms=6, color="0.5", label="not used")
    for k in np.flatnonzero(ramp.jump):
        axis.axvline((ramp.time[k] + ramp.time[k - 1]) / 2, color="#2f7ed8", lw=0.8, ls=":")
    axis.set(title=title, xlabel="Time since reset (s)", ylabel="Counts (DN)")
    handles, labels = axis.get_legend_handles_labels()
    axis.legend(handles, labels, fontsize=8, loc="upper left")
    axis.grid(alpha=0.25)


def _show_histogram(axis, values, title, label):
    values = values[np.isfinite(values)]
    axis.set(title=title, xlabel=label)
    if not values.size:
        return
    edges = np.linspace(-6, 6, 97)
    counts, _ = np.histogram(values, edges)
    middle = (edges[1:] + edges[:-1]) / 2
    axis.stairs(counts, edges, fill=True, color="#9db7d5")
    normal = np.exp(-middle**2 / 2) / np.sqrt(2 * np.pi) * values.size * (edges[1] - edges[0])
    axis.plot(middle, normal, color="#c1272d", lw=1.4, label="unit normal")
    axis.set(yscale="log", ylim=(0.5, 2 * counts.max()), ylabel="Pixels")
    axis.legend(fontsize=8, loc="upper left")


def draw(rate, path, *, ramp=None, truth=None, pixel=None):
    """
    Draw a quick-look picture and save it.

    Parameters
    ----------
    rate : ImageModel
        Count rates.
    path : str or path
        The picture; the extension decides the format.
    ramp : RampModel, optional
        The corrected ramp (``save_calibrated_ramp``), to show one pixel of it, in the first
        integration that has a jump to show.
    truth : Truth, optional
        Truth of a simulated exposure; the histogram then shows (rate - truth) / error.
    pixel : tuple of int, optional
        Row and column of the pixel to show; by default one with a jump is chosen.

    Raises
    ------
    InputError
        If shapes do not match or the pixel lies outside.
    OutputError
        If the picture cannot be written.
    """
    data, err, dq = rate.data, rate.err, rate.dq
    if ramp is None:
        figure = new((13, 11))
        axes = figure.subplot_mosaic([["rate", "error"], ["flags", "pulls"]])
    else:
        figure = new((15, 9))
        axes = figure.subplot_mosaic([["rate", "error", "flags"], ["ramp", "ramp", "pulls"]],
                                     height_ratios=(1.15, 1))
    usable = np.isfinite(data) & (err > 0) & (dq & flags.pixel["DO_NOT_USE"] == 0)
    usable &= dq & flags.pixel["REFERENCE_PIXEL"] == 0
    show(figure, axes["rate"], data, usable, "Count rate", "DN/s", "magma")
    show(figure, axes["error"], err, usable, "Error", "DN/s", "viridis")
    show_flags(axes["flags"], dq)
    for name in ("rate", "error", "flags"):
        axes[name].set(xlabel="column", ylabel="row")

    if ramp is not None:
        _draw_pixel(axes, ramp, data, err, usable, pixel)

    if truth is None:
        middle = np.median(data[usable]) if usable.any() else 0
        _show_histogram(axes["pulls"], (data - middle)[usable] / err[usable],
                        "Rates of usable pixels", "(rate - median) / error")
    else:
        usable &= (truth.bad_pixels == 0) & ~truth.flawed
        _show_histogram(axes["pulls"], (data - truth.rate)[usable] / err[usable],
                        "Beside the truth, all usable pixels", "(rate - truth) / error")
    figure.suptitle(title(rate))
    save(figure, path)


def _draw_pixel(axes, ramp, rate, err, usable, pixel):
    if ramp.data.shape[2:] != rate.shape:
        raise InputError(f"ramp: shape {ramp.data.shape[2:]} where the rate has {rate.shape}")
    with_jump = (n for n, flagged in enumerate(ramp.groupdq)
                 if pixel is None and (_has_one_jump(flagged) & usable).any())
    integration = next(with_jump, 0)
    data, groupdq = ramp.data[integration], ramp.groupdq[integration]
    row, col = choose_pixel(groupdq, data, np.where(usable, rate, np.nan)) if (
        pixel is None) else pixel
    if not (0 <= row < rate.shape[0] and 0 <= col < rate.shape[1]):
        raise InputError(f"pixel {row}, {col} lies outside of the image of {rate.shape}")
    shown = pixel_ramp(data[:, row, col], groupdq[:, row, col], float(rate[row, col]),
                       ramp.meta.exposure.group_time)
    _show_ramp(axes["ramp"], shown,
               f"Integration {integration + 1}, pixel at row {row}, column {col}: "
               f"{rate[row, col]:.4g} ± {err[row, col]:.2g} DN/s")
    for name in ("rate", "error", "flags"):
        axes[name].plot(col, row, "o", ms=11, mfc="none", mec="cyan", mew=1.4)
