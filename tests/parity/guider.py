"""Guide-star exposures of every mode, with their tables, and references for them."""

from typing import NamedTuple

import numpy as np
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal import flags


class Mode(NamedTuple):
    """Shape of the counts, tables, and references that do not cover a stack."""

    shape: tuple
    tables: tuple = ()
    covered: bool = True


MODES = {
    "FGS_ID-IMAGE": Mode((2, 2, 48, 64), ("planned_star_table", "flight_star_table")),
    "FGS_ID-STACK": Mode((2, 2, 40, 56), ("planned_star_table", "flight_star_table"), False),
    "FGS_ACQ1": Mode((6, 2, 32, 32)),
    "FGS_ACQ2": Mode((5, 2, 16, 16)),
    "FGS_TRACK": Mode((9, 2, 16, 16), ("centroid_table", "track_sub_table", "pointing_table")),
    "FGS_FINEGUIDE": Mode((4, 10, 8, 8), ("centroid_table", "pointing_table")),
}
_START = (887, 1022)


def _table(rng, model, name, n_rows=5):
    """Random numbers and words in the columns that the data model has."""
    rows = np.zeros(n_rows, model.get_dtype(name))
    for column, (dtype, _) in rows.dtype.fields.items():
        if dtype.kind == "S":
            rows[column] = [b"YES", b"NO"] * 2 + [b"OK"]
        else:
            rows[column] = rng.integers(1, 1000, n_rows)
    return rows


def write_exposure(mode, folder, seed=1):
    """
    Write a raw exposure.

    Parameters
    ----------
    mode : str
        EXP_TYPE, one of MODES.
    folder : Path
        Where.
    seed : int
        Of stars, noise and tables.

    Returns
    -------
    Path
        The file.
    """
    shape, tables, _ = MODES[mode]
    rng = np.random.default_rng(seed)
    star = rng.lognormal(3, 1.5, shape[-2:])
    counts = 1000 + star * np.arange(shape[1])[:, None, None] + rng.normal(0, 15, shape)
    counts += np.where(rng.random(shape) < 0.01, rng.uniform(0, 3e4, shape), 0)
    counts = np.clip(np.rint(counts), 0, 65535)
    model = datamodels.GuiderRawModel(data=counts.astype(np.float32))
    meta = model.meta
    meta.telescope, meta.filename = "JWST", f"jw01234001001_gs-{mode[4:].lower()}_uncal.fits"
    meta.instrument.name, meta.instrument.detector = "FGS", "GUIDER2"
    meta.exposure.type, meta.exposure.readpatt = mode, mode[4:].partition("-")[0]
    meta.exposure.nints, meta.exposure.ngroups = shape[:2]
    meta.exposure.group_time, meta.exposure.nframes = 0.3406, 1
    meta.observation.date, meta.observation.time = "2024-07-01", "03:14:15.926"
    meta.subarray.name = "8X8" if mode == "FGS_FINEGUIDE" else "SUB128"
    meta.subarray.xstart, meta.subarray.ystart = _START
    meta.subarray.ysize, meta.subarray.xsize = shape[-2:]
    meta.subarray.fastaxis, meta.subarray.slowaxis = -1, -2
    for name in tables:
        setattr(model, name, _table(rng, model, name))
    path = folder / meta.filename
    model.save(path)
    with fits.open(path) as file:  # counts, as the telescope sends them
        file["SCI"].data = counts.astype(np.uint16)
        file.writeto(path, overwrite=True)
    return path


def write_references(mode, folder, shape=None, start=_START):
    """
    Write references that cover more than the exposure, or less of a stack.

    Parameters
    ----------
    mode : str
        EXP_TYPE, one of MODES.
    folder : Path
        Where.
    shape : tuple, optional
        Of the exposure; that of MODES by default.
    start : (int, int)
        First column and row of the exposure, from 1.

    Returns
    -------
    dict
        Paths, or N/A, by reference type.
    """
    covered = MODES[mode].covered
    shape = shape or MODES[mode].shape
    margin = 5 if covered else -4
    size = tuple(n + 2 * margin for n in shape[-2:])
    rng = np.random.default_rng(7)
    mask = datamodels.MaskModel(dq=np.where(rng.random(size) < 0.05, 3, 0).astype(np.uint32))
    mask.dq_def = _definitions("DO_NOT_USE", "HOT")
    gain = datamodels.GainModel(data=rng.normal(1.8, 0.02, size).astype(np.float32))
    noise = datamodels.ReadnoiseModel(data=rng.normal(9, 0.5, size).astype(np.float32))
    flat = datamodels.FlatModel(data=rng.normal(1, 0.05, size).astype(np.float32))
    flat.err = np.full(size, 0.01, np.float32)
    flat.dq = rng.choice([0, 1, 2, 4], size, p=[0.9, 0.03, 0.03, 0.04]).astype(np.uint32)
    flat.dq_def = _definitions("DO_NOT_USE", "NO_FLAT_FIELD", "UNRELIABLE_FLAT")
    flat.data[rng.random(size) < 0.03] = np.nan
    flat.data[rng.random(size) < 0.03] = 0
    paths = {}
    for reftype, model in (("mask", mask), ("gain", gain), ("readnoise", noise), ("flat", flat)):
        for key, value in (("author", "a"), ("description", "a reference"), ("pedigree", "DUMMY"),
                           ("useafter", "2000-01-01T00:00:00")):
            setattr(model.meta, key, value)
        model.meta.reftype, model.meta.telescope = reftype, "JWST"
        model.meta.instrument.name, model.meta.instrument.detector = "FGS", "GUIDER2"
        window = model.meta.subarray
        window.xstart, window.ystart = (n - margin for n in start)
        window.ysize, window.xsize = size
        paths[reftype] = str(folder / f"{reftype}.fits")
        model.save(paths[reftype])
    return paths if covered else {**paths, "mask": "N/A"}


def _definitions(*names):
    bits = [(k, 1 << k, name.encode(), b"") for k, name in enumerate(names)]
    assert all(name in flags.pixel for name in names)
    return np.array(bits, [("BIT", "i4"), ("VALUE", "u4"), ("NAME", "S40"), ("DESCRIPTION", "S80")])
