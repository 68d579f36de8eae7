"""Simulate an exposure, run stage 1 on it, compare with the truth, draw a picture, tell of it."""

import argparse
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def run(command, folder):
    """Run a command; return wall seconds, CPU seconds and peak memory (bytes) of its process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return (time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def step_times(log):
    """Return seconds by step that did something, and the names of skipped steps, from a log."""
    times = {}
    for name, seconds in re.findall(r"Step (\w+) done \(([\d.]+) s\)", log):
        times[name] = times.get(name, 0) + float(seconds)
    times.pop("Detector1Pipeline", None)
    skipped = list(dict.fromkeys(re.findall(r"Step (\w+) skipped[.:]", log)))
    return {name: t for name, t in times.items() if name not in skipped}, skipped


def size(folder):
    """Bytes of all files below a folder."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def main(words=None):
    """Do it."""
    parser = argparse.ArgumentParser(prog="scripts/main-job", description=__doc__)
    parser.add_argument("--folder", default=str(HERE / "main-job"), help="where to work")
    parser.add_argument("--instrument", default="NIRCAM")
    parser.add_argument("--subarray", default="FULL")
    parser.add_argument("--groups", type=int, help="groups (the full frame has 10)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    begin = time.perf_counter()
    folder = Path(given.folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    from jwst_cal import models, quicklook
    from jwst_cal.pipelines import Detector1Pipeline
    from jwst_cal.simulate import checks, exposures

    print("Simulating the exposure ...", flush=True)
    clock = time.perf_counter()
    exposure = exposures.simulate(given.instrument, given.subarray, n_groups=given.groups,
                                  seed=given.seed)
    uncal, truth = exposure.write(folder), exposure.truth
    simulated = time.perf_counter() - clock
    shape = exposure.data.shape
    del exposure

    print("Making its reference files, if they are not there yet ...", flush=True)
    clock = time.perf_counter()
    Detector1Pipeline().prefetch(str(uncal))
    referenced = time.perf_counter() - clock

    print(f"strun calwebb_detector1 {uncal.name} ...", flush=True)
    wall, cpu, peak = run([Path(sys.executable).with_name("strun"), "calwebb_detector1", uncal.name,
                           "--save_calibrated_ramp=true", "--log-file=detector1.log"], folder)
    times, skipped = step_times((folder / "detector1.log").read_text())

    root = uncal.name.removesuffix("_uncal.fits")
    print("Comparing with the truth, drawing the picture ...", flush=True)
    with (models.open(folder / f"{root}_rate.fits") as rate,
          models.open(folder / f"{root}_ramp.fits") as ramp):
        close = checks.check_rate(rate.data, rate.err, rate.dq, truth)
        found = checks.check_jumps(ramp.groupdq, truth)
        context = rate.meta.ref_file.crds.context_used
        quicklook.draw(rate, folder / "quicklook.png", ramp=ramp, truth=truth)
        instrument = f"{rate.meta.instrument.name} {rate.meta.instrument.detector}"
        subarray, pattern = rate.meta.subarray.name, rate.meta.exposure.readpatt

    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"""
Exposure   {uncal}: {instrument} {subarray} {pattern}, {shape[0]} x {shape[1]} groups of \
{shape[2]} x {shape[3]}, {uncal.stat().st_size / 1e6:.0f} MB; simulated in {simulated:.1f} s
References {context}; written in {referenced:.1f} s
Products   {root}_rate.fits, _rateints.fits, _ramp.fits in {folder}
strun      {wall:.1f} s wall, {cpu:.1f} s CPU, {peak / 1e9:.2f} GB peak memory
Steps (s)  {', '.join(f'{name} {seconds:.2f}' for name, seconds in times.items())}
Skipped    {', '.join(skipped)}
Rates      median bias {close.bias:+.2g} DN/s at {close.true_median:.3g} DN/s, pull sigma \
{close.pull_sigma:.3f} over {close.n_pixels} clean pixels; {100 * close.outliers:.2g} % beyond 5
Particles  {100 * found.bright_found:.2f} % of {found.bright} jumps beyond 10 sigma flagged, \
{100 * found.faint_found:.1f} % of {found.faint} of 5 to 10; false {100 * found.false:.2g} %
Saturation {100 * found.saturated_found:.1f} % of {found.saturated} saturated ramps flagged
Picture    {folder / 'quicklook.png'}; all in {time.perf_counter() - begin:.0f} s, \
{size(folder) / 1e9:.2f} GB in the folder, {mine / 1e9:.1f} GB peak memory of this script""")


if __name__ == "__main__":
    main()
