"""FGS: images of the two guiders."""

from jwst_cal.simulate.instruments._parts import (
    TRAPS,
    Instrument,
    Mode,
    Pattern,
    Properties,
    Rule,
    Subarray,
)


def _guider(number, fast, slow, gain, subarrays):
    return Properties(
        instrument="FGS", name=f"GUIDER{number}", shape=(2048, 2048), fast_axis=fast,
        slow_axis=slow, border=(4, 4, 4, 4), gain=gain, read_noise=8.5, common_noise=6.0,
        output_noise=2.0, reset_noise=16.0, bias=10500.0, bias_in_well=False, dark=0.02,
        saturation=51000.0, full_well=53000.0, curvature=(0.020, 0.012, 0.030), pixel_um=18.0,
        ipc=0.006,
        subarrays=(Subarray("FULL", 1, 1, 2048, 2048, 4, 10.73677, dark_frames=22), *subarrays),
    )


def _window(name, xstart, ystart, size):
    return Subarray(name, xstart, ystart, size, size, 1,
                    round((size + 12) * (size + 2) * 1e-5, 5))


_IMAGE = {"exp_type": "FGS_IMAGE", "readpatt": "FGSRAPID", "fwhm": 2.2}

INSTRUMENT = Instrument(
    name="FGS",
    detectors=(
        _guider(1, -2, -1, 1.95, (_window("SUB128LL", 1921, 1921, 128),
                                  _window("SUB128CNTR", 961, 961, 128))),
        _guider(2, 2, -1, 1.81, (_window("SUB128LL", 1921, 1, 128),
                                 _window("SUB128CNTR", 961, 961, 128))),
    ),
    patterns={"FGSRAPID": Pattern(1, 0), "FGS": Pattern(2, 2)},
    modes=(
        Mode("FULL", n_ints=1, n_groups=5, sky=2.0, stars=900, faintest=10.0, brightest=2e5,
             cosmic_ray_rate=4.5, snowballs=5, **_IMAGE),
        Mode("SUB128LL", n_ints=2, n_groups=8, sky=15.0, stars=10, faintest=300.0,
             brightest=1e6, cosmic_ray_rate=400.0, **_IMAGE),
        Mode("SUB128CNTR", n_ints=2, n_groups=8, sky=15.0, stars=10, faintest=300.0,
             brightest=1e6, cosmic_ray_rate=400.0, **_IMAGE),
    ),
    references={
        "mask": Rule("DETECTOR SUBARRAY EXP_TYPE*"),
        "saturation": Rule("DETECTOR"),
        "superbias": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        "linearity": Rule("DETECTOR SUBARRAY"),
        "gain": Rule("DETECTOR SUBARRAY"),
        "readnoise": Rule("DETECTOR READPATT* SUBARRAY"),
        "ipc": Rule("DETECTOR"),
        "dark": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        **TRAPS,
    },
)
