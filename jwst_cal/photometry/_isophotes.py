"""What is measured of the segments of an image: place, flux, size and orientation."""

import math

import numpy as np

from jwst_cal.kernels.moments import moments
from jwst_cal.photometry import _sky

__all__ = ["measure"]

#: Variance of a pixel's width: what thin segments get in each direction until they have an area.
PIXEL = 1 / 12
#: Factor of the Kron radius, least factor, least radius in pixels: where the user gives none.
KRON = (2.5, 1.4, 0.0)
#: Rings of the local background: their hole in units of the box, and how many pixels they need.
HOLE, FEWEST = 1.5, 10
#: Its clipping, at most so many times, and from which distance of mean and median, in standard
#: deviations, it is the median.
SIGMA, ROUNDS, SKEWED = 3.0, 20, 0.3
#: Corners of the boxes: column and row.
CORNERS = {"ll": ("left", "bottom"), "ul": ("left", "top"), "lr": ("right", "bottom"),
           "ur": ("right", "top")}


def measure(image, error, uncovered, convolved, segments, search, *, wcs=None):
    """
    Measure segments.

    Parameters
    ----------
    image, error : float32 [row, col]
        Values without background, and standard deviations.
    uncovered : bool [row, col]
        Pixels without data.
    convolved : float32 [row, col]
        The image that places, sizes and orientations are measured in.
    segments : int32 [row, col]
        Label of each pixel, 0 for none.
    search : Search
        Parameters.
    wcs : gwcs.WCS, optional
        For the places on the sky.

    Returns
    -------
    astropy.table.QTable
        A row for each segment: ``id``, ``xcentroid``, ``ycentroid``, ``flux``; the other columns
        and what stands in ``meta`` are those of photutils.

    Notes
    -----
    Source: photutils.segmentation.SourceCatalog; Bertin and Arnouts 1996, A&AS 117, 393.
    """
    from astropy import units
    from astropy.table import QTable

    found = moments(segments, image, error, convolved, uncovered, n_labels=int(segments.max()))
    labels = np.flatnonzero(found.left <= found.right)
    found = found._replace(**{name: part[labels] for name, part in found._asdict().items()})
    empty = found.area == 0
    area = np.where(empty, np.nan, found.area)
    flux, variance = (np.where(empty, np.nan, part) for part in (found.flux, found.variance))
    if search.localbkg_width:
        usable = np.isfinite(image) & ~uncovered & (segments == 0)
        flux -= area * _local_background(image, usable, found, search.localbkg_width)
    major, minor, turned = ellipses(found.xx, found.xy, found.yy)
    table = QTable({"id": (labels + 1).astype(segments.dtype),
                    "xcentroid": found.x, "ycentroid": found.y}, copy=False)
    sky = None if wcs is None else _sky.OnTheSky(wcs)
    if sky is not None:
        table["sky_centroid"] = sky.pixel_to_world(found.x, found.y)
    table["area"] = area << units.pix**2
    table["semimajor_axis"], table["semiminor_axis"] = major << units.pix, minor << units.pix
    table["orientation"] = turned << units.deg
    table["flux"], table["segment_flux_err"] = flux, np.sqrt(variance).astype(error.dtype)
    with np.errstate(invalid="ignore"):
        table["ellipticity"] = 1 - minor / major << units.dimensionless_unscaled
    if sky is not None:
        corners = {"left": found.left - 0.5, "bottom": found.bottom - 0.5,
                   # photutils takes the upper edges a pixel further out
                   "right": found.right + 1.5, "top": found.top + 1.5}
        for name, (column, row) in CORNERS.items():
            table[f"sky_bbox_{name}"] = sky.pixel_to_world(corners[column], corners[row])
    table.meta.update(
        local_bkg_width=search.localbkg_width, aperture_mask_method=search.apermask_method,
        kron_params=KRON if search.kron_params is None else tuple(search.kron_params))
    return table


def ellipses(xx, xy, yy):
    """
    Give the ellipses that have these moments.

    Parameters
    ----------
    xx, xy, yy : float64 [source]
        Covariances, pixels^2.

    Returns
    -------
    major, minor : float64 [source]
        Standard deviations along the axes, pixels; NaN without moments.
    turned : float64 [source]
        From the x axis to the larger, counter-clockwise, degrees, 0 to 360.
    """
    # a line has the determinant 0, give or take a rounding: it is given a width, as thin ones are
    covariance = np.stack([xx, xy, xy, yy], axis=-1).reshape(-1, 2, 2)
    with np.errstate(invalid="ignore"):
        while (thin := np.linalg.det(covariance) < PIXEL**2).any():
            covariance[thin] += PIXEL * np.eye(2)
    (xx, xy), (_, yy) = covariance.transpose(1, 2, 0)
    half, mean = np.hypot((xx - yy) / 2, xy), (xx + yy) / 2
    larger = mean + half
    with np.errstate(invalid="ignore"):
        # their product is the determinant; a difference would lose digits
        smaller = np.where(np.isfinite(larger), (xx * yy - xy * xy) / larger, np.nan)
        return (np.sqrt(larger), np.sqrt(smaller),
                np.degrees(np.arctan2(2 * xy, xx - yy) / 2) % 360)


def _local_background(image, usable, boxes, width):
    """Level of the usable pixels in a rectangular ring around each box; 0 where they are few."""
    levels = np.zeros(len(boxes.left))
    edges = np.stack([boxes.bottom, boxes.top, boxes.left, boxes.right], axis=1).reshape(-1, 2, 2)
    for k, sides in enumerate(edges):
        window, away, holes = [], [], []
        for (first, last), length in zip(sides.tolist(), image.shape, strict=True):
            middle, hole = (first + last) / 2, HOLE * (last - first + 1) / 2
            start = max(0, math.floor(middle - hole - width))
            window.append(slice(start, min(length, math.ceil(middle + hole + width) + 1)))
            away.append(np.abs(np.arange(length)[window[-1]] - middle))
            holes.append(hole)
        inner, outer = (np.logical_and.outer(*(part < hole + more for part, hole
                                               in zip(away, holes, strict=True)))
                        for more in (0, width))
        values = image[tuple(window)][outer & ~inner & usable[tuple(window)]]
        if len(values) >= FEWEST:
            levels[k] = level(values.astype(np.float64))
    return levels


def level(values):
    """
    Estimate the level of a background that may have sources, as SExtractor does.

    Parameters
    ----------
    values : float64 [pixel]
        Finite, at least one.

    Returns
    -------
    float
        An estimate of the mode, after clipping at 3 standard deviations from the median; the median
        where that and the mean are far from each other.

    Notes
    -----
    Source: Bertin and Arnouts 1996, A&AS 117, 393.
    """
    for _ in range(ROUNDS):
        median, reach = np.median(values), SIGMA * values.std()
        kept = values[(values >= median - reach) & (values <= median + reach)]
        if len(kept) == len(values):
            break
        values = kept
    median, mean, std = np.median(values), values.mean(), values.std()
    if std == 0:
        return mean
    return median if abs(mean - median) / std >= SKEWED else 2.5 * median - 1.5 * mean
