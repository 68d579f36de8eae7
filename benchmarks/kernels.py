"""Time of every compiled kernel within stage 1, in units of one copy of the ramp.

    python -m benchmarks.kernels [--instrument NIRCAM] [--subarray FULL] [--groups N] [--repeats 5]

One copy of the float32 cube on the same machine is the unit, so that machines compare. One thread.
The kernels are timed where the steps call them: real shapes, real flags.
"""

import argparse
import importlib
import json
import os
import pkgutil
import statistics
import tempfile
import time

os.environ["JWST_CAL_NUM_THREADS"] = "1"

import numpy as np

import jwst_cal.detector
import jwst_cal.kernels
from jwst_cal.pipelines import Detector1Pipeline
from jwst_cal.simulate import exposures

SPENT = {}


def timed(name, function):
    """Wrap a function so that its CPU seconds add up under its name."""
    def wrapper(*args, **options):
        begin = time.process_time()
        try:
            return function(*args, **options)
        finally:
            SPENT[name] = SPENT.get(name, 0.0) + time.process_time() - begin
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


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instrument", default="NIRCAM")
    parser.add_argument("--subarray", default="FULL")
    parser.add_argument("--groups", type=int)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        exposure = exposures.simulate(given.instrument, given.subarray, n_groups=given.groups)
        path, shape = exposure.write(folder), exposure.data.shape
        del exposure
        unit = one_copy(shape, max(given.repeats, 5))
        watch_kernels()
        runs = []
        for _ in range(given.repeats):
            SPENT.clear()
            Detector1Pipeline().run(str(path))
            runs.append(dict(SPENT))
    print(f"{given.instrument} {given.subarray} {shape}: one copy is {1000 * unit:.1f} ms")
    rows = {name: statistics.median(run.get(name, 0.0) for run in runs) for name in runs[0]}
    for name, seconds in sorted(rows.items(), key=lambda row: -row[1]):
        print(f"{name:34} {1000 * seconds:8.1f} ms {seconds / unit:6.2f} copies")
    total = sum(rows.values())
    print(f"{'all':34} {1000 * total:8.1f} ms {total / unit:6.2f} copies")
    print(json.dumps({"shape": shape, "copy_s": unit, "kernels_s": rows}))


if __name__ == "__main__":
    main()
