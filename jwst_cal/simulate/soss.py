"""NIRISS SOSS: where its spectra lie, their wavelengths, and its sky."""

from typing import NamedTuple

import numpy as np

__all__ = ["ANGLE", "FIRST_ROW", "ORDERS", "SHAPE", "Order", "rows", "templates", "wavelengths"]

#: Rows and columns of SUBSTRIP256, in which all is given, and its first row on the detector.
SHAPE, FIRST_ROW = (256, 2048), 1792
#: Commanded position of the pupil wheel, degrees; its keyword is PWCPOS.
ANGLE = 245.76


class Order(NamedTuple):
    """A spectral order: coefficients of its row and of its wavelength, um, in u = -1...1."""

    row: tuple[float, float, float]
    wavelength: tuple[float, float, float]
    #: Wavelengths of its light curve, um.
    band: tuple[float, float]


#: By number; u goes with the columns.
ORDERS = {
    1: Order((40.7, -18.0, 30.0), (1.87, -0.99, -0.03), (0.93, 2.82)),
    2: Order((141.0, 81.0, 28.0), (1.02, -0.41, -0.01), (0.64, 0.83)),
}
_U = np.linspace(-1, 1, SHAPE[1])


def rows(number):
    """
    Tell the row of an order in every column.

    Parameters
    ----------
    number : int
        Of the order.

    Returns
    -------
    float64 [col]
    """
    return np.polynomial.polynomial.polyval(_U, ORDERS[number].row)


def wavelengths(number):
    """
    Tell the wavelength of an order in every column.

    Parameters
    ----------
    number : int
        Of the order.

    Returns
    -------
    float64 [col], um
    """
    return np.polynomial.polynomial.polyval(_U, ORDERS[number].wavelength)


def templates():
    """
    Draw the skies that there may be: each with a step, those differ in its height.

    Returns
    -------
    float32 [template, row, col]
        About 1 left of the step. The sky of exposures is the second one.
    """
    y, x = np.indices(SHAPE)
    right = x > 700 + 4 * np.sin(y / 40)
    slope = 1 + 2e-5 * (x - 700) + 1e-4 * y
    return np.stack([slope * (1 + height * right) for height in (0.1, 0.2, 0.3, 0.4)]).astype(
        np.float32)
