"""Apertures: which pixels of a cutout belong to a spectrum, and which to its background.

The dispersion is along rows; places are in pixels from 0, limits inclusive.
"""

import json
import logging
from typing import NamedTuple

import numpy as np

from jwst_cal.errors import ReferenceFileError

__all__ = ["Aperture", "Weights", "background_weights", "centre", "choose", "moved", "read",
           "weights"]

log = logging.getLogger(__name__)

ANY = "ANY"
#: Shortest running mean that does something.
SHORTEST = 3


class Aperture(NamedTuple):
    """
    What the reference and the user say about the extraction.

    Attributes
    ----------
    columns, rows : tuple of float
        First and last.
    width : float or None
        Rows about the middle of these, or about the trace.
    source, background : list of list of float or None
        Polynomials: in turn a lower and an upper limit, coefficients from the constant on.
    of_wavelength : bool
        They depend on the wavelength, not on the column.
    trace : float64 [col] or None
        Where the source is.
    follows_source, offset : bool, float
        Whether the aperture is moved to the source, and how far from there.
    fit, order, smoothing : str, int, int
        How the background is measured: ``poly`` of a degree, or ``median``; columns it is smoothed
        over, 0 for none.
    """

    columns: tuple
    rows: tuple
    width: float | None = None
    source: list | None = None
    background: list | None = None
    of_wavelength: bool = False
    trace: np.ndarray | None = None
    follows_source: bool = False
    offset: float = 0.0
    fit: str = "poly"
    order: int = 0
    smoothing: int = 0


class Weights(NamedTuple):
    """
    How much of each pixel belongs to an aperture.

    Attributes
    ----------
    pixels : float64 [row, col]
        From 0 to 1.
    lower, upper : float
        First and last row, on average.
    """

    pixels: np.ndarray
    lower: float
    upper: float


def read(path):
    """
    Read the rules for apertures.

    Parameters
    ----------
    path : str
        EXTRACT1D reference, JSON.

    Returns
    -------
    list of dict
        Those of each slit and order.

    Raises
    ------
    ReferenceFileError
        If it is not what it should be.
    """
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)["apertures"]
        return [dict(rule) for rule in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReferenceFileError(f"{path}: no EXTRACT1D reference: {error!r}") from error


def choose(rules, shape, slit, order, source, *, subtract_background=None, use_source_posn=False,
           position_offset=0.0, smoothing_length=None, bkg_fit=None, bkg_order=None):
    """
    Choose the aperture of a slit.

    Parameters
    ----------
    rules : list of dict or None
        The reference; without one, all pixels are added up.
    shape : tuple of int
        Rows and columns of the cutout.
    slit : str
        Its name.
    order : int
        Spectral order.
    source : str
        Name of the reference, for messages.
    subtract_background : bool, optional
        By default, where there are regions for it.
    use_source_posn : bool or None
        Move the aperture to the source; None: as the reference says, by default yes.
    position_offset : float
        Move it, rows.
    smoothing_length, bkg_fit, bkg_order : optional
        In the place of what the reference says.

    Returns
    -------
    Aperture or None
        None where the reference knows the slit, but not this order.

    Raises
    ------
    ReferenceFileError
        If the reference does not know the slit, or limits do not come in pairs.
    """
    whole = Aperture((0, shape[-1] - 1), (0, shape[-2] - 1))
    if rules is None:
        return whole
    of_slit = [rule for rule in rules
               if (rule.get("id", "dummy") != "dummy" and slit in (rule["id"], ANY))
               or rule.get("id") == ANY]
    of_slit = [rule for rule in of_slit if rule.get("region_type", "target") == "target"]
    if not of_slit:
        raise ReferenceFileError(f"{source}: no aperture with the id {slit}")
    rule = next((rule for rule in of_slit
                 if rule.get("spectral_order", order) in (order, ANY)), None)
    if rule is None:
        log.warning("%s: no aperture of %s for spectral order %s", source, slit, order)
        return None
    regions = rule.get("bkg_coeff")
    for name in ("src_coeff", "bkg_coeff"):
        if len(rule.get(name) or ()) % 2:
            raise ReferenceFileError(f"{source}: {name} of {slit} has {len(rule[name])} limits "
                                     "where pairs of a lower and an upper one are needed")
    if bkg_fit in (None, "None"):
        bkg_fit = rule.get("bkg_fit", "poly")
    if bkg_fit == "mean":
        bkg_fit, bkg_order = "poly", 0
    follows = rule.get("use_source_posn") if use_source_posn is None else use_source_posn
    return Aperture(
        columns=(rule.get("xstart", whole.columns[0]), rule.get("xstop", whole.columns[1])),
        rows=(rule.get("ystart", whole.rows[0]), rule.get("ystop", whole.rows[1])),
        width=rule.get("extract_width"), source=rule.get("src_coeff"),
        background=None if subtract_background is False else regions,
        of_wavelength=rule.get("independent_var", "pixel").lower().startswith("wavelength"),
        follows_source=follows is None or bool(follows), offset=position_offset,
        fit=bkg_fit,
        order=rule.get("bkg_order", 0) if bkg_order is None else bkg_order,
        smoothing=_odd(rule.get("smoothing_length", 0) if smoothing_length is None
                       else smoothing_length),
    )


def _odd(length):
    """Columns of a running mean: an odd number, 0 for none."""
    found = round(length)
    if found < SHORTEST:
        found = 0
    elif found % 2 == 0:
        found -= 1
    if found != length:
        log.warning("smoothing_length %s was taken for %d: it is odd, from 3", length, found)
    return found


def moved(aperture, place, wavelengths):
    """
    Move an aperture to the source.

    Parameters
    ----------
    aperture : Aperture
        Where it would be.
    place : Place or None
        Where the source is.
    wavelengths : float [row, col], micron
        Of each pixel.

    Returns
    -------
    Aperture
        With the trace of the source.
    """
    if place is not None:
        nominal = centre(weights(aperture, wavelengths).pixels[:, place.column])
        log.info("The source is in row %.2f of column %d, the aperture in row %.2f: moved by %.2f",
                 place.row, place.column, nominal, place.row - nominal)
        aperture = _shifted(aperture, place.row - nominal)._replace(trace=place.trace)
    if aperture.offset:
        log.info("Moved the aperture by %.2f rows (position_offset)", aperture.offset)
        aperture = _shifted(aperture, aperture.offset)
    return aperture


def _shifted(aperture, rows):
    def polynomials(found):
        return found and [[limit[0] + rows, *limit[1:]] for limit in found]

    return aperture._replace(
        source=polynomials(aperture.source), background=polynomials(aperture.background),
        rows=tuple(row + rows for row in aperture.rows),
        trace=None if aperture.trace is None else aperture.trace + rows)


def centre(column):
    """
    Find the middle of an aperture in a column.

    Parameters
    ----------
    column : float64 [row]
        Weights; where all are 0 the middle of the column is taken.

    Returns
    -------
    float
        Row.
    """
    return np.average(np.arange(len(column)), weights=column if column.any() else None)


def weights(aperture, wavelengths):
    """
    Weigh the pixels of the aperture of a source.

    Limits are those of the polynomials, else the width about the trace or about the middle of the
    rows, else the rows.

    Parameters
    ----------
    aperture : Aperture
        The aperture.
    wavelengths : float [row, col], micron
        Of each pixel.

    Returns
    -------
    Weights
        Of the pixels, also where the wavelength is not known.
    """
    if aperture.source is not None:
        return _between_polynomials(aperture, aperture.source, wavelengths, partial=True)
    if aperture.width is None:
        lower, upper = aperture.rows
    else:
        middle = sum(aperture.rows) / 2.0 if aperture.trace is None else aperture.trace
        lower = middle - (aperture.width - 1.0) / 2.0
        upper = lower + aperture.width - 1
    pixels = np.zeros(wavelengths.shape)
    _add(pixels, lower, upper)
    return Weights(_within_columns(pixels, aperture), np.nanmean(lower), np.nanmean(upper))


def background_weights(aperture, wavelengths):
    """
    Weigh the pixels of the background.

    Parameters
    ----------
    aperture : Aperture
        The aperture.
    wavelengths : float [row, col], micron
        Of each pixel.

    Returns
    -------
    float64 [row, col] or None
        None where the background is not subtracted.
    """
    if aperture.background is None:
        return None
    return _between_polynomials(aperture, aperture.background, wavelengths,
                                partial=aperture.fit != "median").pixels


def _between_polynomials(aperture, polynomials, wavelengths, *, partial):
    """Weigh what is between the first and the second of each pair of polynomials."""
    pixels = np.zeros(wavelengths.shape)
    at = wavelengths if aperture.of_wavelength else np.arange(float(wavelengths.shape[1]))
    limits = []
    for low, high in zip(polynomials[::2], polynomials[1::2], strict=True):
        # polynomials count from the edge of a pixel in the middle of which limits are
        lower = np.polynomial.polynomial.polyval(at, low) + 0.5
        upper = np.polynomial.polynomial.polyval(at, high) - 0.5
        _add(pixels, lower, upper, partial=partial)
        limits.append((np.mean(lower), np.mean(upper)))
    lower, upper = zip(*limits, strict=True)
    return Weights(_within_columns(pixels, aperture), min(lower), max(upper))


def _add(pixels, lower, upper, *, partial=True):
    """Add what is between two limits; pixels partly in it get their share."""
    rows = np.arange(float(pixels.shape[0]))[:, np.newaxis]
    pixels[np.broadcast_to((rows >= lower) & (rows <= upper), pixels.shape)] = 1.0
    if partial:
        for share in (rows - lower + 1, upper - rows + 1):
            share = np.broadcast_to(share, pixels.shape)
            more = (share > 0) & (share < 1) & (pixels < share)
            pixels[more] = share[more]


def _within_columns(pixels, aperture):
    first, last = aperture.columns
    pixels[:, :int(np.ceil(first))] = 0
    pixels[:, int(np.floor(last)) + 1:] = 0
    return pixels
