"""Extracted spectra of a time series, as extract_1d makes them."""

import numpy as np
from stdatamodels.jwst import datamodels

__all__ = ["ranges", "spectra"]

#: Fields of the header, by mode.
HEADERS = {
    "NIS_SOSS": {"name": "NIRISS", "detector": "NIS", "filter": "CLEAR", "pupil": "GR700XD"},
    "NRS_BRIGHTOBJ": {"name": "NIRSPEC", "detector": "NRS1", "filter": "F290LP"},
    "NRC_TSGRISM": {"name": "NIRCAM", "detector": "NRCALONG", "filter": "F444W",
                    "pupil": "GRISMR"},
}


def spectra(kind, parts, *, n_ints=5, n_waves=40, unit="MJy", seed=0):
    """
    Make a TSOMultiSpecModel.

    Parameters
    ----------
    kind : str
        EXP_TYPE.
    parts : list of (int, str or None)
        Order and detector of each table.
    n_ints, n_waves : int
        Integrations, wavelengths; each further table has one wavelength less.
    unit : str or None
        Of the flux.
    seed : int
        Of the random flux.

    Returns
    -------
    TSOMultiSpecModel
        Its wavelengths go from 0.6 to 2.8 um in each table; a few values of the flux are NaN.
    """
    rng = np.random.default_rng(seed)
    model = datamodels.TSOMultiSpecModel()
    model.meta.telescope = "JWST"
    for name, value in HEADERS[kind].items():
        setattr(model.meta.instrument, name, value)
    model.meta.exposure.type, model.meta.subarray.name = kind, "SUBSTRIP256"
    model.meta.target.catalog_name = "a star"
    model.meta.observation.date, model.meta.observation.time = "2025-07-15", "00:00:00.000"
    for number, (order, detector) in enumerate(parts):
        spec = datamodels.TSOSpecModel()
        spec.spec_table = _table(spec, rng, n_ints, n_waves - number)
        spec.spec_table.columns["FLUX"].unit = unit
        spec.spectral_order = order
        if detector is not None:
            spec.detector = detector
        model.spec.append(spec)
    return model


def _table(spec, rng, n_ints, n_waves):
    dtype = [(name, kind, n_waves) if name in ("WAVELENGTH", "FLUX") else (name, kind)
             for name, kind in spec.get_dtype("spec_table").descr]
    table = np.zeros(n_ints, dtype)
    table["WAVELENGTH"] = np.linspace(0.6, 2.8, n_waves)
    table["FLUX"] = rng.uniform(1, 2, (n_ints, n_waves))
    table["FLUX"][rng.random((n_ints, n_waves)) < 0.05] = np.nan
    table["INT_NUM"] = np.arange(1, n_ints + 1)
    table["MJD-AVG"] = 60000 + 0.01 * np.arange(n_ints)
    table["TDB-MID"] = table["MJD-AVG"] + 0.003
    return table


def ranges(rows=((1, "CLEAR", 0.93, 2.82), (2, "CLEAR", 0.64, 0.83), (3, "CLEAR", 0.64, 0.95))):
    """Make a WAVELENGTHRANGE reference of NIRISS SOSS: order, filter, range in micron."""
    model = datamodels.WavelengthrangeModel(
        wrange=[list(row) for row in rows], order=sorted({row[0] for row in rows}),
        wrange_selector=sorted({row[1] for row in rows}), wunits="micron")
    meta = model.meta
    meta.instrument.name, meta.instrument.detector = "NIRISS", "NIS"
    meta.exposure.type, meta.exposure.p_exptype = "NIS_SOSS", "NIS_SOSS"
    meta.author, meta.description, meta.pedigree = "tests", "ranges of wavelength", "DUMMY"
    meta.useafter, meta.reftype = "2020-01-01T00:00:00", "wavelengthrange"
    return model
