"""NIRSpec's picture frame: a glow of the detector's border that follows its temperature."""

from typing import NamedTuple

import numpy as np

__all__ = ["Regions", "regions_of", "subtract"]

#: Rows and columns of the middle; first ones of the border inside the reference pixels, and last.
_CENTRE, _LOW, _HIGH = (76, 1984), (4, 75), (1985, 2043)


class Regions(NamedTuple):
    """
    Background pixels in the middle of the detector and near its border.

    Attributes
    ----------
    centre, edge : bool [row, col]
    """

    centre: np.ndarray
    edge: np.ndarray

    @property
    def are_usable(self):
        """Whether there are pixels in both."""
        return self.centre.any() and self.edge.any()


def regions_of(background):
    """
    Sort background pixels by where they are.

    Parameters
    ----------
    background : bool [row, col]
        Pixels that show nothing but background.

    Returns
    -------
    Regions
        Those in the middle, and those near the border.
    """
    centre, edge = np.zeros_like(background), np.zeros_like(background)
    middle = slice(*_CENTRE)
    centre[middle, middle] = background[middle, middle]
    inside = slice(_LOW[0], _HIGH[1])
    edge[inside, inside] = background[inside, inside]
    dark = slice(_LOW[1], _HIGH[0])
    edge[dark, dark] = False
    return Regions(centre, edge)


def _median(image, where):
    """Median of an image's values, NaN left out, rounded as numpy rounds it."""
    values = image[where]
    values = values[~np.isnan(values)]
    if not values.size:
        return np.float32(np.nan)
    half = values.size // 2
    middle = [half] if values.size % 2 else [half - 1, half]
    return np.mean(np.partition(values, middle)[middle])


def subtract(data, frame, regions):
    """
    Subtract the picture frame and the level of the background, in place.

    Parameters
    ----------
    data : float32 [row, col], [integration, row, col] or [integration, group, row, col]
        Count rates, DN/s, each image corrected by itself; or counts, DN, of which the differences
        to the first group are.
    frame : float32 [row, col]
        The picture frame, of any scale.
    regions : Regions
        Where the scale is measured.

    Returns
    -------
    float32, of the shape of the images
        Scale of the frame in each; that of a first group is 0.

    Notes
    -----
    Source: jwst 3.0.0.
    Differs from jwst 3.0.0: nothing.
    """
    images = data.reshape(-1, *data.shape[-2:])
    n_groups = data.shape[1] if data.ndim == 4 else 0
    low, high = (_median(frame, where) for where in (regions.edge, regions.centre))
    shape = frame - low
    scales = np.zeros(len(images), np.float32)
    for k, image in enumerate(images):
        first = images[k - k % n_groups] if n_groups else np.float32(0)
        if n_groups and k % n_groups == 0:
            continue
        if n_groups:
            image -= first
        centre, edge = (_median(image, where) for where in (regions.centre, regions.edge))
        scales[k] = (centre - edge) / (high - low)
        image += first - (scales[k] * shape + edge)
    return scales.reshape(data.shape[:-2])
