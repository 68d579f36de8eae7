"""The rules of associations of images: which exposures belong together.

A rule of stage 2 makes an association for each exposure, with its backgrounds; a rule of stage 3
one for all exposures that agree in its columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jwst_cal.associations import _exposures as exposures
from jwst_cal.associations.pool import value

__all__ = ["LEVEL2", "LEVEL3", "Level2", "Level3"]

Item = dict[str, str]


class Level2(NamedTuple):
    """
    A rule of stage 2.

    Attributes
    ----------
    name : str
        Of the rule.
    takes : callable
        Whether an exposure is one for it.
    always_science : bool
        Backgrounds are exposures in their own right.
    asn_type : str
        What the association is for.
    backgrounds : bool
        Whether backgrounds that agree in MODE are members.
    integrations : callable
        Whether the count rates are those by integration.
    """

    name: str
    takes: Callable[[Item], bool]
    always_science: bool = False
    asn_type: str = "image2"
    backgrounds: bool = False
    integrations: Callable[[Item], bool] = exposures.has_integrations

    def role(self, item):
        """Role of an exposure in it."""
        if self.always_science:
            return "science"
        found = exposures.role(item)
        return "science" if found == "psf" else found


#: Columns in which the members of an association of stage 2 agree: each the first of several that
#: is given.
MODE = (("program",), ("tsovisit",), ("instrume",), ("detector",), ("filter", "band"),
        ("pupil", "grating"), ("fxd_slit",), ("subarray",), ("channel",), ("exp_type",))


def _has_mode(item):
    """Whether an exposure has an optical path, and is not one of those that others treat."""
    return (None not in (value(item, "instrume"), value(item, "detector"),
                         value(item, "filter", "band"))
            and value(item, "filter") != "opaque" and not exposures.wavefront(item))


def _image(item):
    return value(item, "exp_type") in exposures.SCIENCE_IMAGES


def _mode_image(item):
    return _has_mode(item) and _image(item)


def _no_mask(item):
    return (_has_mode(item) and item["exp_type"] == "nrc_coron" and item.get("subarray") == "full"
            and exposures.has_mask(item))


def _not_science(item):
    open_shutters = (value(item, "exp_type") == "nrs_msaspec"
                     and value(item, "msastate") == "primarypark_allopen"
                     and value(item, "grating") == "mirror")
    return (exposures.role(item) == "target_acquisition"
            or value(item, "exp_type") in exposures.NOT_SCIENCE or open_shutters)


def _guider_image(item):
    return (value(item, "exp_type") in ("fgs_image", "fgs_focus") and not exposures.wavefront(item)
            and value(item, "instrume") is not None)


def _wavefront(item):
    jitter = value(item, "dms_note") == "wfsc_los_jitter" and item["exp_type"] == "nrc_image"
    return _image(item) and exposures.wavefront(item) and not jitter


LEVEL2 = (
    Level2("Asn_Lv2CoronAsRate", _no_mask, backgrounds=True, integrations=lambda item: False),
    Level2("Asn_Lv2FGS", _guider_image),
    Level2("Asn_Lv2Image", lambda item: _mode_image(item) and not exposures.is_time_series(item),
           backgrounds=True),
    Level2("Asn_Lv2ImageNonScience", _not_science, always_science=True),
    Level2("Asn_Lv2ImageSpecial",
           lambda item: _mode_image(item) and value(item, "bkgdtarg", "is_psf") is not None,
           always_science=True),
    Level2("Asn_Lv2ImageTSO", lambda item: _mode_image(item) and exposures.is_time_series(item),
           asn_type="tso-image2"),
    Level2("Asn_Lv2WFSC", _wavefront),
)


class Level3(NamedTuple):
    """
    A rule of stage 3.

    Attributes
    ----------
    name : str
        Of the rule.
    takes : callable
        Whether an exposure is one for it.
    asn_type : str
        What the association is for.
    columns : tuple of str
        In which members agree, besides PATH and the target.
    by_target : bool
        Whether they agree in the target, too.
    always_science : bool
        Backgrounds are exposures in their own right.
    candidates : callable
        Whether a type of candidate may have such an association.
    pairs : bool
        Whether it takes two members, and is named by the detector and the activity.
    """

    name: str
    takes: Callable[[Item], bool]
    asn_type: str = "image3"
    columns: tuple[str, ...] = ()
    by_target: bool = True
    always_science: bool = False
    candidates: Callable[[str], bool] = lambda kind: True
    pairs: bool = False

    def role(self, item):
        """Role of an exposure in it."""
        found = exposures.role(item)
        return "science" if self.always_science and found != "target_acquisition" else found


#: Columns in which the members of an association of stage 3 agree.
PATH: tuple[tuple[str, ...], ...] = (
    ("program",), ("instrume",), ("filter",), ("pupil", "grating"), ("fxd_slit",), ("subarray",),
    ("exp_type",))
_COMBINED = ("nrc_image", "mir_image", "nis_image", "fgs_image", "nrs_mimf")


def _combined(item: Any) -> bool:
    return (value(item, "exp_type") in _COMBINED and value(item, "subarray") is not None
            and value(item, "is_imprt") is None)


def _sky(item):
    return (_combined(item) and "wfsc" not in (value(item, "visitype") or "")
            and not exposures.is_time_series(item))


def _time_series(item):
    return (exposures.is_time_series(item) and item["exp_type"] in exposures.SCIENCE_IMAGES
            and value(item, "subarray") is not None and value(item, "is_imprt") is None)


def _pair(item):
    return (_combined(item) and value(item, "patttype") == "wfsc"
            and value(item, "dms_note") != "wfsc_los_jitter"
            and None not in (value(item, "detector"), value(item, "obs_id"), value(item, "act_id")))


LEVEL3 = (
    Level3("Asn_Lv3Image", lambda item: _sky(item) and value(item, "bkgdtarg") is None,
           columns=("visitype",)),
    Level3("Asn_Lv3ImageBackground",
           lambda item: _sky(item) and value(item, "bkgdtarg") is not None,
           columns=("visitype", "bkgdtarg"), always_science=True),
    Level3("Asn_Lv3ImageMosaic", lambda item: _sky(item) and value(item, "bkgdtarg") is None,
           columns=("visitype",), by_target=False, candidates=lambda kind: kind == "mosaic"),
    Level3("Asn_Lv3TSO", _time_series, asn_type="tso3",
           candidates=lambda kind: kind == "observation"),
    Level3("Asn_Lv3WFSCMB", _pair, asn_type="wfs-image3", columns=("detector", "obs_id", "act_id"),
           candidates=lambda kind: kind != "group", pairs=True),
)
