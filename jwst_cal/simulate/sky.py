"""A field of stars and galaxies on the sky, and the light that a detector gets from it."""

from __future__ import annotations

import numpy as np

from jwst_cal.pointing import attitude
from jwst_cal.simulate import psf
from jwst_cal.simulate.detectors import stream

__all__ = ["SOURCE", "Optics", "draw", "render"]

#: One row per source: positions in degrees (ICRS), flux in microjansky, of a galaxy its scale
#: length in arcsec, axis ratio, and position angle in degrees from north to east.
SOURCE = np.dtype([("id", "i4"), ("kind", "U6"), ("RA", "f8"), ("DEC", "f8"), ("flux_ujy", "f8"),
                   ("scale", "f8"), ("axis_ratio", "f8"), ("angle", "f8")])
_ARCSEC = np.radians(1 / 3600)
#: Softening of a galaxy's centre, in scale lengths.
_SOFT = 0.4
#: Places tried for a source until one is far enough from the others.
_TRIES = 40


def _places(rng, n, radius, separation):
    """Places in a disk, arcsec; apart from each other, unless there is no room."""
    places = np.empty((n, 2))
    for k in range(n):
        for _ in range(_TRIES):
            distance, angle = radius * np.sqrt(rng.random()), 2 * np.pi * rng.random()
            places[k] = distance * np.sin(angle), distance * np.cos(angle)
            if (np.hypot(*(places[:k] - places[k]).T) > separation).all():
                break
    return places.T


def draw(seed, ra, dec, radius, n_stars, n_galaxies, faintest, brightest, scale, separation=0.0):
    """
    Draw the sources of a round field.

    Parameters
    ----------
    seed : int
        Seed.
    ra, dec : float, degrees
        Its centre.
    radius : float, arcsec
        Its radius.
    n_stars, n_galaxies : int
        How many sources.
    faintest, brightest : float, microjansky
        Range of their fluxes, of which each octave has the same number.
    scale : (float, float), arcsec
        Range of the scale lengths of galaxies.
    separation : float, arcsec
        Smallest distance between sources, where the field has room for it.

    Returns
    -------
    SOURCE array
        Stars first.
    """
    rng = stream(seed, "field")
    n = n_stars + n_galaxies
    table = np.zeros(n, SOURCE)
    table["id"] = np.arange(1, n + 1)
    table["kind"] = ["star"] * n_stars + ["galaxy"] * n_galaxies
    around = attitude.attitude(0, 0, ra, dec, 0)
    table["RA"], table["DEC"] = attitude.to_sky(around, *_places(rng, n, radius, separation))
    table["flux_ujy"] = faintest * (brightest / faintest) ** rng.random(n)
    disks = table["kind"] == "galaxy"
    table["scale"] = np.where(disks, scale[0] + (scale[1] - scale[0]) * rng.random(n), 0)
    table["axis_ratio"] = np.where(disks, 0.3 + 0.7 * rng.random(n), 1)
    table["angle"] = np.where(disks, 180 * rng.random(n), 0)
    return table


class Optics:
    """
    How a cut of a detector sees the sky through a filter.

    Parameters
    ----------
    window : Window
        The cut; its detector takes images.
    light : Filter
        The filter.
    """

    def __init__(self, window, light):
        self.window, self.filter = window, light
        self.point_spread = psf.of_width(light.fwhm)
        #: Electrons/s of 1 MJy/sr in the reference pixel, and of 1 microjansky in all pixels.
        self.per_mjysr = window.mean_gain / light.photmjsr
        nominal = window.distortion.nominal_area * _ARCSEC**2
        self.per_microjansky = 1e-12 / nominal * self.per_mjysr

    def pixels(self, ra, dec, matrix, scale):
        """
        Find the pixels that look at places on the sky.

        Parameters
        ----------
        ra, dec : float or array, degrees
            Places.
        matrix : float64 [3, 3]
            Attitude of the telescope, to the sky.
        scale : float
            Of the aberration by the telescope's velocity.

        Returns
        -------
        x, y : float64 array, pixel from 0
            In the array of the cut.
        """
        at = self.window.aperture
        v2, v3 = attitude.to_telescope(matrix, ra, dec)
        x, y = self.window.distortion.to_pixels(at.v2_ref + (v2 - at.v2_ref) / scale,
                                                at.v3_ref + (v3 - at.v3_ref) / scale)
        return (x - self.filter.offset[0] - self.window.x[0],
                y - self.filter.offset[1] - self.window.y[0])


def render(optics, sources, matrix, scale, sky):
    """
    Compute the light that falls on the pixels.

    Parameters
    ----------
    optics : Optics
        Detector and filter.
    sources : SOURCE array
        The field.
    matrix : float64 [3, 3]
        Attitude of the telescope, to the sky.
    scale : float
        Of the aberration by the telescope's velocity.
    sky : float, MJy/sr
        Surface brightness behind the sources.

    Returns
    -------
    light : float32 [row, col], e-/s
        With the response of the pixels.
    x, y : float64 [source], pixel from 0
        Places of the sources in the array.
    """
    window = optics.window
    x, y = optics.pixels(sources["RA"], sources["DEC"], matrix, scale)
    light = sky * optics.per_mjysr * window.area.astype(np.float64)
    flux = sources["flux_ujy"] * optics.per_microjansky
    stars = sources["kind"] == "star"
    optics.point_spread.add(light, x[stars], y[stars], flux[stars])
    for k in np.flatnonzero(~stars & np.isfinite(x)):
        _add_galaxy(light, optics, sources[k], flux[k], (x[k], y[k]), matrix, scale)
    return (light * window.flat_field).astype(np.float32), x, y


def _add_galaxy(light, optics, source, flux, place, matrix, scale):
    """Add an exponential disk, blurred as much as a star in its middle."""
    step = 1.0  # arcsec
    north = optics.pixels(source["RA"], source["DEC"] + step / 3600, matrix, scale)
    across = step / 3600 / np.cos(np.radians(source["DEC"]))
    east = optics.pixels(source["RA"] + across, source["DEC"], matrix, scale)
    to_pixel = np.array([[east[k] - place[k], north[k] - place[k]] for k in (0, 1)]) / step
    if not np.isfinite(to_pixel).all():
        return
    to_sky = np.linalg.inv(to_pixel)  # pixels to arcsec east and north
    reach = int(9 * source["scale"] * np.abs(to_pixel).max()) + 3
    n_rows, n_cols = light.shape
    y0, y1 = max(int(place[1]) - reach, 0), min(int(place[1]) + reach + 1, n_rows)
    x0, x1 = max(int(place[0]) - reach, 0), min(int(place[0]) + reach + 1, n_cols)
    if y0 >= y1 or x0 >= x1:
        return
    dy, dx = np.arange(y0, y1)[:, None] - place[1], np.arange(x0, x1)[None, :] - place[0]
    to_east = to_sky[0, 0] * dx + to_sky[0, 1] * dy
    to_north = to_sky[1, 0] * dx + to_sky[1, 1] * dy
    turn = np.radians(source["angle"])
    along = to_north * np.cos(turn) + to_east * np.sin(turn)
    side = (to_east * np.cos(turn) - to_north * np.sin(turn)) / source["axis_ratio"]
    r = np.sqrt((along**2 + side**2) / source["scale"] ** 2 + _SOFT**2)
    whole = 2 * np.pi * source["scale"] ** 2 * source["axis_ratio"] * (1 + _SOFT) * np.exp(-_SOFT)
    pixel = abs(np.linalg.det(to_sky))
    light[y0:y1, x0:x1] += flux * np.exp(-r) / whole * pixel
