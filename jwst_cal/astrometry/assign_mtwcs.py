"""Assign MT WCS: coordinates that follow a moving target."""

import logging

import numpy as np

from jwst_cal import modes
from jwst_cal.astrometry import _s_region
from jwst_cal.errors import InputError, SkipStep
from jwst_cal.framework import GroupStep, param

__all__ = ["AssignMTWcsStep"]

log = logging.getLogger(__name__)


class AssignMTWcsStep(GroupStep):
    """
    Add a frame to the coordinates of exposures in which a moving target stands still.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/assign_mtwcs.rst.
    """

    class_alias = "assign_mtwcs"
    in_memory = True

    suffix: str = param("assign_mtwcs", "Suffix of the products")
    output_use_model: bool = param(True, "Name products after the models")

    def process(self, images, *, refs):
        """
        Displace the sky of each exposure to the mean place of the target.

        Parameters
        ----------
        images : ModelLibrary, ModelContainer, association
            Exposures with coordinates and the target's place (MT_RA, MT_DEC).
        refs : References
            None.

        Returns
        -------
        ModelLibrary
            The same exposures; MT_AVRA and MT_AVDEC tell the mean place.

        Raises
        ------
        InputError
            If an exposure has no coordinates.
        """
        library = self.library(images)
        science = library.indices_for_exptype("science")
        with library:
            places = [_place(library.read_metadata(index)) for index in science]
        if None in places:
            raise SkipStep("MT_RA or MT_DEC missing in at least one exposure; the images of the "
                           "target will not be aligned")
        places = np.array(places, dtype=np.float64)
        # an angle: those on either side of 0 are close together
        places[:, 0] = places[0, 0] + (places[:, 0] - places[0, 0] + 180) % 360 - 180
        mean = places.mean(axis=0)
        log.info("Mean place of the target: %.8f, %.8f degrees", *mean)
        with library:
            for index, place in zip(science, places, strict=True):
                image = library.borrow(index)
                _follow(image, mean, mean - place)
                library.shelve(image, index)
        return library


def _place(meta):
    """Right ascension and declination of the target, degrees; None where one is missing."""
    place = tuple(meta.get(f"meta.wcsinfo.mt_{axis}") for axis in ("ra", "dec"))
    return None if None in place else place


def _follow(image, mean, shift):
    from astropy.modeling.models import Identity, Shift
    from gwcs import WCS

    old = getattr(image.meta, "wcs", None)
    if old is None:
        raise InputError(f"{image.meta.filename}: no coordinates (WCS); run assign_wcs first")
    frame = _renamed(old.output_frame)
    transform = Shift(shift[0]) & Shift(shift[1])
    if frame.naxes > 2:
        transform = transform & Identity(frame.naxes - 2)
    steps = [(step.frame, step.transform) for step in old.pipeline[:-1]]
    image.meta.wcs = WCS([*steps, (old.output_frame, transform), (frame, None)])
    image.meta.wcs.bounding_box = old.bounding_box
    image.meta.wcsinfo.mt_avra, image.meta.wcsinfo.mt_avdec = map(float, mean)
    if modes.is_imaging(image):
        outline = _s_region.image_outline(image.meta.wcs, image.data.shape)
        image.meta.wcsinfo.s_region = _s_region.polygon(outline)


def _renamed(frame):
    from copy import deepcopy

    frame = deepcopy(frame)
    frame.name = "moving_target"
    return frame
