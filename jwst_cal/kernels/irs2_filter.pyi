import numpy as np
from numpy.typing import NDArray

LANES: int
SLOTS: int
PLACES: NDArray[np.int64]

def turns(n_lines: int, *, n_threads: int | None = None) -> NDArray[np.float32]: ...
def real_filters(
    table: NDArray[np.float32], n_lines: int, *, n_threads: int | None = None
) -> NDArray[np.float32]: ...
def noise_of_frame(
    output: NDArray[np.float32],
    pixels: NDArray[np.float32],
    noise: NDArray[np.float32],
    *,
    turn: NDArray[np.float32],
    passband: NDArray[np.float32],
    weights: NDArray[np.float32],
    known: NDArray[np.bool_],
    put: NDArray[np.int32],
    wanted: NDArray[np.int32],
    n_repeats: int = 3,
    completed: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> None: ...
