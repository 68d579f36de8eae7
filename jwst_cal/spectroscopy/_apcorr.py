"""Aperture correction: the light of a point source beside its aperture."""

import logging

import numpy as np

from jwst_cal.errors import ReferenceFileError

__all__ = ["factors"]

log = logging.getLogger(__name__)

ARCSEC_PER_DEGREE = 3600
#: Where in a pixel a source is taken to be.
PHASE = 0.5


def factors(reference, slit, wavelengths, n_pixels, place):
    """
    Look up the correction at each wavelength.

    Parameters
    ----------
    reference : NrsFsApcorrModel
        Corrections by wavelength, height of the aperture and place of the source in a pixel.
    slit : SlitModel
        FILTER, GRATING and the name of the slit choose the row; coordinates give the scale.
    wavelengths, n_pixels : float64 [wavelength], micron and pixels
        Of the spectrum, and the height of the aperture.
    place : tuple of float
        Right ascension and declination of the aperture.

    Returns
    -------
    float64 [wavelength]
        What fluxes are multiplied by; 1 beyond the wavelengths of the reference.

    Raises
    ------
    ReferenceFileError
        If not one row fits.
    """
    row = _row(reference, slit)
    known, sizes = np.asarray(row["wavelength"], float), np.asarray(row["size"], float)
    order = np.argsort(known)
    known, sizes = known[order], sizes[..., order]
    if (reference.sizeunit or "").startswith("arcsec"):
        scale = _pixel_scale(slit.meta.wcs, (*place, np.median(wavelengths)))
        # sizes are kept as float32
        sizes = (np.asarray(row["size"])[..., order] / (scale * ARCSEC_PER_DEGREE)).astype(float)
    corrections = _interpolated(np.asarray(row["pixphase"], float),
                                np.asarray(row["apcorr"], float), PHASE)[..., order]
    found = np.ones(len(wavelengths))
    for k in np.flatnonzero((wavelengths >= known[0]) & (wavelengths <= known[-1])):
        heights = _interpolated(known, sizes, wavelengths[k])
        by_height = _interpolated(known, corrections, wavelengths[k])
        # beyond the heights, that of the last
        found[k] = np.interp(n_pixels[k], heights, by_height) or 1.0
    return found


def _row(reference, slit):
    table, instrument = reference.apcorr_table, slit.meta.instrument
    wanted = {"filter": instrument.filter, "grating": instrument.grating, "slit": slit.name}
    fits = np.ones(len(table), bool)
    for column, value in wanted.items():
        fits &= np.char.upper(np.asarray(table[column], str)) == (value or "").upper()
    if np.count_nonzero(fits) != 1:
        raise ReferenceFileError(
            f"{reference.meta.filename}: {np.count_nonzero(fits)} rows for FILTER="
            f"{wanted['filter']}, GRATING={wanted['grating']}, slit {wanted['slit']} where one is "
            "needed")
    return table[np.flatnonzero(fits)[0]]


def _interpolated(at, values, where):
    """Interpolate linearly along the last axis."""
    k = np.clip(np.searchsorted(at, where, side="left"), 1, len(at) - 1)
    slope = (values[..., k] - values[..., k - 1]) / (at[k] - at[k - 1])
    return slope * (where - at[k - 1]) + values[..., k - 1]


def _pixel_scale(wcs, place):
    """Degrees of a pixel across the dispersion, at a right ascension, declination, wavelength."""
    from astropy.coordinates import SkyCoord

    x, y = wcs.invert(*place, with_bounding_box=False)
    ra, dec, _ = wcs(np.array([x, x]), np.array([y, y + 1]), with_bounding_box=False)
    here, above = SkyCoord(ra, dec, unit="deg")
    return here.separation(above).deg
