"""Sources that touch, taken apart."""

import numpy as np

from jwst_cal.kernels.segments import survey, take_apart

__all__ = ["levels", "taken_apart"]

#: How fast levels of the mode ``sinh`` grow: the share of the range in which they do by a factor e.
GROWTH = 0.25


def taken_apart(image, segments, n_labels, search):
    """
    Divide the segments that are several sources.

    Parameters
    ----------
    image : float32 [row, col]
        Values, convolved.
    segments : int32 [row, col]
        Number of the segment, from 1 to `n_labels`; 0 for none.
    n_labels : int
        How many there are.
    search : Search
        Parameters.

    Returns
    -------
    int32 [row, col]
        Segments of single sources: first those that are not divided, then the parts of the others.

    Notes
    -----
    Source: Bertin and Arnouts 1996, A&AS 117, 393 (SExtractor), in the form of
    photutils.segmentation.deblend_sources.
    """
    if search.contrast == 1:
        return segments
    of = {"n_pixels": search.npixels, "connectivity": int(search.connectivity)}
    found = survey(image, segments, n_labels=n_labels, **of)
    which = np.flatnonzero(found["divisible"])
    if not len(which):
        return segments
    first, second = levels(found["low"][which], found["high"][which], search.nlevels,
                           search.multithresh_mode)
    return take_apart(image, segments, found, which + 1, first, second, contrast=search.contrast,
                      **of)


def levels(low, high, n_levels, mode):
    """
    Make the levels at which segments are looked at.

    Parameters
    ----------
    low, high : float32 [segment]
        Their least and greatest values.
    n_levels : int
        Levels between these.
    mode : {'exponential', 'linear', 'sinh'}
        How they are spaced; those of a segment that is not positive are never exponential.

    Returns
    -------
    first, linear : float64 [segment, level]
        Levels as wanted, and in equal steps.
    """
    linear = _equal_steps(low, high, n_levels + 2)
    first = linear
    with np.errstate(all="ignore"):
        share = (linear - low) / (high - low)
        if mode == "exponential":
            first = np.where(low > 0, low * (high / low) ** share, linear)
        elif mode == "sinh":
            first = np.sinh(share / GROWTH) / np.sinh(1 / GROWTH) * (high - low) + low
    return tuple(table[1:-1].T.astype(np.float64) for table in (first, linear))


def _equal_steps(low, high, n):
    """Make float32 [number, segment]; numpy goes another way if a step is no float."""
    found = np.empty((n, len(low)), np.float32)
    with np.errstate(all="ignore"):
        tiny = (high - low) / (n - 1) == 0
        for some in (tiny, ~tiny):
            found[:, some] = np.linspace(low[some], high[some], n)
    return found
