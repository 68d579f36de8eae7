"""One detector step on random exposures of every readout.

``python readouts.py OUT.npz`` runs the official package's, in its environment; the test runs ours
on the same. Needs numpy and stdatamodels only.
"""

import importlib
import logging
import sys
import tempfile
import warnings

import numpy as np

DNU, SATURATED, NO_SAT_CHECK, REFERENCE = 1, 2, 1 << 21, 1 << 31
CLASSES = {"saturation": "SaturationStep", "ipc": "IPCStep", "refpix": "RefPixStep",
           "charge_migration": "ChargeMigrationStep", "persistence": "PersistenceStep",
           "dq_init": "DQInitStep"}
NIRCAM, NIRISS, NIRSPEC, MIRI = "NIRCAM", "NIRISS", "NIRSPEC", "MIRI"


def exposure(rng, name, detector, shape, axes=(1, 2), start=(1, 1), outputs=4, subarray="FULL"):
    """A ramp with offsets and outliers, reference pixels on the edges, and bad ones."""
    from stdatamodels.jwst.datamodels import RampModel

    data = rng.normal(20, 8, shape) + rng.uniform(-30, 30, (*shape[:2], 1, 1))
    data += np.where(rng.random(shape) < 0.01, rng.normal(0, 300, shape), 0)
    size = (1024, 1032) if name == MIRI else (2048, 2048)
    edges = np.full(size, REFERENCE, np.uint32)
    edges[0 if name == MIRI else 4 : None if name == MIRI else -4, 4:-4] = 0
    ramp = RampModel(data=data.astype(np.float32))
    x, y = start[0] - 1, start[1] - 1
    window = edges[y : y + shape[2], x : x + shape[3]]
    ramp.pixeldq = window.copy() if window.shape == shape[2:] else np.zeros(shape[2:], np.uint32)
    ramp.pixeldq[rng.random(shape[2:]) < 0.1] |= DNU
    ramp.groupdq = np.where(rng.random(shape) < 0.02, DNU, 0).astype(np.uint8)
    meta = ramp.meta
    meta.instrument.name, meta.instrument.detector = name, detector
    meta.exposure.readpatt = "NRSIRS2" if shape[2] == 3200 else "RAPID"
    meta.exposure.nframes, meta.exposure.groupgap, meta.exposure.noutputs = 4, 1, outputs
    meta.exposure.nints, meta.exposure.ngroups = shape[:2]
    meta.exposure.nrs_normal, meta.exposure.nrs_reference = 16, 4
    meta.exposure.start_time, meta.exposure.group_time = 60000.0, 10.7
    meta.exposure.integration_time, meta.exposure.zero_frame = 10.7 * shape[1], False
    meta.subarray.xstart, meta.subarray.ystart = start
    meta.subarray.xsize, meta.subarray.ysize = shape[3], 2048 if shape[2] == 3200 else shape[2]
    meta.subarray.fastaxis, meta.subarray.slowaxis = axes
    meta.subarray.name = subarray
    meta.filename = "jw00001001001_02101_00001_nrca1_uncal.fits"
    return ramp


def climb(rng, ramp):
    """Make the ramp raw counts that hit the limit, the floor, and NaN, with a zeroframe."""
    shape = ramp.data.shape
    rate = rng.lognormal(8, 1.5, (shape[0], 1, *shape[2:]))
    steps = rate * np.arange(1, shape[1] + 1)[:, None, None]
    hits = np.where(rng.random(shape) < 0.03, rng.uniform(0, 6e4, shape), 0).cumsum(axis=1)
    data = np.minimum(np.rint(1000 + steps + hits), 65535)
    data[rng.random(shape) < 0.01] = 0
    data[rng.random(shape) < 0.005] = np.nan
    ramp.data = data.astype(np.float32)
    ramp.zeroframe = np.where(rng.random((shape[0], *shape[2:])) < 0.1, 7e4, ramp.data[:, 0])
    ramp.zeroframe = ramp.zeroframe.astype(np.float32)
    ramp.meta.exposure.zero_frame = True


def references(rng, step, ramp, form):
    """References for a step, as open models by type, or N/A."""
    from stdatamodels.jwst import datamodels

    rows = 2048 if ramp.data.shape[2] == 3200 else ramp.data.shape[2]
    shape = rows, ramp.data.shape[3]
    made = {}
    if step == "saturation":
        limit = rng.uniform(3e4, 6e4, shape).astype(np.float32)
        limit[rng.random(shape) < 0.02] = np.nan
        bias = rng.normal(1000, 200, ramp.data.shape[2:]).astype(np.float32)
        made = {"saturation": datamodels.SaturationModel(data=limit),
                "superbias": datamodels.SuperBiasModel(data=bias)}
        made["saturation"].dq = np.where(rng.random(shape) < 0.02, NO_SAT_CHECK, 0).astype("u4")
        for model in made.values():
            model.meta.subarray.instance.update(ramp.meta.subarray.instance)
            model.meta.instrument.name = ramp.meta.instrument.name
    if step == "dq_init":
        made = {"mask": datamodels.MaskModel(
            dq=np.where(rng.random((2048, 2048)) < 0.1, DNU | 1 << 11, 0).astype(np.uint32))}
        made["mask"].meta.subarray.xstart = made["mask"].meta.subarray.ystart = 1
        made["mask"].meta.subarray.xsize = made["mask"].meta.subarray.ysize = 2048
        made["mask"].meta.instrument.name = ramp.meta.instrument.name
    if step == "ipc":
        kernel = rng.normal(0, 0.02, (3, 3))
        if form == "of each pixel":
            kernel = kernel[..., None, None] * rng.uniform(0.9, 1.1, (2048, 2048))
            kernel = kernel[..., :rows, :shape[1]] if rows == 2048 else kernel
        made = {"ipc": datamodels.IPCModel(data=kernel.astype(np.float32))}
    if step == "refpix":
        made = {"refpix": "N/A", "sirskernel": "N/A"}
        if form == "sirs":
            parts = rng.normal(0, 0.01, (2, 4, 513)) + 1j * rng.normal(0, 0.01, (2, 4, 513))
            parts[:, :, :20] += 0.2
            parts = {"gamma": parts[0], "zeta": parts[1]}
            made["sirskernel"] = datamodels.SIRSKernelModel({"nrca1": parts})
    return made


SUB = (2, 3, 64, 80)
#: Step, exposure, parameters, and a form of the data or the reference.
CASES = {
    "rings": ("saturation", (NIRCAM, "NRCA1", (2, 6, 40, 50)), {"n_pix_grow_sat": 2}, None),
    "single reads": ("saturation", (NIRCAM, "NRCA1", (2, 6, 40, 50)), {}, "nframes 1"),
    "without reads": ("saturation", (NIRCAM, "NRCA1", (1, 5, 40, 50)), {"use_readpatt": False},
                      None),
    "two groups": ("saturation", (NIRCAM, "NRCA1", (1, 2, 40, 50)), {"n_pix_grow_sat": 0}, None),
    "flagged before": ("saturation", (NIRCAM, "NRCA1", (2, 6, 40, 50)), {}, "saturated"),
    "irs2": ("saturation", (NIRSPEC, "NRS1", (1, 4, 3200, 40), (2, 1)), {}, None),
    "irs2 reversed": ("saturation", (NIRSPEC, "NRS2", (1, 4, 3200, 40), (-2, -1)),
                      {"n_pix_grow_sat": 2}, None),
    "kernel": ("ipc", (NIRCAM, "NRCA1", (2, 2, 40, 50), (1, 2), (1999, 3)), {}, None),
    "kernels": ("ipc", (NIRCAM, "NRCA1", (2, 2, 40, 50), (1, 2), (1999, 3)), {}, "of each pixel"),
    "kernels irs2": ("ipc", (NIRSPEC, "NRS2", (1, 2, 3200, 40), (-2, -1)), {}, "of each pixel"),
    "full": ("refpix", (NIRCAM, "NRCA1", (1, 3, 2048, 2048), (-1, 2)), {}, "zeroframe"),
    "full turned": ("refpix", (NIRSPEC, "NRS2", (1, 2, 2048, 2048), (-2, -1)),
                    {"side_smoothing_length": 10, "side_gain": 0.7}, None),
    "full without sides": ("refpix", (NIRISS, "NIS", (1, 2, 2048, 2048), (-2, -1)),
                           {"use_side_ref_pixels": False, "siglimit": 2.0}, "zeroframe"),
    "full without parity": ("refpix", (NIRCAM, "NRCA2", (1, 2, 2048, 2048), (1, -2)),
                            {"odd_even_columns": False}, None),
    "sirs": ("refpix", (NIRCAM, "NRCA1", (1, 2, 2048, 2048), (-1, 2)),
             {"refpix_algorithm": "sirs", "gaussmooth": 1.5, "halfwidth": 20}, "sirs"),
    "one output": ("refpix", (NIRCAM, "NRCA1", SUB, (-1, 2), (1, 1), 1, "SUB64"), {}, "zeroframe"),
    "one output turned": ("refpix", (NIRSPEC, "NRS1", SUB, (2, 1), (1969, 1985), 1, "SUB64"), {},
                          None),
    "no edge": ("refpix", (NIRSPEC, "NRS2", (2, 3, 32, 32), (-2, -1), (300, 200), 1, "SUB32"), {},
                None),
    "four outputs": ("refpix", (NIRCAM, "NRCA3", (2, 3, 64, 2048), (1, -2), (1, 1985), 4, "SUB64"),
                     {"side_smoothing_length": 31}, "zeroframe"),
    "four outputs in the middle": ("refpix", (NIRCAM, "NRCA3", (2, 3, 64, 2048), (1, -2), (1, 801),
                                              4, "SUB64"), {}, None),
    "soss": ("refpix", (NIRISS, "NIS", (2, 3, 2048, 256), (-2, -1), (1793, 1), 4, "SUBSTRIP256"),
             {}, None),
    "stripes": ("refpix", (NIRCAM, "NRCA1", (2, 3, 41, 2048), (-1, 2), (1, 801), 4, "SUB64"), {},
                "stripes"),
    "miri": ("refpix", (MIRI, "MIRIMAGE", (2, 3, 1024, 1032)), {}, None),
    "miri without parity": ("refpix", (MIRI, "MIRIFULONG", (1, 3, 1024, 1032)),
                            {"odd_even_rows": False, "siglimit": 2.5}, None),
    "spill": ("charge_migration", (NIRISS, "NIS", (2, 5, 40, 50)), {"signal_threshold": 9000.7},
              None),
    "windows": ("persistence", (NIRCAM, "NRCA1", (3, 5, 40, 50)), {"persistence_time": 60},
                "saturated"),
    "windows of bright pixels": ("persistence", (NIRCAM, "NRCA1", (3, 5, 40, 50)),
                                 {"persistence_time": 25, "dn_threshold": 4000.3,
                                  "persistence_dnu": True}, "saturated"),
    "mask": ("dq_init", (NIRCAM, "NRCA1", SUB, (-1, 2), (33, 65), 1, "SUB64"), {}, None),
    "mask and words": ("dq_init", (NIRSPEC, "NRS1", SUB, (2, 1), (3, 5), 1, "SUB32"), {}, ">i4"),
    "mask and bytes": ("dq_init", (NIRCAM, "NRCA1", SUB, (-1, 2), (5, 5), 1, "SUB64"), {}, "u1"),
    "mask and floats": ("dq_init", (NIRCAM, "NRCA1", SUB, (-1, 2), (5, 5), 1, "SUB64"), {}, ">f4"),
    "mask of a guide star": ("dq_init", ("FGS", "GUIDER1", SUB, (-2, -1), (5, 5), 1, "SUB128"), {},
                             "guide star"),
    "mask of a guide star and words": ("dq_init", ("FGS", "GUIDER1", SUB, (-2, -1), (5, 5), 1,
                                                   "SUB128"), {}, "guide star >i4"),
}
#: Where the two differ on purpose.
APART = {"one nan": ("refpix", (NIRCAM, "NRCA1", (1, 2, 2048, 2048)), {}, "nan")}


def make(name):
    """Return step, model, parameters and references of a case."""
    every = CASES | APART
    step, exposed, parameters, form = every[name]
    rng = np.random.default_rng(list(every).index(name))
    ramp = exposure(rng, *exposed)
    if step in ("saturation", "charge_migration", "persistence"):
        climb(rng, ramp)
    if form == "saturated":
        ramp.groupdq[rng.random(ramp.data.shape) < 0.05] |= SATURATED
    if form == "zeroframe":
        zero = ramp.data[:, 0] + np.float32(50)
        ramp.zeroframe = np.where(rng.random(zero.shape) < 0.02, np.float32(0), zero)
        ramp.meta.exposure.zero_frame = True
    if form == "nframes 1":
        ramp.meta.exposure.nframes = 1
    if form == "nan":
        ramp.data[0, 1, 2, 700], ramp.pixeldq[2, 700] = np.nan, REFERENCE
    if form == "stripes":
        ramp.meta.subarray.multistripe_reads1, ramp.meta.subarray.num_superstripe = 4, 0
        ramp.pixeldq[:4] |= REFERENCE
    if step == "dq_init" and form:
        if form.startswith("guide star"):
            ramp = guide_star(rng, ramp)
        if form != "guide star":
            flags = rng.choice([0, 0, DNU, 64, 65], ramp.data.shape[2:]).astype(form[-3:].strip())
            parameters = {"user_supplied_dq": written(flags)}
    found = {f"override_{reftype}": model
             for reftype, model in references(rng, step, ramp, form).items()}
    return step, ramp, {**parameters, **found}


def guide_star(rng, ramp):
    """The same counts in a guide-star exposure, which has one array of flags."""
    from stdatamodels.jwst.datamodels import GuiderRawModel

    model = GuiderRawModel(data=ramp.data)
    model.update(ramp)
    model.meta.exposure.type = "FGS_ACQ1"
    model.dq = rng.choice([0, 64], ramp.data.shape[2:]).astype(np.uint32)
    return model


def written(flags):
    """Path of a FITS file, kept as long as the process lives."""
    from astropy.io import fits

    folder = tempfile.TemporaryDirectory()
    FOLDERS.append(folder)
    fits.writeto(f"{folder.name}/flags.fits", flags)
    return f"{folder.name}/flags.fits"


FOLDERS = []


def arrays(ramp):
    """The arrays of a result."""
    names = ("data", "dq") if ramp.meta.exposure.type == "FGS_ACQ1" else (
        "data", "groupdq", "pixeldq")
    found = {name: np.array(getattr(ramp, name)) for name in names}
    if ramp.meta.exposure.zero_frame:
        found["zeroframe"] = np.array(ramp.zeroframe)
    return found


def main(target):
    """Run all cases with the official package."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    results = {}
    for name in CASES | APART:
        step, ramp, parameters = make(name)
        results[f"{name}/input"] = np.array(ramp.data)
        cls = getattr(importlib.import_module(f"jwst.{step}"), CLASSES[step])
        parameters = {"skip": False, **parameters}
        results.update({f"{name}/{key}": array
                        for key, array in arrays(cls(**parameters).process(ramp)).items()})
    np.savez(target, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
