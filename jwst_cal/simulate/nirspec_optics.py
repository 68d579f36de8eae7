"""NIRSpec's optics, from the detector through grating and slits to the sky, as reference files.

They have the scales and the signs of the instrument, and distortion: exact inverses where they are
affine, fitted ones where they are not. Needs numpy and astropy only.
"""

import numpy as np

__all__ = ["FILTERS", "LIST", "RANGES", "REFTYPES", "SLITLETS", "msa_to_v2v3", "tree",
           "write_shutters"]

#: Side of a pixel, m.
PIXEL = 1.8e-5
FIXED_SLITS = ("S200A1", "S200A2", "S400A1", "S1600A1", "S200B1")
#: Where the first of them is on the MSA, m.
S200A1 = np.array([0.02697, -0.00272])
#: Centres and sizes of the fixed slits on the MSA, m.
PLACES = [S200A1, S200A1 + [0.0045, -0.0021], S200A1 + [0.0090, -0.0042],
          S200A1 + [0.0130, -0.0063], np.array([-0.0275, 0.0022])]
SIZES = [(7.9e-5, 1.27e-3), (7.9e-5, 1.27e-3), (1.57e-4, 1.46e-3), (6.3e-4, 6.3e-4),
         (7.9e-5, 1.27e-3)]
#: Lower left shutters of the quadrants, m; columns and rows, pitch and size of shutters.
QUADRANTS = {1: (-0.0413, 0.0015), 2: (-0.0413, -0.0370), 3: (0.0030, 0.0015), 4: (0.0030, -0.0370)}
COLUMNS, ROWS = 365, 171
PITCH, OPENING = (1.05e-4, 2.05e-4), (7.8e-5, 1.78e-4)
#: Turn of the MSA against the sky.
TURN = np.deg2rad(41.2036)
#: By grating: filter, tilt of the wheel in degrees, what else the disperser has.
GRATINGS = {
    "G395H": ("F290LP", -8.9, {"groovedensity": 89400.0}),
    "G140M": ("F100LP", -8.9, {"groovedensity": 95400.0}),
    "PRISM": ("CLEAR", 23.5, {
        "angle": -16.5, "kcoef": [0.58339748, 0.46085267, 3.8915394],
        "lcoef": [0.00252643, 0.010078333, 1200.556],
        "tcoef": [-2.66e-5, 0.0, 0.0, 0.0, 0.0, 0.0], "tref": 35.0, "pref": 0.0}),
}
RANGES = {"F290LP_G395H": (2.87e-6, 5.27e-6), "F100LP_G140M": (0.97e-6, 1.89e-6),
          "CLEAR_PRISM": (0.6e-6, 5.3e-6), "FLAT3_G395H": (2.87e-6, 5.27e-6),
          "LINE3_G395H": (2.87e-6, 5.27e-6)}
#: By grating.
FILTERS = {grating: about[0] for grating, about in GRATINGS.items()}
#: Exposures through slits, shutters and the IFU.
SPECTRA = ("NRS_FIXEDSLIT", "NRS_BRIGHTOBJ", "NRS_MSASPEC", "NRS_IFU")
#: List of open shutters of simulated exposures, and its keywords.
LIST = (("MSAMETFL", "jw01234001001_01_msa.fits"), ("MSAMETID", 1), ("PATT_NUM", 1))
#: Quadrant, row, first and last column, and source of the slitlets in it; 0 is none.
SLITLETS = {1: (3, 228, 29, 31, 1), 2: (3, 228, 59, 61, 2), 3: (3, 100, 89, 90, 0),
            4: (4, 150, 20, 22, 3), 5: (1, 200, 100, 102, 4), 6: (2, 300, 140, 142, 5)}
_SHUTTERS = [
    ("slitlet_id", ">i2"), ("msa_metadata_id", ">i2"), ("shutter_quadrant", ">i2"),
    ("shutter_row", ">i2"), ("shutter_column", ">i2"), ("source_id", ">i2"), ("background", "S1"),
    ("shutter_state", "S6"), ("estimated_source_in_shutter_x", ">f4"),
    ("estimated_source_in_shutter_y", ">f4"), ("dither_point_index", ">i2"),
    ("primary_source", "S1"), ("fixed_slit", "S7")]
_SOURCES = [
    ("program", ">i4"), ("source_id", ">i4"), ("source_name", "S20"), ("alias", "S31"),
    ("catalog_id", "S20"), ("ra", ">f8"), ("dec", ">f8"), ("preimage_id", "S30"),
    ("stellarity", ">f8")]


def _affine(matrix, shift, n_inputs=2):
    """Two polynomials of degree 1, of two inputs of two or three, with the inverse."""
    from astropy.modeling.models import Mapping, Polynomial2D

    matrix, shift = np.array(matrix, float), np.array(shift, float)

    def pair(a, b):
        return Mapping((0, 1, 0, 1), n_inputs=n_inputs) | (
            Polynomial2D(1, c0_0=b[0], c1_0=a[0, 0], c0_1=a[0, 1])
            & Polynomial2D(1, c0_0=b[1], c1_0=a[1, 0], c0_1=a[1, 1]))

    back = np.linalg.inv(matrix)
    forward = pair(matrix, shift)
    forward.inverse = pair(back, -back @ shift)
    return forward


def _distorted(matrix, shift, extent, strength=2e-3):
    """As `_affine`, with terms of second order, and an inverse fitted within an extent."""
    from astropy.modeling.models import Mapping, Polynomial2D, Scale, Shift

    matrix, shift = np.array(matrix, float), np.array(shift, float)
    size = np.abs(matrix) @ np.full(2, extent)
    bend = strength / extent**2

    def poly(row):
        return Polynomial2D(2, c0_0=shift[row], c1_0=matrix[row, 0], c0_1=matrix[row, 1],
                            c2_0=bend * size[row], c0_2=-0.5 * bend * size[row],
                            c1_1=0.7 * bend * size[row])

    forward = Mapping((0, 1, 0, 1)) | poly(0) & poly(1)
    grid = np.linspace(-extent, extent, 21)
    x, y = (a.ravel() for a in np.meshgrid(grid, grid))
    u, v = forward(x, y)
    centre, scale = np.array([u.mean(), v.mean()]), np.array([np.ptp(u), np.ptp(v)]) / 2
    p, q = (u - centre[0]) / scale[0], (v - centre[1]) / scale[1]
    terms = [(i, j) for i in range(6) for j in range(6 - i)]
    design = np.stack([p**i * q**j for i, j in terms], axis=1)

    def fitted(target):
        found = np.linalg.lstsq(design, target, rcond=None)[0]
        return Polynomial2D(5, **{f"c{i}_{j}": c for (i, j), c in zip(terms, found, strict=True)})

    forward.inverse = (Shift(-centre[0]) & Shift(-centre[1]) | Scale(1 / scale[0])
                       & Scale(1 / scale[1]) | Mapping((0, 1, 0, 1)) | fitted(x) & fitted(y))
    return forward


FORE = np.array([[np.cos(TURN), np.sin(TURN)], [-np.sin(TURN), np.cos(TURN)]]) / 0.61
FORE_SHIFT = np.array([0.0303, -0.0320]) - FORE @ S200A1
OTE = np.array([[-3600 / 2.296, 0], [0, 3600 / 2.2953]])
OTE_SHIFT = np.array([0.10539 * 3600, -0.11913 * 3600])


def msa_to_v2v3(place):
    """
    Tell where a place on the MSA looks.

    Parameters
    ----------
    place : float64 [x and y], m

    Returns
    -------
    float64 [V2 and V3], arcsec
    """
    return OTE @ (FORE @ place + FORE_SHIFT) + OTE_SHIFT


#: Metres on the MSA for an arcsecond on the sky; width and height of a slice on the slicer, m.
ARCSEC = 1 / np.sqrt(abs(np.linalg.det(OTE @ FORE)))
SLICE = (8.0e-4, 0.012)
#: Centre of the IFU's field on the MSA, m.
FIELD = np.array([0.0009, -0.0130])


def tree(reftype, grating="G395H"):
    """
    Make a reference file.

    Parameters
    ----------
    reftype : str
        Its type, of :data:`REFTYPES`.
    grating : str
        Of the disperser.

    Returns
    -------
    dict
        Content of its ASDF file, with ``meta``.
    """
    from astropy import units

    made = _MAKERS[reftype](grating) if reftype == "disperser" else _MAKERS[reftype]()
    meta = made.setdefault("meta", {})
    meta["exposure"] = {"type": SPECTRA[0], "p_exptype": "|".join(SPECTRA) + "|"}
    meta.setdefault("instrument", {})["p_detector"] = "NRS1|NRS2|"
    for end in ("input_units", "output_units"):
        if end in meta:
            meta[end] = getattr(units, meta[end])
    return made


def _transform(model, start, end):
    return {"model": model, "meta": {"input_units": start, "output_units": end}}


def _collimator():
    return _transform(_distorted([[1 / 1.5, 0], [0, 1 / 1.64]], [0, 0.295 / 1.64], 0.3), "m", "deg")


def _camera():
    return _transform(_distorted([[3.54, 0], [0, 3.54]], [0, 0.2953], 0.06), "m", "deg")


def _fpa():
    from astropy.modeling.models import Scale, Shift

    to_centre = Shift(-0.038189 / PIXEL) & Shift(-0.018441 / PIXEL)
    return {"nrs1_model": to_centre | Scale(PIXEL) & Scale(PIXEL),
            "nrs2_model": to_centre | Scale(-PIXEL) & Scale(-PIXEL),
            "meta": {"input_units": "pix", "output_units": "m"}}


def _disperser(grating):
    from astropy.modeling.models import Polynomial1D

    _, tilt, glass = GRATINGS[grating]
    wheel = {name: {"temperatures": [39.58], "unit": "arcsec", "zeroreadings": [zero],
                    "tilt_model": Polynomial1D(1, c0=-3600.0 * zero, c1=3600.0)}
             for name, zero in (("gwa_tiltx", 0.33), ("gwa_tilty", 0.126))}
    return {"theta_x": 0.002, "theta_y": 0.01, "theta_z": -0.003, "tilt_x": 0.0, "tilt_y": tilt,
            **wheel, **glass, "meta": {"instrument": {"grating": grating}}}


def _fore():
    return _transform(_affine(FORE, FORE_SHIFT, 3), "m", "deg")


def _ote():
    return _transform(_affine(OTE, OTE_SHIFT), "deg", "arcsec")


def _wavelengthrange():
    from astropy import units

    return {"waverange_selector": list(RANGES), "order": [-1] * len(RANGES),
            "wavelengthrange": [list(limits) for limits in RANGES.values()],
            "meta": {"wavelength_units": units.m}}


def _msa():
    """Four quadrants of shutters, and the fixed slits."""
    from astropy.modeling.models import Identity, Shift

    columns = [("NO", "i4"), ("XC", "f8"), ("YC", "f8"), ("SIZEX", "f8"), ("SIZEY", "f8")]
    number = np.arange(COLUMNS * ROWS)
    shutters = np.zeros(number.size, columns)
    shutters["NO"] = number + 1
    shutters["XC"], shutters["YC"] = number % COLUMNS * PITCH[0], number // COLUMNS * PITCH[1]
    shutters["SIZEX"], shutters["SIZEY"] = OPENING
    slits = np.array([(k, *place, *size) for k, (place, size) in
                      enumerate(zip(PLACES, SIZES, strict=True))], columns)
    return {**{f"Q{k}": {"model": Shift(x) & Shift(y), "data": shutters}
               for k, (x, y) in QUADRANTS.items()},
            "Q5": {"model": Identity(2), "data": slits}}


def _scales():
    """Slicer to MSA: slices are of 0.1 by 3 arcsec."""
    return [0.1 * ARCSEC / SLICE[0], 3.0 * ARCSEC / SLICE[1]]


def _slices():
    """Slices on the slicer: number, centre, sizes."""
    data = np.zeros((30, 5))
    data[:, 0], data[:, 3:] = np.arange(30), SLICE
    data[:, 1] = (data[:, 0] - 14.5) * SLICE[0]
    return data


def _ifuslicer():
    from astropy.modeling.models import Identity

    return _transform(Identity(2), "m", "m") | {"data": _slices()}


def _ifupost():
    from astropy.modeling.models import Polynomial2D

    scales, found = _scales(), {}
    for k, (_, middle, *_) in enumerate(_slices()):
        x, y = 0.0486 + 1e-4 * (k % 3 - 1), -0.0345 + k * 0.00238
        found[f"slice_{k}"] = {
            "linear": _affine(np.diag(scales), [x - middle * scales[0], y]),
            "xpoly": Polynomial2D(2, c1_0=1.0, c0_2=0.02), "ypoly": Polynomial2D(1, c0_1=1.0),
            "xpoly_distortion": Polynomial2D(1, c0_0=2.0, c1_0=3.0),
            "ypoly_distortion": Polynomial2D(1, c0_1=-4.0)}
    return found


def _ifufore():
    return _transform(_affine(np.diag(_scales()), FIELD, 3), "m", "m")


def _chromcorr():
    from astropy.modeling.models import Identity, Mapping, Shift

    colours = Mapping((0, 1, 2)) | Shift(2e-6) & Shift(-1e-6) & Identity(1)
    colours.inverse = Mapping((0, 1, 2)) | Shift(-2e-6) & Shift(1e-6) & Identity(1)
    return _transform(colours, "deg", "deg")


_MAKERS = {
    "collimator": _collimator, "camera": _camera, "fpa": _fpa, "disperser": _disperser,
    "fore": _fore, "ote": _ote, "wavelengthrange": _wavelengthrange, "msa": _msa,
    "ifuslicer": _ifuslicer, "ifupost": _ifupost, "ifufore": _ifufore, "chromcorr": _chromcorr,
}
#: What can be made.
REFTYPES = tuple(_MAKERS)


def write_shutters(path, slitlets, sources, *, number=1, dithers=(1,), more=()):
    """
    Write the list of the open shutters of exposures, which MSAMETFL names.

    Parameters
    ----------
    path : path-like
        Its name.
    slitlets : dict
        As :data:`SLITLETS`.
    sources : iterable of int
        Those that are told of, by number; others are virtual.
    number : int
        MSAMETID of the exposures.
    dithers : tuple of int
        PATT_NUM of the exposures.
    more : list of tuple
        Further rows of the shutters.
    """
    from astropy.io import fits

    rows = []
    for slitlet, (quadrant, row, first, last, source) in slitlets.items():
        for column in range(first, last + 1):
            main = source != 0 and column == (first + last) // 2
            place = (0.45, 0.61) if main else (np.nan, np.nan)
            rows += [(slitlet, number, quadrant, row, column, source, "N" if main else "Y", "OPEN",
                      *place, dither, "Y" if main else "N", "NONE") for dither in dithers]
    known = [(1234, k, f"1234_{k}", f"star {k}", str(k), 210.0 + k, 12.0, "none", 0.5 + k / 10)
             for k in sources]
    fits.HDUList([
        fits.PrimaryHDU(), fits.ImageHDU(np.zeros((342, 730), np.uint8), name="SHUTTER_IMAGE"),
        fits.BinTableHDU(np.array(rows + list(more), _SHUTTERS), name="SHUTTER_INFO"),
        fits.BinTableHDU(np.array(known, _SOURCES), name="SOURCE_INFO"),
    ]).writeto(path, overwrite=True)
