from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def add_sums(
    weight: NDArray[np.float64],
    values: NDArray[np.float64],
    total_weight: NDArray[np.float64],
    total: NDArray[np.float64],
    *,
    first_col: int = 0,
    context: NDArray[np.uint32] | None = None,
    bit: int = 0,
    n_threads: int | None = None,
) -> None: ...
def weighted_mean(
    total: NDArray[np.float64],
    weight: NDArray[np.float64],
    mean: NDArray[np.float32],
    of_weight: NDArray[np.float32],
    *,
    fill: float = 0.0,
    n_threads: int | None = None,
) -> None: ...
def mean_variances(
    totals: Sequence[NDArray[np.float64] | None],
    weights: Sequence[NDArray[np.float64] | None],
    variances: Sequence[NDArray[np.float32]],
    err: NDArray[np.float32],
    *,
    factor: float = 1.0,
    n_threads: int | None = None,
) -> None: ...
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
