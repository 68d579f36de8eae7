import numpy as np
from numpy.typing import NDArray

def blot(
    image: NDArray[np.float32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
def outliers(
    data: NDArray[np.float32],
    err: NDArray[np.float32],
    blotted: NDArray[np.float32],
    *,
    snr: tuple[float, float],
    scale: tuple[float, float],
    level: float = 0.0,
    n_threads: int | None = None,
) -> NDArray[np.bool_]: ...
