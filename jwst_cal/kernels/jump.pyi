from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

METHODS: dict[str, int]

def jump(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    *,
    gain: NDArray[np.float32],
    read_noise: NDArray[np.float32],
    n_frames: float,
    method: str,
    threshold: float,
    threshold_three: float,
    threshold_two: float,
    flag_neighbors: bool,
    min_neighbor: float,
    max_neighbor: float,
    after_electrons: Sequence[float],
    after_groups: Sequence[int],
    jump: int,
    unusable: int,
    do_not_use: int,
    n_threads: int | None = None,
) -> int: ...
def median_difference(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    *,
    gain: NDArray[np.float32],
    unusable: int,
    lone: int = 0,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
def typical(values: NDArray[np.float32]) -> np.float32: ...
def dead_groups(groupdq: NDArray[np.uint8], *, bits: int) -> NDArray[np.bool_]: ...
