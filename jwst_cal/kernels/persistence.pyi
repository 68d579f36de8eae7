import numpy as np
from numpy.typing import NDArray

def persistence(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    window: NDArray[np.float64],
    *,
    time: NDArray[np.float64],
    duration: float,
    threshold: float | None = None,
    saturated: int,
    flags: int,
    n_threads: int | None = None,
) -> tuple[int, int]: ...
