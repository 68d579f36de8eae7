"""Stage 1 of both packages on the same exposure, side by side in one run.

    python -m benchmarks.detector1 [--repeats 5] [--exposure NAME ...] [--json FILE]

Cold is the whole process of ``strun calwebb_detector1``; warm the second exposure in one process.
The two packages take turns, A B A B, both with the embedded reference files and default
parameters, ours on one thread (``--threads``). CPU seconds are of the process, peak memory is its
largest resident set. Medians are printed, with the ratio official / ours, and a JSON line for each
exposure.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jwst_cal.simulate import cache, exposures
from tests.parity import cases, oracle, setup

#: Exposures by name, as `jwst_cal.simulate` makes them.
EXPOSURES = {
    "nircam-full-bright2-10": ("NIRCAM", "FULL", {"n_groups": 10}),
    "miri-full-fastr1-2x20": ("MIRI", "FULL", {"n_groups": 20, "n_ints": 2}),
    "nircam-sub320": ("NIRCAM", "SUB320", {}),
}

WARM = """
import importlib, sys, time
package, exposure, folder = sys.argv[1:]
pipelines = importlib.import_module({"jwst": "jwst.pipeline"}.get(package, "jwst_cal.pipelines"))
for turn in range(2):
    cpu, clock = time.process_time(), time.perf_counter()
    pipelines.Detector1Pipeline(save_results=True, output_dir=folder).run(exposure)
    spent = time.process_time() - cpu, time.perf_counter() - clock
print("SPENT", *spent)
"""


def measure(command, folder, environment):
    """Run a command to its end; return CPU seconds, wall seconds, peak bytes and its output."""
    begin = time.perf_counter()
    log = folder / "log.txt"
    with open(log, "w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output,
                                   stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(map(str, command))}\n{log.read_text()[-2000:]}")
    return (usage.ru_utime + usage.ru_stime, time.perf_counter() - begin,
            usage.ru_maxrss * 1024, log.read_text())


def run_once(kind, package, python, exposure, environment):
    """Run one package once; return CPU s, wall s and peak bytes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "cold":
            strun = ([python, "-m", "jwst_cal"] if package == "jwst_cal"
                     else [Path(python).with_name("strun")])
            return measure([*strun, "calwebb_detector1", exposure], folder, environment)[:3]
        *_, peak, log = measure([python, "-c", WARM, package, exposure, name], folder,
                                environment)
        spent = next(line for line in log.splitlines() if line.startswith("SPENT"))
        return *map(float, spent.split()[1:]), peak


def compare(name, repeats, threads):
    """Measure one exposure; return a row of medians."""
    instrument, subarray, options = EXPOSURES[name]
    python, reason = setup.find()
    if python is None:
        raise SystemExit(reason)
    root = cache.ensure()
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith(("CRDS_", "STPIPE_", "PYTHON"))}
    ours = {**clean, "JWST_CAL_NUM_THREADS": str(threads),
            "PYTHONPATH": str(Path(__file__).parents[1])}
    official = clean | {k: str(v) for k, v in oracle.serverless(root, cache.CONTEXT).items()}
    official["STPIPE_DISABLE_CRDS_STEPPARS"] = "True"
    sides = {"jwst_cal": (sys.executable, ours), "jwst": (str(python), official)}
    row = {"exposure": name, "threads": threads, "repeats": repeats}
    with tempfile.TemporaryDirectory() as folder:
        exposure = exposures.simulate(instrument, subarray, seed=1, **options).write(Path(folder))
        cases.prepare(exposure)
        for kind in ("cold", "warm"):
            found = {package: [] for package in sides}
            for turn in range(repeats + 1):
                for package, (program, environment) in sides.items():
                    spent = run_once(kind, package, program, exposure, environment)
                    if turn or not repeats:  # the first fills the page cache
                        found[package].append(spent)
            for package, runs in found.items():
                for what, values in zip(("cpu", "wall", "peak"), zip(*runs, strict=True),
                                        strict=True):
                    row[f"{kind}_{what}_{package}"] = statistics.median(values)
            for what in ("cpu", "wall", "peak"):
                row[f"{kind}_{what}_ratio"] = (row[f"{kind}_{what}_jwst"]
                                               / row[f"{kind}_{what}_jwst_cal"])
    return row


def table(rows):
    """Lay the rows out."""
    lines = [f"{'exposure':30}{'CPU s':>20}{'wall s':>20}{'peak GB':>20}",
             " " * 30 + f"{'ours':>7}{'jwst':>7}{'ratio':>6}" * 3]
    for row in rows:
        for kind in ("cold", "warm"):
            cells = ""
            for what, unit in (("cpu", 1), ("wall", 1), ("peak", 1e9)):
                mine, theirs = (row[f"{kind}_{what}_{p}"] / unit for p in ("jwst_cal", "jwst"))
                cells += f"{mine:7.2f}{theirs:7.2f}{row[f'{kind}_{what}_ratio']:6.1f}"
            lines.append(f"{row['exposure'] if kind == 'cold' else '':24}{kind:6}{cells}")
    return "\n".join(lines)


def main(words=None):
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detector1", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5,
                        help="counted runs, after one that is not; 0 counts that one (default 5)")
    parser.add_argument("--threads", type=int, default=1, help="threads of ours (default 1)")
    parser.add_argument("--exposure", nargs="+", choices=EXPOSURES, default=list(EXPOSURES))
    parser.add_argument("--json", help="file that JSON lines are appended to")
    given = parser.parse_args(words)
    os.environ["JWST_CAL_CRDS"] = "embedded"
    rows = []
    for name in given.exposure:
        rows.append(compare(name, given.repeats, given.threads))
        line = json.dumps(rows[-1])
        print(line, flush=True)
        if given.json:
            with open(given.json, "a") as file:
                file.write(line + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()
