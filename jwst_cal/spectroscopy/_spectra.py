"""Products of extractions: tables of spectra, their wavelengths and coordinates."""

import logging

import numpy as np

from jwst_cal import flags, modes
from jwst_cal.spectroscopy._boxcar import COMPONENTS

__all__ = ["Axis", "image", "match_flags", "order_of", "product", "table"]

log = logging.getLogger(__name__)

ARRAYS = ("data", "err", "var_rnoise", "var_poisson", "var_flat")
DO_NOT_USE = flags.pixel["DO_NOT_USE"]
JANSKY = 1e6
#: Columns of the table by the columns of INT_TIMES.
TIMES = {"INT_NUM": "integration_number", "MJD-BEG": "int_start_MJD_UTC",
         "MJD-AVG": "int_mid_MJD_UTC", "MJD-END": "int_end_MJD_UTC",
         "TDB-BEG": "int_start_BJD_TDB", "TDB-MID": "int_mid_BJD_TDB",
         "TDB-END": "int_end_BJD_TDB"}
#: What a spectrum tells of its slit, and what only where it is known.
TOLD = ("slitlet_id", "source_id", "ta_xpos", "ta_ypos", "source_xpos", "source_ypos", "source_ra",
        "source_dec", "shutter_state")
TOLD_IF_KNOWN = ("source_name", "source_alias", "source_type", "stellarity", "quadrant",
                 "slit_xscale", "slit_yscale", "wavelength_corrected", "pathloss_correction_type",
                 "barshadow_corrected")


def match_flags(slit):
    """
    Make data, errors and variances NaN, and the pixel unusable, where any of them is.

    Parameters
    ----------
    slit : SlitModel
        Changed in place.
    """
    arrays = [array for array in (getattr(slit, name) for name in ARRAYS if slit.hasattr(name))
              if array is not None and array.shape == slit.data.shape]
    bad = np.isnan(arrays[0])
    for array in arrays[1:]:
        bad |= np.isnan(array)
    if slit.hasattr("dq") and slit.dq is not None and slit.dq.shape == bad.shape:
        bad |= slit.dq & DO_NOT_USE != 0
        slit.dq[bad] |= DO_NOT_USE
    for array in arrays:
        array[bad] = np.nan


def order_of(slit):
    """
    Tell the spectral order.

    Parameters
    ----------
    slit : SlitModel
        SPORDER is read.

    Returns
    -------
    int
        1 where it is missing.
    """
    order = slit.meta.wcsinfo.spectral_order
    return 1 if order is None else order


class Axis:
    """
    Wavelengths of a spectrum, and its place on the sky.

    Parameters
    ----------
    slit : SlitModel
        A cutout with coordinates.
    weights : float64 [row, col]
        Of its pixels in the aperture.
    wavelengths : float [row, col], micron
        NaN where no light falls.

    Attributes
    ----------
    known : bool [col]
        Where there is a wavelength.
    wavelength : float64 [wavelength]
        Mean over the aperture, where it is known.
    place : tuple of float or None
        Right ascension and declination of the middle of the aperture.
    ends : tuple of int
        First and last column of the aperture.
    """

    def __init__(self, slit, weights, wavelengths):
        shares = np.where(np.isnan(wavelengths), 0.0, weights)
        total = shares.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(shares > 0, wavelengths * shares, 0.0).sum(axis=0) / total
        self.known = np.isfinite(mean)
        self.wavelength = mean[self.known]
        columns = np.flatnonzero(total > 0)
        self.ends = (int(columns[0]), int(columns[-1])) if columns.size else None
        self.place = _middle(slit, weights)


def _middle(slit, weights):
    rows, columns = np.indices(weights.shape)
    shares = weights if weights.any() else None
    found = slit.meta.wcs(*(np.average(at, weights=shares) for at in (columns, rows)))
    return None if np.isnan(found).any() else (float(found[0]), float(found[1]))


def table(sums, slit, axis, factors=None):
    """
    Make the columns of the table from sums over the aperture.

    Parameters
    ----------
    sums : Sums
        Of each integration, in the units of the cutout.
    slit : SlitModel
        Tells whether it is calibrated, and the area of a pixel.
    axis : Axis
        Wavelengths.
    factors : float64 [wavelength], optional
        Aperture correction.

    Returns
    -------
    dict
        Arrays [integration, wavelength] by the names of columns, and their units.
    """
    sums = _of_known(sums, axis.known)
    calibrated = (slit.meta.cal_step.photom or "").upper() == "COMPLETE"
    area = slit.meta.photometry.pixelarea_steradians
    if calibrated and area is None:
        log.warning("PIXAR_SR is missing: fluxes are wrong by the area of a pixel")
    area = area or 1.0
    # calibrated point sources of NIRSpec have MJy in each pixel, others MJy/sr
    points = calibrated and slit.source_type == "POINT" and modes.is_nirspec(slit)
    to_flux = JANSKY * (1.0 if points else area) if calibrated else 1.0
    to_background = 1.0 / area if points else 1.0
    height = np.where(sums.n_pixels > 0, sums.n_pixels, 1.0)
    factor = 1.0 if factors is None else factors
    made = {"WAVELENGTH": np.broadcast_to(axis.wavelength, sums.flux.shape)}
    made |= _column("FLUX", sums.flux, sums.flux_variances, to_flux, factor)
    made |= _column("SB", sums.flux / height, _over(sums.flux_variances, height), 1.0, factor)
    if points:
        made |= {name: np.zeros_like(values) for name, values in made.items() if "SB" in name}
    made |= _column("BKGD", sums.background / height, _over(sums.background_variances, height),
                    to_background)
    for name, short in (("SURF_BRIGHT", "SB"), ("BACKGROUND", "BKGD")):
        made[name] = made.pop(short)
    made["DQ"] = np.where(np.isnan(sums.flux), DO_NOT_USE, 0).astype(np.uint32)
    made["NPIXELS"] = sums.n_pixels
    return made, _units(calibrated)


def _column(name, values, variances, scale, factor=1.0):
    """Values, their error and its components, scaled and corrected."""
    scaled = {part: variance * scale**2 for part, variance in variances.items()}
    return {name: values * scale * factor,
            f"{name}_ERROR": np.sqrt(sum(scaled.values())) * factor,
            **{f"{name}_VAR_{part.upper()}": variance * factor**2
               for part, variance in scaled.items()}}


def _over(variances, height):
    return {name: variance / height**2 for name, variance in variances.items()}


def _of_known(sums, known):
    return type(sums)(*({name: array[:, known] for name, array in found.items()}
                        if isinstance(found, dict) else found[:, known] for found in sums))


def _units(calibrated):
    """Units by column."""
    bright, squared = ("MJy/sr", "MJy^2 / sr^2") if calibrated else ("DN/s", "DN^2 / s^2")
    flux, flux_squared = ("Jy", "Jy^2") if calibrated else (bright, squared)
    found = {"WAVELENGTH": "um", "FLUX": flux, "FLUX_ERROR": flux, "SURF_BRIGHT": bright,
             "SB_ERROR": bright, "BACKGROUND": bright, "BKGD_ERROR": bright}
    for name in map(str.upper, COMPONENTS):
        found |= {f"FLUX_VAR_{name}": flux_squared, f"SB_VAR_{name}": squared,
                  f"BKGD_VAR_{name}": squared}
    return found


def product(slit, columns, units, axis, limits, name):
    """
    Make the product: a table of all integrations, or the spectrum of an image.

    Parameters
    ----------
    slit : SlitModel
        What it was extracted from.
    columns, units : dict
        Arrays [integration, wavelength] and units by column; None for no spectrum.
    axis : Axis
        Wavelengths and place.
    limits : tuple of float
        First and last row of the aperture.
    name : str
        Of the slit.

    Returns
    -------
    TSOMultiSpecModel or MultiSpecModel
        With the times of INT_TIMES, of a time series.
    """
    from stdatamodels.jwst import datamodels

    series = slit.data.ndim == 3
    result = datamodels.TSOMultiSpecModel() if series else datamodels.MultiSpecModel()
    result.update(slit, only="PRIMARY")
    timed = modes.is_tso(slit) and slit.hasattr("int_times") and slit.int_times is not None
    if timed:
        result.int_times = slit.int_times.copy()
    if columns is not None:
        spectrum = (_series if series else _single)(columns, slit)
        for column, unit in units.items():
            spectrum.spec_table.columns[column].unit = unit
        _describe(spectrum, slit, axis, limits, name)
        if series and modes.is_tso(slit):
            _tell_times(spectrum, slit, timed)
        result.spec.append(spectrum)
    result.meta.wcs = None  # that of a spectrum is its own
    result.meta.target.source_type = None
    return result


def _single(columns, slit):
    from stdatamodels.jwst.datamodels import SpecModel

    spectrum = SpecModel()
    made = np.zeros(columns["FLUX"].shape[1], spectrum.get_dtype("spec_table"))
    for column, values in columns.items():
        made[column] = values[0]
    spectrum.spec_table = made
    return spectrum


def _series(columns, slit):
    from stdatamodels.jwst.datamodels import TSOSpecModel

    spectrum = TSOSpecModel()
    n_ints, n_wavelengths = columns["FLUX"].shape
    declared = spectrum.get_dtype("spec_table")
    kinds = [(column, declared[column], (n_wavelengths,)) if column in columns
             else (column, declared[column]) for column in declared.names]
    made = np.zeros(n_ints, kinds)
    for column, values in columns.items():
        made[column] = values
    made["N_ALONGDISP"] = n_wavelengths
    segment = slit.meta.exposure.segment_number
    made["SEGMENT"] = 1 if segment is None else segment
    made["INT_NUM"] = np.arange(1, n_ints + 1)
    for column in TIMES:
        if column != "INT_NUM":
            made[column] = np.nan
    spectrum.spec_table = made
    for column in TIMES:
        if column != "INT_NUM":
            spectrum.spec_table.columns[column].unit = "d"
    return spectrum


def _describe(spectrum, slit, axis, limits, name):
    """Say what the spectrum is of, and from where."""
    ra, dec = axis.place or (None, None)
    spectrum.meta.wcs = _coordinates(*(axis.place or (np.nan, np.nan)), axis.wavelength)
    spectrum.slit_ra, spectrum.slit_dec = ra, dec
    spectrum.spectral_order = order_of(slit)
    spectrum.dispersion_direction = slit.meta.wcsinfo.dispersion_direction
    spectrum.detector = slit.meta.instrument.detector
    spectrum.position_angle = slit.meta.aperture.position_angle
    spectrum.extraction_xstart, spectrum.extraction_xstop = (end + 1 for end in axis.ends)
    spectrum.extraction_ystart, spectrum.extraction_ystop = (limit + 1 for limit in limits)
    spectrum.name = name
    for told in TOLD:
        setattr(spectrum, told, getattr(slit, told))
    for told in TOLD_IF_KNOWN:
        if getattr(slit, told, None) is not None:
            setattr(spectrum, told, getattr(slit, told))


def _coordinates(ra, dec, wavelength):
    """Coordinates of a spectrum: number of the row to place on the sky and wavelength."""
    import gwcs
    from astropy import coordinates, units
    from astropy.modeling.models import Const1D, Mapping, Tabular1D
    from gwcs import coordinate_frames as frames

    rows = np.arange(len(wavelength), dtype=float)
    to_world = Mapping((0, 0, 0)) | Const1D(ra) & Const1D(dec) & Tabular1D(
        points=rows, lookup_table=wavelength, bounds_error=False, fill_value=None)
    to_world.name = "pixel_to_world"
    steps = np.diff(wavelength)
    if (steps > 0).all() or (steps < 0).all():
        order = slice(None, None, 1 if (steps > 0).all() else -1)
        to_world.inverse = Mapping((2,)) | Tabular1D(
            points=wavelength[order], lookup_table=rows[order], bounds_error=False)
    else:
        log.warning("Wavelengths neither rise nor fall throughout: no way back to pixels")
    pixel = frames.CoordinateFrame(naxes=1, axes_type=("SPATIAL",), axes_order=(0,),
                                   unit=(units.pix,), name="pixel_frame")
    sky = frames.CelestialFrame(name="sky", axes_order=(0, 1), reference_frame=coordinates.ICRS())
    spectral = frames.SpectralFrame(name="spectral", axes_order=(2,), unit=(units.micron,),
                                    axes_names=("wavelength",))
    return gwcs.WCS([(pixel, to_world), (frames.CompositeFrame([sky, spectral], name="world"),
                                         None)])


def _tell_times(spectrum, slit, timed):
    """Copy the times of the integrations from INT_TIMES."""
    exposure, n_ints = slit.meta.exposure, len(slit.data)
    if not timed:
        log.warning("No INT_TIMES table: the times of the integrations are not known")
        return
    times = slit.int_times
    first = exposure.integration_start or 1
    last = exposure.integration_end or exposure.nints or n_ints
    numbers = times["integration_number"]
    row = first - int(numbers[0]) if len(numbers) else -1
    if row < 0 or row + n_ints > len(times) or last > numbers[-1]:
        log.warning("INT_TIMES does not have integrations %d to %d: their times are not known",
                    first, last)
        return
    spectrum.time_scale = "UTC"
    for column, name in TIMES.items():
        spectrum.spec_table[column] = times[name][row:row + n_ints]


def image(data, like, name):
    """
    Make a product of an image beside the spectra.

    Parameters
    ----------
    data : float32 [row, col] or [integration, row, col]
        The image.
    like : SlitModel
        What it belongs to.
    name : str
        Of the slit.

    Returns
    -------
    ImageModel or CubeModel
        With the metadata of the exposure.
    """
    from stdatamodels.jwst import datamodels

    made = (datamodels.ImageModel if data.ndim == 2 else datamodels.CubeModel)(data)
    made.update(like, only="PRIMARY")
    made.name = name
    return made
