"""What an exposure of a pool is: its role in an association, and the names of its products."""

from __future__ import annotations

from jwst_cal.associations.pool import value

__all__ = ["CORONAGRAPHIC", "NOT_SCIENCE", "SCIENCE_IMAGES", "TIME_SERIES", "has_integrations",
           "is_time_series", "level2_name", "level3_name", "role", "wavefront"]

#: Images of stage 2: of the sky, and of calibration and acquisition.
SCIENCE_IMAGES = frozenset({
    "fgs_image", "mir_4qpm", "mir_image", "mir_lyot", "nis_ami", "nis_image", "nrc_coron",
    "nrc_image", "nrs_mimf", "nrc_tsimage",
})
_ACQUISITION = frozenset({
    "mir_tacq", "mir_taconfirm", "nis_taconfirm", "nis_tacq", "nrc_taconfirm", "nrc_tacq",
    "nrs_confirm", "nrs_msata", "nrs_taconfirm", "nrs_tacq", "nrs_taslit", "nrs_verify", "nrs_wata",
})
NOT_SCIENCE = _ACQUISITION | {"mir_coroncal", "nis_focus", "nrc_focus", "nrs_focus", "nrs_image"}
TIME_SERIES = frozenset({"nrc_tsimage", "nrc_tsgrism", "nrs_brightobj"})
CORONAGRAPHIC = frozenset({"mir_4qpm", "mir_lyot", "nrc_coron"})
#: Roles by exposure type; all others are science.
_ROLES = {
    **dict.fromkeys(_ACQUISITION - {"nrs_verify"}, "target_acquisition"),
    **dict.fromkeys(("mir_darkall", "mir_darkimg", "mir_darkmrs", "nis_dark", "nrc_dark",
                     "nrs_dark"), "dark"),
    **dict.fromkeys(("mir_flatimage", "mir_flatmrs", "mir_flatimage-ext", "mir_flatmrs-ext",
                     "nrc_flat"), "flat"),
    **dict.fromkeys(("nis_focus", "nis_lamp", "nrc_focus", "nrc_led", "nrs_focus", "nrs_image",
                     "nrs_lamp"), "engineering"),
    "nrs_autoflat": "autoflat", "nrs_autowave": "autowave",
}
#: Roles of science exposures by the column that says so, the first one that does.
_SPECIAL = {"is_psf": "psf", "is_imprt": "imprint", "bkgdtarg": "background"}


def role(item):
    """
    Tell the role of an exposure.

    Parameters
    ----------
    item : dict
        A row of a pool.

    Returns
    -------
    str
        ``science``, ``background``, ``psf``, ``target_acquisition`` ...
    """
    pointing = value(item, "pntgtype")
    if pointing not in (None, "science"):
        return pointing
    found = _ROLES.get(value(item, "exp_type"), "science")
    if found == "science":
        found = next((special for column, special in _SPECIAL.items() if value(item, column)),
                     "science")
    return found


def _is_pointed(item):
    return item.get("pntgtype") == "science"


def is_time_series(item):
    """
    Tell whether an exposure is a time series.

    Parameters
    ----------
    item : dict
        A row of a pool.

    Returns
    -------
    bool
    """
    return _is_pointed(item) and (value(item, "tsovisit") == "t"
                                  or item["exp_type"] in TIME_SERIES)


def wavefront(item):
    """
    Tell whether an exposure senses the wavefront.

    Parameters
    ----------
    item : dict
        A row of a pool.

    Returns
    -------
    bool
    """
    kind = value(item, "visitype") or ""
    return "wfsc" in kind[1:-1]


def has_integrations(item):
    """
    Tell whether the products of an exposure keep its integrations.

    Parameters
    ----------
    item : dict
        A row of a pool.

    Returns
    -------
    bool
        True for time series, coronagraphy and aperture masks.
    """
    if not _is_pointed(item) or item["exp_type"] in _ACQUISITION:
        return False
    return (is_time_series(item) or item["exp_type"] == "nis_ami"
            or (item["exp_type"] in CORONAGRAPHIC and has_mask(item)))


def has_mask(item):
    """
    Tell whether the detector of a coronagraphic exposure sees the mask.

    Parameters
    ----------
    item : dict
        A row of a pool.

    Returns
    -------
    bool
    """
    blind = {"maskbar": ("nrca1", "nrca2", "nrca3"), "maskrnd": ("nrca1", "nrca3", "nrca4")}
    return not (item["exp_type"] == "nrc_coron" and item.get("subarray") == "full"
                and item.get("detector") in blind.get(item.get("pupil"), ()))


def _renamed(item, suffix):
    stem, found, ending = item["filename"].rpartition("_uncal.")
    return f"{stem}_{suffix}.{ending}" if found else item["filename"]


def level2_name(item, integrations):
    """
    Name the count rates of an exposure.

    Parameters
    ----------
    item : dict
        A row of a pool.
    integrations : bool
        Whether they are kept by integration.

    Returns
    -------
    str
        ``_rate`` or ``_rateints``.
    """
    return _renamed(item, "rateints" if integrations else "rate")


def level3_name(item, its_role):
    """
    Name the calibrated exposure.

    Parameters
    ----------
    item : dict
        A row of a pool.
    its_role : str
        Its role in the association.

    Returns
    -------
    str
        ``_cal`` or ``_calints``; ``_x1d`` of backgrounds.
    """
    calibrated = item["exp_type"] in SCIENCE_IMAGES | NOT_SCIENCE
    suffix = "x1d" if its_role == "background" else "cal" if calibrated else "rate"
    return _renamed(item, suffix + "ints" * has_integrations(item))
