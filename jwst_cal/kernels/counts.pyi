import numpy as np
from numpy.typing import NDArray

def counts(
    stored: NDArray[np.int16],
    *,
    out: NDArray[np.float32] | None = None,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
