"""Numpy twin of jwst_cal.kernels.segments."""

import numpy as np
from scipy import ndimage

#: To the neighbours, those beside a pixel first.
STEPS = [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
MANY_MARKERS = 200


def survey(image, segments, *, n_pixels, connectivity=8, n_labels=None, n_threads=None):
    from jwst_cal.kernels.segments import SEGMENT

    n_labels = segments.max() if n_labels is None else n_labels
    if connectivity not in (4, 8) or n_pixels < 1:
        raise ValueError("out of range")
    if segments.min() < 0 or segments.max() > n_labels:
        raise ValueError("out of range")
    found = np.zeros(n_labels, SEGMENT)
    for label, box in enumerate(ndimage.find_objects(segments), start=1):
        if box is None:
            continue
        inside = segments[box] == label
        values = image[box][inside]
        known = values[~np.isnan(values)]
        low, high = (known.min(), known.max()) if known.size else (np.nan, np.nan)
        may = len(values) >= 2 * n_pixels and low < high
        with np.errstate(all="ignore"):
            total = np.nansum(values)
        found[label - 1] = (*(side.start for side in box), *inside.shape, len(values), low, high,
                            total, may and _may(image[box], inside, n_pixels, connectivity))
    return found


def _beside(place, connectivity):
    return [(place[0] + dy, place[1] + dx) for dy, dx in STEPS[:connectivity]]


def _may(image, inside, n_pixels, connectivity):
    where = np.argwhere(inside)
    values = image[inside]
    of = {tuple(place): value for place, value in zip(where.tolist(), values, strict=True)}
    peaks = [place for place, value in of.items()
             if not any(of.get(near, -np.inf) > value for near in _beside(place, connectivity))]
    if len(peaks) < 2:
        return False
    order = np.lexsort((-np.nan_to_num(values.astype(float), nan=0), np.isnan(values)))
    parts = {}  # pixel: the part that it belongs to
    for place in map(tuple, where[order].tolist()):
        beside = {id(parts[near]): parts[near] for near in _beside(place, connectivity)
                  if near in parts}
        joined = {place}
        for part in beside.values():
            if len(part) >= n_pixels and len(joined) > n_pixels:
                return True
            joined |= part
        for pixel in joined:
            parts[pixel] = joined
    return False


def take_apart(image, segments, found, which, levels, second, *, n_pixels, contrast,
               connectivity=8, n_threads=None):
    if n_pixels < 1 or connectivity not in (4, 8) or not 0 <= contrast <= 1:
        raise ValueError("out of range")
    touching = ndimage.generate_binary_structure(2, connectivity // 4)
    parts = {}
    for label, first, other in zip(which, levels, second, strict=True):
        inside = segments == label
        markers = _markers(image, inside, first, n_pixels, touching)
        if len(_names(markers)) > MANY_MARKERS:
            markers = _markers(image, inside, other, n_pixels, touching)
        if markers.any():
            parts[label] = _flooded(image, inside, markers, found["sum"][label - 1], contrast,
                                    touching)
    divided = [label for label, part in parts.items() if len(_names(part)) > 1]
    out = np.zeros_like(segments)
    whole = np.setdiff1d(np.unique(segments), [0, *divided])
    for number, label in enumerate(whole, start=1):
        out[segments == label] = number
    for label in divided:
        here = segments == label
        out[here] = out.max() + 1 + np.searchsorted(_names(parts[label]), parts[label][here])
    return out


def _names(groups):
    return np.setdiff1d(groups, [0])


def _groups(above, n_pixels, touching):
    groups, n = ndimage.label(above, touching)
    small = np.flatnonzero(np.bincount(groups.ravel(), minlength=n + 1) < n_pixels)
    groups[np.isin(groups, small)] = 0
    return groups


def _markers(image, inside, levels, n_pixels, touching):
    markers = np.zeros(image.shape, int)
    for level in levels:
        upper = _groups((image > level) & inside, n_pixels, touching)
        if len(_names(upper)) < 2:
            continue
        if not markers.any():
            markers = upper
            continue
        kept = markers > 0
        for marker in np.unique(markers[kept]):
            here = markers == marker
            if len(_names(upper[here])) > 1:
                kept[here] = upper[here] > 0
        markers = _groups(kept, 1, touching)
    return markers


def _flooded(image, inside, markers, total, contrast, touching):
    from skimage.segmentation import watershed

    while True:
        markers = watershed(-image, markers, mask=inside, connectivity=touching)
        names = _names(markers)
        if (markers[inside] == 0).any():
            raise ValueError("not connected")
        with np.errstate(all="ignore"):
            share = ndimage.sum_labels(image, markers, names) / np.float64(total)
        if len(names) == 1 or not (share < contrast).any():
            return markers
        markers[markers == names[np.argmin(share)]] = 0
