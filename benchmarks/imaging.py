"""Stages 2 and 3 of images by both packages on the same exposures, side by side in one run.

    python -m benchmarks.imaging [--case NAME ...] [--repeats 5] [--official-repeats N]
                                 [--threads 1] [--json FILE] [--plot [FOLDER]]
    python -m benchmarks.imaging --by-threads [N] [--repeats 5]
    python -m benchmarks.imaging --exposures 32 --memory-limit 2GB [--threads 1] [--json FILE]
                                 [--official none]

``image2`` is one NIRCam exposure of 2048 x 2048 pixels; ``image3-4`` a mosaic of four dithers of
it. Cold, warm, CPU seconds and peak memory are those of ``benchmarks.detector1``, as are the rules
of measuring. ``--plot`` draws the seconds of each step, by default into ``docs/figures``.

With ``--by-threads`` ours alone is measured, by the clock, on the fourth input of a process: on one
thread and on N, by default as many as there are CPUs.

With ``--exposures`` a mosaic of many dithers is made, each run once and cold: by this package
without and with the memory limit, whose products must be the same bytes, and by the official
package as it is by default, in memory, or on disk (``--official on-disk``).
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import detector1
from jwst_cal import models
from jwst_cal.framework import reference_store
from jwst_cal.pipelines import Detector1Pipeline, Image2Pipeline, Image3Pipeline
from jwst_cal.simulate import dithers

#: Number of dithers, pipeline, least CPU ratio cold and warm.
CASES = {"image2": (1, "Image2Pipeline", 8, 8), "image3-4": (4, "Image3Pipeline", 8, 8)}
#: Keywords that tell the moment and the program.
OF_THE_RUN = ("DATE", "CAL_VER", "COMMENT", "")
#: Seconds of steps that are not told, and the set in a process whose steps are.
SHORT, TURNS = 0.005, 4
OFFICIAL = {"in-memory": [], "on-disk": ["--in_memory=False"]}


def provide(count, pipeline, folder):
    """Simulate so many exposures; return the input and its references by type."""
    os.environ["JWST_CAL_CRDS"] = "embedded"
    found = dithers.dithers(folder, "NIRCAM", subarray="FULL", detectors=["NRCB1"],
                            n_dithers=max(count, 2), n_groups=4, n_ints=1)
    rates = []
    for path in found.exposures[:count]:
        Detector1Pipeline.call(str(path), save_results=True, output_dir=str(folder))
        path.unlink()
        rates.append(str(path).replace("_uncal", "_rate"))
    header = models.read_header(rates[0])
    given = rates[0]
    if pipeline == "Image3Pipeline":
        for path in rates:
            Image2Pipeline.call(path, save_results=True, output_dir=str(folder),
                                steps={"resample": {"skip": True}})
            os.unlink(path)
        given = str(found.level3)
    cls = {"Image2Pipeline": Image2Pipeline, "Image3Pipeline": Image3Pipeline}[pipeline]
    types = {kind for step in cls.step_defs.values() for kind in step.reference_file_types}
    return given, {kind: reference_store.find(header, kind) for kind in sorted(types)}


def _about(name, threads):
    return {"exposure": name, "threads": threads, "cpu": detector1.processor(),
            "cores": os.cpu_count(), "load": [os.getloadavg()[0]]}


def compare(name, repeats, official, threads):
    """Measure one case; return a row of medians."""
    count, pipeline, cold, warm = CASES[name]
    row = {**_about(name, threads), "repeats": [repeats, official],
           "limit_cold_ratio": cold, "limit_warm_ratio": warm}
    with tempfile.TemporaryDirectory() as folder:
        given, references = provide(count, pipeline, Path(folder))
        detector1.side_by_side(row, given, detector1.sides(references, threads, pipeline),
                               repeats, official)
    row["load"].append(os.getloadavg()[0])
    row["limit_peak"] = row["cold_peak_jwst"]
    return row


def by_threads(name, repeats, threads):
    """Measure the steps of a case by the clock on one thread and on more; return lines."""
    count, pipeline, *_ = CASES[name]
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        given, references = provide(count, pipeline, Path(folder))
        for team in (1, threads):
            ours = detector1.sides(references, team, pipeline)[0]
            ours.environment["OMP_WAIT_POLICY"] = "passive"  # as commands have it
            runs = [detector1.run_once("warm", ours, given, turns=TURNS)
                    for _ in range(repeats)]
            spent = {step: statistics.median(run[3][step][1] for run in runs)
                     for step in runs[0][3]}
            spent["all"] = statistics.median(run[1] for run in runs)
            seconds.append(spent)
    return [f"{name:24}{'1 thread':>12}{f'{threads} threads':>12}", *(
        f"  {step:22}{seconds[0][step]:10.2f} s{seconds[1][step]:10.2f} s"
        f"{seconds[0][step] / seconds[1][step]:8.2f}"
        for step in seconds[0] if seconds[0][step] > SHORT)]


def bounded(count, limit, threads, official, data=None):
    """Measure a mosaic of many exposures without and with a memory limit; return a row."""
    row = {**_about(f"image3-{count}", threads), "limit": limit, "runs": {}}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        given, references = (provide(count, "Image3Pipeline", place) if data is None
                             else (data["given"], data["refs"]))
        ours, theirs = detector1.sides(references, threads, "Image3Pipeline")
        runs = {"jwst_cal": (ours, []), f"jwst_cal, {limit}": (ours, [f"--memory-limit={limit}"])}
        if official is not None:
            runs[f"jwst, {official}"] = theirs, OFFICIAL[official]
        made = []
        for name, (side, words) in runs.items():
            out = place / f"products{len(made)}"
            out.mkdir()
            made.append(out)
            cpu, wall, peak, _ = detector1.measure(
                [*side.cold(given), f"--output_dir={out}", *words], out, side.environment)
            row["runs"][name] = {"cpu": cpu, "wall": wall, "peak": peak}
            print(f"{name:24}{cpu:9.1f} CPU s {wall:9.1f} s {peak / 1e9:7.2f} GB", flush=True)
            if len(made) == 2:
                row["differences"] = differences(*made)
                print("products of both:", "; ".join(row["differences"]) or "the same bytes")
    row["load"].append(os.getloadavg()[0])
    return row


def differences(one, other):
    """Compare the products in two folders: what differs, but for dates, versions and log lines."""
    names = [sorted(path.name for path in folder.iterdir() if path.suffix in (".fits", ".ecsv"))
             for folder in (one, other)]
    if names[0] != names[1]:
        return [f"names: {sorted({*names[0]} ^ {*names[1]})}"]
    found = []
    for name in names[0]:
        differ = _tables_differ if name.endswith(".ecsv") else _images_differ
        found += [f"{name}: {what}" for what in differ(one / name, other / name)]
    return found


def _tables_differ(one, other):
    rows = [[line for line in path.read_text().splitlines() if not line.startswith("#")]
            for path in (one, other)]
    return ["rows"] if rows[0] != rows[1] else []


def _images_differ(one, other):
    from astropy.io import fits

    with fits.open(one, memmap=False) as a, fits.open(other, memmap=False) as b:
        if [hdu.name for hdu in a] != [hdu.name for hdu in b]:
            return ["extensions"]
        found = []
        for ours, theirs in zip(a, b, strict=True):
            if ours.name == "ASDF":  # the parameters and the log lines
                continue
            values = [[card for card in hdu.header.cards if card.keyword not in OF_THE_RUN]
                      for hdu in (ours, theirs)]
            if list(map(str, values[0])) != list(map(str, values[1])):
                found.append(f"header of {ours.name}")
            if not _same_data(ours, theirs):
                found.append(ours.name)
        return found


def _same_data(ours, theirs):
    if ours.data is None or theirs.data is None:
        return ours.data is theirs.data
    if ours.data.dtype.names is None:
        return all(a.tobytes() == b.tobytes() for a, b in zip(ours.data, theirs.data, strict=True))
    return all(np.asarray(ours.data[name]).tobytes() == np.asarray(theirs.data[name]).tobytes()
               for name in ours.data.dtype.names if name not in OF_THE_RUN)


def main(words=None):
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imaging", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5,
                        help="counted runs, after one that is not; 0 counts that one (default 5)")
    parser.add_argument("--official-repeats", type=int, help="the same of jwst, by default as many")
    parser.add_argument("--threads", type=int, default=1, help="threads of ours (default 1)")
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--plot", nargs="?", const="docs/figures", metavar="FOLDER",
                        help="draw the steps of each case (default docs/figures)")
    parser.add_argument("--by-threads", type=int, nargs="?", const=os.cpu_count(), metavar="N",
                        help="measure ours on one thread and on N (default: as many as CPUs)")
    parser.add_argument("--exposures", type=int, metavar="N",
                        help="measure a mosaic of so many exposures within a memory limit")
    parser.add_argument("--memory-limit", default="2GB", help="that limit (default 2GB)")
    parser.add_argument("--official", choices=[*OFFICIAL, "none"], default="in-memory",
                        help="how the official package does it (default in-memory)")
    parser.add_argument("--data", help="JSON file of the exposures to take for --exposures: given, "
                                       "the association; refs, the references by type")
    parser.add_argument("--json", help="file that JSON lines are appended to")
    given = parser.parse_args(words)
    if given.by_threads is not None:
        for name in given.case:
            print("\n".join(by_threads(name, given.repeats, given.by_threads)), flush=True)
        return
    if given.exposures is None:
        official = given.repeats if given.official_repeats is None else given.official_repeats
        detector1.tell((compare(name, given.repeats, official, given.threads)
                        for name in given.case), given.json, given.plot)
        return
    data = None if given.data is None else json.loads(Path(given.data).read_text())
    line = json.dumps(bounded(given.exposures, given.memory_limit, given.threads,
                              None if given.official == "none" else given.official, data))
    print(line)
    if given.json:
        with open(given.json, "a") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    main()
