import numpy as np
from numpy.typing import NDArray

def stored_flags(
    stored: NDArray[np.int32], meaning: NDArray[np.uint32], *, n_threads: int | None = None
) -> NDArray[np.uint32]: ...
