"""Synthetic exposures in level-1b format, and the truth behind them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jwst_cal.errors import InputError, OutputError, ParameterError
from jwst_cal.framework import stripes
from jwst_cal.simulate import _fits, soss, striped
from jwst_cal.simulate.detectors import FLAW, Window, stream
from jwst_cal.simulate.instruments import INSTRUMENTS
from jwst_cal.simulate.instruments._parts import Mode
from jwst_cal.simulate.nirspec_optics import SLITLETS, write_shutters
from jwst_cal.simulate.ramps import Readout, expose
from jwst_cal.simulate.scenes import scene, soss_spectra, spectra, transit

__all__ = ["Exposure", "Kind", "Truth", "configurations", "simulate"]

#: When an exposure starts, if nothing else is said.
START = "2024-07-01T03:14:15.926"
START_MJD = 60492.13490655093
#: Keywords of an exposure's own that belong to its array; the others stand in the primary header.
_SCI_ONLY = frozenset({
    "RA_V1", "DEC_V1", "PA_V3", "V2_REF", "V3_REF", "VPARITY", "V3I_YANG", "RA_REF", "DEC_REF",
    "ROLL_REF", "WCSAXES", "CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CTYPE1", "CTYPE2", "CUNIT1",
    "CUNIT2", "CDELT1", "CDELT2", "PC1_1", "PC1_2", "PC2_1", "PC2_2", "XREF_SCI", "YREF_SCI",
    "S_REGION", "VA_SCALE", "JWST_DX", "JWST_DY", "JWST_DZ", "VELOSYS", "RADESYS",
})


class Kind(NamedTuple):
    """A kind of exposure: what must be asked for, and what it then has by default."""

    instrument: str
    detector: str
    subarray: str
    exp_type: str
    readpatt: str
    n_ints: int
    n_groups: int


def configurations():
    """
    List what can be simulated.

    Returns
    -------
    list of Kind
        The default of each instrument first.
    """
    return [Kind(name, detector.name, mode.subarray, mode.exp_type, mode.readpatt, mode.n_ints,
                 mode.n_groups)
            for name, instrument in INSTRUMENTS.items() for mode in instrument.modes
            for detector in instrument.takers(mode)]


@dataclass
class Truth:
    """
    What a perfect pipeline would find; of superstripes, in the whole integrations.

    Attributes
    ----------
    rate : float32 [row, col], DN/s
        Photons alone, without dark current; 0 in reference pixels.
    dark_rate : float32 [row, col], DN/s
        Dark current.
    gain : float32 [row, col], e-/DN
        True gain.
    cds_noise : float32 [row, col], DN
        Noise of the difference of two frames.
    bad_pixels : uint32 [row, col]
        Flags of the bad-pixel mask; 0 is a good pixel.
    flawed : bool [row, col]
        The pixel is good, but its reference values are not usable.
    jumps : structured array
        One row per pixel and read that a particle hit: integration, group (the first that holds
        the charge), row, col, electrons, dn, share (part of the jump seen in that group; the rest
        comes in the next), kind (0 cosmic ray, 1 snowball, 2 shower).
    saturated_group : uint8 [integration, row, col]
        First group that holds a frame in which the pixel has reached its saturation level; 255
        for never.
    group_time : float
        Seconds.
    n_frames : int
        Frames averaged in a group.
    light_curve : float64 [integration] or None
        Of a time series: factor on ``rate`` in each integration of the file, of mean 1 over the
        whole exposure.
    gain_factor : float or None
        Of a subarray whose gain is not the detector's usual one: the ratio, by which
        ``gain_scale`` multiplies the rates. ``rate`` is that before it.
    """

    rate: np.ndarray
    dark_rate: np.ndarray
    gain: np.ndarray
    cds_noise: np.ndarray
    bad_pixels: np.ndarray
    flawed: np.ndarray
    jumps: np.ndarray
    saturated_group: np.ndarray
    group_time: float
    n_frames: int
    light_curve: np.ndarray | None = None
    gain_factor: float | None = None

    @property
    def good(self):
        """Bool [row, col]: pixel and reference values are both usable."""
        return (self.bad_pixels == 0) & ~self.flawed

    @property
    def rate_electrons(self):
        """Float32 [row, col], e-/s: photons alone."""
        return self.rate * self.gain

    def save(self, path):
        """
        Write the truth as an npz file.

        Parameters
        ----------
        path : path-like
            Its name.
        """
        with _fits.replacing(path) as file:
            np.savez(file, **{k: v for k, v in asdict(self).items() if v is not None})

    @classmethod
    def load(cls, path):
        """
        Read a truth file.

        Parameters
        ----------
        path : path-like
            Its name.

        Returns
        -------
        Truth

        Raises
        ------
        InputError
            If it is none.
        """
        try:
            with np.load(path) as file:
                values = {f.name: file[f.name] for f in fields(cls)
                          if f.name in file or f.default is MISSING}
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: no truth file of a simulated exposure ({error})") from error
        scalars = {"group_time": float, "n_frames": int, "gain_factor": float}
        return cls(**{k: scalars.get(k, lambda v: v)(v) for k, v in values.items()})


@dataclass
class Exposure:
    """
    A simulated exposure.

    Attributes
    ----------
    data : uint16 [integration, group, row, col], DN
    zeroframe : uint16 [integration, row, col] or None, DN
    refout : uint16 [integration, group, row, col/4] or None, DN
    truth : Truth
    readout : Readout
    window : Window
    mode : Mode
    readpatt : str
    seed : int
    segment : tuple of int, or None
        Number of the segment, from 1, and of segments.
    number : int
        Number of the exposure in its observation, from 1.
    start : float
        When it starts, MJD.
    cards : mapping
        Keywords that differ from those of a single exposure: values by name.
    """

    data: np.ndarray
    zeroframe: np.ndarray | None
    refout: np.ndarray | None
    truth: Truth
    readout: Readout
    window: Window
    mode: Mode
    readpatt: str
    seed: int
    segment: tuple[int, int] | None = None
    number: int = 1
    start: float = START_MJD
    cards: Mapping[str, Any] = field(default_factory=dict)

    @property
    def root(self):
        """File name without suffix and extension."""
        part = f"-seg{self.segment[0]:03d}" if self.segment else ""
        return (f"jw01234001001_02101_{self.number:05d}{part}_"
                f"{self.window.detector.name.lower()}")

    def write(self, where):
        """
        Write the exposure, and beside it its truth and the list of open shutters that it names.

        Parameters
        ----------
        where : path-like
            A folder (made if needed), or a file name ending in ``.fits``.

        Returns
        -------
        Path
            The exposure. The truth has ``_uncal.fits`` replaced by ``_truth.npz``.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        path = Path(where)
        if path.suffix != ".fits":
            path = path / f"{self.root}_uncal.fits"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{path.parent}: cannot be made ({error.strerror})") from error
        hdus = [_fits.image("SCI", self.data.shape, "u2", _planes(self.data),
                            self._with_own(self._sci_cards(), _SCI_ONLY))]
        if self.zeroframe is not None:
            hdus.append(
                _fits.image("ZEROFRAME", self.zeroframe.shape, "u2", self.zeroframe)
            )
        hdus += self._tables()
        if self.refout is not None:
            hdus.append(_fits.image("REFOUT", self.refout.shape, "u2", _planes(self.refout)))
        hdus.append(_fits.asdf_hdu({"meta": {
            "telescope": "JWST", "model_type": "Level1bModel", "filename": path.name,
        }}))
        cards = self._with_own(self._primary_cards(path.name), self.cards.keys() - _SCI_ONLY)
        _fits.write(path, cards, hdus)
        self.truth.save(truth_path(path))
        listed = dict(self.mode.cards).get("MSAMETFL")
        if listed:
            with _fits.replacing(path.parent / listed) as file:
                write_shutters(file, SLITLETS, SLITLETS)
        return path

    # ---- headers and tables -------------------------------------------------------------
    def _with_own(self, cards, more):
        """Cards with the exposure's own values, and those of its keywords that are `more`."""
        names = {card[0] for card in cards}
        known = [(name, self.cards.get(name, value), *rest) for name, value, *rest in cards]
        return known + [(name, value) for name, value in self.cards.items()
                        if name in more and name not in names]

    def _tables(self):
        return [_fits.table("GROUP", self._group_table()),
                _fits.table("INT_TIMES", self._int_times())]

    @property
    def period(self):
        """Days from the start of an integration to that of the next."""
        return (self.readout.integration_time + self.readout.frame_time) / 86400

    @property
    def _n_ints(self):
        """Integrations of the exposure, with those of other segments."""
        return self.readout.total or self.readout.n_ints

    def _special_cards(self):
        """Keywords that most exposures have not."""
        cards = []
        if self.segment:
            cards += [("EXSEGNUM", self.segment[0], "Segment number of this file"),
                      ("EXSEGTOT", self.segment[1], "Total number of segments")]
        if self.window.subarray.stripes:
            cards += [(keyword, value, "") for keyword, value in
                      zip(stripes.FITS, self.window.subarray.stripes, strict=True)]
        if self.window.interleaved:
            cards += [("NRS_NORM", 16, "Number of normal pixels"),
                      ("NRS_REF", 4, "Number of reference pixels")]
        return cards

    def _primary_cards(self, filename):
        r, sub, det = self.readout, self.window.subarray, self.window.detector
        span = self._n_ints * self.period
        exposed = self._n_ints * r.integration_time
        start = START
        if self.start != START_MJD:
            from astropy.time import Time

            start = Time(self.start, format="mjd").isot
        return [
            ("DATE", "2024-07-01T12:00:00.000", "UTC date file created"),
            ("FILENAME", filename, "Name of the file" if len(filename) < 46 else ""),
            ("SDP_VER", "simulated", "Data Processing (DP) Software Version"),
            ("DATAMODL", "Level1bModel", "Type of data model"),
            ("TELESCOP", "JWST", "Telescope used to acquire the data"),
            ("TITLE", f"Simulated exposure, seed {self.seed}", "Proposal title"),
            ("CATEGORY", "GO", "Program category"),
            ("DATE-OBS", start[:10], "[yyyy-mm-dd] UTC date at start of exposure"),
            ("TIME-OBS", start[11:], "[hh:mm:ss.sss] UTC time at start of exposure"),
            ("DATE-BEG", start, "Date-time start of exposure"),
            ("OBS_ID", "V01234001001P0000000002101", "Programmatic observation identifier"),
            ("VISIT_ID", "01234001001", "Visit identifier"),
            ("PROGRAM", "01234", "Program number"),
            ("OBSERVTN", "001", "Observation number"),
            ("VISIT", "001", "Visit number"),
            ("VISITGRP", "02", "Visit group identifier"),
            ("SEQ_ID", "1", "Parallel sequence identifier"),
            ("ACT_ID", "01", "Activity identifier"),
            ("EXPOSURE", f"{self.number:05d}", "Exposure request number"),
            ("VISITYPE", "PRIME_TARGETED_FIXED", "Visit type"),
            ("VISITSTA", "SUCCESSFUL", "Status of a visit"),
            ("TSOVISIT", self.mode.tso, "Time Series Observation visit indicator"),
            ("TARGPROP", "SIMULATED", "Proposer's name for the target"),
            ("TARG_RA", 202.5, "[deg] Target RA at mid time of exposure"),
            ("TARG_DEC", 10.25, "[deg] Target Dec at mid time of exposure"),
            ("INSTRUME", det.instrument, "Instrument used to acquire the data"),
            ("DETECTOR", det.name, "Name of detector used to acquire the data"),
            *det.cards, *(card for card in self.mode.cards if card[0] not in _SCI_ONLY),
            ("EXP_TYPE", self.mode.exp_type, "Type of data in the exposure"),
            ("EXPSTART", self.start, "[d] exposure start time in MJD"),
            ("EXPMID", self.start + span / 2, "[d] exposure mid time in MJD"),
            ("EXPEND", self.start + span, "[d] exposure end time in MJD"),
            ("READPATT", self.readpatt, "Readout pattern"),
            ("NOUTPUTS", self.window.all_outputs, "Number of detector outputs used"),
            ("NINTS", self._n_ints, "Number of integrations in exposure"),
            ("INTSTART", r.first + 1, "Starting integration number in this segment"),
            ("INTEND", r.first + r.n_ints, "Ending integration number in this segment"),
            ("NGROUPS", r.n_groups, "Number of groups in integration"),
            ("NFRAMES", r.n_frames, "Number of frames per group"),
            ("FRMDIVSR", r.frame_divisor, "Divisor applied to frame-averaged groups"),
            ("GROUPGAP", r.group_gap, "Number of frames dropped between groups"),
            ("DRPFRMS1", 0, "Number of frames dropped prior to 1st integrati"),
            ("NSAMPLES", self.window.instrument.patterns[self.readpatt].n_samples,
             "Number of A/D samples per pixel"),
            ("TSAMPLE", 10.0, "[us] Time between samples"),
            ("TFRAME", r.frame_time, "[s] Time between frames"),
            ("TGROUP", r.group_time, "[s] Time between groups"),
            ("EFFINTTM", r.integration_time, "[s] Effective integration time"),
            ("EFFEXPTM", exposed, "[s] Effective exposure time"),
            ("TMEASURE", exposed, "[s] Measurement time"),
            ("DURATION", span * 86400, "[s] Total duration of exposure"),
            ("NRSTSTRT", 1, "Number of reset frames at start of exposure"),
            ("NRESETS", 1, "Number of reset frames between integrations"),
            ("ZEROFRAM", self.zeroframe is not None, "Zero frame was downlinked separately"),
            ("DATAPROB", False, "Science telemetry indicated a problem"),
            ("SUBARRAY", sub.name, "Subarray used"),
            ("SUBSTRT1", sub.xstart, "Starting pixel in axis 1 direction"),
            ("SUBSTRT2", sub.ystart, "Starting pixel in axis 2 direction"),
            ("SUBSIZE1", self.data.shape[-1], "Number of pixels in axis 1 direction"),
            ("SUBSIZE2", sub.n_rows, "Number of pixels in axis 2 direction"),
            ("FASTAXIS", det.fast_axis, "Fast readout axis direction"),
            ("SLOWAXIS", det.slow_axis, "Slow readout axis direction"),
            ("APERNAME", f"{det.name}_{sub.name}", "S&OC PRD science aperture used"),
            *self._special_cards(),
        ]

    def _sci_cards(self):
        span = self._n_ints * self.period
        exposed = self._n_ints * self.readout.integration_time
        return [
            ("MJD-BEG", self.start, "[d] exposure start time in MJD"),
            ("MJD-AVG", self.start + span / 2, "[d] exposure mid-point in MJD"),
            ("MJD-END", self.start + span, "[d] exposure end time in MJD"),
            ("XPOSURE", exposed, "[s] Effective exposure time"),
            ("RA_V1", 202.6, "[deg] RA of telescope V1 axis"),
            ("DEC_V1", 10.2, "[deg] Dec of telescope V1 axis"),
            ("PA_V3", 33.3, "[deg] Position angle of telescope V3 axis"),
            ("V2_REF", 120.0, "[arcsec] Telescope V2 coord of reference point"),
            ("V3_REF", -520.0, "[arcsec] Telescope V3 coord of reference point"),
            ("VPARITY", -1, "Relative sense of rotation between Ideal xy and"),
            ("V3I_YANG", -0.5, "[deg] Angle from V3 axis to Ideal y axis"),
            ("RA_REF", 202.5, "[deg] Right Ascension of the reference point"),
            ("DEC_REF", 10.25, "[deg] Declination of the reference point"),
            ("ROLL_REF", 33.3, "[deg] V3 roll angle at the ref point (N over E)"),
            *(card for card in self.mode.cards if card[0] in _SCI_ONLY),
        ]

    def _int_times(self):
        rows = np.zeros(self.readout.n_ints, _INT_TIMES)
        number = self.readout.first + np.arange(self.readout.n_ints)
        rows["integration_number"] = number + 1
        begin = self.start + number * self.period
        length = self.readout.integration_time / 86400
        for name, time in (("start", begin), ("mid", begin + length / 2), ("end", begin + length)):
            rows[f"int_{name}_MJD_UTC"] = time
            rows[f"int_{name}_BJD_TDB"] = time + 0.002
        return rows

    def _group_table(self):
        from astropy.time import Time

        r, sub = self.readout, self.window.subarray
        number = r.first * r.n_groups + np.arange(r.n_ints * r.n_groups)
        integration, group = np.divmod(number, r.n_groups)
        end = self.start + integration * self.period + (group + 1) * r.group_time / 86400
        rows = np.zeros(len(number), _GROUP)
        rows["integration_number"], rows["group_number"] = integration + 1, group + 1
        rows["end_day"] = 8800
        rows["end_milliseconds"] = (end % 1) * 86400e3
        rows["group_end_time"] = [t.encode() for t in Time(end, format="mjd").isot]
        rows["number_of_columns"], rows["number_of_rows"] = sub.n_cols, sub.n_rows
        rows["completion_code_text"] = b"COMPLETE"
        rows["bary_end_time"] = rows["helio_end_time"] = end
        return rows


_INT_TIMES = np.dtype([("integration_number", "i4")] + [
    (f"int_{when}_{scale}", "f8")
    for scale in ("MJD_UTC", "BJD_TDB") for when in ("start", "mid", "end")
])
_GROUP = np.dtype([
    ("integration_number", "i4"), ("group_number", "i2"), ("end_day", "i2"),
    ("end_milliseconds", "i4"), ("end_submilliseconds", "i2"), ("group_end_time", "S26"),
    ("number_of_columns", "i2"), ("number_of_rows", "i2"), ("number_of_gaps", "i2"),
    ("completion_code_number", "i2"), ("completion_code_text", "S36"), ("bary_end_time", "f8"),
    ("helio_end_time", "f8"),
])


def truth_path(path):
    """
    Name the truth file of an exposure.

    Parameters
    ----------
    path : path-like
        The exposure.

    Returns
    -------
    Path
        Its sibling ``<root>_truth.npz``.
    """
    path = Path(path)
    return path.with_name(path.stem.removesuffix("_uncal") + "_truth.npz")


def _planes(cube):
    return (plane for integration in cube for plane in integration)


def count(name, value, least, default):
    """
    Check a whole number.

    Parameters
    ----------
    name : str
        What it is.
    value : int, optional
        What was asked for.
    least, default : int
        Smallest value, and the one that stands for None.

    Returns
    -------
    int

    Raises
    ------
    ParameterError
        If it is no whole number, or too small.
    """
    if value is None:
        return default
    if isinstance(value, bool) or int(value) != value or value < least:
        raise ParameterError(f"{name}: {value} where a whole number of at least {least} is needed")
    return int(value)


def choose(what, wanted, known, owner):
    """
    Find a name in any case.

    Parameters
    ----------
    what : str
        What it is the name of.
    wanted : str
        As asked for.
    known : collection of str
        Names that there are.
    owner : str
        What it has to be, for the message.

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        If there is none.
    """
    name = str(wanted).upper()
    if name not in known:
        raise ParameterError(f"{what} '{wanted}' is not {owner}: choose one of {', '.join(known)}")
    return name


def _mode(instrument, subarray, detector, exp_type):
    """The first kind of exposure that fits, and the first detector that takes it."""
    owner = f"simulated for {instrument.name}"
    modes = instrument.modes
    subarray = choose("subarray", subarray, dict.fromkeys(m.subarray for m in modes), owner)
    modes = [m for m in modes if m.subarray == subarray]
    if exp_type is not None:
        exp_type = choose("exposure type", exp_type, dict.fromkeys(m.exp_type for m in modes),
                           f"{owner} {subarray}")
        modes = [m for m in modes if m.exp_type == exp_type]
    pairs = {}
    for mode in modes:
        for one in instrument.takers(mode):
            pairs.setdefault(one.name, (mode, one))
    if detector is None:
        return next(iter(pairs.values()))
    return pairs[choose("detector", detector, pairs, f"{owner} {subarray}")]


def simulate(
    instrument="NIRCAM", subarray="FULL", *, detector=None, exp_type=None, readpatt=None,
    n_ints=None, n_groups=None, segment=None, seed=1, light=None, cosmic_ray_rate=None,
    snowballs=None, showers=None, emi=0.0,
):
    """
    Simulate an exposure.

    Parameters
    ----------
    instrument : str
        Any of JWST's.
    subarray : str
        One of :func:`configurations`.
    detector : str, optional
        By default the first one that has the subarray.
    exp_type : str, optional
        Type of the exposure, where the subarray serves several; by default the first.
    readpatt : str, optional
        Readout pattern; by default the one of :func:`configurations`.
    n_ints, n_groups : int, optional
        Integrations (whole ones, of superstripes), groups; at least 1.
    segment : tuple of int, optional
        Make only part k, from 1, of n files over which the integrations are spread.
    seed : int
        Seed of scene, particles and noise. The detector is always the same.
    light : float32 [row, col], e-/s, optional
        A scene of one's own, or a number for uniform light. Of superstripes, in the window that
        they cover together.
    cosmic_ray_rate : float, optional
        Particles per cm^2 and second.
    snowballs, showers : int, optional
        Large events in the exposure.
    emi : float, DN
        Amplitude of the electromagnetic interference, in MIRI only.

    Returns
    -------
    Exposure

    Raises
    ------
    ParameterError
        If there is no such instrument, subarray, detector, exposure type or readout pattern, or a
        number is out of range.
    """
    machine = INSTRUMENTS[choose("instrument", instrument, INSTRUMENTS, "simulated")]
    chosen, taker = _mode(machine, subarray, detector, exp_type)
    name = _pattern(machine, chosen, readpatt)
    pattern = machine.patterns[name]
    if pattern.speed and pattern.speed not in taker.subarray(chosen.subarray).frame_times:
        raise ParameterError(f"readout pattern '{name}' is not simulated for {chosen.subarray}")
    parts = _windows(taker.name, chosen.subarray, pattern.speed)
    window, n = parts[0], len(parts)
    together = window if n == 1 else striped.assemble(taker.name, window.subarray, pattern.speed)
    seed = count("seed", seed, 0, 1)
    readout = readout_of(window, chosen, readpatt, n_ints, n_groups, segment=segment, parts=n)
    first, last, n_ints = (
        k // n for k in (readout.first, readout.first + readout.n_ints, readout.total))
    if readout.n_groups > 254:
        raise ParameterError(f"n_groups: {n_groups} where at most 254 can be simulated")
    if chosen.guide_star and readout.n_groups != chosen.n_groups:
        raise ParameterError(f"n_groups: {n_groups} where {name} has {chosen.n_groups}")
    light = _light(light, together, seed, chosen)
    if cosmic_ray_rate is None:
        cosmic_ray_rate = chosen.cosmic_ray_rate
    if not 0 <= cosmic_ray_rate < 1e6:
        raise ParameterError(
            f"cosmic_ray_rate: {cosmic_ray_rate} where 0 to 1e6 particles per cm^2 and s are needed"
        )
    if emi and machine.name != "MIRI":
        raise ParameterError(f"emi: {emi} where only MIRI has interference")
    curve = transit(n_ints) if chosen.tso else None
    options = {
        "cosmic_ray_rate": float(cosmic_ray_rate),
        "snowballs": count("snowballs", snowballs, 0, chosen.snowballs),
        "showers": count("showers", showers, 0, chosen.showers),
        "light_curve": None if curve is None else np.repeat(curve, n), "emi": float(emi),
    }
    if n == 1:
        ramp = expose(window, readout, light, seed, **options)
    else:
        ramp = striped.expose_superstripes(parts, together, readout, light, seed, **options)
    truth = Truth(
        rate=light * together.efficiency / together.gain,
        dark_rate=together.dark / together.gain, gain=together.gain,
        cds_noise=together.cds_noise, bad_pixels=together.mask,
        flawed=together.flaw != FLAW["none"], jumps=ramp.jumps,
        saturated_group=ramp.saturated_group, group_time=readout.group_time,
        n_frames=readout.n_frames, light_curve=None if curve is None else curve[first:last],
        gain_factor=window.gain_factor if window.gain_factor != 1 else None,
    )
    refout = _reference_output(window, readout, seed) if machine.name == "MIRI" else None
    exposure = Exposure(ramp.data, ramp.zeroframe, refout, truth, readout, window, chosen, name,
                        seed, segment)
    if chosen.guide_star:
        from jwst_cal.simulate.guide_stars import guide_star

        return guide_star(exposure)
    return exposure


def _pattern(machine, mode, readpatt):
    """Name of the readout pattern asked for, or of the usual one."""
    return choose("readout pattern", readpatt or mode.readpatt, machine.patterns,
                  f"one of {machine.name}'s")


def readout_of(window, mode, readpatt=None, n_ints=None, n_groups=None, *, segment=None, parts=1):
    """
    Make out how an exposure is sampled.

    Parameters
    ----------
    window : Window
        The detector.
    mode : Mode
        Kind of exposure.
    readpatt, n_ints, n_groups, segment : optional
        As for :func:`simulate`.
    parts : int
        Superstripes of an integration.

    Returns
    -------
    Readout

    Raises
    ------
    ParameterError
        If something is not simulated, or out of range.
    """
    pattern = window.instrument.patterns[_pattern(window.instrument, mode, readpatt)]
    n_ints = count("n_ints", n_ints, 1, mode.n_ints)
    first, last = _part(n_ints, segment)
    return Readout(
        (last - first) * parts, count("n_groups", n_groups, 1, mode.n_groups),
        pattern.n_frames, pattern.group_gap, window.frame_time, first * parts, n_ints * parts,
        pattern.pause, pattern.divisor)


def _part(n_ints, segment):
    """First integration of a segment, and the one after its last."""
    if segment is None:
        return 0, n_ints
    number, parts = segment
    if not 1 <= number <= parts <= n_ints:
        raise ParameterError(f"segment: {number} of {parts} where {n_ints} integrations are shared")
    return n_ints * (number - 1) // parts, n_ints * number // parts


def _light(light, window, seed, mode):
    """The light asked for, or the scene of the kind of exposure."""
    if light is None:
        return _scene(window, seed, mode)
    light = np.asarray(light, np.float32)
    if light.shape not in ((), window.shape) or not (light >= 0).all():
        raise ParameterError(
            f"light: shape {light.shape} where {window.shape} and no negative value is needed"
        )
    return np.broadcast_to(light, window.shape)


def _scene(window, seed, mode):
    if isinstance(window, striped.StripedWindow):
        return window.take(_scene(window.whole, seed, mode))
    shape = window.shape
    options = {name: getattr(mode, name)
               for name in ("sky", "stars", "faintest", "brightest", "fwhm")}
    if mode.scene == "field":
        return scene(shape, seed, **options)
    if mode.scene == "soss":
        first_row = window.subarray.ystart - 1 - soss.FIRST_ROW
        return soss_spectra(shape, first_row, seed, **options)
    return spectra(shape, seed, along=mode.scene, **options)


@functools.lru_cache(maxsize=1)
def _windows(detector, subarray, speed):
    return striped.windows(detector, subarray, speed)


def _reference_output(window, readout, seed):
    """MIRI's fifth output, which sees no pixel: as many values as one of the other four."""
    n_rows, n_cols = window.shape
    shape = (readout.total, readout.n_groups, n_rows, n_cols // 4)
    noise = stream(seed, "reference output").standard_normal(shape, dtype=np.float32)
    noise = noise[readout.first : readout.first + readout.n_ints]
    noise *= 6
    noise += np.float32(window.detector.bias)
    return noise.astype(np.uint16)
