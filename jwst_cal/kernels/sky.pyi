import numpy as np
from numpy.typing import NDArray

def take(
    image: NDArray[np.float32],
    spans: NDArray[np.int64],
    *,
    flags: NDArray[np.uint32] | None = None,
    bits: int = 0,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
def range_moments(
    values: NDArray[np.float32],
    low: float,
    high: float,
    *,
    about: float = 0.0,
    n_threads: int | None = None,
) -> tuple[int, float, float, float, float]: ...
def histogram(
    values: NDArray[np.float32],
    low: float,
    high: float,
    per_unit: float,
    n_bins: int,
    *,
    n_threads: int | None = None,
) -> NDArray[np.uint32]: ...
