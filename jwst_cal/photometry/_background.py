"""The background of an image and its scatter: statistics of boxes and a spline through them."""

from typing import NamedTuple

import numpy as np

__all__ = ["Background", "measure"]

#: Sigma clipping in a box, and boxes over which the statistics are smoothed.
SIGMA, SMOOTHED = 3.0, 3
#: Boxes with more than this part of their pixels masked do not count, percent.
MOST_MASKED = 10.0


class Background(NamedTuple):
    """
    The background of an image.

    Attributes
    ----------
    level, scatter : float32 [row, col]
        Background and standard deviation of its noise, 0 where there are no data.
    whole : bool
        No box had enough pixels: the image was taken as one.
    """

    level: np.ndarray
    scatter: np.ndarray
    whole: bool


def measure(image, uncovered, *, box):
    """
    Measure the background of an image.

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
    Source: Bertin and Arnouts 1996, A&AS 117, 393 (SExtractor); the statistics of the boxes are
    those of photutils.background.Background2D.
    """
    import warnings

    from astropy.stats import SigmaClip
    from astropy.utils.exceptions import AstropyUserWarning
    from photutils.background import Background2D, MedianBackground

    def boxes(size, most_masked):
        return Background2D(image, size, coverage_mask=uncovered, filter_size=SMOOTHED,
                            exclude_percentile=most_masked, sigma_clip=SigmaClip(sigma=SIGMA),
                            bkg_estimator=MedianBackground())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # that there are NaN
        try:
            found, whole = boxes(box, MOST_MASKED), False
        except ValueError:
            found, whole = boxes(image.shape, 100.0), True
        maps = [_magnified(np.asarray(mesh), found.box_size, image.shape)
                for mesh in (found.background_mesh, found.background_rms_mesh)]
    for values in maps:
        values[uncovered] = 0
    return Background(*maps, whole)


def _magnified(mesh, box, shape):
    """Interpolate by cubic splines, box centres at the middle of their pixels; no overshooting."""
    from scipy.ndimage import zoom

    if np.ptp(mesh) == 0:
        return np.full(shape, mesh.flat[0], np.float32)
    # interpolation is linear in the values: one matrix for each axis
    rows, cols = (np.stack([zoom(unit, int(size), order=3, mode="reflect", grid_mode=True)[:length]
                            for unit in np.eye(n)], axis=1)
                  for n, size, length in zip(mesh.shape, box, shape, strict=True))
    found = (rows @ mesh.astype(np.float64) @ cols.T).astype(np.float32)
    return np.clip(found, mesh.min(), mesh.max(), out=found)
