"""The exposures and parameters on which the two packages are compared."""

from typing import NamedTuple

from jwst_cal.framework import reference_store
from jwst_cal.simulate import cache, exposures
from jwst_cal.simulate.instruments import INSTRUMENTS
from tests.parity import guider, oracle

NEAR_INFRARED = ("group_scale", "dq_init", "saturation", "ipc", "superbias", "refpix", "linearity",
                 "dark_current", "charge_migration", "jump", "picture_frame",
                 "clean_flicker_noise", "persistence", "ramp_fit", "gain_scale")
MID_INFRARED = ("group_scale", "dq_init", "emicorr", "saturation", "ipc", "firstframe",
                "lastframe", "reset", "linearity", "rscd", "dark_current", "refpix",
                "charge_migration", "jump", "picture_frame", "clean_flicker_noise",
                "persistence", "ramp_fit", "gain_scale")
GUIDE_STAR = ("dq_init", "guider_cds", "flat_field")
PRODUCTS = {"Detector1Pipeline": ("rate", "rateints"), "DarkPipeline": ("darkpipeline",),
            "GuiderPipeline": ("cal",)}


class Case(NamedTuple):
    """
    One comparison.

    ``exposure`` says how it is simulated, ``steps`` gives parameters that are not the default,
    ``keep`` names two steps in a row to be compared, where those of all would fill the disk.
    ``stricter`` tells why we flag ramps DO_NOT_USE that the official package gives a value.
    ``scale``: differences are relative to these numbers at least, in ramps (DN) and in products.
    """

    exposure: dict
    steps: dict = {}
    keep: tuple | None = None
    stricter: str = ""
    pipeline: str = "Detector1Pipeline"
    scale: tuple = (0.0, 0.0)

    @property
    def chain(self):
        """Steps in their order."""
        if self.pipeline == "GuiderPipeline":
            return GUIDE_STAR
        is_miri = self.exposure["instrument"] == "MIRI"
        chain = MID_INFRARED if is_miri else NEAR_INFRARED
        if self.pipeline == "DarkPipeline":
            return chain[: chain.index("dark_current")]
        return chain

    @property
    def products(self):
        """Suffixes of what is saved."""
        return PRODUCTS[self.pipeline]


def case(instrument, subarray, steps=None, keep=None, stricter="", pipeline="Detector1Pipeline",
         scale=(0.0, 0.0), **options):
    """Describe a comparison."""
    return Case({"instrument": instrument, "subarray": subarray, **options}, steps or {}, keep,
                stricter, pipeline, scale)


def guide_star(mode, steps=None):
    """Describe a comparison of a guide-star exposure."""
    return Case({"mode": mode}, steps or {}, pipeline="GuiderPipeline")


#: By name; the official package takes five to ten seconds for each.
CASES = {
    "nircam-sub320": case("NIRCAM", "SUB320"),
    "nircam-sub160-shallow4": case("NIRCAM", "SUB160", readpatt="SHALLOW4", n_groups=5, seed=2),
    "nircam-sub64p-short": case("NIRCAM", "SUB64P", n_groups=3, seed=3),
    "nircam-sub64p-two-groups": case("NIRCAM", "SUB64P", n_groups=2, n_ints=3, seed=4),
    "nircam-sub64p-one-group": case("NIRCAM", "SUB64P", n_groups=1, n_ints=2, seed=5),
    "nircam-sub64p-long": case("NIRCAM", "SUB64P", n_groups=25, n_ints=1, seed=6),
    "nircam-sub320-options": case("NIRCAM", "SUB320", {
        "saturation": {"n_pix_grow_sat": 2},
        "refpix": {"odd_even_columns": False},
        "jump": {"expand_large_events": True, "min_sat_area": 15.0, "min_jump_area": 15.0,
                 "expand_factor": 2.0, "after_jump_flag_dn1": 10.0,
                 "after_jump_flag_time1": 1.5, "rejection_threshold": 5.0},
        "ramp_fit": {"suppress_one_group": False},
    }),
    "nircam-sub160-off-by-default": case("NIRCAM", "SUB160", {
        "charge_migration": {"skip": False, "signal_threshold": 12000.0},
        "persistence": {"skip": False, "persistence_time": 4, "dn_threshold": 20000.0},
        "ramp_fit": {"algorithm": "LIKELY"},
    }, stricter="LIKELY: no usable difference", n_ints=3, seed=10),
    "nircam-sub160-after-jumps": case("NIRCAM", "SUB160", {
        "jump": {"flag_4_neighbors": False, "after_jump_flag_dn1": 20.0,
                 "after_jump_flag_time1": 2.5, "after_jump_flag_dn2": 500.0,
                 "after_jump_flag_time2": 4.0, "three_group_rejection_threshold": 5.0},
        "ramp_fit": {"firstgroup": 1, "lastgroup": 8},
    }, stricter="no usable segment", n_groups=10, seed=11),
    "nircam-sub160-flicker": case("NIRCAM", "SUB160", {
        "clean_flicker_noise": {"skip": False, "apply_flat_field": True, "save_mask": True,
                                "save_background": True, "save_noise": True},
    }, n_ints=2, n_groups=4, seed=29),
    "miri-sub64-flicker": case("MIRI", "SUB64", {
        "clean_flicker_noise": {"skip": False, "mask_science_regions": True,
                                "apply_flat_field": True, "background_method": "model",
                                "single_mask": False},
    }, n_ints=2, n_groups=9, seed=30),
    "miri-sub256": case("MIRI", "SUB256"),
    "miri-sub256-showers": case("MIRI", "SUB256", {
        "jump": {"find_showers": True, "extend_snr_threshold": 3.0, "extend_min_area": 20,
                 "time_masked_after_shower": 4.0},
        "firstframe": {"skip": False},
    }, n_groups=20, n_ints=1, seed=12),
    "miri-sub64": case("MIRI", "SUB64"),
    "miri-sub64-long": case("MIRI", "SUB64", n_ints=2, n_groups=40, seed=7),
    "nircam-b1-sub320": case("NIRCAM", "SUB320", detector="NRCB1", n_ints=1, n_groups=5, seed=13),
    "nircam-blong-sub160-shallow4": case("NIRCAM", "SUB160", detector="NRCBLONG",
                                         readpatt="SHALLOW4", n_groups=4, seed=14),
    "nircam-along-grism": case("NIRCAM", "SUBGRISM64", n_ints=2, n_groups=5, seed=15),
    "nircam-dhs-41": case("NIRCAM", "SUB41STRIPE1_DHS", seed=32),
    "nircam-a2-dhs-82": case("NIRCAM", "SUB82STRIPE2_DHS", detector="NRCA2", readpatt="BRIGHT2",
                             n_ints=2, n_groups=4, seed=33),
    "nircam-dhs-164": case("NIRCAM", "SUB164STRIPE4_DHS", n_ints=2, n_groups=4, seed=34),
    "nircam-along-dhs-260": case("NIRCAM", "SUB260STRIPE4_DHS", detector="NRCALONG", n_ints=2,
                                 n_groups=3, seed=35),
    "nircam-superstripe": case("NIRCAM", "SUB64P_SUPSTP008", segment=(2, 2), n_ints=6, seed=36),
    "nircam-superstripe-flicker": case("NIRCAM", "SUB64P_SUPSTP008", {
        "clean_flicker_noise": {"skip": False, "save_mask": True, "save_noise": True},
    }, n_ints=6, seed=44),
    "nircam-superstripe-averaged": case("NIRCAM", "SUB64P_SUPSTP032", readpatt="BRIGHT2", n_ints=3,
                                        seed=37),
    "nircam-sub64p-sigma-clipped": case("NIRCAM", "SUB64P", n_ints=110, n_groups=5, seed=38),
    "nircam-sub64p-sigma-clipped-all": case("NIRCAM", "SUB64P", {
        "jump": {"only_use_ints": False, "rejection_threshold": 5.0},
    }, n_ints=20, n_groups=6, seed=39),
    "nircam-sub64p-thousands": case("NIRCAM", "SUB64P", keep=("dark_current", "jump"),
                                    n_ints=1000, n_groups=3, seed=40),
    "nirspec-prism-segment": case("NIRSPEC", "SUB512", keep=("dark_current", "jump"),
                                  n_ints=400, segment=(2, 3), n_groups=3, seed=41),
    "nircam-along-grism-segment": case("NIRCAM", "SUBGRISM64", segment=(2, 2), n_ints=4,
                                       n_groups=2, seed=42),
    "nircam-sub160-one-averaged-group": case("NIRCAM", "SUB160", readpatt="SHALLOW4", n_groups=1,
                                             n_ints=1, seed=43),
    "niriss-sub128": case("NIRISS", "SUB128", n_groups=4, seed=16),
    "nircam-along-grism-flicker": case("NIRCAM", "SUBGRISM64", {
        "clean_flicker_noise": {"skip": False, "background_method": "median_image"},
    }, keep=("jump", "clean_flicker_noise"), n_ints=3, n_groups=4, seed=46),
    "niriss-ami": case("NIRISS", "SUB80", seed=17),
    "niriss-soss": case("NIRISS", "SUBSTRIP256", n_ints=2, seed=18),
    "niriss-soss-sub96": case("NIRISS", "SUBSTRIP96", n_ints=3, seed=19),
    "niriss-soss-flicker": case("NIRISS", "SUBSTRIP256", {
        "clean_flicker_noise": {"skip": False, "background_method": "median_image",
                                "mask_science_regions": True},
    }, keep=("jump", "clean_flicker_noise"), n_ints=3, n_groups=4, seed=45),
    "fgs-guider1": case("FGS", "SUB128LL", detector="GUIDER1", n_groups=5, seed=20),
    "fgs-guider2": case("FGS", "SUB128LL", detector="GUIDER2", readpatt="FGS", n_groups=5,
                        seed=21),
    "nirspec-fixed-slit": case("NIRSPEC", "ALLSLITS", n_ints=1, n_groups=5, seed=22),
    "nirspec-nrs2-fixed-slit": case("NIRSPEC", "ALLSLITS", detector="NRS2", readpatt="NRS",
                                    n_ints=1, n_groups=3, seed=23),
    "nirspec-bright-object": case("NIRSPEC", "SUB2048", n_groups=5, seed=24),
    "nirspec-nrs2-prism": case("NIRSPEC", "SUB512", detector="NRS2", seed=25),
    "miri-lrs-slitless": case("MIRI", "SLITLESSPRISM", n_ints=3, n_groups=10, seed=26),
    "miri-lrs-slitless-segment": case("MIRI", "SLITLESSPRISM", segment=(2, 3), n_ints=6,
                                      n_groups=9, seed=27),
    "miri-coronagraph": case("MIRI", "MASK1550", n_ints=1, n_groups=8, seed=28),
    "miri-sub64-interference": case("MIRI", "SUB64", {"emicorr": {"skip": False}}, n_groups=10,
                                    n_ints=2, emi=8.0, seed=33),
    "miri-lrs-slitless-interference": case("MIRI", "SLITLESSPRISM", {
        "emicorr": {"skip": False, "algorithm": "sequential"},
    }, n_ints=2, n_groups=10, emi=8.0, seed=34),
    "nircam-full": case("NIRCAM", "FULL", keep=("superbias", "refpix"), n_groups=4, seed=8),
    "miri-full": case("MIRI", "FULL", keep=("dark_current", "refpix"), n_groups=6, n_ints=1,
                      seed=9),
    "miri-mrs": case("MIRI", "FULL", keep=("dark_current", "refpix"), detector="MIRIFULONG",
                     n_groups=5, n_ints=2, seed=29),
    "miri-full-slow": case("MIRI", "FULL", keep=("dark_current", "refpix"), readpatt="SLOWR1",
                           n_groups=5, n_ints=1, seed=30),
    "niriss-full-sirs": case("NIRISS", "FULL", {"refpix": {"refpix_algorithm": "sirs"}},
                             keep=("superbias", "refpix"), readpatt="NISRAPID", n_groups=3,
                             seed=31),
    "nirspec-nrs2-full": case("NIRSPEC", "FULL", {
        "picture_frame": {"skip": False, "mask_science_regions": False},
    }, keep=("jump", "picture_frame"), detector="NRS2", n_groups=3, seed=32),
    # Transforms in float32 round: 0.01 DN and 1e-4 DN/s are allowed, beside noise of 10 and 0.7.
    "nirspec-irs2": case("NIRSPEC", "FULL", keep=("superbias", "refpix"), scale=(1000.0, 10.0),
                         readpatt="NRSIRS2RAPID", n_ints=1, n_groups=3, seed=36),
    "nirspec-nrs2-irs2": case("NIRSPEC", "FULL", exp_type="NRS_IFU", scale=(1000.0, 10.0),
                              keep=("superbias", "refpix"), detector="NRS2", readpatt="NRSIRS2",
                              n_groups=3, seed=41),
    "dark-nircam-sub160": case("NIRCAM", "SUB160", pipeline="DarkPipeline", seed=13, light=0.0),
    "dark-miri-sub64": case("MIRI", "SUB64", pipeline="DarkPipeline", seed=14, light=0.0),
    **{f"guider-{mode[4:].lower()}": guide_star(mode) for mode in guider.MODES},
    "guider-identification": case("FGS", "2048X64", exp_type="FGS_ID-IMAGE", detector="GUIDER1",
                                  pipeline="GuiderPipeline", light=300.0, seed=35),
    "guider-stack": case("FGS", "2048X64", exp_type="FGS_ID-STACK", detector="GUIDER2",
                         pipeline="GuiderPipeline", light=300.0, seed=36),
    "guider-acquisition": case("FGS", "128X128", exp_type="FGS_ACQ1", detector="GUIDER2",
                               pipeline="GuiderPipeline", seed=37),
    "guider-tracking": case("FGS", "32X32", exp_type="FGS_TRACK", detector="GUIDER1",
                            pipeline="GuiderPipeline", seed=38),
    "guider-fine": case("FGS", "8X8", exp_type="FGS_FINEGUIDE", detector="GUIDER2",
                        pipeline="GuiderPipeline", seed=39),
    "guider-undone": guide_star("FGS_ACQ2", {"flat_field": {"inverse": True}}),
}


def make(case, folder):
    """
    Simulate the exposure of a case.

    Parameters
    ----------
    case : Case
        Which.
    folder : Path
        Where.

    Returns
    -------
    Path
        The exposure. The truth lies beside it.
    """
    if "mode" in case.exposure:
        return guider.write_exposure(case.exposure["mode"], folder)
    return exposures.simulate(**case.exposure).write(folder)


def run(case, folder):
    """
    Run both packages on a case.

    Each chooses its references from the embedded cache; those of guide-star exposures are given.

    Parameters
    ----------
    case : Case
        Which.
    folder : Path
        For the exposure and our results.

    Returns
    -------
    exposure : Path
        The raw exposure.
    ours, official : oracle.Run
        The runs.
    overrides : dict
        References given, by type.
    """
    exposure = make(case, folder)
    results = folder / "ours"
    results.mkdir()
    options = {"pipeline": case.pipeline, "steps": case.steps, "keep": case.keep}
    if "mode" in case.exposure:
        options["overrides"] = guider.write_references(case.exposure["mode"], folder)
    ours = oracle.ours(exposure, results, **options)
    if "overrides" not in options:
        options |= {"crds": oracle.serverless(cache.directory(), cache.CONTEXT),
                    "chosen": prepare(exposure)}
    return exposure, ours, oracle.official(exposure, **options), options.get("overrides", {})


def prepare(exposure):
    """
    Have the reference files of an exposure written; the official package cannot ask for it.

    Parameters
    ----------
    exposure : path
        The raw exposure.

    Returns
    -------
    dict
        Paths, or N/A, by reference type.
    """
    header = reference_store.header_of(exposure)
    types = INSTRUMENTS[header["meta.instrument.name"]].references
    return {reftype: reference_store.find(header, reftype) for reftype in types}
