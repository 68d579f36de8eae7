"""The background around sources in numpy: the specification of kernels/rings."""

import numpy as np


def ring_medians(image, positions, *, inner, outer, sigma=3.0, max_passes=5, n_threads=None):
    if not (inner >= 0 and 0 <= outer < 4096 and sigma > 0 and max_passes >= 0):
        raise ValueError("an argument is out of its range")
    rows, cols = np.indices(image.shape)
    found = []
    for x, y in positions:
        away = (cols - x) ** 2 + (rows - y) ** 2
        values = np.sort(image[(away < outer**2) & (away >= inner**2) & np.isfinite(image)])
        values = values.astype(np.float64)
        for _ in range(max_passes):
            if not values.size:
                break
            kept = np.abs(values - np.median(values)) <= sigma * values.std()
            values = values[kept]
            if kept.all():
                break
        n = len(values)
        found.append((np.median(values), values.std(), n) if n else (np.nan, np.nan, 0))
    median, std, count = zip(*found, strict=True)
    return np.array(median), np.array(std), np.array(count, np.int32)
