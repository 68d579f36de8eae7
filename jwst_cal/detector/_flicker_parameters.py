"""How the background of an image is best taken off and its noise fitted, decided from the image."""

import warnings
from typing import NamedTuple

import numpy as np

from jwst_cal.detector import _flicker
from jwst_cal.kernels.clipping import clip, sort_chosen

__all__ = ["RULES", "choose"]


class Rules(NamedTuple):
    """
    Limits for the images of an instrument, and where its outputs are compared.

    ``masked`` is a part of the pixels, slopes are in DN/s per pixel, the rest in DN/s.
    """

    masked: float
    offset: float
    slope: float
    slope_with_offset: float
    slope_ratio: float
    scatter: float
    scatter_rows: tuple[float, float]
    outputs_along: int


#: By exposure type. NIRISS's first output is near the top and differs from the others.
RULES = {
    "NIS_IMAGE": Rules(0.07, 0.07, 1e-5, 1e-4, 5.0, 0.02, (10 / 12, 11 / 12), 0),
    "NRC_IMAGE": Rules(0.1, 0.07, 1e-5, 1e-5, 3.0, 0.02, (3 / 8, 5 / 8), 1),
}
MIDDLE = (3 / 8, 5 / 8)


def _quickly_cleaned(image, axis):
    """Clean a rate in the plainest way; return it and its background pixels."""
    mask = np.ones(image.shape, bool)
    _flicker.clip_to_background(image, mask)
    unknown = np.isnan(image)
    image = np.where(unknown, np.float32(0), image)
    mask &= ~unknown
    level = _flicker.background_level(image, mask)
    image -= level
    _flicker.clip_to_background(image, mask, lower_half=True)
    image = _flicker.remove_stripes(image, mask, axis=axis)
    image += level
    image[unknown] = np.nan
    return image, mask


def _profile(image, part, axis):
    """Mean over some of the rows (axis 0) or columns (1) of an image."""
    first, stop = (round(fraction * image.shape[axis]) for fraction in part)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        return np.nanmean(image[first:stop] if axis == 0 else image[:, first:stop], axis=axis)


def _line(profile):
    """Slope of a profile and the scatter about it."""
    known = np.isfinite(profile)
    if not known.any():
        return 0.0, 0.0
    x, y = np.arange(len(profile))[known], profile[known].astype(float)
    x = x - x.mean()
    slope = (x * y).sum() / max((x * x).sum(), 1)
    residual = (y - y.mean() - slope * x).astype(np.float32)
    return slope, clip(sort_chosen(residual), sigma=10.0)[2]


def _largest_offset(profile):
    """Largest step between outputs that lie side by side; 0 if there are not four."""
    if len(profile) != _flicker.FULL_FRAME:
        return 0.0
    means = [clip(sort_chosen(part), sigma=3.0)[0]
             for part in np.split(profile.astype(np.float32), _flicker.N_CHANNELS)]
    return np.abs(np.diff(means)).max()


def choose(rate, *, axis, rules):
    """
    Choose the method of the background, and whether outputs are fitted one by one.

    Parameters
    ----------
    rate : float32 [row, col], DN/s
        Count rates, divided by the flat if there is one.
    axis : int
        Axis along which a line of equal noise lies.
    rules : Rules
        Limits of the instrument.

    Returns
    -------
    background_method : {'median', 'model'}
        How.
    fit_by_channel : bool
        Whether.
    """
    image, mask = _quickly_cleaned(rate, axis)
    level = _flicker.background_level(image, mask, method="model")
    image = np.where(mask, image, level)
    over_rows, over_cols = _profile(image, MIDDLE, 0), _profile(image, MIDDLE, 1)
    slopes = sorted(abs(_line(profile)[0]) for profile in (over_rows, over_cols))
    scatter = _line(_profile(image, rules.scatter_rows, 0))[1]
    offset = _largest_offset(over_rows if rules.outputs_along == 1 else over_cols)

    crowded, uneven = 1 - mask.mean() >= rules.masked, offset >= rules.offset
    steep = slopes[1] >= rules.slope
    steeper = slopes[1] >= rules.slope_with_offset
    if crowded:
        return "model" if (steeper if uneven else steep) else "median", False
    if uneven:
        return "median", True
    one_way = slopes[1] >= rules.slope_ratio * slopes[0]
    modelled = steeper or (steep and not one_way)
    return "model" if modelled else "median", bool(offset > 0 and scatter >= rules.scatter)
