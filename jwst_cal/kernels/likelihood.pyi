import numpy as np
from numpy.typing import ArrayLike, NDArray

from jwst_cal.kernels.slope import Flags, Rates

def likelihood(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    pixeldq: NDArray[np.uint32],
    gain: NDArray[np.float32],
    read_noise: NDArray[np.float32],
    *,
    flags: Flags,
    interval: ArrayLike,
    alpha_photon: ArrayLike,
    alpha_read: ArrayLike,
    beta_photon: ArrayLike,
    beta_read: ArrayLike,
    pair: ArrayLike,
    one: float,
    two: float,
    dark_current: NDArray[np.float32] | None = None,
    zeroframe: NDArray[np.float32] | None = None,
    first_frames: int = 0,
    n_threads: int | None = None,
) -> tuple[Rates, Rates, NDArray[np.float32]]: ...
