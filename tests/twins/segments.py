"""Numpy twin of jwst_cal.kernels.segments."""

import numpy as np

STEPS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


def divisible(image, segments, *, n_pixels, connectivity=8, n_threads=None):
    if connectivity not in (4, 8) or n_pixels < 1 or segments.min() < 0:
        raise ValueError("out of range")
    labels = range(1, segments.max() + 1)
    return np.array([_one(image, segments == label, n_pixels, connectivity) for label in labels],
                    bool)


def _one(image, inside, n_pixels, connectivity):
    where = np.argwhere(inside)
    values = image[inside]
    order = np.argsort(np.where(np.isnan(values), np.inf, -values.astype(float)), kind="stable")
    parts = {}  # pixel: the part that it belongs to
    for place in map(tuple, where[order].tolist()):
        beside = {id(parts[near]): parts[near] for dy, dx in STEPS
                  if (connectivity == 8 or not (dy and dx))
                  and (near := (place[0] + dy, place[1] + dx)) in parts}
        joined = {place}
        for part in beside.values():
            if len(part) >= n_pixels and len(joined) > n_pixels:
                return True
            joined |= part
        for pixel in joined:
            parts[pixel] = joined
    return False
