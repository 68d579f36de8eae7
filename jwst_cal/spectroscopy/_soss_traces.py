"""Where the spectra of NIRISS SOSS lie, at a given position of its pupil wheel."""

from typing import NamedTuple

import numpy as np

from jwst_cal.errors import InputError, ReferenceFileError

__all__ = ["SUBARRAYS", "Order", "Traces", "box_sums", "box_weights", "trace_mask"]

#: Subarrays that traces are given for.
SUBARRAYS = frozenset({"SUBSTRIP256", "SUBSTRIP96", "SUB17STRIPE_SOSS", "SUB60STRIPE_SOSS",
                       "SUB204STRIPE_SOSS", "SUB680STRIPE_SOSS"})
#: Rows of SUBSTRIP256, in which traces are given.
N_ROWS = 256
#: Added to them in other subarrays before traces turn.
ROW_OFFSET = {"SUBSTRIP96": -10.0}


class Order(NamedTuple):
    """
    One spectral order of a PASTASOSS reference.

    ``trace`` [point, (x, y)] holds at the commanded position of the wheel, about which it turns
    around ``pivot``. ``wavelength`` holds the coefficients of a polynomial in x and angle, both
    scaled from ``scale`` [(least, most), (x, angle)] to 0...1, ordered by degree.
    """

    trace: np.ndarray
    pivot: tuple
    wavelength: np.ndarray
    scale: np.ndarray


class Traces(NamedTuple):
    """
    The spectra of an exposure.

    ``orders`` by number; ``angle``, degrees from the commanded position of the wheel;
    ``wavelengths``, um, increasing, along which orders are followed; ``row_offset`` is added to
    rows of the reference before they turn, ``first_row`` afterwards.
    """

    orders: dict
    angle: float
    wavelengths: np.ndarray
    row_offset: float = 0.0
    first_row: float = 0.0

    @classmethod
    def of(cls, reference, exposure, source):
        """
        Take the spectra of an exposure from the reference.

        Parameters
        ----------
        reference : PastasossModel
        exposure : data model
            Position of the pupil wheel (PWCPOS) and subarray.
        source : str
            What the reference is called in messages.

        Returns
        -------
        Traces

        Raises
        ------
        InputError
            If the reference does not hold for the position.
        """
        angle, meta = exposure.meta.instrument.pupil_position, reference.meta
        low, high = meta.pwcpos_bounds or (np.nan, np.nan)
        if angle is None or not low <= angle <= high:
            raise InputError(f"{exposure.meta.filename or 'the exposure'}: PWCPOS is {angle}, "
                             f"{source} holds for {low} to {high}")
        subarray = (exposure.meta.subarray.name or "").upper()
        orders = {int(trace.spectral_order):
                  Order(np.array(trace.trace, float), (trace.pivot_x, trace.pivot_y),
                        waves.coefficients, waves.scale_extents)
                  for trace, waves in zip(reference.traces, reference.wavecal_models, strict=True)}
        return cls(orders, angle - meta.pwcpos_cmd,
                   np.linspace(meta.wavemap_wlmin, meta.wavemap_wlmax, meta.wavemap_nwl),
                   ROW_OFFSET.get(subarray, 0.0),
                   meta.subarray_ymin if subarray == "FULL" else 0.0)

    def points(self, number):
        """
        Find the points of an order where the reference has them.

        Parameters
        ----------
        number : int
            Of the order.

        Returns
        -------
        x, y, wavelength : float64 [point], pixel and um
            At the columns of the reference; points above SUBSTRIP256 are left out.

        Raises
        ------
        ReferenceFileError
            If the reference does not have the order.
        """
        if number not in self.orders:
            raise ReferenceFileError(f"the PASTASOSS reference has orders "
                                     f"{', '.join(map(str, self.orders))}, not order {number}")
        order = self.orders[number]
        x, y = np.array(order.trace, float).T
        y = y + self.row_offset
        x0, y0 = order.pivot
        turn = np.radians(self.angle)
        x_turned = x0 + np.cos(turn) * (x - x0) - np.sin(turn) * (y - y0)
        y_turned = y0 + np.sin(turn) * (x - x0) + np.cos(turn) * (y - y0)
        y = _along(x, x_turned, y_turned)
        inside = y <= N_ROWS - 1
        x, y = x[inside], y[inside]
        return x, y + self.first_row, _polynomial(order, x, self.angle)

    def followed(self, number):
        """
        Follow an order along the wavelengths, beyond its last points in a straight line.

        Parameters
        ----------
        number : int
            Of the order.

        Returns
        -------
        x, y : float64 [wavelength], pixel
        """
        x, y, wavelength = self.points(number)
        return _along(self.wavelengths, wavelength, x), _along(self.wavelengths, wavelength, y)

    def rows(self, number, n_cols):
        """
        Find the row of an order in every column.

        Parameters
        ----------
        number : int
            Of the order.
        n_cols : int
            Columns.

        Returns
        -------
        float64 [col]
            Rows; before the first and after the last wavelength as there.
        """
        x, y = self.followed(number)
        by_x = np.argsort(x)
        return np.interp(np.arange(n_cols), x[by_x], y[by_x])

    def wavelength_map(self, number, shape):
        """
        Map the wavelength of an order, which is the same in all rows.

        Parameters
        ----------
        number : int
            Of the order.
        shape : (int, int)
            Rows and columns.

        Returns
        -------
        float64 [row, col], um
            NaN where the order is followed no farther; read-only.
        """
        x, _ = self.followed(number)
        by_x = np.argsort(x)
        of_column = np.interp(np.arange(shape[1]), x[by_x], self.wavelengths[by_x],
                              left=np.nan, right=np.nan)
        return np.broadcast_to(of_column, shape)


def _along(at, x, y):
    """Interpolate linearly, beyond the ends as between the last two points there."""
    by_x = np.argsort(x)
    x, y = x[by_x], y[by_x]
    found = np.interp(at, x, y)
    for end, beyond, beside in ((0, at < x[0], 1), (-1, at > x[-1], -2)):
        slope = (y[end] - y[beside]) / (x[end] - x[beside])
        found = np.where(beyond, y[end] + (at - x[end]) * slope, found)
    return found


def _polynomial(order, x, angle):
    """Wavelengths of columns."""
    (low_x, low_angle), (high_x, high_angle) = order.scale
    u = (x - low_x) / (high_x - low_x)
    v = (angle - low_angle) / (high_angle - low_angle)
    total, terms = np.zeros_like(u), iter(order.wavelength)
    for degree in range(int(np.sqrt(2 * len(order.wavelength)))):
        for power in range(degree + 1):
            total += next(terms) * u ** (degree - power) * v**power
    return total


def trace_mask(shape, rows, *, half_width=16):
    """
    Mark what is near a trace.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    rows : float [col]
        Row of the trace in every column.
    half_width : float
        Distance in rows that still is near.

    Returns
    -------
    bool [row, col]
        True near the trace.
    """
    index = np.arange(shape[0])[:, None]
    return (index >= np.floor(rows - half_width)) & (index <= np.ceil(rows + half_width))


def box_weights(shape, columns, rows, width):
    """
    Weigh the pixels of a box around a trace by the share of each that is inside.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    columns : int [point]
        Columns of the trace.
    rows : float [point]
        Its row in each.
    width : float
        Rows of the box.

    Returns
    -------
    float64 [row, col]
        From 0 to 1; 0 in columns without a point.
    """
    index = np.arange(shape[0])[:, None]
    upper = np.minimum(index + 0.5, rows + width / 2)
    lower = np.maximum(index - 0.5, rows - width / 2)
    weights = np.zeros(shape)
    weights[:, columns] = np.clip(upper - lower, 0, None)
    return weights


def box_sums(data, usable, weights):
    """
    Add up the values of a box in every column.

    Parameters
    ----------
    data : float32 [integration, row, col]
        NaN does not count.
    usable : bool [integration, row, col]
        Where there is a value.
    weights : float64 [row, col]
        Of :func:`box_weights`.

    Returns
    -------
    float64 [integration, col]
    """
    return np.stack([np.where(there & ~np.isnan(image), image, 0).astype(np.float64) * weights
                     for image, there in zip(data, usable, strict=True)]).sum(axis=1)
