import numpy as np
from numpy.typing import NDArray

def pair_statistics(
    data: NDArray[np.float32], first: NDArray[np.int32], *, n_threads: int | None = None
) -> NDArray[np.float64]: ...
def group_mean(
    data: NDArray[np.float32], *, n_threads: int | None = None
) -> NDArray[np.float64]: ...
def put_in_time_order(
    plane: NDArray[np.float32],
    mean: NDArray[np.float64],
    stream: NDArray[np.float32],
    *,
    row: NDArray[np.int32],
    slot: NDArray[np.int32],
    to: NDArray[np.int32],
    line: NDArray[np.float32],
    n_slots: int,
    backwards: bool = False,
    n_threads: int | None = None,
) -> None: ...
def fill_missing(
    stream: NDArray[np.float32],
    weights: NDArray[np.float64],
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
def subtract_noise(
    plane: NDArray[np.float32],
    mean: NDArray[np.float64],
    noise: NDArray[np.float32],
    out: NDArray[np.float32],
    *,
    row: NDArray[np.int32],
    slot: NDArray[np.int32],
    to: NDArray[np.int32],
    line: NDArray[np.float32],
    with_mean: NDArray[np.bool_],
    n_slots: int,
    backwards: bool = False,
    n_threads: int | None = None,
) -> None: ...
