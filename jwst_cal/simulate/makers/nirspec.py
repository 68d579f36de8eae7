"""The files that only NIRSpec has."""

from functools import partial

import numpy as np

from jwst_cal.simulate import _fits, irs2, nirspec_optics
from jwst_cal.simulate.makers.pieces import sci


def refpix(window):
    """
    Weights of IRS2's reference output and reference pixels, by frequency.

    The correction spreads each reference pixel over the samples around it, so the weight of these
    is what they are spread over; they serve below 350 Hz, the reference output above.
    """
    detector = window.detector
    n = 2048 * irs2.SAMPLES
    frequency = np.abs(np.fft.fftfreq(n, 1e-5))
    slow = 1 / (1 + (frequency / 350) ** 4)
    pink = 1 / np.maximum(frequency, frequency[1])
    own = irs2.OUTPUT_NOISE * detector.read_noise / (irs2.COUPLING * detector.common_noise)
    heard = pink / (pink + own**2 * pink.sum() / n)  # what in the reference output is common
    weights = {"alpha": (1 - slow) * heard / irs2.COUPLING, "beta": slow * irs2.SAMPLES / 256}
    names = [f"{kind}_{output}" for kind in weights for output in range(irs2.OUTPUTS)]
    rows = np.zeros(2 * n, [(name, "f4") for name in names])
    for name in names:
        rows[name][0::2] = weights[name[:-2]]  # real parts; the imaginary ones are 0
    flagged = np.zeros(2 * irs2.OUTPUTS, [("OUTPUT", "u2"), ("ODD_EVEN", "u2"), ("MASK", "u4")])
    for k, row in enumerate(flagged):
        pair = (k // 2 + 1, k % 2 + 1)
        blocks = [block for output, odd_even, block in irs2.BAD if (output, odd_even) == pair]
        row["OUTPUT"], row["ODD_EVEN"] = pair
        row["MASK"] = sum(1 << block for block in blocks)
    return "IRS2Model", (("READPATT", window.readpatt),), [
        _fits.table("IRS2", rows), _fits.table("DQ", flagged)
    ]


def pictureframe(window):
    """The glow of the detector's frame, DN/s: none in the middle, and more towards the edges."""
    n_rows, n_cols = window.detector.shape
    y, x = (np.abs(2 * place / (size - 1) - 1) for place, size in
            ((window.y, n_rows), (window.x, n_cols)))
    glow = 0.02 * np.maximum(y[:, None], x[None, :]) ** 4
    return "PictureFrameModel", (), [sci(glow.astype(np.float32), cards=[("BUNIT", "DN/s")])]


def optics(window, *grating, reftype):
    """The way of the light."""
    return nirspec_optics.tree(reftype, *grating)


def wavelengthrange(window):
    """Wavelengths of filters and gratings."""
    return optics(window, reftype="wavelengthrange")


MAKERS = {"refpix": refpix, "pictureframe": pictureframe,
          **{reftype: partial(optics, reftype=reftype) for reftype in nirspec_optics.REFTYPES
             if reftype != "wavelengthrange"}}
