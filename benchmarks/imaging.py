"""Stages 2 and 3 of images by both packages on the same exposures, side by side in one run.

    python -m benchmarks.imaging [--case NAME ...] [--repeats 5] [--threads 1] [--json FILE]
                                 [--plots FOLDER]

``image2`` is one NIRCam exposure of 2048 x 2048 pixels; ``image3-4`` a mosaic of four dithers of
it, ``image3-32`` of 32. Cold, warm, CPU seconds and peak memory are those of
``benchmarks.detector1``, as are the rules of measuring.
"""

import argparse
import os
import tempfile
from pathlib import Path

from benchmarks import detector1
from jwst_cal import models
from jwst_cal.framework import reference_store
from jwst_cal.pipelines import Detector1Pipeline, Image2Pipeline, Image3Pipeline
from jwst_cal.simulate import dithers

#: Number of dithers, pipeline, least CPU ratio cold and warm.
CASES = {"image2": (1, "Image2Pipeline", 8, 8), "image3-4": (4, "Image3Pipeline", 8, 8),
         "image3-32": (32, "Image3Pipeline", 8, 8)}


def provide(name, folder):
    """Simulate the exposures of a case; return the input and its references by type."""
    os.environ["JWST_CAL_CRDS"] = "embedded"
    count, pipeline, *_ = CASES[name]
    found = dithers.dithers(folder, "NIRCAM", subarray="FULL", detectors=["NRCB1"],
                            n_dithers=max(count, 2), n_groups=4, n_ints=1)
    rates = []
    for path in found.exposures[:count]:
        Detector1Pipeline.call(str(path), save_results=True, output_dir=str(folder))
        path.unlink()
        rates.append(str(path).replace("_uncal", "_rate"))
    given = rates[0]
    if pipeline == "Image3Pipeline":
        for path in rates:
            Image2Pipeline.call(path, save_results=True, output_dir=str(folder),
                                steps={"resample": {"skip": True}})
        given = str(found.level3)
    header = models.read_header(rates[0])
    cls = {"Image2Pipeline": Image2Pipeline, "Image3Pipeline": Image3Pipeline}[pipeline]
    types = {kind for step in cls.step_defs.values() for kind in step.reference_file_types}
    return given, {kind: reference_store.find(header, kind) for kind in sorted(types)}


def compare(name, repeats, threads):
    """Measure one case; return a row of medians."""
    _, pipeline, cold, warm = CASES[name]
    row = {"exposure": name, "threads": threads, "repeats": repeats,
           "cpu": detector1.processor(), "cores": os.cpu_count(), "load": [os.getloadavg()[0]],
           "limit_cold_ratio": cold, "limit_warm_ratio": warm}
    with tempfile.TemporaryDirectory() as folder:
        given, references = provide(name, Path(folder))
        detector1.side_by_side(row, given, detector1.sides(references, threads, pipeline),
                               repeats, repeats)
    row["load"].append(os.getloadavg()[0])
    row["limit_peak"] = row["cold_peak_jwst"]
    return row


def main(words=None):
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imaging", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5,
                        help="counted runs, after one that is not; 0 counts that one (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of ours (default 1)")
    parser.add_argument("--case", nargs="+", choices=CASES, default=["image2", "image3-4"])
    parser.add_argument("--plots", help="folder for a plot of each case")
    parser.add_argument("--json", help="file that JSON lines are appended to")
    given = parser.parse_args(words)
    detector1.tell((compare(name, given.repeats, given.threads) for name in given.case),
                   given.json, given.plots)


if __name__ == "__main__":
    main()
