"""NIRISS: imaging, aperture masking (AMI) and slitless spectra (SOSS)."""

from typing import Any

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

_NIS = Properties(
    instrument="NIRISS", name="NIS", shape=(2048, 2048), fast_axis=-2, slow_axis=-1,
    border=(4, 4, 4, 4), gain=1.61, read_noise=9.5, common_noise=7.0, output_noise=2.0,
    reset_noise=16.0, bias=11500.0, bias_in_well=False, dark=0.03, saturation=52500.0,
    full_well=54500.0, curvature=(0.018, 0.010, 0.030), pixel_um=18.0, inverse_linearity=True,
    aperture="NIS_CEN",
    subarrays=(
        Subarray("FULL", 1, 1, 2048, 2048, 4, 10.73677, dark_frames=22),
        Subarray("SUBSTRIP256", 1, 1793, 2048, 256, 1, 5.494, dark_frames=8),
        Subarray("SUBSTRIP96", 1, 1803, 2048, 96, 1, 2.214, dark_frames=10),
        # SUBSTRIP256 in three superstripes, read from the other end
        Subarray("SUB680STRIPE_SOSS", 2048, 1793, 684, 256, 1, 1.83848, dark_frames=6,
                 stripes=Keywords(reads1=4, reads2=680, repeat=1, interleave=1, step=680,
                                  superstripes=3)),
        Subarray("SUB80", 1045, 1, 80, 80, 1, 0.07544),
        Subarray("SUB128", 1921, 1921, 128, 128, 1, 0.182),
        Subarray("SUB256", 1793, 1793, 256, 256, 1, 0.68872, dark_frames=30),
    ),
)

_IMAGE: dict[str, Any] = {"exp_type": "NIS_IMAGE",
          "cards": (("FILTER", "CLEAR"), ("PUPIL", "F200W"))}
_SOSS: dict[str, Any] = {"exp_type": "NIS_SOSS",
         "cards": (("FILTER", "CLEAR"), ("PUPIL", "GR700XD"), ("PWCPOS", 245.76)),
         "readpatt": "NISRAPID", "scene": "soss", "stars": 2, "fwhm": 15.0, "tso": True}


def _of_soss(extension):
    """What only SOSS has."""
    return Rule("EXP_TYPE", own="instrument", extension=extension, exp_types=("NIS_SOSS",))


INSTRUMENT = Instrument(
    name="NIRISS",
    detectors=(_NIS,),
    patterns={"NISRAPID": Pattern(1, 0), "NIS": Pattern(4, 0)},
    modes=(
        Mode("FULL", readpatt="NIS", n_ints=1, n_groups=5, sky=0.9, stars=900, faintest=8.0,
             brightest=2e5, fwhm=1.6, cosmic_ray_rate=4.5, snowballs=5, **_IMAGE),
        Mode("SUB128", readpatt="NIS", n_ints=2, n_groups=5, sky=12.0, stars=10, faintest=300.0,
             brightest=1e6, fwhm=1.6, cosmic_ray_rate=300.0, **_IMAGE),
        Mode("SUB80", "NIS_AMI", readpatt="NISRAPID", n_ints=4, n_groups=6, sky=20.0, stars=1,
             faintest=5e6, brightest=5e6, fwhm=3.0, cosmic_ray_rate=2000.0,
             cards=(("FILTER", "F480M"), ("PUPIL", "NRM"))),
        Mode("SUBSTRIP256", n_ints=4, n_groups=4, sky=1.6, faintest=150.0, brightest=900.0,
             cosmic_ray_rate=10.0, **_SOSS),
        Mode("SUB680STRIPE_SOSS", n_ints=2, n_groups=4, sky=1.6, faintest=400.0, brightest=2500.0,
             cosmic_ray_rate=10.0, **_SOSS),
        Mode("SUBSTRIP96", n_ints=6, n_groups=3, sky=1.6, faintest=400.0, brightest=2500.0,
             cosmic_ray_rate=20.0, **_SOSS),
        *(darkness(subarray, "NIS_DARK", readpatt, 1, 5,
                   cards=(("FILTER", "F480M"), ("PUPIL", "F158M")))
          for subarray, readpatt in (("FULL", "NIS"), ("SUB128", "NISRAPID"))),
        Mode("SUB256", readpatt="NISRAPID", n_ints=2, n_groups=8, sky=6.0, stars=40,
             faintest=80.0, brightest=3e5, fwhm=1.6, cosmic_ray_rate=100.0, **_IMAGE),
    ),
    filters=(
        Filter("CLEAR", "F150W", 0.44, 1.6, (0.21, -0.09), 1.24),
        Filter("CLEAR", "F200W", 0.33, 1.6, (0.12, 0.17), 1.69),
        Filter("CLEAR", "F115W", 0.56, 1.6, (-0.06, 0.03), 0.76),
    ),
    references={
        "mask": Rule("DETECTOR SUBARRAY"),
        "saturation": Rule("DETECTOR"),
        "superbias": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        "linearity": Rule("DETECTOR SUBARRAY"),
        "gain": Rule("DETECTOR SUBARRAY"),
        "readnoise": Rule("DETECTOR READPATT* SUBARRAY"),
        "sirskernel": Rule("", own="instrument", extension="asdf"),
        "dark": Rule("DETECTOR READPATT* SUBARRAY", own="subarray"),
        **TRAPS,
        "pastasoss": _of_soss("asdf"),
        "bkg": _of_soss("fits"),
        "wavelengthrange": _of_soss("asdf"),
        "flat": Rule("DETECTOR FILTER* PUPIL*"),
        "photom": Rule("DETECTOR"),
        **imaging(("NIS_IMAGE", "NIS_FOCUS", "NIS_TACONFIRM"), keywords={
            "distortion": "EXP_TYPE PUPIL*", "filteroffset": "EXP_TYPE",
            "area": "DETECTOR FILTER* PUPIL* EXP_TYPE", "apcorr": "EXP_TYPE",
            "abvegaoffset": "EXP_TYPE",
        }),
    },
)
