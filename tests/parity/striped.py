"""Raw exposures of subarrays that are read in stripes, and full-frame references for them.

Each case names the keywords of the readout as they are in real exposures where such are known;
narrow ones take a part of the columns only, across the border of two amplifiers.
"""

import json

import numpy as np
from stdatamodels.jwst import datamodels
from stdatamodels.jwst.datamodels import dqflags

from jwst_cal.detector import _superstripe
from jwst_cal.framework import stripes

SIZE = 2048
FLAG = dqflags.pixel
#: Detector: instrument, fast and slow axis.
DETECTORS = {"NRCA1": ("NIRCAM", -1, 2), "NRCA2": ("NIRCAM", 1, -2), "NRCB1": ("NIRCAM", 1, -2),
             "NRCALONG": ("NIRCAM", -1, 2), "NIS": ("NIRISS", -2, -1)}
PATTERNS = {1: ("RAPID", 0), 2: ("BRIGHT2", 0), 4: ("SHALLOW4", 1)}


def kind(detector, subarray, keywords, size, fast=(1, 2048), slow=1, **readout):
    """
    Describe an exposure.

    Keywords are MSTR_RD1, SK1, RD2, SK2, RPT, ILV, SSTR_STP and SSTR_NST; `size` the rows of the
    array along the slow axis; `fast` start and size along the fast one; `slow` the start.
    """
    return {"detector": detector, "subarray": subarray, "keywords": keywords, "size": size,
            "fast": fast, "slow": slow, **readout}


NARROW = (385, 256)
#: By name. The first has the dimensions of a real exposure.
KINDS = {
    "dhs-164": kind("NRCA1", "SUB164STRIPE4_DHS", (1, 1526, 40, 85, 1, 1, 0, 0), 164),
    "dhs-41": kind("NRCA1", "SUB41STRIPE1_DHS", (1, 1901, 40, 0, 1, 1, 0, 0), 41, NARROW,
                   own=True),
    "dhs-82": kind("NRCA2", "SUB82STRIPE2_DHS", (1, 1662, 40, 82, 1, 1, 0, 0), 82, NARROW,
                   slow=1967, n_frames=2),
    "dhs-260-long": kind("NRCALONG", "SUB260STRIPE4_DHS", (1, 971, 64, 0, 1, 0, 0, 0), 260, NARROW,
                         n_groups=4),
    "dhs-onward": kind("NRCA1", "SUB80STRIPE2_DHS", (1, 900, 20, 5, 0, 0, 0, 0), 61, NARROW),
    "superstripe-soss": kind("NIS", "SUB204STRIPE_SOSS", (4, 0, 204, 0, 1, 1, 204, 10), 208,
                             (1793, 256), slow=2048, n_ints=2, n_groups=4),
    "superstripe-repeats": kind("NRCB1", "SUB64P_SUPSTP002", (1, 165, 1, 0, 1, 0, 1, 64), 8,
                                (1851, 64), slow=2046, n_outputs=1, n_groups=3, n_ints=2),
    "superstripe-plain": kind("NRCA1", "FULL_SUPSTP120", (4, 0, 120, 0, 1, 0, 120, 17), 124,
                              (449, 128), n_frames=4, n_groups=5, n_ints=2, segment=2),
}


class Maps:
    """What every pixel of the window of all slow rows is like, in the order of the array."""

    def __init__(self, what, rng):
        self.instrument, self.fast_axis, self.slow_axis = DETECTORS[what["detector"]]
        self.axis = -abs(self.slow_axis)
        fast_start, fast_size = what["fast"]
        self.shape = [SIZE, SIZE]
        self.shape[-3 - self.axis] = fast_size
        self.corner = {self.axis: 1, -3 - self.axis: fast_start}
        shape = tuple(self.shape)
        rows, cols = (np.arange(n) + self.corner[axis] - 1
                      for n, axis in zip(shape, (-2, -1), strict=True))
        edge = [(p < 4) | (p >= SIZE - 4) for p in (rows, cols)]
        self.reference = edge[0][:, None] | edge[1]
        self.bias = rng.normal(11000, 200, shape).astype("f4")
        self.bias[rng.random(shape) < 1e-4] = np.nan
        self.gain = rng.normal(2, 0.05, shape).astype("f4")
        self.gain[rng.random(shape) < 1e-4] = rng.choice([np.nan, -1])
        self.noise = rng.normal(9, 1, shape).astype("f4")
        self.limit = rng.normal(58000, 500, shape).astype("f4")
        self.limit[rng.random(shape) < 1e-4] = np.nan
        self.bend = rng.normal(1e-6, 1e-7, shape).astype("f4")
        self.rate = (rng.lognormal(3.5, 1.2, shape) * ~self.reference).astype("f4")
        self.mask = np.where(self.reference, FLAG["REFERENCE_PIXEL"], 0).astype("u4")
        self.mask[rng.random(shape) < 3e-3] |= FLAG["DO_NOT_USE"] | FLAG["HOT"]
        # the first rows are the reference rows of all stripes: the official package takes the
        # flags of the first stripe for all
        self.mask[self.reference] = FLAG["REFERENCE_PIXEL"]

    def at(self, found, array):
        """A map for each stripe, [superstripe, row, col]."""
        if self.axis == -2:
            return array[found.position]
        return np.moveaxis(array[:, found.position], 1, 0)


def _meta(model, what, maps):
    meta, (slow_size, fast_size) = model.meta, (what["size"], what["fast"][1])
    meta.telescope, meta.filename = "JWST", "jw04453010001_02106_00001_sim_uncal.fits"
    meta.instrument.name, meta.instrument.detector = maps.instrument, what["detector"]
    meta.instrument.filter = "F322W2" if maps.instrument == "NIRCAM" else "CLEAR"
    meta.instrument.pupil = "GDHS0" if maps.instrument == "NIRCAM" else "GR700XD"
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.subarray.name = what["subarray"]
    meta.subarray.fastaxis, meta.subarray.slowaxis = maps.fast_axis, maps.slow_axis
    names = ("multistripe_reads1", "multistripe_skips1", "multistripe_reads2",
             "multistripe_skips2", "repeat_stripe", "interleave_reads1", "superstripe_step",
             "num_superstripe")
    for name, value in zip(names, what["keywords"], strict=True):
        setattr(meta.subarray, name, value)
    along = {maps.axis: (what["slow"], slow_size), -3 - maps.axis: what["fast"]}
    (meta.subarray.ystart, meta.subarray.ysize), (meta.subarray.xstart, meta.subarray.xsize) = (
        along[-2], along[-1])
    along = {axis: size for axis, (_, size) in along.items()}
    return along[-2], along[-1]


def expose(what, maps, rng):
    """Make the raw exposure."""
    n, n_groups = what["keywords"][7], what.get("n_groups", 6)
    n_ints = what.get("n_ints", 3) * max(n, 1)
    frames = what.get("n_frames", 1)
    readpatt, gap = PATTERNS[frames]
    model = datamodels.Level1bModel()
    shape = _meta(model, what, maps)
    exposure = model.meta.exposure
    exposure.type = "NRC_TSGRISM" if maps.instrument == "NIRCAM" else "NIS_SOSS"
    exposure.readpatt, exposure.nframes, exposure.groupgap = readpatt, frames, gap
    exposure.frame_divisor, exposure.nsamples, exposure.drop_frames1 = frames, 1, 0
    exposure.nints, exposure.ngroups = n_ints, n_groups
    exposure.noutputs = what.get("n_outputs", 4)
    exposure.frame_time = 0.86461 if maps.instrument == "NIRCAM" else 0.5628
    exposure.group_time = exposure.frame_time * (frames + gap)
    exposure.integration_time = exposure.group_time * n_groups
    exposure.exposure_time = exposure.integration_time * n_ints
    exposure.start_time = 60677.127
    exposure.zero_frame = frames > 1
    first = 1 + what.get("segment", 0) * n_ints
    exposure.integration_start, exposure.integration_end = first, first + n_ints - 1
    if "segment" in what:
        exposure.segment_number, exposure.total_segments = what["segment"] + 1, 4
        exposure.nints = 4 * n_ints
    model.meta.visit.tsovisit = True

    model.data = data = np.empty((n_ints, n_groups, *shape), np.uint16)
    found = stripes.layout(model)
    bias, rate, bend, limit, gain = (
        np.nan_to_num(maps.at(found, array), nan=11000)
        for array in (maps.bias, maps.rate, maps.bend, maps.limit, maps.gain))
    which = np.arange(n_ints) % max(n, 1)
    times = np.reshape(_superstripe.read_times(model, found), (n_groups, -1, frames)).mean(-1)
    times = (10 * n_groups / times.max() * times)[:, found.stripe]
    times = times[..., None] if maps.axis == -2 else times[:, None]
    amplifier = (np.arange(shape[1] if maps.axis == -2 else shape[0])
                 + what["fast"][0] - 1) * 4 // SIZE
    offset = rng.normal(0, 15, (n_ints, n_groups, 4, 2))[:, :, amplifier, np.arange(
        len(amplifier)) % 2]
    offset = offset[..., None, :] if maps.axis == -2 else offset[..., None]
    zeroframe = np.empty((n_ints, *shape), np.uint16)
    for k, stripe in enumerate(which):
        signal = rate[stripe] * times
        signal += (rng.random(signal.shape) < 0.004).cumsum(0) * rng.lognormal(7, 2, signal.shape)
        signal += rng.normal(0, 6, signal.shape)
        counts = bias[stripe] + signal - bend[stripe] * signal * np.abs(signal) + offset[k]
        low, high = rng.random((2, *shape)) < 3e-4
        counts[:, low] = 0
        counts[:, high] += 45000
        data[k] = np.clip(np.rint(counts), 0, 65535)
        zeroframe[k] = np.clip(data[k, 0] * 0.9 + 0.1 * bias[stripe], 0, 65535)
    model.data = data
    if exposure.zero_frame:
        model.zeroframe = zeroframe
    model.int_times = _int_times(model, first, n_ints)
    model.group = _groups(model, n_ints, n_groups, shape)
    return model


def _int_times(model, first, n_ints):
    table = np.zeros(n_ints, model.get_dtype("int_times"))
    table["integration_number"] = np.arange(n_ints) + first
    begin = 60677.127 + np.arange(n_ints) * 1e-4
    for name, shift in (("start", 0), ("mid", 4e-5), ("end", 8e-5)):
        table[f"int_{name}_MJD_UTC"] = begin + shift
        table[f"int_{name}_BJD_TDB"] = begin + shift + 0.003
    return table


def _groups(model, n_ints, n_groups, shape):
    table = np.zeros(n_ints * n_groups, model.get_dtype("group"))
    table["integration_number"] = np.repeat(np.arange(n_ints) + 1, n_groups)
    table["group_number"] = np.tile(np.arange(n_groups) + 1, n_ints)
    table["number_of_rows"], table["number_of_columns"] = shape
    return table


def _reference(model, reftype, maps, what, window):
    meta = model.meta
    meta.telescope, meta.reftype = "JWST", reftype.upper()
    meta.instrument.name, meta.instrument.detector = maps.instrument, what["detector"]
    meta.description = meta.author = "simulated"
    meta.pedigree, meta.useafter = "DUMMY", "2020-01-01T00:00:00"
    for name, value in window.items():
        setattr(meta.subarray, name, value)
    meta.subarray.fastaxis, meta.subarray.slowaxis = maps.fast_axis, maps.slow_axis
    return model


def references(what, maps, exposure, rng):
    """Make the references, by type."""
    full = {"xstart": maps.corner[-1], "ystart": maps.corner[-2], "xsize": maps.shape[1],
            "ysize": maps.shape[0], "name": "GENERIC"}
    subarray, found = exposure.meta.subarray, stripes.layout(exposure)
    own = {name: getattr(subarray, name) for name in full}
    made = {
        "mask": datamodels.MaskModel(dq=maps.mask),
        "saturation": datamodels.SaturationModel(data=maps.limit),
        "superbias": datamodels.SuperBiasModel(data=maps.bias),
        "gain": datamodels.GainModel(data=maps.gain),
        "readnoise": datamodels.ReadnoiseModel(data=maps.noise),
        "linearity": datamodels.LinearityModel(
            coeffs=np.stack([np.zeros_like(maps.bend), np.ones_like(maps.bend), maps.bend])),
    }
    made["saturation"].dq = np.where(maps.reference, FLAG["NO_SAT_CHECK"], 0).astype("u4")
    made["superbias"].dq = np.where(np.isnan(maps.bias), FLAG["UNRELIABLE_BIAS"], 0).astype("u4")
    made["linearity"].dq = (rng.random(maps.shape) < 1e-3).astype("u4") * FLAG["NO_LIN_CORR"]
    made = {name: _reference(model, name, maps, what, full) for name, model in made.items()}
    if what.get("own"):
        made["superbias"] = _reference(datamodels.SuperBiasModel(
            data=maps.at(found, maps.bias)[0]), "superbias", maps, what, own)
    shape = list(exposure.data.shape[-2:])
    if what["keywords"][7]:
        position = found.position[:, ~found.reference]
        shape[found.axis] = position.max() - position.min() + 1
        if "SOSS" in what["subarray"]:
            shape[found.axis] = SIZE
        own["ysize"], own["xsize"] = shape
        own[("ystart", "xstart")[found.axis]] = 1 if "SOSS" in what["subarray"] else int(
            position.min()) + 1
    n_groups = exposure.meta.exposure.ngroups * max(found.stripe.max() + 1, 1)
    n_planes = n_groups * (exposure.meta.exposure.nframes + exposure.meta.exposure.groupgap)
    planes = np.arange(n_planes, dtype="f4")[:, None, None]
    made["dark"] = _reference(datamodels.DarkModel(
        data=0.1 * planes + rng.normal(0, 0.2, (n_planes, *shape)).astype("f4")), "dark", maps,
        what, own)
    dark = made["dark"].meta.exposure
    dark.nframes, dark.groupgap, dark.ngroups, dark.average_dark_current = 1, 0, n_planes, 0.02
    return made


def make(name, folder):
    """
    Write an exposure and its references.

    Parameters
    ----------
    name : str
        One of KINDS.
    folder : Path
        Where.

    Returns
    -------
    Path
        The exposure; beside it lies ``references.json`` with the paths of the references by type.
    """
    what = KINDS[name]
    rng = np.random.default_rng(list(KINDS).index(name))
    maps = Maps(what, rng)
    exposure = expose(what, maps, rng)
    paths = {}
    for reftype, model in references(what, maps, exposure, rng).items():
        paths[reftype] = str(folder / f"{reftype}.fits")
        model.save(paths[reftype])
    (folder / "references.json").write_text(json.dumps(paths))
    path = folder / exposure.meta.filename
    exposure.save(path)
    return path
