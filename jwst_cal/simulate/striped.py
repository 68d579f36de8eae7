"""Subarrays that are read in several stripes: windows with gaps, superstripes, and their truth."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from jwst_cal.framework import stripes
from jwst_cal.simulate.detectors import DETECTORS, Window
from jwst_cal.simulate.ramps import Ramp, expose

__all__ = ["StripedWindow", "assemble", "expose_superstripes", "reference_window", "windows"]


class _Rows:
    """A map of a striped window: rows of that of the whole length of the detector."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, window, owner=None):
        if window is None:
            return self
        rows = window.take(getattr(window.whole, self.name))
        window.__dict__[self.name] = rows
        return rows


class StripedWindow(Window):
    """
    The maps of a subarray that is read in several stripes.

    Parameters
    ----------
    detector : str
        Name.
    subarray : Subarray
        With ``stripes``.
    speed : str, optional
        How it is clocked.
    superstripe : int
        Which one, where there are several.
    """

    def __init__(self, detector, subarray, speed="", superstripe=0):
        self.detector, self.speed, self.subarray = DETECTORS[detector], speed, subarray
        self.layout = _layout(self.detector, subarray)
        self.whole = _whole(detector, subarray, speed)
        self.position = self.layout.position[superstripe]
        self.y, self.x = self.whole.y, self.whole.x
        if self.layout.axis == -2:
            self.y = self.position
        else:
            self.x = self.position
        self.shape = (len(self.y), len(self.x))

    def take(self, image):
        """Cut an image of the whole length of the detector."""
        return np.ascontiguousarray(np.take(image, self.position, self.layout.axis))

    kind = _Rows()
    mask = _Rows()
    bad_reference = _Rows()
    flaw = _Rows()
    gain = _Rows()
    read_noise = _Rows()
    bias = _Rows()
    dark = _Rows()
    efficiency = _Rows()
    saturation = _Rows()
    full_well = _Rows()
    bend = _Rows()
    cds_noise = _Rows()


def _layout(detector, subarray):
    slow = detector.slow_axis
    size, start = ((subarray.n_cols, subarray.xstart) if abs(slow) == 1 else
                   (subarray.n_rows, subarray.ystart))
    first = start - 1 if slow > 0 else stripes.DETECTOR - start
    return stripes.follow(subarray.stripes, size, slow_axis=slow, first=first)


def _along(detector, subarray, start, size):
    """The subarray without stripes, with other rows along the slow axis."""
    axis = {"xstart": start, "n_cols": size} if abs(detector.slow_axis) == 1 else {
        "ystart": start, "n_rows": size}
    return replace(subarray, stripes=None, **axis)


@functools.lru_cache(maxsize=1)
def _whole(detector, subarray, speed):
    return Window(detector, _along(DETECTORS[detector], subarray, 1, stripes.DETECTOR), speed)


def windows(detector, subarray, speed=""):
    """
    Make the windows of the integrations of a subarray.

    Parameters
    ----------
    detector, subarray : str
        Names.
    speed : str, optional
        How the detector is clocked.

    Returns
    -------
    list of Window
        One; one for each superstripe, where there are any.
    """
    cut = DETECTORS[detector].subarray(subarray)
    if cut.stripes is None:
        return [Window(detector, cut, speed)]
    return [StripedWindow(detector, cut, speed, k) for k in range(cut.stripes.superstripes or 1)]


def assemble(detector, subarray, speed=""):
    """
    Make the window that the superstripes of a subarray cover together.

    Parameters
    ----------
    detector : str
        Name.
    subarray : Subarray
        With ``stripes``.
    speed : str, optional
        How it is clocked.

    Returns
    -------
    Window
        From the first row to the last; of NIRISS' SOSS the whole length of the detector.
    """
    whole, found = DETECTORS[detector], _layout(DETECTORS[detector], subarray)
    if "SOSS" in subarray.name:
        first, size = 0, stripes.DETECTOR
    else:
        position = found.position[:, ~found.reference]
        first, size = int(position.min()), int(np.ptp(position)) + 1
    return Window(detector, _along(whole, subarray, first + 1, size), speed)


def reference_window(detector, subarray, reftype, speed=""):
    """
    Choose the window of a reference file.

    Parameters
    ----------
    detector, subarray : str
        Names.
    reftype : str
        Reference type.
    speed : str, optional
        How the detector is clocked.

    Returns
    -------
    Window
        The subarray; of superstripes the whole length of the detector, for the dark what they
        cover together.
    """
    cut = DETECTORS[detector].subarray(subarray)
    if cut.stripes is None or not cut.stripes.superstripes:
        return windows(detector, subarray, speed)[0]
    return (assemble if reftype == "dark" else _whole)(detector, cut, speed)


def expose_superstripes(parts, together, readout, light, seed, **options):
    """
    Simulate the raw counts of a superstripe exposure.

    Parameters
    ----------
    parts : list of StripedWindow
        From :func:`windows`.
    together : Window
        From :func:`assemble`.
    readout : Readout
        The sampling; its integrations are superstripes.
    light : float32 [row, col], e-/s
        Photons in the window `together`.
    seed : int
        Everything random depends on it and on nothing else.
    **options
        As for ``ramps.expose``.

    Returns
    -------
    Ramp
        data, zeroframe: by superstripe; jumps, saturated_group: in the window `together`, by whole
        integration.
    """
    n, axis = len(parts), parts[0].layout.axis
    first = (together.y if axis == -2 else together.x)[0]
    ramps, jumps = [], []
    saturated = np.full((readout.n_ints // n, *together.shape), 255, np.uint8)
    for k in range(readout.n_ints):
        window = parts[k % n]
        place = window.position - first
        seen = np.flatnonzero((place >= 0) & (place < together.shape[axis])
                              & ~window.layout.reference)
        falling = np.zeros(window.shape, np.float32)
        _rows(falling, axis)[seen] = _rows(light, axis)[place[seen]]
        one = replace(readout, n_ints=1, first=readout.first + k)
        ramps.append(expose(window, one, falling, seed, **options))
        _rows(saturated[k // n], axis)[place[seen]] = _rows(
            ramps[-1].saturated_group[0], axis)[seen]
        jumps.append(_shifted(ramps[-1].jumps, k // n, "row" if axis == -2 else "col", place, seen))
    zeroframe = None
    if ramps[0].zeroframe is not None:
        zeroframe = np.concatenate([ramp.zeroframe for ramp in ramps])
    return Ramp(np.concatenate([ramp.data for ramp in ramps]), zeroframe, np.concatenate(jumps),
                saturated)


def _rows(image, axis):
    """The image with the slow axis first, to be changed in place."""
    return image if axis == -2 else image.T


def _shifted(jumps, integration, name, place, seen):
    """Jumps of one superstripe as those of a whole integration; those in reference rows are out."""
    jumps = jumps[np.isin(jumps[name], seen)].copy()
    jumps["integration"], jumps[name] = integration, place[jumps[name]]
    return jumps
