"""Small NIRSpec exposures with the reference files of the simulated optics.

Needs stdatamodels only, so that the official package's environment can run it: that one is told by
``JWST_CAL_OPTICS`` where the file of the optics is.
"""

import json
import os
from importlib import util

import asdf
import numpy as np

try:
    from jwst_cal.simulate import nirspec_optics as optics
except ImportError:
    _spec = util.spec_from_file_location("nirspec_optics", os.environ["JWST_CAL_OPTICS"])
    optics = util.module_from_spec(_spec)
    _spec.loader.exec_module(optics)


def references(folder, grating="G395H"):
    """Write the references; paths by type."""
    paths = {}
    for reftype in optics.REFTYPES:
        tree = optics.tree(reftype, grating)
        meta = tree["meta"]
        meta |= {"reftype": reftype, "author": "test", "pedigree": "DUMMY", "telescope": "JWST",
                 "description": "for tests", "useafter": "2020-01-01T00:00:00"}
        meta["instrument"]["name"] = "NIRSPEC"
        paths[reftype] = str(folder / f"nirspec_{grating.lower()}_{reftype}.asdf")
        asdf.AsdfFile(tree).write_to(paths[reftype])
    return paths


def exposure(kind="NRS_FIXEDSLIT", grating="G395H", detector="NRS1", subarray="FULL",
             shape=(2048, 2048), corner=(1, 1), **instrument):
    """Count rates of a few DN/s: ImageModel, CubeModel or, of the IFU, IFUImageModel."""
    from stdatamodels.jwst import datamodels as dm

    rng = np.random.default_rng(7)
    made = dm.IFUImageModel if kind == "NRS_IFU" else (
        dm.CubeModel if len(shape) == 3 else dm.ImageModel)
    model = made(data=rng.normal(1, 0.1, shape).astype(np.float32))
    model.dq = np.zeros(shape, np.uint32)
    describe(model, kind, grating, detector, subarray, corner, **instrument)
    model.meta.filename = f"jw01234001001_02101_00001_{detector.lower()}_" + (
        "rateints" if len(shape) == 3 else "rate") + ".fits"
    return model


def describe(model, kind, grating="G395H", detector="NRS1", subarray="FULL", corner=(1, 1),
             **instrument):
    """Fill in the header of a ramp or of count rates."""
    shape, meta = model.data.shape, model.meta
    meta.telescope, meta.instrument.name, meta.instrument.detector = "JWST", "NIRSPEC", detector
    meta.instrument.grating, meta.instrument.filter = grating, optics.FILTERS[grating]
    meta.instrument.gwa_xtilt, meta.instrument.gwa_ytilt = 0.3302, 0.1258
    meta.instrument.gwa_tilt = 39.58
    meta.instrument.lamp_state, meta.instrument.lamp_mode = "NONE", "NONE"
    for name, value in instrument.items():
        setattr(meta.instrument, name, value)
    meta.exposure.type, meta.exposure.readpatt = kind, "NRSRAPID"
    meta.exposure.nints = shape[0] if len(shape) > 2 else 1
    meta.exposure.ngroups = shape[1] if len(shape) > 3 else 1
    meta.exposure.nframes = 1
    where = meta.subarray
    where.name, where.fastaxis, where.slowaxis = subarray, 2, 1
    where.xstart, where.ystart = corner
    where.ysize, where.xsize = shape[-2:]
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.observation.program_number, meta.observation.visit_number = "01234", "001"
    meta.dither.position_number = 1
    info = meta.wcsinfo
    info.v2_ref, info.v3_ref = (float(v) for v in optics.msa_to_v2v3(optics.S200A1))
    info.ra_ref, info.dec_ref, info.roll_ref = 210.0, 12.0, 40.0
    info.vparity, info.v3yangle, info.velosys = -1, 138.5, -12345.6
    meta.velocity_aberration.scale_factor = 1.00005


def overrides(paths, types):
    """Parameters that take these references and no others, of a step with these types."""
    return {f"override_{reftype}": paths.get(reftype, "N/A") for reftype in types}


def failed_shutters(folder, places):
    """Write the MSAOPER reference: shutters (quadrant, x, y) that are open for good; its path."""
    rows = [{"Q": q, "x": x, "y": y, "state": "open", "TA state": "closed",
             "Internal state": "normal", "Vignetted": "no"} for q, x, y in places]
    rows.append({"Q": 1, "x": 1, "y": 1, "state": "closed", "TA state": "closed",
                 "Internal state": "normal", "Vignetted": "no"})
    path = folder / "nirspec_msaoper.json"
    path.write_text(json.dumps({
        "reftype": "MSAOPER", "instrument": "NIRSPEC", "telescope": "JWST", "author": "test",
        "pedigree": "DUMMY", "description": "for tests", "useafter": "2020-01-01T00:00:00",
        "exp_type": "NRS_MSASPEC", "msaoper": rows}))
    return str(path)


def opened_shutters(folder, slitlets, fixed=None):
    """
    Write the list of shutters and sources of an exposure; its name.

    ``slitlets`` gives quadrant, row, first and last column, and the source by slitlet, 0 for none;
    ``fixed`` a fixed slit with a source of its own.
    """
    more = [(99, 8, 1, 5, 5, 1, "N", "OPEN", 0.5, 0.5, 1, "Y", "NONE")]  # another exposure
    if fixed:
        more.append((0, 7, 5, 0, 0, 4, "N", "OPEN", 0.3, 0.4, 1, "Y", fixed))
    name = "jw01234001001_01_msa.fits"
    optics.write_shutters(folder / name, slitlets, (1, 2, 4), number=7, dithers=(1, 2), more=more)
    return name
