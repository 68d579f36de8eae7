import numpy as np
from numpy.typing import NDArray

def ipc(
    data: NDArray[np.float32],
    kernel: NDArray[np.float32],
    *,
    region: tuple[slice, slice] | None = None,
    rows: NDArray[np.int32] | None = None,
    n_threads: int | None = None,
) -> None: ...
