"""The trap model of persistence on random exposures.

``python traps.py OUT.npz`` runs that of the last official release that had it, found on the path;
the test runs ours on the same. Needs numpy and stdatamodels only.
"""

import logging
import sys
import warnings

import numpy as np

DNU, SATURATED, JUMP = 1, 2, 4
#: Persistence from which on a pixel is flagged, DN.
CUTOFF = 0.5
#: Rows and columns of the detector; the exposure's shape and first row and column (from 1); a form.
CASES = {
    "whole": ((40, 50), (2, 6, 40, 50), (1, 1), ""),
    "subarray": ((64, 70), (3, 5, 40, 50), (9, 15), ""),
    "one group": ((40, 50), (2, 1, 40, 50), (1, 1), ""),
    "two groups": ((40, 50), (1, 2, 40, 50), (1, 1), ""),
    "long": ((8, 50), (1, 60, 8, 50), (1, 1), ""),
    "no jumps": ((40, 50), (2, 6, 40, 50), (1, 1), "no jumps"),
    "no flagged reference": ((40, 50), (2, 6, 40, 50), (1, 1), "clean"),
    "whole, then a subarray": ((64, 70), (2, 4, 40, 50), (9, 15), "whole first"),
}
#: Where the two differ on purpose.
APART = {
    "nan": ((40, 50), (2, 6, 40, 50), (1, 1), "nan"),
    "subarray of a chain": ((64, 70), (2, 4, 40, 50), (9, 15), "chain"),
    "odd references": ((40, 50), (2, 6, 40, 50), (1, 1), "odd"),
    "no resets": ((40, 50), (2, 6, 40, 50), (1, 1), "no resets"),
}


def _frame(meta, name, rows, cols, start=(1, 1)):
    meta.instrument.name, meta.instrument.detector = "NIRCAM", "NRCA1"
    meta.subarray.name, (meta.subarray.ystart, meta.subarray.xstart) = name, start
    meta.subarray.ysize, meta.subarray.xsize = rows, cols


def exposure(rng, shape, start, form, when):
    """Simulate a ramp of faint and bright pixels, saturated ones and jumps, after linearity."""
    from stdatamodels.jwst.datamodels import RampModel

    rate = rng.lognormal(6, 2, (shape[0], 1, *shape[2:]))
    hits = np.where(rng.random(shape) < 0.03, rng.uniform(0, 2e4, shape), 0)
    if form == "no jumps":
        hits[:] = 0
    data = rate * np.arange(1, shape[1] + 1)[:, None, None] + hits.cumsum(axis=1)
    data += rng.normal(0, 10, shape)
    ramp = RampModel(data=np.minimum(data, 65000).astype(np.float32))
    ramp.groupdq = np.where(data > 60000, SATURATED, 0).astype(np.uint8)
    ramp.groupdq |= np.where(hits > 200, JUMP, 0).astype(np.uint8)
    ramp.pixeldq = np.zeros(shape[2:], np.uint32)
    if form == "nan":
        ramp.data[0, 2, 3, 4] = np.nan
    _frame(ramp.meta, "SUB", *shape[2:], start)
    meta = ramp.meta.exposure
    meta.nints, meta.ngroups = shape[:2]
    meta.group_time, meta.frame_time, meta.nframes, meta.groupgap = 21.47, 10.735, 1, 1
    if form != "no resets":
        meta.nresets_at_start, meta.nresets_between_ints = 1, 2
    meta.start_time, meta.end_time = 60000 + when, 60000 + when + 0.004
    ramp.meta.filename = "jw00001001001_02101_00001_nrca1_uncal.fits"
    return ramp


def references(rng, detector, form):
    """Make references with three families of traps and unusable pixels."""
    from stdatamodels.jwst import datamodels

    density = rng.uniform(0, 0.3, detector).astype(np.float32)
    full = rng.uniform(4e4, 6e4, detector).astype(np.float32)
    table = np.array([(180.0, -0.0125, 30.0, -0.0011), (120.0, -0.0004, 0.0, -0.02),
                      (60.0, -0.06, 10.0, 0.0)],
                     [(name, "f8") for name in ("capture0", "capture1", "capture2",
                                                "decay_param")])
    if form == "odd":
        full[3, 4] = 0
        table["capture1"][:2] = 0, 0.0004
    made = {"trapdensity": datamodels.TrapDensityModel(data=density),
            "persat": datamodels.PersistenceSatModel(data=full),
            "trappars": datamodels.TrapParsModel(trappars_table=table)}
    for name in ("trapdensity", "persat"):
        _frame(made[name].meta, "FULL", *detector)
        made[name].dq = np.zeros(detector, np.uint32)
        if form != "clean":
            made[name].data[rng.random(detector) < 0.05] = np.nan
            made[name].dq[rng.random(detector) < 0.05] = DNU
    return made


def make(name):
    """Return the references and two exposures in a row of a case."""
    every = CASES | APART
    detector, shape, start, form = every[name]
    rng = np.random.default_rng(list(every).index(name))
    found = references(rng, detector, form)
    frames = [(shape, start)] * 2
    if form == "whole first":
        frames[0] = ((*shape[:2], *detector), (1, 1))
    return found, [exposure(rng, *frame, form, when)
                   for frame, when in zip(frames, (0.0, 0.0075), strict=True)]


def arrays(ramp, filled, released):
    """The arrays of a result."""
    return {"data": np.array(ramp.data), "pixeldq": np.array(ramp.pixeldq),
            "filled": np.array(filled.data), "released": np.array(released.data)}


def main(target):
    """Run all cases with the older official release."""
    from jwst.persistence.persistence import DataSet

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    results = {}
    for name in CASES | APART:
        found, ramps = make(name)
        filled = None
        for k, ramp in enumerate(ramps):
            results[f"{name}/{k}/input"] = np.array(ramp.data)
            form = (CASES | APART)[name][3]
            if filled is not None and form != "chain":
                # the frame of the whole detector, which the release gives up
                _frame(filled.meta, "FULL", *filled.data.shape[1:])
            model = {reftype: reference.copy() for reftype, reference in found.items()}
            dataset = DataSet(ramp, filled, CUTOFF, True, model["trapdensity"], model["trappars"],
                              model["persat"])
            try:
                ramp, filled, released, _ = dataset.do_all()
            except TypeError as error:
                results[f"{name}/error"] = str(error)
                break
            results.update({f"{name}/{k}/{key}": array
                            for key, array in arrays(ramp, filled, released).items()})
    np.savez(target, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
