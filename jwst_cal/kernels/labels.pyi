import numpy as np
from numpy.typing import NDArray

def label(
    image: NDArray[np.float32],
    threshold: NDArray[np.float32],
    mask: NDArray[np.bool_] | None = None,
    *,
    n_pixels: int,
    connectivity: int = 8,
    times: float = 1,
    n_threads: int | None = None,
) -> tuple[NDArray[np.int32], int]: ...
