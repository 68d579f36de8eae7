"""Coordinates as trees of transformations, as ``tweakwcs`` corrects those of ``gwcs``."""

import copy
import functools

import numpy as np

from jwst_cal.models.transforms import (
    WCS,
    Affine,
    Arithmetic,
    Constant,
    Identity,
    Remap,
    RotateSequence,
    Scale,
    SphericalCartesian,
)

__all__ = ["corner_pixels", "light_corrector"]

#: Radians of an arcsec, and back.
RADIAN = 1.0 / (3600.0 * np.rad2deg(1.0))
#: The frame after the correction.
CORRECTED = "v2v3corr"


def corner_pixels(wcs):
    """
    Give the corner pixels of an image.

    Parameters
    ----------
    wcs : WCS or gwcs.WCS
        Its coordinates, with their bounds.

    Returns
    -------
    int [2, corner]
        Columns and rows.
    """
    (left, right), (bottom, top) = np.floor(
        np.array(wcs.bounding_box.bounding_box(order="F")) + 0.5).astype(int)
    return np.array([[left, left, right, right], [bottom, top, top, bottom]])


@functools.cache
def light_corrector():
    """
    Make the class.

    Returns
    -------
    type
        A ``tweakwcs.correctors.JWSTWCSCorrector`` whose coordinates are a
        :class:`~jwst_cal.models.transforms.WCS`. Frames, parts and their names are those that it
        gives to ``gwcs`` objects.
    """
    from tweakwcs.correctors import JWSTWCSCorrector, WCSCorrector, _tp2tp

    class Corrector(JWSTWCSCorrector):
        """Coordinates and catalogue of an image."""

        is_shared = True

        def __init__(self, wcs, wcsinfo, meta=None):
            frames = wcs.available_frames
            _check(frames)
            self._owcs = self._wcs = wcs
            self._meta = dict(meta or {})
            self._wcsinfo = {name: float(wcsinfo[name])
                             for name in ("v2_ref", "v3_ref", "roll_ref")}
            self._angles = (wcsinfo["v2_ref"] / 3600.0, -(wcsinfo["v3_ref"] / 3600.0),
                            wcsinfo["roll_ref"])
            self._affine = np.identity(2), np.zeros(2)
            self._v23name = next(name for name in (CORRECTED, "v2v3vacorr", "v2v3")
                                 if name in frames)
            if self._v23name == CORRECTED:
                self._affine = self._of_before(wcs.steps[frames.index(CORRECTED) - 1][1])
            self._update_transformations()

        def __deepcopy__(self, memo):
            found = copy.copy(self)
            found._meta = dict(self._meta)
            found._wcs = copy.copy(self._wcs)
            found._wcs.steps = list(self._wcs.steps)
            return found

        def _of_before(self, correction):
            """Matrix and shift of a correction that was made before."""
            if correction is None or correction.name != self.corrector_name:
                raise ValueError("Unsupported tangent-plane correction")
            parts = {part.name: part for part in _leaves(correction)}
            if not np.allclose(parts["det_to_optic_axis"].values["angles"], self._angles,
                               rtol=2e-15, atol=1e-12):
                raise ValueError("the correction of before has another reference point")
            affine = parts["tp_affine"].values
            return np.array(affine["matrix"]), np.array(affine["translation"])

        def _update_transformations(self):
            frames = self._wcs.available_frames
            between = self._wcs.get_transform
            self._world_to_v23 = between(frames[-1], self._v23name)
            self._v23_to_world = between(self._v23name, frames[-1])
            self._det_to_v23 = between(frames[0], self._v23name)
            self._v23_to_det = between(self._v23name, frames[0])
            self._det_to_world, self._world_to_det = self._wcs, self._wcs.invert
            self._partial_tpcorr = _to_plane(self._angles, *self._affine)

        def set_correction(self, matrix=((1, 0), (0, 1)), shift=(0, 0), ref_tpwcs=None, meta=None,
                           **options):
            matrix, shift = np.array(matrix, float), np.array(shift, float)
            if ref_tpwcs is not None:  # in the plane of another image
                turn, origin = _tp2tp(ref_tpwcs, self)
                matrix = np.linalg.multi_dot([turn, matrix, _inverse(turn)]).astype(float)
                shift = (np.dot(turn, shift) - np.dot(matrix, origin) + origin).astype(float)
            before, moved = self._affine
            self._affine = np.dot(matrix, before), np.dot(matrix, moved) + RADIAN * shift
            correction = _correction(self._angles, *self._affine, self.corrector_name)
            steps = list(self._wcs.steps)
            at = self._wcs.available_frames.index(self._v23name)
            if self._v23name == CORRECTED:
                steps[at - 1] = steps[at - 1][0], correction
            else:
                frame, onwards = steps[at]
                steps[at:at + 1] = [(frame, correction),
                                    (frame._replace(name=CORRECTED), onwards)]
                self._v23name = CORRECTED
            corrected = WCS(steps, self._owcs.name)
            self._wcs = corrected
            self._update_transformations()
            WCSCorrector.set_correction(self, matrix=matrix, shift=shift, meta=meta, **options)

        @property
        def bounding_box(self):
            box = self._owcs.bounding_box
            return None if box is None else box.bounding_box(order="F")

    return Corrector


def _check(frames):
    """Refuse frames in another order than that of an image."""
    if frames[:1] == ["v2v3"] or frames[-1:] == ["v2v3"] or frames.count("v2v3") != 1:
        raise ValueError("Unsupported WCS structure: the frame v2v3 must be between others")
    at = frames.index("v2v3") + ("v2v3vacorr" in frames)
    for name, where in (("v2v3vacorr", at), (CORRECTED, at + 1)):
        if name in frames and (frames.count(name) > 1 or frames.index(name) != where
                               or where == len(frames) - 1):
            raise ValueError(f"Unsupported WCS structure: the frame {name} is not in its place")


def _inverse(matrix):
    from tweakwcs.linalg import inv

    return inv(matrix)


def _leaves(transform):
    if hasattr(transform, "first"):
        yield from _leaves(transform.first)
        yield from _leaves(transform.second)
    else:
        yield transform


def _named(transform, name):
    transform.name = name
    return transform


def _scaled(factor, name):
    one = f"{name}_1D"
    return _named(_named(Scale(factor=factor), one) & _named(Scale(factor=factor), one),
                  f"{name}_2D")


def _parts(angles):
    """From V2, V3 (arcsec) to the tangential plane (radians), and back."""
    turn = _named(RotateSequence(angles, "zyx"), "det_to_optic_axis")
    project = _named(
        Arithmetic(forward=[_named(Remap((0, 1, 2)), "xyz"),
                            _named(Remap((0, 0, 0), n_inputs=3), "xxx")])
        | _named(Remap((1, 2)), "xtyt"), "Cartesian 3D to TAN")
    lift = _named(
        _named(Remap((0, 0, 1), n_inputs=2), "xtyt2xyz")
        | _named(Constant(1), "one") & _named(Identity(2), "I(2D)"), "TAN to cartesian 3D")
    forward = [_scaled(1.0 / 3600.0, "arcsec_to_deg"),
               _named(SphericalCartesian("spherical_to_cartesian", 180), "s2c"), turn, project]
    back = [lift, _named(turn.inverse, "optic_axis_to_det"),
            _named(SphericalCartesian("cartesian_to_spherical", 180), "c2s"),
            _scaled(3600.0, "deg_to_arcsec")]
    return forward, back


def _chained(parts, name):
    return _named(functools.reduce(lambda a, b: a | b, parts), name)


def _affines(matrix, shift):
    back = np.linalg.inv(matrix)
    return (_named(Affine(matrix, shift), "tp_affine"),
            _named(Affine(back, -np.dot(back, shift)), "tp_affine_inv"))


def _to_plane(angles, matrix, shift):
    """V2, V3 to the corrected plane; it knows its inverse."""
    forward, back = _parts(angles)
    affine, inverse = _affines(matrix, shift)
    found = _chained([*forward, affine], "jwst_v2v3_to_tpcorr")
    found.own_inverse = _chained([inverse, *back], "jwst_tpcorr_to_v2v3")
    return found


def _correction(angles, matrix, shift, name):
    """V2, V3 to corrected V2, V3."""
    forward, back = _parts(angles)
    affine, inverse = _affines(matrix, shift)
    found = _chained([*forward, affine, *back], name)
    found.own_inverse = _chained([*forward, inverse, *back], f"Inverse {name}")
    return found
