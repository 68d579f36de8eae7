"""What an instrument's file is made of. Leaf: imports nothing of the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jwst_cal.errors import ParameterError
from jwst_cal.framework.stripes import Keywords

__all__ = ["TRAPS", "Filter", "Instrument", "Mode", "Pattern", "Properties", "Rule", "Subarray",
           "darkness", "imaging"]


class Pattern(NamedTuple):
    """
    A readout pattern: frames averaged and dropped per group.

    `speed` names a way to clock the detector that has frame times, and hence darks, of its own.
    """

    n_frames: int
    group_gap: int
    speed: str = ""
    #: A/D samples of a pixel.
    n_samples: int = 1
    #: Frames not kept between the first half of the groups and the second one.
    pause: int = 0
    #: What the sum of the frames is divided by on board; by default their number.
    divisor: int | None = None


@dataclass(frozen=True)
class Subarray:
    """A named cut of a detector: first column and row (from 1), size, outputs, seconds a frame."""

    name: str
    xstart: int
    ystart: int
    n_cols: int
    n_rows: int
    n_outputs: int
    frame_time: float
    #: Frames in its dark: those of the default exposure, and some more.
    dark_frames: int = 24
    #: Seconds a frame at the speeds that are not the first one.
    frame_times: Mapping[str, float] = field(default_factory=dict, hash=False)
    #: Whether it has reference files of its own, where a type has one for each.
    has_files: bool = True
    #: How it is read in several stripes; the start along the slow axis is that of the readout.
    stripes: Keywords | None = None


@dataclass(frozen=True)
class Properties:
    """What is known of a detector; charge in e-, levels in DN, times in s."""

    instrument: str
    name: str
    shape: tuple[int, int]
    fast_axis: int
    slow_axis: int
    #: Width of the reference-pixel border: bottom, top, left, right.
    border: tuple[int, int, int, int]
    gain: float
    read_noise: float
    #: Row-correlated noise in e-, common to all outputs and of each output alone.
    common_noise: float
    output_noise: float
    reset_noise: float
    bias: float
    #: Whether the bias passes through the non-linear stage (it stays in the ramp to the end).
    bias_in_well: bool
    dark: float
    #: Level above the bias at which a pixel counts as saturated, and where it stops.
    saturation: float
    full_well: float
    #: Coefficients of DN^2, DN^3, DN^4 in units of SCALE.
    curvature: tuple[float, float, float]
    pixel_um: float
    subarrays: tuple[Subarray, ...]
    #: Keywords that the detector gives an exposure: name, value.
    cards: tuple[tuple[str, Any], ...] = ()
    #: Factor on the gain in subarrays (GAINFACT).
    subarray_gain: float = 1.0
    #: Whether its linearity file tells the way back, too (INV_COEFFS).
    inverse_linearity: bool = False
    #: Share of its signal that a pixel shows in each of its four neighbours.
    ipc: float = 0.0
    #: Aperture of the whole detector, if it takes images; see ``pointing.siaf``.
    aperture: str = ""

    def subarray(self, name):
        """
        Find a subarray.

        Parameters
        ----------
        name : str
            Its name, in any case.

        Returns
        -------
        Subarray

        Raises
        ------
        ParameterError
            If the detector has none of that name.
        """
        for sub in self.subarrays:
            if sub.name == name.upper():
                return sub
        known = ", ".join(s.name for s in self.subarrays)
        raise ParameterError(
            f"subarray '{name}' is not simulated for {self.instrument}: choose one of {known}"
        )


@dataclass(frozen=True)
class Mode:
    """
    One kind of exposure: a subarray's keywords, and what it has by default.

    Small subarrays get more particles than space has.
    """

    subarray: str
    exp_type: str
    readpatt: str
    n_ints: int
    n_groups: int
    #: Of the scene: stars, or spectra, and how many; see ``scenes``.
    sky: float
    stars: int
    faintest: float
    brightest: float
    fwhm: float
    cosmic_ray_rate: float
    snowballs: int = 0
    showers: int = 0
    #: ``field`` of stars, spectra along ``rows`` or ``columns``, or ``soss``.
    scene: str = "field"
    #: A time series: the light dims in the middle of the exposure.
    tso: bool = False
    #: Taken of a guide star, in a format of its own.
    guide_star: bool = False
    #: Keywords of the optics: name, value.
    cards: tuple[tuple[str, Any], ...] = ()
    #: Detectors that take it; by default all of the instrument that have the subarray.
    detectors: tuple[str, ...] = ()


def darkness(subarray, exp_type, readpatt, n_ints, n_groups, **options):
    """
    Describe exposures that see no light.

    Parameters
    ----------
    subarray, exp_type, readpatt, n_ints, n_groups
        As for Mode.
    **options
        More of it.

    Returns
    -------
    Mode
    """
    return Mode(subarray, exp_type, readpatt, n_ints, n_groups, sky=0.0, stars=0, faintest=1.0,
                brightest=1.0, fwhm=2.0, cosmic_ray_rate=100.0, **options)


class Filter(NamedTuple):
    """What a filter does to an image."""

    filter: str
    pupil: str
    #: MJy/sr for 1 DN/s.
    photmjsr: float
    #: Full width at half maximum of a star, pixel.
    fwhm: float
    #: Columns and rows by which it shifts the image.
    offset: tuple[float, float] = (0.0, 0.0)
    #: Magnitude of AB zero in the system of Vega, taken from zero.
    ab_vega: float = 0.0
    #: Detectors that have it; by default all.
    detectors: tuple[str, ...] = ()

    @property
    def cards(self):
        """Keywords that it gives an exposure: name, value."""
        pairs = (("FILTER", self.filter), ("PUPIL", self.pupil))
        return tuple(pair for pair in pairs if pair[1])


class Rule(NamedTuple):
    """
    How the files of one reference type are told apart.

    `keywords` are those of the CRDS rule, in its order; a star marks one whose value does not
    matter here. `own` says what has a file of its own: the ``instrument``, each ``channel`` of a
    module (NIRCam), each ``detector`` (cut by the steps to what they need) or each
    ``subarray``; if READPATT matters, at each speed.
    """

    keywords: str
    own: str = "detector"
    extension: str = "fits"
    #: The only speeds that have it; by default all.
    speeds: tuple[str, ...] | None = None
    #: Exposure types that have it, if EXP_TYPE matters.
    exp_types: tuple[str, ...] = ()
    #: The only detectors that have it; by default all.
    detectors: tuple[str, ...] = ()


#: Of the trap model of persistence.
TRAPS = {name: Rule("DETECTOR") for name in ("trapdensity", "trappars", "persat")}


def _own(keywords):
    words = keywords.split()
    return "detector" if "DETECTOR" in words else "channel" if "CHANNEL" in words else "instrument"


def imaging(exp_types, *, detectors=(), keywords):
    """
    Describe the reference files of images.

    Parameters
    ----------
    exp_types : tuple of str
        Exposure types of images.
    detectors : tuple of str
        Detectors that take them; by default all.
    keywords : dict of str
        Of the rules, by type.

    Returns
    -------
    dict of Rule
        By type; those of tables, with all filters, are one file for the instrument.
    """
    common = {"filteroffset": "asdf", "apcorr": "fits", "abvegaoffset": "asdf"}
    return {name: Rule(words, own=_own(words) if name in common else "detector",
                       extension=common.get(name, "asdf" if name == "distortion" else "fits"),
                       exp_types=exp_types, detectors=detectors)
            for name, words in keywords.items()}


@dataclass(frozen=True)
class Instrument:
    """Detectors, readout patterns, kinds of exposures and reference files of an instrument."""

    name: str
    #: The first one is the default.
    detectors: tuple[Properties, ...]
    #: The first one of each speed is the one of its darks.
    patterns: Mapping[str, Pattern]
    #: Of those that fit a request, the first one is taken.
    modes: tuple[Mode, ...]
    references: Mapping[str, Rule]
    #: Whether the first frame is sent down where frames are averaged.
    zero_frame: bool = False
    #: Filters of images; the first one that a detector has is its default.
    filters: tuple[Filter, ...] = ()
    #: Gratings that have files of their own, where GRATING matters.
    gratings: tuple[str, ...] = ()

    def filters_of(self, detector):
        """
        List the filters that a detector has.

        Parameters
        ----------
        detector : str
            Its name.

        Returns
        -------
        list of Filter
        """
        return [f for f in self.filters if detector in (f.detectors or [detector])]

    def takers(self, mode):
        """
        List the detectors that take a kind of exposure.

        Parameters
        ----------
        mode : Mode
            One of the instrument's.

        Returns
        -------
        list of Properties
        """
        return [d for d in self.detectors if d.name in (mode.detectors or [d.name])
                and any(sub.name == mode.subarray for sub in d.subarrays)]
