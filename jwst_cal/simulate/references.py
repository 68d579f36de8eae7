"""The stage-1 reference files of the simulated detectors, in the formats of the real ones.

One row of :data:`REFERENCES` is one file: what it is and which exposures it is for, after the rules
in ``instruments``. Its content comes from ``makers``, which draw on the maps that the exposures are
made from. A file is the same to the last byte each time it is made.
"""

from __future__ import annotations

from typing import NamedTuple

from jwst_cal.simulate import _fits
from jwst_cal.simulate.detectors import Window
from jwst_cal.simulate.instruments import INSTRUMENTS
from jwst_cal.simulate.makers import MAKERS

__all__ = ["REFERENCES", "Row", "write"]

#: Before any exposure, simulated ones and ground tests included.
USEAFTER = "1900-01-01T00:00:00"
#: Number of the first file of the first detector; those of the next one, and of another speed,
#: start so many further on.
SERIAL, PER_DETECTOR, PER_SPEED = 9001, 60, 30


class Row(NamedTuple):
    """
    One reference file.

    `match` gives the values of the rule's keywords (see ``cache``): ``N/A`` matches any.
    """

    instrument: str
    reftype: str
    detector: str
    subarray: str
    speed: str
    match: tuple[str, ...]
    serial: int
    extension: str = "fits"

    @property
    def basename(self):
        """File name."""
        return f"jwst_{self.instrument.lower()}_{self.reftype}_{self.serial}.{self.extension}"


def _cuts(detector, rule):
    """What has a file of its own: subarray, speed, distance of its number from the first."""
    if rule.own == "detector":
        return [("FULL", "", 0)]
    speeds = [""]
    for sub in detector.subarrays:
        speeds += [speed for speed in sub.frame_times if speed not in speeds]
    return [(sub.name, speed, PER_SPEED * speeds.index(speed) + number)
            for speed in speeds for number, sub in enumerate(detector.subarrays)
            if not speed or speed in sub.frame_times]


def _match(keywords, instrument, detector, sub, speed):
    """The values of a rule's keywords for one file."""
    patterns = [name for name, p in instrument.patterns.items() if p.speed == speed]
    values = {"DETECTOR": detector.name, "SUBARRAY": sub, "READPATT": "|".join(patterns)}
    return tuple("N/A" if keyword.endswith("*") else values[keyword]
                 for keyword in keywords.split())


def _rows():
    for instrument in INSTRUMENTS.values():
        for number, detector in enumerate(instrument.detectors):
            for reftype, rule in instrument.references.items():
                for sub, speed, place in _cuts(detector, rule):
                    shown = "GENERIC" if rule.own == "detector" else sub
                    yield Row(instrument.name, reftype, detector.name, sub, speed,
                              _match(rule.keywords, instrument, detector, shown, speed),
                              SERIAL + PER_DETECTOR * number + place, rule.extension)


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
    window = Window(row.detector, row.subarray, row.speed)
    model, cards, hdus = MAKERS[row.reftype](window)
    sub, detector = window.subarray, window.detector
    generic = INSTRUMENTS[row.instrument].references[row.reftype].own == "detector"
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
