from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def add_variances(
    weight: NDArray[np.float64],
    sums: Sequence[NDArray[np.float64]],
    totals: Sequence[NDArray[np.float64]],
    weights: Sequence[NDArray[np.float64]],
    *,
    first_col: int = 0,
    weigh_by: int | None = None,
    image_weight: float = 1.0,
    n_threads: int | None = None,
) -> None: ...
