"""The reference files of the simulated detectors, in the formats of the real ones.

One row of :data:`REFERENCES` is one file: what it is and which exposures it is for, after the rules
in ``instruments``. Its content comes from ``makers``, which draw on the maps that the exposures are
made from. A file is the same to the last byte each time it is made.
"""

from __future__ import annotations

from typing import NamedTuple

from jwst_cal.simulate import _fits, striped
from jwst_cal.simulate.instruments import INSTRUMENTS
from jwst_cal.simulate.makers import MAKERS

__all__ = ["REFERENCES", "Row", "write"]

#: Before any exposure, simulated ones and ground tests included.
USEAFTER = "1900-01-01T00:00:00"
#: Number of the first file of the first detector; those of the next one, and of another speed,
#: start so many further on.
SERIAL, PER_DETECTOR, PER_SPEED = 9001, 60, 30


#: Types without an image, which need no place on the detector, and those that say it themselves.
_TABLES = ("rscd", "refpix", "trappars", "photom", "apcorr", "bkg")


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
    own: str = "detector"
    extension: str = "fits"
    grating: str = ""

    @property
    def is_common(self):
        """Whether it is for several detectors."""
        return self.own in ("instrument", "channel")

    @property
    def basename(self):
        """File name."""
        return f"jwst_{self.instrument.lower()}_{self.reftype}_{self.serial}.{self.extension}"


def _cuts(detector, rule):
    """What has a file of its own: subarray, speed, distance of its number from the first."""
    subs = [sub for sub in detector.subarrays if sub.has_files]
    if rule.own != "subarray":
        subs = [detector.subarray("FULL")]
    speeds = [""]
    if "READPATT" in rule.keywords.split():
        speeds += dict.fromkeys(speed for sub in detector.subarrays for speed in sub.frame_times)
    return [(sub.name, speed, PER_SPEED * block + number)
            for block, speed in enumerate(speeds) for number, sub in enumerate(subs)
            if (not speed or speed in sub.frame_times) and speed in (rule.speeds or speeds)]


def _match(rule, instrument, detector, sub, speed, grating):
    """The values of a rule's keywords for one file."""
    patterns = [name for name, p in instrument.patterns.items() if p.speed == speed]
    values = {"DETECTOR": detector.name, "SUBARRAY": sub, "READPATT": "|".join(patterns),
              "EXP_TYPE": "|".join(rule.exp_types), "GRATING": grating, **dict(detector.cards)}
    return tuple("N/A" if keyword.endswith("*") else values[keyword]
                 for keyword in rule.keywords.split())


def _owners(instrument, rule):
    """The detectors that a type has files for, with their numbers."""
    seen = set()
    for number, detector in enumerate(instrument.detectors):
        kind = {"instrument": None, "channel": detector.cards}.get(rule.own, detector.name)
        if kind not in seen and detector.name in (rule.detectors or [detector.name]):
            seen.add(kind)
            yield number, detector


def _rows():
    for instrument in INSTRUMENTS.values():
        for reftype, rule in instrument.references.items():
            for number, detector in _owners(instrument, rule):
                for sub, speed, place in _cuts(detector, rule):
                    shown = sub if rule.own == "subarray" else "GENERIC"
                    for more, grating in enumerate(_gratings(instrument, rule)):
                        yield Row(instrument.name, reftype, detector.name, sub, speed,
                                  _match(rule, instrument, detector, shown, speed, grating),
                                  SERIAL + PER_DETECTOR * number + place + more, rule.own,
                                  rule.extension, grating)


def _gratings(instrument, rule):
    return instrument.gratings if "GRATING" in rule.keywords.split() else ("",)


#: Every reference file by its name.
REFERENCES = {row.basename: row for row in _rows()}


def _describe(row):
    return f"Simulated {row.reftype} of jwst_cal, not for science"


def _meta(row):
    """The metadata of a file that is not FITS."""
    return {
        "date": "2026-01-01T00:00:00", "filename": row.basename, "telescope": "JWST",
        "reftype": row.reftype.upper(), "pedigree": "DUMMY", "description": _describe(row),
        "author": "jwst_cal", "useafter": USEAFTER, "instrument": {
            "name": row.instrument, **({} if row.is_common else {"detector": row.detector})},
    }


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
    window = striped.reference_window(row.detector, row.subarray, row.reftype, row.speed)
    if row.extension == "json":
        _fits.write_json(path, {**_meta(row), **MAKERS[row.reftype](window)})
        return
    if row.extension == "asdf":
        tree = MAKERS[row.reftype](window, *([row.grating] if row.grating else []))
        meta = _meta(row)
        more = dict(tree.pop("meta", {}))
        meta["instrument"].update(more.pop("instrument", {}))
        _fits.write_asdf(path, {"meta": meta | more, **tree})
        return
    model, cards, hdus = MAKERS[row.reftype](window)
    sub, detector = window.subarray, window.detector
    header = [
        ("DATE", "2026-01-01T00:00:00", "Date this file was created (UTC)"),
        ("FILENAME", row.basename, "Name of the file"),
        ("DATAMODL", model, "Type of data model"),
        ("TELESCOP", "JWST", "Telescope used to acquire the data"),
        ("REFTYPE", row.reftype.upper(), "Reference file type"),
        ("PEDIGREE", "DUMMY", "The pedigree of the reference file"),
        ("DESCRIP", _describe(row), "Description"),
        ("AUTHOR", "jwst_cal", "Author of the reference file"),
        ("USEAFTER", USEAFTER, "Use after date of the reference file"),
        ("INSTRUME", row.instrument, "Instrument used to acquire the data"),
        ("DETECTOR", "N/A" if row.is_common else row.detector,
         "Name of detector used to acquire the data"),
        *cards,
    ]
    if row.reftype not in _TABLES:
        header += [
            ("SUBARRAY", "GENERIC" if row.own == "detector" else sub.name, "Subarray used"),
            ("SUBSTRT1", sub.xstart, "Starting pixel in axis 1 direction"),
            ("SUBSTRT2", sub.ystart, "Starting pixel in axis 2 direction"),
            ("SUBSIZE1", sub.n_cols, "Number of pixels in axis 1 direction"),
            ("SUBSIZE2", sub.n_rows, "Number of pixels in axis 2 direction"),
            ("FASTAXIS", detector.fast_axis, "Fast readout axis direction"),
            ("SLOWAXIS", detector.slow_axis, "Slow readout axis direction"),
        ]
    header.append(("HISTORY", "Made by jwst_cal.simulate from the model of its exposures"))
    _fits.write(path, header, hdus)
