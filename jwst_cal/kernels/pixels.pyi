from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

def reconcile(
    arrays: Sequence[NDArray[np.float32]],
    flags: NDArray[np.uint32] | None,
    bits: int,
    *,
    n_threads: int | None = None,
) -> None: ...
def inverse_variance(
    variance: NDArray[np.float32],
    flags: NDArray[np.uint32],
    bits: int,
    *,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
def scale(
    arrays: Sequence[NDArray[np.float32]],
    factors: Sequence[float],
    *,
    divide: bool = False,
    n_threads: int | None = None,
) -> None: ...
