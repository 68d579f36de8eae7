from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def clean(
    flat: NDArray[np.float32],
    flat_dq: NDArray[np.uint32],
    *,
    unusable: int,
    missing: int,
    n_threads: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.uint32], int]: ...
def divide(
    data: NDArray[np.float32],
    variances: Sequence[NDArray[np.float32]],
    flat: NDArray[np.float32],
    flat_err: NDArray[np.float32],
    *,
    n_threads: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...
def multiply(
    data: NDArray[np.float32],
    variances: Sequence[NDArray[np.float32]],
    flat: NDArray[np.float32],
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
