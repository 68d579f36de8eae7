"""Stage 1 of both packages on the same exposure, side by side in one run.

    python -m benchmarks.detector1 [--exposure NAME ...] [--repeats 5] [--data FOLDER]
                                   [--official-repeats N] [--plot [FOLDER]] [--json FILE]

Cold is the whole process of ``strun calwebb_detector1``, warm the second exposure in one process,
as a batch worker sees it. The two packages take turns, A B A B, with the same reference files, all
overridden, and default parameters; ours on one thread (``--threads``). CPU seconds are those of
the process, peak memory is its largest resident set. Medians are printed with the ratio official /
ours and, for each limit, how far above it (+) or below it (-) we are; a JSON line for each
exposure holds them and the seconds of each step.

Exposures are simulated, with the embedded reference files, or are those of ``--data``: in
``FOLDER/NAME/`` one ``*_uncal.fits`` and ``refs.json``, the reference files by type. No timing
decides anything: the machine and its load go into the JSON line.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from jwst_cal import models, registry
from jwst_cal.framework import reference_store
from jwst_cal.pipelines import Detector1Pipeline
from jwst_cal.simulate import cache, exposures
from tests.parity import oracle, setup


class Case(NamedTuple):
    """An exposure: how it is simulated, and the limits that are aimed at."""

    simulated: tuple
    options: dict
    cold: float  #: least CPU ratio of the whole process
    warm: float  #: least CPU ratio of the second exposure
    base: float = 0.4  #: GB of peak memory beside the ramp; all of it for a small exposure
    data: str = ""  #: folder of ``--data``


CASES = {
    "nircam-full-bright2-10": Case(("NIRCAM", "FULL"), {"n_groups": 10}, 12, 22,
                                   data="nrc_full"),
    "nircam-full-deep8-9": Case(("NIRCAM", "FULL"), {"n_groups": 9, "readpatt": "DEEP8"}, 14, 30,
                                data="nrc_deep"),
    "nircam-full-shallow4-2x6": Case(("NIRCAM", "FULL"),
                                     {"n_groups": 6, "n_ints": 2, "readpatt": "SHALLOW4"}, 14, 28,
                                     data="nrc_shallow"),
    "miri-full-fastr1-3x40": Case(("MIRI", "FULL"), {"n_groups": 40, "n_ints": 3}, 9, 12,
                                  data="miri_full"),
    "niriss-soss-60x5": Case(("NIRISS", "SUBSTRIP256"), {"n_groups": 5, "n_ints": 60}, 22, 35,
                             data="niriss_soss_tso"),
    "nirspec-irs2-15": Case(("NIRSPEC", "FULL"), {"n_groups": 15, "readpatt": "NRSIRS2RAPID"}, 15,
                            20, data="nirspec_irs2"),
    "nircam-256-2x8": Case(("NIRCAM", "SUB320"), {"n_groups": 8, "n_ints": 2}, 4, 12, base=0.25,
                           data="nrc_small"),
}
#: Below this size of the ramp the limit of memory is the base alone.
SMALL = 0.01

WARM = """
import importlib, json, logging, sys, time
package, name, exposure, folder, overrides, turns = sys.argv[1:]
pipelines = importlib.import_module({"jwst": "jwst.pipeline"}.get(package, "jwst_cal.pipelines"))
logging.disable(logging.INFO)

def timed(name, run):
    def timed_run(*args):
        begin = time.process_time(), time.perf_counter()
        try:
            return run(*args)
        finally:
            spent = steps.setdefault(name, [0, 0])
            spent[0] += time.process_time() - begin[0]
            spent[1] += time.perf_counter() - begin[1]
    return timed_run

for turn in range(int(turns)):
    steps = {}
    cpu, clock = time.process_time(), time.perf_counter()
    pipe = getattr(pipelines, name)(save_results=True, output_dir=folder)
    for alias, values in json.loads(overrides).items():
        for key, value in values.items():
            setattr(getattr(pipe, alias), key, value)
    for alias in pipe.step_defs:
        step = getattr(pipe, alias)
        step.run = timed(alias, step.run)
    pipe.run(exposure)
    spent = time.process_time() - cpu, time.perf_counter() - clock
print("SPENT", json.dumps([*spent, steps]))
"""

#: A process starts with the peak memory of the one that started it: so that one is small.
LAUNCH = """
import os, sys, time
begin, (log, *command) = time.perf_counter(), sys.argv[1:]
pid = os.fork()
if pid == 0:
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.execvp(command[0], command)
_, status, usage = os.wait4(pid, 0)
print([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime,
       time.perf_counter() - begin, usage.ru_maxrss * 1024])
"""

TYPES = """
import importlib, json, sys
pipelines = importlib.import_module(sys.argv[1])
print(json.dumps({name: list(step.reference_file_types)
                  for name, step in getattr(pipelines, sys.argv[2]).step_defs.items()}))
"""


class Side(NamedTuple):
    """One of the two packages: how it is run and told which references to use."""

    package: str
    python: str
    environment: dict
    overrides: dict  #: ``override_<type>`` by step
    pipeline: str = "Detector1Pipeline"

    def cold(self, exposure):
        """Return the command of a whole process."""
        words = [f"--steps.{step}.{key}={value}" for step, values in self.overrides.items()
                 for key, value in values.items()]
        strun = ([self.python, "-m", "jwst_cal"] if self.package == "jwst_cal"
                 else [self.python, Path(self.python).with_name("strun")])
        return [*strun, registry.by_class[self.pipeline].alias, exposure, *words]

    def warm(self, exposure, folder, turns):
        """Return the command of a process that does the exposure so often."""
        return [self.python, "-c", WARM, self.package, self.pipeline, exposure, folder,
                json.dumps(self.overrides), str(turns)]


def sides(references, threads, pipeline="Detector1Pipeline"):
    """Return both packages, with the same pipeline and references."""
    python, reason = setup.find()
    if python is None:
        raise SystemExit(reason)
    clean = {k: v for k, v in os.environ.items()
             if not k.startswith(("CRDS_", "STPIPE_", "PYTHON"))}
    clean["STPIPE_DISABLE_CRDS_STEPPARS"] = "True"
    ours = {**clean, "JWST_CAL_NUM_THREADS": str(threads),
            "PYTHONPATH": str(Path(__file__).parents[1])}
    official = clean | {k: str(v) for k, v in oracle.serverless(
        cache.ensure(), cache.CONTEXT).items()}
    found = []
    for package, program, environment in (("jwst_cal", sys.executable, ours),
                                          ("jwst", str(python), official)):
        module = {"jwst": "jwst.pipeline"}.get(package, "jwst_cal.pipelines")
        told = subprocess.run([program, "-c", TYPES, module, pipeline], env=environment, check=True,
                              capture_output=True, text=True).stdout
        overrides = {step: {f"override_{kind}": references.get(kind, "N/A") for kind in types}
                     for step, types in json.loads(told.splitlines()[-1]).items() if types}
        found.append(Side(package, program, environment, overrides, pipeline))
    return found


def measure(command, folder, environment):
    """Run a command to its end; return CPU seconds, wall seconds, peak bytes and its output."""
    log = Path(folder) / "log.txt"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", LAUNCH, log, *command], cwd=folder,
                          env=environment, capture_output=True, text=True, check=True)
    status, *spent = json.loads(done.stdout)
    if status:
        raise SystemExit(f"failed: {' '.join(map(str, command))}\n{log.read_text()[-2000:]}")
    return *spent, log.read_text()


def run_once(kind, side, exposure, turns=2):
    """Run one package once; return CPU s, wall s, peak bytes, and by step CPU s and wall s."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "cold":
            return *measure(side.cold(exposure), folder, side.environment)[:3], {}
        *_, peak, log = measure(side.warm(exposure, folder, turns), folder, side.environment)
        told = next(line for line in log.splitlines() if line.startswith("SPENT"))
        cpu, wall, steps = json.loads(told.removeprefix("SPENT"))
        return cpu, wall, peak, steps


def provide(case, data, folder):
    """Find or simulate an exposure; return its path and its references by type."""
    if data is not None:
        place = Path(data) / case.data
        exposure, = place.glob("*_uncal.fits")
        return str(exposure), json.loads((place / "refs.json").read_text())
    exposure = exposures.simulate(*case.simulated, seed=1, **case.options).write(Path(folder))
    header = models.read_header(exposure)
    os.environ["JWST_CAL_CRDS"] = "embedded"
    types = {kind for step in Detector1Pipeline.step_defs.values()
             for kind in step.reference_file_types}
    return str(exposure), {kind: reference_store.find(header, kind) for kind in sorted(types)}


def ramp_bytes(exposure):
    """Return the size of the ramp, float32, with its flags."""
    shape = models.open_exposure(exposure, light=True).shape
    pixels = shape[-1] * shape[-2]
    return pixels * 4 + pixels * shape[0] * shape[1] * 5


def compare(name, repeats, official, threads, data):
    """Measure one exposure; return a row of medians."""
    case = CASES[name]
    row = {"exposure": name, "threads": threads, "repeats": [repeats, official],
           "data": data or "simulated",
           "cpu": processor(), "cores": os.cpu_count(), "load": [os.getloadavg()[0]]}
    with tempfile.TemporaryDirectory() as folder:
        exposure, references = provide(case, data, folder)
        size = ramp_bytes(exposure)
        row["limit_cold_ratio"], row["limit_warm_ratio"] = case.cold, case.warm
        row["limit_peak"] = case.base * 1e9 + (size if size > SMALL * 1e9 else 0)
        side_by_side(row, exposure, sides(references, threads), repeats, official)
    row["load"].append(os.getloadavg()[0])
    return row


def leave_cache(paths):
    """Let files be read from the disk anew: just written, they lie in small pieces."""
    for path in filter(os.path.isfile, paths):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def side_by_side(row, given, packages, repeats, official):
    """Run both packages on an input, cold and warm, in turns; put medians and ratios in a row."""
    leave_cache({given, *(path for side in packages for values in side.overrides.values()
                          for path in values.values())})
    for kind in ("cold", "warm"):
        found = {side.package: [] for side in packages}
        for turn in range(max(repeats, official) + 1):
            for side in packages:
                wanted = repeats if side.package == "jwst_cal" else official
                if turn > wanted:
                    continue
                spent = run_once(kind, side, given)
                if turn or not wanted:  # the first fills the page cache
                    found[side.package].append(spent)
        for package, runs in found.items():
            *numbers, steps = zip(*runs, strict=True)
            for what, values in zip(("cpu", "wall", "peak"), numbers, strict=True):
                row[f"{kind}_{what}_{package}"] = statistics.median(values)
            row[f"{kind}_cpu_all_{package}"] = [round(cpu, 3) for cpu in numbers[0]]
            if kind == "warm":
                row[f"steps_{package}"] = {step: statistics.median(one[step][0] for one in steps)
                                           for step in steps[0]}
        for what in ("cpu", "wall", "peak"):
            row[f"{kind}_{what}_ratio"] = (row[f"{kind}_{what}_jwst"]
                                           / row[f"{kind}_{what}_jwst_cal"])


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def table(rows):
    """Lay the rows out."""
    lines = [f"{'exposure':30}{'CPU s':>34}{'wall s':>20}{'peak GB':>32}",
             " " * 30 + f"{'ours':>7}{'jwst':>7}{'ratio':>6}{'limit':>6}{'':8}"
             f"{'ours':>7}{'jwst':>7}{'ratio':>6}{'ours':>7}{'jwst':>7}{'limit':>6}"]
    for row in rows:
        for kind in ("cold", "warm"):
            (cpu, other), (wall, waited), (peak, filled) = (
                [row[f"{kind}_{what}_{package}"] / unit for package in ("jwst_cal", "jwst")]
                for what, unit in (("cpu", 1), ("wall", 1), ("peak", 1e9)))
            limit, memory = row[f"limit_{kind}_ratio"], row["limit_peak"] / 1e9
            ratio = row[f"{kind}_cpu_ratio"]
            lines.append(
                f"{row['exposure'] if kind == 'cold' else '':25}{kind:5}"
                f"{cpu:7.2f}{other:7.2f}{ratio:6.1f}{limit:6.0f}{limit / ratio - 1:+8.0%}"
                f"{wall:7.2f}{waited:7.2f}{row[f'{kind}_wall_ratio']:6.1f}"
                f"{peak:7.2f}{filled:7.2f}{memory:6.2f}{peak / memory - 1:+8.0%}")
    return "\n".join(lines)


def plot(row, folder):
    """Draw the seconds of each step of both packages, on a logarithmic scale."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = [step for step in row["steps_jwst"]
             if max(row[f"steps_{package}"].get(step, 0) for package in ("jwst", "jwst_cal"))
             > 1e-3]
    totals = {}
    for package in ("jwst", "jwst_cal"):
        steps = row[f"steps_{package}"]
        rest = row[f"warm_cpu_{package}"] - sum(steps.values())
        totals[package] = [*(steps.get(step, 0) for step in names), rest,
                           row[f"warm_cpu_{package}"], row[f"cold_cpu_{package}"]]
    names += ["open, save", "one exposure more", "whole process"]
    figure = Figure(figsize=(7, 0.32 * len(names) + 1.3), layout="constrained")
    axes = figure.subplots()
    for shift, (package, colour) in enumerate((("jwst", "0.6"), ("jwst_cal", "tab:blue"))):
        places = [n + 0.2 - 0.4 * (1 - shift) for n in range(len(names))]
        axes.barh(places, [max(value, 1e-3) for value in totals[package]], 0.38, color=colour,
                  label={"jwst": "jwst 3.0.0"}.get(package, package))
    axes.set(xscale="log", xlim=(1e-3, None), xlabel="CPU s", yticks=range(len(names)),
             yticklabels=names)
    axes.set_title(row["exposure"], loc="left")
    axes.invert_yaxis()
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    axes.grid(axis="x", alpha=0.3)
    path = Path(folder) / f"steps-{row['exposure']}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": path.name, "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    return path


def tell(rows, lines, plots):
    """Print rows as they come, as JSON lines and in the end as a table; append them, draw them."""
    found = []
    for row in rows:
        found.append(row)
        line = json.dumps(row)
        print(line, flush=True)
        if lines:
            with open(lines, "a") as file:
                file.write(line + "\n")
        if plots:
            print(plot(row, plots))
    if found:
        print(table(found))


def main(words=None):
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detector1", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5,
                        help="counted runs, after one that is not; 0 counts that one (default 5)")
    parser.add_argument("--official-repeats", type=int, help="the same of jwst, by default as many")
    parser.add_argument("--threads", type=int, default=1, help="threads of ours (default 1)")
    parser.add_argument("--exposure", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--data", help="folder of exposures and their references")
    parser.add_argument("--plot", nargs="?", const="docs/figures", metavar="FOLDER",
                        help="draw the seconds of each step, by default into docs/figures")
    parser.add_argument("--json", help="file that JSON lines are appended to")
    given = parser.parse_args(words)
    official = given.repeats if given.official_repeats is None else given.official_repeats
    tell((compare(name, given.repeats, official, given.threads, given.data)
          for name in given.exposure), given.json, given.plot)


if __name__ == "__main__":
    main()
