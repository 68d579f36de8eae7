import numpy as np
from numpy.typing import NDArray

def reference_means(
    data: NDArray[np.float32],
    start: NDArray[np.int32],
    pixels: NDArray[np.int32],
    *,
    limit: float,
    n_single: int = 0,
    base: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> NDArray[np.float64]: ...
def side_signal(
    data: NDArray[np.float32],
    values: NDArray[np.float64],
    pixels: NDArray[np.int32],
    value: NDArray[np.int32],
    *,
    window: int,
    gain: float = 1.0,
    n_single: int = 0,
    n_threads: int | None = None,
) -> NDArray[np.float64]: ...
def subtract_reference(
    data: NDArray[np.float32],
    values: NDArray[np.float64],
    which: NDArray[np.int32],
    *,
    along_rows: bool = False,
    signal: NDArray[np.float64] | None = None,
    channel: NDArray[np.int32] | None = None,
    n_single: int = 0,
    base: NDArray[np.float32] | None = None,
    keep_zeros: bool = False,
    n_threads: int | None = None,
) -> None: ...
