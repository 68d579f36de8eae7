import numpy as np
from numpy.typing import NDArray

def convolve(
    image: NDArray[np.float32],
    missing: NDArray[np.bool_] | None,
    kernel: NDArray[np.float64],
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
def peaks(
    image: NDArray[np.float32],
    unusable: NDArray[np.bool_],
    threshold: float,
    radius: int,
    *,
    n_threads: int | None = None,
) -> NDArray[np.bool_]: ...
