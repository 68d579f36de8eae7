"""World coordinates of NIRSpec's spectra: detector, grating, slits, telescope, sky."""

import logging
import math
from typing import NamedTuple

import gwcs
import numpy as np
from astropy import coordinates, units
from astropy.modeling.bounding_box import CompoundBoundingBox
from astropy.modeling.models import Identity, Mapping, Scale, Shift
from gwcs import coordinate_frames as frames

from jwst_cal import modes
from jwst_cal.astrometry._wcs import libraries, nirspec_bounds, nirspec_slits, pointing
from jwst_cal.astrometry._wcs.nirspec_optics import MICRONS_PER_METRE, Optics, needed
from jwst_cal.errors import ExitStatus, SkipStep

__all__ = ["Options", "build", "seen_through"]

log = logging.getLogger(__name__)

#: Exit status when there is no science data.
NO_DATA = 64


class Options(NamedTuple):
    """
    What the step is told about NIRSpec.

    Attributes
    ----------
    limits : tuple of float
        Lower and upper end of a slit, in its heights.
    msa_file : str or None
        Path of the file that lists the open shutters.
    by_slice : bool
        Coordinates of the IFU take the number of the slice.
    """

    limits: tuple = (-0.55, 0.55)
    msa_file: str | None = None
    by_slice: bool = False


def build(model, refs, options):
    """
    Build the coordinates of a spectrum.

    Parameters
    ----------
    model : ImageModel, CubeModel or IFUImageModel
        The exposure. Order, wavelength range, reference frame and direction of the dispersion are
        written to ``meta.wcsinfo``.
    refs : References
        Of the optics; see :class:`~jwst_cal.astrometry._wcs.nirspec_optics.Optics`; ``msa``,
        ``fore`` and ``ote``.
    options : Options
        What the step is told.

    Returns
    -------
    gwcs.WCS
        Inputs x, y and the number of the slit; outputs right ascension, declination, wavelength
        and that number. Frames ``detector``, ``sca``, ``gwa``, ``slit_frame``, ``msa_frame``
        and, but for lamps, ``oteip``, ``v2v3``, ``v2v3vacorr``, ``world``. A bounding box for each
        slit.

    Raises
    ------
    SkipStep
        If the mode has no coordinates.
    ExitStatus
        Of status 64, if the detector sees no slit.
    ShutterFileError
        If it is not known which shutters were open.
    """
    slits = _open_slits(model, options, refs)
    optics = Optics(model, refs)
    described = _Slits(optics, needed(refs.msa, "msa", model), slits)
    seen = described.on_the_detector() if slits else described
    if not seen.slits:
        raise ExitStatus(NO_DATA, f"{model.meta.filename or 'the input'}: {optics.detector} sees "
                                  "none of the open slits")
    log.info("%s sees the slits %s", optics.detector, ", ".join(str(s.name) for s in seen.slits))
    optics.record()
    describe_dispersion(model)
    return seen.coordinates(seen.to_sky(model, refs))


def of_lamp(model):
    """
    Tell whether the exposure is of a lamp.

    Parameters
    ----------
    model : data model
        The exposure.

    Returns
    -------
    bool
        By EXP_TYPE.
    """
    return modes.exposure_type(model) in modes.LAMPS


def seen_through(model, refs, slits):
    """
    Find the pixels that see the sky, or a lamp, through slits and shutters.

    Parameters
    ----------
    model : data model
        The exposure; nothing is changed.
    refs : References
        As for :func:`build`.
    slits : list of Slit
        Slits and shutters, of any quadrant.

    Returns
    -------
    bool [row, col]
        The pixels, within the bounding box of each.
    """
    optics = Optics(model, refs)
    described = _Slits(optics, needed(refs.msa, "msa", model), slits)
    fore = None if optics.in_microns else needed(refs.fore, "fore", model).model
    to_gwa = optics.to_sca | optics.to_gwa
    n_rows, n_cols = model.data.shape[-2:]
    found = np.zeros((n_rows, n_cols), bool)
    boxes = described.boxes()
    for slit, to_slit, to_msa in zip(described.slits, described.to_slit(), described.to_msa,
                                     strict=True):
        (x_low, x_high), (y_low, y_high) = boxes[slit.slit_id]
        columns = np.arange(max(math.ceil(x_low), 0), min(math.floor(x_high) + 1, n_cols))
        rows = np.arange(max(math.ceil(y_low), 0), min(math.floor(y_high) + 1, n_rows))
        if not columns.size or not rows.size:
            continue
        x, y, wavelength = to_slit(*to_gwa(*np.meshgrid(columns.astype(float), rows.astype(float))))
        place = to_msa(x, y) if fore is None else fore(*to_msa(x, y), wavelength)
        found[np.ix_(rows, columns)] |= np.isfinite(place[0]) & np.isfinite(place[1])
    return found


def _open_slits(model, options, refs):
    kind, lamp = modes.exposure_type(model), nirspec_slits.of_lamp(model)
    if kind in ("NRS_MSASPEC", "NRS_AUTOFLAT") or (
            kind in ("NRS_LAMP", "NRS_AUTOWAVE") and lamp == "MSASPEC"):
        scales = nirspec_slits.shutter_scales(needed(refs.msa, "msa", model))
        return nirspec_slits.shutters(model, options.msa_file, options.limits, scales)
    if kind in ("NRS_FIXEDSLIT", "NRS_BRIGHTOBJ") or (
            kind in ("NRS_LAMP", "NRS_AUTOWAVE") and lamp in ("FIXEDSLIT", "BRIGHTOBJ")):
        return nirspec_slits.fixed(model, options.limits)
    raise SkipStep(f"{kind} exposures have no world coordinates")


def describe_dispersion(model):
    """
    Write reference frame and direction of the dispersion into the header.

    Parameters
    ----------
    model : data model
        The exposure.
    """
    info = model.meta.wcsinfo
    info.specsys, info.dispersion_direction = "BARYCENT", 1


def frame_of(name, axes, unit):
    """
    Make a frame of two spatial axes and the wavelength.

    Parameters
    ----------
    name : str
        Name of the frame.
    axes : tuple of str
        Names of the spatial axes.
    unit : Unit
        Of these.

    Returns
    -------
    CompositeFrame
        The frame.
    """
    spatial = "oteip" if "oteip" in name else f"{name.removesuffix('_frame')}_spatial"
    return frames.CompositeFrame([
        frames.Frame2D(name=spatial, axes_order=(0, 1), unit=(unit, unit), axes_names=axes),
        wavelength_frame()], name=name)


def wavelength_frame():
    """
    Make the frame of the wavelength.

    Returns
    -------
    SpectralFrame
        Third axis, micron.
    """
    return frames.SpectralFrame(name="spectral", axes_order=(2,), unit=(units.micron,),
                                axes_names=("wavelength",))


def on_the_detector():
    """
    Make the frames before the slits.

    Returns
    -------
    detector, sca, gwa : Frame2D
        Pixels of the exposure, of the detector as it was built, directions after the grating.
    """
    gwa = frames.Frame2D(name="gwa", axes_order=(0, 1), unit=(units.rad, units.rad),
                         axes_names=("alpha_in", "beta_in"))
    return frames.Frame2D(name="detector", axes_order=(0, 1)), frames.Frame2D(
        name="sca", axes_order=(0, 1)), gwa


def to_the_grating(optics):
    """
    Make the first two transformations, which carry the number of the slit along.

    Parameters
    ----------
    optics : Optics
        Of the exposure.

    Returns
    -------
    to_sca, to_gwa : Model
        x, y and number to the pixels as built, to number and directions.
    """
    to_sca = optics.to_sca & Identity(1)
    name_first = Mapping((3, 0, 1, 2))
    name_first.inverse = Mapping((1, 2, 3, 0))
    to_gwa = optics.to_gwa & Identity(1) | name_first
    return (named(to_sca, "dms2sca", "x y name", "x y name"),
            named(to_gwa, "det2gwa", "x y name", "name angle1 angle2 angle3"))


def named(model, name, inputs, outputs):
    """
    Name a transformation, its inputs and its outputs.

    Parameters
    ----------
    model : Model
        Changed in place.
    name, inputs, outputs : str
        Names, separated by blanks.

    Returns
    -------
    Model
        The same.
    """
    model.name, model.inputs, model.outputs = name, tuple(inputs.split()), tuple(outputs.split())
    return model


class Leg(NamedTuple):
    """
    One transformation of x, y and wavelength, and the frame that it starts from.

    Attributes
    ----------
    frame : CoordinateFrame
        Where it starts.
    model : Model or None
        Three inputs, three outputs; None at the end.
    name : str
        Its name.
    inputs, outputs : str
        Names of these, separated by blanks.
    """

    frame: object
    model: object = None
    name: str = ""
    inputs: str = ""
    outputs: str = ""

    def numbered(self):
        """Make the step of coordinates that carries the number of the slit along."""
        if self.model is None:
            return self.frame, None
        return self.frame, named(self.model & Identity(1), self.name, f"{self.inputs} name",
                                 f"{self.outputs} name")

    def plain(self):
        """Make the step of coordinates without numbers."""
        if self.model is None:
            return self.frame, None
        return self.frame, named(self.model, self.name, self.inputs, self.outputs)


def with_wavelength(optic):
    """
    Let an optic that depends on the wavelength hand it on.

    Parameters
    ----------
    optic : Model
        Takes x, y and wavelength, gives x and y; its inverse, too.

    Returns
    -------
    Model
        The same with the wavelength as third output.
    """
    forward = Mapping((0, 1, 2, 2)) | optic & Identity(1)
    forward.inverse = Mapping((0, 1, 2, 2)) | optic.inverse & Identity(1)
    return forward


def through_the_telescope(model, refs, chromatic=None):
    """
    Make the transformations from the plane of the slits to the sky.

    Parameters
    ----------
    model : data model
        The exposure.
    refs : References
        ``fore``, ``ote``.
    chromatic : Model, optional
        What the fore optics do to colours, in the image of the telescope.

    Returns
    -------
    list of Leg
        From ``msa_frame`` to ``world``.
    """
    sky = frames.CelestialFrame(name="sky", axes_order=(0, 1), reference_frame=coordinates.ICRS())
    fore = with_wavelength(needed(refs.fore, "fore", model).model)
    image, at_telescope = ("X_OTEIP", "Y_OTEIP"), ("v2", "v3")
    found = [Leg(msa_frame(), fore, "msa2oteip", "x_msa y_msa lam", "x_ote y_ote lam")]
    start = frame_of("oteip", image, units.deg)
    if chromatic is not None:
        found.append(Leg(start, chromatic, "chrom_corr", "x_ote y_ote lam", "x_ote y_ote lam"))
        start = frame_of("oteip_chromcorr", image, units.deg)
    return [
        *found,
        Leg(start, needed(refs.ote, "ote", model).model & Scale(MICRONS_PER_METRE), "oteip2v23",
            "x_ote y_ote lam", "v2 v3 lam"),
        Leg(frame_of("v2v3", at_telescope, units.arcsec),
            pointing.aberration(model, libraries) & Identity(1),
            "va_corr", "v2 v3 lam", "v2 v3 lam"),
        Leg(frame_of("v2v3vacorr", at_telescope, units.arcsec),
            pointing.to_sky(model, libraries) & Identity(1),
            "v2v3_to_sky", "v2 v3 lam", "ra dec lam"),
        Leg(frames.CompositeFrame([sky, wavelength_frame()], name="world")),
    ]


class _Slits:
    """
    Slits and shutters in the MSA's plane.

    Parameters
    ----------
    optics : Optics
        Of the exposure.
    msa : MSAModel
        Where slits and shutters are.
    slits : list of Slit
        Those that are open, of any quadrant.
    """

    def __init__(self, optics, msa, slits):
        self.optics, self._msa = optics, msa
        self.slits = sorted(slits, key=lambda slit: slit.quadrant)  # stable
        quadrants = {q: getattr(msa, f"Q{q}") for q in {slit.quadrant for slit in slits}}
        self.to_msa = [_located(slit, quadrants[slit.quadrant]) for slit in self.slits]
        self._to_slit = None

    def _edges(self):
        """Direction cosines before the grating of both ends of all slits, [slit, end, 1]."""
        ends = np.array([[slit.ymin, slit.ymax] for slit in self.slits], float)
        places = np.array([to_msa(np.zeros(2), y)
                           for to_msa, y in zip(self.to_msa, ends, strict=True)])
        return [found[..., None] for found in self.optics.slit_to_gwa(places[:, 0], places[:, 1])]

    def _spectrum(self):
        edges, optics = self._edges(), self.optics
        to_pixels = optics.to_gwa.inverse | optics.to_sca.inverse

        def spectrum(wavelengths):
            shape = np.broadcast_shapes(np.shape(wavelengths), edges[0].shape)
            given = [np.broadcast_to(values, shape).ravel() for values in (wavelengths, *edges)]
            return [found.reshape(shape) for found in to_pixels(*optics.angles(*given))]

        return spectrum

    def on_the_detector(self):
        """Those whose spectra fall on the detector."""
        places = nirspec_bounds.boxes(self._spectrum(), self.optics.wavelengths)
        seen = [slit for slit, box in zip(self.slits, places, strict=True)
                if nirspec_bounds.falls_on_the_detector(box)]
        gone = [str(slit.name) for slit in self.slits if slit not in seen]
        if gone:
            log.info("Left out slits that the detector does not see: %s", ", ".join(gone))
        return _Slits(self.optics, self._msa, seen) if gone else self

    def to_slit(self):
        """From the grating to each slit; made once."""
        if self._to_slit is None:
            self._to_slit = [
                self.optics.gwa_to_slit(to_msa | self.optics.slit_to_gwa, (slit.ymin, slit.ymax))
                for slit, to_msa in zip(self.slits, self.to_msa, strict=True)]
        return self._to_slit

    def boxes(self):
        """Bounding boxes by the number of the slit."""
        to_gwa = self.optics.to_sca | self.optics.to_gwa

        def sees(to_slit):
            return lambda x, y: np.isfinite(to_slit(*to_gwa(x, y))[2])

        found = nirspec_bounds.boxes(self._spectrum(), self.optics.wavelengths,
                                     [sees(to_slit) for to_slit in self.to_slit()])
        return {slit.slit_id: box for slit, box in zip(self.slits, found, strict=True)}

    def to_sky(self, model, refs):
        """Frames and transformations after the MSA; none for lamps."""
        legs = [Leg(msa_frame())] if self.optics.in_microns else through_the_telescope(model, refs)
        return [leg.numbered() for leg in legs]

    def coordinates(self, after):
        """Put all together; ``after`` are the frames and transformations from the MSA on."""
        from stdatamodels.jwst.transforms.models import Gwa2Slit, Slit2Msa

        to_slit = Gwa2Slit(self.slits, self.to_slit())
        to_slit.name = "gwa2slit"
        name_last = Mapping((0, 1, 3, 2))
        name_last.inverse = Mapping((0, 1, 3, 2))
        to_msa = Slit2Msa(self.slits, self.to_msa) & Identity(1) | name_last
        named(to_msa, "slit2msa", "name x_slit y_slit lam", "x_msa y_msa lam name")
        detector, sca, gwa = on_the_detector()
        to_sca, to_gwa = to_the_grating(self.optics)
        wcs = gwcs.WCS([
            (detector, to_sca), (sca, to_gwa), (gwa, to_slit),
            (frame_of("slit_frame", ("x_slit", "y_slit"), ""), to_msa), *after])
        wcs.bounding_box = bounding_box(wcs, self.boxes())
        return wcs


def bounding_box(wcs, boxes):
    """
    Make the bounding box of coordinates that take the number of a slit.

    Parameters
    ----------
    wcs : WCS
        The coordinates.
    boxes : dict
        Limits of x and y by number.

    Returns
    -------
    CompoundBoundingBox
        The boxes of all.
    """
    transform = wcs.forward_transform
    transform.inputs = ("x", "y", "name")
    return CompoundBoundingBox.validate(transform, boxes, selector_args=[("name", True)], order="F")


def msa_frame():
    """
    Make the frame of the plane of the slits.

    Returns
    -------
    CompositeFrame
        x and y, m, and wavelength.
    """
    return frame_of("msa_frame", ("x_msa", "y_msa"), units.m)


def _located(slit, quadrant):
    """Position in a slit, in its widths and heights, to that on the MSA, m."""
    row = slit.shutter_id if slit.quadrant == nirspec_slits.FIXED_QUADRANT else slit.shutter_id - 1
    return in_metres(quadrant.data[row]) | quadrant.model


def in_metres(row):
    """
    Make the transformation from widths and heights of a slit to metres.

    Parameters
    ----------
    row : sequence of float
        Number, centre x and y, width and height.

    Returns
    -------
    Model
        The transformation.
    """
    _, x, y, width, height = (float(value) for value in row)
    return Scale(width) & Scale(height) | Shift(x) & Shift(y)
