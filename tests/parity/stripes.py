"""Subarrays read in several stripes, through the steps that know of them, on random exposures.

``python stripes.py OUT.npz`` runs the official package's, in its environment; the test runs ours
on the same. Needs numpy and stdatamodels only.
"""

import importlib
import json
import logging
import sys
import warnings
import zlib

import numpy as np

DNU, HOT, NO_SAT_CHECK, REFERENCE = 1, 1 << 11, 1 << 21, 1 << 31
SIZE = 2048
CLASSES = {"dq_init": "DQInitStep", "saturation": "SaturationStep", "superbias": "SuperBiasStep",
           "refpix": "RefPixStep", "linearity": "LinearityStep", "jump": "JumpStep",
           "ramp_fit": "RampFitStep"}
MODULES = {"ramp_fit": "ramp_fitting"}
#: Detector: instrument, fast and slow axis.
DETECTORS = {"NRCA1": ("NIRCAM", -1, 2), "NRCA2": ("NIRCAM", 1, -2), "NRCB1": ("NIRCAM", 1, -2),
             "NRCALONG": ("NIRCAM", -1, 2), "NIS": ("NIRISS", -2, -1)}
KEYWORDS = ("multistripe_reads1", "multistripe_skips1", "multistripe_reads2",
            "multistripe_skips2", "repeat_stripe", "interleave_reads1", "superstripe_step",
            "num_superstripe")


def kind(detector, subarray, keywords, size, fast=(504, 16), slow=1, **readout):
    """
    Describe an exposure.

    `keywords` are those of KEYWORDS; `size` the rows of the array along the slow axis; `fast`
    start and size along the fast one, by default across the border of two amplifiers; `slow` the
    start along the slow axis.
    """
    return {"detector": detector, "subarray": subarray, "keywords": keywords, "size": size,
            "fast": fast, "slow": slow, **readout}


#: By name; keywords as in real exposures where these are known.
KINDS = {
    "41": kind("NRCA1", "SUB41STRIPE1_DHS", (1, 1901, 40, 0, 1, 1, 0, 0), 41),
    "82 from the end": kind("NRCA2", "SUB82STRIPE2_DHS", (1, 1662, 40, 82, 1, 1, 0, 0), 82,
                            slow=1967, n_frames=4),
    "164": kind("NRCA1", "SUB164STRIPE4_DHS", (1, 1526, 40, 85, 1, 1, 0, 0), 164),
    "164 repeated": kind("NRCALONG", "SUB164STRIPE4_DHS", (1, 971, 40, 0, 1, 0, 0, 0), 164),
    "260": kind("NRCA1", "SUB260STRIPE4_DHS", (1, 1500, 64, 60, 1, 1, 0, 0), 260),
    "onward": kind("NRCB1", "SUB64", (2, 900, 20, 5, 0, 0, 0, 0), 62, slow=2044),
    "without reference rows": kind("NRCA1", "SUB160STRIPE4_DHS", (0, 1526, 40, 85, 1, 1, 0, 0),
                                   160),
    "soss 204": kind("NIS", "SUB204STRIPE_SOSS", (4, 0, 204, 0, 1, 1, 204, 10), 208, (2033, 16),
                     slow=2048),
    "soss 680": kind("NIS", "SUB680STRIPE_SOSS", (4, 0, 680, 0, 1, 1, 680, 3), 684, (2033, 16),
                     slow=2048),
    "soss forward": kind("NIS", "SUB60STRIPE_SOSS", (4, 0, 60, 0, 1, 1, 60, 34), 64, (1, 16),
                         slow=1, axes=(2, 1)),
    "sub64p repeated": kind("NRCB1", "SUB64P_SUPSTP002", (1, 165, 1, 0, 1, 0, 1, 64), 8,
                            (1851, 64), slow=2046, n_outputs=1, n_frames=2),
    "sub64p plain": kind("NRCA1", "SUB64P_SUPSTP008", (0, 165, 0, 0, 0, 0, 8, 8), 8, (150, 64),
                         n_outputs=1),
    "full": kind("NRCA1", "FULL_SUPSTP120", (4, 0, 120, 0, 1, 0, 120, 17), 124, n_frames=4),
    "interleaved": kind("NIS", "SUB256", (4, 0, 50, 1, 1, 1, 204, 5), 216, (1, 16), slow=2048),
    "starts at one end": kind("NRCA2", "FULL_SUPSTP024", (4, 10, 24, 0, 1, 0, 24, 3), 28),
}
SUPER = [name for name, what in KINDS.items() if what["keywords"][-1]]
SUB = [name for name in KINDS if name not in SUPER]
#: Step and exposure.
CASES = {f"{step}, {name}": (step, name)
         for steps, names in ((("dq_init", "saturation", "superbias", "refpix"), KINDS),
                              (("linearity", "jump"), SUB))
         for step in steps for name in names}
#: Assembled exposures whose reads are not evenly spaced.
CASES |= {f"{step}, read times": (step, None) for step in ("linearity", "jump", "ramp_fit")}
#: What the results may differ in: how an exposure must be changed, and on which side.
APART = {"refpix, flags of each stripe": ("refpix", "full"),
         "refpix, zeroframe of repeats": ("refpix", "sub64p repeated")}


def axes(what):
    """Axis of the array of the slow direction, instrument, FASTAXIS, SLOWAXIS."""
    instrument, fast, slow = DETECTORS[what["detector"]]
    fast, slow = what.get("axes", (fast, slow))
    return -abs(slow), instrument, fast, slow


def exposure(rng, what):
    """A ramp with offsets, outliers and bad pixels; reference rows where they are read."""
    from stdatamodels.jwst import datamodels

    axis, instrument, fast, slow = axes(what)
    n = what["keywords"][-1]
    shape = [what["size"], what["size"]]
    shape[-3 - axis] = what["fast"][1]
    n_ints, n_groups, n_frames = 2 * max(n, 1), 4, what.get("n_frames", 1)
    full = (n_ints, n_groups, *shape)
    model = (datamodels.SuperstripeRampModel if n else datamodels.RampModel)()
    names = dict(zip(KEYWORDS, what["keywords"], strict=True))
    for name, value in names.items():
        setattr(model.meta.subarray, name, value)
    data = rng.normal(20, 8, full) + rng.uniform(-30, 30, (*full[:2], 1, 1))
    data += np.where(rng.random(full) < 0.01, rng.normal(0, 300, full), 0)
    model.data = data.astype(np.float32)
    meta = model.meta
    meta.instrument.name, meta.instrument.detector = instrument, what["detector"]
    meta.exposure.type, meta.exposure.readpatt = "NRC_TSGRISM", "RAPID"
    meta.exposure.nframes, meta.exposure.groupgap = n_frames, 1 if n_frames > 1 else 0
    meta.exposure.noutputs = what.get("n_outputs", 4)
    meta.exposure.nints, meta.exposure.ngroups = 3 * n_ints, n_groups
    meta.exposure.integration_start, meta.exposure.integration_end = n_ints + 1, 2 * n_ints
    meta.exposure.group_time = meta.exposure.frame_time = 1.3
    meta.exposure.zero_frame = False
    along = {axis: (what["slow"], what["size"]), -3 - axis: what["fast"]}
    (meta.subarray.ystart, meta.subarray.ysize) = along[-2]
    (meta.subarray.xstart, meta.subarray.xsize) = along[-1]
    meta.subarray.fastaxis, meta.subarray.slowaxis = fast, slow
    meta.subarray.name = what["subarray"]
    meta.filename = "jw00001001001_02101_00001_nrca1_uncal.fits"
    model.int_times = int_times(model, n_ints)
    planes = (n, *shape) if n else tuple(shape)
    model.groupdq = np.where(rng.random(full) < 0.02, DNU, 0).astype(np.uint8)
    model.pixeldq = reference_pixels(what, planes)
    bad = rng.random(planes[-2:]) < 0.1  # the same for all superstripes
    model.pixeldq |= np.where(bad, DNU, 0).astype(np.uint32)
    return model


def reference_pixels(what, planes):
    """Flags: rows read first, in each frame, and four rows at the end of the fast axis."""
    axis, _, _, slow = axes(what)
    reads1, _, reads2, _, repeat, _, step, _ = what["keywords"]
    kinds = np.zeros(what["size"], bool)
    period = reads1 + (reads2 or step)
    kinds[:reads1] = True
    if repeat:
        kinds |= np.arange(what["size"]) % period < reads1
    kinds = kinds[:: np.sign(slow)]
    flags = np.zeros(planes, np.uint32)
    flags[..., kinds if axis == -1 else slice(None)] |= REFERENCE if axis == -1 else 0
    if axis == -2:
        flags[..., kinds, :] |= REFERENCE
    if what["fast"][0] in (1, 2033):
        flags[..., :4 if axis == -1 else None, : None if axis == -1 else 4] |= REFERENCE
    return flags


def int_times(model, n_ints):
    """Times of the integrations of a later segment."""
    table = np.zeros(n_ints, model.get_dtype("int_times"))
    table["integration_number"] = n_ints + 1 + np.arange(n_ints)
    for number, name in enumerate(table.dtype.names[1:]):
        table[name] = 60000.0 + 1e-3 * np.arange(n_ints) + 1e-4 * number
    return table


def uneven(rng):
    """An assembled exposure of light ramps, with the times of its reads."""
    from stdatamodels.jwst import datamodels

    times = np.array([[0.305, 0.457], [0.61, 0.762], [1.3, 1.46], [1.605, 1.757], [2.3, 2.452],
                      [2.605, 2.757], [3.3, 3.452], [3.605, 3.757]])
    shape = (2, len(times), 24, 64)
    rate = rng.uniform(500, 5000, shape[2:])
    grown = rng.poisson(np.diff(times.mean(axis=1), prepend=0)[:, None, None] * rate * 2, shape)
    data = grown.cumsum(axis=1) / 2 + rng.normal(0, 6, shape)
    data += np.where(rng.random(shape) < 0.01, rng.uniform(300, 3000, shape), 0).cumsum(axis=1)
    model = datamodels.RampModel(data=data.astype(np.float32))
    model.groupdq = np.where(rng.random(shape) < 0.01, 2, 0).astype(np.uint8)
    meta = model.meta
    meta.instrument.name, meta.instrument.detector = "NIRCAM", "NRCB1"
    meta.exposure.type, meta.exposure.nframes, meta.exposure.groupgap = "NRC_IMAGE", 2, 0
    meta.exposure.nints, meta.exposure.ngroups = shape[:2]
    meta.exposure.group_time = meta.exposure.frame_time = 0.76
    meta.exposure.zero_frame = False
    meta.subarray.xstart, meta.subarray.ystart, meta.subarray.name = 3, 1, "SUB64P_SUPSTP002"
    meta.subarray.ysize, meta.subarray.xsize = shape[2:]
    meta.exposure.read_times = times.tolist()
    meta.filename = "jw00001001001_02101_00001_nrcb1_uncal.fits"
    return model


def climb(rng, model):
    """Make the ramp raw counts that hit the limit and the floor, with a zeroframe."""
    shape = model.data.shape
    rate = rng.lognormal(8, 1.5, (shape[0], 1, *shape[2:]))
    hits = np.where(rng.random(shape) < 0.03, rng.uniform(0, 6e4, shape), 0).cumsum(axis=1)
    steps = rate * np.arange(1, shape[1] + 1)[:, None, None]
    data = np.minimum(np.rint(1000 + steps + hits), 65535)
    data[rng.random(shape) < 0.01] = 0
    model.data = data.astype(np.float32)


def add_zeroframe(rng, model):
    """Give it a zeroframe."""
    zero = model.data[:, 0] + np.float32(50)
    model.zeroframe = np.where(rng.random(zero.shape) < 0.02, np.float32(0), zero)
    model.meta.exposure.zero_frame = True


def references(rng, step, what):
    """References of the whole detector along the slow axis, as open models by type, or N/A."""
    from stdatamodels.jwst import datamodels

    axis, instrument, _, _ = axes(what)
    shape = [SIZE, SIZE]
    shape[-3 - axis] = what["fast"][1] + 6
    shape = tuple(shape)
    limit = rng.uniform(3e4, 6e4, shape).astype(np.float32)
    limit[rng.random(shape) < 0.02] = np.nan
    bias = rng.normal(1000, 200, shape).astype(np.float32)
    made = {}
    if step == "dq_init":
        dq = np.where(rng.random(shape) < 0.1, DNU | HOT, 0).astype(np.uint32)
        made["mask"] = datamodels.MaskModel(dq=dq)
    if step == "saturation":
        made["saturation"] = datamodels.SaturationModel(data=limit)
        made["saturation"].dq = np.where(rng.random(shape) < 0.02, NO_SAT_CHECK, 0).astype("u4")
    if step in ("saturation", "superbias"):
        if step == "superbias":
            bias[rng.random(shape) < 0.01] = np.nan
        made["superbias"] = datamodels.SuperBiasModel(data=bias)
        made["superbias"].dq = np.where(rng.random(shape) < 0.02, HOT, 0).astype("u4")
    if step == "linearity":
        coeffs = np.stack([np.zeros(shape), np.ones(shape), rng.normal(1e-6, 1e-7, shape)])
        made["linearity"] = datamodels.LinearityModel(coeffs=coeffs.astype(np.float32))
        made["linearity"].inv_coeffs = (coeffs * np.array([1, 1, -1])[:, None, None]).astype("f4")
        made["linearity"].dq = np.where(rng.random(shape) < 0.02, HOT, 0).astype("u4")
    if step in ("jump", "ramp_fit"):
        made["gain"] = datamodels.GainModel(data=rng.uniform(1, 5, shape).astype(np.float32))
        made["readnoise"] = datamodels.ReadnoiseModel(
            data=rng.uniform(5, 20, shape).astype(np.float32))
    for model in made.values():
        model.meta.instrument.name = instrument
        place = {-3 - axis: max(what["fast"][0] - 3, 1), axis: 1}
        model.meta.subarray.ystart, model.meta.subarray.xstart = place[-2], place[-1]
        model.meta.subarray.ysize, model.meta.subarray.xsize = shape
    if step == "refpix":
        made = {"refpix": "N/A", "sirskernel": "N/A"}
    return made


def make(name):
    """Return step, model and parameters of a case."""
    step, which = (CASES | APART)[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if which is None:
        return step, uneven(rng), {f"override_{reftype}": reference for reftype, reference in
                                   references(rng, step, kind("NRCB1", "", (), 0, (3, 64))).items()}
    what = KINDS[which]
    model = exposure(rng, what)
    if step in ("saturation", "linearity", "jump"):
        climb(rng, model)
    if name in APART or (what.get("n_frames", 1) > 1 and which != "sub64p repeated"):
        add_zeroframe(rng, model)
    if name == "refpix, flags of each stripe":
        model.pixeldq |= np.where(rng.random(model.pixeldq.shape) < 0.3, DNU, 0).astype("u4")
    found = {f"override_{reftype}": reference
             for reftype, reference in references(rng, step, what).items()}
    return step, model, found


def last(result):
    """The rates by integration, of a fit."""
    return result[1] if isinstance(result, tuple) else result


def layouts(n=200):
    """Exposures, without data, of random keywords that make a subarray and stay on the detector."""
    from stdatamodels.jwst import datamodels

    rng = np.random.default_rng(5)
    while n:
        reads1, skips1, skips2 = rng.integers(0, 6), rng.integers(0, 300), rng.integers(0, 50)
        reads2, step, nst = rng.integers(1, 60), rng.integers(1, 60), rng.integers(0, 12)
        repeat, interleave, stripes = rng.integers(0, 2), rng.integers(0, 2), rng.integers(1, 6)
        if nst and rng.random() < 0.2:
            reads2 = 0
        rows = reads2 or step
        slow = int(rng.choice([1, -1, 2, -2]))
        first = rng.integers(0, 200)
        if first + reads1 + skips1 + stripes * (rows + skips2) + step * nst > SIZE:
            continue
        n -= 1
        model = datamodels.RampModel()
        keywords = (reads1, skips1, reads2, skips2, repeat, interleave, step, nst)
        for name, value in zip(KEYWORDS, map(int, keywords), strict=True):
            setattr(model.meta.subarray, name, value)
        subarray = model.meta.subarray
        subarray.slowaxis, subarray.fastaxis = slow, 3 - abs(slow)
        size = int(stripes * rows + reads1 * (stripes if repeat else 1))
        start = int(first + 1 if slow > 0 else SIZE - first)
        subarray.name = str(rng.choice(["SUB64", "SUB41STRIPE1_DHS"]))
        subarray.xsize, subarray.ysize = (size, 2) if abs(slow) == 1 else (2, size)
        subarray.xstart, subarray.ystart = (start, 1) if abs(slow) == 1 else (1, start)
        yield model


def positions(model):
    """Rows of the detector of an exposure, [superstripe, row], as the official package has them."""
    from jwst.lib.stripe_utils import generate_stripe_reference

    axis = -abs(model.meta.subarray.slowaxis)
    place = np.arange(SIZE)[:, None] + np.zeros(2, int)
    found = generate_stripe_reference(place if axis == -2 else place.T, model)
    found = found if axis == -2 else np.swapaxes(found, -1, -2)
    return np.atleast_3d(found)[..., 0] if found.ndim == 3 else found[None, :, 0]


def results(model):
    """The arrays, tables and metadata of a result."""
    names = ("data", "groupdq", "pixeldq", "zeroframe", "int_times", "int_times_stripe", "dq",
             "err", "var_poisson", "var_rnoise")
    found = {}
    for name in names:
        array = getattr(model, name, None) if model.hasattr(name) else None
        if array is not None and len(array):
            array = np.array(array)
            columns = array.dtype.names
            found |= ({f"{name}.{c}": array[c] for c in columns} if columns else {name: array})
    flat = {k: v for k, v in model.to_flat_dict(include_arrays=False).items()
            if k.startswith(("meta.subarray", "meta.exposure", "meta.cal_step"))}
    found["meta"] = np.array(json.dumps({"class": type(model).__name__, **flat}, default=str,
                                        sort_keys=True))
    return found


def main(target):
    """Run all cases with the official package."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    found = {}
    for name in CASES | APART:
        step, model, parameters = make(name)
        found[f"{name}/input"] = np.array(model.data)
        module = importlib.import_module(f"jwst.{MODULES.get(step, step)}")
        cls = getattr(module, CLASSES[step])
        result = cls(skip=False, **parameters).process(model)
        found.update({f"{name}/{key}": array for key, array in results(last(result)).items()})
    found.update({f"layout {k}": positions(model) for k, model in enumerate(layouts())})
    np.savez(target, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
