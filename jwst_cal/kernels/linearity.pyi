import numpy as np
from numpy.typing import NDArray

def linearity(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    pixeldq: NDArray[np.uint32],
    coeffs: NDArray[np.float32],
    dq: NDArray[np.uint32],
    *,
    saturated: int,
    no_correction: int,
    inverse: NDArray[np.float32] | None = None,
    reads: NDArray[np.float64] | None = None,
    zeroframe: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> None: ...
