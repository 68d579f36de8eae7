"""Fit ramps with the official package: ``python fit_ramps.py IN.npz OUT.npz``, in its environment.

IN has, for each case, arrays named ``<case>/<name>`` and ``<case>/options``, a JSON text.
"""

import json
import sys

import numpy as np


def fit(arrays, options):
    """Fit one case; return its arrays by name, or none when it fits nothing."""
    from stcal.ramp_fitting import ramp_fit, ramp_fit_class
    from stdatamodels.jwst.datamodels import dqflags

    groupdq = arrays["groupdq"]
    charged = (groupdq & dqflags.group["CHARGELOSS"]).any()
    ramps = ramp_fit_class.RampData()
    ramps.algorithm = options["algorithm"]
    ramps.set_arrays(arrays["data"], groupdq, arrays["pixeldq"], arrays["dark_current"],
                     orig_gdq=groupdq.copy() if charged else None,
                     zeroframe=arrays.get("zeroframe"))
    ramps.set_meta(name=options["instrument"], frame_time=options["frame_time"],
                   group_time=options["group_time"], groupgap=options["group_gap"],
                   nframes=options["n_frames"], drop_frames1=0)
    ramps.set_dqflags(dqflags.pixel)
    ramps.start_row, ramps.num_rows = 0, groupdq.shape[2]
    ramps.suppress_one_group_ramps = options["suppress_one_group"] and groupdq.shape[1] > 1
    found = ramp_fit.ramp_fit_data(ramps, False, arrays["read_noise"], arrays["gain"],
                                   options["algorithm"], "optimal", "none")
    return {f"{product}.{name}": array
            for product, result in zip(("rate", "rateints"), found, strict=False) if result
            for name, array in result.items()}


def main(source, target):
    """Fit all cases of a file."""
    with np.load(source) as file:
        every = {name: file[name] for name in file.files}
    results = {}
    for case in sorted({name.partition("/")[0] for name in every}):
        arrays = {name.partition("/")[2]: array for name, array in every.items()
                  if name.startswith(f"{case}/")}
        options = json.loads(str(arrays.pop("options")))
        results.update({f"{case}/{name}": a for name, a in fit(arrays, options).items()})
    np.savez(target, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
