"""Time of every compiled kernel within stage 1, in units of one copy of the ramp.

    python -m benchmarks.kernels [--exposure NIRCAM:FULL --exposure MIRI:FULL ...] [--repeats 5]

One copy of the float32 cube on the same machine is the unit, so that machines compare. The kernels
are timed where the steps call them: real shapes, real flags, what is read from mapped files and
memory that is touched for the first time included. On one thread: CPU time, also for each pixel
and group, and as a multiple of the same of the first exposure; and how many times shorter two
threads are by the clock, where the machine has nothing else to do.
"""

import argparse
import importlib
import json
import pkgutil
import statistics
import tempfile
import time

import numpy as np

import jwst_cal.detector
import jwst_cal.kernels
from benchmarks import detector1
from jwst_cal import models
from jwst_cal.kernels import threads
from jwst_cal.pipelines import Detector1Pipeline

#: CPU seconds and seconds of each kernel in the present run.
SPENT = {}


def timed(name, function):
    """Wrap a function so that its CPU seconds and its seconds add up under its name."""
    def wrapper(*args, **options):
        cpu, clock = time.process_time(), time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            before = SPENT.get(name, (0.0, 0.0))
            SPENT[name] = (before[0] + time.process_time() - cpu,
                           before[1] + time.perf_counter() - clock)
    return wrapper


def watch_kernels():
    """Put a clock around every kernel that a detector module imported."""
    found = {}
    for info in pkgutil.iter_modules(jwst_cal.kernels.__path__):
        module = importlib.import_module(f"jwst_cal.kernels.{info.name}")
        if not module.__file__.endswith(".py"):
            for name, value in vars(module).items():
                if type(value).__name__ == "cython_function_or_method" and name[0] != "_":
                    found[value] = f"{info.name}.{name}"
    for info in pkgutil.iter_modules(jwst_cal.detector.__path__):
        module = importlib.import_module(f"jwst_cal.detector.{info.name}")
        for name, value in list(vars(module).items()):
            if callable(value) and getattr(value, "__hash__", None) and value in found:
                setattr(module, name, timed(found[value], value))
            elif getattr(value, "__name__", "").startswith("jwst_cal.kernels."):
                for inner, kernel in list(vars(value).items()):
                    if callable(kernel) and getattr(kernel, "__hash__", None) and kernel in found:
                        setattr(value, inner, timed(found[kernel], kernel))


def one_copy(shape, repeats):
    """CPU seconds of copying a float32 cube of a shape into memory already touched."""
    source, target = np.ones(shape, np.float32), np.empty(shape, np.float32)
    times = []
    for _ in range(repeats + 2):
        begin = time.process_time()
        np.copyto(target, source)
        times.append(time.process_time() - begin)
    return statistics.median(times[2:])


def run_kernels(path, n_threads, repeats):
    """Median CPU seconds and median seconds of each kernel over some runs of the pipeline."""
    runs = []
    threads.set_threads(n_threads)
    for _ in range(repeats + 1):
        SPENT.clear()
        Detector1Pipeline().run(path)
        runs.append(dict(SPENT))
    del runs[0]  # which reads the files
    return {name: [statistics.median(run.get(name, (0.0, 0.0))[k] for run in runs) for k in (0, 1)]
            for name in runs[0]}


def measure(exposure, repeats):
    """Measure one exposure, given as INSTRUMENT:SUBARRAY[:GROUPS]."""
    instrument, subarray, groups = (exposure + ":").split(":")[:3]
    case = detector1.Case((instrument, subarray), {"n_groups": int(groups) if groups else None},
                          cold=0, warm=0)
    with tempfile.TemporaryDirectory() as folder:
        path, references = detector1.provide(case, None, folder)
        detector1.leave_cache({path, *references.values()})
        shape = models.open_exposure(path, light=True).shape
        unit = one_copy(shape, max(repeats, 5))
        one, two = (run_kernels(path, n, repeats) for n in (1, 2))
    return {"exposure": exposure, "shape": shape, "copy_s": unit,
            "kernels_s": {name: cpu for name, (cpu, _) in one.items()},
            "two_threads": {name: one[name][1] / two[name][1] for name in one if name in two},
            "all_two_threads": sum(clock for _, clock in one.values())
            / sum(clock for _, clock in two.values())}


def table(found, first):
    """Print the kernels of one exposure beside those of the first."""
    n_samples, n_first = (int(np.prod(one["shape"])) for one in (found, first))
    unit, rows = found["copy_s"], found["kernels_s"]
    print(f"{found['exposure']} {found['shape']}: one copy is {1000 * unit:.1f} ms")
    print(f"{'':34} {'ms':>8} {'copies':>7} {'ns/sample':>9} {'x first':>7} {'2 threads':>9}")
    every = {**dict(sorted(rows.items(), key=lambda row: -row[1])), "all": sum(rows.values())}
    firsts = {**first["kernels_s"], "all": sum(first["kernels_s"].values())}
    gains = {**found["two_threads"], "all": found["all_two_threads"]}
    for name, seconds in every.items():
        ratio = seconds / n_samples * n_first / firsts[name] if firsts.get(name) else np.nan
        print(f"{name:34} {1000 * seconds:8.1f} {seconds / unit:7.2f} "
              f"{1e9 * seconds / n_samples:9.2f} {ratio:7.2f} {gains.get(name, np.nan):9.2f}")


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exposure", action="append", metavar="INSTRUMENT:SUBARRAY[:GROUPS]",
                        help="repeatable; NIRCAM:FULL by default")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(words)
    watch_kernels()
    found = []
    for exposure in given.exposure or ["NIRCAM:FULL"]:
        found.append(measure(exposure, given.repeats))
        table(found[-1], found[0])
        print(json.dumps(found[-1]))


if __name__ == "__main__":
    main()
