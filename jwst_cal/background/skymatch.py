"""Sky matching: the level of the sky in each image, such that overlapping images agree."""

import logging
import math
import os
from typing import NamedTuple

import numpy as np

from jwst_cal import flags
from jwst_cal.background import _sky
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.framework import GroupStep, param, products
from jwst_cal.kernels.sky import take
from jwst_cal.models import requirements

__all__ = ["SkyMatchStep"]

log = logging.getLogger(__name__)


class _Image(NamedTuple):
    """What is kept of an image: position in the library, name, outline, level of before."""

    index: int
    name: str
    shape: tuple[int, int]
    outline: np.ndarray
    level: float


class SkyMatchStep(GroupStep):
    """
    Measure the level of the sky, or what must be taken off for images to match.

    Images of one exposure (several detectors) get one correction.

    Notes
    -----
    Differs from jwst 3.0.0: see docs/steps/skymatch.rst.
    """

    class_alias = "skymatch"
    takes_light = True

    skymethod: str = param("match", "local: each by itself; global: the lowest for all; "
                                    "match: overlaps agree; user: from a file", choices=(
        "local", "global", "match", "global+match", "user"))
    match_down: bool = param(True, "Match to the lowest level, else to the highest")
    subtract: bool = param(False, "Subtract the level from the image, else only note it")
    skylist: str = param(None, "Text file with a line 'file name, level' for each image (user)")
    stepsize: int = param(None, "Distance of the corners of an outline along the image's edges, "
                                "pixels; None for the image's corners only")
    skystat: str = param("mode", "Statistic that is the level",
                         choices=("median", "midpt", "mean", "mode"))
    dqbits: str = param("~DO_NOT_USE+NON_SCIENCE", "Flags that a used pixel may have")
    lower: float = param(None, "Values below are not used")
    upper: float = param(None, "Values above are not used")
    nclip: int = param(5, "Rounds of clipping", ge=0)
    lsigma: float = param(4.0, "Values so far below the mean are clipped, in sigma", ge=0.0)
    usigma: float = param(4.0, "Values so far above the mean are clipped, in sigma", ge=0.0)
    binwidth: float = param(0.1, "Width of the bins for mode and midpt, in sigma", ge=0.0)
    in_memory: bool = param(True, "Keep the images in memory")

    def process(self, images, *, refs):
        """
        Measure and note, or subtract, the level of the sky.

        Parameters
        ----------
        images : ModelLibrary, ModelContainer, association
            Calibrated images with coordinates.
        refs : References
            None.

        Returns
        -------
        ModelLibrary
            The same images with ``meta.background``; those whose level could not be measured are
            marked SKIPPED.

        Raises
        ------
        InputError
            If an image is no 2-D image, has no coordinates, or its background is told
            inconsistently.
        ParameterError
            If ``dqbits``, ``stepsize`` or ``skylist`` cannot be used.
        """
        library = self.library(images)
        if self.skymethod == "user":
            return self._from_list(library)
        if self.stepsize is not None and self.stepsize < 1:
            raise ParameterError(f"Parameter 'stepsize' of skymatch: {self.stepsize} where at "
                                 "least 1 is needed")
        try:
            self._bad = flags.unwanted(self.dqbits)
        except ValueError as error:
            raise ParameterError(f"Parameter 'dqbits' of skymatch: {error}") from error
        log.info("Method %s, statistic %s, sky %s", self.skymethod, self.skystat,
                 "subtracted" if self.subtract else "not subtracted")
        found = self._look(library)
        groups = [[found[index] for index in indices] for indices in
                  library.group_indices.values()]
        levels, valid = np.zeros(len(groups)), np.zeros(len(groups), bool)
        if "match" in self.skymethod:
            change = self._match(library, groups)
            valid = np.isfinite(change)
            levels = np.where(valid, change, 0.0)
        if self.skymethod != "match":
            change = self._measured(library, groups, levels)
            if "global" in self.skymethod:
                lowest = np.nanmin(change) if np.isfinite(change).any() else np.nan
                change = np.full(len(groups), lowest)
                valid |= np.isfinite(change)
            else:
                valid = np.isfinite(change)
            levels = levels + np.where(np.isfinite(change), change, 0.0)
        self._write(library, groups, levels, valid)
        return library

    def _look(self, library):
        """Where the images are on the sky."""
        found = []
        with library:
            for index in range(len(library)):
                image = library.borrow(index)
                name = image.meta.filename or f"image {index + 1}"
                requirements.image_of_the_sky(image, self.class_alias)
                shape = image.data.shape
                found.append(_Image(index, name, shape,
                                    _sky.outline(image.meta.wcs, shape, self.stepsize),
                                    self._earlier(image, name)))
                library.shelve(image, index, modify=False)
        return found

    def _earlier(self, image, name):
        """The level that was subtracted before."""
        known = image.meta.background
        level, subtracted = known.level, known.subtracted
        if (level is None) != (subtracted is None):
            raise InputError(f"{name}: BKGLEVEL={level} and BKGSUB={subtracted}: one is missing")
        if subtracted is not None and subtracted != self.subtract:
            raise InputError(f"{name}: BKGSUB={subtracted}, but subtract={self.subtract}: its sky "
                             f"was {'' if subtracted else 'not '}subtracted before")
        return level if self.subtract and level is not None else 0.0

    def _values(self, image, spans):
        """Values of some pixels of an image, NaN where they are not to be used."""
        return take(image.data, spans, flags=image.dq if self._bad else None, bits=self._bad)

    def _statistic(self, values):
        return _sky.measure(values, **self.options_for(_sky.measure))

    def _match(self, library, groups):
        """Levels of the groups, up to a constant that makes the lowest (highest) 0."""
        n = len(groups)
        total, weight = np.zeros((n, n)), np.zeros((n, n))
        with library:
            for a, group in enumerate(groups):
                for member in group:
                    places = {b: [part for one in other
                                  for part in _sky.overlap(member.outline, one.outline)]
                              for b, other in enumerate(groups) if b != a}
                    if not any(places.values()):
                        continue
                    image = library.borrow(member.index)
                    for b, polygons in _on_pixels(image.meta.wcs, places).items():
                        spans = _sky.pixels_within(polygons, member.shape)
                        found = self._statistic(self._values(image, spans))
                        if found is not None:
                            total[a, b] += found[0] * found[1]
                            weight[a, b] += found[1]
                    library.shelve(image, member.index, modify=False)
        with np.errstate(invalid="ignore"):
            levels, whole = _sky.differences(total / weight, weight)
        if not np.isfinite(levels).any():
            log.warning("No images overlap where they have usable pixels: nothing can be matched")
            return levels
        if not whole:
            log.warning("The images do not all hang together: they match in parts")
        return levels - (np.nanmin if self.match_down else np.nanmax)(levels)

    def _measured(self, library, groups, taken):
        """Lowest level of each group's images, once what was found so far is taken off."""
        found = np.full(len(groups), np.nan)
        with library:
            for number, (group, level) in enumerate(zip(groups, taken, strict=True)):
                for member in group:
                    image = library.borrow(member.index)
                    values = self._values(image, _sky.all_pixels(member.shape))
                    library.shelve(image, member.index, modify=False)
                    if self.subtract:
                        values -= np.float32(level)
                    measured = self._statistic(values)
                    if measured is not None:
                        here = measured[0] - (0.0 if self.subtract else level)
                        found[number] = np.fmin(found[number], here)
        return found

    def _write(self, library, groups, levels, valid):
        """Note the levels in the images."""
        with library:
            for group, level, known in zip(groups, levels.tolist(), valid, strict=True):
                for member in group:
                    image = library.borrow(member.index)
                    if known:
                        self._note(image, member.level + level, level)
                        log.info("%s: sky %.6g%s%s", member.name, member.level + level,
                                 _unit(image),
                                 f" ({member.level:.6g} before)" if member.level else "")
                    else:
                        log.warning("%s: its sky could not be measured", member.name)
                    image.meta.cal_step.skymatch = "COMPLETE" if known else "SKIPPED"
                    library.shelve(image, member.index)
        self.statuses_set(library)

    def _note(self, image, level, change):
        image.meta.background.method = self.skymethod
        image.meta.background.level = level
        image.meta.background.subtracted = self.subtract
        if self.subtract:
            image.data -= np.float32(change)

    def _from_list(self, library):
        """Take the levels from a file."""
        if self.skylist is None:
            raise ParameterError("Parameter 'skylist' of skymatch: a file is needed with "
                                 "skymethod=user")
        path = self.make_input_path(self.skylist)
        known = _read_list(path)
        log.info("Levels of the sky from %s", path)
        with library:
            for index in range(len(library)):
                image = library.borrow(index)
                stem = _stem(image.meta.filename or "")
                if stem not in known:
                    raise InputError(f"{path}: no level for {image.meta.filename}")
                level = known.pop(stem)
                self._note(image, level, level)
                log.info("%s: sky %.6g%s", image.meta.filename, level, _unit(image))
                image.meta.cal_step.skymatch = "COMPLETE"
                library.shelve(image, index)
        if known:
            raise InputError(f"{path}: {', '.join(sorted(known))} is none of the {len(library)} "
                             "images")
        self.statuses_set(library)
        return library


def _on_pixels(wcs, places):
    """Regions of the sky by group as polygons on an image's pixels; only those that are."""
    flat = [(b, part) for b, parts in places.items() for part in parts]
    x, y = wcs.invert(*np.concatenate([part for _, part in flat]).T,
                             with_bounding_box=False)
    corners = np.split(np.stack([x, y], -1), np.cumsum([len(part) for _, part in flat])[:-1])
    found = {}
    for (b, _), polygon in zip(flat, corners, strict=True):
        if np.isfinite(polygon).all():
            found.setdefault(b, []).append(polygon)
    return found


def _unit(image):
    return f" {image.meta.bunit_data}" if image.meta.bunit_data else ""


def _stem(name):
    return products.remove_suffix(os.path.splitext(os.path.basename(name))[0])[0]


def _read_list(path):
    """Levels by file name without suffix and ending."""
    found = {}
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"Parameter 'skylist' of skymatch: {path} cannot be read: "
                             f"{getattr(error, 'strerror', None) or error}") from error
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            name, level = words[0], float(words[1])
        except (IndexError, ValueError):
            level = math.nan
        if len(words) != 2 or not math.isfinite(level):
            raise InputError(f"{path}, line {number}: '{line.strip()}' where a file name and a "
                             "number are needed")
        if _stem(name) in found:
            raise InputError(f"{path}, line {number}: {name} is there twice")
        found[_stem(name)] = level
    return found
