"""Medians of lines and boxes, Hermitian systems in numpy: the specification of kernels/flicker."""

import numpy as np
from twins.clipping import limits, sort_chosen


def line_medians(image, chosen, *, columns=False, n_parts=1, n_threads=None):
    image, chosen = (a.T if columns else a for a in (image, chosen))
    parts = zip(np.split(image, n_parts, axis=1), np.split(chosen, n_parts, axis=1), strict=True)
    return np.array([[np.median(line[mask]) if mask.any() else 0
                      for line, mask in zip(part, masks, strict=True)]
                     for part, masks in parts], np.float32)


def box_medians(image, chosen, *, box_rows, box_cols, sigma, max_passes=5, n_threads=None):
    rows, cols = (range(0, length, size) for length, size in
                  zip(image.shape, (box_rows, box_cols), strict=True))
    median, std = np.full((2, len(rows), len(cols)), np.nan, np.float32)
    count = np.zeros(median.shape, np.int32)
    for y, row in enumerate(rows):
        for x, col in enumerate(cols):
            box = np.s_[row : row + box_rows, col : col + box_cols]
            values = sort_chosen(image[box], chosen[box])
            low, high = limits(values.astype(np.float64), sigma, max_passes)
            kept = values[(values >= low) & (values <= high)]
            count[y, x] = len(kept)
            if len(kept):
                median[y, x] = np.median(kept)
                std[y, x] = kept.std(dtype=np.float64)
    return median, std, count


def hermitian_solve(matrix, right, *, tolerance=1e-12, n_threads=None):
    lower = np.tril(matrix, -1)
    diagonal = np.einsum("sii->si", matrix).real
    whole = lower + lower.conj().swapaxes(1, 2) + diagonal[:, :, None] * np.eye(matrix.shape[1])
    # the pivots: ratios of the leading minors
    minors = np.array([[np.linalg.det(one[:k, :k]).real for k in range(len(one) + 1)]
                       for one in whole])
    with np.errstate(divide="ignore", invalid="ignore"):
        pivots = minors[:, 1:] / minors[:, :-1]
        determined = (pivots > tolerance * diagonal.max(axis=1, keepdims=True)).all(axis=1)
    solution = np.zeros(right.shape, np.complex128)
    for k in np.flatnonzero(determined):
        solution[k] = np.linalg.solve(whole[k], right[k])
    return solution, determined
