"""Boxes, fluxes and moments of segments in numpy: the specification of kernels/moments."""

import numpy as np

from jwst_cal.kernels.moments import Moments


def moments(segments, image, error, smooth, uncovered, *, n_labels, n_threads=None):
    if n_labels < 0:
        raise ValueError("an argument is out of its range")
    found = np.full((9, n_labels), np.nan)
    boxes = np.full((4, n_labels), -1)
    boxes[::2] = np.iinfo(np.int32).max
    for k in range(n_labels):
        all_rows, all_cols = np.nonzero(segments == k + 1)
        if all_rows.size:
            boxes[:, k] = all_cols.min(), all_cols.max(), all_rows.min(), all_rows.max()
        rows, cols = np.nonzero((segments == k + 1) & ~uncovered)
        values, errors, weight = (part[rows, cols].astype(np.float64)
                                  for part in (image, error, smooth))
        finite = np.isfinite(values)
        found[:3, k] = finite.sum(), values[finite].sum(), (errors[finite] ** 2).sum()
        usable = np.isfinite(weight) & (weight > 0)
        weight, rows, cols = weight[usable], rows[usable], cols[usable]
        found[3, k] = weight.sum()
        if usable.any():
            x, y = (np.average(part, weights=weight) for part in (cols, rows))
            found[4:, k] = x, y, *(np.average(part, weights=weight) for part in (
                (cols - x) ** 2, (cols - x) * (rows - y), (rows - y) ** 2))
    return Moments(*boxes.astype(np.int32), *found)
