"""NIRSpec's optics between the slits and the detector, as transformations that serve every mode."""

import logging
import math

from astropy.modeling.models import (
    Const1D,
    Identity,
    Mapping,
    Polynomial2D,
    Scale,
    Shift,
    Tabular1D,
)

from jwst_cal import modes
from jwst_cal.astrometry._wcs import pointing
from jwst_cal.errors import InputError, ReferenceFileError

__all__ = ["Optics", "needed"]

log = logging.getLogger(__name__)

#: Last pixel of a row or column; NRS2 lies upside down.
LAST = 2047
ARCSEC_PER_DEGREE = 3600
MICRONS_PER_METRE = 1e6
#: Where no row of the reference tells better, m.
WHOLE_RANGE = [0.6e-6, 5.3e-6]
#: Wavelengths at which the refraction of the prism is tabulated, from 0.3 micron, in 5 nm.
_PRISM_NODES = 1541
#: Steps across a slit in which a position is looked up from the direction at the grating.
_STEPS = 1000


def needed(reference, reftype, model):
    """
    Give a reference that a mode cannot do without.

    Parameters
    ----------
    reference : data model or None
        The reference.
    reftype : str
        Its type.
    model : data model
        The exposure, for the message.

    Returns
    -------
    data model
        The reference.

    Raises
    ------
    ReferenceFileError
        If there is none.
    """
    if reference is None:
        raise ReferenceFileError(f"{model.meta.filename or 'the input'}: no {reftype.upper()} "
                                 f"reference file, which {modes.exposure_type(model)} needs (N/A)")
    return reference


def _inverted(forward, inverse):
    """Tell a transformation its inverse."""
    forward.inverse = inverse
    return forward


class Optics:
    """
    The spectrograph: detector, camera, grating wheel and collimator.

    Parameters
    ----------
    model : data model
        The exposure: detector, subarray, tilt of the wheel, filter and grating are read.
    refs : References
        ``fpa``, ``camera``, ``disperser``, ``collimator`` and ``wavelengthrange``.

    Attributes
    ----------
    order : int
        Spectral order.
    wavelengths : list of float
        First and last wavelength that filter and grating let through, m.
    to_sca : Model
        Pixels of the exposure to those of the detector as it was built; both count from 0.
    to_gwa : Model
        These pixels to direction cosines after the grating.
    slit_to_gwa : Model
        Positions in the plane of the slits, m, to direction cosines before the grating.
    angles, wavelength : Model
        Wavelength, m, and direction before the grating to the direction after it; directions
        before (x, y) and after (x) to the wavelength.
    in_microns : bool
        The coordinates end at the slits: wavelengths are micron there already.
    """

    def __init__(self, model, refs):
        from stdatamodels.jwst.transforms.models import Unitless2DirCos

        instrument = model.meta.instrument
        self._model = model
        self.detector = (instrument.detector or "").upper()
        self.in_microns = is_inside(model)
        ranges = needed(refs.wavelengthrange, "wavelengthrange", model)
        self.order, self.wavelengths = _range(model, ranges)
        self._disperser = needed(refs.disperser, "disperser", model)
        rotation = _rotation(self._disperser, instrument)
        fpa = getattr(needed(refs.fpa, "fpa", model), f"{self.detector.lower()}_model")
        camera = needed(refs.camera, "camera", model).model
        collimator = needed(refs.collimator, "collimator", model).model
        unit = Unitless2DirCos(name="unitless2directional_cosines")
        self.to_sca = _to_sca(model, self.detector)
        self.to_gwa = fpa | camera | unit | rotation
        self.slit_to_gwa = collimator.inverse | unit | rotation
        self.angles, self.wavelength = _dispersion(model, self._disperser, self.order)
        if model.meta.wcsinfo.velosys is not None:
            self._correct_velocity(model.meta.wcsinfo.velosys)
        if self.in_microns:
            self.wavelength = self.wavelength | Scale(MICRONS_PER_METRE)

    def _correct_velocity(self, velocity):
        """Wavelengths of the slits are those at the barycentre of the solar system."""
        to_barycentre = pointing.to_barycentre(velocity)
        self.wavelength = self.wavelength | to_barycentre
        self.angles = to_barycentre.inverse & Identity(3) | self.angles
        log.info("Wavelengths were corrected for a velocity of %g m/s", velocity)

    def record(self):
        """Write order and range of the spectrum into the header of the exposure."""
        info = self._model.meta.wcsinfo
        info.spectral_order = self.order
        info.waverange_start, info.waverange_end = self.wavelengths

    def gwa_to_slit(self, to_gwa, limits, wavelength=None):
        """
        Make the transformation from the grating to a slit, with its inverse.

        Parameters
        ----------
        to_gwa : Model
            Position in the slit to direction cosines before the grating; with a wavelength, it
            takes one, m.
        limits : tuple of float
            Lower and upper end of the slit, in its heights.
        wavelength : float, optional
            Wavelength at which positions are taken where they depend on it, m.

        Returns
        -------
        Model
            Direction cosines after the grating to x (0), y and wavelength; NaN outside the slit.
        """
        at = to_gwa if wavelength is None else (
            Mapping((0, 1, 1)) | Identity(2) & Const1D(wavelength) | to_gwa)
        directions, heights = across(at, limits)
        position = Tabular1D(points=(directions,), lookup_table=heights, bounds_error=False,
                             name="tabular")
        forward = (
            Mapping((1, 1, 0), n_inputs=3)
            | Scale(0.0) & (Scale(-1.0) | position) & Identity(1)  # x, y, direction after
            | Mapping((0, 1, 0, 1, 2))
            | Identity(2) & at & Identity(1)  # x, y, directions before (three), after
            | Mapping((0, 1, 2, 3, 5), n_inputs=6)
            | Identity(2) & self.wavelength
            | Mapping((0, 1, 2, 1))
            # no wavelength where y is NaN
            | Identity(2) & Polynomial2D(1, c1_0=1.0)
        )
        back = to_gwa & Identity(1) | Mapping((3, 0, 1, 2)) | self.angles
        if wavelength is not None:
            back = Mapping((0, 1, 2, 2)) | back
        if self.in_microns:
            back = Identity(2) & Scale(1 / MICRONS_PER_METRE) | back
        return _inverted(forward, back)


def across(to_gwa, limits):
    """
    Tabulate the direction at the grating across a slit.

    Parameters
    ----------
    to_gwa : Model
        Position in the slit to direction cosines before the grating.
    limits : tuple of float
        Lower and upper end, in heights of the slit.

    Returns
    -------
    directions, heights : float64 [step]
        Direction cosine y, and position.
    """
    import numpy as np

    heights = np.linspace(*limits, _STEPS)
    return to_gwa(np.zeros(_STEPS), heights)[1], heights


def is_inside(model):
    """Whether the light does not come from the sky: of lamps, or behind a closed filter."""
    return model.meta.instrument.filter == "OPAQUE" or modes.exposure_type(model) in modes.LAMPS


def _range(model, reference):
    """Order and wavelength range of filter (or lamp) and grating."""
    instrument = model.meta.instrument
    first = instrument.lamp_state if is_inside(model) else instrument.filter
    wanted, known = f"{first}_{instrument.grating}", list(reference.waverange_selector)
    like = [name for name in known if name.split("_")[1] == instrument.grating]
    for name in (wanted, *like):
        if name in known:
            row = known.index(name)
            order, limits = reference.order[row], list(reference.wavelengthrange[row])
            break
    else:
        name, order, limits = None, -1, list(WHOLE_RANGE)
    if name != wanted:
        log.info("WAVELENGTHRANGE has no row for %s: order %d, %g to %g m were used", wanted, order,
                 *limits)
    return order, limits


def _rotation(disperser, instrument):
    """Rotate into the frame of the grating, at the angle that the wheel's sensors measured."""
    from stdatamodels.jwst.transforms.models import Rotation3DToGWA

    def turn(sensor, reading):
        if reading is None:
            return 0.0
        found = sensor.tilt_model(reading) - sensor.tilt_model(sensor.zeroreadings[0])
        return 0.5 * found / ARCSEC_PER_DEGREE

    theta_y = disperser.theta_y + turn(disperser.gwa_tiltx, instrument.gwa_xtilt)
    theta_x = disperser.theta_x + turn(disperser.gwa_tilty, instrument.gwa_ytilt)
    log.info("The grating is at theta_x=%.6f, theta_y=%.6f degrees", theta_x, theta_y)
    return Rotation3DToGWA([theta_x, theta_y, disperser.theta_z, disperser.tilt_y],
                           axes_order="xyzy", name="rotation")


def _to_sca(model, detector):
    where = model.meta.subarray
    shift = Shift((where.xstart or 1) - 1) & Shift((where.ystart or 1) - 1)
    if detector == "NRS1":
        return shift | Identity(2)
    return shift | Shift(-LAST) & Shift(-LAST) | Scale(-1) & Scale(-1)


def _dispersion(model, disperser, order):
    """Direction after the grating from the wavelength, and the wavelength from both directions."""
    from gwcs.spectroscopy import AnglesFromGratingEquation3D, WavelengthFromGratingEquation

    if (model.meta.instrument.grating or "").upper() == "PRISM":
        return _prism(model, disperser)
    density = disperser.groovedensity
    angles = (Mapping((0, 1, 2), n_inputs=4) | Identity(1) & Scale(-1) & Identity(1)
              | AnglesFromGratingEquation3D(density, order, name="alpha_from_greq"))
    wavelength = (Mapping((0, 2), n_inputs=3)
                  | WavelengthFromGratingEquation(density, order, name="lambda_from_gratingeq")
                  | Scale(-1))
    return angles, wavelength


def _prism(model, disperser):
    import numpy as np
    from stdatamodels.jwst.transforms.models import RefractionIndexFromPrism, Snell

    temperature = model.meta.instrument.gwa_tilt
    if temperature is None or not math.isfinite(temperature):
        raise InputError(f"{model.meta.filename or 'the input'}: GWA_TILT={temperature}: the "
                         "prism's temperature is needed")
    glass = [disperser[name] for name in ("kcoef", "lcoef", "tcoef")]
    angles = Snell(disperser.angle, *glass, disperser.tref, disperser.pref, temperature,
                   disperser.pref, name="snell_law")
    wavelengths = (np.arange(_PRISM_NODES) * 0.005 + 0.3)[::-1] * 1e-6
    indices = Snell.compute_refraction_index(
        wavelengths, temperature, disperser.tref, disperser.pref, disperser.pref,
        *(list(coefficients) for coefficients in glass))
    return angles, (RefractionIndexFromPrism(disperser.angle, name="n_prism")
                    | Tabular1D(points=(indices,), lookup_table=wavelengths, bounds_error=False))
