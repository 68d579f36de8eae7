"""The files of images: distortion, filters, flat field, pixel areas, fluxes."""

import numpy as np

from jwst_cal.simulate import _fits, psf
from jwst_cal.simulate.makers.pieces import dq, nowhere, sci

#: Parts of a star's light whose circles the aperture corrections are for.
_ENCLOSED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
#: Ring in which the background of a star is measured, pixel.
_RING = (20.0, 30.0)
_STERADIANS = np.radians(1 / 3600) ** 2


def flat(window):
    """
    Response to light of uniform surface brightness, in units of the reference pixel's.

    It holds the efficiency, the area and the gain of the pixels.
    """
    values = window.flat_field * (np.float32(window.mean_gain) / window.gain)
    if window.area is not None:
        values *= window.area
    blind = window.efficiency == 0
    values[blind] = np.nan
    named = {"DO_NOT_USE": nowhere(window), "NO_FLAT_FIELD": blind,
             "UNRELIABLE_FLAT": window.efficiency == np.float32(0.4)}
    error = np.full(window.shape, np.float32(0.002))
    return "FlatModel", (), [sci(values), sci(error, "ERR"), *dq(window.shape, named)]


def area(window):
    """Areas of the pixels in units of the reference pixel's."""
    return "PixelAreaModel", _pixel_area(window), [sci(window.area)]


def _pixel_area(window):
    nominal = window.distortion.nominal_area
    return (("PIXAR_SR", nominal * _STERADIANS), ("PIXAR_A2", nominal))


#: By instrument: prefix of the data models of its images, and columns that choose a row.
_TABLES = {"NIRCAM": ("Nrc", "filter pupil"), "NIRISS": ("Nis", "filter pupil"),
           "MIRI": ("Mir", "filter subarray"), "FGS": ("Fgs", "")}
_WIDTHS = {"filter": "S12", "pupil": "S15", "subarray": "S17"}


def _keys(window, one):
    """What chooses the rows of a filter: values by column; of MIRI a row for each subarray."""
    columns = _TABLES[window.detector.instrument][1].split()
    names = ["GENERIC"]
    if "subarray" in columns:
        names = [sub.name for sub in window.detector.subarrays] + names
    for name in names:
        values = {"filter": one.filter, "pupil": one.pupil, "subarray": name}
        yield {column: values[column] for column in columns}


def _table(name, rows):
    """A table from rows with the same keys: texts and floats."""
    types = [(key, _WIDTHS.get(key, "f4")) for key in rows[0]]
    return _fits.table(name, np.array([tuple(row.values()) for row in rows], types))


def photom(window):
    """Surface brightness for one DN/s, by filter."""
    rows = [{**keys, "photmjsr": one.photmjsr, "uncertainty": 0.01 * one.photmjsr}
            for one in window.instrument.filters_of(window.detector.name)
            for keys in _keys(window, one)]
    model = f"{_TABLES[window.detector.instrument][0]}ImgPhotomModel"
    return model, _pixel_area(window), [_table("PHOTOM", rows)]


def apcorr(window):
    """Corrections of what falls outside of apertures, by filter."""
    rows = []
    for one in window.instrument.filters:
        radii = psf.of_width(one.fwhm).radius(_ENCLOSED)
        rows += [{**keys, "eefraction": part, "radius": radius, "apcorr": 1 / part,
                  "skyin": _RING[0], "skyout": _RING[1]}
                 for keys in _keys(window, one)
                 for part, radius in zip(_ENCLOSED, radii, strict=True)]
    model = f"{_TABLES[window.detector.instrument][0]}ImgApcorrModel"
    return model, (), [_table("APCORR", rows)]


def abvegaoffset(window):
    """Magnitudes of AB zero in the system of Vega."""
    from astropy.table import Table

    instrument = window.instrument
    if instrument.name == "FGS":
        rows = [{"detector": detector.name, "abvega_offset": instrument.filters[0].ab_vega}
                for detector in instrument.detectors]
    else:
        columns = [c for c in _TABLES[instrument.name][1].split() if c != "subarray"]
        rows = [{c: getattr(one, c) for c in columns} | {"abvega_offset": one.ab_vega}
                for one in instrument.filters]
    return {"abvega_offset": Table(rows)}


def filteroffset(window):
    """Shifts of the image by the filters."""
    columns = [c for c in _TABLES[window.detector.instrument][1].split() if c != "subarray"]
    rows = [{**{c: getattr(one, c) for c in columns},
             "column_offset": one.offset[0], "row_offset": one.offset[1]}
            for one in window.instrument.filters_of(window.detector.name)]
    return {"filters": rows, "meta": {"input_units": "pixel", "instrument": _kind(window)}}


def _kind(window):
    """Channel and module, of NIRCam."""
    return {key.lower(): value for key, value in window.detector.cards}


def distortion(window):
    """Pixels of the whole detector to V2, V3."""
    from astropy import units

    meta = {"input_units": units.pix, "output_units": units.arcsec}
    if window.detector.instrument == "NIRCAM":
        meta["instrument"] = _kind(window)
        meta["instrument"]["p_pupil"] = "".join(
            f"{name}|" for name in dict.fromkeys(
                one.pupil for one in window.instrument.filters_of(window.detector.name)))
    return {"model": _transform(window.distortion, window.detector.shape), "meta": meta}


#: Degree of the polynomials that take the ideal frame to pixels: within 5e-4 pixel. Those of the
#: aperture file are up to 0.1 pixel off.
_INVERSE_DEGREE = 7


def _inverse(found, shape):
    """Polynomials from the ideal frame to distances from the reference pixel, fitted."""
    n, at = _INVERSE_DEGREE + 1, found.aperture
    x, y = (place.ravel() for place in np.meshgrid(*(np.linspace(-0.5, size - 0.5, 41)
                                                     for size in shape[::-1])))
    ideal = np.array(at.from_telescope(*found.to_telescope(x, y)))
    unit = np.abs(ideal).max()
    terms = [(i, j) for i in range(n) for j in range(n - i)]
    powers = np.stack([(ideal[0] / unit) ** i * (ideal[1] / unit) ** j for i, j in terms], -1)
    fits = np.linalg.lstsq(powers, np.stack([x - at.x_ref + 1, y - at.y_ref + 1], -1),
                           rcond=None)[0]
    matrices = np.zeros((2, n, n))
    for (i, j), values in zip(terms, fits, strict=True):
        matrices[:, i, j] = values / unit ** (i + j)
    return matrices


def _transform(found, shape):
    """The distortion as an astropy model, with its inverse."""
    from astropy.modeling.models import Mapping, Polynomial2D, Shift

    def polynomial(matrix):
        n = len(matrix)
        return Polynomial2D(n - 1, **{f"c{i}_{j}": float(matrix[i, j])
                                      for i in range(n) for j in range(n - i)})

    def pair(x, y):
        return Mapping((0, 1, 0, 1)) | polynomial(x) & polynomial(y)

    def plane(to):
        """An affine map as two polynomials: exact, and written as text."""
        x0, y0 = to(0.0, 0.0)
        (x_x, y_x), (x_y, y_y) = to(1.0, 0.0), to(0.0, 1.0)
        return pair(np.array([[x0, x_y - x0], [x_x - x0, 0]]),
                    np.array([[y0, y_y - y0], [y_x - y0, 0]]))

    at, parts = found.aperture, found.polynomials
    transform = (Shift(1 - at.x_ref) & Shift(1 - at.y_ref)
                 | pair(parts["Sci2IdlX"], parts["Sci2IdlY"]) | plane(at.to_telescope))
    transform.inverse = (plane(at.from_telescope) | pair(*_inverse(found, shape))
                         | Shift(at.x_ref - 1) & Shift(at.y_ref - 1))
    return transform


MAKERS = {
    "flat": flat, "area": area, "photom": photom, "apcorr": apcorr, "abvegaoffset": abvegaoffset,
    "filteroffset": filteroffset, "distortion": distortion,
}
