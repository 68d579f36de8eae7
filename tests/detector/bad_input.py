"""An exposure and references for every step of stage 1, and what may be wrong with them.

``python bad_input.py FOLDER`` prints what the official package does with each, in its environment.
Needs numpy and stdatamodels only.
"""

import contextlib
import importlib
import io
import logging
import sys
import warnings
from pathlib import Path

import numpy as np

SHAPE = (2, 6, 16, 20)
REFERENCE_PIXEL = 1 << 31
#: Keywords that tell how an exposure was read, by their place in the metadata.
KEYWORDS = {
    "NFRAMES": "exposure.nframes", "GROUPGAP": "exposure.groupgap", "TGROUP": "exposure.group_time",
    "TFRAME": "exposure.frame_time", "NGROUPS": "exposure.ngroups", "NINTS": "exposure.nints",
    "READPATT": "exposure.readpatt", "FASTAXIS": "subarray.fastaxis",
    "SLOWAXIS": "subarray.slowaxis", "NOUTPUTS": "exposure.noutputs", "SUBARRAY": "subarray.name",
}
CLASSES = {
    "group_scale": "GroupScaleStep", "dq_init": "DQInitStep", "saturation": "SaturationStep",
    "ipc": "IPCStep", "superbias": "SuperBiasStep", "refpix": "RefPixStep",
    "linearity": "LinearityStep", "dark_current": "DarkCurrentStep",
    "charge_migration": "ChargeMigrationStep", "jump": "JumpStep",
    "clean_flicker_noise": "CleanFlickerNoiseStep", "persistence": "PersistenceStep",
    "ramp_fit": "RampFitStep", "gain_scale": "GainScaleStep", "emicorr": "EmiCorrStep",
    "firstframe": "FirstFrameStep", "lastframe": "LastFrameStep", "reset": "ResetStep",
    "rscd": "RscdStep", "guider_cds": "GuiderCdsStep", "picture_frame": "PictureFrameStep",
}
#: References that lie nowhere on the detector.
WHOLE = {"ipc", "rscd", "emicorr", "pictureframe"}
#: Steps that take count rates here.
RATES = ("gain_scale", "picture_frame")
FULL = (2048, 2048)
MIRI = ("emicorr", "firstframe", "lastframe", "reset", "rscd")
PARAMETERS = {
    "charge_migration": {"signal_threshold": 1500.0},
    "persistence": {"persistence_time": 100},
    "clean_flicker_noise": {"apply_flat_field": True},
    "picture_frame": {"skip": False, "mask_science_regions": False},
}


def exposure(alias):
    """A ramp that the step changes, or a count rate."""
    from stdatamodels.jwst import datamodels

    rng = np.random.default_rng(1)
    steps = np.arange(1, SHAPE[1] + 1)[:, None, None]
    data = (1000 + 150 * steps + rng.normal(0, 3, SHAPE)).astype(np.float32)
    if alias in RATES:
        image = rng.normal(1, 0.1, FULL).astype(np.float32) if alias == "picture_frame" else data[
            0, 0]
        model = datamodels.ImageModel(data=image)
        for name in ("err", "var_poisson", "var_rnoise"):
            setattr(model, name, np.ones(image.shape, np.float32))
        model.dq = np.zeros(image.shape, np.uint32)
    elif alias == "guider_cds":
        model = datamodels.GuiderRawModel(data=data)
        model.dq = np.zeros(SHAPE[2:], np.uint32)
    else:
        model = datamodels.RampModel(data=data)
        model.groupdq = np.zeros(SHAPE, np.uint8)
        model.pixeldq = np.zeros(SHAPE[2:], np.uint32)
        model.pixeldq[:4] = model.pixeldq[:, :4] = REFERENCE_PIXEL
        model.groupdq[0, 3:, 10, 10] = 2
        model.data[1, 3:, 12, 12] += 500
    meta = model.meta
    meta.telescope, meta.exposure.readpatt = "JWST", "RAPID"
    meta.instrument.name, meta.instrument.detector = "NIRCAM", "NRCA1"
    meta.exposure.type, meta.subarray.name = "NRC_IMAGE", "SUB64P"
    if alias in MIRI:
        meta.instrument.name, meta.instrument.detector = "MIRI", "MIRIMAGE"
        meta.exposure.type, meta.subarray.name = "MIR_IMAGE", "SUB64"
        meta.exposure.readpatt, meta.exposure.nsamples = "FASTR1", 1
    if alias == "guider_cds":
        meta.instrument.name, meta.instrument.detector = "FGS", "GUIDER1"
        meta.exposure.type, meta.subarray.name = "FGS_TRACK", "32X32"
    if alias == "picture_frame":
        meta.instrument.name, meta.instrument.detector = "NIRSPEC", "NRS1"
        meta.exposure.type, meta.subarray.name = "NRS_FIXEDSLIT", "FULL"
    meta.exposure.nints, meta.exposure.ngroups = SHAPE[:2]
    meta.exposure.nframes, meta.exposure.groupgap, meta.exposure.noutputs = 1, 0, 1
    if alias == "group_scale":
        meta.exposure.nframes, meta.exposure.frame_divisor = 3, 4
    meta.exposure.frame_time = meta.exposure.group_time = 10.0
    meta.exposure.integration_time, meta.exposure.start_time = 60.0, 60000.0
    meta.exposure.drop_frames1, meta.exposure.zero_frame = 0, False
    meta.subarray.fastaxis, meta.subarray.slowaxis = -1, 2
    meta.subarray.xstart = meta.subarray.ystart = 1
    meta.subarray.ysize, meta.subarray.xsize = model.data.shape[-2:]
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.filename = "jw00001001001_02101_00001_any_uncal.fits"
    return model


def plane(value):
    """An image of one value."""
    return np.full(SHAPE[2:], value, np.float32)


def references(alias):
    """Good references of a step, by type."""
    from stdatamodels.jwst import datamodels as d

    def emi():
        model = d.EmiModel()
        model.frequencies = {"Hz390": {"frequency": 390.625, "phase_amplitudes":
                                       np.sin(2 * np.pi * np.arange(500) / 500)}}
        model.subarray_cases = {"SUB64": {"rowclocks": 28, "frameclocks": 8512, "freqs": {
            "FAST": ["Hz390"], "SLOW": {"MIRIMAGE": ["Hz390"]}}}}
        return model

    def rscd():
        names = [("subarray", "S17"), ("readpatt", "S12"), ("group_skip1", "i4"),
                 ("group_skip", "i4")]
        model = d.RSCDModel()
        model.rscd_group_skip_table = np.array([("SUB64", "FASTR1", 1, 2)], names)
        return model

    def dark():
        model = d.DarkModel(data=np.ones(SHAPE[1:], np.float32))
        model.dq = np.zeros(SHAPE[2:], np.uint32)
        return model

    def reset():
        model = d.ResetModel(data=np.ones(SHAPE, np.float32))
        model.dq = np.zeros(SHAPE[2:], np.uint32)
        model.meta.exposure.nints, model.meta.exposure.ngroups = SHAPE[:2]
        return model

    def fitted(gain=2, noise=6):
        return {"gain": d.GainModel(data=plane(gain)),
                "readnoise": d.ReadnoiseModel(data=plane(noise))}

    def with_dq(model):
        model.dq = np.zeros(SHAPE[2:], np.uint32)
        return model

    made = {
        "dq_init": lambda: {"mask": d.MaskModel(dq=np.zeros(SHAPE[2:], np.uint32))},
        "saturation": lambda: {"saturation": with_dq(d.SaturationModel(data=plane(60000))),
                               "superbias": with_dq(d.SuperBiasModel(data=plane(900)))},
        "ipc": lambda: {"ipc": d.IPCModel(data=np.float32([[0, .01, 0], [.01, .96, .01],
                                                           [0, .01, 0]]))},
        "superbias": lambda: {"superbias": with_dq(d.SuperBiasModel(data=plane(900)))},
        "linearity": lambda: {"linearity": with_dq(d.LinearityModel(coeffs=np.stack(
            [plane(0), plane(1), plane(1e-7)])))},
        "dark_current": lambda: {"dark": dark()},
        "jump": fitted, "ramp_fit": fitted, "guider_cds": fitted,
        "clean_flicker_noise": lambda: {"flat": with_dq(d.FlatModel(data=plane(1),
                                                                    err=plane(0)))} | fitted(),
        "gain_scale": lambda: {"gain": d.GainModel(data=plane(2))},
        "emicorr": lambda: {"emicorr": emi()}, "rscd": lambda: {"rscd": rscd()},
        "reset": lambda: {"reset": reset()},
        "picture_frame": lambda: {"pictureframe": d.PictureFrameModel(
            data=np.hypot(*np.indices(FULL) - np.float32(1023.5)).astype(np.float32))},
    }.get(alias, dict)()
    science = exposure(alias).meta
    for reftype, model in made.items():
        model.meta.instrument.name = science.instrument.name
        model.meta.instrument.detector = science.instrument.detector
        if reftype not in WHOLE:
            subarray = model.meta.subarray
            subarray.xstart = subarray.ystart = 1
            subarray.ysize, subarray.xsize = SHAPE[2:]
        if reftype == "dark":
            recorded = model.meta.exposure
            recorded.ngroups, recorded.nframes, recorded.groupgap = SHAPE[1], 1, 0
        if reftype == "gain":
            model.meta.exposure.gain_factor = 1.5
    return made


def set_keyword(model, name, value):
    """Set a keyword, also to None, without a check."""
    node, attribute = KEYWORDS[name].split(".")
    instance = getattr(model.meta, node).instance
    if value is None:
        instance.pop(attribute, None)
    else:
        instance[attribute] = value


def other_detector(model, made):
    """References of another detector."""
    for reference in made.values():
        reference.meta.instrument.detector = "NRCB4"


def other_corner(model, made):
    """References of a subarray elsewhere."""
    for reference in made.values():
        reference.meta.subarray.xstart = 200


def bad_gain(model, made):
    """NaN, 0 and less in the gain."""
    made["gain"].data[6, 6:9] = np.nan, 0, -3


def bad_read_noise(model, made):
    """NaN, 0 and less in the read noise."""
    made["readnoise"].data[6, 6:9] = np.nan, 0, -3


def fewer_groups(model, made):
    """A dark or reset anomaly of fewer groups."""
    for reftype in ("dark", "reset"):
        if reftype in made:
            made[reftype].data = made[reftype].data[..., :3, :, :]
            made[reftype].meta.exposure.ngroups = 3


def more_groups(model, made):
    """A dark or reset anomaly of more groups."""
    for reftype in ("dark", "reset"):
        if reftype in made:
            data = made[reftype].data
            made[reftype].data = np.concatenate([data, data], axis=-3)
            made[reftype].meta.exposure.ngroups = 2 * SHAPE[1]


def without_groups(model, made):
    """A dark of one group."""
    made["dark"].data = made["dark"].data[:1]
    made["dark"].meta.exposure.ngroups = 1


def more_groups_promised(model, made):
    """NGROUPS above the groups that the data have."""
    set_keyword(model, "NGROUPS", SHAPE[1] + 3)


def fewer_groups_promised(model, made):
    """NGROUPS below the groups that the data have."""
    set_keyword(model, "NGROUPS", SHAPE[1] - 3)


def missing(name):
    """Return what removes a keyword."""
    def remove(model, made):
        set_keyword(model, name, None)

    remove.__doc__ = f"{name} is missing."
    return remove


def wrongs(alias):
    """What may be wrong with the input of a step, by name."""
    types = set(references(alias))
    found = {}
    if types:
        found["other detector"] = other_detector
    if types - WHOLE and alias not in RATES:
        found["other corner"] = other_corner
    if "gain" in types and alias != "gain_scale":
        found["bad gain"] = bad_gain
    if "readnoise" in types:
        found["bad read noise"] = bad_read_noise
    if types & {"dark", "reset"}:
        found |= {"fewer groups": fewer_groups, "more groups": more_groups}
    if "dark" in types:
        found["without groups"] = without_groups
    if alias not in RATES:
        found |= {"more groups promised": more_groups_promised,
                  "fewer groups promised": fewer_groups_promised}
    return found | {f"no {name}": missing(name) for name in KEYWORDS}


def official(alias, wrong, folder):
    """What the official step does: its status and its warnings, or its error."""
    model, made = exposure(alias), references(alias)
    wrong(model, made)
    paths = {}
    for reftype, reference in made.items():
        paths[reftype] = str(folder / f"{reftype}.{'asdf' if reftype == 'emicorr' else 'fits'}")
        reference.save(paths[reftype])
    from stpipe import Step

    Step.get_ref_override = lambda self, reftype: paths.get(reftype, "N/A")
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        step = getattr(importlib.import_module("jwst.step"), CLASSES[alias])(
            **PARAMETERS.get(alias, {}))
        with contextlib.redirect_stdout(io.StringIO()):
            result = step.run(model)
        result = result[0] if isinstance(result, tuple) else result
        keyword = {"dark_current": "dark_sub"}.get(alias, alias)
        text = "no product" if result is None else getattr(result.meta.cal_step, keyword)
    except BaseException as error:
        text = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    finally:
        logging.getLogger().removeHandler(handler)
    lines = [line for line in dict.fromkeys(said.getvalue().splitlines())
             if "standalone" not in line and "CRDS" not in line]
    return text, " | ".join(lines)


def main(folder):
    """Print what the official package does."""
    warnings.simplefilter("ignore")
    for alias in CLASSES:
        for name, wrong in {"good": lambda model, made: None, **wrongs(alias)}.items():
            print(f"{alias:20} {name:22}", *official(alias, wrong, Path(folder)), sep="  ",
                  flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
