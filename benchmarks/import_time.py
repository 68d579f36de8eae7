"""CPU seconds, files opened and memory of starting up.

    python -m benchmarks.import_time [--repeats 7]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

STRUN = "import sys; from jwst_cal.cli.strun import main; sys.exit(main(sys.argv[1:]))"
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import jwst_cal": ["-c", "import jwst_cal"],
    "import jwst_cal.pipelines": ["-c", "import jwst_cal.pipelines"],
    "Detector1Pipeline": ["-c", "from jwst_cal.pipelines import Detector1Pipeline"],
    "strun --help": ["-c", STRUN, "--help"],
    "strun --version": ["-c", STRUN, "--version"],
    "strun jump -h": ["-c", STRUN, "jump", "-h"],
    "strun calwebb_detector1 -h": ["-c", STRUN, "calwebb_detector1", "-h"],
}


def run(command):
    """CPU seconds and peak bytes of one process."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {command}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def files_opened(command):
    """Number of files opened, as strace counts them; None without strace."""
    if shutil.which("strace") is None:
        return None
    with tempfile.NamedTemporaryFile() as log:
        subprocess.run(["strace", "-f", "-qq", "-e", "trace=open,openat", "-o", log.name,
                        sys.executable, *command], stdout=subprocess.DEVNULL, check=False)
        return sum(b"ENOENT" not in line for line in log)


def main(words=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args(words)
    rows = {}
    for name, command in COMMANDS.items():
        run(command)
        times, peaks = zip(*(run(command) for _ in range(given.repeats)), strict=True)
        rows[name] = {"cpu_s": statistics.median(times), "peak_mb": max(peaks) / 1e6,
                      "files": files_opened(command)}
        row = rows[name]
        opened = "" if row["files"] is None else f" {row['files']:6d} files"
        print(f"{name:28} {row['cpu_s']:6.3f} s CPU {row['peak_mb']:6.0f} MB{opened}", flush=True)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
