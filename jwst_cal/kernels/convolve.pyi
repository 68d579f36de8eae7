import numpy as np
from numpy.typing import NDArray

def convolve(
    image: NDArray[np.float32],
    missing: NDArray[np.bool_],
    kernel: NDArray[np.float64],
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
