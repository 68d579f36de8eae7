"""What the telescope looks at: sky, stars with a JWST-like point spread function, spectra."""

import numpy as np

from jwst_cal.simulate import soss
from jwst_cal.simulate.detectors import stream

__all__ = ["scene", "soss_spectra", "spectra", "transit"]


def point_spread(dy, dx, fwhm):
    """
    Evaluate a point spread function with six diffraction spikes.

    Parameters
    ----------
    dy, dx : float64 array, pixel
        Distance from the star.
    fwhm : float
        Full width at half maximum, pixel.

    Returns
    -------
    float64 array
        Share of the light per pixel.
    """
    square = dy * dy + dx * dx
    sigma = fwhm / 2.355
    core = np.exp(-0.5 * square / sigma**2) / (2 * np.pi * sigma**2)
    width = 1.2 * fwhm
    wing = 0.9 / (np.pi * width**2) * (1 + square / width**2) ** -1.9
    spikes = np.zeros_like(square)
    for angle in np.deg2rad((30.0, 90.0, 150.0)):
        across = dy * np.cos(angle) - dx * np.sin(angle)
        spikes += 1 / (1 + (across / (0.45 * fwhm)) ** 2) ** 2
    return 0.72 * core + 0.28 * wing * (0.7 + 6 * spikes * square / (square + 60 * fwhm**2))


def _add(image, row, col, half, profile):
    """Add ``profile(dy, dx)`` around a position, within `half` pixels."""
    y0, y1 = max(int(row) - half, 0), min(int(row) + half + 1, image.shape[0])
    x0, x1 = max(int(col) - half, 0), min(int(col) + half + 1, image.shape[1])
    if y0 < y1 and x0 < x1:
        image[y0:y1, x0:x1] += profile(
            np.arange(y0, y1)[:, None] - row, np.arange(x0, x1)[None, :] - col
        )


def _galaxy(flux, scale, tilt, flatten, arms):
    """An exponential disk with a bulge, and with spiral arms if asked."""
    def profile(dy, dx):
        u = dy * np.cos(tilt) + dx * np.sin(tilt)
        v = (dx * np.cos(tilt) - dy * np.sin(tilt)) / flatten
        r = np.hypot(u, v) + 1e-3
        disk = np.exp(-r / scale)
        if arms:
            winding = 2 * np.arctan2(v, u) - 5.0 * np.log(r / scale + 0.3)
            disk = disk * (1 + 0.75 * np.cos(winding) * np.clip(r / scale - 0.4, 0, 1))
        bulge = 2.5 * np.exp(-r / (0.15 * scale))
        return flux / (2 * np.pi * scale**2 * flatten) * (disk + bulge)

    return profile


def scene(shape, seed, *, sky, stars, faintest, brightest, fwhm, galaxies=True):
    """
    Draw a field.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    seed : int
        Seed of the positions and fluxes.
    sky : float
        Background, e-/s per pixel.
    stars : int
        How many; the first has the flux `brightest`.
    faintest, brightest : float
        Range of the stars' flux, e-/s; their number falls as flux^-1.75.
    fwhm : float
        Of the stars, pixel.
    galaxies : bool
        Add one large spiral and some small ones.

    Returns
    -------
    float32 [row, col], e-/s
    """
    rng = stream(seed, "scene")
    n_rows, n_cols = shape
    y, x = np.linspace(-1, 1, n_rows)[:, None], np.linspace(-1, 1, n_cols)[None, :]
    image = sky * (1 + 0.04 * y - 0.03 * x + 0.02 * x * y)
    a, b = faintest**-0.75, brightest**-0.75
    flux = (a - rng.random(stars) * (a - b)) ** (-1 / 0.75)
    rows, cols = rng.random(stars) * n_rows, rng.random(stars) * n_cols
    # the brightest star is always there, and not at the edge
    flux[:1], rows[:1], cols[:1] = brightest, 0.2 * n_rows + 0.6 * rows[:1], 0.7 * n_cols
    for f, row, col in zip(flux, rows, cols, strict=True):
        half = 12 if f < 1e3 * sky else 40 if f < 2e4 * sky else 220
        _add(image, row, col, half, lambda dy, dx, f=f: f * point_spread(dy, dx, fwhm))
    if galaxies:
        size = min(shape) / 28
        _add(image, 0.56 * n_rows, 0.42 * n_cols, int(9 * size),
             _galaxy(14 * sky * size**2, size, 0.6, 0.62, arms=True))
        for _ in range(max(2, stars // 25)):
            scale = 1.5 + 5 * rng.random()
            row, col, tilt = rng.random() * n_rows, rng.random() * n_cols, rng.random() * np.pi
            level = sky * scale**2 * rng.lognormal(1.5, 0.8)
            _add(image, row, col, int(8 * scale),
                 _galaxy(level, scale, tilt, 0.4 + 0.6 * rng.random(), arms=False))
    return image.astype(np.float32)


def spectra(shape, seed, *, sky, stars, faintest, brightest, fwhm, along="rows"):
    """
    Draw spectra, one above the other.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    seed : int
        Seed of their features.
    sky : float
        Background, e-/s per pixel.
    stars : int
        How many spectra.
    faintest, brightest : float
        Range of their level at the centre, e-/s per pixel; the first is the brightest.
    fwhm : float
        Across the dispersion, pixel.
    along : {'rows', 'columns'}
        Direction of dispersion.

    Returns
    -------
    float32 [row, col], e-/s
    """
    rng = stream(seed, "spectra")
    n_across, n_along = shape if along == "rows" else shape[::-1]
    image = np.full((n_across, n_along), float(sky))
    u = np.linspace(-1, 1, n_along)
    for k, level in enumerate(np.geomspace(brightest, faintest, stars)):
        centre = n_across * (k + 0.5) / stars + rng.normal(0, 0.02 * n_across / stars) + 1.5 * u
        _add_spectrum(image, rng, centre, level, fwhm)
    return (image.T if along == "columns" else image).astype(np.float32)


def soss_spectra(shape, first_row, seed, *, sky, stars, faintest, brightest, fwhm):
    """
    Draw a star through the grism of NIRISS SOSS: its orders, and a sky with a step.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    first_row : int
        First row, counted from that of SUBSTRIP256.
    seed : int
        Seed of the features.
    sky : float
        Background left of the step, e-/s per pixel.
    stars : int
        How many orders.
    faintest, brightest : float
        Range of their level at the centre, e-/s per pixel; order 1 is the brightest.
    fwhm : float
        Across the dispersion, pixel.

    Returns
    -------
    float32 [row, col], e-/s
    """
    rng = stream(seed, "spectra")
    image = sky * soss.templates()[1].astype(np.float64)
    for number, level in enumerate(np.geomspace(brightest, faintest, stars), 1):
        _add_spectrum(image, rng, soss.rows(number), level, fwhm)
    return image[first_row : first_row + shape[0], : shape[1]].astype(np.float32)


def _add_spectrum(image, rng, centre, level, fwhm):
    """Add a spectrum along the rows: a continuum, with lines in absorption and in emission."""
    n_across, n_along = image.shape
    u, across = np.linspace(-1, 1, n_along), np.arange(n_across)
    continuum = 0.25 + np.exp(-0.5 * ((u - rng.uniform(-0.4, 0.4)) / 0.45) ** 2)
    for _ in range(12):
        height, place = rng.choice([-0.4, 0.6, 2.0]) * rng.random(), rng.uniform(-1, 1)
        continuum *= 1 + height * np.exp(-0.5 * ((u - place) * n_along / 3.0) ** 2)
    first, last = int(centre.min() - 4 * fwhm), int(centre.max() + 4 * fwhm) + 1
    rows = across[max(first, 0) : max(last, 0)]
    distance = (rows[:, None] - centre) / fwhm
    profile = np.exp(-2.77 * distance**2) + 0.01 / (1 + distance**2)
    image[rows] += level * continuum * profile


def transit(n_ints, depth=0.012):
    """
    Compute a light curve with a transit in the middle.

    Parameters
    ----------
    n_ints : int
        Integrations.
    depth : float
        Share of the light that is lost.

    Returns
    -------
    float64 [integration]
        Factor on the light, of mean 1.
    """
    phase = np.abs(np.linspace(-1, 1, n_ints)) if n_ints > 1 else np.zeros(1)
    curve = 1 - depth * np.clip((0.55 - phase) / 0.1, 0, 1)
    return curve / curve.mean()
