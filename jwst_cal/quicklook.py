"""A picture of a count-rate product: rates, errors, flags, one pixel's ramp with its fit.

python -m jwst_cal.quicklook RATE.fits PICTURE.png [--ramp RAMP.fits] [--truth TRUTH.npz]
"""

from __future__ import annotations

import argparse
import sys
from typing import NamedTuple

import numpy as np

from jwst_cal import flags
from jwst_cal.errors import InputError, JwstCalError, OutputError

__all__ = ["PixelRamp", "choose_pixel", "draw", "pixel_ramp"]

_UNUSABLE = flags.group["DO_NOT_USE"] | flags.group["SATURATED"]
_JUMP = flags.group["JUMP_DET"]
#: Flags shown, a later one over an earlier one: label, bits, colour.
_CLASSES = (
    ("good", 0, "#f2f2f2"),
    ("jump", int(flags.pixel["JUMP_DET"]), "#2f7ed8"),
    ("saturated", int(flags.pixel["SATURATED"]), "#f0a202"),
    ("do not use", int(flags.pixel["DO_NOT_USE"]), "#c1272d"),
    ("reference pixel", int(flags.pixel["REFERENCE_PIXEL"]), "#6b6b6b"),
)


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


def _show(figure, axis, image, usable, title, unit, colours):
    from matplotlib.colors import AsinhNorm

    low, high = np.percentile(image[usable], (0.5, 99.7)) if usable.any() else (0, 1)
    width = max((high - low) / 30, 1e-12)
    norm = AsinhNorm(linear_width=width, vmin=low, vmax=high)
    shown = axis.imshow(image, origin="lower", cmap=colours, norm=norm)
    axis.set_title(title)
    ticks = norm.inverse(np.linspace(0, 1, 6))
    bar = figure.colorbar(shown, ax=axis, shrink=0.85, pad=0.02, ticks=ticks, format="%.3g")
    bar.minorticks_off()
    bar.set_label(unit)


def _show_flags(axis, dq):
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    classes = np.zeros(dq.shape, np.uint8)
    for k, (_, bits, _) in enumerate(_CLASSES):
        if bits:
            classes[dq & bits > 0] = k
    axis.imshow(classes, origin="lower", cmap=ListedColormap([c for _, _, c in _CLASSES]),
                vmin=-0.5, vmax=len(_CLASSES) - 0.5, interpolation="nearest")
    share = np.bincount(classes.ravel(), minlength=len(_CLASSES)) / classes.size
    axis.legend(handles=[Patch(facecolor=colour, edgecolor="0.5",
                               label=f"{label} {100 * part:.2g} %")
                         for (label, _, colour), part in zip(_CLASSES, share, strict=True)],
                loc="upper center", bbox_to_anchor=(0.5, -0.14), ncol=3, fontsize=8, frameon=False)
    axis.set_title("Flags")


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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    data, err, dq = rate.data, rate.err, rate.dq
    figure = Figure(figsize=(15, 9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplot_mosaic([["rate", "error", "flags"], ["ramp", "ramp", "pulls"]],
                                 height_ratios=(1.15, 1))
    usable = np.isfinite(data) & (err > 0) & (dq & flags.pixel["DO_NOT_USE"] == 0)
    usable &= dq & flags.pixel["REFERENCE_PIXEL"] == 0
    _show(figure, axes["rate"], data, usable, "Count rate", "DN/s", "magma")
    _show(figure, axes["error"], err, usable, "Error", "DN/s", "viridis")
    _show_flags(axes["flags"], dq)
    for name in ("rate", "error", "flags"):
        axes[name].set(xlabel="column", ylabel="row")

    if ramp is None:
        axes["ramp"].text(0.5, 0.5, "no corrected ramp given", ha="center", va="center")
        axes["ramp"].set_axis_off()
    else:
        _draw_pixel(axes, ramp, data, err, usable, pixel)

    if truth is None:
        middle = np.median(data[usable]) if usable.any() else 0
        _show_histogram(axes["pulls"], (data - middle)[usable] / err[usable],
                        "Rates of usable pixels", "(rate - median) / error")
    else:
        usable &= (truth.bad_pixels == 0) & ~truth.flawed
        _show_histogram(axes["pulls"], (data - truth.rate)[usable] / err[usable],
                        "Beside the truth, all usable pixels", "(rate - truth) / error")
    figure.suptitle(_title(rate))
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be written: {error}") from error


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


def _title(model):
    meta = model.meta
    parts = [meta.filename, meta.instrument.name, meta.instrument.detector, meta.instrument.filter,
             meta.subarray.name, meta.exposure.readpatt,
             f"{meta.exposure.nints} x {meta.exposure.ngroups} groups"]
    return "   ".join(str(part) for part in parts if part)


def main(words=None):
    """
    Draw a picture from the shell.

    Parameters
    ----------
    words : list of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m jwst_cal.quicklook",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("rate", metavar="RATE", help="count-rate product")
    parser.add_argument("picture", metavar="PICTURE", help="file to write, .png for instance")
    parser.add_argument("--ramp", help="corrected ramp (strun ... --save_calibrated_ramp=true)")
    parser.add_argument("--truth", help="truth of a simulated exposure")
    parser.add_argument("--pixel", nargs=2, type=int, metavar=("ROW", "COL"))
    given = parser.parse_args(words)
    try:
        from jwst_cal import models

        truth = None
        if given.truth:
            from jwst_cal.simulate.exposures import Truth

            truth = Truth.load(given.truth)
        with models.open(given.rate) as rate:
            ramp = models.open(given.ramp) if given.ramp else None
            try:
                draw(rate, given.picture, ramp=ramp, truth=truth, pixel=given.pixel)
            finally:
                if ramp is not None:
                    ramp.close()
    except ModuleNotFoundError as error:
        print(f"quicklook: error: {error.name} is not installed: pip install 'jwst_cal[plot]'",
              file=sys.stderr)
        return 1
    except JwstCalError as error:
        print(f"quicklook: error: {error}", file=sys.stderr)
        return 1
    print(given.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
