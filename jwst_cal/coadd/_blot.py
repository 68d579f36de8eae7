"""The median on the pixels of the images that it is from, and what of them differs from it."""

import numpy as np

from jwst_cal.kernels.blot import blot

__all__ = ["blotted", "differ"]

#: Rows treated at a time.
BAND = 256


def blotted(image, pixel_map):
    """
    Interpolate an image on the pixels of another.

    Parameters
    ----------
    image : float32 [row, col]
        The image.
    pixel_map : PixelMap
        Where the pixels of the other lie in it.

    Returns
    -------
    float32 [row, col]
        Values; NaN where the other has no place in the image.
    """
    n_rows = pixel_map.shape[0]
    result = np.empty(pixel_map.shape, np.float32)
    for row in range(0, n_rows, BAND):
        band = row, min(row + BAND, n_rows)
        result[slice(*band)] = blot(image, *pixel_map.rows(*band))
    return result


def differ(data, err, expected, snr):
    """
    Find values that differ from what is expected.

    Parameters
    ----------
    data, err : float32 [row, col]
        Values, and their errors; an error of NaN is 0.
    expected : float [row, col]
        What is expected; float64 is compared in float64.
    snr : float
        Limit of the difference, in errors.

    Returns
    -------
    bool [row, col]
        The outliers; where there is NaN there are none.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return np.abs(data - expected) > snr * np.nan_to_num(err)
