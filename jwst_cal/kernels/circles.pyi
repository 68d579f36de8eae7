import numpy as np
from numpy.typing import NDArray

def circle_sums(
    image: NDArray[np.float32],
    error: NDArray[np.float32],
    positions: NDArray[np.float64],
    radii: NDArray[np.float64],
    *,
    n_threads: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]: ...
def circle_weights(
    shape: tuple[int, int], x: float, y: float, radius: float
) -> NDArray[np.float64]: ...
