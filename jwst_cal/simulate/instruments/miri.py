"""MIRI: the imager, full frame and subarrays."""

from jwst_cal.simulate.instruments._parts import (
    Instrument,
    Mode,
    Pattern,
    Properties,
    Rule,
    Subarray,
)

_IMAGER = Properties(
    instrument="MIRI", name="MIRIMAGE", shape=(1024, 1032), fast_axis=1, slow_axis=2,
    border=(0, 0, 4, 4), gain=3.1, read_noise=18.0, common_noise=6.0, output_noise=4.0,
    reset_noise=0.0, bias=7800.0, bias_in_well=True, dark=0.2, saturation=57500.0,
    full_well=60000.0, curvature=(0.030, 0.030, 0.015), pixel_um=25.0,
    subarrays=(
        Subarray("FULL", 1, 1, 1032, 1024, 4, 2.77504, dark_frames=22),
        Subarray("SUB256", 413, 51, 256, 256, 4, 0.29952),
        Subarray("SUB64", 1, 779, 72, 64, 4, 0.08512, dark_frames=52),
    ),
)

_IMAGE = {"exp_type": "MIR_IMAGE", "cards": (("FILTER", "F770W"),)}

INSTRUMENT = Instrument(
    name="MIRI",
    detectors=(_IMAGER,),
    patterns={"FASTR1": Pattern(1, 0)},
    modes=(
        Mode("FULL", readpatt="FASTR1", n_ints=2, n_groups=20, sky=38.0, stars=370, faintest=60.0,
             brightest=3e5, fwhm=2.5, cosmic_ray_rate=4.5, showers=4, **_IMAGE),
        Mode("SUB256", readpatt="FASTR1", n_ints=2, n_groups=12, sky=60.0, stars=30,
             faintest=200.0, brightest=6e5, fwhm=2.5, cosmic_ray_rate=100.0, showers=1, **_IMAGE),
        Mode("SUB64", readpatt="FASTR1", n_ints=3, n_groups=12, sky=150.0, stars=4, faintest=5e4,
             brightest=2e6, fwhm=2.5, cosmic_ray_rate=2500.0, **_IMAGE),
    ),
    references={
        "mask": Rule("DETECTOR SUBARRAY"),
        "saturation": Rule("DETECTOR"),
        "linearity": Rule("DETECTOR SUBARRAY BAND* FILTER*"),
        "gain": Rule("DETECTOR SUBARRAY"),
        "readnoise": Rule("DETECTOR READPATT* SUBARRAY"),
        "dark": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        "reset": Rule("DETECTOR SUBARRAY READPATT*", own="subarray"),
        "rscd": Rule("DETECTOR"),
    },
)
