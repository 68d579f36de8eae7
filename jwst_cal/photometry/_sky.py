"""Places on the sky as the libraries of tables want them."""

__all__ = ["OnTheSky"]


class OnTheSky:
    """
    Coordinates of an image that answer with ``SkyCoord``.

    Parameters
    ----------
    wcs : WCS or gwcs.WCS
        The coordinates, to ICRS.
    """

    def __init__(self, wcs):
        self._wcs = wcs

    def pixel_to_world(self, x, y):
        """
        Give the places of pixels.

        Parameters
        ----------
        x, y : float64 [place]
            Columns and rows.

        Returns
        -------
        astropy.coordinates.SkyCoord
            ICRS; NaN outside of the image.
        """
        import numpy as np
        from astropy.coordinates import SkyCoord

        lon, lat = self._wcs(*(np.asarray(part, np.float64) for part in (x, y)))
        return SkyCoord(lon, lat, unit="deg", frame="icrs")
