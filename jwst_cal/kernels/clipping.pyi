import numpy as np
from numpy.typing import NDArray

def sort_chosen(
    values: NDArray[np.float32],
    chosen: NDArray[np.bool_] | NDArray[np.uint8] | None = None,
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
def clip(
    ordered: NDArray[np.float32],
    *,
    sigma: float,
    max_passes: int = 5,
    centre: float | None = None,
    n_threads: int | None = None,
) -> tuple[float, float, float]: ...
def middle(
    values: NDArray[np.float32],
    *,
    n_threads: int | None = None,
) -> tuple[float, float]: ...
