from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

KERNELS: tuple[str, ...]

def drizzle(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weight: NDArray[np.float32],
    planes: Sequence[NDArray[np.float32]],
    sum_weight: NDArray[np.float64],
    sums: Sequence[NDArray[np.float64]],
    *,
    kernel: str = "square",
    pixfrac: float = 1.0,
    scale_ratio: float = 1.0,
    first: tuple[int, int] = (0, 0),
    dq: NDArray[np.uint32] | None = None,
    sum_dq: NDArray[np.uint32] | None = None,
    n_threads: int | None = None,
) -> None: ...
