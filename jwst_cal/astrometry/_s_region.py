"""S_REGION: the outline of an exposure on the sky, as a header keyword."""

import numpy as np

__all__ = ["image_outline", "polygon"]


def image_outline(wcs, shape):
    """
    Give the corners of an image on the sky.

    Parameters
    ----------
    wcs : WCS or gwcs.WCS
        Coordinates of the image; bounds are set to the array's where it has none.
    shape : tuple of int
        Shape of the array, rows and columns last.

    Returns
    -------
    float64 [corner, 2]
        Right ascension (0 to 360) and declination of the outer corners, degrees.
    """
    if wcs.bounding_box is None:
        wcs.bounding_box = (-0.5, shape[-1] - 0.5), (-0.5, shape[-2] - 0.5)
    (left, right), (bottom, top) = wcs.bounding_box.bounding_box(order="F")
    corners = np.stack(wcs(np.array([left, left, right, right]),
                           np.array([bottom, top, top, bottom]), with_bounding_box=False), -1)
    corners[:, 0] = np.mod(corners[:, 0], 360)
    return corners


def polygon(corners):
    """
    Write corners as the value of S_REGION.

    Parameters
    ----------
    corners : float64 [corner, 2]
        Right ascension and declination, degrees.

    Returns
    -------
    str or None
        None when a corner is not a number.
    """
    if not np.isfinite(corners).all():
        return None
    return "POLYGON ICRS  " + " ".join(f"{value:.9f}" for value in np.ravel(corners))
