"""Sums in circular apertures in numpy: the specification of kernels/circles."""

import numpy as np


def _below(x, height, radius):
    """Integral from 0 to x of the height of the half circle, or of `height` where that is less."""
    def arc(at):
        return (at * np.sqrt((radius - at) * (radius + at))
                + radius**2 * np.arctan2(at, np.sqrt((radius - at) * (radius + at)))) / 2

    height = np.minimum(height, radius)
    flat = np.sqrt((radius - height) * (radius + height))
    x, sign = np.minimum(np.abs(x), radius), np.sign(x)
    beyond = np.maximum(x, flat)
    return sign * (np.minimum(x, flat) * height + arc(beyond) - arc(flat))


def circle_weights(shape, x, y, radius):
    if not (np.isfinite([x, y, radius]).all() and radius > 0):
        raise ValueError("an argument is out of its range")
    left, bottom = (np.arange(n) - 0.5 - at for n, at in zip(shape[::-1], (x, y), strict=True))
    near = [np.maximum(0, np.maximum(low, -low - 1)) for low in (left, bottom)]
    far = [np.maximum(-low, low + 1) for low in (left, bottom)]

    def part(low):  # of the circle, between the x axis and a line parallel to it
        low, left_ = low[:, None], left[None]
        return np.sign(low) * (_below(left_ + 1, np.abs(low), radius)
                               - _below(left_, np.abs(low), radius))

    weight = part(bottom + 1) - part(bottom)
    weight[near[1][:, None] ** 2 + near[0] ** 2 >= radius**2] = 0
    weight[far[1][:, None] ** 2 + far[0] ** 2 <= radius**2] = 1
    return np.clip(weight, 0, 1)


def circle_sums(image, error, positions, radii, *, n_threads=None):
    found = np.full((2, len(radii), len(positions)), np.nan)
    edges = [(-0.5, n - 0.5) for n in image.shape[::-1]]
    for k, radius in enumerate(radii):
        if not (np.isfinite(radius) and radius > 0):
            raise ValueError("an argument is out of its range")
        for source, place in enumerate(positions):
            if not all(np.isfinite(at) and low < np.ceil(at + radius + 0.5) - 0.5
                       and np.floor(at - radius + 0.5) - 0.5 < high
                       for at, (low, high) in zip(place, edges, strict=True)):
                continue
            weight = circle_weights(image.shape, *place, radius)
            usable = weight > 0
            weight, squares = weight[usable], error[usable].astype(np.float64) ** 2
            found[:, k, source] = (weight @ image[usable], np.sqrt(weight @ squares))
    return found[0], found[1]
