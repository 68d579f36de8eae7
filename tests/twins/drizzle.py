"""Drizzle, pixel by pixel: overlaps by clipping polygons."""

from typing import NamedTuple

import numpy as np

FWHM = 2.3548


class Sums(NamedTuple):
    weight: np.ndarray
    values: np.ndarray
    roots: list
    dq: np.ndarray


def drizzle(x, y, weight, values, shape, *, variances=(), level=0.0, rows=None, kernel="square",
            pixfrac=1.0, scale_ratio=1.0, first=(0, 0), dq=None, n_threads=None):
    """Spread an image; see the kernel."""
    if kernel not in ("square", "turbo", "point", "gaussian", "lanczos2", "lanczos3"):
        raise ValueError(f"kernel: '{kernel}'")
    found = Sums(np.zeros(shape), np.zeros(shape), [np.zeros(shape) for _ in variances],
                 None if dq is None else np.zeros(shape, np.uint32))
    with np.errstate(invalid="ignore"):
        planes = [values - np.float32(level), *(np.sqrt(variance) for variance in variances)]
    for row, col in np.ndindex(x.shape):
        if rows is not None and not rows[0] <= row < rows[1]:
            continue
        if weight[row, col] == 0 or np.isnan(x[row, col]) or np.isnan(y[row, col]):
            continue
        shares = _shares(x, y, row, col, kernel, pixfrac, scale_ratio, first, shape)
        for place, share in shares:
            given = share * float(weight[row, col])
            found.weight[place] += given
            for plane, total in zip(planes, [found.values, *found.roots], strict=True):
                total[place] += given * float(plane[row, col])
            if dq is not None:
                found.dq[place] |= dq[row, col]
    return found


def _shares(x, y, row, col, kernel, pixfrac, ratio, first, shape):
    if kernel == "square":
        half = pixfrac / 2
        corners = [_place(x, y, row + v * half, col + u * half)
                   for v, u in ((1, -1), (1, 1), (-1, 1), (-1, -1))]
        polygon = np.array(corners) - np.array(first)[::-1]
        if not np.isfinite(polygon).all():
            return
        whole = abs(_area(polygon))
        low, high = np.floor(polygon.min(0) + 0.5), np.floor(polygon.max(0) + 0.5)
        reach = (low[1], high[1], low[0], high[0])
    else:
        cx, cy = x[row, col] - first[1], y[row, col] - first[0]
        r = {"turbo": pixfrac / ratio / 2, "point": 0, "lanczos2": 2 / ratio, "lanczos3": 3 / ratio,
             "gaussian": max(2.5 * pixfrac / FWHM / ratio, 1.2 / ratio)}[kernel]
        reach = (cy - r, cy + r, cx - r, cx + r)
        if kernel.startswith("lanczos"):
            reach = (np.floor(cy - r) + 1, np.floor(cy + r), np.floor(cx - r) + 1, np.floor(cx + r))
        else:
            reach = [np.floor(value + 0.5) for value in reach]
    for to_row in range(max(0, int(reach[0])), min(shape[0] - 1, int(reach[1])) + 1):
        for to_col in range(max(0, int(reach[2])), min(shape[1] - 1, int(reach[3])) + 1):
            if kernel == "square":
                share = abs(_area(_clipped(polygon, to_row, to_col))) / whole
            else:
                share = _share(kernel, cx - to_col, cy - to_row, pixfrac, ratio)
            if share is not None and (share > 1e-12 or kernel.startswith("lanczos")):
                yield (to_row, to_col), share


def _share(kernel, dx, dy, pixfrac, ratio):
    if kernel == "point":
        return 1.0
    if kernel == "turbo":
        half = pixfrac / ratio / 2
        sides = [min(d + half, 0.5) - max(d - half, -0.5) for d in (dx, dy)]
        return max(sides[0], 0) * max(sides[1], 0) * (ratio / pixfrac) ** 2
    if kernel == "gaussian":
        efac = (FWHM * ratio / pixfrac) ** 2 / 2
        return efac / np.pi * np.exp(-(dx**2 + dy**2) * efac)
    order = int(kernel[-1])
    share = 1.0
    for d in (dx, dy):
        step = np.floor(abs(d) * ratio / 0.003 + 0.5)
        if step > np.ceil(order / 0.003):
            return None
        a = step * 0.003
        share *= np.sinc(a) * np.sinc(a / order) if a < order else 0.0
    return share


def _place(x, y, row, col):
    r = min(max(int(row), 0), x.shape[0] - 2)
    c = min(max(int(col), 0), x.shape[1] - 2)
    v, u = row - r, col - c
    w = np.array([[(1 - u) * (1 - v), u * (1 - v)], [(1 - u) * v, u * v]])
    return (w * x[r:r + 2, c:c + 2]).sum(), (w * y[r:r + 2, c:c + 2]).sum()


def _area(polygon):
    if len(polygon) < 3:
        return 0.0
    x, y = np.asarray(polygon).T
    return 0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum()


def _clipped(polygon, row, col):
    """The part of a convex polygon inside a pixel (Sutherland & Hodgman 1974)."""
    points = [tuple(point) for point in polygon]
    for axis, limit, sign in ((0, col - 0.5, 1), (0, col + 0.5, -1), (1, row - 0.5, 1),
                              (1, row + 0.5, -1)):
        kept = []
        for a, b in zip(points, points[1:] + points[:1], strict=True):
            da, db = (sign * (p[axis] - limit) for p in (a, b))
            if da >= 0:
                kept.append(a)
            if da * db < 0:
                t = da / (da - db)
                kept.append(tuple(p + t * (q - p) for p, q in zip(a, b, strict=True)))
        points = kept
        if not points:
            break
    return points
