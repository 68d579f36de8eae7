"""NIRSpec's IRS2 readout: reference pixels between the others, and a reference output beside them.

Each of the four outputs reads, in each of its 2048 rows, 32 blocks of 8 pixels, 4 reference pixels,
8 pixels; going to the reference pixels and back takes one sample each, and the end of the row
eight: 712 samples. A fifth output follows the noise of the electronics all the time.

Notes
-----
Source: Rauscher et al. 2017, PASP 129, 105003, for the layout and the idea.
"""

from __future__ import annotations

import functools

import numpy as np

from jwst_cal import flags
from jwst_cal.simulate.detectors import stream

__all__ = ["BAD", "COUPLING", "OUTPUTS", "OUTPUT_NOISE", "SAMPLES", "SHAPE", "Electronics",
           "bad_columns", "interleave", "is_pixel", "levels", "mask", "place"]

#: Rows and columns of a frame as it is sent down, in the science orientation.
SHAPE = (3200, 2048)
#: Samples of a row, at 10 microseconds each; outputs besides the reference output; pixels of each
#: output and row, and its pixels and reference pixels together.
SAMPLES, OUTPUTS, PIXELS, WIDTH = 712, 4, 512, 640
#: Pixels on each side of the reference pixels of a block, and these.
_SIDE, _REFERENCE = 8, 4

#: Bad interleaved reference pixels: output from 1, odd (1) or even (2) pair, block.
BAD = ((1, 1, 5), (2, 2, 17), (3, 1, 30), (4, 2, 9))

#: Part of the common noise that the reference output sees; noise of its own and of the reference
#: pixels, in units of a pixel's read noise.
COUPLING, OUTPUT_NOISE, REFERENCE_NOISE = 0.9, 0.6, 0.7


@functools.cache
def _row():
    """Sample numbers of the pixels and of the reference pixels of a row, and their columns."""
    block = np.array([1] * _SIDE + [0] + [2] * _REFERENCE + [0] + [1] * _SIDE)
    kinds = np.tile(block, PIXELS // (2 * _SIDE))
    sampled = kinds[kinds > 0]
    return (np.flatnonzero(kinds == 1), np.flatnonzero(kinds == 2), np.flatnonzero(sampled == 1),
            np.flatnonzero(sampled == 2))


def place(output):
    """
    Tell where an output's samples lie in a frame as it is read.

    Parameters
    ----------
    output : int
        From 1; 0 is the reference output.

    Returns
    -------
    pixels, references : int array
        Columns of the pixels and of the reference pixels, which the reference output has not.
    """
    _, _, pixels, references = _row()
    return WIDTH * output + pixels, WIDTH * output + references


def is_pixel():
    """
    Tell which places of a row hold pixels.

    Returns
    -------
    bool [3200]
        In the order of readout.
    """
    found = np.zeros(SHAPE[0], bool)
    for output in range(1, OUTPUTS + 1):
        found[place(output)[0]] = True
    return found


def interleave(window, image, fill):
    """
    Spread an image over the frame of IRS2.

    Parameters
    ----------
    window : Window
        The detector, full frame.
    image : array [2048, 2048]
        In the science orientation.
    fill : scalar or array [slow, fast]
        Value of all other places, or a whole frame in the order of readout.

    Returns
    -------
    array [3200, 2048]
        In the science orientation.
    """
    frame = np.empty(SHAPE[::-1], image.dtype)
    frame[...] = fill
    frame[:, is_pixel()] = window.to_readout(image)
    return window.to_science(frame)


def mask(window):
    """
    Make the bad-pixel mask of a whole frame.

    Parameters
    ----------
    window : Window
        The detector.

    Returns
    -------
    uint32 [3200, 2048]
        Flags in the science orientation. Of the bad reference pixels the first pair is flagged,
        the others are known to the ``refpix`` file. The border's are not: the flag would condemn
        their whole line.
    """
    flagged = window.mask & ~np.uint32(flags.pixel["BAD_REF_PIXEL"])
    others = np.zeros(SHAPE[::-1], np.uint32)
    bad = flags.pixel["BAD_REF_PIXEL"] | flags.pixel["DO_NOT_USE"]
    others[:, bad_columns()[0] : bad_columns()[0] + 2] = bad
    return interleave(window, flagged, others)


def bad_columns():
    """
    Find the bad interleaved reference pixels.

    Returns
    -------
    list of int
        First column of each pair, in the order of readout.
    """
    found = []
    for output, odd_even, block in BAD:
        # even outputs are read backwards, and count their pairs so
        pair = odd_even - 1 if output % 2 else 2 - odd_even
        found.append(WIDTH * output + block * (2 * _SIDE + _REFERENCE) + _SIDE + 2 * pair)
    return found


@functools.lru_cache(maxsize=2)
def levels(window):
    """
    Draw the offsets of what is read besides the pixels.

    Parameters
    ----------
    window : Window
        The detector.

    Returns
    -------
    float32 [slow, fast], DN
        A frame in the order of readout; 0 where there are pixels.
    """
    rng = stream(window.detector.name, "irs2 levels")
    bias = window.detector.bias
    frame = np.zeros(SHAPE[::-1], np.float32)
    frame[:, :WIDTH] = 1.1 * bias + 20 * rng.standard_normal((2048, WIDTH), dtype=np.float32)
    for output in range(1, OUTPUTS + 1):
        columns = place(output)[1]
        frame[:, columns] = bias + 150 * rng.standard_normal(len(columns), dtype=np.float32)
        frame[:, columns] += 20 * rng.standard_normal((2048, len(columns)), dtype=np.float32)
    return frame


def _pink(rng):
    """1/f noise of a frame's samples, of variance 1, [row, sample]."""
    n = 2048 * SAMPLES
    spectrum = rng.standard_normal(n + 2, dtype=np.float32).view(np.complex64)
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(np.arange(1, n // 2 + 1, dtype=np.float32))
    noise = np.fft.irfft(spectrum, n, norm="forward").astype(np.float32, copy=False)
    noise *= np.float32(1 / np.sqrt(4 * np.sum(1 / np.arange(1, n // 2 + 1))))
    return noise.reshape(2048, SAMPLES)


class Electronics:
    """
    The electronics' noise in IRS2, and the samples that hold nothing else.

    Parameters
    ----------
    window : Window
        The detector.
    seed, integration : int
        Seed of the exposure, and the integration.
    """

    def __init__(self, window, seed, integration):
        self.window, self.seed, self.integration = window, seed, integration
        self.level = 6 * stream(seed, "drift", integration).standard_normal(OUTPUTS + 1)

    def frame(self, number):
        """
        Make the noise of the next frame.

        Parameters
        ----------
        number : int
            Frame of the integration; frames are asked for in order.

        Returns
        -------
        float32 [row, col], DN
            Of the pixels, in the science orientation.
        """
        detector = self.window.detector
        rng = stream(self.seed, "1/f", self.integration, number)
        self.level += 1.5 * rng.standard_normal(OUTPUTS + 1)
        white = np.float32(detector.read_noise / detector.gain)
        pixels, references, _, _ = _row()
        common = _pink(rng) * np.float32(detector.common_noise / detector.gain)
        others = levels(self.window).copy()
        sampled = common[:, np.union1d(pixels, references)]
        own = rng.standard_normal(sampled.shape, dtype=np.float32)
        others[:, :WIDTH] += (np.float32(COUPLING) * sampled + OUTPUT_NOISE * white * own)[:, ::-1]
        others[:, :WIDTH] += np.float32(self.level[0])
        noise = np.empty((2048, 2048), np.float32)
        for output in range(1, OUTPUTS + 1):
            sum_ = _pink(rng) * np.float32(detector.output_noise / detector.gain)
            sum_ += common
            sum_ += np.float32(self.level[output])
            seen, between = sum_[:, pixels], sum_[:, references]
            between += REFERENCE_NOISE * white * rng.standard_normal(between.shape,
                                                                     dtype=np.float32)
            turn = 1 if output % 2 else -1  # even outputs are read backwards
            noise[:, PIXELS * (output - 1) : PIXELS * output] = seen[:, ::turn]
            others[:, place(output)[1]] += between[:, ::turn]
        for column in bad_columns():
            others[:, column : column + 2] += 60 * rng.standard_normal((2048, 2), dtype=np.float32)
        self._others = np.floor(np.clip(others, 0, 65535))
        return self.window.to_science(noise)

    def complete(self, counts):
        """
        Put the reference samples between the pixels.

        Parameters
        ----------
        counts : float32 [2048, 2048], DN
            Digitised pixels of the frame asked for last, in the science orientation.

        Returns
        -------
        float32 [3200, 2048], DN
            The frame as it is sent down.
        """
        return interleave(self.window, counts, self._others)
