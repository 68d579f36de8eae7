"""Exposures with flicker noise, and parameters of the step that takes it off.

``python flickers.py FOLDER`` runs the official step on all, in its environment; the test runs ours
on the same. Needs numpy, stdatamodels and astropy only.
"""

import importlib
import logging
import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

import images
import soss
import spectra
import spectral_series
import star_series
from parity import nirspec

DNU, JUMP, NON_SCIENCE, NO_FLAT = 1, 4, 512, 1 << 18
NIRCAM, NIRISS, NIRSPEC, MIRI = "NIRCAM", "NIRISS", "NIRSPEC", "MIRI"

#: By name: instrument, detector, EXP_TYPE, subarray, SLOWAXIS, shape of the data, parameters.
CASES = {
    "ramp": (NIRCAM, "NRCA1", "NRC_IMAGE", "SUB64P", 2, (2, 4, 48, 64), {}),
    "ramp-each-integration": (NIRCAM, "NRCA1", "NRC_IMAGE", "SUB64P", 2, (2, 4, 48, 64),
                              {"single_mask": False, "n_sigma": 3.0}),
    "ramp-model": (NIRCAM, "NRCALONG", "NRC_IMAGE", "SUB160", 2, (1, 3, 96, 80),
                   {"background_method": "model", "apply_flat_field": True}),
    "ramp-uneven-boxes": (MIRI, "MIRIMAGE", "MIR_IMAGE", "SUB64", -2, (1, 3, 72, 64),
                          {"background_method": "model", "background_box_size": [20, 30]}),
    "ramp-median-image": (NIRCAM, "NRCA1", "NRC_GRISM", "SUB64P", 2, (5, 6, 40, 64),
                          {"background_method": "median_image"}),
    "one-group": (NIRISS, "NIS", "NIS_AMI", "SUB80", 1, (2, 1, 80, 80), {}),
    "rate": (NIRISS, "NIS", "NIS_IMAGE", "SUB128", -1, (128, 96),
             {"background_method": "None", "n_sigma": 0.0}),
    "rateints-histogram": (NIRCAM, "NRCA1", "NRC_IMAGE", "SUB160", 2, (2, 160, 150),
                           {"fit_histogram": True, "n_sigma": 2.5}),
    "rateints-median-image": (NIRISS, "NIS", "NIS_IMAGE", "SUB64", 2, (4, 64, 60),
                              {"background_method": "median_image", "fit_histogram": True}),
    "series-of-images": (NIRCAM, "NRCA1", "NRC_TSIMAGE", "SUB256", 2, (5, 96, 128),
                         {"background_method": "median_image"}),
    "miri-science-regions": (MIRI, "MIRIMAGE", "MIR_IMAGE", "SUB256", 2, (96, 90),
                             {"mask_science_regions": True, "apply_flat_field": True}),
    "miri-cube-science-regions": (MIRI, "MIRIMAGE", "MIR_IMAGE", "SUB64", 2, (2, 64, 72),
                                  {"mask_science_regions": True, "single_mask": False}),
    "full-frame-by-channel": (NIRCAM, "NRCA1", "NRC_IMAGE", "FULL", 2, (64, 2048),
                              {"fit_by_channel": True, "apply_flat_field": True}),
    "subarray-by-channel": (NIRCAM, "NRCA1", "NRC_IMAGE", "SUB160", 2, (160, 160),
                            {"fit_by_channel": True}),
    "autoparam-nircam": (NIRCAM, "NRCA1", "NRC_IMAGE", "FULL", 2, (128, 2048),
                         {"autoparam": True}),
    "autoparam-niriss": (NIRISS, "NIS", "NIS_IMAGE", "SUB256", -1, (3, 200, 256),
                         {"autoparam": True}),
    "autoparam-elsewhere": (NIRISS, "NIS", "NIS_AMI", "SUB80", 1, (80, 80), {"autoparam": True}),
    "nirspec": (NIRSPEC, "NRS1", "NRS_FIXEDSLIT", "SUBS200A1", 1, (64, 256), {}),
    "fft": (NIRSPEC, "NRS1", "NRS_BRIGHTOBJ", "SUB512", 1, (32, 512), {"fit_method": "fft"}),
    "fft-ramp": (NIRSPEC, "NRS2", "NRS_FIXEDSLIT", "SUBS200A1", 1, (1, 3, 64, 512),
                 {"fit_method": "fft", "background_method": "model"}),
    "fft-allslits": (NIRSPEC, "NRS2", "NRS_FIXEDSLIT", "ALLSLITS", 1, (2, 256, 512),
                     {"fit_method": "fft", "n_sigma": 3.0}),
    "user-mask": (NIRCAM, "NRCA1", "NRC_IMAGE", "SUB64P", 2, (2, 3, 48, 64),
                  {"user_mask": "2D"}),
    "user-masks": (NIRCAM, "NRCA1", "NRC_IMAGE", "SUB64P", 2, (2, 48, 64), {"user_mask": "3D"}),
    "mask-that-does-not-fit": (NIRCAM, "NRCA1", "NRC_IMAGE", "SUB64P", 2, (2, 40, 64),
                               {"user_mask": "2D"}),
    "fft-elsewhere": (NIRCAM, "NRCA1", "NRC_IMAGE", "SUB64P", 2, (48, 64),
                      {"fit_method": "fft"}),
    "not-supported": (MIRI, "MIRIMAGE", "MIR_LRS-SLITLESS", "SLITLESSPRISM", 2, (48, 64), {}),
    "soss": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP256", -1, (2, 256, 300),
             {"mask_science_regions": True}),
    "slit-regions": (NIRSPEC, "NRS1", "NRS_FIXEDSLIT", "SUBS200A1", 1, (64, 2048),
                     {"mask_science_regions": True}),
    "slits-regions-ramp": (NIRSPEC, "NRS1", "NRS_FIXEDSLIT", "ALLSLITS", 1, (1, 3, 256, 2048),
                           {"mask_science_regions": True}),
    "fft-bright-object-regions": (NIRSPEC, "NRS1", "NRS_BRIGHTOBJ", "SUB2048", 1, (2, 64, 2048),
                                  {"mask_science_regions": True, "single_mask": False,
                                   "fit_method": "fft"}),
    "shutters-regions": (NIRSPEC, "NRS1", "NRS_MSASPEC", "FULL", 1, (2048, 2048),
                         {"mask_science_regions": True}),
    "no-list-of-shutters": (NIRSPEC, "NRS1", "NRS_MSASPEC", "FULL", 1, (128, 200),
                            {"mask_science_regions": True}),
    "slices-regions": (NIRSPEC, "NRS2", "NRS_IFU", "FULL", 1, (1, 2048, 2048),
                       {"mask_science_regions": True, "single_mask": False}),
    "no-slit-on-the-detector": (NIRSPEC, "NRS1", "NRS_FIXEDSLIT", "SUBS200B1", 1, (64, 2048),
                                {"mask_science_regions": True}),
    "soss-substrip96": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP96", -1, (96, 300),
                        {"mask_science_regions": True, "n_sigma": 0.0}),
    "soss-median-image": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP256", -1, (4, 256, 2048),
                          {"background_method": "median_image"}),
    "soss-median-image-ramp": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP256", -1, (4, 3, 256, 2048),
                               {"background_method": "median_image",
                                "mask_science_regions": True}),
    "soss-median-image-without-sky": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP256", -1, (3, 256, 2048),
                                 {"background_method": "median_image"}),
    "soss-median-image-full": (NIRISS, "NIS", "NIS_SOSS", "FULL", -1, (2, 256, 300),
                               {"background_method": "median_image"}),
    "soss-median-image-no-traces": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP256", -1, (2, 256, 300),
                                    {"background_method": "median_image"}),
    "soss-median-image-elsewhere": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP256", -1, (2, 256, 2048),
                                    {"background_method": "median_image"}),
}

#: Series of spectra of a star, by name: EXP_TYPE, groups (0 for count rates), parameters.
STARS = {
    "star-grism": ("NRC_TSGRISM", 0, {}),
    "star-grism-ramp": ("NRC_TSGRISM", 4, {"apply_flat_field": True}),
    "star-slit": ("NRS_BRIGHTOBJ", 0, {"fit_histogram": True}),
    "star-slit-ramp": ("NRS_BRIGHTOBJ", 3, {"mask_science_regions": True}),
}
#: Only ours does without INT_TIMES.
WITHOUT_TIMES = {"star-without-times": ("NRC_TSGRISM", 0, {})}

#: Where the first pixel of those lies that get coordinates; by name.
CORNERS = {"slit-regions": (1, 1056), "slits-regions-ramp": (1, 1041),
           "fft-bright-object-regions": (1, 1216), "no-slit-on-the-detector": (1, 1),
           "shutters-regions": (1, 1), "slices-regions": (1, 1), "no-list-of-shutters": (1, 1)}

#: What is different on purpose. Full frames: where traces are masked.
DIFFERENT = {
    "soss-full": (NIRISS, "NIS", "NIS_SOSS", "FULL", -1, (2048, 300),
                  {"mask_science_regions": True, "n_sigma": 0.0}),
    "soss-median-image-substrip96": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP96", -1, (6, 96, 2048),
                                     {"background_method": "median_image"}),
    "soss-median-image-flagged": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP256", -1, (4, 256, 2048),
                                  {"background_method": "median_image"}),
    "soss-median-image-flat": (NIRISS, "NIS", "NIS_SOSS", "SUBSTRIP256", -1, (4, 3, 256, 2048),
                               {"background_method": "median_image", "apply_flat_field": True}),
}


def image(rng, shape, axis):
    """A sloping background with stars and stripes, counts per second."""
    rows, cols = np.indices(shape)
    found = 3 + 0.002 * rows + 0.001 * cols
    for _ in range(6):
        y, x, size = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(1, 4)
        found += 30 * np.exp(-((rows - y) ** 2 + (cols - x) ** 2) / 2 / size**2)
    return found + rng.normal(0, 0.4, (1, shape[1]) if axis == 0 else (shape[0], 1))


def exposure(name):
    """The ramp or the count rates of a case, and the axis that lines lie along."""
    from stdatamodels.jwst import datamodels

    instrument, detector, kind, subarray, slow, shape, _ = (CASES | DIFFERENT)[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    axis = 0 if instrument == MIRI else abs(slow) - 1
    data = np.empty(shape, np.float32)
    for at in np.ndindex(shape[:-2]):
        if "soss-median" in name:
            scene = soss.scene(at[0], shape[-2:]) + rng.normal(0, 0.4, (1, shape[-1]))
        else:
            scene = image(rng, shape[-2:], axis)
        if name.endswith("-flat"):
            scene *= flat_field(shape[-2:])
        data[at] = scene + rng.normal(0, 0.3, shape[-2:])
    if len(shape) == 4:
        model = datamodels.RampModel(data=data.cumsum(axis=1, dtype=np.float32) * np.float32(10))
        model.groupdq = rng.choice(np.array([0, DNU, JUMP, 2], "u1"), shape, p=[.95, .02, .02, .01])
        if "soss-median" in name:
            model.groupdq[:, [0, -1]] = 0  # no pixel without a rate
        model.groupdq[0, -1] |= DNU  # a group without background
        model.pixeldq = np.where(rng.random(shape[-2:]) < 0.01, DNU, 0).astype("u4")
    else:
        data[rng.random(shape) < 0.01] = np.nan
        data[rng.random(shape) < 0.01] = 0
        model = {2: datamodels.ImageModel, 3: datamodels.CubeModel}[len(shape)](data=data)
        model.dq = rng.choice(np.array([0, DNU, NON_SCIENCE], "u4"), shape, p=[.97, .02, .01])
        if "soss-median" in name:
            data[model.dq & DNU > 0] = 1e5 if "flagged" in name else np.nan
        for array in ("err", "var_poisson", "var_rnoise"):
            setattr(model, array, rng.uniform(0.1, 1, shape).astype(np.float32))
    meta = model.meta
    meta.telescope, meta.instrument.name, meta.instrument.detector = "JWST", instrument, detector
    meta.exposure.type, meta.exposure.readpatt = kind, "RAPID"
    if name in CORNERS:
        spectra.describe(model, kind, detector=detector)
    meta.exposure.nframes, meta.exposure.groupgap = 1, 0
    meta.exposure.frame_time = meta.exposure.group_time = 10.0
    meta.exposure.nints = shape[0] if len(shape) > 2 else 1
    meta.exposure.ngroups = shape[1] if len(shape) == 4 else 1
    meta.exposure.drop_frames1, meta.exposure.zero_frame = 0, False
    if name not in CORNERS:
        meta.instrument.pupil_position, meta.instrument.filter = 245.9, "CLEAR"
        if "elsewhere" in name:
            meta.instrument.pupil_position = 246.9
    meta.subarray.name, meta.subarray.slowaxis = subarray, slow
    meta.subarray.fastaxis = 3 - abs(slow)
    if kind == "NRC_TSIMAGE":
        star(model, rng)
    meta.subarray.xstart, meta.subarray.ystart = CORNERS.get(name, (1, 1))
    meta.subarray.ysize, meta.subarray.xsize = shape[-2:]
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.filename = f"jw00001001001_02101_00001_{detector.lower()}_" + (
        "ramp" if len(shape) == 4 else "rate" if len(shape) == 2 else "rateints") + ".fits"
    return model


def star(model, rng):
    """A star that changes its brightness, and what its photometry needs to know."""
    n_ints, *shape = model.data.shape
    y, x = np.indices(shape)
    flux = 500 * rng.uniform(0.7, 1.3, (n_ints, 1, 1))
    model.data += (flux * np.exp(-((x - 60) ** 2 + (y - 40) ** 2) / 8)).astype(np.float32)
    model.data[np.isnan(model.data)] = 1
    images.describe(model, "NIRCAM")
    meta = model.meta
    meta.exposure.type, meta.exposure.nints = "NRC_TSIMAGE", n_ints
    meta.wcsinfo.siaf_xref_sci, meta.wcsinfo.siaf_yref_sci = 61.0, 41.0
    meta.bunit_data = meta.bunit_err = "DN/s"
    times = np.zeros(n_ints, model.get_dtype("int_times"))
    times["integration_number"] = np.arange(1, n_ints + 1)
    model.int_times = times


def star_of(name):
    """The ramp or the count rates of a star's spectrum, its flicker noise, and parameters."""
    from stdatamodels.jwst import datamodels

    kind, n_groups, parameters = (STARS | WITHOUT_TIMES)[name]
    model = star_series.rates(kind)
    rng = np.random.default_rng(sum(map(ord, name)))
    n_ints, n_rows, n_cols = model.data.shape
    slow = 1 if kind == "NRS_BRIGHTOBJ" else 2
    model.data += rng.normal(0, 0.4, (n_ints, n_rows, 1) if slow == 2 else (n_ints, 1, n_cols))
    if n_groups:
        rates = model
        shape = (n_ints, n_groups, n_rows, n_cols)
        steps = np.nan_to_num(rates.data[:, np.newaxis]) + rng.normal(0, 0.2, shape)
        model = datamodels.RampModel(data=10 * steps.cumsum(axis=1, dtype=np.float32))
        model.update(rates)
        model.int_times = rates.int_times
        model.groupdq = rng.choice(np.array([0, DNU, JUMP], "u1"), shape, p=[.96, .02, .02])
        model.pixeldq = np.zeros(shape[-2:], np.uint32)
        model.meta.filename = rates.meta.filename.replace("rateints", "ramp")
    exposure = model.meta.exposure
    exposure.nframes, exposure.groupgap, exposure.ngroups = 1, 0, max(n_groups, 1)
    exposure.frame_time = exposure.group_time = 10.0
    exposure.drop_frames1, exposure.zero_frame, exposure.readpatt = 0, False, "RAPID"
    model.meta.subarray.slowaxis, model.meta.subarray.fastaxis = slow, 3 - slow
    model.meta.subarray.ysize, model.meta.subarray.xsize = n_rows, n_cols
    if name in WITHOUT_TIMES:
        del model.int_times
    return model, {"background_method": "median_image"} | parameters


def placed(model, like):
    """Say where a reference lies."""
    model.meta.instrument.name = like.meta.instrument.name
    model.meta.subarray.instance.update(like.meta.subarray.instance)
    return model


def flat_field(shape):
    """What the flat tells, but for its bad pixels."""
    return np.random.default_rng(1).uniform(0.7, 1.3, shape).astype(np.float32)


def references(name, model, folder):
    """Write the references of a case; return their paths by type, and the mask if it has one."""
    from stdatamodels.jwst import datamodels

    rng = np.random.default_rng(1)
    shape = model.data.shape[-2:]
    flat = flat_field(shape)
    flat[:3, :5], flat[10, 7], flat[20, 20] = 0, np.nan, np.inf
    made = {"gain": datamodels.GainModel(data=np.full(shape, 2, np.float32)),
            "readnoise": datamodels.ReadnoiseModel(data=np.full(shape, 5, np.float32)),
            "flat": datamodels.FlatModel(data=flat)}
    made["flat"].dq = np.where(rng.random(shape) < 0.02, NO_FLAT, 0).astype("u4")
    made["flat"].err = np.where(rng.random(shape) < 0.01, np.nan, 0.01).astype("f4")
    if model.meta.exposure.type == "NIS_SOSS" and "no-traces" not in name:
        made["pastasoss"] = soss.traces(shape[1])
    if "soss-median" in name:
        made["wavelengthrange"] = spectral_series.ranges()
        if "without-sky" not in name:
            made["bkg"] = datamodels.SossBkgModel(data=soss.templates())
    paths = {}
    for reftype, reference in made.items():
        is_fits = reftype not in ("pastasoss", "wavelengthrange")
        paths[reftype] = str(folder / f"{reftype}{'.fits' if is_fits else '.asdf'}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a reference should tell about itself
            (placed(reference, model) if is_fits else reference).save(paths[reftype])
    if model.meta.exposure.type == "NRC_TSIMAGE":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            optics = images.references("NIRCAM", folder)
        paths |= {reftype: optics[reftype] for reftype in ("distortion", "filteroffset")}
    if name in STARS | WITHOUT_TIMES:
        return paths | star_series.references(model.meta.exposure.type, folder), {}
    if name in CORNERS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            paths |= spectra.references(folder)
        if "shutters" in name:
            nirspec.open_shutters(model, folder, paths, listed=not name.startswith("no-"))
    parameters = dict((CASES | DIFFERENT)[name][-1])
    if "user_mask" in parameters:
        size = (2, 48, 64) if parameters["user_mask"] == "3D" else (48, 64)
        mask = (rng.random(size) < 0.8).astype(np.float32)
        kind = datamodels.CubeModel if len(size) == 3 else datamodels.ImageModel
        parameters["user_mask"] = str(folder / "given.fits")
        kind(data=mask).save(parameters["user_mask"])
    return paths, parameters


def prepared(name, folder):
    """What a run of either package needs: the model, references by type, parameters."""
    folder.mkdir(parents=True)
    model, given = star_of(name) if name in STARS | WITHOUT_TIMES else (exposure(name), {})
    paths, parameters = references(name, model, folder)
    parameters |= given
    parameters |= {"save_mask": True, "save_background": True, "save_noise": True,
                   "save_results": True, "output_dir": str(folder), "suffix": "cleaned"}
    return model, paths, parameters


def hand_on(paths):
    """Let steps that the official one makes find the references."""
    from jwst.assign_wcs import AssignWcsStep
    from stpipe import Step

    Step.get_ref_override = lambda self, reftype: paths.get(reftype, "N/A")
    if not {"camera", "distortion"} & set(paths):  # coordinates are not needed
        AssignWcsStep.run = lambda self, model: model
    elif "run" in vars(AssignWcsStep):
        del AssignWcsStep.run


def full_frame():
    """A small square that is cleaned like a full frame of NIRSpec: image and masks by name."""
    rng = np.random.default_rng(9)
    noise = np.convolve(rng.normal(0, 3, 512), np.ones(5) / 5, "same")
    image = noise * (1 + np.cos(2 * np.pi * np.arange(512) / 512)[:, None])
    image = (image + rng.normal(0, 0.2, (512, 512))).astype(np.float32)
    scattered = rng.random((512, 512)) < 0.8
    broken = scattered.copy()
    broken[:, 200:210] = False  # whole lines, as columns of the science frame
    return image, {"scattered": scattered, "broken": broken}


def clean_full_frames(path):
    """Run the official fit of full frames on that square; nothing where it fails."""
    from jwst.clean_flicker_noise.clean_flicker_noise import fft_clean_full_frame

    image, masks = full_frame()
    found = {}
    for name, mask in masks.items():
        for detector in ("NRS1", "NRS2"):
            cleaned = fft_clean_full_frame(image.copy(), mask.copy(), detector)
            found[f"{name}_{detector}"] = np.empty(0) if cleaned is None else cleaned
    np.savez(path, **found)


def main(folder):
    """Run the official step on all cases."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    step_class = importlib.import_module("jwst.step").CleanFlickerNoiseStep
    for name in CASES | DIFFERENT | STARS | WITHOUT_TIMES:
        model, paths, parameters = prepared(name, Path(folder) / name)
        hand_on(paths)
        step_class(**parameters).run(model)
    clean_full_frames(Path(folder) / "full_frames.npz")


if __name__ == "__main__":
    main(sys.argv[1])
