import numpy as np
from numpy.typing import ArrayLike, NDArray

def find_showers(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    *,
    gain: NDArray[np.float32],
    masked: NDArray[np.bool_],
    idle: NDArray[np.bool_],
    median: NDArray[np.float32],
    sigma: NDArray[np.float32],
    ring: ArrayLike,
    threshold: float,
    min_area: float,
    jump: int,
    saturated: int,
    do_not_use: int,
    n_threads: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]: ...
def limit_showers(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    *,
    before: NDArray[np.uint8],
    gain: NDArray[np.float32],
    idle: NDArray[np.bool_],
    limit: NDArray[np.float32],
    bits: int,
    n_threads: int | None = None,
) -> None: ...
