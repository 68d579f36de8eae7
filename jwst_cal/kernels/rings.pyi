import numpy as np
from numpy.typing import NDArray

def ring_medians(
    image: NDArray[np.float32],
    positions: NDArray[np.float64],
    *,
    inner: float,
    outer: float,
    sigma: float = 3.0,
    max_passes: int = 5,
    n_threads: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int32]]: ...
