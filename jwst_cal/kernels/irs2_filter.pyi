import numpy as np
from numpy.typing import NDArray

LANES: int
SLOTS: int
PLACES: NDArray[np.int64]

def real_filters(
    table: NDArray[np.float32], n_lines: int, *, n_threads: int | None = None
) -> NDArray[np.float32]: ...
def noise_spectra(
    output: NDArray[np.complex64],
    pixels: NDArray[np.complex64],
    *,
    n_lines: int,
    turn: NDArray[np.float32],
    passband: NDArray[np.float32],
    weights: NDArray[np.float32],
    known: NDArray[np.bool_],
    put: NDArray[np.int32],
    wanted: NDArray[np.int32],
    n_repeats: int = 3,
    completed: bool = False,
    n_threads: int | None = None,
) -> tuple[NDArray[np.complex64], NDArray[np.complex64] | None]: ...
