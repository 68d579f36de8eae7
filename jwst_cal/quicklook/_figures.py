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

#: Columns for each row from which images are drawn below each other.
WIDE = 1.6


def new(size):
    """Make a figure that needs no display; `size` in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def beside(shape, height=8.0):
    """
    Make a figure of two images of one shape: one above the other where they are wide.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    height : float, inches
        At most, of an image.

    Returns
    -------
    Figure, list of Axes
        The figure, and an axis for each.
    """
    width = shape[1] / max(shape[0], 1)
    stacked = width > WIDE
    across, down = min(6.0 if not stacked else 11.0, height * width), 1.3
    size = [across + 2.2, max(across / width, 1.5) + down]
    size[stacked] *= 2
    figure = new((max(size[0], 12.0), size[1] + 0.5))
    return figure, list(figure.subplots(*((2, 1) if stacked else (1, 2))))


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
    strip = axis.inset_axes((1.02, 0, 0.03, 1))  # as high as the image
    bar = figure.colorbar(shown, cax=strip, ticks=ticks, format="%.3g")
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
    legend_below(axis, 3, [Patch(facecolor=colour, edgecolor="0.5",
                                 label=f"{label} {100 * part:.3g} %")
                           for (label, _, colour), part in zip(CLASSES, share, strict=True)])
    axis.set_title("Flags")


def legend_below(axis, n_columns, handles=None):
    """Explain the marks of an image where they hide nothing of it."""
    below = -0.6 / max(axis.figure.get_figheight() / axis.get_gridspec().nrows - 1.8, 1)
    axis.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, below), ncol=n_columns,
                fontsize=8, frameon=False)


def title(model):
    """Say in one line what an exposure is."""
    meta = model.meta
    parts = [meta.filename, meta.instrument.name, meta.instrument.detector, meta.instrument.filter,
             meta.subarray.name, meta.exposure.readpatt,
             f"{meta.exposure.nints} x {meta.exposure.ngroups} groups"]
    return "   ".join(str(part) for part in parts if part)
