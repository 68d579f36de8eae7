"""Instruments, exposure types and subarrays: the vocabulary and the predicates on a data model.

Facts after the keyword dictionary of the reference release. A predicate takes any model that has
``meta`` and answers a bool.
"""

__all__ = [
    "INSTRUMENTS",
    "exposure_type",
    "is_guider",
    "is_ifu",
    "is_imaging",
    "is_irs2",
    "is_miri",
    "is_nircam",
    "is_niriss",
    "is_nirspec",
    "is_superstripe",
    "is_tso",
    "superstripes",
]

INSTRUMENTS = ("FGS", "MIRI", "NIRCAM", "NIRISS", "NIRSPEC")

TSO_ALWAYS = frozenset({"NRC_TSIMAGE", "NRC_TSGRISM", "NRS_BRIGHTOBJ"})
IFU = frozenset({"MIR_MRS", "NRS_IFU"})
#: Lamp exposures that the NIRSpec IFU sees are told by their optical mode or grating.
LAMPS = frozenset({"NRS_LAMP", "NRS_AUTOWAVE", "NRS_AUTOFLAT"})
GUIDER = frozenset({"FGS_ID-IMAGE", "FGS_ID-STACK", "FGS_ACQ1", "FGS_ACQ2", "FGS_TRACK",
                    "FGS_FINEGUIDE"})
ACQUISITION = frozenset({
    "MIR_TACQ", "MIR_TACONFIRM", "NIS_TACONFIRM", "NIS_TACQ", "NRC_TACONFIRM", "NRC_TACQ",
    "NRS_CONFIRM", "NRS_MSATA", "NRS_TACONFIRM", "NRS_TACQ", "NRS_TASLIT", "NRS_VERIFY",
    "NRS_WATA",
})
#: Exposures of the sky through no dispersing element.
IMAGING = ACQUISITION | {
    "FGS_IMAGE", "FGS_FOCUS", "MIR_4QPM", "MIR_IMAGE", "MIR_LYOT", "MIR_CORONCAL", "NIS_AMI",
    "NIS_IMAGE", "NIS_FOCUS", "NRC_CORON", "NRC_IMAGE", "NRC_TSIMAGE", "NRC_FOCUS", "NRS_MIMF",
    "NRS_FOCUS", "NRS_IMAGE",
}


def exposure_type(model):
    """Return EXP_TYPE in capitals; empty when there is none."""
    return (model.meta.exposure.type or "").upper()


def _instrument(model):
    return (model.meta.instrument.name or "").upper()


def is_miri(model):
    """Whether the exposure is MIRI's."""
    return _instrument(model) == "MIRI"


def is_nircam(model):
    """Whether the exposure is NIRCam's."""
    return _instrument(model) == "NIRCAM"


def is_niriss(model):
    """Whether the exposure is NIRISS's."""
    return _instrument(model) == "NIRISS"


def is_nirspec(model):
    """Whether the exposure is NIRSpec's."""
    return _instrument(model) == "NIRSPEC"


def is_irs2(model):
    """Whether NIRSpec's IRS2 readout interleaved reference pixels with the image."""
    return is_nirspec(model) and "IRS2" in (model.meta.exposure.readpatt or "").upper()


def is_guider(model):
    """Whether the exposure is one of the guide-star modes."""
    return exposure_type(model) in GUIDER


def is_imaging(model):
    """Whether the exposure is an image of the sky, target acquisition included."""
    return exposure_type(model) in IMAGING


def is_ifu(model):
    """Whether the light came through an integral field unit, lamps included."""
    kind = exposure_type(model)
    if kind in IFU:
        return True
    return (
        kind in LAMPS
        and is_nirspec(model)
        and (model.meta.instrument.lamp_mode or "").upper() == "IFU"
    )


def is_tso(model):
    """Whether the exposure is a time series: by type or TSOVISIT, of two integrations or more."""
    exposure = model.meta.exposure
    declared = bool(model.meta.visit.tsovisit) or exposure_type(model) in TSO_ALWAYS
    return declared and not (exposure.nints is not None and exposure.nints < 2)


def is_superstripe(model):
    """Whether the subarray was read in several stripes, each the next part of the detector."""
    return superstripes(model) > 0


def superstripes(model):
    """Count the integrations that make a whole one, of a stripe each; 0 where one is whole."""
    return getattr(model.meta.subarray, "num_superstripe", None) or 0
