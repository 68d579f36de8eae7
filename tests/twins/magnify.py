"""A coarse grid made as fine as an image, in numpy: the specification of kernels/magnify."""

import numpy as np


def magnify(down, across, hidden, *, least, most, image=None, n_threads=None):
    if not least <= most:
        raise ValueError("an argument is out of its range")
    value = np.zeros((len(down), across.shape[1]))
    for column, row in zip(down.T, across, strict=True):
        value += column[:, None] * row
    value = np.where(hidden, 0, np.clip(value, least, most)).astype(np.float32)
    return value if image is None else image - value
