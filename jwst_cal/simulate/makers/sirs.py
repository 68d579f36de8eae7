"""Kernels of the reference-pixel correction by convolution (SIRS)."""

import numpy as np

#: Share of the reference columns on the left in the correction of each output; the rest is of the
#: right ones.
_LEFT = (0.65, 0.55, 0.45, 0.35)
#: Frequency, in cycles per 2048 rows, at which half of the noise is common.
_HALF = 200.0


def sirskernel(window):
    """Weights of the left and right reference columns, by output and frequency along the rows."""
    frequency = np.arange(1025)
    common = 1 / (1 + (frequency / _HALF) ** 2)
    left = np.array(_LEFT)[:, None] * common
    return {detector.name.lower(): {"gamma": left.astype(complex),
                                    "zeta": (common - left).astype(complex)}
            for detector in window.instrument.detectors}


MAKERS = {"sirskernel": sirskernel}
