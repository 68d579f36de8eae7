"""World coordinates of NIRSpec's integral field unit: thirty slices instead of slits."""

import logging
import math

import gwcs
import numpy as np
from astropy.modeling import bind_bounding_box
from astropy.modeling.models import Const1D, Identity, Mapping
from gwcs import coordinate_frames as frames
from gwcs import selector

from jwst_cal.astrometry import _s_region
from jwst_cal.astrometry._wcs import nirspec, nirspec_bounds
from jwst_cal.astrometry._wcs.nirspec_optics import Optics, needed
from jwst_cal.errors import ExitStatus

__all__ = ["build"]

log = logging.getLogger(__name__)

N_SLICES = 30
#: Ends of a slice for its bounding box, in its heights.
ENDS = (-0.55, 0.55)
FULL_FRAME = (2048, 2048)
#: Decimals of the positions on the slicer, m, that tell slices apart on the way back.
DECIMALS = 5


def build(model, refs, options):
    """
    Build the coordinates of an exposure of the IFU.

    Parameters
    ----------
    model : IFUImageModel, ImageModel or CubeModel
        The exposure. ``meta.wcsinfo`` gets S_REGION, order and range of the spectrum; an
        IFUImageModel ``regions``, the number of the slice that a pixel of the full frame sees,
        from 1, or 0. Neither of lamps.
    refs : References
        Of the optics; ``ifuslicer``, ``ifupost``, ``ifufore``, ``fore``, ``chromcorr``, ``ote``.
    options : nirspec.Options
        What the step is told.

    Returns
    -------
    gwcs.WCS
        Pixels to right ascension, declination and wavelength. Frames ``coordinates``,
        ``detector``, ``slicer``, ``msa_frame``, ``oteip``, ``oteip_chromcorr``, ``v2v3``,
        ``v2v3vacorr`` and ``world``. By slice, and of lamps, as for slits, of numbers 0 to 29.

    Raises
    ------
    ExitStatus
        Of status 64, if the detector sees no slice.
    """
    _check_that_there_is_data(model)
    optics = Optics(model, refs)
    optics.record()
    nirspec.describe_dispersion(model)
    slices = _Slices(optics, model, refs, options.limits)
    legs = _after_the_slicer(optics, model, refs)
    if nirspec.of_lamp(model):
        return slices.coordinates(legs)
    seen = slices.seen()
    if not optics.in_microns:
        _outline(model, slices, seen, legs)
    regions = np.zeros(FULL_FRAME, np.int32)
    for number, pixels in seen.items():
        regions[pixels.y, pixels.x] = number + 1
    if type(model).__name__ == "IFUImageModel":
        model.regions = regions
    return slices.coordinates(legs) if options.by_slice else slices.by_place(seen, regions, legs)


def _check_that_there_is_data(model):
    instrument = model.meta.instrument
    grating, filter_ = instrument.grating or "", instrument.filter
    if (instrument.detector or "").upper() == "NRS2" and (
            grating.endswith("M") or (grating, filter_) == ("G140H", "F070LP")):
        raise ExitStatus(nirspec.NO_DATA, f"{model.meta.filename or 'the input'}: NRS2 sees no "
                                          f"slice of the IFU through {grating} and {filter_}")


def _after_the_slicer(optics, model, refs):
    """Transformations from the slicer on."""
    fore = nirspec.with_wavelength(needed(refs.ifufore, "ifufore", model).model)
    slicer = nirspec.frame_of("slicer", ("x_slicer", "y_slicer"), "")
    first = nirspec.Leg(slicer, fore, "slicer2msa", "x_slice y_slice lam", "x_msa y_msa lam")
    if optics.in_microns:
        return [first, nirspec.Leg(nirspec.msa_frame())]
    chromatic = needed(refs.chromcorr, "chromcorr", model).model
    return [first, *nirspec.through_the_telescope(model, refs, chromatic)]


def _outline(model, slices, seen, legs):
    """Write S_REGION and the range of wavelengths: those of all pixels that see a slice."""
    info = model.meta.wcsinfo
    places = [np.concatenate(values) for values in zip(
        *(slices.on_the_slicer(number, pixels) for number, pixels in seen.items()), strict=True)]
    for leg in legs[:-1]:
        places = leg.model(*places)
    ra, dec, wavelength = places
    middle = ra[0] - 180  # what lies across 0 or 360 is brought together
    ra = np.mod(ra - middle, 360) + middle
    west, east = np.mod([ra.min(), ra.max()], 360)
    south, north = dec.min(), dec.max()
    corners = [[west, south], [east, south], [east, north], [west, north]]
    info.s_region = _s_region.polygon(np.array(corners))
    info.spectral_region = (float(wavelength.min()), float(wavelength.max()))
    log.info("S_REGION: %s", info.s_region)


class _Seen:
    """Pixels that see a slice: whole numbers x, y; position in it and wavelength."""

    def __init__(self, x, y, height, wavelength):
        self.x, self.y, self.height, self.wavelength = x, y, height, wavelength


class _Slices:
    """
    The slices of the IFU.

    Parameters
    ----------
    optics : Optics
        Of the exposure.
    model : data model
        The exposure.
    refs : References
        ``ifuslicer``, ``ifupost``.
    limits : tuple of float
        Lower and upper end of a slice, in its heights.
    """

    numbers = tuple(range(N_SLICES))

    def __init__(self, optics, model, refs, limits):
        self.optics = optics
        slicer = needed(refs.ifuslicer, "ifuslicer", model)
        post = needed(refs.ifupost, "ifupost", model)
        middle = sum(optics.wavelengths) / 2
        self.to_slicer = [nirspec.in_metres(slicer.data[k]) | slicer.model for k in self.numbers]
        self._to_gwa = [
            to_slicer & Identity(1) | _behind_the_slicer(getattr(post, f"slice_{k}"))
            | optics.slit_to_gwa for k, to_slicer in enumerate(self.to_slicer)]
        self.to_slit = [optics.gwa_to_slit(to_gwa, limits, middle) for to_gwa in self._to_gwa]
        self.boxes = self._boxes()

    def _boxes(self):
        optics = self.optics
        to_pixels = optics.to_gwa.inverse | optics.to_sca.inverse
        to_gwa = optics.to_sca | optics.to_gwa

        def spectrum(wavelengths):
            shape = (N_SLICES, 2, np.shape(wavelengths)[-1])
            given = np.broadcast_to(wavelengths, shape)
            ends = np.broadcast_to(np.reshape(ENDS, (2, 1)), shape[1:])
            directions = np.stack([
                np.stack(behind(np.zeros(ends.size), ends.ravel(), waves.ravel()))
                for behind, waves in zip(self._to_gwa, given, strict=True)], axis=1)
            after = optics.angles(given.ravel(), *directions.reshape(3, -1))
            return [found.reshape(shape) for found in to_pixels(*after)]

        def sees(to_slit):
            return lambda x, y: np.isfinite(to_slit(*to_gwa(x, y))[2])

        found = nirspec_bounds.boxes(spectrum, optics.wavelengths, list(map(sees, self.to_slit)))
        return dict(zip(self.numbers, found, strict=True))

    def coordinates(self, legs):
        """Put all together, with numbers of slices."""
        from stdatamodels.jwst.transforms.models import Gwa2Slit, Slit2Msa

        to_slit = Gwa2Slit(list(self.numbers), self.to_slit)
        to_slit.name = "gwa2slit"
        name_last = Mapping((0, 1, 3, 2))
        name_last.inverse = Mapping((0, 1, 3, 2))
        to_slicer = Slit2Msa(list(self.numbers), self.to_slicer) & Identity(1) | name_last
        nirspec.named(to_slicer, "slit2slicer", "name x_slit y_slit lam",
                      "x_slice y_slice lam name")
        detector, sca, gwa = nirspec.on_the_detector()
        to_sca, to_gwa = nirspec.to_the_grating(self.optics)
        slit_frame = nirspec.frame_of("slit_frame", ("x_slit", "y_slit"), "")
        wcs = gwcs.WCS([(detector, to_sca), (sca, to_gwa), (gwa, to_slit), (slit_frame, to_slicer),
                        *(leg.numbered() for leg in legs)])
        wcs.bounding_box = nirspec.bounding_box(wcs, self.boxes)
        return wcs

    def seen(self):
        """Pixels that see a slice, by its number; slices that none sees are left out."""
        to_gwa, found = self.optics.to_sca | self.optics.to_gwa, {}
        for number, (across, along) in self.boxes.items():
            columns, rows = (np.arange(max(math.ceil(low), 0), math.floor(high) + 1)
                             for low, high in (across, along))
            if not columns.size or not rows.size:
                continue
            x, y = np.meshgrid(columns, rows)
            _, height, wavelength = self.to_slit[number](*to_gwa(x.astype(float), y.astype(float)))
            lit = np.isfinite(wavelength)
            if lit.any():
                found[number] = _Seen(x[lit], y[lit], height[lit], wavelength[lit])
        return found

    def on_the_slicer(self, number, pixels):
        """Position on the slicer, m, and wavelength of pixels that see a slice."""
        x, y = self.to_slicer[number](np.zeros(pixels.height.size), pixels.height)
        return x, y, pixels.wavelength

    def by_place(self, seen, regions, legs):
        """Put all together; the pixel chooses the slice, and on the way back the place on it."""
        to_gwa, ways, places = self.optics.to_sca | self.optics.to_gwa, {}, {}
        for number, pixels in seen.items():
            way = to_gwa | self.to_slit[number] | self.to_slicer[number] & Identity(1)
            bind_bounding_box(way, tuple((values.min() - 0.5, values.max() + 0.5)
                                         for values in (pixels.x, pixels.y)), order="F")
            ways[number + 1] = way
            at = round(float(self.on_the_slicer(number, pixels)[0].mean()), DECIMALS)
            places[at] = Mapping((0,), n_inputs=3) | Const1D(number + 1)
        labels = selector.LabelMapperArray(regions)
        names = "x_slice", "y_slice", "lam"
        labels.inverse = selector.LabelMapperDict(
            inputs=names, mapper=places, inputs_mapping=Mapping((0,), n_inputs=3), atol=1e-4)
        to_slicer = selector.RegionsSelector(("x", "y"), names, label_mapper=labels, selector=ways,
                                             name="det2slicer")
        nirspec.named(to_slicer, "det2slicer", "x y", " ".join(names))
        start = frames.Frame2D(name="coordinates", axes_order=(0, 1))
        return gwcs.WCS([
            (start, nirspec.named(Identity(2), "coord2det", "x y", "x y")),
            (nirspec.on_the_detector()[0], to_slicer), *(leg.plain() for leg in legs)])


def _behind_the_slicer(of_slice):
    """From the slicer to the virtual slit that the spectrograph sees, by wavelength."""
    both = Mapping((0, 1), n_inputs=3)

    def colourful(fixed, per_metre):
        return (both | fixed) + (both | per_metre) * Mapping((2,), n_inputs=3)

    return of_slice.linear & Identity(1) | Mapping((0, 1, 2, 0, 1, 2)) | (
        colourful(of_slice.xpoly, of_slice.xpoly_distortion)
        & colourful(of_slice.ypoly, of_slice.ypoly_distortion))
