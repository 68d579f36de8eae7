import numpy as np
from numpy.typing import NDArray

def line_medians(
    image: NDArray[np.float32],
    chosen: NDArray[np.bool_],
    *,
    columns: bool = False,
    n_parts: int = 1,
    n_threads: int | None = None,
) -> NDArray[np.float32]: ...
def box_medians(
    image: NDArray[np.float32],
    chosen: NDArray[np.bool_],
    *,
    box_rows: int,
    box_cols: int,
    sigma: float,
    max_passes: int = 5,
    n_threads: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]: ...
def hermitian_solve(
    matrix: NDArray[np.complex128],
    right: NDArray[np.complex128],
    *,
    tolerance: float = 1e-12,
    n_threads: int | None = None,
) -> tuple[NDArray[np.complex128], NDArray[np.bool_]]: ...
