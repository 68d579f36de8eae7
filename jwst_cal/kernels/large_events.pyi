import numpy as np
from numpy.typing import NDArray

def flag_snowballs(
    groupdq: NDArray[np.uint8],
    *,
    min_jump_area: float,
    min_core_area: float,
    expand_factor: float,
    core_required: bool,
    min_core_diameter: float,
    core_growth: float,
    max_diameter: float,
    edge: int,
    next_groups: int,
    jump: int,
    saturated: int,
    n_threads: int | None = None,
) -> int: ...
def find_ellipses(
    plane: NDArray[np.uint8], *, bit: int, min_area: float
) -> NDArray[np.float64]: ...
def flag_ellipses(
    groupdq: NDArray[np.uint8],
    ellipses: NDArray[np.float64],
    *,
    integration: int,
    group: int,
    n_later: int,
    factor: float,
    max_diameter: float,
    jump: int,
    saturated: int,
) -> None: ...
