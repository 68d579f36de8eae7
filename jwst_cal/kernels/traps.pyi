import numpy as np
from numpy.typing import ArrayLike, NDArray

def traps(
    data: NDArray[np.float32],
    groupdq: ArrayLike,
    pixeldq: NDArray[np.uint32],
    filled: NDArray[np.float32],
    *,
    density: ArrayLike,
    full: ArrayLike,
    group_time: float,
    cutoff: float,
    saturated: int,
    jump: int,
    flag: int,
    decay: ArrayLike,
    between: ArrayLike,
    slow: ArrayLike,
    instant: ArrayLike,
    ramp: ArrayLike,
    soak: ArrayLike,
    hit: ArrayLike,
    persistence: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> int: ...
