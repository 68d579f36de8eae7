import numpy as np
from numpy.typing import NDArray

def neighbours(
    positions: NDArray[np.float64], *, n_threads: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.float64]]: ...
