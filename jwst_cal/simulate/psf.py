"""The point spread function of images: of finite size, of sum 1, with a known curve of growth."""

import functools

import numpy as np

from jwst_cal.simulate.scenes import point_spread

__all__ = ["RADIUS", "PointSpread", "of_width"]

#: Distance beyond which a star has no light, pixel.
RADIUS = 40
#: Samples of a pixel's side in the curve of growth.
_FINE = 5


class PointSpread:
    """
    The point spread function of a filter.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum, pixel.
    """

    def __init__(self, fwhm):
        self.fwhm, self._sum = fwhm, 1.0
        self._sum = self._sampled(1.0, 2 * RADIUS + 3).sum()

    def share(self, dy, dx):
        """
        Give the share of a star's light in pixels.

        Parameters
        ----------
        dy, dx : float64 array, pixel
            Distances of their centres from the star.

        Returns
        -------
        float64 array
        """
        inside = np.clip(1 - (dy * dy + dx * dx) / RADIUS**2, 0, None)
        return point_spread(dy, dx, self.fwhm) * inside * inside / self._sum

    def add(self, image, x, y, flux):
        """
        Add stars to an image.

        Parameters
        ----------
        image : float64 [row, col]
            Changed in place.
        x, y : float64 [star], pixel
            Places; those out of reach and NaN leave no light.
        flux : float64 [star]
            Of each, in units of the image times pixels.
        """
        n_rows, n_cols = image.shape
        for column, row, one in zip(x, y, flux, strict=True):
            if not (-RADIUS < column < n_cols + RADIUS and -RADIUS < row < n_rows + RADIUS):
                continue
            y0, y1 = max(int(row) - RADIUS, 0), min(int(row) + RADIUS + 2, n_rows)
            x0, x1 = max(int(column) - RADIUS, 0), min(int(column) + RADIUS + 2, n_cols)
            image[y0:y1, x0:x1] += one * self.share(
                np.arange(y0, y1)[:, None] - row, np.arange(x0, x1)[None, :] - column)

    def radius(self, fractions):
        """
        Find the radii of circles that hold parts of a star's light in a resampled image.

        Parameters
        ----------
        fractions : sequence of float
            Parts, 0 to 1.

        Returns
        -------
        float64 array, pixel

        Notes
        -----
        The light is spread by the pixels of the exposure already. Drops of the size of pixels, the
        pixels that gather them, and the aperture, for which pixels are even, spread it once more
        each.
        """
        from scipy.ndimage import uniform_filter

        n = _FINE * (2 * RADIUS + 3)
        fine = self._sampled(1 / _FINE, n)
        for _ in range(3):
            fine = uniform_filter(fine, _FINE, mode="constant")
        place = (np.arange(n) - (n - 1) / 2) / _FINE
        distance = np.hypot(place[:, None], place[None, :]).ravel()
        growth = np.cumsum(fine.ravel()[np.argsort(distance, kind="stable")])
        area = np.arange(1, n * n + 1) / _FINE**2
        return np.interp(fractions, growth / growth[-1], np.sqrt(area / np.pi))

    def _sampled(self, step, n):
        place = (np.arange(n) - (n - 1) / 2) * step
        return self.share(place[:, None], place[None, :]) * step**2


@functools.lru_cache(maxsize=8)
def of_width(fwhm):
    """
    Make the point spread function of a width.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum, pixel.

    Returns
    -------
    PointSpread
    """
    return PointSpread(fwhm)
