"""The sky of NIRISS SOSS: templates, scaled on either side of the step that they show."""

from typing import NamedTuple

import numpy as np

__all__ = ["Sky", "fit_sky", "in_subarray", "step_columns"]

#: Columns among which the step is looked for.
STEP = slice(685, 725)
#: Last column that scales are measured on: on the right, sources spoil them.
LAST = 950
#: Standard deviation of the Gaussian that the template is smoothed with to find the step, pixel.
SMOOTHING = 3
#: Rows of SUBSTRIP256 and of SUBSTRIP96, and the first one of this in that.
WHOLE, PART, FIRST_OF_PART = 256, 96, 10


class Sky(NamedTuple):
    """
    The sky of an exposure.

    ``image``, float64 [row, col], is template ``number`` (from 0) by the ``scales`` left and right
    of its step; ``rms`` is the sum of what is left on either side of the step.
    """

    image: np.ndarray
    number: int
    scales: tuple[float, float]
    rms: float


def in_subarray(templates, shape):
    """
    Cut templates to a subarray.

    Parameters
    ----------
    templates : float32 [template, row, col]
    shape : (int, int)
        Rows and columns of the exposure.

    Returns
    -------
    float32 [template, row, col] or None
        None if they do not fit.
    """
    if templates.shape[-2] == WHOLE and shape[0] == PART:
        templates = templates[:, FIRST_OF_PART : FIRST_OF_PART + PART]
    fits = templates.shape[-2:] == tuple(shape) and shape[1] >= STEP.stop
    return templates if fits else None


def step_columns(template):
    """
    Find the column of the step in every row: where the smoothed template rises most.

    Parameters
    ----------
    template : float32 [row, col]

    Returns
    -------
    int [row]
        First column right of it.
    """
    from scipy.ndimage import gaussian_filter

    rise = np.gradient(gaussian_filter(template, SMOOTHING), axis=1)
    return STEP.start + np.argmax(rise[:, STEP], axis=1)


def fit_sky(data, usable, templates, *, source_percentile, percentiles):
    """
    Choose the template that fits best and scale it.

    Parameters
    ----------
    data : float32 [row, col] or [integration, row, col], DN/s
        Count rates; NaN does not count.
    usable : bool, of the same shape
        Where there is a value.
    templates : float32 [template, row, col], DN/s
    source_percentile : float
        Values from this percentile on are sources.
    percentiles : (float, float)
        Of the ratios of data and template, those between these percentiles give the scale: their
        median.

    Returns
    -------
    Sky or None
        None if no template can be scaled on both sides.
    """
    usable = usable & np.isfinite(data)
    if not usable.any():
        return None
    usable &= data < np.percentile(data[usable], source_percentile)
    usable[..., LAST + 1 :] = False
    values, columns = data[usable], np.arange(data.shape[-1])
    best = None
    for number, template in enumerate(templates):
        left = columns < step_columns(template)[:, None]
        model, on_left = (np.broadcast_to(a, data.shape)[usable] for a in (template, left))
        sides = [_scale(values[side], model[side], percentiles) for side in (on_left, ~on_left)]
        if None in sides:
            continue
        scales, rms = zip(*sides, strict=True)
        if best is None or sum(rms) < best.rms:
            best = Sky(template * np.where(left, *scales), number, scales, sum(rms))
    return best


def _scale(values, model, percentiles):
    """Scale of a template and the rms of what is left; None without a ratio between limits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = values / model
    finite = np.isfinite(ratio)
    if not finite.any():
        return None
    low, high = np.percentile(ratio[finite], percentiles)
    chosen = finite & (ratio > low) & (ratio < high)
    if not chosen.any():
        return None
    scale = np.float64(np.median(ratio[chosen]))
    return scale, np.sqrt(np.square(values[finite] - model[finite] * scale).mean())
