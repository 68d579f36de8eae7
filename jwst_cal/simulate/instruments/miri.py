"""MIRI: imager with its subarrays, coronagraphs and slitless spectrograph; the MRS's detectors."""

from typing import Any

from jwst_cal.simulate.instruments._parts import (
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

_FULL = Subarray("FULL", 1, 1, 1032, 1024, 4, 2.77504, dark_frames=22,
                 frame_times={"SLOW": 23.88992})


def _detector(name, subarrays, gain=3.1, **options):
    return Properties(
        instrument="MIRI", name=name, shape=(1024, 1032), fast_axis=1, slow_axis=2,
        border=(0, 0, 4, 4), gain=gain, read_noise=18.0, common_noise=6.0, output_noise=4.0,
        reset_noise=0.0, bias=7800.0, bias_in_well=True, dark=0.2, saturation=57500.0,
        full_well=60000.0, curvature=(0.030, 0.030, 0.015), pixel_um=25.0, subarrays=subarrays,
        **options,
    )


_IMAGE: dict[str, Any] = {"exp_type": "MIR_IMAGE", "cards": (("FILTER", "F770W"),)}
_MRS: dict[str, Any] = {
        "subarray": "FULL", "exp_type": "MIR_MRS", "readpatt": "FASTR1", "n_ints": 2,
        "n_groups": 8, "scene": "columns", "faintest": 2.0, "brightest": 200.0, "fwhm": 6.0,
        "cosmic_ray_rate": 4.5, "showers": 2}

INSTRUMENT = Instrument(
    name="MIRI",
    detectors=(
        _detector("MIRIMAGE", (
            _FULL,
            Subarray("SUB256", 413, 51, 256, 256, 4, 0.29952),
            Subarray("SUB64", 1, 779, 72, 64, 4, 0.08512, dark_frames=52),
            Subarray("SLITLESSPRISM", 1, 529, 72, 416, 4, 0.15904, dark_frames=16),
            Subarray("MASK1550", 1, 463, 288, 224, 4, 0.23968, dark_frames=16),
        ), aperture="MIRIM_FULL"),
        _detector("MIRIFUSHORT", (_FULL,)),
        _detector("MIRIFULONG", (_FULL,)),
    ),
    patterns={"FASTR1": Pattern(1, 0), "SLOWR1": Pattern(1, 0, "SLOW", n_samples=9)},
    modes=(
        Mode("FULL", readpatt="FASTR1", n_ints=2, n_groups=20, sky=38.0, stars=370, faintest=60.0,
             brightest=3e5, fwhm=2.5, cosmic_ray_rate=4.5, showers=4, detectors=("MIRIMAGE",),
             **_IMAGE),
        Mode("SUB256", readpatt="FASTR1", n_ints=2, n_groups=12, sky=60.0, stars=30,
             faintest=200.0, brightest=6e5, fwhm=2.5, cosmic_ray_rate=100.0, showers=1, **_IMAGE),
        Mode("SUB64", readpatt="FASTR1", n_ints=3, n_groups=12, sky=150.0, stars=4, faintest=5e4,
             brightest=2e6, fwhm=2.5, cosmic_ray_rate=2500.0, **_IMAGE),
        Mode("FULL", "MIR_LRS-FIXEDSLIT", "FASTR1", 1, 20, sky=20.0, stars=1, faintest=3e3,
             brightest=3e3, fwhm=4.0, cosmic_ray_rate=4.5, showers=2, scene="columns",
             detectors=("MIRIMAGE",), cards=(("FILTER", "P750L"),)),
        Mode("SLITLESSPRISM", "MIR_LRS-SLITLESS", "FASTR1", 5, 12, sky=100.0, stars=1,
             faintest=6e4, brightest=6e4, fwhm=4.0, cosmic_ray_rate=200.0, scene="columns",
             tso=True, cards=(("FILTER", "P750L"),)),
        Mode("MASK1550", "MIR_4QPM", "FASTR1", 2, 12, sky=60.0, stars=10, faintest=200.0,
             brightest=5e4, fwhm=4.0, cosmic_ray_rate=100.0,
             cards=(("FILTER", "F1550C"), ("CORONMSK", "4QPM_1550"))),
        Mode(sky=10.0, stars=21, detectors=("MIRIFUSHORT",),
             cards=(("CHANNEL", "12"), ("BAND", "SHORT")), **_MRS),
        Mode(sky=60.0, stars=16, detectors=("MIRIFULONG",),
             cards=(("CHANNEL", "34"), ("BAND", "SHORT")), **_MRS),
        darkness("FULL", "MIR_DARKMRS", "FASTR1", 2, 10, detectors=("MIRIFUSHORT", "MIRIFULONG")),
        darkness("FULL", "MIR_DARKIMG", "FASTR1", 2, 10, detectors=("MIRIMAGE",),
                 cards=(("FILTER", "OPAQUE"),)),
        darkness("SUB64", "MIR_DARKIMG", "FASTR1", 3, 12, cards=(("FILTER", "OPAQUE"),)),
    ),
    filters=(
        Filter("F770W", "", 0.27, 2.5, (0.0, 0.0), 4.38, ("MIRIMAGE",)),
        Filter("F560W", "", 0.42, 2.5, (0.19, -0.07), 3.73, ("MIRIMAGE",)),
        Filter("F1000W", "", 0.43, 2.8, (-0.14, 0.11), 4.95, ("MIRIMAGE",)),
    ),
    references={
        "mask": Rule("DETECTOR SUBARRAY"),
        "saturation": Rule("DETECTOR"),
        "linearity": Rule("DETECTOR SUBARRAY BAND* FILTER*"),
        "gain": Rule("DETECTOR SUBARRAY"),
        "readnoise": Rule("DETECTOR READPATT* SUBARRAY"),
        "dark": Rule("DETECTOR READPATT SUBARRAY", own="subarray"),
        "reset": Rule("DETECTOR SUBARRAY READPATT", own="subarray"),
        "rscd": Rule("DETECTOR"),
        "emicorr": Rule("", own="instrument", extension="asdf"),
        **imaging(("MIR_IMAGE", "MIR_TACONFIRM"), detectors=("MIRIMAGE",), keywords={
            "distortion": "DETECTOR EXP_TYPE CHANNEL* BAND*", "filteroffset": "DETECTOR EXP_TYPE",
            "flat": "DETECTOR FILTER* BAND* READPATT* SUBARRAY", "photom": "DETECTOR BAND*",
            "area": "DETECTOR FILTER* EXP_TYPE", "apcorr": "EXP_TYPE", "abvegaoffset": "EXP_TYPE",
        }),
    },
)
