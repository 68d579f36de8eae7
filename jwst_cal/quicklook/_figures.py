"""What all pictures share: figures without a display, stretch, flags, title, saving."""

from __future__ import annotations

import numpy as np

from jwst_cal import flags
from jwst_cal.errors import OutputError

#: Flags shown, a later one over an earlier one: label, bits, colour.
CLASSES = (
    ("good", 0, "#f2f2f2"),
    ("jump", int(flags.pixel["JUMP_DET"]), "#2f7ed8"),
    ("saturated", int(flags.pixel["SATURATED"]), "#f0a202"),
    ("do not use", int(flags.pixel["DO_NOT_USE"]), "#c1272d"),
    ("outlier", int(flags.pixel["OUTLIER"]), "#7b2d8b"),
    ("reference pixel", int(flags.pixel["REFERENCE_PIXEL"]), "#6b6b6b"),
)


def new(size):
    """Make a figure that needs no display; `size` in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save(figure, path):
    """Write a figure; OutputError says why not."""
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path}: cannot be written: {error}") from error


def show(figure, axis, image, usable, title, unit, colours):
    """Show an image, with a stretch that tells both the sky and the sources."""
    from matplotlib.colors import AsinhNorm

    low, high = np.percentile(image[usable], (0.5, 99.7)) if usable.any() else (0, 1)
    width = max((high - low) / 30, 1e-12)
    norm = AsinhNorm(linear_width=width, vmin=low, vmax=max(high, low + 1e-12))
    shown = axis.imshow(image, origin="lower", cmap=colours, norm=norm)
    axis.set_title(title)
    ticks = norm.inverse(np.linspace(0, 1, 6))
    bar = figure.colorbar(shown, ax=axis, shrink=0.85, pad=0.02, ticks=ticks, format="%.3g")
    bar.minorticks_off()
    bar.set_label(unit)


def show_flags(axis, dq):
    """Show the flags of an image by their most telling bit, with the share of each."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    classes = np.zeros(dq.shape, np.uint8)
    for k, (_, bits, _) in enumerate(CLASSES):
        if bits:
            classes[dq & bits > 0] = k
    axis.imshow(classes, origin="lower", cmap=ListedColormap([c for _, _, c in CLASSES]),
                vmin=-0.5, vmax=len(CLASSES) - 0.5, interpolation="nearest")
    share = np.bincount(classes.ravel(), minlength=len(CLASSES)) / classes.size
    axis.legend(handles=[Patch(facecolor=colour, edgecolor="0.5",
                               label=f"{label} {100 * part:.3g} %")
                         for (label, _, colour), part in zip(CLASSES, share, strict=True)],
                loc="upper center", bbox_to_anchor=(0.5, -0.14), ncol=3, fontsize=8, frameon=False)
    axis.set_title("Flags")


def title(model):
    """Say in one line what an exposure is."""
    meta = model.meta
    parts = [meta.filename, meta.instrument.name, meta.instrument.detector, meta.instrument.filter,
             meta.subarray.name, meta.exposure.readpatt,
             f"{meta.exposure.nints} x {meta.exposure.ngroups} groups"]
    return "   ".join(str(part) for part in parts if part)
