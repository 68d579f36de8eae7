import numpy as np
from numpy.typing import NDArray

def median(
    images: NDArray[np.float32], *, n_threads: int | None = None
) -> NDArray[np.float32]: ...
def rolling_median(
    images: NDArray[np.float32], width: int, *, n_threads: int | None = None
) -> NDArray[np.float32]: ...
