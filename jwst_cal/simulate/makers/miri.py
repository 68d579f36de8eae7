"""The files that only MIRI has."""

import numpy as np

from jwst_cal.simulate import _fits, interference
from jwst_cal.simulate.detectors import RESET_GROUPS
from jwst_cal.simulate.makers.pieces import dq, nowhere


def reset(window):
    """The decaying offset after a reset."""
    shape = (2, RESET_GROUPS, *window.shape)
    planes = (window.reset_anomaly(i, g) for i in range(shape[0]) for g in range(shape[1]))
    cards = (("READPATT", window.readpatt), ("NINTS", shape[0]), ("NGROUPS", shape[1]))
    error = np.full(window.shape, 0.1, np.float32)
    return "ResetModel", cards, [
        _fits.image("SCI", shape, "f4", planes),
        _fits.image("ERR", shape, "f4", (error for _ in range(shape[0] * shape[1]))),
        *dq(window.shape, {"DO_NOT_USE": nowhere(window)}),
    ]


def rscd(window):
    """How many first groups are not to be used."""
    skipped = {"FASTR1": (1, 4), "SLOWR1": (1, 2)}
    rows = np.array(
        [(sub.name, name, *skipped[name]) for sub in window.detector.subarrays
         for name, pattern in window.instrument.patterns.items()
         if not pattern.speed or pattern.speed in sub.frame_times],
        [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")],
    )
    return "RSCDModel", (), [_fits.table("RSCD_GROUP_SKIP", rows)]


_DETECTORS = ("MIRIMAGE", "MIRIFUSHORT", "MIRIFULONG")


def emicorr(_):
    """Waves of the interference, and the clocks of the readouts that have it."""
    wave = interference.wave((np.arange(500) + 0.5) / 500)
    return {
        "frequencies": {name: {"frequency": frequency, "phase_amplitudes": wave}
                        for name, frequency in interference.FREQUENCIES.items()},
        "subarray_cases": {
            name: {"rowclocks": row, "frameclocks": frame,
                   "freqs": {"FAST": interference.seen(name),
                             "SLOW": dict.fromkeys(_DETECTORS, interference.seen(name))}}
            for name, (row, frame) in interference.CLOCKS.items()
        },
    }


MAKERS = {"reset": reset, "rscd": rscd, "emicorr": emicorr}
