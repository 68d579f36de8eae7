from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

class Rates(NamedTuple):
    slope: NDArray[np.float32]
    dq: NDArray[np.uint32]
    var_poisson: NDArray[np.float32]
    var_rnoise: NDArray[np.float32]
    err: NDArray[np.float32]

class Segments(NamedTuple):
    slope: NDArray[np.float32]
    sigslope: NDArray[np.float32]
    var_poisson: NDArray[np.float32]
    var_rnoise: NDArray[np.float32]
    yint: NDArray[np.float32]
    sigyint: NDArray[np.float32]
    pedestal: NDArray[np.float32]
    weights: NDArray[np.float32]
    crmag: NDArray[np.float32]

class Flags(NamedTuple):
    do_not_use: int
    saturated: int
    jump: int
    persistence: int
    charge_loss: int
    no_gain: int

def empty_rates(shape: tuple[int, ...]) -> Rates: ...
def slope(
    data: NDArray[np.float32],
    groupdq: NDArray[np.uint8],
    pixeldq: NDArray[np.uint32],
    gain: NDArray[np.float32],
    read_noise: NDArray[np.float32],
    *,
    flags: Flags,
    group_time: float,
    frame_time: float,
    first_time: float,
    n_frames: int,
    groups: tuple[int, int] | None = None,
    dark_current: NDArray[np.float32] | None = None,
    zeroframe: NDArray[np.float32] | None = None,
    suppress_one_group: bool = True,
    clear_first_jump: bool = False,
    pedestal_groups: float = 0.0,
    segments: bool = False,
    in_place: bool = False,
    n_threads: int | None = None,
) -> tuple[Rates, Rates, Segments | None]: ...
