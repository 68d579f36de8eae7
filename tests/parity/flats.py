"""The flat field of random exposures: ``python flats.py OUT.npz`` runs the official step.

In the environment of the official package; the test runs ours on the same. Needs numpy and
stdatamodels only.
"""

import logging
import sys
import tempfile
import warnings

import numpy as np

DNU, NO_FLAT, UNRELIABLE = 1, 1 << 18, 1 << 25
#: Model, instrument and EXP_TYPE, shape, parameters.
CASES = {
    "image": ("ImageModel", "NIRCAM", "NRC_IMAGE", (48, 64), {}),
    "image undone": ("ImageModel", "NIRCAM", "NRC_IMAGE", (48, 64), {"inverse": True}),
    "integrations": ("CubeModel", "MIRI", "MIR_IMAGE", (3, 48, 64), {}),
    "spectrograph": ("IFUImageModel", "MIRI", "MIR_MRS", (48, 64), {}),
    "nirspec image": ("ImageModel", "NIRSPEC", "NRS_TACQ", (32, 32), {}),
    "guide star": ("GuiderCalModel", "FGS", "FGS_TRACK", (3, 16, 16), {}),
    "guide star undone": ("GuiderCalModel", "FGS", "FGS_TRACK", (3, 16, 16), {"inverse": True}),
    "larger than the flat": ("GuiderCalModel", "FGS", "FGS_ID-STACK", (1, 99, 16), {}),
    "nirspec lamp": ("ImageModel", "NIRSPEC", "NRS_AUTOFLAT", (32, 32), {}),
}


def make(name):
    """Return the exposure, the flat and the parameters of a case."""
    from stdatamodels.jwst import datamodels

    kind, instrument, exp_type, shape, parameters = CASES[name]
    rng = np.random.default_rng(list(CASES).index(name))
    rate = getattr(datamodels, kind)(data=rng.normal(5, 2, shape).astype(np.float32))
    rate.data[rng.random(shape) < 0.02] = np.nan
    rate.err = rng.uniform(0.1, 1, shape).astype(np.float32)
    if kind != "GuiderCalModel":
        for array in ("var_poisson", "var_rnoise"):
            values = rng.uniform(0.01, 1, shape).astype(np.float32)
            values[rng.random(shape) < 0.01] = np.nan
            setattr(rate, array, values)
    dq_shape = shape[-2:] if kind == "GuiderCalModel" else shape
    rate.dq = np.where(rng.random(dq_shape) < 0.05, DNU, 4).astype(np.uint32)
    size = (60, 80)
    flat = datamodels.FlatModel(data=rng.normal(1, 0.1, size).astype(np.float32))
    flat.err = rng.uniform(0, 0.05, size).astype(np.float32)
    flat.err[rng.random(size) < 0.01] = np.nan
    flat.data[rng.random(size) < 0.03] = np.nan
    flat.data[rng.random(size) < 0.03] = 0
    flat.dq = rng.choice([0, DNU, NO_FLAT, UNRELIABLE], size, p=[0.9, 0.03, 0.03, 0.04])
    flat.dq = flat.dq.astype(np.uint32)
    for model, start, n in ((rate, (7, 5), shape[-2:]), (flat, (1, 1), size)):
        model.meta.instrument.name, model.meta.exposure.type = instrument, exp_type
        window = model.meta.subarray
        window.xstart, window.ystart = start
        window.ysize, window.xsize = n
    return rate, flat, parameters


def arrays(rate):
    """The arrays of a result, and its status."""
    found = {"status": np.array(rate.meta.cal_step.flat_field)}
    is_guider = type(rate).__name__ == "GuiderCalModel"
    for name in ("data", "err", "dq", *(() if is_guider else ("var_poisson", "var_rnoise",
                                                              "var_flat"))):
        if getattr(rate, name) is not None:
            found[name] = np.array(getattr(rate, name))
    return found


def saved_shape(step_class, folder, run):
    """Shape of the flat that a step saves for an exposure of a part of the detector."""
    import glob

    from astropy.io import fits

    rate, flat, _ = make("image")
    rate.meta.filename = "part_rate.fits"
    step = step_class(save_interpolated_flat=True, output_dir=str(folder), override_flat=flat,
                      override_fflat="N/A", override_sflat="N/A", override_dflat="N/A")
    getattr(step, run)(rate)
    path, = glob.glob(f"{folder}/*_interpolatedflat.fits")
    return fits.getdata(path, "SCI").shape


def main(target):
    """Run all cases with the official package."""
    from jwst.flatfield import FlatFieldStep

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    results = {}
    for name in CASES:
        rate, flat, parameters = make(name)
        step = FlatFieldStep(**parameters, override_flat=flat, override_fflat="N/A",
                             override_sflat="N/A", override_dflat="N/A")
        results |= {f"{name}/{key}": value for key, value in arrays(step.process(rate)).items()}
    with tempfile.TemporaryDirectory() as folder:
        results["saved"] = saved_shape(FlatFieldStep, folder, "process")
    np.savez(target, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
