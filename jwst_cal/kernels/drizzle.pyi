from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

KERNELS: tuple[str, ...]

class Sums(NamedTuple):
    weight: NDArray[np.float64]
    values: NDArray[np.float64]
    roots: list[NDArray[np.float64]]
    dq: NDArray[np.uint32] | None

def drizzle(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    weight: NDArray[np.float32],
    values: NDArray[np.float32],
    shape: tuple[int, int],
    *,
    variances: Sequence[NDArray[np.float32]] = (),
    level: float = 0.0,
    rows: tuple[int, int] | None = None,
    kernel: str = "square",
    pixfrac: float = 1.0,
    scale_ratio: float = 1.0,
    first: tuple[int, int] = (0, 0),
    dq: NDArray[np.uint32] | None = None,
    n_threads: int | None = None,
) -> Sums: ...
