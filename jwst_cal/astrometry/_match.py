"""Alignment of images by their catalogues: among themselves, and to an absolute one."""

import copy
import functools
import logging
import math
from dataclasses import dataclass

import numpy as np

from jwst_cal.astrometry import _corrector
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.models import transforms

__all__ = ["Fit", "NotAligned", "align", "corners", "corrector", "is_fitted", "renewed",
           "to_each_other", "to_reference"]

log = logging.getLogger(__name__)

#: What all images are called that are moved as one.
TOGETHER = 987654
#: Above so many images of one group tweakwcs takes the bounds of copies away.
SHARED = 50


class NotAligned(Exception):
    """Nothing could be aligned; the reason is the text."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """
    How catalogues are matched and positions fitted.

    Attributes
    ----------
    searchrad, separation, tolerance : float
        Largest shift, least distance of two sources, largest distance of a match, arcsec.
    use2dhist : bool
        Find the shift first, by a histogram of all pairs.
    minobj : int
        Least number of matches.
    fitgeometry : {'shift', 'rshift', 'rscale', 'general'}
        What is fitted.
    nclip : int
        Rounds of clipping.
    sigma : float
        Where to clip, in rms.
    xoffset, yoffset : float
        The shift where no histogram is made, arcsec.
    """

    searchrad: float
    separation: float
    tolerance: float
    use2dhist: bool
    minobj: int
    fitgeometry: str
    nclip: int
    sigma: float
    xoffset: float = 0.0
    yoffset: float = 0.0

    @property
    def largest(self):
        """Largest displacement that such a fit may find, arcsec."""
        offset = self.searchrad if self.use2dhist else max(abs(self.xoffset), abs(self.yoffset))
        return 2 * (offset + self.tolerance)

    def matcher(self):
        """Make the function that matches two catalogues."""
        from tweakwcs.matchutils import XYXYMatch

        if self.separation <= math.sqrt(2) * self.tolerance:
            raise NotAligned(
                f"sources may be confused: separation = {self.separation} must be larger than "
                f"1.41 times tolerance = {self.tolerance}")
        try:
            return XYXYMatch(searchrad=self.searchrad, separation=self.separation,
                             use2dhist=self.use2dhist, tolerance=self.tolerance,
                             xoffset=self.xoffset, yoffset=self.yoffset)
        except ValueError as error:
            raise ParameterError(f"Parameters of tweakreg: {error}") from error


def corrector(image, catalogue):
    """
    Make what holds the coordinates and the catalogue of an image while they are fitted.

    Parameters
    ----------
    image : ImageModel
        With coordinates and ``meta.group_id``.
    catalogue : astropy.table.Table
        With ``x`` and ``y``.

    Returns
    -------
    tweakwcs.correctors.JWSTWCSCorrector
        It corrects the coordinates in the plane that touches the sky where the telescope points.

    Raises
    ------
    InputError
        If the coordinates are of another kind, or do not belong to the pointing of the header.
    """
    info = {name: getattr(image.meta.wcsinfo, name) for name in ("roll_ref", "v2_ref", "v3_ref")}
    is_light = isinstance(image.meta.wcs, transforms.WCS)
    kind = _corrector.light_corrector() if is_light else _corrector_class()
    try:
        return kind(wcs=image.meta.wcs, wcsinfo=info, meta={
            "catalog": catalogue, "name": catalogue.meta.get("name"),
            "group_id": image.meta.group_id})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = " ".join(str(part).replace("%s", "").strip() for part in error.args)
        raise InputError(f"{image.meta.filename}: its coordinates cannot be corrected: "
                         f"{reason}") from error


@functools.cache
def _corrector_class():
    """A corrector that is cheap to copy: copies are only looked through, at what it was."""
    from tweakwcs.correctors import JWSTWCSCorrector

    class Corrector(JWSTWCSCorrector):
        """Coordinates and catalogue of an image."""

        is_shared = True

        def __deepcopy__(self, memo):
            if self.is_shared and self._tpcorr is None:
                found = copy.copy(self)
                found._meta = dict(self._meta)
            else:  # a correction of before would be changed in place
                found = type(self)(self._wcs, self.ref_angles, dict(self.meta))
                found._owcs = self._owcs
            return found

    return Corrector


def renewed(image):
    """
    Take back what was done to the coordinates of an image.

    Parameters
    ----------
    image : tweakwcs.correctors.JWSTWCSCorrector
        After an attempt to align it.

    Returns
    -------
    tweakwcs.correctors.JWSTWCSCorrector
        As `corrector` made it.
    """
    kept = {name: image.meta[name] for name in ("catalog", "name", "group_id")}
    return type(image)(wcs=image.original_wcs, wcsinfo=image.ref_angles, meta=kept)


def corners(correctors):
    """
    Give the corners of all images on the sky.

    Parameters
    ----------
    correctors : list of tweakwcs.correctors.JWSTWCSCorrector
        The images.

    Returns
    -------
    float64 [corner, 2]
        Right ascension and declination, degrees.
    """
    return np.vstack([_footprint(image.wcs).T for image in correctors])


def _footprint(wcs):
    """Right ascension and declination of the corners of an image, degrees [2, corner]."""
    return np.array(wcs(*_corrector.corner_pixels(wcs), with_bounding_box=False))


def is_fitted(corrector):
    """
    Tell whether an image has been aligned.

    Parameters
    ----------
    corrector : tweakwcs.correctors.JWSTWCSCorrector
        After alignment.

    Returns
    -------
    bool
        Whether its coordinates were fitted; those of the image that is the reference are not.
    """
    return "SUCCESS" in corrector.meta.get("fit_info", {}).get("status", "")


def to_each_other(correctors, fit, *, enforce_user_order, expand_refcat):
    """
    Align groups of images among themselves.

    Parameters
    ----------
    correctors : list of tweakwcs.correctors.JWSTWCSCorrector
        The images, changed in place.
    fit : Fit
        How.
    enforce_user_order : bool
        In the order given; the first is the reference.
    expand_refcat : bool
        Add sources of aligned images to the reference.

    Raises
    ------
    NotAligned
        If too few images have sources, sources are confused, or an image moved too far.
    """
    align(correctors, fit, None, enforce_user_order=enforce_user_order,
          expand_refcat=expand_refcat)
    for image in correctors:
        moved = _displacement(image)
        if not moved < fit.largest:
            raise NotAligned(f"{image.meta['name']} would move by {moved:.3g} arcsec, more than "
                             f"{fit.largest:.3g}: sources are mismatched, or the fit is poor")


def to_reference(correctors, fit, catalogue):
    """
    Align all images together to a catalogue.

    Parameters
    ----------
    correctors : list of tweakwcs.correctors.JWSTWCSCorrector
        The images, changed in place.
    fit : Fit
        How.
    catalogue : astropy.table.Table
        With ``RA`` and ``DEC``, degrees.

    Raises
    ------
    NotAligned
        If the catalogue or the images have too few sources, or sources are confused.
    """
    if len(catalogue) < fit.minobj:
        raise NotAligned(f"{len(catalogue)} sources in the reference catalogue "
                         f"{catalogue.meta.get('name')}, {fit.minobj} are needed")
    for image in correctors:
        image.meta["group_id"] = TOGETHER
        if "REFERENCE" in image.meta.get("fit_info", {}).get("status", ""):
            del image.meta["fit_info"]
    align(correctors, fit, catalogue, enforce_user_order=True, expand_refcat=False)


def align(correctors, fit, catalogue, *, enforce_user_order, expand_refcat):
    """
    Match and fit.

    Parameters
    ----------
    correctors, fit, catalogue, enforce_user_order, expand_refcat
        As for `to_each_other` and `to_reference`; without a catalogue an image is the reference.

    Raises
    ------
    NotAligned
        If there are too few images with sources, or sources are confused.
    """
    from tweakwcs.imalign import NotEnoughCatalogs, align_wcs
    from tweakwcs.matchutils import MatchSourceConfusionError

    matcher = fit.matcher()
    options = {"minobj": fit.minobj, "match": matcher, "fitgeom": fit.fitgeometry,
               "nclip": fit.nclip, "sigma": (fit.sigma, "rmse")}
    for image in correctors:
        image.is_shared = len(correctors) <= SHARED
    try:
        if expand_refcat:
            align_wcs(correctors, refcat=catalogue, enforce_user_order=enforce_user_order,
                      expand_refcat=True, **options)
        else:
            _align_in_order(correctors, catalogue, options)
    except NotEnoughCatalogs:
        needed = "two exposures" if catalogue is None else "one exposure"
        raise NotAligned(f"at least {needed} with sources are needed") from None
    except MatchSourceConfusionError:
        raise NotAligned("several sources match one of the reference; 'tolerance' and "
                         "'separation' may be adjusted") from None
    for image in correctors:
        _tell(image)


def _align_in_order(correctors, catalogue, options):
    """As ``align_wcs`` does with a catalogue that does not grow, without the areas of overlaps."""
    from tweakwcs.imalign import NotEnoughCatalogs
    from tweakwcs.wcsimage import RefCatalog, WCSImageCatalog

    members, groups = {}, []
    for image in correctors:
        one = WCSImageCatalog(image.meta["catalog"], image, name=image.meta["name"],
                              group_id=image.meta["group_id"])
        one.fit_status = "FAILED: Unknown error"
        members.setdefault(one.group_id, []).append(one)
    for name, images in members.items():
        group = _group_class()(images, name=f"GROUP ID: {name}")
        if len(group.catalog):
            groups.append(group)
            continue
        for image in images:
            image.corrector.meta["fit_info"] = {"status": "FAILED: empty source catalog"}
    if len(groups) < (1 if catalogue is not None else 2):
        raise NotEnoughCatalogs
    if catalogue is not None:
        reference = RefCatalog(catalogue, name=catalogue.meta.get("name", "Unnamed"))
    else:
        first, *groups = groups
        reference = RefCatalog(first.catalog, name=first[0].name)
        for image in first:
            image.corrector.meta["fit_info"] = {"status": "REFERENCE"}
    for group in groups:
        group.align_to_ref(reference, **options)
        for image in group:
            image.corrector.meta["fit_info"] = image.fit_info


@functools.cache
def _group_class():
    """A group of images whose outline nobody asks for; it takes longer than all of the rest."""
    from tweakwcs.wcsimage import WCSGroupCatalog

    class Group(WCSGroupCatalog):
        """Images that move together."""

        def update_bounding_polygon(self):
            """Leave it out."""

    return Group


def _tell(image):
    """Say how good the fit of an image is."""
    info = image.meta.get("fit_info", {"status": "no fit"})
    name = image.meta["name"]
    if info["status"] == "REFERENCE":
        log.info("%s is the reference", name)
    elif is_fitted(image):
        dx, dy = info["shift"]
        log.info("%s: %d matches, %d of them fitted, shift %.4f, %.4f arcsec, rotation %.5f deg, "
                 "scale %.7f, rms %.4f arcsec", name, info["nmatches"],
                 np.count_nonzero(info["fitmask"]), dx, dy, info["<rot>"], info["<scale>"],
                 info["rmse"])
    else:
        log.warning("%s is not aligned: %s", name, info["status"])


def _displacement(image):
    """Largest distance by which a corner of an image moved, arcsec."""
    from astropy.coordinates import angular_separation

    before, after = (np.radians(_footprint(wcs)) for wcs in (image.original_wcs, image.wcs))
    return 3600 * float(np.degrees(np.max(angular_separation(*before, *after))))
