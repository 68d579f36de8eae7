"""Batches: overhead, use of the CPUs, equal products of all engines, and runs that are killed.

python -m benchmarks.batch [--exposures 200] [--kills 10] [--engines local parsl dask]

Products are compared byte for byte: SOURCE_DATE_EPOCH stands for the times in them.
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jwst_cal.simulate import exposures


def differing(first, second):
    """Names of products that are not the same, byte for byte, in two folders."""
    names = {p.name for folder in (first, second) for p in Path(folder).glob("*.fits")}
    return sorted(name for name in names
                  if not ((first / name).exists() and (second / name).exists())
                  or (first / name).read_bytes() != (second / name).read_bytes())


def make(folder, number, subarray, n_groups):
    """Simulate a few exposures, and give them many names."""
    folder.mkdir()
    made = [exposures.simulate("NIRCAM", subarray, n_ints=1, n_groups=n_groups, seed=seed)
            for seed in range(min(number, 5))]
    for at in range(number):
        made[at % len(made)].write(folder / f"jw01234001001_02101_{at + 1:05d}_nrca1_uncal.fits")
        (folder / f"jw01234001001_02101_{at + 1:05d}_nrca1_truth.npz").unlink()


def words(raw, out, *more):
    return [sys.executable, "-m", "jwst_cal.cli.command", "run", str(raw), "-o", str(out),
            "--stages=1", "--json", *more]


def run(raw, out, *more):
    """Run to the end; events, wall and CPU seconds of all processes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words(raw, out, *more), capture_output=True, text=True, check=False)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode:
        print(done.stderr[-2000:])
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], wall, cpu


def throughput(raw, out, *more):
    """How much time goes by between the tasks, and how busy the workers are."""
    status, events, wall, cpu = run(raw, out, *more)
    done = [event for event in events if event["event"] == "done"]
    jobs = next(event["jobs"] for event in events if event["event"] == "begin")
    warm = done[2 * jobs:]  # without the start of the workers
    begin = done[2 * jobs - 1]["time"]
    span = warm[-1]["time"] - begin
    inside = [min(1.0, (e["time"] - begin) / e["seconds"]) for e in warm]
    busy = sum(part * e["seconds"] for part, e in zip(inside, warm, strict=True))
    used = sum(part * e["cpu"] for part, e in zip(inside, warm, strict=True))
    print(f"  status {status}, {len(done)} done in {wall:.1f} s wall, {cpu:.1f} s CPU; "
          f"{jobs} jobs; warm: {1000 * sum(e['seconds'] for e in warm) / len(warm):.0f} ms a task, "
          f"overhead {1000 * (jobs * span - busy) / len(warm):.0f} ms a task, workers busy "
          f"{100 * busy / (jobs * span):.0f}% of the time, CPUs {100 * used / (jobs * span):.0f}%")
    again = run(raw, out, *more)
    print(f"  again: {sum(e['event'] == 'current' for e in again[1])} current in {again[2]:.1f} s")


#: What the command line of a worker holds, that of anything else does not.
WORKERS = ("multiprocessing.spawn", "process_worker_pool")


def processes_of(out):
    """Processes whose environment tells that they belong to a run, with their command lines."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"BATCH_RUN={out}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            pass
    return found


def kill_something(running, whom, out):
    """Kill the driver, or one of its workers."""
    if whom == "driver":
        running.kill()
        return
    workers = [number for number, words in processes_of(out).items()
               if number != running.pid and any(word in words for word in WORKERS)]
    if workers:
        os.kill(random.choice(workers), signal.SIGKILL)


def chaos(raw, out, expected, kills, *more):
    """Kill drivers and workers at random times; then let it finish."""
    finished = []
    n_exposures = len(list(raw.glob("*_uncal.fits")))
    for number in range(kills):
        whom = "driver" if number % 2 else "worker"
        running = subprocess.Popen(words(raw, out, *more), stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True,
                                   env={**os.environ, "BATCH_RUN": str(out)})
        wanted, events = random.randint(1, n_exposures // (kills + 1)), []
        for line in running.stdout:
            events.append(json.loads(line))
            wanted -= events[-1]["event"] == "done"
            if not wanted:
                break
        time.sleep(random.uniform(0, 0.3))
        kill_something(running, whom, out)
        if whom == "worker":
            time.sleep(random.uniform(0, 3))
            running.kill()
        text, _ = running.communicate()
        events += [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        finished += [e["task"] for e in events if e["event"] == "done"]
        print(f"  {number + 1}: {whom} killed; {sum(e['event'] == 'done' for e in events)} done, "
              f"{sum(e['event'] == 'retry' for e in events)} retried", flush=True)
    deadline = time.monotonic() + 60
    while processes_of(out) and time.monotonic() < deadline:
        time.sleep(0.2)
    left = processes_of(out)
    status, events, _, _ = run(raw, out, *more)
    finished += [e["task"] for e in events if e["event"] == "done"]
    twice = len(finished) - len(set(finished))
    print(f"  then: status {status}, {len(set(finished))} done, {twice} done twice, products that "
          f"differ: {len(differing(out, expected))}, left over: "
          f"{len(list(out.glob('.writing*')))} files, {len(left)} processes")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exposures", type=int, default=200)
    parser.add_argument("--subarray", default="SUB64P")
    parser.add_argument("--groups", type=int, default=5)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--engines", nargs="*", default=["local", "parsl", "dask"])
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--no-throughput", action="store_true", help="of the first engine only")
    options = parser.parse_args()
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    folder = Path(tempfile.mkdtemp(prefix="batch-"))
    try:
        raw = folder / "raw"
        make(raw, options.exposures, options.subarray, options.groups)
        first = folder / options.engines[0] / "out"
        more = ["--threads=1", *([f"--jobs={options.jobs}"] if options.jobs else [])]
        for engine in options.engines:
            print(f"engine {engine}:", flush=True)
            out = folder / engine / "out"  # products tell the folder's name
            if not options.no_throughput or engine == options.engines[0]:
                throughput(raw, out, f"--engine={engine}", *more)
                print(f"  products that differ: {len(differing(out, first))}", flush=True)
            if options.kills:
                chaos(raw, folder / f"{engine}-killed" / "out", first, options.kills,
                      f"--engine={engine}", *more)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
