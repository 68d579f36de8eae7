"""Pairs of images for wavefront sensing: offset, alignment by whole pixels, mean of the two."""

import logging
from typing import NamedTuple

import numpy as np

log = logging.getLogger(__name__)

#: Standard deviation, in pixels, of what is smooth in an image; correlation is blind to it.
SMOOTH = 5
#: Half a side of the box around the peak of the correlation.
PEAK = 3


class Image(NamedTuple):
    """Values, errors and flags; `bad` pixels do not enter."""

    data: np.ndarray
    err: np.ndarray
    dq: np.ndarray
    bad: np.ndarray


def offset(first, second, shape):
    """
    Find how far the second image is displaced, from the coordinates of both.

    Parameters
    ----------
    first, second : gwcs.WCS
        Coordinates.
    shape : (int, int)
        Of the images.

    Returns
    -------
    ndarray of float, (2,)
        x and y, pixels: what lies at p in the first image is at p + offset in the second.
    """
    centre = shape[1] // 2, shape[0] // 2
    world = first(*centre)
    x, y = second.invert(*world)
    return np.array([x - centre[0], y - centre[1]], dtype=np.float64)


def shifted(array, by):
    """
    Move an image by whole pixels.

    Parameters
    ----------
    array : ndarray, (rows, columns)
    by : (int, int)
        Offset (x, y): the pixel at p + `by` comes to p.

    Returns
    -------
    ndarray
        Zeros where the image does not reach.
    """
    moved = np.zeros_like(array)
    target, source = zip(*(_overlap(size, step)
                           for size, step in zip(array.shape, by[::-1], strict=True)), strict=True)
    moved[target] = array[source]
    return moved


def _overlap(size, step):
    """Parts of an axis, of the first image and of the second, that show the same."""
    first = slice(max(-step, 0), max(size - max(step, 0), 0))
    second = slice(max(step, 0), max(size - max(-step, 0), 0))
    return first, second


def combine(first, second, by):
    """
    Average two images after moving the second one onto the first.

    Parameters
    ----------
    first, second : Image
        The images.
    by : (int, int)
        Offset of the second.

    Returns
    -------
    data : ndarray of float32
        Mean where both are good, the good one where one is, 0 where none is.
    err : ndarray of float32
        The same of the errors.
    dq : ndarray of uint32
        Flags of the first; of the second where only that is good.
    """
    reached = shifted(np.ones(first.data.shape, bool), by)
    data, err, dq = (shifted(a, by) for a in (second.data, second.err, second.dq))
    good1 = ~first.bad
    good2 = reached & ~shifted(second.bad, by)
    both, only2 = good1 & good2, good2 & ~good1

    def mean(one, two):
        found = np.where(good1, one, 0).astype(np.float64)
        found[both] = 0.5 * (found[both] + two[both])
        found[only2] = two[only2]
        return found.astype(np.float32)

    return mean(first.data, data), mean(first.err, err), np.where(only2, dq, first.dq)


def refinement(first, second, by, *, psf_size, blur_size, n_size):
    """
    Find what the offset lacks, from the images of the star.

    Parameters
    ----------
    first, second : Image
        The images.
    by : (int, int)
        Offset by the coordinates.
    psf_size : int
        Half a side of the part around the star, pixels.
    blur_size : int
        Size of the kernel that smooths the first image, to find the star.
    n_size : int
        Bad pixels are interpolated from neighbours at most so far away.

    Returns
    -------
    ndarray of float, (2,)
        x and y, to be added to the offset.

    Raises
    ------
    ValueError
        If the parts of the two images around the star do not overlap.
    """
    rows, columns = _around_star(first, psf_size, blur_size)
    parts = [interpolated(image.data[rows, columns], image.bad[rows, columns], n_size)
             for image in (first, second)]
    cuts = [_overlap(size, step)
            for size, step in zip(parts[0].shape, by[::-1], strict=True)]
    one, two = (part[tuple(cut[k] for cut in cuts)] for k, part in enumerate(parts))
    if not one.size:
        raise ValueError(f"moved by {by[0]}, {by[1]} pixels, the images of the star do not overlap")
    return _correlation_peak(*(image[_middle(one.shape, psf_size)] for image in (one, two)))


def _around_star(image, psf_size, blur_size):
    """Find the star: the middle of what is above half of the peak in the smoothed image."""
    from scipy.signal import convolve

    data = image.data.astype(np.float64)
    data[image.bad] = data[~image.bad].mean()
    axis = np.arange(-blur_size, blur_size + 1) ** 2 / blur_size
    kernel = np.exp(-(axis[:, None] + axis))
    smooth = convolve(data, kernel / kernel.sum(), mode="valid")
    middle = [places.mean() + blur_size for places in np.nonzero(smooth > 0.5 * smooth.max())]
    log.info("The star of the first image is near x, y = %.0f, %.0f", *middle[::-1])
    return tuple(slice(round(max(0, at - psf_size)), round(min(size, at + psf_size)))
                 for at, size in zip(middle, image.data.shape, strict=True))


def _middle(shape, psf_size):
    return tuple(slice(int(max(0, size / 2 + 1 - psf_size)),
                       int(min(size - 1, size / 2 + 1 + psf_size))) for size in shape)


def _correlation_peak(one, two):
    """Displacement of the second image: centre of mass around the peak of the correlation."""
    from scipy.ndimage import center_of_mass, gaussian_filter
    from scipy.signal import correlate

    sharp = [image - gaussian_filter(image, SMOOTH) for image in (two, one)]
    found = correlate(*sharp, method="fft")
    peak = np.unravel_index(np.argmax(found), found.shape)
    # a box that begins outside of the correlation is empty, as in the reference release
    box = found[tuple(slice(at - PEAK, at + PEAK + 1) for at in peak)]
    centre = np.array(center_of_mass(box)) - PEAK
    return (np.array(peak) + 1 - one.shape + centre)[::-1]


def interpolated(data, bad, n_size):
    """
    Replace bad pixels one by one, linearly between their neighbours.

    Parameters
    ----------
    data : ndarray, (rows, columns)
        Not changed.
    bad : ndarray of bool
        Which; one that was replaced serves the next.
    n_size : int
        Neighbours are at most so many pixels away, in x and y.

    Returns
    -------
    ndarray
        The same image without bad pixels; the nearest neighbour's value where the linear one
        cannot be had.
    """
    from scipy.interpolate import griddata

    data = data.copy()
    for row, column in zip(*np.nonzero(bad), strict=True):
        rows, columns = (np.arange(max(0, at - n_size), min(size - n_size, at + n_size) + 1)
                         for at, size in zip((row, column), data.shape, strict=True))
        x, y = (grid.ravel() for grid in np.meshgrid(columns, rows, indexing="ij"))
        others = (x != column) | (y != row)
        points, values = np.stack([y, x], axis=1)[others], data[y, x][others]
        for method in ("linear", "nearest"):
            value = griddata(points, values, [(row, column)], method=method).item()
            if np.isfinite(value):
                break
        data[row, column] = value
    return data
