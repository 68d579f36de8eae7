"""Transformations and coordinates of astropy and gwcs, named as in `jwst_cal.models.transforms`.

For images whose distortion holds what is not known there, and for spectra.
"""

import gwcs
from astropy import coordinates, units
from astropy.modeling import bind_bounding_box
from astropy.modeling.models import Identity, Scale, Shift
from astropy.modeling.models import RotationSequence3D as RotateSequence
from gwcs import coordinate_frames as frames
from gwcs import geometry

__all__ = ["WCS", "Identity", "RotateSequence", "Scale", "Shift", "SphericalCartesian", "bounded",
           "bounds_of"]


def SphericalCartesian(transform_type, wrap_lon_at):
    """Make the transformation of angles to a vector, or back."""
    kind = {"spherical_to_cartesian": geometry.SphericalToCartesian,
            "cartesian_to_spherical": geometry.CartesianToSpherical}[transform_type]
    return kind(wrap_lon_at=wrap_lon_at)


def bounded(transform, bounds):
    """Set limits of the inputs of a transformation, and return it."""
    bind_bounding_box(transform, bounds, order="F")
    return transform


def bounds_of(transform):
    """Return the limits of the inputs; None where none are set."""
    try:
        return transform.bounding_box.bounding_box(order="F")
    except NotImplementedError:
        return None


def WCS(steps):
    """Make coordinates of frames, each with the transformation to the next one."""
    return gwcs.WCS([(_frame(frame), transform) for frame, transform in steps])


def _frame(frame):
    unit = tuple(map(units.Unit, frame.unit))
    if frame.kind == "celestial_frame":
        return frames.CelestialFrame(name=frame.name, reference_frame=coordinates.ICRS(),
                                     unit=unit)
    return frames.Frame2D(name=frame.name, axes_order=(0, 1), axes_names=frame.axes_names,
                          unit=unit)
