"""NIRSpec exposures with a picture frame, and parameters of the step that takes it off.

``python picture_frames.py FOLDER`` runs the official step on all, in its environment; the test runs
ours on the same. Needs numpy, stdatamodels and astropy only.
"""

import importlib
import logging
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

import spectra
from parity import nirspec

#: By name: detector, shape of the data, parameters.
CASES = {
    "rate": ("NRS1", (2048, 2048), {"n_sigma": 3.0}),
    "rateints": ("NRS2", (2, 2048, 2048), {}),
    "ramp": ("NRS1", (2, 3, 2048, 2048), {"n_sigma": 0.0}),
    "one-group": ("NRS1", (1, 1, 2048, 2048), {}),
    "no-background": ("NRS2", (2048, 2048), {}),
    "slits": ("NRS1", (2048, 2048), {"mask_science_regions": True}),
    "shutters": ("NRS1", (2048, 2048), {"mask_science_regions": True}),
    "slices": ("NRS1", (2048, 2048), {"mask_science_regions": True}),
    "no-list-of-shutters": ("NRS1", (2048, 2048), {"mask_science_regions": True}),
}
#: EXP_TYPE of exposures that get coordinates, by name.
KINDS = {"slices": "NRS_IFU", "shutters": "NRS_MSASPEC", "no-list-of-shutters": "NRS_MSASPEC"}


def frame():
    """A glow towards the border, with noise."""
    away = np.abs(np.linspace(-1, 1, 2048))
    found = 0.03 * np.maximum(away[:, None], away) ** 4
    return (found + np.random.default_rng(0).normal(0, 0.001, found.shape)).astype(np.float32)


def exposure(name):
    """The ramp or the count rates of a case."""
    from stdatamodels.jwst import datamodels

    detector, shape, _ = CASES[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    scale = rng.uniform(2, 9, (*shape[:-2], 1, 1))
    data = scale * frame() + rng.uniform(-1, 1, scale.shape) + rng.normal(0, 0.3, shape)
    data[..., 300:900, 200:1900] += 2 * rng.exponential(1, (600, 1700))  # spectra
    if name == "no-background":
        data[..., 76:1984, 76:1984] = np.nan
    data = data.astype(np.float32)
    if len(shape) == 4:
        data = data.cumsum(axis=1, dtype=np.float32) * np.float32(10)
        data[0, -1, 40, 500:520] = np.nan
        model = datamodels.RampModel(data=data)
        model.groupdq = np.zeros(shape, np.uint8)
        model.pixeldq = np.zeros(shape[-2:], np.uint32)
    else:
        data[..., 5:9, 1000] = np.nan
        data[..., 1500, 700:900] = 0
        model = {2: datamodels.ImageModel, 3: datamodels.CubeModel}[len(shape)](data=data)
        model.dq = np.zeros(shape, np.uint32)
    meta = model.meta
    meta.telescope, meta.instrument.name, meta.instrument.detector = "JWST", "NIRSPEC", detector
    meta.exposure.type, meta.exposure.readpatt = "NRS_FIXEDSLIT", "NRSRAPID"
    if CASES[name][-1].get("mask_science_regions"):
        spectra.describe(model, KINDS.get(name, "NRS_FIXEDSLIT"), detector=detector)
    meta.exposure.nframes, meta.exposure.groupgap = 1, 0
    meta.exposure.frame_time = meta.exposure.group_time = 10.0
    meta.exposure.nints = shape[0] if len(shape) > 2 else 1
    meta.exposure.ngroups = shape[1] if len(shape) == 4 else 1
    meta.exposure.drop_frames1, meta.exposure.zero_frame = 0, False
    where = meta.subarray
    where.name, where.slowaxis, where.fastaxis = "FULL", 1, 2
    where.xstart = where.ystart = 1
    where.ysize, where.xsize = shape[-2:]
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.filename = f"jw00001001001_02101_00001_{detector.lower()}_" + (
        "ramp" if len(shape) == 4 else "rate" if len(shape) == 2 else "rateints") + ".fits"
    return model


def prepared(name, folder):
    """What a run of either package needs: the model, references by type, parameters."""
    from stdatamodels.jwst import datamodels

    folder.mkdir(parents=True)
    model = exposure(name)
    made = {"gain": datamodels.GainModel(data=np.full((2048, 2048), 2, np.float32)),
            "readnoise": datamodels.ReadnoiseModel(data=np.full((2048, 2048), 5, np.float32)),
            "pictureframe": datamodels.PictureFrameModel(data=frame())}
    paths = {}
    for reftype, reference in made.items():
        reference.meta.instrument.name = "NIRSPEC"
        if reftype != "pictureframe":
            reference.meta.subarray.instance.update(model.meta.subarray.instance)
        paths[reftype] = str(folder / f"{reftype}.fits")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a reference should tell about itself
            reference.save(paths[reftype])
    if CASES[name][-1].get("mask_science_regions"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            paths |= spectra.references(folder)
        if "shutters" in name:
            nirspec.open_shutters(model, folder, paths, listed=name == "shutters")
    parameters = {"mask_science_regions": False} | CASES[name][-1] | {
        "save_mask": True, "save_correction": True, "save_results": True, "skip": False,
        "output_dir": str(folder), "suffix": "flat"}
    return model, paths, parameters


def main(folder):
    """Run the official step on all cases."""
    from flickers import hand_on

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    step_class = importlib.import_module("jwst.step").PictureFrameStep
    for name in CASES:
        model, paths, parameters = prepared(name, Path(folder) / name)
        hand_on(paths)
        step_class(**parameters).run(model)


if __name__ == "__main__":
    main(sys.argv[1])
