"""NIRSpec: multi-object, fixed-slit, integral-field and bright-object exposures."""

from typing import Any

from jwst_cal.simulate.instruments._parts import (
    Instrument,
    Mode,
    Pattern,
    Properties,
    Rule,
    Subarray,
    darkness,
)
from jwst_cal.simulate.nirspec_optics import FILTERS, LIST, REFTYPES, SPECTRA


def _strip(name, xstart, ystart, n_cols, n_rows, **options):
    """A subarray, read by one output along its columns."""
    return Subarray(name, xstart, ystart, n_cols, n_rows, 1,
                    round((n_rows + 12) * (n_cols + 1) * 1e-5, 5), **options)


def _detector(name, fast, slow, gain, strips):
    return Properties(
        instrument="NIRSPEC", name=name, shape=(2048, 2048), fast_axis=fast, slow_axis=slow,
        border=(4, 4, 4, 4), gain=gain, read_noise=8.0, common_noise=9.0, output_noise=5.0,
        reset_noise=12.0, bias=2500.0, bias_in_well=False, dark=0.008, saturation=58000.0,
        full_well=60000.0, curvature=(0.012, 0.010, 0.020), pixel_um=18.0, subarray_gain=1.4,
        subarrays=(
            Subarray("FULL", 1, 1, 2048, 2048, 4, 10.73677, dark_frames=12,
                     frame_times={"IRS2": 14.58889}),
            *strips,
        ),
    )


#: Sensors of the grating wheel, and the calibration lamp, which is off.
_WHEEL = (("GWA_XTIL", 0.3302), ("GWA_YTIL", 0.1258), ("GWA_TILT", 39.58), ("LAMP", "NONE"),
          ("OPMODE", "NONE"))
_PRISM, _G395H = ((("FILTER", FILTERS[grating]), ("GRATING", grating), *_WHEEL)
                  for grating in ("PRISM", "G395H"))

_RAPID: dict[str, Any] = {"readpatt": "NRSRAPID", "scene": "rows"}
_FULL = {**_RAPID, "subarray": "FULL", "n_ints": 1, "n_groups": 8, "sky": 0.05, "fwhm": 2.5,
         "cosmic_ray_rate": 4.5, "snowballs": 5, "cards": _G395H}
_BOTS = {**_RAPID, "exp_type": "NRS_BRIGHTOBJ", "stars": 1, "fwhm": 2.5, "tso": True}

#: Subarrays of slits lie where the simulated optics (nirspec_optics) show the slits. The prism's
#: spectrum is on NRS1.
INSTRUMENT = Instrument(
    name="NIRSPEC",
    detectors=(
        _detector("NRS1", 2, 1, 0.996, (
            _strip("ALLSLITS", 1, 1041, 2048, 256, dark_frames=8),
            _strip("SUB2048", 1, 1232, 2048, 32),
            _strip("SUB512", 449, 1239, 512, 32),
            _strip("SUB32", 1399, 975, 32, 32),
        )),
        _detector("NRS2", -2, -1, 1.137, (
            _strip("ALLSLITS", 1, 1041, 2048, 256, dark_frames=8),
            _strip("SUB2048", 1, 1237, 2048, 32),
            _strip("SUB512", 1025, 957, 512, 32),
        )),
    ),
    gratings=tuple(FILTERS),
    patterns={
        "NRSRAPID": Pattern(1, 0), "NRS": Pattern(4, 0), "NRSRAPIDD1": Pattern(1, 1),
        "NRSRAPIDD2": Pattern(1, 2), "NRSRAPIDD6": Pattern(1, 6),
        "NRSIRS2RAPID": Pattern(1, 0, "IRS2"), "NRSIRS2": Pattern(5, 0, "IRS2", divisor=4),
    },
    modes=(
        Mode(exp_type="NRS_MSASPEC", stars=60, faintest=0.5, brightest=60.0,
             **_FULL | {"cards": _G395H + LIST}),
        Mode(exp_type="NRS_IFU", stars=30, faintest=0.5, brightest=30.0, **_FULL),
        Mode(exp_type="NRS_FIXEDSLIT", stars=5, faintest=2.0, brightest=300.0, **_FULL),
        Mode("ALLSLITS", "NRS_FIXEDSLIT", n_ints=2, n_groups=6, sky=0.1, stars=5, faintest=3.0,
             brightest=400.0, fwhm=2.5, cosmic_ray_rate=20.0, snowballs=1, cards=_G395H, **_RAPID),
        Mode("SUB2048", n_ints=4, n_groups=6, sky=0.5, faintest=5e3, brightest=5e3,
             cosmic_ray_rate=100.0, cards=_G395H, **_BOTS),
        Mode("SUB512", n_ints=6, n_groups=5, sky=2.0, faintest=2.5e4, brightest=2.5e4,
             cosmic_ray_rate=800.0, cards=_PRISM, **_BOTS),
        Mode("SUB32", "NRS_WATA", readpatt="NRSRAPID", n_ints=1, n_groups=3, sky=5.0, stars=1,
             faintest=1e6, brightest=1e6, fwhm=2.0, cosmic_ray_rate=5000.0,
             cards=(("FILTER", "CLEAR"), ("GRATING", "MIRROR"))),
        *(darkness(subarray, "NRS_DARK", "NRSRAPID", 1, 6,
                   cards=(("FILTER", "OPAQUE"), ("GRATING", "MIRROR")))
          for subarray in ("FULL", "ALLSLITS")),
    ),
    references={
        "mask": Rule("DETECTOR SUBARRAY READPATT"),
        "saturation": Rule("DETECTOR SUBARRAY"),
        "superbias": Rule("DETECTOR READPATT SUBARRAY SUBSTRT1* SUBSTRT2* SUBSIZE1* SUBSIZE2*",
                          own="subarray"),
        "linearity": Rule("DETECTOR SUBARRAY"),
        "gain": Rule("DETECTOR SUBARRAY", own="subarray"),
        "readnoise": Rule("DETECTOR READPATT SUBARRAY", own="subarray"),
        "pictureframe": Rule("DETECTOR"),
        "sirskernel": Rule("", own="instrument", extension="asdf"),
        "dark": Rule("DETECTOR READPATT SUBARRAY SUBSTRT1* SUBSTRT2* SUBSIZE1* SUBSIZE2*",
                     own="subarray"),
        "refpix": Rule("DETECTOR READPATT", speeds=("IRS2",)),
        **{reftype: Rule("EXP_TYPE GRATING" if reftype == "disperser" else "EXP_TYPE",
                         own="instrument", extension="asdf", exp_types=SPECTRA)
           for reftype in REFTYPES},
    },
)
