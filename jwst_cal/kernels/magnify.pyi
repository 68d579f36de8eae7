import numpy as np
from numpy.typing import NDArray

def magnify(
    down: NDArray[np.float64],
    across: NDArray[np.float64],
    hidden: NDArray[np.bool_],
    *,
    least: float,
    most: float,
    image: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
