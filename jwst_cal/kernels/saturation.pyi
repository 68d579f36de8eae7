import numpy as np
from numpy.typing import NDArray

def saturation(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    pixeldq: NDArray[np.uint32],
    limit: NDArray[np.float32],
    limit_dq: NDArray[np.uint32],
    *,
    rings: int,
    no_check: int,
    unchecked_limit: float,
    saturated: int,
    low: int,
    do_not_use: int,
    reads_per_group: int | None = None,
    bias: NDArray[np.float32] | None = None,
    rows: NDArray[np.int32] | None = None,
    second_only: bool = False,
    zeroframe: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> tuple[int, int]: ...
