"""The frame that images are combined in: pixels on a tangential plane around all of them."""

import math

import numpy as np

from jwst_cal.errors import InputError, ParameterError
from jwst_cal.models import transforms
from jwst_cal.models.transforms import Affine, FitsImaging, Gnomonic, Rotate3d, Scale

__all__ = ["Frame", "around", "from_file", "mean_pixel_area", "outlines", "plane_of", "scale_at",
           "union"]

DEGREE = math.pi / 180
#: Points closer than this (pixels) are one; bends below this (radians) are straight.
SAME_POINT, STRAIGHT = 5e-2, 1e-6


class Frame:
    """
    An output frame.

    Attributes
    ----------
    wcs : WCS or gwcs.WCS
        Its coordinates, with ``array_shape``.
    scale : float
        Side of a pixel, arcsec.
    scale_ratio : float or None
        Its ratio to that of the first input; None until it is known.
    """

    def __init__(self, wcs, scale, scale_ratio):
        self.wcs, self.scale, self.scale_ratio = wcs, scale, scale_ratio

    @property
    def shape(self):
        """Rows and columns."""
        return tuple(self.wcs.array_shape)


def outlines(s_region):
    """
    Read the polygons of an S_REGION.

    Parameters
    ----------
    s_region : str
        ``POLYGON ICRS`` and its corners, one or several times.

    Returns
    -------
    list of float64 [corner, 2]
        Right ascension and declination, degrees.
    """
    parts = [part.split() for part in (s_region or "").split("POLYGON ICRS")]
    return [np.array(part, float).reshape(-1, 2) for part in parts if part]


def scale_at(wcs, ra, dec):
    """
    Give the size of a pixel at a place.

    Parameters
    ----------
    wcs : WCS or gwcs.WCS
        Coordinates.
    ra, dec : float
        The place, degrees.

    Returns
    -------
    float
        Geometric mean of the steps along rows and columns, degrees.
    """
    x, y = wcs.invert(ra, dec, with_bounding_box=False)
    lon, lat = (DEGREE * part for part in wcs(np.array([x, x + 1, x]), np.array([y, y, y + 1]),
                                              with_bounding_box=False))
    steps = _distance(lon[0], lat[0], lon[1:], lat[1:])
    return float(np.sqrt(steps[0] * steps[1]) / DEGREE)


def _distance(lon, lat, lons, lats):
    """Angle between a point and others, accurate where it is small, too; radians."""
    turn = lons - lon
    across = np.cos(lats) * np.sin(turn)
    along = np.cos(lat) * np.sin(lats) - np.sin(lat) * np.cos(lats) * np.cos(turn)
    return np.arctan2(np.hypot(across, along),
                      np.sin(lat) * np.sin(lats) + np.cos(lat) * np.cos(lats) * np.cos(turn))


def mean_pixel_area(wcs, shape):
    """
    Give the mean solid angle of the pixels of an image, from its outline on the sky.

    Parameters
    ----------
    wcs : WCS or gwcs.WCS
        Coordinates.
    shape : (int, int)
        Rows and columns; the bounding box limits them.

    Returns
    -------
    float or None
        Steradians; None when the outline is not finite.
    """
    n_rows, n_cols = shape
    box = (-0.5, n_cols - 0.5), (-0.5, n_rows - 0.5)
    if wcs.bounding_box is not None:
        box = wcs.bounding_box.bounding_box(order="F")
    (left, right), (bottom, top) = (
        (max(0, int(low + 0.5)), min(n - 1, int(high - 0.5)))
        for (low, high), n in zip(box, (n_cols, n_rows), strict=True))
    if left >= right or bottom >= top:
        return None
    x = _border(left, right), _border(bottom, top)
    edges = [(x[0][:-1], bottom), (right, x[1][:-1]), (x[0][:0:-1], top), (left, x[1][:0:-1])]
    points = np.concatenate([np.stack(np.broadcast_arrays(*edge)) for edge in edges], axis=1)
    lon, lat = (DEGREE * part for part in wcs(*points))
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return None
    area = abs(_spherical_area(lon, lat))
    return min(area, 4 * math.pi - area) / ((right - left) * (top - bottom))


def _border(low, high):
    """Points from one pixel to another, at most 15 apart."""
    step = min(max((high - low) // 4, 1), 15)
    return np.linspace(low, high, math.ceil((high - low + 1) / step) + 1)


def _spherical_area(lon, lat):
    """Signed area of a polygon on the unit sphere, by triangles from its first corner."""
    corners = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    a, b, c = corners[0], corners[1:-1], corners[2:]
    volume = np.cross(b - a, c - a) @ a  # of small triangles, too
    return 2 * np.arctan2(volume, 1 + b @ a + c @ a + (b * c).sum(-1)).sum()


def around(models, *, pixel_scale_ratio=1.0, pixel_scale=None, rotation=None, output_shape=None,
           crpix=None, crval=None):
    """
    Make the frame that holds all images.

    Parameters
    ----------
    models : sequence of (wcs, wcsinfo, shape, s_region)
        The images; the first one's scale and roll angle count. ``wcs`` and ``shape`` of the others
        are not used.
    pixel_scale_ratio : float
        Side of an output pixel in pixels of the first image, where no scale is given.
    pixel_scale : float, optional
        Side of an output pixel, arcsec.
    rotation : float, optional
        Position angle of the rows' direction, degrees; that of the first image by default.
    output_shape : (int, int), optional
        Columns and rows; as many as needed by default.
    crpix : (float, float), optional
        Pixel (from 0) of the reference point.
    crval : (float, float), optional
        The reference point, degrees; the middle of all outlines by default.

    Returns
    -------
    Frame
        The frame.

    Raises
    ------
    InputError
        If an image has no outline or no usable pointing.
    ParameterError
        If the frame would have fewer than two rows or columns.

    Notes
    -----
    Source: documentation of the resample step of jwst 3.0.0.
    """
    wcs, info, shape, _ = models[0]
    corners = [polygon for *_, s_region in models for polygon in outlines(s_region)]
    if not corners:
        raise InputError("no image has an outline (S_REGION): assign_wcs must come first")
    if pixel_scale is None:
        scale, ratio = scale_at(wcs, info["ra_ref"], info["dec_ref"]), pixel_scale_ratio
        scale *= ratio
    else:
        area = mean_pixel_area(wcs, shape)
        scale = pixel_scale / 3600
        ratio = None if area is None else scale / math.degrees(math.sqrt(area))
    parity, angle = info["vparity"], DEGREE * info["v3yangle"]
    roll = (DEGREE * info["roll_ref"] if rotation is None
            else DEGREE * rotation + parity * angle) - parity * angle
    pc = np.array([[parity * math.cos(roll), math.sin(roll)],
                   [-parity * math.sin(roll), math.cos(roll)]])
    crval = _middle(np.vstack(corners)) if crval is None else tuple(crval)
    plane = (Affine(pc) | Scale(factor=scale) & Scale(factor=scale) | Gnomonic("pix2sky")
             | Rotate3d(*crval, 180.0, "native2celestial")).inverse
    x, y = np.hstack([plane(*polygon.T) for polygon in corners])
    low, high = np.array([x.min(), y.min()]), np.array([x.max(), y.max()])
    at = np.array(plane(*crval))
    offset = at - low if crpix is None else np.array(crpix) - at
    low, high = low + offset, high + offset
    if not np.isfinite([low, high]).all():
        raise ParameterError("Parameters 'crval' and 'rotation' of resample: the images do not lie "
                             "on a plane that touches the sky at "
                             f"{crval[0]:.6g}, {crval[1]:.6g} degrees")
    if output_shape is None:
        size = (high + 0.5).astype(int)
        box = [(-0.5, n - 0.5) for n in size]
    else:
        size = np.array(output_shape)
        box = [(max(0, int(a + 0.5)) - 0.5, min(int(b + 0.5), n) - 0.5)
               for a, b, n in zip(low, high, size, strict=True)]
    if (size < 2).any():
        raise ParameterError(f"the output frame would have {size[0]} columns and {size[1]} rows; "
                             "at least 2 are needed")
    frame = _plane(wcs, tuple(map(float, offset)), crval, scale, pc)
    frame.bounding_box = tuple(box)
    frame.pixel_shape = tuple(int(n) for n in size)
    return Frame(frame, 3600 * scale, ratio)


def _plane(like, crpix, crval, scale, pc):
    """Coordinates of a tangential plane, of the kind of other ones and with their frames."""
    frames = like.input_frame, like.output_frame
    if isinstance(like, transforms.WCS):
        plane = FitsImaging(crpix, crval, [scale, scale], pc, Gnomonic("pix2sky"))
        return transforms.WCS([(frames[0], plane), (frames[1], None)])
    import gwcs
    from astropy.modeling.models import Pix2Sky_TAN
    from gwcs.fitswcs import FITSImagingWCSTransform

    plane = FITSImagingWCSTransform(Pix2Sky_TAN(), crpix=crpix, crval=crval,
                                    cdelt=[scale, scale], pc=pc)
    return gwcs.WCS([gwcs.Step(frames[0], plane), gwcs.Step(frames[1], None)])


def plane_of(wcs):
    """
    Describe coordinates that are a plain projection.

    Parameters
    ----------
    wcs : WCS or gwcs.WCS
        Coordinates.

    Returns
    -------
    dict or None
        ``crpix`` (from 0), ``crval``, ``cdelt``, ``pc``, and the ``code`` of the projection; None
        for anything else.
    """
    plane = wcs.forward_transform
    if isinstance(wcs, transforms.WCS):
        return {**plane.values, "code": "TAN"} if isinstance(plane, FitsImaging) else None
    from gwcs.fitswcs import FITSImagingWCSTransform

    if not isinstance(plane, FITSImagingWCSTransform):
        return None
    return {"code": plane.projection.prjprm.code,
            **{name: getattr(plane, name) for name in ("crpix", "crval", "cdelt", "pc")}}


def _middle(corners):
    """Middle of the box around points on the sphere, degrees."""
    lon, lat = DEGREE * corners.T
    x, y, z = np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)
    x, y, z = ((part.max() + part.min()) / 2 for part in (x, y, z))
    return (float(np.degrees(np.arctan2(y, x)) % 360),
            float(np.degrees(np.arctan2(z, np.hypot(x, y)))))


def from_file(path, output_shape=None):
    """
    Read a frame from an ASDF file.

    Parameters
    ----------
    path : str
        The file, with ``wcs`` and, where the object lacks them, ``array_shape`` or
        ``pixel_shape``; also ``pixel_scale`` (arcsec) or ``pixel_area`` (arcsec2).
    output_shape : (int, int), optional
        Columns and rows in the place of those of the file.

    Returns
    -------
    Frame
        The frame.

    Raises
    ------
    ParameterError
        If the file is missing, holds no ``wcs``, or its shape is not known.
    """
    import asdf

    try:
        with asdf.open(path, lazy_load=False, memmap=False) as file:
            tree = dict(file.tree)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ParameterError(f"Parameter 'output_wcs' of resample: {path} cannot be read: "
                             f"{reason}") from error
    wcs = tree.get("wcs")
    if wcs is None:
        raise ParameterError(f"Parameter 'output_wcs' of resample: {path} has no 'wcs'")
    if wcs.output_frame.naxes != 2:
        raise ParameterError(f"output_wcs: {path} has {wcs.output_frame.naxes} axes where two are "
                             "needed")
    if output_shape is not None:
        wcs.array_shape = tuple(output_shape)[::-1]
    elif wcs.array_shape is None:
        shape = tree.get("array_shape")
        if shape is None and tree.get("pixel_shape") is not None:
            shape = tuple(tree["pixel_shape"])[::-1]
        if shape is None and wcs.bounding_box is not None:
            shape = tuple(int(high + 0.5) for _, high in wcs.bounding_box.bounding_box(order="C"))
        if shape is None:
            raise ParameterError(f"output_shape: needed, because {path} does not tell the size")
        wcs.array_shape = tuple(shape)
    scale = tree.get("pixel_scale")
    if scale is None and tree.get("pixel_area") is not None:
        scale = math.sqrt(tree["pixel_area"])
    if scale is None:
        scale = 3600 * math.degrees(math.sqrt(mean_pixel_area(wcs, wcs.array_shape)))
    return Frame(wcs, scale, None)


def union(polygons, frame):
    """
    Give the outline of all images together, cut at the edges of the output.

    Parameters
    ----------
    polygons : list of float64 [corner, 2]
        Outlines on the sky, degrees.
    frame : Frame
        The output frame.

    Returns
    -------
    list of float64 [corner, 2] or None
        Outlines on the sky; None when none lies in the output.
    """
    import shapely

    wcs = frame.wcs

    def on_plane(corners):
        return np.stack(wcs.invert(*corners.T, with_bounding_box=False), -1)

    joined = shapely.unary_union([shapely.Polygon(on_plane(corners)) for corners in polygons])
    n_rows, n_cols = frame.shape
    box = ((-0.5, n_cols - 0.5), (-0.5, n_rows - 0.5))
    if wcs.bounding_box is not None:
        box = wcs.bounding_box.bounding_box(order="F")
    corners = [(box[0][i], box[1][j]) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))]
    window = shapely.Polygon(on_plane(np.array(wcs(*np.array(corners).T)).T))
    found = []
    for part in getattr(joined, "geoms", [joined]):
        simple = _simplified(np.array(part.exterior.coords)[:-1])
        inside = shapely.intersection(shapely.Polygon(simple), window)
        for piece in getattr(inside, "geoms", [inside]):
            if piece.geom_type == "Polygon" and not piece.is_empty:
                edge = _simplified(np.array(piece.exterior.coords)[:-1])
                found.append(np.stack(wcs(*edge.T, with_bounding_box=False), -1))
    return found or None


def _simplified(points):
    """Leave out corners that are none."""
    before, after = np.roll(points, 1, 0), np.roll(points, -1, 0)
    v, w = points - before, after - points
    same = (np.abs(v) < SAME_POINT).all(axis=1)
    m, n = v[:, 1] / (v[:, 0] + 1e-12), w[:, 1] / (w[:, 0] + 1e-12)
    straight = np.abs(np.arctan((n - m) / (1 + m * n))) < STRAIGHT
    return points[~(same | straight)]
