"""NIRCam: ten detectors; imaging in full frame and subarrays, grism time series, darks."""

from dataclasses import replace

from jwst_cal.framework.stripes import Keywords
from jwst_cal.simulate.instruments._parts import (
    TRAPS,
    Filter,
    Instrument,
    Mode,
    Pattern,
    Properties,
    Rule,
    Subarray,
    darkness,
    imaging,
)


def _window(name, xstart, ystart, size, **options):
    """A square subarray read by one output."""
    return Subarray(name, xstart, ystart, size, size, 1,
                    round((size + 12) * (size + 2) * 1e-5, 5), **options)


_FULL = Subarray("FULL", 1, 1, 2048, 2048, 4, 10.73677, dark_frames=22)
#: Rows at the edge of the long-wave detectors, in which the grism's spectrum lies.
_GRISM = Subarray("SUBGRISM64", 1, 1, 2048, 64, 4, 0.34061, dark_frames=12)

def _stripes(n, rows, keywords):
    """A subarray of stripes for the Dispersed Hartmann Sensor; each has a reference row."""
    size = n * (1 + rows)
    return Subarray(f"SUB{size}STRIPE{n}_DHS", 1, 1, 2048, size, 4,
                    round((524 * (size + 1) + 1) * 1e-5, 5), dark_frames=12,
                    stripes=Keywords(*keywords))


#: Stripes along the short-wave detectors; on the long-wave ones, one stripe again and again.
_DHS = (_stripes(1, 40, (1, 1901, 40, 0, 1, 1)), _stripes(2, 40, (1, 1662, 40, 82, 1, 1)),
        _stripes(4, 40, (1, 1526, 40, 85, 1, 1)), _stripes(4, 64, (1, 1490, 64, 61, 1, 1)))
_DHS_BACKWARDS = tuple(replace(sub, ystart=2048) for sub in _DHS)
_DHS_LONG = (_stripes(1, 40, (1, 971, 40, 0, 1, 0)), _stripes(2, 40, (1, 971, 40, 0, 1, 0)),
             _stripes(4, 40, (1, 971, 40, 0, 1, 0)), _stripes(4, 64, (1, 959, 64, 0, 1, 0)))
#: SUB64P in eight superstripes of eight rows; in two, each with a reference row.
_SUPERSTRIPES = (
    Subarray("SUB64P_SUPSTP008", 993, 1, 64, 8, 1, 0.0076, dark_frames=12,
             stripes=Keywords(skips1=992, step=8, superstripes=8)),
    Subarray("SUB64P_SUPSTP032", 993, 1, 64, 33, 1, 0.0266, dark_frames=12,
             stripes=Keywords(reads1=1, skips1=991, reads2=32, repeat=1, step=32, superstripes=2)),
)

#: Of A1 a corner, with reference pixels on two sides, and two windows without any: not where they
#: are on the real detector. The others are.
_A1 = (_FULL, _window("SUB320", 1, 1, 320), _window("SUB160", 945, 945, 160),
       _window("SUB64P", 993, 993, 64, dark_frames=40), *_DHS, *_SUPERSTRIPES)


def _subarrays(x160, y160, x320, y320, point=None):
    """The subarrays of a detector, from the corners of SUB160, SUB320 and SUB64P."""
    made = (_FULL, _window("SUB320", x320, y320, 320), _window("SUB160", x160, y160, 160))
    return (*made, _window("SUB64P", *point, 64, dark_frames=40)) if point else made


def _detector(name, fast, slow, subarrays, gain=2.05):
    """A detector; the short-wave ones are alike, and so are the two long-wave ones."""
    long = name.endswith("LONG")
    noise, dark, saturation, full_well = (
        (9.1, 0.03, 51800.0, 54100.0) if long else (7.3, 0.004, 50500.0, 52800.0))
    return Properties(
        instrument="NIRCAM", name=name, shape=(2048, 2048), fast_axis=fast, slow_axis=slow,
        border=(4, 4, 4, 4), gain=1.84 if long else gain, read_noise=noise, dark=dark,
        saturation=saturation, full_well=full_well, common_noise=5.0, output_noise=2.0,
        reset_noise=14.0, bias=9800.0, bias_in_well=False, curvature=(0.021, 0.012, 0.034),
        pixel_um=18.0, subarrays=subarrays,
        cards=(("MODULE", name[3]), ("CHANNEL", "LONG" if long else "SHORT")),
        aperture=f"NRC{name[3]}{5 if long else name[4]}_FULL",
    )


_LONG = ("NRCALONG", "NRCBLONG")
_SHORT = ("NRCA1", "NRCA2", "NRCA3", "NRCA4", "NRCB1", "NRCB2", "NRCB3", "NRCB4")


def _images(detectors, filter_name):
    """Imaging in each subarray."""
    options = {"detectors": detectors, "cards": (("FILTER", filter_name), ("PUPIL", "CLEAR")),
               "fwhm": 2.2}
    yield Mode("FULL", "NRC_IMAGE", "BRIGHT2", 1, 10, sky=1.0, stars=1000, faintest=8.0,
               brightest=2e5, cosmic_ray_rate=4.5, snowballs=6, **options)
    yield Mode("SUB320", "NRC_IMAGE", "RAPID", 2, 8, sky=6.0, stars=60, faintest=60.0,
               brightest=3e5, cosmic_ray_rate=100.0, snowballs=2, **options)
    yield Mode("SUB160", "NRC_IMAGE", "RAPID", 2, 8, sky=15.0, stars=15, faintest=200.0,
               brightest=8e5, cosmic_ray_rate=400.0, **options)
    yield Mode("SUB64P", "NRC_IMAGE", "RAPID", 2, 8, sky=60.0, stars=4, faintest=5e4,
               brightest=3e6, cosmic_ray_rate=5000.0, **options)


#: Filter, MJy/sr for 1 DN/s, width, offset, Vega.
_FILTERS = (
    *(Filter(name, "CLEAR", photmjsr, 2.2, offset, vega, _SHORT)
      for name, photmjsr, offset, vega in (
          ("F200W", 1.93, (0.31, -0.17), 1.69), ("F115W", 2.76, (-0.08, 0.22), 0.76),
          ("F150W", 2.17, (0.14, 0.09), 1.24), ("F210M", 4.61, (0.27, -0.12), 1.83))),
    *(Filter(name, "CLEAR", photmjsr, 2.2, offset, vega, _LONG)
      for name, photmjsr, offset, vega in (
          ("F356W", 0.41, (-0.11, 0.06), 2.91), ("F277W", 0.47, (0.05, 0.13), 2.33),
          ("F444W", 0.38, (-0.19, -0.04), 3.24))),
)


def _spectra(detectors, subarrays, filter_name, pupil):
    """Time series of spectra in stripes."""
    for sub in subarrays:
        yield Mode(sub.name, "NRC_TSGRISM", "RAPID", 3, 5, sky=2.0, stars=80, faintest=300.0,
                   brightest=2e4, fwhm=2.2, cosmic_ray_rate=20.0, scene="rows", tso=True,
                   detectors=detectors, cards=(("FILTER", filter_name), ("PUPIL", pupil)))


_IMAGING = imaging(("NRC_IMAGE", "NRC_TSIMAGE", "NRC_FOCUS", "NRC_TACONFIRM"), keywords={
    "distortion": "DETECTOR EXP_TYPE CHANNEL* FILTER* PUPIL*",
    "filteroffset": "CHANNEL MODULE", "area": "DETECTOR FILTER* PUPIL* EXP_TYPE",
    "apcorr": "EXP_TYPE", "abvegaoffset": "EXP_TYPE",
})


INSTRUMENT = Instrument(
    name="NIRCAM",
    zero_frame=True,
    detectors=(
        _detector("NRCA1", -1, 2, _A1),
        _detector("NRCA2", 1, -2, (*_subarrays(1889, 1, 1729, 1), *_DHS_BACKWARDS), gain=2.02),
        _detector("NRCA3", -1, 2, _subarrays(1, 1889, 1, 1729, (1, 101)), gain=2.17),
        _detector("NRCA4", 1, -2, _subarrays(1, 1, 1, 1, (1812, 1778)), gain=2.02),
        _detector("NRCALONG", -1, 2,
                  (*_subarrays(945, 945, 865, 865, (1935, 1911)), _GRISM, *_DHS_LONG)),
        _detector("NRCB1", 1, -2, _subarrays(1, 1, 1, 1, (1851, 1817)), gain=2.01),
        _detector("NRCB2", -1, 2, _subarrays(1, 1889, 1, 1729), gain=2.14),
        _detector("NRCB3", 1, -2, _subarrays(1889, 1, 1729, 1), gain=1.94),
        _detector("NRCB4", -1, 2, _subarrays(1889, 1889, 1729, 1729), gain=2.03),
        _detector("NRCBLONG", 1, -2,
                  (*_subarrays(933, 941, 853, 861, (1944, 1931)), _GRISM)),
    ),
    patterns={
        "RAPID": Pattern(1, 0), "BRIGHT1": Pattern(1, 1), "BRIGHT2": Pattern(2, 0),
        "SHALLOW2": Pattern(2, 3), "SHALLOW4": Pattern(4, 1), "MEDIUM2": Pattern(2, 8),
        "MEDIUM8": Pattern(8, 2), "DEEP2": Pattern(2, 18), "DEEP8": Pattern(8, 12),
    },
    modes=(
        *_images(_SHORT, "F200W"),
        *_images(_LONG, "F356W"),
        Mode("SUBGRISM64", "NRC_TSGRISM", "RAPID", 4, 6, sky=2.0, stars=1, faintest=2e4,
             brightest=2e4, fwhm=2.2, cosmic_ray_rate=50.0, scene="rows", tso=True,
             cards=(("FILTER", "F444W"), ("PUPIL", "GRISMR"), ("XOFFSET", 0.0), ("YOFFSET", 0.0),
                    ("XREF_SCI", 887.0), ("YREF_SCI", 33.0))),
        *(darkness(subarray, "NRC_DARK", "RAPID", 2, 8,
                   cards=(("FILTER", "F200W"), ("PUPIL", "FLAT")))
          for subarray in ("FULL", "SUB160")),
        *_spectra(_SHORT, _DHS, "F150W2", "GDHS0"),
        *_spectra(_LONG, _DHS_LONG, "F322W2", "GRISMR"),
        *(Mode(sub.name, "NRC_IMAGE", "RAPID", 2, 6, sky=60.0, stars=4, faintest=5e4,
               brightest=3e6, fwhm=2.2, cosmic_ray_rate=5000.0,
               cards=(("FILTER", "F200W"), ("PUPIL", "CLEAR"))) for sub in _SUPERSTRIPES),
        Mode("SUB64P", "NRC_TSIMAGE", "RAPID", 24, 6, sky=2.0, stars=1, faintest=5e5,
             brightest=5e5, fwhm=2.2, cosmic_ray_rate=100.0, tso=True, detectors=("NRCB1",),
             cards=(("FILTER", "F210M"), ("PUPIL", "CLEAR"))),
    ),
    filters=_FILTERS,
    references={
        "mask": Rule("DETECTOR SUBARRAY"),
        "saturation": Rule("DETECTOR"),
        "superbias": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        "linearity": Rule("DETECTOR SUBARRAY"),
        "gain": Rule("DETECTOR SUBARRAY"),
        "readnoise": Rule("DETECTOR READPATT* SUBARRAY"),
        "sirskernel": Rule("", own="instrument", extension="asdf"),
        "dark": Rule("DETECTOR EXP_TYPE* NOUTPUTS* SUBARRAY", own="subarray"),
        **TRAPS,
        "flat": Rule("DETECTOR FILTER* PUPIL*"),
        "photom": Rule("DETECTOR"),
        **_IMAGING,
        "distortion": _IMAGING["distortion"]._replace(
            exp_types=(*_IMAGING["distortion"].exp_types, "NRC_TSGRISM")),
        "specwcs": Rule("DETECTOR EXP_TYPE PUPIL* FILTER*", extension="asdf",
                        exp_types=("NRC_TSGRISM",), detectors=("NRCALONG",)),
        "wavelengthrange": Rule("EXP_TYPE", own="instrument", extension="asdf",
                                exp_types=("NRC_TSGRISM",)),
        "extract1d": Rule("EXP_TYPE", own="instrument", extension="json",
                          exp_types=("NRC_TSGRISM",)),
    },
)
