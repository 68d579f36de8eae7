"""Apertures of the instruments and their distortion, from the Science Instrument Aperture File.

``siaf.json`` holds what is needed of one release of that file, which ``pysiaf`` carries whole.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jwst_cal.errors import InputError, ParameterError

__all__ = ["Aperture", "Distortion", "aperture", "distortion", "release"]

#: Of an aperture that has no own: reference pixel, scale, and outline.
_UNKNOWN = {"XSciRef": 0.0, "YSciRef": 0.0, "XSciScale": 3600.0, "YSciScale": 3600.0}


class Aperture(NamedTuple):
    """
    One aperture.

    Attributes
    ----------
    name : str
    v2_ref, v3_ref : float, arcsec
        Where the reference point is in the telescope's frame.
    v3_angle : float, degrees
        From V3 to the ideal y axis, at the reference point.
    parity : int
        Relative sense of rotation between the ideal frame and V2, V3.
    x_ref, y_ref : float, pixel from 1
        The reference point in the aperture's array; 0 where there is none.
    x_scale, y_scale : float, arcsec/pixel
        At the reference point; 3600 where there is none.
    x_detector, y_detector : float or None, pixel from 1
        The reference point in the detector as it is read out.
    x_vertices, y_vertices : tuple of float, arcsec
        Corners in the ideal frame.
    """

    name: str
    v2_ref: float
    v3_ref: float
    v3_angle: float
    parity: int
    x_ref: float
    y_ref: float
    x_scale: float
    y_scale: float
    x_detector: float | None
    y_detector: float | None
    x_vertices: tuple[float, ...]
    y_vertices: tuple[float, ...]

    def to_telescope(self, x, y):
        """
        Take places in the ideal frame to the telescope's.

        Parameters
        ----------
        x, y : float or array, arcsec
            Places; the frame is taken for a plane.

        Returns
        -------
        v2, v3 : float or array, arcsec
        """
        cos, sin = np.cos(np.radians(self.v3_angle)), np.sin(np.radians(self.v3_angle))
        return (self.v2_ref + self.parity * x * cos + y * sin,
                self.v3_ref - self.parity * x * sin + y * cos)

    def from_telescope(self, v2, v3):
        """
        Take places in the telescope's frame to the ideal frame.

        Parameters
        ----------
        v2, v3 : float or array, arcsec
            Places.

        Returns
        -------
        x, y : float or array, arcsec
        """
        cos, sin = np.cos(np.radians(self.v3_angle)), np.sin(np.radians(self.v3_angle))
        v2, v3 = np.asarray(v2) - self.v2_ref, np.asarray(v3) - self.v3_ref
        return self.parity * (v2 * cos - v3 * sin), v2 * sin + v3 * cos


@functools.lru_cache(maxsize=1)
def _content():
    return json.loads(resources.files(__package__).joinpath("siaf.json").read_text())


def release():
    """
    Name the release of the aperture file.

    Returns
    -------
    str
        For instance ``PRDOPSSOC-075``.
    """
    return _content()["prd"]


def aperture(name, folder=None):
    """
    Look an aperture up.

    Parameters
    ----------
    name : str
        For instance ``NRCA1_FULL``, in any case.
    folder : path-like, optional
        A folder of the aperture files (``NIRCam_SIAF.xml`` ...) to be read instead.

    Returns
    -------
    Aperture

    Raises
    ------
    ParameterError
        If there is no such aperture.
    InputError
        If the folder holds no readable file of the instrument.
    """
    name = name.upper()
    if folder is not None:
        values = _from_xml(name, Path(folder))
    else:
        row = _content()["apertures"].get(name)
        values = None if row is None else dict(zip(_content()["fields"], row, strict=True))
    if values is None:
        where = release() if folder is None else folder
        raise ParameterError(f"aperture '{name}': not in the aperture file ({where})")
    values = {k: _UNKNOWN.get(k) if v is None else v for k, v in values.items()}
    vertices = [tuple(values[f"{axis}IdlVert{k}"] or 0.0 for k in (1, 2, 3, 4)) for axis in "XY"]
    return Aperture(
        name, values["V2Ref"], values["V3Ref"], values["V3IdlYAngle"], int(values["VIdlParity"]),
        values["XSciRef"], values["YSciRef"], values["XSciScale"], values["YSciScale"],
        values["XDetRef"], values["YDetRef"], *vertices)


#: File of the apertures whose names start so.
_FILES = {"NRC": "NIRCam", "NIS": "NIRISS", "MIR": "MIRI", "FGS": "FGS", "NRS": "NIRSpec"}


def _from_xml(name, folder):
    from xml.etree import ElementTree

    path = folder / f"{_FILES.get(name[:3], 'NIRCam')}_SIAF.xml"
    try:
        tree = ElementTree.parse(path)
    except (OSError, ElementTree.ParseError) as error:
        raise InputError(f"{path}: no aperture file ({error})") from error
    for entry in tree.iter("SiafEntry"):
        if (entry.findtext("AperName") or "").strip() == name:
            texts = {field: (entry.findtext(field) or "").strip() for field in
                     _content()["fields"]}
            return {field: float(text) if text else None for field, text in texts.items()}
    return None


class Distortion:
    """
    Distortion of a whole detector: its pixels in the telescope's frame.

    Parameters
    ----------
    aperture : Aperture
        The aperture of the whole detector.
    polynomials : dict of float64 [power of x, power of y]
        ``Sci2IdlX``, ``Sci2IdlY``, ``Idl2SciX``, ``Idl2SciY``: between distances from the reference
        pixel and the ideal frame.
    """

    def __init__(self, aperture, polynomials):
        self.aperture, self.polynomials = aperture, polynomials

    def to_telescope(self, x, y):
        """
        Take pixels to the telescope's frame.

        Parameters
        ----------
        x, y : float or array, pixel from 0
            Places on the whole detector.

        Returns
        -------
        v2, v3 : float64 array, arcsec
        """
        return self.aperture.to_telescope(*self._ideal(x, y))

    def to_pixels(self, v2, v3):
        """
        Find the pixels that look at places in the telescope's frame.

        Parameters
        ----------
        v2, v3 : float or array, arcsec
            Places.

        Returns
        -------
        x, y : float64 array, pixel from 0
            NaN where no place near the detector looks there.

        Notes
        -----
        Newton's method on :meth:`to_telescope`, from the inverse polynomials, which agree with it
        to 0.01 pixel only.
        """
        target = np.array(np.broadcast_arrays(*self.aperture.from_telescope(v2, v3)), float)
        x, y = self._polynomials("Idl2Sci", *target)
        x, y = x + self.aperture.x_ref - 1, y + self.aperture.y_ref - 1
        with np.errstate(all="ignore"):
            for _ in range(6):
                (xx, xy), (yx, yy) = self.jacobian(x, y)
                off_x, off_y = target - np.array(self._ideal(x, y))
                whole = xx * yy - xy * yx
                x, y = (x + (off_x * yy - off_y * xy) / whole,
                        y + (off_y * xx - off_x * yx) / whole)
            off_x, off_y = target - np.array(self._ideal(x, y))
            lost = ~(np.hypot(off_x, off_y) < 1e-8)
        return np.where(lost, np.nan, x), np.where(lost, np.nan, y)

    def jacobian(self, x, y):
        """
        Differentiate the ideal coordinates by those of the pixels.

        Parameters
        ----------
        x, y : float or array, pixel from 0
            Places on the whole detector.

        Returns
        -------
        float64 [2, 2, ...], arcsec/pixel
            Of ideal x and y, by x and by y.
        """
        from numpy.polynomial.polynomial import polyder, polyval2d

        x, y = x - self.aperture.x_ref + 1, y - self.aperture.y_ref + 1
        return np.array([[polyval2d(x, y, polyder(self.polynomials[f"Sci2Idl{axis}"], axis=by))
                          for by in (0, 1)] for axis in "XY"])

    def area(self, x, y):
        """
        Compute the areas of the pixels of a grid.

        Parameters
        ----------
        x, y : 1-d array, pixel from 0
            Columns and rows.

        Returns
        -------
        float64 [row, col], arcsec^2
        """
        from numpy.polynomial.polynomial import polyder, polygrid2d

        x, y = np.asarray(x) - self.aperture.x_ref + 1, np.asarray(y) - self.aperture.y_ref + 1
        (xx, xy), (yx, yy) = (
            [polygrid2d(x, y, polyder(self.polynomials[f"Sci2Idl{axis}"], axis=by)).T
             for by in (0, 1)] for axis in "XY")
        return np.abs(xx * yy - xy * yx)

    def cut(self, name, x_start, y_start, n_cols, n_rows):
        """
        Describe a part of the detector.

        Parameters
        ----------
        name : str
            How it is to be called.
        x_start, y_start : int, pixel from 0
            Its corner.
        n_cols, n_rows : int
            Its size.

        Returns
        -------
        Aperture
            With the reference point at the centre.
        """
        x_ref, y_ref = (n_cols + 1) / 2, (n_rows + 1) / 2
        x, y = x_start + x_ref - 1, y_start + y_ref - 1
        (xx, xy), (yx, yy) = self.jacobian(x, y)
        centre = self.to_telescope(x, y)
        corners = np.array([
            self.to_telescope(x_start - 0.5 + n_cols * i, y_start - 0.5 + n_rows * j)
            for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))])
        at = self.aperture._replace(
            name=name, v2_ref=float(centre[0]), v3_ref=float(centre[1]),
            v3_angle=self.aperture.v3_angle
            + self.aperture.parity * float(np.degrees(np.arctan2(xy, yy))),
            x_ref=x_ref, y_ref=y_ref, x_scale=float(np.hypot(xx, yx)),
            y_scale=float(np.hypot(xy, yy)), x_detector=None, y_detector=None)
        x, y = at.from_telescope(*corners.T)
        return at._replace(x_vertices=tuple(map(float, x)), y_vertices=tuple(map(float, y)))

    @property
    def nominal_area(self):
        """Area of the reference pixel, arcsec^2."""
        return float(self.area([self.aperture.x_ref - 1], [self.aperture.y_ref - 1])[0, 0])

    def _ideal(self, x, y):
        return self._polynomials("Sci2Idl", x - self.aperture.x_ref + 1,
                                 y - self.aperture.y_ref + 1)

    def _polynomials(self, way, x, y):
        from numpy.polynomial.polynomial import polyval2d

        return tuple(polyval2d(x, y, self.polynomials[way + axis]) for axis in "XY")


@functools.lru_cache(maxsize=16)
def distortion(name):
    """
    Look the distortion of a whole detector up.

    Parameters
    ----------
    name : str
        Its aperture, for instance ``NRCA1_FULL``.

    Returns
    -------
    Distortion

    Raises
    ------
    ParameterError
        If it is not that of an imaging detector.
    """
    entry = _content()["distortions"].get(name)
    if entry is None:
        raise ParameterError(f"aperture '{name}': no distortion; choose one of "
                             f"{', '.join(_content()['distortions'])}")
    n = entry["degree"] + 1
    polynomials = {}
    for key in ("Sci2IdlX", "Sci2IdlY", "Idl2SciX", "Idl2SciY"):
        matrix = np.zeros((n, n))
        values = iter(entry[key])
        for order in range(n):
            for power in range(order + 1):
                matrix[order - power, power] = next(values)
        polynomials[key] = matrix
    return Distortion(aperture(name), polynomials)
