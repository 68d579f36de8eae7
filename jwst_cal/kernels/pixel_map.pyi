import numpy as np
from numpy.typing import NDArray

def pixel_map(
    coefficients: NDArray[np.float64],
    shape: tuple[int, int],
    *,
    rows: tuple[int, int] | None = None,
    n_threads: int | None = None,
) -> NDArray[np.float64]: ...
