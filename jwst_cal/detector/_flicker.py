"""Noise that stays the same along a line of the detector, measured on the background."""

import logging
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jwst_cal.detector._background_mesh import smooth_background
from jwst_cal.kernels.clipping import clip, sort_chosen
from jwst_cal.kernels.flicker import line_medians

__all__ = ["Product", "background_level", "clean", "clean_image", "clip_to_background", "fill_flat",
           "groups", "median_rates", "remove_stripes", "scaled_median", "scene_mask"]

log = logging.getLogger(__name__)

#: Sigma clipping of the background.
SIGMA = 3.0
#: Outputs of a near-infrared detector, each a quarter of the full frame.
N_CHANNELS = 4
FULL_FRAME = 2048
#: Values of many integrations that are worked on at once.
_AT_ONCE = 1 << 22

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]


def _within(image, low, high):
    """Where float32 values lie between float64 limits, compared as float64 would."""
    low32, high32 = np.float32(low), np.float32(high)
    if low32 < low:
        low32 = np.nextafter(low32, np.float32(np.inf))
    if high32 > high:
        high32 = np.nextafter(high32, np.float32(-np.inf))
    found = image >= low32
    found &= image <= high32
    return found


def _range(ordered, low, high):
    """Return the ordered values within limits."""
    return ordered[np.searchsorted(ordered, low, "left") : np.searchsorted(ordered, high, "right")]


def _limits(ordered, *, below, above, lower_half=False, fit_histogram=False):
    """Limits of the background among ordered values, in standard deviations from its centre."""
    mean, median, std = clip(ordered, sigma=SIGMA)
    centre = mean if fit_histogram else median
    if lower_half:
        _, _, std = clip(ordered, sigma=SIGMA, centre=centre)
    if fit_histogram:
        centre, std = _fit_histogram(ordered, centre, std)
    return centre - below * std, centre + above * std


def _fit_histogram(ordered, centre, std):
    """Centre and width of a Gaussian that is fitted to the histogram of ordered values."""
    from scipy.optimize import curve_fit

    def gaussian(x, height, middle, width):
        return height * np.exp(-0.5 * ((x - middle) / width) ** 2)

    try:
        counts, edges = np.histogram(ordered.astype(np.float64), bins=2000,
                                     range=(centre - 4.0 * std, centre + 4.0 * std))
        x = (edges[1:] + edges[:-1]) / 2
        top = np.argmax(counts)
        (_, centre, std), _ = curve_fit(
            gaussian, x, counts, p0=(counts[top], x[top], std),
            bounds=[(0, x[0], 0), (np.inf, x[-1], x[-1] - x[0])])
    except (ValueError, RuntimeError):
        log.warning("No Gaussian fits the histogram of the background: the clipped mean and "
                    "standard deviation were used")
    return centre, std


def clip_to_background(image, mask, *, below=3.0, above=2.0, lower_half=False,
                       fit_histogram=False):
    """
    Leave out of a mask what is not background: bright and very faint values.

    Parameters
    ----------
    image : float32 [row, col]
        Values; NaN counts as not background.
    mask : bool [row, col]
        Where there may be background; changed in place.
    below, above : float
        Limits, in standard deviations from the centre of the background.
    lower_half : bool
        Take the standard deviation from the values up to the median and their mirror images, so
        that faint sources do not widen it.
    fit_histogram : bool
        Take centre and standard deviation from a Gaussian fitted to the histogram.
    """
    ordered = sort_chosen(image, mask)
    if len(ordered):
        mask &= _within(image, *_limits(ordered, below=below, above=above, lower_half=lower_half,
                                        fit_histogram=fit_histogram))


def _median(ordered):
    """Median of ordered float32 values, rounded as numpy rounds it."""
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else np.mean(ordered[middle - 1 : middle + 1])


def _box(shape):
    """Largest box of at most 32 pixels that divides an image evenly."""
    return [max(size for size in range(1, 33) if length % size == 0) for length in shape]


def _model(image, mask, box):
    """Smooth model of the background; None where nothing can be fitted."""
    if box is None:
        box = _box(image.shape)
    elif any(length % size for length, size in zip(image.shape, box, strict=True)):
        log.warning("Boxes of %d x %d pixels do not divide the image of %d x %d evenly",
                    *box, *image.shape)
    found = smooth_background(image, mask, box=box)
    if found is None:
        log.warning("No model fits the background, the median was used: no box of %d x %d pixels "
                    "has background in 90 %% of them", *box)
    return found


def background_level(image, mask, *, method="median", box=None):
    """
    Measure the background.

    Parameters
    ----------
    image : float32 [row, col]
        Values; those of the mask are not NaN.
    mask : bool [row, col]
        Where there may be background; changed in place: values beyond 3 sigma are left out.
    method : {'median', 'model'}
        A number, or a smooth model of medians in boxes.
    box : list of int, optional
        Rows and columns of a box; by default up to 32, so that they divide the image evenly.

    Returns
    -------
    float32, or float32 [row, col]
        The level; NaN if the mask is empty.
    """
    return _background(image, mask, sort_chosen(image, mask), method, box)[0]


def _background(image, mask, ordered, method, box):
    """Level of the background and its ordered values; the mask is clipped in place."""
    if not len(ordered):
        return np.float32(np.nan), ordered
    low, high = _limits(ordered, below=SIGMA, above=SIGMA, lower_half=True)
    mask &= _within(image, low, high)
    ordered = _range(ordered, low, high)
    found = _model(image, mask, box) if method == "model" else None
    return (_median(ordered) if found is None else found), ordered


def fill_flat(flat):
    """
    Replace what is NaN, infinite or 0 in a flat by what is around it.

    Parameters
    ----------
    flat : float32 [row, col]
        Flat; it is not changed.

    Returns
    -------
    float32 [row, col]
        The flat, or a filled copy.
    """
    usable = np.isfinite(flat) & (flat != 0)
    if usable.all():
        return flat
    level = background_level(flat, usable.copy(), method="model")
    return np.where(usable, flat, level).astype(np.float32, copy=False)


def scene_mask(rate, usable, *, n_sigma=2.0, fit_histogram=False, single_mask=True):
    """
    Find the pixels that show nothing but background.

    Parameters
    ----------
    rate : float32 [row, col] or [integration, row, col]
        Count rates.
    usable : bool, of the same shape
        Where there may be background; changed in place.
    n_sigma : float
        What is brighter than the background by so many standard deviations is a source, what is
        fainter by 3 is bad; 0 and less for no clipping.
    fit_histogram : bool
        As for :func:`clip_to_background`.
    single_mask : bool
        One mask for all integrations: background in each.

    Returns
    -------
    bool [row, col] or [integration, row, col]
        The mask.
    """
    usable &= ~np.isnan(rate)
    usable &= rate != 0
    if n_sigma > 0:
        for image, mask in zip(rate, usable, strict=True) if rate.ndim == 3 else [(rate, usable)]:
            clip_to_background(image, mask, above=n_sigma, fit_histogram=fit_histogram)
    return usable.all(axis=0) if single_mask and usable.ndim == 3 else usable


def remove_stripes(image, mask, *, axis, by_channel=False):
    """
    Subtract from each line the median of its background.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    mask : bool [row, col]
        Background.
    axis : int
        Axis that a line lies along: 0 for columns, 1 for rows.
    by_channel : bool
        Do it in each of four outputs, if the image is 2048 pixels along the axis.

    Returns
    -------
    float32 [row, col]
        Lines without background are as they were.
    """
    n_parts = N_CHANNELS if by_channel and image.shape[axis] == FULL_FRAME else 1
    stripes = line_medians(image, mask, columns=axis == 0, n_parts=n_parts)
    rows, cols = image.shape
    if axis == 0:
        parts = image.reshape(n_parts, rows // n_parts, cols) - stripes[:, None, :]
    else:
        parts = image.reshape(rows, n_parts, cols // n_parts) - stripes.T[:, :, None]
    return parts.reshape(rows, cols)


class Product(NamedTuple):
    """An image without noise, and the background that was taken off meanwhile."""

    image: NDArray
    background: NDArray | np.float32 | float


def clean_image(image, mask, remove: Callable, *, flat=None, background_method="median",
                background_box_size=None, n_sigma=2.0):
    """
    Clean one image.

    Parameters
    ----------
    image : float32 [row, col]
        Values; used up.
    mask : bool [row, col]
        Where there may be background; changed in place.
    remove : callable
        Takes the image without background and the mask, returns it without noise.
    flat : float32 [row, col], optional
        Divided out meanwhile.
    background_method : {'median', 'model', 'None'}
        How the background is found that is taken off meanwhile.
    background_box_size : list of int, optional
        Box of the model.
    n_sigma : float
        Without the background, values further from it than so many standard deviations are left
        out; 0 and less for none.

    Returns
    -------
    Product or None
        None if there is no background to measure noise on.
    """
    if flat is not None:
        image /= flat
    unknown = np.isnan(image)
    image[unknown] = 0
    mask &= ~unknown
    if not mask.any():
        return None
    level = 0.0
    if background_method != "None":
        level, ordered = _background(image, mask, sort_chosen(image, mask), background_method,
                                     background_box_size)
        image -= level
        if n_sigma > 0:
            # less a number, ordered values stay in order
            ordered = sort_chosen(image, mask) if np.ndim(level) else ordered - level
            if len(ordered):
                mask &= _within(image, *_limits(ordered, below=n_sigma, above=n_sigma,
                                                lower_half=True))
    cleaned = remove(image, mask)
    cleaned += level
    if flat is not None:
        cleaned *= flat
    cleaned[unknown] = np.nan
    return Product(cleaned, level)


def clean(data, scene, remove, *, groupdq=None, unusable=0, expected=None, background=None,
          noise=None, **options):
    """
    Clean an exposure, in place.

    Of a ramp the differences of its groups are cleaned and added up again, unless an expected
    ramp is given: then every group by itself, as the images of a cube are.

    Parameters
    ----------
    data : float32 [row, col], [integration, row, col] or [integration, group, row, col]
        Count rates or counts; changed in place.
    scene : bool [row, col] or [integration, row, col]
        Where there may be background.
    remove : callable
        As for :func:`clean_image`.
    groupdq : uint8 [integration, group, row, col], optional
        Flags of a ramp.
    unusable : int
        Bits of `groupdq` for what is not used.
    expected : callable, optional
        Takes integration and group, returns the image to subtract meanwhile.
    background, noise : float32, of the shape of `data`, optional
        Filled with the background that was taken off meanwhile, and with what was changed.
    **options
        Handed to :func:`clean_image`.

    Returns
    -------
    list of (int, int)
        Integrations and groups that were left as they are, because no background was found.
    """
    by_difference = data.ndim == 4 and expected is None
    missed = []
    cubes = [_as_ramp(array) for array in (data, background, noise)]
    for integration, ramp in enumerate(cubes[0]):
        mask = scene if scene.ndim == 2 else scene[integration]
        before = ramp[0].copy() if by_difference else None
        for group in range(1 if by_difference else 0, len(ramp)):
            here, now = (integration, group), ramp[group].copy()
            chosen = mask.copy()
            if by_difference:
                chosen &= groupdq[here] & unusable == 0
            off = before if by_difference else expected and expected(*here)
            image = now.copy() if off is None else (now - off).astype(np.float32, copy=False)
            found = clean_image(image, chosen, remove, **options)
            if found is None:
                missed.append(here)
            else:
                back = ramp[group - 1] if by_difference else off
                ramp[group] = found.image if back is None else back + found.image
                if background is not None:
                    cubes[1][here] = off if expected else found.background
                if noise is not None:
                    cubes[2][here] = ramp[group] - now
            before = now
    return missed


def _as_ramp(array):
    """View an array as [integration, group, row, col]; a cube has one group."""
    if array is None or array.ndim == 4:
        return array
    return array.reshape(-1, 1, *array.shape[-2:])


def groups(data):
    """
    View an exposure group by group.

    Parameters
    ----------
    data : float32 [integration, row, col] or [integration, group, row, col]
        Count rates, which are one group, or counts.

    Returns
    -------
    float32 [group, integration, row, col]
    """
    return _as_ramp(data).swapaxes(0, 1)


def median_rates(rateints):
    """
    Measure each integration by its median.

    Parameters
    ----------
    rateints : float32 [integration, row, col]
        Count rates.

    Returns
    -------
    float32 [integration]
        NaN where there is none.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
        return np.array([np.nanmedian(image) for image in rateints], np.float32)


def scaled_median(groups, flux):
    """
    Make the image that is expected in each integration, from the median over all.

    Parameters
    ----------
    groups : iterable of float32 [integration, row, col]
        Groups one after the other, or the only one: count rates.
    flux : float [integration]
        What scales the median, relative to the median of all integrations.

    Returns
    -------
    callable or None
        Takes integration and group, returns the image; None if no integration has a flux.
    """
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.filterwarnings("ignore", "All-NaN slice encountered", RuntimeWarning)
        scale = flux / np.nanmedian(flux)
    known = np.isfinite(scale)
    if not known.any():
        return None
    if not known.all():
        log.warning("%d of %d integrations have no flux and were scaled by that of the others",
                    np.count_nonzero(~known), len(known))
        scale[~known] = np.median(scale[known])
    median = np.stack([_median_over_first(group) for group in groups])
    return lambda integration, group: scale[integration] * median[group]


def _median_over_first(images):
    """Median over integrations, without NaN; NaN where there is nothing else."""
    median = np.empty(images.shape[1:], np.float32)
    n_rows = max(1, _AT_ONCE // images[:, 0].size)
    for row in range(0, len(median), n_rows):
        part = images[:, row : row + n_rows]
        flat = np.ascontiguousarray(part).reshape(len(images), -1)
        known = ~np.isnan(flat)
        found = line_medians(flat, known, columns=True)[0]
        found[~known.any(axis=0)] = np.nan
        median[row : row + n_rows] = found.reshape(part.shape[1:])
    return median
