"""A smooth background: medians of boxes, smoothed, and a cubic spline through them."""

import numpy as np

from jwst_cal.kernels.flicker import box_medians

__all__ = ["filled", "smooth_background", "smoothed"]

#: Sigma clipping in a box, and the part of its pixels that must be left.
SIGMA, PASSES, LEAST = 3.0, 5, 0.9
#: Boxes over which medians are smoothed, from a box to either side.
SMOOTHED = 2
#: Boxes from which the median of one without enough pixels is taken.
NEIGHBOURS = 10


def filled(mesh):
    """
    Fill what is NaN with the mean of the nearest boxes, weighted by 1 / distance.

    Parameters
    ----------
    mesh : float32 [y, x]
        Values of boxes.

    Returns
    -------
    float32 [y, x]
        The same without NaN.
    """
    unknown = np.isnan(mesh)
    if not unknown.any():
        return mesh
    known, asked = np.argwhere(~unknown), np.argwhere(unknown)
    if len(known) > NEIGHBOURS:
        from scipy.spatial import cKDTree

        distance, nearest = cKDTree(known, leafsize=10).query(asked, k=NEIGHBOURS)
    else:  # all of them: that needs no tree, which takes longer to import
        away = np.sqrt(((asked[:, None] - known) ** 2).sum(axis=-1))
        nearest = np.argsort(away, axis=1, kind="stable")
        distance = np.take_along_axis(away, nearest, axis=1)
    value = mesh[~unknown].astype(np.float64)
    weight = 1 / distance
    found = mesh.copy()
    found[unknown] = (weight * value[nearest]).sum(axis=1) / weight.sum(axis=1)
    return found


def smoothed(mesh, reach):
    """
    Take medians over neighbouring boxes; at the edges over those that there are.

    Parameters
    ----------
    mesh : float32 [y, x]
        Values of boxes.
    reach : int
        Boxes to either side.

    Returns
    -------
    float32 [y, x]
        The medians.
    """
    size = 2 * reach + 1
    padded = np.pad(mesh, reach, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    ordered = np.sort(windows.reshape(*mesh.shape, -1), axis=-1)  # NaN last
    n = np.count_nonzero(~np.isnan(ordered), axis=-1)[..., np.newaxis]
    lower, upper = (np.take_along_axis(ordered, at, -1)[..., 0] for at in ((n - 1) // 2, n // 2))
    return ((lower.astype(np.float64) + upper) / 2).astype(np.float32)


def _cubic(t):
    """Values of the four cubic B-splines that overlap at a part of the way between two knots."""
    return np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4,
                     t**3]) / 6


def _magnified(coefficients, size):
    """Evaluate splines along the first axis, at the centres of `size` pixels in each box."""
    position = (np.arange(size) + 0.5) / size - 0.5  # of the pixels, from the centre of the box
    before = np.floor(position).astype(int)
    weights = _cubic(position - before)
    padded = np.pad(coefficients, ((2, 2), (0, 0)), mode="symmetric")
    n = len(coefficients)
    found = np.empty((n, size, coefficients.shape[1]))
    for pixel in range(size):
        first = before[pixel] + 1
        found[:, pixel] = sum(weight * padded[first + k : first + k + n]
                              for k, weight in enumerate(weights[:, pixel]))
    return found.reshape(n * size, -1)


def smooth_background(image, mask, *, box):
    """
    Model the background of an image.

    Parameters
    ----------
    image : float32 [row, col]
        Values.
    mask : bool [row, col]
        Background.
    box : (int, int)
        Rows and columns of a box.

    Returns
    -------
    float32 [row, col], or None
        The model; None if fewer than 90 % of the pixels are left in every box.

    Notes
    -----
    Source: Bertin and Arnouts 1996, A&AS 117, 393 (SExtractor), in the form of
    photutils.background.Background2D.
    """
    from scipy.ndimage import spline_filter

    box = [min(size, length) for size, length in zip(box, image.shape, strict=True)]
    mesh, _, count = box_medians(image, mask, box_rows=box[0], box_cols=box[1], sigma=SIGMA,
                                 max_passes=PASSES)
    mesh[count <= LEAST * box[0] * box[1]] = np.nan
    if np.isnan(mesh).all():
        return None
    mesh = smoothed(filled(mesh), SMOOTHED)
    coefficients = spline_filter(mesh.astype(np.float64), order=3, mode="reflect")
    model = _magnified(_magnified(coefficients, box[0]).T, box[1]).T
    model = model[: image.shape[0], : image.shape[1]].astype(np.float32)
    return np.clip(model, mesh.min(), mesh.max(), out=model)
