import numpy as np
from numpy.typing import NDArray

def charge_migration(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    *,
    threshold: float,
    unused: int,
    flags: int,
    n_threads: int | None = None,
) -> int: ...
