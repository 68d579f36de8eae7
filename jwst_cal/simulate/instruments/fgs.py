"""FGS: images of the two guiders, and their guide-star exposures."""

from typing import Any

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

#: Windows of a guide star. Those of the identification are strips; this is all that they cover.
_GUIDE = (
    Subarray("2048X64", 13, 1, 2024, 2048, 1, 0.3406, has_files=False),
    Subarray("128X128", 887, 1022, 128, 128, 1, 0.182, has_files=False),
    Subarray("32X32", 935, 1070, 32, 32, 1, 0.01496, has_files=False),
    Subarray("8X8", 947, 1082, 8, 8, 1, 0.002, has_files=False),
)


def _guider(number, fast, slow, gain, subarrays):
    return Properties(
        instrument="FGS", name=f"GUIDER{number}", shape=(2048, 2048), fast_axis=fast,
        slow_axis=slow, border=(4, 4, 4, 4), gain=gain, read_noise=8.5, common_noise=6.0,
        output_noise=2.0, reset_noise=16.0, bias=10500.0, bias_in_well=False, dark=0.02,
        saturation=51000.0, full_well=53000.0, curvature=(0.020, 0.012, 0.030), pixel_um=18.0,
        ipc=0.006, aperture=f"FGS{number}_FULL",
        subarrays=(Subarray("FULL", 1, 1, 2048, 2048, 4, 10.73677, dark_frames=22), *subarrays,
                   *_GUIDE),
    )


def _window(name, xstart, ystart, size):
    return Subarray(name, xstart, ystart, size, size, 1,
                    round((size + 12) * (size + 2) * 1e-5, 5))


_IMAGE: dict[str, Any] = {"exp_type": "FGS_IMAGE", "readpatt": "FGSRAPID", "fwhm": 2.2}

_STAR: dict[str, Any] = {"sky": 2.0, "stars": 1, "fwhm": 2.2}
_EVERY = ("FGS_IMAGE", "FGS_FOCUS", "FGS_DARK", "FGS_ID-IMAGE", "FGS_ACQ1", "FGS_ACQ2", "FGS_TRACK",
          "FGS_FINEGUIDE")

INSTRUMENT = Instrument(
    name="FGS",
    detectors=(
        _guider(1, -2, -1, 1.95, (_window("SUB128LL", 1921, 1921, 128),
                                  _window("SUB128CNTR", 961, 961, 128))),
        _guider(2, 2, -1, 1.81, (_window("SUB128LL", 1921, 1, 128),
                                 _window("SUB128CNTR", 961, 961, 128))),
    ),
    patterns={
        "FGSRAPID": Pattern(1, 0), "FGS": Pattern(2, 2), "ID": Pattern(1, 0), "ACQ1": Pattern(1, 1),
        "ACQ2": Pattern(1, 1), "TRACK": Pattern(1, 0), "FINEGUIDE": Pattern(1, 0, pause=19),
    },
    modes=(
        Mode("FULL", n_ints=1, n_groups=5, sky=2.0, stars=900, faintest=10.0, brightest=2e5,
             cosmic_ray_rate=4.5, snowballs=5, **_IMAGE),
        Mode("SUB128LL", n_ints=2, n_groups=8, sky=15.0, stars=10, faintest=300.0,
             brightest=1e6, cosmic_ray_rate=400.0, **_IMAGE),
        Mode("SUB128CNTR", n_ints=2, n_groups=8, sky=15.0, stars=10, faintest=300.0,
             brightest=1e6, cosmic_ray_rate=400.0, **_IMAGE),
        *(Mode("2048X64", kind, "ID", 2, 2, sky=2.0, stars=900, faintest=100.0, brightest=1e6,
               fwhm=2.2, cosmic_ray_rate=100.0, guide_star=True)
          for kind in ("FGS_ID-IMAGE", "FGS_ID-STACK")),
        Mode("128X128", "FGS_ACQ1", "ACQ1", 6, 2, faintest=3e5, brightest=3e5,
             cosmic_ray_rate=400.0, guide_star=True, **_STAR),
        Mode("32X32", "FGS_ACQ2", "ACQ2", 5, 2, faintest=1e6, brightest=1e6,
             cosmic_ray_rate=4000.0, guide_star=True, **_STAR),
        Mode("32X32", "FGS_TRACK", "TRACK", 40, 2, faintest=1e6, brightest=1e6,
             cosmic_ray_rate=4000.0, guide_star=True, **_STAR),
        Mode("8X8", "FGS_FINEGUIDE", "FINEGUIDE", 40, 8, faintest=1e6, brightest=1e6,
             cosmic_ray_rate=4000.0, guide_star=True, **_STAR),
        darkness("FULL", "FGS_DARK", "FGSRAPID", 1, 5),
        darkness("SUB128LL", "FGS_DARK", "FGSRAPID", 2, 8),
    ),
    filters=(Filter("", "", 0.16, 2.2),),
    references={
        "mask": Rule("DETECTOR SUBARRAY EXP_TYPE", exp_types=_EVERY),
        "saturation": Rule("DETECTOR"),
        "superbias": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        "linearity": Rule("DETECTOR SUBARRAY"),
        "gain": Rule("DETECTOR SUBARRAY"),
        "readnoise": Rule("DETECTOR READPATT* SUBARRAY"),
        "ipc": Rule("DETECTOR"),
        "flat": Rule("DETECTOR EXP_TYPE", exp_types=_EVERY),
        "dark": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        **TRAPS,
        "photom": Rule("DETECTOR"),
        "area": Rule("DETECTOR"),
        **imaging(("FGS_IMAGE", "FGS_FOCUS"), keywords={
            "distortion": "DETECTOR EXP_TYPE", "apcorr": "EXP_TYPE", "abvegaoffset": "EXP_TYPE",
        }),
    },
)
