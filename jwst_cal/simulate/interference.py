"""Electromagnetic interference in MIRI: waves that hold their phase from pixel to pixel.

Times count samples of 10 microseconds. The four outputs read neighbouring columns at once.
"""

from __future__ import annotations

import numpy as np

from jwst_cal.simulate.detectors import stream

__all__ = ["CLOCKS", "FREQUENCIES", "of_frame", "seen", "wave"]

#: Hz, by name, the strongest first; each has half the amplitude of the one before.
FREQUENCIES = {"Hz390": 390.625, "Hz10": 10.039216}
#: Samples from row to row of a subarray, and in a frame.
CLOCKS = {"FULL_FAST": (271, 277504), "FULL_SLOW": (2333, 2388992), "SUB256": (96, 29952),
          "SUB64": (28, 8512), "SLITLESSPRISM": (28, 15904), "MASK1550": (82, 23968)}


def wave(phase):
    """
    Evaluate the interference.

    Parameters
    ----------
    phase : float64 array, cycle
        Phase.

    Returns
    -------
    float64 array
        The wave, of amplitude 1.
    """
    return np.sin(2 * np.pi * phase) + 0.3 * np.sin(4 * np.pi * phase + 0.7)


def seen(case):
    """
    List the waves that differ from frame to frame; the others look like bias.

    Parameters
    ----------
    case : str
        One of CLOCKS.

    Returns
    -------
    list of str
        Names of frequencies.
    """
    cycles = {name: CLOCKS[case][1] * 1e-5 * frequency for name, frequency in FREQUENCIES.items()}
    return [name for name, number in cycles.items() if abs(number - round(number)) > 1e-6]


def of_frame(window, seed, amplitude, n_groups, integration, frame):
    """
    Compute the interference in one frame.

    Parameters
    ----------
    window : Window
        The detector.
    seed : int
        Of the phase at the start of the exposure.
    amplitude : float, DN
        Of the strongest wave.
    n_groups : int
        Groups of an integration, after which the detector is reset for the time of a frame.
    integration, frame : int
        From 0.

    Returns
    -------
    float32 [row, col], DN
    """
    speed = "SLOW" if window.speed == "SLOW" else "FAST"
    name = window.subarray.name
    per_row, per_frame = CLOCKS[f"FULL_{speed}" if name == "FULL" else name]
    per_pixel = window.instrument.patterns[window.readpatt].n_samples
    n_rows, n_cols = window.shape
    time = np.arange(n_rows)[:, None] * per_row + np.arange(n_cols)[None, :] // 4 * per_pixel
    time = (time + (integration * (n_groups + 1) + frame) * per_frame) * 1e-5
    start = stream(seed, "interference").random(len(FREQUENCIES))
    total = sum(wave((time * frequency + phase) % 1) / 2**k for k, (frequency, phase)
                in enumerate(zip(FREQUENCIES.values(), start, strict=True)))
    return (amplitude * total).astype(np.float32)
