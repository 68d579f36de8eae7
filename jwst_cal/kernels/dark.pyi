import numpy as np
from numpy.typing import ArrayLike, NDArray

def subtract_dark(
    data: NDArray[np.float32],
    frames: NDArray[np.float32],
    *,
    frames_per_group: int = 1,
    group_step: int = 1,
    extrapolate: bool = False,
    which: ArrayLike | None = None,
    groups: tuple[int, int] | None = None,
    rows: tuple[int, int] | None = None,
    averaged: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> None: ...
