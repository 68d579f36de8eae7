import numpy as np
from numpy.typing import NDArray

def divisible(
    image: NDArray[np.float32],
    segments: NDArray[np.int32],
    *,
    n_pixels: int,
    connectivity: int = 8,
    n_threads: int | None = None,
) -> NDArray[np.bool_]: ...
