"""The stage-1 reference files of the simulated detectors, in the formats of the real ones.

One row of :data:`REFERENCES` is one file: what it is, which exposures it is for, and the function
that makes it from the maps that the exposures are made from. A file is the same to the last byte
each time it is made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jwst_cal import flags
from jwst_cal.simulate import _fits
from jwst_cal.simulate.detectors import (
    DETECTORS,
    FLAW,
    RESET_GROUPS,
    SCALE,
    Window,
    stream,
)

__all__ = ["REFERENCES", "Row", "write"]

#: Before any exposure, simulated ones and ground tests included.
USEAFTER = "1900-01-01T00:00:00"
SERIAL = 9001

#: Noise left in a dark and a superbias, which average many exposures, DN.
DARK_NOISE = np.float32(0.15)
SUPERBIAS_NOISE = np.float32(0.4)
#: Frames in a dark: those of the default exposure, and some more.
_DARK_PLANES = {
    ("NIRCAM", "FULL"): 22, ("NIRCAM", "SUB320"): 24, ("NIRCAM", "SUB160"): 24,
    ("NIRCAM", "SUB64P"): 40, ("MIRI", "FULL"): 22, ("MIRI", "SUB256"): 24, ("MIRI", "SUB64"): 52,
}
_DARK_INTEGRATIONS = 2


class Row(NamedTuple):
    """
    One reference file.

    `match` gives the values of the rule's keywords (see ``cache``): ``N/A`` matches any.
    """

    instrument: str
    reftype: str
    detector: str
    subarray: str
    match: tuple[str, ...]
    serial: int

    @property
    def basename(self):
        """File name."""
        return f"jwst_{self.instrument.lower()}_{self.reftype}_{self.serial}.fits"


# ---- pieces -----------------------------------------------------------------------------------
def _dq_table(names):
    rows = np.zeros(len(names), [("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"),
                                 ("DESCRIPTION", "S80")])
    for bit, name in enumerate(names):
        rows[bit] = (bit, 1 << bit, name.encode(), name.lower().replace("_", " ").encode())
    return rows


def _dq(shape, named, repeat=()):
    """DQ and DQ_DEF: bit k of the file is the k-th name, as in the real files."""
    dq = np.zeros(shape, np.uint32)
    for bit, where in enumerate(named.values()):
        dq |= where.astype(np.uint32) << np.uint32(bit)
    planes = [dq] * int(np.prod(repeat, dtype=int))
    return [_fits.image("DQ", (*repeat, *shape), "u4", planes),
            _fits.table("DQ_DEF", _dq_table(list(named)))]


def _sci(array, name="SCI", cards=()):
    return _fits.image(name, array.shape, "f4", [array], cards)


def _nowhere(window):
    return np.zeros(window.shape, bool)


# ---- one function per type: window -> model name, header cards, extensions ---------------------
def _mask(window):
    names = ("DO_NOT_USE", "DEAD", "HOT", "WARM", "LOW_QE", "RC", "TELEGRAPH", "OPEN", "ADJ_OPEN",
             "BAD_REF_PIXEL", "REFERENCE_PIXEL")
    named = {name: (window.mask & flags.pixel[name]) != 0 for name in names}
    return "MaskModel", (), _dq(window.shape, named)


def _saturation(window):
    level = window.saturation.copy()
    if not window.detector.bias_in_well:
        level += window.bias
    np.minimum(level, np.float32(65000), out=level)
    level[window.reference] = 100000
    unchecked = window.reference | (window.flaw == FLAW["no_saturation"])
    named = {"NO_SAT_CHECK": unchecked, "DO_NOT_USE": _nowhere(window)}
    return "SaturationModel", (), [_sci(level), *_dq(window.shape, named)]


def _superbias(window):
    noise = stream(window.detector.name, "superbias", window.subarray.name).standard_normal(
        window.shape, dtype=np.float32
    )
    bias = window.bias + SUPERBIAS_NOISE * noise
    unknown = window.flaw == FLAW["nan_bias"]
    bias[unknown] = np.nan
    named = {"DO_NOT_USE": _nowhere(window), "UNRELIABLE_BIAS": unknown}
    error = np.full(window.shape, SUPERBIAS_NOISE)
    return "SuperBiasModel", (("READPATT", "ANY"),), [
        _sci(bias), _sci(error, "ERR"), *_dq(window.shape, named)
    ]


def _linearity(window):
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
    named = {"NO_LIN_CORR": unknown, "DO_NOT_USE": _nowhere(window)}
    return "LinearityModel", (), [
        _fits.image("COEFFS", shape, "f4", coefficients()), *_dq(window.shape, named)
    ]


def _gain(window):
    gain = window.gain.copy()
    gain[window.flaw == FLAW["nan_gain"]] = np.nan
    gain[window.flaw == FLAW["negative_gain"]] = -1
    return "GainModel", (), [_sci(gain, cards=[("BUNIT", "electrons/DN")])]


def _readnoise(window):
    cards = (("READPATT", "ANY"),)
    return "ReadnoiseModel", cards, [_sci(window.cds_noise, cards=[("BUNIT", "DN")])]


def _dark(window):
    detector, sub = window.detector, window.subarray
    miri = detector.instrument == "MIRI"
    n_planes = _DARK_PLANES[detector.instrument, sub.name]
    lead = (_DARK_INTEGRATIONS,) if miri else ()

    def planes():
        rate = window.dark / window.gain
        for k in range(n_planes * (lead[0] if miri else 1)):
            seconds = np.float32((k % n_planes + 1) * sub.frame_time)
            noise = stream(detector.name, "dark", sub.name, k).standard_normal(
                window.shape, dtype=np.float32
            )
            noise *= DARK_NOISE
            noise += rate * seconds
            yield noise

    named = {"DO_NOT_USE": _nowhere(window), "UNRELIABLE_DARK": window.dark > 50}
    cards = (
        ("EXP_TYPE", "MIR_IMAGE" if miri else "NRC_IMAGE"),
        ("READPATT", "FASTR1" if miri else "RAPID"), ("NOUTPUTS", sub.n_outputs),
        ("NFRAMES", 1), ("NGROUPS", n_planes), ("GROUPGAP", 0), ("AVDRKCUR", detector.dark),
    )
    return "DarkMIRIModel" if miri else "DarkModel", cards, [
        _fits.image("SCI", (*lead, n_planes, *window.shape), "f4", planes()),
        *_dq(window.shape, named, repeat=(*lead, 1) if miri else ()),
    ]


def _reset(window):
    shape = (2, RESET_GROUPS, *window.shape)
    planes = (window.reset_anomaly(i, g) for i in range(shape[0]) for g in range(shape[1]))
    cards = (("READPATT", "FASTR1"), ("NINTS", shape[0]), ("NGROUPS", shape[1]))
    error = np.full(window.shape, 0.1, np.float32)
    return "ResetModel", cards, [
        _fits.image("SCI", shape, "f4", planes),
        _fits.image("ERR", shape, "f4", (error for _ in range(shape[0] * shape[1]))),
        *_dq(window.shape, {"DO_NOT_USE": _nowhere(window)}),
    ]


def _rscd(window):
    rows = np.array(
        [(sub.name, "FASTR1", 1, 4) for sub in window.detector.subarrays],
        [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"), ("group_skip", "i4")],
    )
    return "RSCDModel", (), [_fits.table("RSCD_GROUP_SKIP", rows)]


_MAKERS = {
    "mask": _mask, "saturation": _saturation, "superbias": _superbias, "linearity": _linearity,
    "gain": _gain, "readnoise": _readnoise, "dark": _dark, "reset": _reset, "rscd": _rscd,
}

#: Types that each instrument has, and where detector and subarray stand among the keywords of
#: the rule ("*" is any value of a keyword that does not matter here).
_LAYOUT = {
    "NIRCAM": {
        "mask": "DS", "saturation": "D", "superbias": "D*S", "linearity": "DS", "gain": "DS",
        "readnoise": "D*S", "dark": "D**S",
    },
    "MIRI": {
        "mask": "DS", "saturation": "D", "linearity": "DS**", "gain": "DS", "readnoise": "D*S",
        "dark": "D*S", "reset": "DS*", "rscd": "D",
    },
}
#: Types of which each subarray has its own file; the others are cut from the full frame.
_PER_SUBARRAY = ("superbias", "dark", "reset")


def _rows():
    for detector in DETECTORS.values():
        for reftype, layout in _LAYOUT[detector.instrument].items():
            subs = [s.name for s in detector.subarrays] if reftype in _PER_SUBARRAY else ["FULL"]
            for number, sub in enumerate(subs):
                values = {"D": detector.name, "S": sub if len(subs) > 1 else "GENERIC", "*": "N/A"}
                yield Row(detector.instrument, reftype, detector.name, sub,
                          tuple(values[k] for k in layout), SERIAL + number)


#: Every reference file by its name.
REFERENCES = {row.basename: row for row in _rows()}


def write(row, path):
    """
    Make one reference file.

    Parameters
    ----------
    row : Row
        Which.
    path : path-like
        Its name; it appears only when complete.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    window = Window(row.detector, row.subarray)
    model, cards, hdus = _MAKERS[row.reftype](window)
    sub, detector = window.subarray, window.detector
    generic = row.reftype not in _PER_SUBARRAY
    header = [
        ("DATE", "2026-01-01T00:00:00", "Date this file was created (UTC)"),
        ("FILENAME", row.basename, "Name of the file"),
        ("DATAMODL", model, "Type of data model"),
        ("TELESCOP", "JWST", "Telescope used to acquire the data"),
        ("REFTYPE", row.reftype.upper(), "Reference file type"),
        ("PEDIGREE", "DUMMY", "The pedigree of the reference file"),
        ("DESCRIP", f"Simulated {row.reftype} of jwst_cal, not for science", "Description"),
        ("AUTHOR", "jwst_cal", "Author of the reference file"),
        ("USEAFTER", USEAFTER, "Use after date of the reference file"),
        ("INSTRUME", row.instrument, "Instrument used to acquire the data"),
        ("DETECTOR", row.detector, "Name of detector used to acquire the data"),
        *cards,
    ]
    if row.reftype != "rscd":
        header += [
            ("SUBARRAY", "GENERIC" if generic else sub.name, "Subarray used"),
            ("SUBSTRT1", sub.xstart, "Starting pixel in axis 1 direction"),
            ("SUBSTRT2", sub.ystart, "Starting pixel in axis 2 direction"),
            ("SUBSIZE1", sub.n_cols, "Number of pixels in axis 1 direction"),
            ("SUBSIZE2", sub.n_rows, "Number of pixels in axis 2 direction"),
            ("FASTAXIS", detector.fast_axis, "Fast readout axis direction"),
            ("SLOWAXIS", detector.slow_axis, "Slow readout axis direction"),
        ]
    header.append(("HISTORY", "Made by jwst_cal.simulate from the model of its exposures"))
    _fits.write(path, header, hdus)
