"""Coordinates as trees of known transformations, and their evaluation by numpy alone.

A :class:`WCS` answers like the ``gwcs`` object of the same content, whose libraries take longer to
import than an image takes to be calibrated. It knows the transformations that images need; what
else there is stays with ``gwcs``. :mod:`jwst_cal.models._asdf` reads and writes it, and makes
the ``gwcs`` object of it.
"""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["KINDS", "WCS", "Affine", "Arithmetic", "Bounds", "Compose", "Concatenate", "Constant",
           "FitsImaging", "Frame", "Gnomonic", "Identity", "NoInverseError", "Polynomial", "Remap",
           "Rotate3d", "RotateSequence", "Scale", "Shift", "SphericalCartesian", "Transform",
           "bounded", "bounds_of"]


class NoInverseError(Exception):
    """A transformation has no inverse that is known."""


class Transform:
    """
    A transformation of arrays to arrays, as ASDF describes it.

    Parameters
    ----------
    **values
        Its properties by the names of its kind.

    Attributes
    ----------
    values : dict
        The properties, in the order in which they are written.
    inputs, outputs : tuple of str
        Names of what comes in and out.
    name : str or None
        Its name.
    own_inverse : Transform or None
        The inverse where one was given.
    bounds : tuple of (float, float) or None
        Limits of each input.
    """

    kind = ""
    properties: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def __init__(self, **values: Any) -> None:
        self.values = values
        self.name: str | None = None
        self.own_inverse: Transform | None = None
        self.bounds: tuple[tuple[float, float], ...] | None = None

    def __call__(self, *places: Any) -> tuple[np.ndarray, ...]:
        """Transform places: float64 arrays of one shape, one for each input."""
        arrays = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in places))
        return self._evaluate(*arrays)

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        """Transform arrays of one shape."""
        raise NotImplementedError

    @property
    def inverse(self) -> Transform:
        """The inverse; NoInverseError where none is known."""
        return self.own_inverse if self.own_inverse is not None else self._inverted()

    def _inverted(self) -> Transform:
        """Make the inverse that follows from the properties."""
        raise NoInverseError(self.kind)

    def __or__(self, other: Transform) -> Transform:
        return Compose(forward=[self, other])

    def __and__(self, other: Transform) -> Transform:
        return Concatenate(forward=[self, other])


class Shift(Transform):
    """``offset`` added."""

    kind, properties = "shift", ("offset",)
    inputs, outputs = ("x",), ("y",)

    def __init__(self, offset: float) -> None:
        super().__init__(offset=offset)

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        return (places[0] + self.values["offset"],)

    def _inverted(self) -> Transform:
        return Shift(offset=-self.values["offset"])


class Scale(Transform):
    """Multiplied by ``factor``."""

    kind, properties = "scale", ("factor",)
    inputs, outputs = ("x",), ("y",)

    def __init__(self, factor: float) -> None:
        super().__init__(factor=factor)

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        return (self.values["factor"] * places[0],)

    def _inverted(self) -> Transform:
        return Scale(factor=1.0 / self.values["factor"])


class Identity(Transform):
    """The same; ``n_dims`` inputs, without it one."""

    kind, properties = "identity", ("n_dims",)

    def __init__(self, n_dims: int = 1) -> None:
        super().__init__(**({} if n_dims == 1 else {"n_dims": n_dims}))
        self.inputs = self.outputs = tuple(f"x{n}" for n in range(n_dims))

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        return places

    def _inverted(self) -> Transform:
        return self


class Constant(Transform):
    """``value`` everywhere."""

    kind, properties = "constant", ("value", "dimensions")
    inputs, outputs = ("x",), ("y",)

    def __init__(self, value: float, dimensions: int = 1) -> None:
        if dimensions != 1:
            raise ValueError("a constant of several dimensions")
        super().__init__(value=value, dimensions=dimensions)

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.full(places[0].shape, self.values["value"], np.float64),)


class Remap(Transform):
    """The inputs of the numbers in ``mapping``, of ``n_inputs``."""

    kind, properties = "remap_axes", ("mapping", "n_inputs")

    def __init__(self, mapping: Sequence[int], n_inputs: int | None = None) -> None:
        n = max(mapping) + 1
        super().__init__(mapping=list(mapping),
                         **({} if n_inputs is None or n_inputs <= n else {"n_inputs": n_inputs}))
        self.inputs = tuple(f"x{k}" for k in range(max(n, n_inputs or 0)))
        self.outputs = tuple(f"x{k}" for k in range(len(mapping)))

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(places[k] for k in self.values["mapping"])

    def _inverted(self) -> Transform:
        mapping = self.values["mapping"]
        if set(mapping) != set(range(len(self.inputs))):
            raise NoInverseError(self.kind)
        return Remap([mapping.index(k) for k in range(len(self.inputs))], len(mapping))


class Polynomial(Transform):
    """``coefficients`` [power of x] or [power of x, power of y], up to a total degree."""

    kind, properties = "polynomial", ("coefficients", "domain", "window")

    def __init__(self, coefficients: Any, domain: Any = None, window: Any = None) -> None:
        table = np.array(coefficients, np.float64)
        if table.ndim not in (1, 2) or table.size == 0 or table.shape[0] != table.shape[-1]:
            raise ValueError(f"polynomial coefficients of shape {table.shape}")
        n = len(table)
        if table.ndim == 2:
            table[np.add.outer(np.arange(n), np.arange(n)) >= n] = 0
            self.inputs, self.outputs = ("x", "y"), ("z",)
        else:
            self.inputs, self.outputs = ("x",), ("y",)
        domain, window = (_intervals(part, table.ndim) for part in (domain, window))
        super().__init__(coefficients=table, domain=domain, window=window)

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        table, domain, window = (self.values[name] for name in self.properties)
        if table.ndim == 1:
            x = _mapped(places[0], domain, window)
            total = np.full(x.shape, table[-1])
            for value in table[-2::-1]:
                total = value + total * x
            return (total,)
        x, y = (_mapped(*parts) for parts in zip(places, domain, window, strict=True))
        n = len(table)
        total = np.zeros(x.shape)
        for j in range(n - 1, -1, -1):
            row = np.zeros(x.shape)
            for i in range(n - 1 - j, 0, -1):
                row = x * (table[i, j] + row)
            total = table[0, j] + row + total
            if j:
                total = y * total
        return (total,)


def _intervals(given: Any, ndim: int) -> Any:
    """Domain or window: from -1 to 1 where the file does not say."""
    if ndim == 1:
        return [-1, 1] if given is None else list(given)
    return [[-1, 1] if part is None else list(part) for part in given or (None, None)]


def _mapped(x: np.ndarray, domain: Sequence[float], window: Sequence[float]) -> np.ndarray:
    """Map a domain linearly to a window."""
    width = domain[1] - domain[0]
    scale = (window[1] - window[0]) / width
    return (window[0] * domain[1] - window[1] * domain[0]) / width + scale * x


class Affine(Transform):
    """``matrix`` times places, plus ``translation``."""

    kind, properties = "affine", ("matrix", "translation")
    inputs = outputs = ("x", "y")

    def __init__(self, matrix: Any, translation: Any = (0.0, 0.0)) -> None:
        matrix, translation = np.array(matrix, np.float64), np.array(translation, np.float64)
        if matrix.shape != (2, 2) or translation.shape != (2,):
            raise ValueError(f"a matrix of shape {matrix.shape}")
        super().__init__(matrix=matrix, translation=translation)

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        shift = self.values["translation"]
        return tuple(part + shift[n] for n, part in
                     enumerate(_times(self.values["matrix"], places)))

    def _inverted(self) -> Transform:
        (a, b), (c, d) = self.values["matrix"]
        if a * d == b * c:
            raise NoInverseError(self.kind)
        matrix = np.linalg.inv(self.values["matrix"])
        return Affine(matrix, [-part for part in _times(matrix, self.values["translation"])])


def _times(matrix: np.ndarray, vector: Sequence[Any]) -> tuple[Any, ...]:
    """Matrix times vector, summed in a fixed order: libraries of linear algebra differ."""
    return tuple(functools.reduce(lambda a, b: a + b, (
        value * part for value, part in zip(row, vector, strict=True))) for row in matrix)


def _rotation(angle: float, axis: str) -> np.ndarray:
    """Matrix of the coordinates after their axes have turned about one of them."""
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.identity(3)
    matrix[first, first] = matrix[second, second] = math.cos(angle)
    matrix[first, second], matrix[second, first] = math.sin(angle), -math.sin(angle)
    return matrix


def _rotations(angles: Sequence[float], axes: str) -> np.ndarray:
    """Matrix of turns one after the other, radians."""
    total = np.identity(3)
    for angle, axis in zip(angles, axes, strict=True):
        total = (_rotation(angle, axis)[:, :, None] * total[None]).sum(axis=1)
    return total


class RotateSequence(Transform):
    """Turns of a vector's axes, in order: ``angles`` (degrees) about ``axes_order``."""

    kind, properties = "rotate_sequence_3d", ("angles", "axes_order", "rotation_type")
    inputs: tuple[str, ...] = ("x", "y", "z")
    outputs: tuple[str, ...] = ("x", "y", "z")

    def __init__(self, angles: Sequence[float], axes_order: str,
                 rotation_type: str = "cartesian") -> None:
        if rotation_type not in ("cartesian", "spherical") or len(angles) != len(axes_order):
            raise ValueError(f"a rotation of the type {rotation_type}")
        super().__init__(angles=[float(angle) for angle in angles], axes_order=axes_order,
                         rotation_type=rotation_type)
        if rotation_type == "spherical":
            self.inputs = self.outputs = ("lon", "lat")

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        angles = [math.radians(angle) for angle in self.values["angles"]]
        matrix = _rotations(angles, self.values["axes_order"])
        if len(self.inputs) == 3:
            return _times(matrix, places)
        return _spherical(*_times(matrix, _cartesian(*places)))

    def _inverted(self) -> Transform:
        return RotateSequence([-angle for angle in self.values["angles"][::-1]],
                              self.values["axes_order"][::-1], self.values["rotation_type"])


def _cartesian(lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, ...]:
    lon, lat = np.deg2rad(lon), np.deg2rad(lat)
    return np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)


def _spherical(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
    return np.rad2deg(np.arctan2(y, x)), np.rad2deg(np.arctan2(z, np.hypot(x, y)))


class SphericalCartesian(Transform):
    """Angles (degrees) to a vector or back; angles up to ``wrap_lon_at``."""

    kind, properties = "spherical_cartesian", ("transform_type", "wrap_lon_at")

    def __init__(self, transform_type: str, wrap_lon_at: int) -> None:
        if wrap_lon_at not in (180, 360):
            raise ValueError(f"longitudes up to {wrap_lon_at}")
        super().__init__(transform_type=transform_type, wrap_lon_at=wrap_lon_at)
        self.inputs, self.outputs = {
            "spherical_to_cartesian": (("lon", "lat"), ("x", "y", "z")),
            "cartesian_to_spherical": (("x", "y", "z"), ("lon", "lat")),
        }[transform_type]

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        if len(places) == 2:
            return _cartesian(*places)
        lon, lat = _spherical(*places)
        lon = np.where((places[0] == 0) & (places[1] == 0), 0.0, lon)
        return (np.mod(lon, 360) if self.values["wrap_lon_at"] == 360 else lon), lat

    def _inverted(self) -> Transform:
        back = ("cartesian_to_spherical" if len(self.inputs) == 2 else "spherical_to_cartesian")
        return SphericalCartesian(back, self.values["wrap_lon_at"])


class Rotate3d(Transform):
    """Native to celestial angles or back: ``phi``, ``theta`` of the native pole, ``psi``."""

    kind, properties = "rotate3d", ("phi", "theta", "psi", "direction")

    def __init__(self, phi: float, theta: float, psi: float, direction: str) -> None:
        super().__init__(phi=phi, theta=theta, psi=psi, direction=direction)
        native, sky = ("phi_N", "theta_N"), ("alpha_C", "delta_C")
        self.inputs, self.outputs = {"native2celestial": (native, sky),
                                     "celestial2native": (sky, native)}[direction]

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        phi, theta, psi = (math.radians(self.values[name]) for name in ("phi", "theta", "psi"))
        right = math.pi / 2
        angles = [right + phi, right - theta, right - psi]
        if self.values["direction"] == "native2celestial":
            angles = [-angle for angle in angles[::-1]]
        matrix = _rotations(angles, "zxz")
        lon, lat = _spherical(*_times(matrix, _cartesian(*places)))
        return np.where(lon < 0, lon + 360, lon), lat

    def _inverted(self) -> Transform:
        back = "celestial2native" if self.inputs[0] == "phi_N" else "native2celestial"
        return Rotate3d(**{**self.values, "direction": back})


class Gnomonic(Transform):
    """The tangential projection of native angles (degrees), ``pix2sky`` or ``sky2pix``."""

    kind, properties = "gnomonic", ("direction",)

    def __init__(self, direction: str) -> None:
        super().__init__(direction=direction)
        plane, sky = ("x", "y"), ("phi", "theta")
        self.inputs, self.outputs = {"pix2sky": (plane, sky), "sky2pix": (sky, plane)}[direction]

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        radian = math.degrees(1)
        if self.inputs[0] == "x":
            x, y = places
            return (np.rad2deg(np.arctan2(x, -y)),
                    np.rad2deg(np.arctan2(radian, np.hypot(x, y))))
        phi, theta = (np.deg2rad(part) for part in places)
        with np.errstate(divide="ignore", invalid="ignore"):
            radius = np.where(theta > 0, radian * np.cos(theta) / np.sin(theta), np.nan)
        return radius * np.sin(phi), -radius * np.cos(phi)

    def _inverted(self) -> Transform:
        return Gnomonic("sky2pix" if self.inputs[0] == "x" else "pix2sky")


class FitsImaging(Transform):
    """A plane of FITS: ``crpix`` (from 0), ``crval``, ``cdelt`` and ``pc`` of a projection."""

    kind, properties = "fitswcs_imaging", ("crpix", "crval", "cdelt", "pc", "projection")
    inputs, outputs = ("x", "y"), ("lon", "lat")

    def __init__(self, crpix: Any, crval: Any, cdelt: Any, pc: Any, projection: Gnomonic) -> None:
        if not isinstance(projection, Gnomonic):
            raise ValueError("another projection than the tangential one")
        crpix, crval, cdelt, pc = (np.array(part, np.float64) for part in (crpix, crval, cdelt, pc))
        super().__init__(crpix=crpix, crval=crval, cdelt=cdelt, pc=pc, projection=projection)

    @property
    def _parts(self) -> Transform:
        crpix, crval, cdelt = (self.values[name].tolist() for name in ("crpix", "crval", "cdelt"))
        return (Shift(offset=-crpix[0]) & Shift(offset=-crpix[1])
                | Affine(self.values["pc"])
                | Scale(factor=cdelt[0]) & Scale(factor=cdelt[1])
                | self.values["projection"]
                | Rotate3d(crval[0], crval[1], 180.0, "native2celestial"))

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        return self._parts._evaluate(*places)

    def _inverted(self) -> Transform:
        return self._parts.inverse


class _Pair(Transform):
    """Two transformations."""

    properties = ("forward",)

    def __init__(self, forward: Sequence[Transform]) -> None:
        self.first, self.second = forward
        super().__init__(forward=[self.first, self.second])


class Compose(_Pair):
    """One after the other."""

    kind = "compose"

    def __init__(self, forward: Sequence[Transform]) -> None:
        super().__init__(forward)
        if len(self.first.outputs) != len(self.second.inputs):
            raise ValueError(f"{len(self.first.outputs)} outputs for {len(self.second.inputs)} "
                             "inputs")
        self.inputs, self.outputs = self.first.inputs, self.second.outputs

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        return self.second._evaluate(*self.first._evaluate(*places))

    def _inverted(self) -> Transform:
        return Compose(forward=[self.second.inverse, self.first.inverse])


class Concatenate(_Pair):
    """Side by side."""

    kind = "concatenate"

    def __init__(self, forward: Sequence[Transform]) -> None:
        super().__init__(forward)
        self.inputs = _joined(self.first.inputs, self.second.inputs)
        self.outputs = _joined(self.first.outputs, self.second.outputs)

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        n = len(self.first.inputs)
        return self.first._evaluate(*places[:n]) + self.second._evaluate(*places[n:])

    def _inverted(self) -> Transform:
        return Concatenate(forward=[self.first.inverse, self.second.inverse])


def _joined(left: Sequence[str], right: Sequence[str]) -> tuple[str, ...]:
    """Names of both sides, with numbers where some are the same."""
    if set(left) & set(right):
        left, right = [f"{name}0" for name in left], [f"{name}1" for name in right]
    return (*left, *right)


class Arithmetic(_Pair):
    """The quotient of two transformations of the same places."""

    kind = "divide"

    def __init__(self, forward: Sequence[Transform]) -> None:
        super().__init__(forward)
        self.inputs, self.outputs = self.first.inputs, self.first.outputs

    def _evaluate(self, *places: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(a / b for a, b in zip(self.first._evaluate(*places),
                                           self.second._evaluate(*places), strict=True))


#: Classes by the names of ASDF.
KINDS: dict[str, type[Transform]] = {cls.kind: cls for cls in (
    Shift, Scale, Identity, Constant, Remap, Polynomial, Affine, RotateSequence,
    SphericalCartesian, Rotate3d, Gnomonic, FitsImaging, Compose, Concatenate, Arithmetic)}


class Frame(NamedTuple):
    """
    A coordinate frame.

    Attributes
    ----------
    kind : {"frame2d", "celestial_frame"}
        A plane, or the sky (ICRS).
    name : str
        Its name.
    axes_names : tuple of str
        Names of the axes.
    unit : tuple of str
        Their units.
    axis_physical_types : tuple of str
        What they are.
    """

    kind: str
    name: str
    axes_names: tuple[str, ...]
    unit: tuple[str, ...]
    axis_physical_types: tuple[str, ...]


class Bounds:
    """Limits of the pixels of an image, as ``gwcs`` answers for them."""

    def __init__(self, limits: tuple[tuple[float, float], ...]) -> None:
        self._limits = limits

    def bounding_box(self, order: str = "C") -> tuple[tuple[float, float], ...]:
        """Limits of each axis; ``order`` F begins with x."""
        return self._limits if order == "F" else self._limits[::-1]


class WCS:
    """
    World coordinates of an image.

    Parameters
    ----------
    steps : sequence of (Frame, Transform or None)
        Frames, each with the transformation to the next one.
    name : str
        Name of the coordinates.

    Attributes
    ----------
    pixel_shape : (int, int) or None
        Columns and rows of the image.
    """

    def __init__(self, steps: Sequence[tuple[Frame, Transform | None]], name: str = "") -> None:
        self.steps = list(steps)
        self.name = name
        self.pixel_shape: tuple[int, int] | None = None

    def __call__(self, x: Any, y: Any, *, with_bounding_box: bool = True) -> tuple[Any, ...]:
        """
        Give the places of pixels in the last frame.

        Parameters
        ----------
        x, y : array_like
            Column and row, from 0.
        with_bounding_box : bool
            NaN for pixels outside the bounding box.

        Returns
        -------
        tuple of float64 arrays, or of numbers
            Places, of the joint shape.
        """
        places = self.forward_transform(x, y)
        if with_bounding_box and self._limits is not None:
            outside = _outside((x, y), self._limits)
            places = tuple(np.where(outside, np.nan, part) for part in places)
        return tuple(part[()] for part in places)

    def invert(self, *places: Any, with_bounding_box: bool = True) -> tuple[Any, ...]:
        """
        Give the pixels of places in the last frame.

        Parameters
        ----------
        *places : array_like
            Places, degrees on the sky.
        with_bounding_box : bool
            NaN for pixels outside the bounding box.

        Returns
        -------
        tuple of float64 arrays, or of numbers
            Column and row.

        Raises
        ------
        NoInverseError
            If a transformation has none.
        """
        pixels = self.forward_transform.inverse(*places)
        if with_bounding_box and self._limits is not None:
            outside = _outside(pixels, self._limits)
            pixels = tuple(np.where(outside, np.nan, part) for part in pixels)
        return tuple(part[()] for part in pixels)

    @property
    def available_frames(self) -> list[str]:
        """Names of the frames."""
        return [frame.name for frame, _ in self.steps]

    @property
    def input_frame(self) -> Frame:
        """The first frame."""
        return self.steps[0][0]

    @property
    def output_frame(self) -> Frame:
        """The last frame."""
        return self.steps[-1][0]

    @property
    def forward_transform(self) -> Transform:
        """The transformation from the first frame to the last."""
        return self.get_transform(self.steps[0][0].name, self.steps[-1][0].name)

    def get_transform(self, start: str, stop: str) -> Transform:
        """
        Return the transformation between two frames.

        Parameters
        ----------
        start, stop : str
            Names of the frames.

        Returns
        -------
        Transform
            From the one to the other.
        """
        names = self.available_frames
        first, last = names.index(start), names.index(stop)
        if first > last:
            return self.get_transform(stop, start).inverse
        parts = [part for _, part in self.steps[first:last] if part is not None]
        return functools.reduce(lambda a, b: a | b, parts)

    @property
    def _limits(self) -> tuple[tuple[float, float], ...] | None:
        first = self.steps[0][1]
        return None if first is None else first.bounds

    @property
    def bounding_box(self) -> Bounds | None:
        """Outer edges of the image's pixels; set as ((left, right), (bottom, top))."""
        return None if self._limits is None else Bounds(self._limits)

    @bounding_box.setter
    def bounding_box(self, limits: Sequence[Sequence[float]] | None) -> None:
        frame, transform = self.steps[0]
        if transform is not None:
            self.steps[0] = frame, bounded(transform, limits)

    @property
    def pixel_bounds(self) -> tuple[tuple[float, float], ...] | None:
        """The same limits, those of x first; None where none are set."""
        return self._limits

    @property
    def array_shape(self) -> tuple[int, int] | None:
        """Rows and columns of the image."""
        return None if self.pixel_shape is None else self.pixel_shape[::-1]

    @array_shape.setter
    def array_shape(self, shape: tuple[int, int] | None) -> None:
        self.pixel_shape = None if shape is None else (shape[1], shape[0])


def bounded(transform: Transform, bounds: Sequence[Sequence[float]] | None) -> Transform:
    """
    Return a transformation with limits of its inputs.

    Parameters
    ----------
    transform : Transform
        The transformation, which is not changed.
    bounds : sequence of (float, float), or None
        Limits of each input; None for none.

    Returns
    -------
    Transform
        The same with limits.
    """
    other = copy.copy(transform)
    other.bounds = (None if bounds is None else
                    tuple((float(low), float(high)) for low, high in bounds))
    return other


def bounds_of(transform: Transform) -> tuple[tuple[float, float], ...] | None:
    """Return the limits of the inputs; None where none are set."""
    return transform.bounds


def _outside(pixels: Sequence[Any], limits: Sequence[tuple[float, float]]) -> np.ndarray:
    return functools.reduce(np.logical_or, (
        (np.asarray(part) < low) | (np.asarray(part) > high)
        for part, (low, high) in zip(pixels, limits, strict=True)))
