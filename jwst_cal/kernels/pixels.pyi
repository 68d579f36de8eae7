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
def flag(
    flags: NDArray[np.uint32],
    chosen: NDArray[np.bool_],
    bits: int,
    *,
    n_threads: int | None = None,
) -> int: ...
def leave_out(
    values: NDArray[np.float32],
    weight: NDArray[np.float32],
    limit: float,
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
