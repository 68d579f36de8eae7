"""Time series of images: a star that dims, in segments, with associations and truth."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from jwst_cal.errors import OutputError
from jwst_cal.pointing import attitude, velocity_aberration
from jwst_cal.simulate import exposures, sets, sky
from jwst_cal.simulate.detectors import Window
from jwst_cal.simulate.instruments import INSTRUMENTS

__all__ = ["Series", "time_series"]

_INSTRUMENT, _KIND = "NIRCAM", "NRC_TSIMAGE"
#: Where the star is, off the aperture's reference point, pixel.
_OFFSET = (0.27, -0.18)


class Series(NamedTuple):
    """
    The files of a time series.

    Attributes
    ----------
    exposures : list of Path
        Its segments, ``_uncal.fits``.
    pool : Path
        Table of them, for ``asn_generate``.
    level2, level3 : Path
        Associations.
    light_curve : Path
        Truth: time, flux and electrons/s of the star in each integration.
    """

    exposures: list[Path]
    pool: Path
    level2: Path
    level3: Path
    light_curve: Path


def time_series(folder, *, n_ints=None, n_groups=None, n_segments=2, field=sets.FIELD, seed=1):
    """
    Simulate a time series of images of NIRCam.

    Parameters
    ----------
    folder : path-like
        Where the files go; made if needed.
    n_ints, n_groups : int, optional
        Integrations, groups.
    n_segments : int
        Files over which the integrations are spread.
    field : (float, float, float), degrees
        Right ascension and declination of the star, position angle of V3.
    seed : int
        Seed of the noise.

    Returns
    -------
    Series

    Raises
    ------
    ParameterError
        If a number is out of range.
    OutputError
        If a file cannot be written.
    """
    folder = sets.make_folder(folder)
    sets.check_field(field)
    instrument = INSTRUMENTS[_INSTRUMENT]
    mode = next(mode for mode in instrument.modes if mode.exp_type == _KIND)
    detector = instrument.takers(mode)[0].name
    light = next(one for one in instrument.filters_of(detector)
                 if set(one.cards) <= set(mode.cards))
    window = Window(detector, mode.subarray)
    optics = sky.Optics(window, light)
    matrix = attitude.attitude(window.aperture.v2_ref, window.aperture.v3_ref, *field)
    scale, va_ra, va_dec = velocity_aberration.aberration(sets.VELOCITY, *field[:2])
    source = _star(optics, mode, matrix)
    photons, x, y = sky.render(optics, source, matrix, scale, mode.sky / optics.per_mjysr)
    n_ints = exposures.count("n_ints", n_ints, 1, mode.n_ints)
    n_segments = exposures.count("n_segments", n_segments, 1, 1)
    rows, table = [], []
    for number in range(1, n_segments + 1):
        exposure = exposures.simulate(
            _INSTRUMENT, mode.subarray, detector=detector, exp_type=_KIND, light=photons,
            n_ints=n_ints, n_groups=n_groups, segment=(number, n_segments), seed=seed)
        exposure.cards = {**dict(light.cards), **sets.pointing_cards(window.aperture, matrix),
                          "VA_SCALE": scale, "VA_RA": va_ra, "VA_DEC": va_dec,
                          "TARGTYPE": "FIXED", "TARG_RA": field[0], "TARG_DEC": field[1],
                          "PATTTYPE": "NONE"}
        rows.append(sets.Row(exposure.write(folder), window, light, mode))
        for k, factor in enumerate(exposure.truth.light_curve):
            begin = exposure.start + (exposure.readout.first + k) * exposure.period
            table.append((exposure.readout.first + k + 1,
                          begin + exposure.readout.integration_time / 2 / 86400,
                          float(factor), float(factor * source["flux_ujy"][0]),
                          float(factor * source["flux_ujy"][0] * optics.per_microjansky),
                          float(x[0]), float(y[0])))
    return Series([row.path for row in rows], *sets.associate(folder, rows),
                  _write(folder / "truth_light_curve.ecsv", table))


def _star(optics, mode, matrix):
    """The star, near the reference point of the aperture."""
    at = optics.window.aperture
    place = optics.window.distortion.to_telescope(
        optics.window.x[0] + at.x_ref - 1 + _OFFSET[0] + optics.filter.offset[0],
        optics.window.y[0] + at.y_ref - 1 + _OFFSET[1] + optics.filter.offset[1])
    star = np.zeros(1, sky.SOURCE)
    star["id"], star["kind"], star["axis_ratio"] = 1, "star", 1
    star["RA"], star["DEC"] = attitude.to_sky(matrix, *place)
    star["flux_ujy"] = mode.brightest / optics.per_microjansky
    return star


def _write(path, rows):
    from astropy.table import Table

    table = Table(rows=rows, names=("integration", "mjd_mid", "factor", "flux_ujy",
                                    "electrons_per_s", "x", "y"))
    try:
        table.write(path, format="ascii.ecsv", overwrite=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    return path
