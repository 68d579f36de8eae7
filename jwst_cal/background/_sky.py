"""The level of the sky: where images overlap, what it is there, and what makes it match."""

import math

import numpy as np

from jwst_cal.errors import ParameterError
from jwst_cal.kernels.sky import histogram, range_moments

__all__ = ["all_pixels", "differences", "measure", "outline", "overlap", "pixels_within"]

#: Bins of a histogram, at most.
MAX_BINS = 1 << 24
#: Values that are looked through at a time for the first that is a number.
SOME = 4096
#: Images are not compared over a larger angle (radians): the plane of the overlap ends there.
WIDEST = 1.0


def measure(values, *, skystat="mode", lower=None, upper=None, nclip=5, lsigma=4.0, usigma=4.0,
            binwidth=0.1):
    """
    Measure the level of the sky.

    Parameters
    ----------
    values : float32 [value]
        Values of pixels; NaN is not used.
    skystat : {"mean", "median", "mode", "midpt"}
        Which statistic, of what is not clipped.
    lower, upper : float, optional
        Values below or above are never used.
    nclip : int
        Rounds of clipping.
    lsigma, usigma : float
        What lies so many standard deviations below or above the mean is clipped.
    binwidth : float
        Width of the bins for ``mode`` and ``midpt``, in standard deviations.

    Returns
    -------
    (float, int) or None
        The level, and the number of values it is from; None when there are none, or a limit is
        not positive.

    Raises
    ------
    ParameterError
        If there would be more than MAX_BINS bins.

    Notes
    -----
    Source: behaviour of ``stsci.imagestats``, which follows IRAF's ``imstatistics``; limits,
    means and deviations are rounded to float32 as there.
    """
    if not values.size or min(lsigma, usigma, binwidth) <= 0:
        return None
    found = range_moments(values, -np.inf, np.inf, about=_first(values, 0.0))
    count, mean, _, least, largest = found
    if not count or not _overlap_of_ranges(lower, upper, least, largest):
        return None
    whole = least, largest
    lower, upper = (limit if given is None else given
                    for given, limit in zip((lower, upper), whole, strict=True))
    low, high, limits = lower, upper, whole
    for round_ in range(nclip + 1):
        before, limits = limits, (np.float32(low), np.float32(high))
        if limits != before:
            found = range_moments(values, *limits, about=mean)
        count, mean, std, least, largest = found
        if not count:
            return None
        mean32, std32 = float(np.float32(mean)), float(np.float32(std))
        if round_ < nclip:
            low, high = max(lower, mean32 - lsigma * std32), min(upper, mean32 + usigma * std32)
    if skystat == "mean":
        return mean32, count
    if skystat == "median":
        chosen = values[(values >= limits[0]) & (values <= limits[1])] if nclip else values
        return float(np.median(chosen[~np.isnan(chosen)])), count
    # where the first value is clipped, the histogram begins or ends at the limit beside it
    first = _first(values, mean)
    least, largest = (float(limits[0]) if first < limits[0] else least,
                      float(limits[1]) if first > limits[1] else largest)
    level = (_mode if skystat == "mode" else _midpoint)(values, least, largest, binwidth * std32)
    return (level, count) if math.isfinite(level) else None


def _first(values, default):
    """The first value that is a number."""
    for start in range(0, values.size, SOME):
        some = values[start:start + SOME]
        known = some[some == some]
        if known.size:
            return float(known[0]) if np.isfinite(known[0]) else default
    return default


def _overlap_of_ranges(lower, upper, least, largest):
    if lower is not None and (lower > largest or (upper is not None and lower > upper)):
        return False
    return upper is None or upper >= least


def _bins(values, least, largest, width):
    """Counts in bins of a range; None when it is one bin wide."""
    span, tiny = largest - least, 10 * float(np.finfo(np.float32).eps)
    if not width >= tiny or abs(span) < tiny or width > span:
        return None
    n_bins = int(span / width) + 1
    if n_bins > MAX_BINS:
        raise ParameterError(f"binwidth: {n_bins} bins would be needed; at most {MAX_BINS} are "
                             "made. Clip more, or take wider bins")
    step, start = np.float32(span / (n_bins - 1)), np.float32(least)
    return histogram(values, start, start + step * np.float32(n_bins), np.float32(1) / step, n_bins)


def _mode(values, least, largest, width):
    """The most frequent value, by a parabola through the peak of a histogram."""
    counts = _bins(values, least, largest, width)
    if counts is None:
        return least + 0.5 * width
    peak = int(np.argmax(counts))
    if len(counts) == 2:
        return least + (1.0 if counts[0] == counts[1] else peak + 0.5) * width
    if peak in (0, len(counts) - 1):
        return least + (peak + 0.5) * width
    left, top, right = (int(n) for n in counts[peak - 1:peak + 2])
    bend = 2 * top - left - right
    return least + (peak + 0.5 + (0.5 * (right - left) / bend if bend else 0.0)) * width


def _midpoint(values, least, largest, width):
    """The value that half of the histogram lies below, interpolated in its bin."""
    counts = _bins(values, least, largest, width)
    if counts is None:
        return least + 0.5 * width
    share = np.cumsum(counts).astype(np.float32)
    share /= share[-1]
    at = int(np.argmax(share >= 0.5))
    below = share[at - 1] if at else np.float32(0)
    return least + at * width + float((np.float32(0.5) - below) / (share[at] - below) * width)


def outline(wcs, shape, stepsize=None):
    """
    Give the outline of an image on the sky.

    Parameters
    ----------
    wcs : gwcs.WCS
        Coordinates.
    shape : (int, int)
        Rows and columns.
    stepsize : int, optional
        Distance of the corners of the outline along the edges, pixels; only the corners of the
        image by default.

    Returns
    -------
    float64 [corner, 3]
        Unit vectors, the outer corners of the outermost pixels among them.
    """
    n_rows, n_cols = shape
    x, y = (np.linspace(-0.5, n - 0.5, 2 if stepsize is None else
                        max(2, math.ceil((n + 1.0) / stepsize))) for n in (n_cols, n_rows))
    inner = y[1:-1]
    edge = (np.concatenate([x, np.full(inner.shape, x[-1]), x[::-1], np.full(inner.shape, x[0])]),
            np.concatenate([np.full(x.shape, y[0]), inner, np.full(x.shape, y[-1]), inner[::-1]]))
    lon, lat = np.deg2rad(wcs(*edge, with_bounding_box=False))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)


def overlap(one, other):
    """
    Give the region of the sky that lies within two outlines.

    Parameters
    ----------
    one, other : float64 [corner, 3]
        Outlines, unit vectors.

    Returns
    -------
    list of float64 [corner, 2]
        Closed polygons, right ascension and declination in degrees; empty when there is none.

    Notes
    -----
    On the plane that touches the sphere, great circles are straight lines.
    """
    import shapely

    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return []
    (middle, radius), (centre, reach) = _circle(one), _circle(other)
    if np.arccos(min(1.0, middle @ centre)) > min(radius + reach, WIDEST):
        return []
    axis = np.cross(middle, np.eye(3)[np.argmin(np.abs(middle))])
    axis /= np.linalg.norm(axis)
    plane = np.stack([axis, np.cross(middle, axis)])
    shapes = [shapely.make_valid(shapely.Polygon((part @ plane.T) / (part @ middle)[:, None]))
              for part in (one, other)]
    found = []
    for part in shapely.get_parts(shapely.intersection(*shapes)):
        if part.geom_type == "Polygon" and part.area > 0:
            points = np.array(part.exterior.coords) @ plane + middle
            lon, lat = np.arctan2(points[:, 1], points[:, 0]), np.arctan2(
                points[:, 2], np.hypot(points[:, 0], points[:, 1]))
            found.append(np.rad2deg(np.stack([lon % (2 * np.pi), lat], -1)))
    return found


def _circle(corners):
    """Centre of an outline, and the angle from there to its farthest corner."""
    middle = corners.mean(axis=0)
    middle /= np.linalg.norm(middle)
    return middle, np.arccos(np.clip((corners @ middle).min(), -1, 1))


def pixels_within(polygons, shape):
    """
    Find the pixels of an image that lie in polygons.

    Parameters
    ----------
    polygons : list of float64 [corner, 2]
        Closed polygons, x and y of their corners.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    int64 [span, 3]
        Rows, first columns, and columns after the last; no pixel twice.

    Notes
    -----
    Corners are rounded to whole pixels, ends of rows up. Source: behaviour of ``gwcs.region``.
    """
    found = [_inside(_spans(corners), shape) for corners in polygons]
    if len(found) == 1:
        return found[0]
    inside = np.zeros((shape[0], shape[1] + 2), np.int8)
    for spans in found:
        for row, start, stop in spans.tolist():
            inside[row, start + 1:stop + 1] = 1
    edges = np.diff(inside, axis=1)
    starts, stops = np.argwhere(edges == 1), np.argwhere(edges == -1)
    return np.column_stack([starts, stops[:, 1]])


def all_pixels(shape):
    """
    Give all pixels of an image.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    int64 [span, 3]
        As from `pixels_within`.
    """
    rows = np.arange(shape[0])
    return np.stack([rows, np.zeros_like(rows), np.full_like(rows, shape[1])], -1)


def _inside(spans, shape):
    """The part of spans, ends included, that lies in an image: ends not included."""
    row, start, stop = spans.T
    start, stop = np.maximum(start, 0), np.minimum(stop, shape[1] - 1) + 1
    kept = (row >= 0) & (row < shape[0]) & (start < stop)
    return np.stack([row, start, stop], -1)[kept]


def _spans(corners):
    """Rows of a polygon, each with its first and last column."""
    offset = np.minimum(corners.min(axis=0), 0)
    corner = np.rint(corners - offset).astype(np.int64)
    offset = np.rint(offset).astype(np.int64)
    (left, first), (right, last) = corner.min(axis=0), corner.max(axis=0)
    if right <= left or last <= first:
        return np.zeros((0, 3), np.int64)
    start, stop = corner[:-1], corner[1:]
    slanted = start[:, 1] != stop[:, 1]
    start, stop = start[slanted], stop[slanted]
    rows = np.arange(first, last + 1)[:, None]
    # the last row has the edges of the one before it
    at = np.minimum(rows, last - 1)
    crossed = (at >= np.minimum(start[:, 1], stop[:, 1])) & (
        at < np.maximum(start[:, 1], stop[:, 1]))
    run, rise = (stop - start).T
    width = right - left
    x = (width * (start[:, 1] - rows)) / (-rise * width) * run + start[:, 0]
    ends = np.sort(np.where(crossed, np.ceil(x), np.inf), axis=1)
    ends = ends[:, :ends.shape[1] // 2 * 2].reshape(len(rows), -1, 2)
    kept = np.isfinite(ends[..., 1])
    rows = np.broadcast_to(rows, kept.shape)[kept]
    return np.column_stack([rows + offset[1], ends[kept].astype(np.int64) + offset[0]])


def differences(levels, weights):
    """
    Find the levels that make all overlaps match best, by least squares.

    Parameters
    ----------
    levels : float64 [image, image]
        Level of the row's image where the column's overlaps it; NaN for none.
    weights : float64 [image, image]
        Numbers of pixels that they are from.

    Returns
    -------
    levels : float64 [image]
        Up to a constant; NaN for images without overlap.
    enough : bool
        Whether all images hang together; otherwise only parts of them match each other.
    """
    n = len(levels)
    one, other = np.nonzero(np.triu((weights > 0) & (weights.T > 0), 1))
    if not one.size:
        return np.full(n, np.nan), False
    weight = 0.5 * (weights + weights.T)[one, other]
    matrix = np.zeros((one.size, n))
    matrix[np.arange(one.size), one] = weight
    matrix[np.arange(one.size), other] = -weight
    found = np.linalg.pinv(matrix, rcond=1e-12) @ (
        weight * (levels[one, other] - levels[other, one]))
    known = np.zeros(n, bool)
    known[one] = known[other] = True
    return np.where(known, found, np.nan), np.linalg.matrix_rank(matrix) >= n - 1
