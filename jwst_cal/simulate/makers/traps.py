"""The files of charge traps: how many a pixel has, how they fill and empty, what reaches all."""

import numpy as np

from jwst_cal.simulate import _fits
from jwst_cal.simulate.detectors import stream
from jwst_cal.simulate.makers.pieces import dq, nowhere, sci

#: Families: slow traps in DN, rate at which they fill in 1/s, instant ones, rate of emptying.
FAMILIES = ((120.0, -3e-3, 30.0, -2e-2), (90.0, -1e-3, 15.0, -3e-3), (60.0, -5e-4, 5.0, -5e-4))
#: Part of the saturation level at which all traps are in reach.
_REACH = np.float32(0.95)


def trapdensity(window):
    """Traps of each pixel, about one of each family's share."""
    noise = stream(window.detector.name, "trapdensity").standard_normal(
        window.shape, dtype=np.float32)
    density = np.exp(np.float32(0.3) * noise)
    density[window.reference] = 0
    return "TrapDensityModel", (), [sci(density), *dq(window.shape, _unused(window))]


def trappars(window):
    """One row for each family."""
    names = ("capture0", "capture1", "capture2", "decay_param")
    rows = np.array(list(FAMILIES), [(name, "f8") for name in names])
    return "TrapParsModel", (), [_fits.table("TRAPPARS", rows)]


def persat(window):
    """Counts at which all traps are in reach."""
    level = window.saturation * _REACH
    level[window.reference] = np.nan
    return "PersistenceSatModel", (), [sci(level), *dq(window.shape, _unused(window))]


def _unused(window):
    return {"DO_NOT_USE": nowhere(window)}


MAKERS = {"trapdensity": trapdensity, "trappars": trappars, "persat": persat}
