"""A FITS header that approximates the coordinates of an image."""

import logging
import re

import numpy as np

from jwst_cal.models.transforms import Gnomonic, Rotate3d

__all__ = ["describe", "forget"]

log = logging.getLogger(__name__)

#: Degrees tried when none is given.
DEGREES = range(1, 6)
#: The highest degree, and the fewest points along an axis.
MAX_DEGREE, MIN_POINTS = 9, 8
#: Digits of the numbers of a linear description, as wcslib writes them.
DIGITS = 14
_POLYNOMIALS = re.compile(r"(a|b|ap|bp)_(order|\d_\d)|cd[12]_[12]")
_LINEAR = re.compile(r"cdelt[12]|pc[12]_[12]|naxis")


def forget(info):
    """
    Remove the keywords of SIP polynomials.

    Parameters
    ----------
    info : node
        ``meta.wcsinfo``, changed in place.
    """
    _remove(info, _POLYNOMIALS)


def _remove(info, pattern):
    for key in [key for key in info.instance if pattern.fullmatch(key)]:
        del info.instance[key]


def describe(info, wcs, *, max_error=0.01, degree=None, max_inverse_error=0.01, inverse_degree=None,
             points=12):
    """
    Approximate the coordinates by a tangential projection with SIP polynomials, in the header.

    Parameters
    ----------
    info : node
        ``meta.wcsinfo``, changed in place.
    wcs : WCS or gwcs.WCS
        The coordinates.
    max_error, max_inverse_error : float
        Largest error of the approximation and of its inverse, pixels.
    degree, inverse_degree : int, optional
        Degree of the polynomials; by default the lowest from 1 to 5 that meets the error.
    points : int
        Points along each axis at which the fit is made.

    Raises
    ------
    ValueError
        If nothing can be fitted. What misses the wanted error is kept, with a warning.

    Notes
    -----
    Source: Shupe et al. 2005, ASP Conf. 347, 491. Points, order of the fits and when they end are
    those of ``gwcs.WCS.to_fits_sip``.
    """
    if wcs.bounding_box is None:
        raise ValueError("no bounding box")
    box = wcs.bounding_box.bounding_box(order="F")
    if points < MIN_POINTS or any(high - low < 1 for low, high in box):
        raise ValueError(f"{points} points along an axis, or too few pixels")
    if None in (info.crpix1, info.crpix2):
        crpix = [round(float(np.mean(limits)), 1) for limits in box]
    else:
        crpix = [info.crpix1 - 1, info.crpix2 - 1]
    plane = _Plane(wcs, crpix)
    grids = [_grid(n, box, crpix) for n in (points, 2 * points)]
    places = [plane(*grid) for grid in grids]
    forward = _fitted(_degrees(degree), max_error, plane.scale(), grids, places)
    header = plane.header() | _linear(forward.matrix)
    if forward.order > 1:
        header |= forward.distortion()
        if max_inverse_error:
            straight = [_solved(forward.matrix, part) for part in places]
            inverse = _fitted(_degrees(inverse_degree), max_inverse_error, 1.0, straight,
                              [grid - part for grid, part in zip(grids, straight, strict=True)])
            header |= inverse.corrections()
    header["sipmxerr"] = forward.error
    forget(info)
    _remove(info, _LINEAR)
    info.instance.update(header)


class _Plane:
    """The tangential plane at a pixel."""

    def __init__(self, wcs, crpix):
        self._wcs, self._crpix = wcs, crpix
        self._at = [float(part) for part in wcs(*crpix, with_bounding_box=False)]
        self._project = Rotate3d(*self._at, 180.0, "celestial2native") | Gnomonic("sky2pix")

    def __call__(self, u, v):
        """Places on it, degrees [x or y, point], of pixels counted from its own."""
        sky = self._wcs(u + self._crpix[0], v + self._crpix[1], with_bounding_box=False)
        return np.stack(self._project(*sky))

    def scale(self):
        """Side of a pixel there."""
        (x0, xx, yx), (y0, xy, yy) = self(np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
        return np.sqrt(abs((xx - x0) * (yy - y0) - (xy - y0) * (yx - x0)))

    def header(self):
        """Keywords that do not depend on the fit."""
        lon, lat = map(_rounded, self._at)
        crpix1, crpix2 = (_rounded(value + 1) for value in self._crpix)
        return {"wcsaxes": 2, "wcsname": self._wcs.output_frame.name,
                "crpix1": crpix1, "crpix2": crpix2, "cunit1": "deg", "cunit2": "deg",
                "ctype1": "RA---TAN", "ctype2": "DEC--TAN", "crval1": lon, "crval2": lat,
                "lonpole": 180.0, "latpole": lat, "mjdref": 0.0, "radesys": "ICRS"}


def _rounded(value):
    return float(f"{value:.{DIGITS}G}")


def _linear(matrix):
    """Keywords of the linear part; what is zero off the diagonal is left out."""
    return {f"cd{i + 1}_{j + 1}": _rounded(matrix[i, j]) for i in (0, 1) for j in (0, 1)
            if i == j or matrix[i, j]}


def _grid(n, box, crpix):
    """Points that fill an image evenly, x fastest, counted from a pixel: [x or y, point]."""
    (x, dx), (y, dy) = (((low, high), (low - high) / (1.0 - n)) for low, high in box)
    rows, cols = np.mgrid[y[0]:y[1] + dy:dy, x[0]:x[1] + dx:dx]
    return np.stack([cols.ravel() - crpix[0], rows.ravel() - crpix[1]])


def _solved(matrix, places):
    """Multiply places with the inverse of a matrix."""
    (a, b), (c, d) = matrix
    x, y = places
    return np.stack([d * x - b * y, a * y - c * x]) / (a * d - b * c)


def _degrees(given):
    """The degrees to be tried."""
    degrees = DEGREES if given is None else [given]
    if not all(1 <= degree <= MAX_DEGREE for degree in degrees):
        raise ValueError(f"degree {given} where 1 to {MAX_DEGREE} is needed")
    return degrees


class _Fit:
    """Two polynomials without constant: order, coefficients [term, polynomial], error."""

    def __init__(self, powers, coefficients):
        self.order, self.error = max(map(sum, powers)), np.inf
        self._terms = dict(zip(powers, coefficients.tolist(), strict=True))

    def __call__(self, places):
        """Values at points [x or y, point]."""
        x, y = places
        return sum(np.outer(value, x**p * y**q) for (p, q), value in self._terms.items())

    @property
    def matrix(self):
        """The linear part."""
        return np.array([self._terms[1, 0], self._terms[0, 1]]).T

    def _named(self, names, least, values):
        """Keywords of the terms from a degree on."""
        found = {f"{name.lower()}_order": self.order for name in names}
        for p in range(self.order + 1):
            for q in range(max(0, least - p), self.order + 1 - p):
                for name, value in zip(names, values(self._terms.get((p, q), (0.0, 0.0))),
                                       strict=True):
                    found[f"{name.lower()}_{p}_{q}"] = float(value)
        return found

    def distortion(self):
        """Keywords of what is added to pixels before the linear part."""
        inverse = np.linalg.inv(self.matrix)
        return {**self._named("AB", 2, lambda values: inverse @ values),
                "ctype1": "RA---TAN-SIP", "ctype2": "DEC--TAN-SIP"}

    def corrections(self):
        """Keywords of what is added after the inverse of the linear part."""
        return {**self._named(("AP", "BP"), 1, lambda values: values), "sipiverr": self.error}


def _fitted(degrees, max_error, scale, points, values):
    """
    Fit polynomials of the lowest degree that is good enough.

    Parameters
    ----------
    degrees : sequence of int
        Degrees to be tried.
    max_error : float
        Wanted error, in pixels of ``scale``.
    scale : float
        Side of a pixel.
    points, values : list of float64 [x or y, point]
        What is fitted, and twice as many points along each axis to check it.

    Returns
    -------
    _Fit
        The polynomials; its error in pixels.

    Raises
    ------
    ValueError
        If not even the lowest can be fitted.
    """
    best, alone, limit = None, len(degrees) == 1, max_error * scale
    for order in degrees:
        try:
            found, condition = _solve(order, points[0], values[0])
        except np.linalg.LinAlgError:
            if best is None:
                raise
            break
        found.error = np.hypot(*(values[0] - found(points[0]))).max()
        if not np.isfinite(condition):
            if best is None:
                log.warning("SIP description in the header: the fit may be poorly conditioned")
                best = found
            break
        if best is not None and found.error >= best.error:
            break
        best = found
        if best.error <= limit:
            break
    best.order = order  # terms of a degree that did no better are zero
    if best.error > limit:
        log.warning("SIP description in the header: Failed to achieve requested SIP approximation "
                    "accuracy.")
    if best.error <= limit or alone:
        between = np.hypot(*(values[1] - best(points[1]))).max()
        if between > min(5 * best.error, limit):
            log.warning("SIP description in the header: twice as many points show a larger error: "
                        "they are too few for this distortion")
        best.error = max(best.error, between)
    best.error = float(best.error / scale)
    return best


def _solve(order, points, values):
    """Least squares by the normal equations, summed in the longest floats; their condition."""
    powers = [(p, q) for p in range(order + 1) for q in range(order + 1 - p) if p + q]
    x, y = np.asarray(points, np.longdouble)
    n = 2 * order + 1
    x_powers, y_powers = (np.stack([part**k for k in range(n)]) for part in (x, y))
    sums = x_powers @ y_powers.T
    p, q = np.transpose(powers)
    matrix = sums[np.add.outer(p, p), np.add.outer(q, q)].astype(float)
    wanted = ((x_powers[p] * y_powers[q]) @ np.asarray(values, np.longdouble).T).astype(float)
    found = np.linalg.solve(matrix, wanted)
    if not np.isfinite(found).all():
        raise np.linalg.LinAlgError("the coefficients are not finite")
    return _Fit(powers, found), np.linalg.cond(matrix)
