"""Light curves of spectra that were taken one after the other."""

from typing import NamedTuple

import numpy as np

__all__ = ["FLUX", "Curve", "band_sums", "columns", "first_of_each_time"]

#: What names of columns of fluxes begin with.
FLUX = "whitelight_flux"

#: Detectors that are named in columns though there is only one.
NAMED = frozenset({"NRS1", "NRS2"})


class Curve(NamedTuple):
    """
    The light curve of one spectral order on one detector.

    ``mjd`` and ``tdb``, float64 [integration], days: mid-times, UTC, and TDB at the barycentre;
    ``flux``, float64 [integration].
    """

    order: int | None
    detector: str | None
    mjd: np.ndarray
    tdb: np.ndarray
    flux: np.ndarray


def first_of_each_time(times):
    """
    Mark the integrations that a light curve can show.

    Parameters
    ----------
    times : float64 [integration], days

    Returns
    -------
    bool [integration]
        False without a time, and where it is that of an integration before.
    """
    usable = np.zeros(len(times), bool)
    usable[np.unique(times, return_index=True)[1]] = True
    return usable & ~np.isnan(times)


def band_sums(wavelength, flux, low, high):
    """
    Add up the flux between two wavelengths.

    Parameters
    ----------
    wavelength : float64 [integration, wavelength], um
    flux : float64 [integration, wavelength]
    low, high : float, um
        Both belong to the band.

    Returns
    -------
    float64 [integration]
        NaN takes no part; 0 where nothing is left.
    """
    inside = (wavelength >= low) & (wavelength <= high) & ~np.isnan(flux)
    return np.where(inside, flux, 0.0).sum(axis=1)


def columns(curves):
    """
    Put light curves side by side.

    Parameters
    ----------
    curves : list of Curve
        Of any orders and detectors, also several of the same.

    Returns
    -------
    dict of float64 [row]
        Columns by name, those of one detector after the other. Each detector has its own times,
        in their order; NaN where it has fewer than another, and where an order has no flux at a
        time.
    """
    orders, detectors = (list(dict.fromkeys(getattr(curve, name) for curve in curves))
                         for name in ("order", "detector"))
    named = len(detectors) > 1 or not NAMED.isdisjoint(str(d).upper() for d in detectors)
    parts = {d: [curve for curve in curves if curve.detector == d] for d in detectors}
    joined = {d: _joined(part) for d, part in parts.items()}
    n_rows = max((len(all_of_it.mjd) for all_of_it in joined.values()), default=0)
    found = {}
    for detector in detectors:
        end = f"_{detector}" if named else ""
        mjd = joined[detector].mjd
        found[f"MJD_UTC{end}"] = _padded(mjd, n_rows)
        found[f"BJD_TDB{end}"] = _padded(joined[detector].tdb, n_rows)
        for order in orders:
            of_order = _joined([curve for curve in parts[detector] if curve.order == order])
            flux = np.full(n_rows, np.nan)
            flux[np.searchsorted(mjd, of_order.mjd)] = of_order.flux
            middle = f"_order_{order}" if len(orders) > 1 else ""
            found[f"{FLUX}{middle}{end}"] = flux
    return found


def _joined(curves):
    """Join curves, in the order of their times; of the same time the first stays."""
    if not curves:
        return Curve(None, None, *np.empty((3, 0)))
    mjd, tdb, flux = (np.concatenate([getattr(curve, name) for curve in curves])
                      for name in ("mjd", "tdb", "flux"))
    mjd, first = np.unique(mjd, return_index=True)
    return Curve(curves[0].order, curves[0].detector, mjd, tdb[first], flux[first])


def _padded(values, n_rows):
    return np.append(values, np.full(n_rows - len(values), np.nan))
