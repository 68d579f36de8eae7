"""A picture for each kind of product."""

from __future__ import annotations

import os
import re

import numpy as np

from jwst_cal import flags
from jwst_cal.quicklook import _figures, _rates

#: Larger images are thinned out: a picture has no room for more.
SIDE = 1024
#: Colours of the outlines of the inputs of a mosaic, in turn.
OUTLINES = ("#2f7ed8", "#f0a202", "#3a9d5d", "#c1272d", "#7b2d8b", "#6b6b6b")


def picture(product, path=None):
    """
    Draw a product.

    Parameters
    ----------
    product : str
        A FITS product, or a table of photometry (``_phot.ecsv``).
    path : str, optional
        The picture; by default beside the product, ``.png`` instead of its extension.

    Returns
    -------
    str or None
        The picture; None for a product that has nothing to be drawn.

    Raises
    ------
    InputError
        If the product cannot be read.
    OutputError
        If the picture cannot be written.
    """
    path = f"{os.path.splitext(product)[0]}.png" if path is None else path
    if product.endswith(".ecsv"):
        figure = _light_curve(product)
    else:
        from jwst_cal import models

        with models.open(product) as model:
            figure = _figure(model, product, path)
    if figure is None:
        return None
    if figure is not True:
        _figures.save(figure, path)
    return path


def _figure(model, product, path):
    """The figure; True where it is drawn already, None where there is nothing to draw."""
    if not hasattr(model, "data") or not isinstance(model.data, np.ndarray):
        return None
    kind = model.data.ndim
    if kind == 2 and product.endswith("_rate.fits"):
        _rates.draw(model, path)
        return True
    if kind == 2 and model.data.dtype.kind == "f":
        return _image(model, product, model.data, getattr(model, "dq", None))
    if kind == 3:
        dq = getattr(model, "dq", None)
        dq = dq if dq is not None and dq.shape == model.data.shape else None
        if len(model.data) == 1:
            return _image(model, product, model.data[0], None if dq is None else dq[0])
        return _integrations(model, dq)
    return _ramp(model) if kind == 4 else None


def _thin(array):
    every = max(1, -(-max(array.shape) // SIDE))
    return np.asarray(array[::every, ::every]), every


def _usable(data, dq):
    usable = np.isfinite(data)
    if dq is not None and dq.shape == data.shape:
        usable &= dq & flags.pixel["DO_NOT_USE"] == 0
    return usable


def _image(model, product, data, dq):
    """An image with its flags; a mosaic with its weights, inputs and sources."""
    weight = getattr(model, "wht", None)
    mosaic = weight is not None and np.size(weight)
    data, every = _thin(data)
    figure, (left, right) = _figures.beside(data.shape)
    _figures.show(figure, left, data, _usable(data, None if dq is None else _thin(dq)[0]),
                  "Image", model.meta.bunit_data or "", "magma")
    if mosaic:
        weight, _ = _thin(weight)
        weight = np.where(weight > 0, weight, np.nan)
        _figures.show(figure, right, weight, np.isfinite(weight), "Weight", "", "viridis")
        _draw_inputs(right, model, product, every)
        _draw_sources(left, product, every)
    elif dq is not None:
        _figures.show_flags(right, _thin(dq)[0])
    for axis in (left, right):
        _label(axis, every)
        axis.set(xlim=(-0.5, data.shape[1] - 0.5), ylim=(-0.5, data.shape[0] - 0.5))
    figure.suptitle(_figures.title(model))
    return figure


def _label(axis, every):
    axis.set(xlabel="column" if every == 1 else f"column / {every}",
             ylabel="row" if every == 1 else f"row / {every}")


def _draw_inputs(axis, model, product, every):
    """Outlines of the images that a mosaic was made of, from the table of their headers."""
    from astropy.io import fits

    with fits.open(product) as file:
        table = file["HDRTAB"].data if "HDRTAB" in file else None
    if table is None or "S_REGION" not in table.names or getattr(model.meta, "wcs", None) is None:
        return
    label = f"outlines of {len(table)} images"
    for number, region in enumerate(table["S_REGION"]):
        numbers = re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", str(region))
        if len(numbers) < 6 or len(numbers) % 2:
            continue
        ra, dec = np.array(numbers, dtype=float).reshape(-1, 2).T
        x, y = model.meta.wcs.invert(np.append(ra, ra[0]), np.append(dec, dec[0]),
                                     with_bounding_box=False)
        axis.plot(np.asarray(x) / every, np.asarray(y) / every, lw=1.2,
                  color=OUTLINES[number % len(OUTLINES)], label=label)
        label = None
    if label is None:
        _figures.legend_below(axis, 1)


def _draw_sources(axis, product, every):
    """The sources of the catalogue beside a mosaic."""
    path = re.sub(r"_i2d\.fits$", "_cat.ecsv", product)
    if path == product or not os.path.exists(path):
        return
    from astropy.table import QTable

    table = QTable.read(path)
    extended = np.asarray(table["is_extended"]) if "is_extended" in table.colnames else \
        np.zeros(len(table), bool)
    x, y = (np.asarray(getattr(table[name], "value", table[name])) / every
            for name in ("xcentroid", "ycentroid"))
    for chosen, colour, label in ((~extended, "#5fd3ff", "point sources"),
                                  (extended, "#8dff8d", "extended sources")):
        if chosen.any():
            axis.plot(x[chosen], y[chosen], "o", ms=7, mfc="none", mew=0.9, color=colour,
                      label=f"{chosen.sum()} {label}")
    _figures.legend_below(axis, 2)


def _integrations(model, dq):
    """The median of all integrations, and how level and flags go in time."""
    figure = _figures.new((15, 6.2))
    axes = figure.subplot_mosaic([["image", "level"], ["image", "flags"]] if dq is not None
                                 else [["image", "level"]])
    every = max(1, -(-max(model.data.shape[1:]) // SIDE))
    cube = model.data[:, ::every, ::every]
    median = np.full(cube.shape[1:], np.nan, np.float32)
    # some of many are enough for a picture
    some = cube[:: max(1, len(cube) // 40)]
    seen = np.isfinite(some).any(axis=0)
    median[seen] = np.nanmedian(some[:, seen], axis=0)
    unit = model.meta.bunit_data or ""
    _figures.show(figure, axes["image"], median, np.isfinite(median),
                  f"Median of {len(some)} of {len(cube)} integrations", unit, "magma")
    _label(axes["image"], every)
    first = model.meta.exposure.integration_start or 1
    number = first + np.arange(len(cube))
    level, error = np.transpose([_level(image) for image in cube])
    axes["level"].errorbar(number, level, error, fmt="o-", ms=3, lw=0.8, color="black",
                           ecolor="0.7")
    axes["level"].set(ylabel=unit, title="Median of the pixels of each integration, and its error")
    lowest = axes["level"]
    if dq is not None:
        lowest = axes["flags"]
        for label, bits, colour in _figures.CLASSES[1:-1]:
            share = [100 * np.count_nonzero(flagged & bits) / flagged.size for flagged in dq]
            lowest.plot(number, share, "o-", ms=3, lw=0.8, color=colour, label=label)
        lowest.set(ylabel="% of the pixels", title="Flagged")
        lowest.legend(fontsize=8, ncol=4)
        lowest.margins(y=0.25)
        lowest.set_ylim(bottom=0)
    lowest.set_xlabel("integration")
    for name in axes.keys() - {"image"}:
        axes[name].xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(_figures.title(model))
    return figure


def _level(image):
    """Median of an image and the error that the scatter of its pixels gives it."""
    values = image[np.isfinite(image)]
    if not values.size:
        return np.nan, np.nan
    low, middle, high = np.percentile(values, (16, 50, 84))
    return middle, 1.253 * (high - low) / 2 / np.sqrt(values.size)


def _ramp(model):
    """The last group of the first integration, and the median of each group."""
    figure = _figures.new((15, 6.2))
    left, right = figure.subplots(1, 2)
    last, _ = _thin(model.data[0, -1])
    _figures.show(figure, left, last.astype(np.float32), np.isfinite(last),
                  "Last group of the first integration", "DN", "magma")
    groups = [np.nanmedian(group[::4, ::4]) for group in model.data[0]]
    right.plot(np.arange(1, len(groups) + 1), groups, "o-", color="black")
    right.set(xlabel="group", ylabel="DN", title="Median of each group, first integration")
    figure.suptitle(_figures.title(model))
    return figure


def _light_curve(path):
    from astropy.table import QTable

    table = QTable.read(path)
    if "net_aperture_sum" not in table.colnames:
        return None
    figure = _figures.new((12, 6))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    time = np.asarray(table["MJD"]) - np.asarray(table["MJD"])[0]
    name, length = next((unit for unit in (("Hours", 24), ("Minutes", 1440))
                         if np.nanmax(time) * unit[1] > 1), ("Seconds", 86400))
    time = time * length
    flux = table["net_aperture_sum"]
    upper.errorbar(time, flux.value, np.asarray(table["net_aperture_sum_err"].value), fmt="o",
                   ms=3, color="black", ecolor="0.7")
    upper.set(ylabel=f"Flux ({flux.unit})", title=os.path.basename(path))
    for column, colour in (("aperture_x", "#2f7ed8"), ("aperture_y", "#c1272d"),
                           ("centroid_x", "#2f7ed8"), ("centroid_y", "#c1272d")):
        if column in table.colnames and (column.startswith("centroid")
                                         or "centroid_x" not in table.colnames):
            place = table[column].value
            lower.plot(time, place - np.nanmedian(place), ".", color=colour,
                       label=f"{column} - {np.nanmedian(place):.2f}")
    lower.set(xlabel=f"{name} from the first integration", ylabel="Place (pixels)")
    lower.legend(fontsize=8)
    return figure
