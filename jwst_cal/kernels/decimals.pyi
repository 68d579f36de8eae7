import numpy as np
from numpy.typing import NDArray

def decimals(
    values: NDArray[np.float64], *, n_threads: int | None = None
) -> NDArray[np.bytes_]: ...
