"""NIRCam: detector A1, full frame and subarrays."""

from jwst_cal.simulate.instruments._parts import (
    Instrument,
    Mode,
    Pattern,
    Properties,
    Rule,
    Subarray,
)

_SUBARRAYS = (
    Subarray("FULL", 1, 1, 2048, 2048, 4, 10.73677, dark_frames=22),
    # a corner, with reference pixels on two sides, and two windows without any
    Subarray("SUB320", 1, 1, 320, 320, 1, 1.06904),
    Subarray("SUB160", 945, 945, 160, 160, 1, 0.27864),
    Subarray("SUB64P", 993, 993, 64, 64, 1, 0.05016, dark_frames=40),
)

_A1 = Properties(
    instrument="NIRCAM", name="NRCA1", shape=(2048, 2048), fast_axis=-1, slow_axis=2,
    border=(4, 4, 4, 4), gain=2.05, read_noise=7.3, common_noise=5.0, output_noise=2.0,
    reset_noise=14.0, bias=9800.0, bias_in_well=False, dark=0.004, saturation=50500.0,
    full_well=52800.0, curvature=(0.021, 0.012, 0.034), pixel_um=18.0, subarrays=_SUBARRAYS,
    cards=(("MODULE", "A"), ("CHANNEL", "SHORT")),
)

_IMAGE = {"exp_type": "NRC_IMAGE", "cards": (("FILTER", "F200W"), ("PUPIL", "CLEAR"))}

INSTRUMENT = Instrument(
    name="NIRCAM",
    detectors=(_A1,),
    patterns={
        "RAPID": Pattern(1, 0), "BRIGHT1": Pattern(1, 1), "BRIGHT2": Pattern(2, 0),
        "SHALLOW2": Pattern(2, 3), "SHALLOW4": Pattern(4, 1), "MEDIUM2": Pattern(2, 8),
        "MEDIUM8": Pattern(8, 2), "DEEP2": Pattern(2, 18), "DEEP8": Pattern(8, 12),
    },
    modes=(
        Mode("FULL", readpatt="BRIGHT2", n_ints=1, n_groups=10, sky=1.0, stars=1000, faintest=8.0,
             brightest=2e5, fwhm=2.2, cosmic_ray_rate=4.5, snowballs=6, **_IMAGE),
        Mode("SUB320", readpatt="RAPID", n_ints=2, n_groups=8, sky=6.0, stars=60, faintest=60.0,
             brightest=3e5, fwhm=2.2, cosmic_ray_rate=100.0, snowballs=2, **_IMAGE),
        Mode("SUB160", readpatt="RAPID", n_ints=2, n_groups=8, sky=15.0, stars=15, faintest=200.0,
             brightest=8e5, fwhm=2.2, cosmic_ray_rate=400.0, **_IMAGE),
        Mode("SUB64P", readpatt="RAPID", n_ints=2, n_groups=8, sky=60.0, stars=4, faintest=5e4,
             brightest=3e6, fwhm=2.2, cosmic_ray_rate=5000.0, **_IMAGE),
    ),
    references={
        "mask": Rule("DETECTOR SUBARRAY"),
        "saturation": Rule("DETECTOR"),
        "superbias": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        "linearity": Rule("DETECTOR SUBARRAY"),
        "gain": Rule("DETECTOR SUBARRAY"),
        "readnoise": Rule("DETECTOR READPATT* SUBARRAY"),
        "dark": Rule("DETECTOR EXP_TYPE* NOUTPUTS* SUBARRAY", own="subarray"),
    },
)
