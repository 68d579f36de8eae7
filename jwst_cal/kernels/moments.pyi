from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

class Moments(NamedTuple):
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    bottom: NDArray[np.int32]
    top: NDArray[np.int32]
    area: NDArray[np.float64]
    flux: NDArray[np.float64]
    variance: NDArray[np.float64]
    mass: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    xx: NDArray[np.float64]
    xy: NDArray[np.float64]
    yy: NDArray[np.float64]

def moments(
    segments: NDArray[np.int32],
    image: NDArray[np.float32],
    error: NDArray[np.float32],
    smooth: NDArray[np.float32],
    uncovered: NDArray[np.bool_],
    *,
    n_labels: int,
    n_threads: int | None = None,
) -> Moments: ...
