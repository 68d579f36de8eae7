"""Linearity, dark, RSCD and EMI of the official package on arrays, in its environment.

``python linear_chain.py IN.npz OUT.npz``: IN has, for each case, arrays named ``<case>/<name>`` and
``<case>/options``, a JSON text with ``kind`` and what it needs. OUT has what came out, or
``<case>/error``.
"""

import json
import logging
import sys
import warnings

import numpy as np


def linearity(a, frames=None, **options):
    """Linearise; `frames` averaged into a group ask for the read-by-read form."""
    from stcal.linearity.linearity import linearity_correction
    from stdatamodels.jwst.datamodels import dqflags

    pattern = frames and [[x + 1 + g * frames for x in range(frames)]
                          for g in range(a["data"].shape[1])]
    data, pixeldq, zeroframe = linearity_correction(
        a["data"], a["groupdq"], a["pixeldq"], a["coeffs"], a["dq"], dqflags.pixel,
        zframe=a["zeroframe"], ilin_coeffs=a["inverse"] if frames else None,
        read_pattern=pattern)
    return {"data": data, "pixeldq": pixeldq, "zeroframe": zeroframe}


def dark(a, exposure, dark, first, **options):
    """Subtract a dark."""
    from stcal.dark_current import dark_class, dark_sub

    science, reference = dark_class.ScienceData(), dark_class.DarkData()
    science.data, science.pixeldq, science.exp_intstart = a["data"], a["pixeldq"], first
    _, science.exp_nframes, science.exp_groupgap = exposure
    reference.data, reference.groupdq = a["dark"], a["dq"]
    reference.exp_ngroups, reference.exp_nframes, reference.exp_groupgap = dark
    out, _ = dark_sub.do_correction_data(science, reference)
    return {"data": out.data, "pixeldq": out.pixeldq}


def rscd(a, skip, first, **options):
    """Flag the first groups."""
    from jwst.rscd import rscd_sub
    from stdatamodels.jwst.datamodels import RampModel

    ramp = RampModel(data=np.zeros(a["groupdq"].shape, np.float32))
    ramp.groupdq, ramp.pixeldq = a["groupdq"], a["pixeldq"]
    exposure = ramp.meta.exposure
    exposure.nints, exposure.ngroups = a["groupdq"].shape[:2]
    exposure.integration_start = first
    rscd_sub.correction_skip_groups(ramp, *skip)
    return {"groupdq": ramp.groupdq, "pixeldq": ramp.pixeldq}


def emi(a, algorithm, frequency, clocks, readpatt, **options):
    """Remove a wave."""
    from jwst.emicorr import emicorr
    from stdatamodels.jwst.datamodels import RampModel

    ramp = RampModel(data=a["data"])
    ramp.pixeldq = a["pixeldq"]
    ramp.meta.exposure.readpatt = readpatt
    ramp.meta.subarray.xsize, ramp.meta.subarray.xstart = a["data"].shape[3], 1
    if algorithm == "joint":
        emicorr._run_joint_algorithm(ramp, [frequency], [a["wave"]], *clocks,
                                     fit_ints_separately=options["separate"])
    else:
        emicorr._run_sequential_algorithm(
            ramp, ["x"], [frequency], [a["wave"]] if options["reference"] else [], *clocks,
            nbins=options["n_bins"], use_n_cycles=None, scale_reference=options["scale"])
    return {"data": ramp.data}


KINDS = {"linearity": linearity, "dark": dark, "rscd": rscd, "emi": emi}


def main(source, target):
    """Run all cases of a file."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with np.load(source) as file:
        every = {name: file[name] for name in file.files}
    results = {}
    for case in sorted({name.partition("/")[0] for name in every}):
        arrays = {name.partition("/")[2]: array for name, array in every.items()
                  if name.startswith(f"{case}/")}
        options = json.loads(str(arrays.pop("options")))
        try:
            found = KINDS[options.pop("kind")](arrays, **options)
        except (ValueError, IndexError) as error:
            found = {"error": np.array(type(error).__name__)}
        results.update({f"{case}/{name}": array for name, array in found.items()})
    np.savez(target, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
