"""The background of an image and its scatter: statistics of boxes and a spline through them."""

import functools
from typing import NamedTuple

import numpy as np

from jwst_cal.detector._background_mesh import filled, smoothed
from jwst_cal.kernels.flicker import box_medians
from jwst_cal.kernels.magnify import magnify

__all__ = ["Background", "measure"]

#: Sigma clipping in a box, and boxes to either side over which the statistics are smoothed.
SIGMA, SMOOTHED = 3.0, 1
#: Part of the pixels of a box that must be left for it to count.
LEAST = 0.9


class Background(NamedTuple):
    """
    The background of an image.

    Attributes
    ----------
    above : float32 [row, col]
        The image less its background; as it is where there are no data.
    scatter : float32 [row, col]
        Standard deviation of the background's noise, 0 where there are no data.
    whole : bool
        No box had enough pixels: the image was taken as one.
    """

    above: np.ndarray
    scatter: np.ndarray
    whole: bool


def measure(image, uncovered, *, box):
    """
    Measure the background of an image and subtract it.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    uncovered : bool [row, col]
        Pixels without data.
    box : int
        Side of a box, pixels.

    Returns
    -------
    Background
        Median and standard deviation of the pixels of a box after sigma clipping, smoothed by a
        median over 3 x 3 boxes, and interpolated.

    Raises
    ------
    ValueError
        If no pixel is left.

    Notes
    -----
    Source: Bertin and Arnouts 1996, A&AS 117, 393 (SExtractor), in the form of
    photutils.background.Background2D.
    """
    covered = ~uncovered
    size = tuple(min(box, length) for length in image.shape)
    level, scatter, count = box_medians(image, covered, box_rows=size[0], box_cols=size[1],
                                        sigma=SIGMA)
    few = count <= LEAST * size[0] * size[1]
    whole = bool(few.all())
    if whole:
        size = image.shape
        level, scatter, count = box_medians(image, covered, box_rows=size[0], box_cols=size[1],
                                            sigma=SIGMA)
        few = count == 0
        if few.all():
            raise ValueError("no pixel has data")
    maps = []
    for mesh, of in ((level, image), (scatter, None)):
        mesh[few] = np.nan
        maps.append(_magnified(smoothed(filled(mesh), SMOOTHED), size, uncovered, of))
    return Background(*maps, whole)


def _magnified(mesh, box, uncovered, image):
    """
    Interpolate by cubic splines, box centres at the middle of their pixels; no overshooting.

    With an image, what is left of it.
    """
    # it is linear in the values: one matrix for each axis
    rows, cols = (_weights(n, int(size), length)
                  for n, size, length in zip(mesh.shape, box, uncovered.shape, strict=True))
    return magnify(rows, mesh.astype(np.float64) @ cols.T, uncovered,
                   least=float(mesh.min()), most=float(mesh.max()), image=image)


@functools.lru_cache(maxsize=8)
def _weights(n, size, length):
    """Weights of the boxes of a line in each of its pixels: float64 [pixel, box]."""
    from scipy.ndimage import zoom

    return np.stack([zoom(unit, size, order=3, mode="reflect", grid_mode=True)[:length]
                     for unit in np.eye(n)], axis=1)
