"""The files that every detector has: mask, gain, read noise, saturation, linearity, bias, dark."""

import numpy as np

from jwst_cal import flags
from jwst_cal.simulate import _fits, irs2
from jwst_cal.simulate.detectors import FLAW, SCALE, stream
from jwst_cal.simulate.makers.pieces import dq, nowhere, sci

#: Noise left in a dark and a superbias, which average many exposures, DN.
DARK_NOISE = np.float32(0.15)
SUPERBIAS_NOISE = np.float32(0.4)
_DARK_INTEGRATIONS = 2  # in MIRI's


def mask(window):
    """Bad pixels and reference pixels."""
    names = ("DO_NOT_USE", "DEAD", "HOT", "WARM", "LOW_QE", "RC", "TELEGRAPH", "OPEN", "ADJ_OPEN",
             "BAD_REF_PIXEL", "REFERENCE_PIXEL")
    flagged = irs2.mask(window) if window.interleaved else window.mask
    named = {name: (flagged & flags.pixel[name]) != 0 for name in names}
    return "MaskModel", (), dq(flagged.shape, named)


def saturation(window):
    """Raw counts at which a pixel saturates."""
    level = window.saturation.copy()
    if not window.detector.bias_in_well:
        level += window.bias
    np.minimum(level, np.float32(65000), out=level)
    level[window.reference] = 100000
    unchecked = window.reference | (window.flaw == FLAW["no_saturation"])
    named = {"NO_SAT_CHECK": unchecked, "DO_NOT_USE": nowhere(window)}
    return "SaturationModel", (), [sci(level), *dq(window.shape, named)]


def superbias(window):
    """Raw counts just after the reset."""
    noise = stream(window.detector.name, "superbias", window.subarray.name).standard_normal(
        window.shape, dtype=np.float32
    )
    bias = window.bias + SUPERBIAS_NOISE * noise
    unknown = window.flaw == FLAW["nan_bias"]
    bias[unknown] = np.nan
    named = {"DO_NOT_USE": nowhere(window), "UNRELIABLE_BIAS": unknown}
    if window.interleaved:
        bias = irs2.interleave(window, bias, irs2.levels(window))
        named = {name: irs2.interleave(window, where, False) for name, where in named.items()}
    error = np.full(bias.shape, SUPERBIAS_NOISE)
    cards = (("READPATT", window.readpatt if window.speed else "ANY"),)
    return "SuperBiasModel", cards, [sci(bias), sci(error, "ERR"), *dq(bias.shape, named)]


def linearity(window):
    """Polynomial that takes counts to a linear signal."""
    unknown = window.flaw == FLAW["no_linearity"]

    def coefficients():
        yield np.zeros(window.shape, np.float32)
        one = np.ones(window.shape, np.float32)
        one[unknown] = 0.7  # nonsense that the flag must keep from being used
        yield one
        for power, curvature in enumerate(window.detector.curvature, 2):
            plane = window.bend * (np.float32(curvature) / SCALE ** (power - 1))
            plane[unknown] = 0.7
            if power == 3:
                plane[window.flaw == FLAW["nan_linearity"]] = np.nan
            yield plane

    shape = (2 + len(window.detector.curvature), *window.shape)
    named = {"NO_LIN_CORR": unknown, "DO_NOT_USE": nowhere(window)}
    hdus = [_fits.image("COEFFS", shape, "f4", coefficients()), *dq(window.shape, named)]
    if window.detector.inverse_linearity:
        way_back = (_INVERSE_TERMS + 1, *window.shape)
        hdus.append(_fits.image("INV_COEFFS", way_back, "f4", _inverse(window, unknown)))
    return "LinearityModel", (), hdus


#: Degree of the polynomial that takes a linear signal back to counts.
_INVERSE_TERMS = 6


def _inverse(window, unknown):
    """Coefficients of the way back: fitted for some factors on the curvature, then between them."""
    u = np.linspace(0, 1, 80)
    bends = np.linspace(0.7, 1.3, 13)
    fits = []
    for bend in bends:
        linear = u + bend * sum(c * u**k for k, c in enumerate(window.detector.curvature, 2))
        powers = linear[:, None] ** np.arange(1, _INVERSE_TERMS + 1)
        fits.append(np.linalg.lstsq(powers, u, rcond=None)[0])
    straight = (window.bend == 0) | unknown
    yield np.zeros(window.shape, np.float32)
    for power, values in enumerate(np.transpose(fits), 1):
        plane = np.polyval(np.polyfit(bends, values, 4), window.bend) / SCALE ** (power - 1)
        plane[straight] = 1 if power == 1 else 0
        yield plane


def gain(window):
    """Electrons per count."""
    values = window.gain.copy()
    values[window.flaw == FLAW["nan_gain"]] = np.nan
    values[window.flaw == FLAW["negative_gain"]] = -1
    cards = () if window.gain_factor == 1 else (("GAINFACT", window.gain_factor),)
    return "GainModel", cards, [sci(values, cards=[("BUNIT", "electrons/DN")])]


def readnoise(window):
    """Noise of the difference of two frames."""
    cards = (("READPATT", window.readpatt if window.speed else "ANY"),)
    return "ReadnoiseModel", cards, [sci(window.cds_noise, cards=[("BUNIT", "DN")])]


def dark(window):
    """Linear counts without light, frame by frame."""
    detector, sub = window.detector, window.subarray
    miri = detector.instrument == "MIRI"
    n_planes = sub.dark_frames
    lead = (_DARK_INTEGRATIONS,) if miri else ()

    def planes():
        rate = window.dark / window.gain
        for k in range(n_planes * (lead[0] if miri else 1)):
            seconds = np.float32((k % n_planes + 1) * window.frame_time)
            noise = stream(detector.name, "dark", sub.name + window.speed, k).standard_normal(
                window.shape, dtype=np.float32
            )
            noise *= DARK_NOISE
            noise += rate * seconds
            yield noise

    named = {"DO_NOT_USE": nowhere(window), "UNRELIABLE_DARK": window.dark > 50}
    cards = (
        ("EXP_TYPE", window.instrument.modes[0].exp_type),
        ("READPATT", window.readpatt), ("NOUTPUTS", window.all_outputs),
        ("NFRAMES", 1), ("NGROUPS", n_planes), ("GROUPGAP", 0), ("AVDRKCUR", detector.dark),
    )
    special = {"MIRI": "DarkMIRIModel", "NIRSPEC": "DarkNirspecModel"}
    return special.get(detector.instrument, "DarkModel"), cards, [
        _fits.image("SCI", (*lead, n_planes, *window.shape), "f4", planes()),
        *dq(window.shape, named, repeat=(*lead, 1) if miri else ()),
    ]


def ipc(window):
    """Kernel that takes back what the neighbours show of each other, to first order."""
    part = np.float32(window.detector.ipc)
    kernel = np.zeros((3, 3), np.float32)
    kernel[1, :] = kernel[:, 1] = -part
    kernel[1, 1] = 1 + 4 * part
    return "IPCModel", (), [sci(kernel)]


MAKERS = {
    "mask": mask, "saturation": saturation, "superbias": superbias, "linearity": linearity,
    "gain": gain, "readnoise": readnoise, "dark": dark, "ipc": ipc,
}
