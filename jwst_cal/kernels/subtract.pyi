import numpy as np
from numpy.typing import ArrayLike, NDArray

def subtract(
    data: NDArray[np.float32],
    reference: NDArray[np.float32],
    *,
    which: ArrayLike | None = None,
    zero_is_bad: bool = False,
    n_threads: int | None = None,
) -> None: ...
