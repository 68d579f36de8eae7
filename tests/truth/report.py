"""Fits and jump searches of both packages against the truth: the tables and figures of docs/truth.

    python -m tests.truth.report

writes ``docs/truth/*.csv`` and ``*.svg``. The official package (``tests.parity.setup``) gets the
same ramps. Each row has a seed of its own, so that a test can make any row again.
"""

import csv
import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

from jwst_cal.detector.jump import JumpStep
from tests.parity import fit_ramps, jump_driver, setup
from tests.truth.ramps import METHODS, Ramp, calibration, fit, has_jump, pulls, simulate

DOCS = Path(__file__).parents[2] / "docs" / "truth"
N_RAMPS = 160_000
N_JUMPS = 8_000

#: Rate in e-/s and noise of a read in e-, by what limits the fit.
REGIMES = {
    "read noise, 1000 e-": (0.0, 1000.0),
    "read noise, 10 e-": (0.0, 10.0),
    "photons": (500.0, 5.0),
}
GROUPS = (3, 4, 5, 10, 45)
RATES = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
#: Exposures with jumps.
JUMPS = {
    "faint": Ramp(10, 0.5, 10.0),
    "bright": Ramp(10, 200.0, 10.0),
    "groups of four frames": Ramp(10, 5.0, 10.0, n_frames=4, group_gap=1),
}
#: Size of a jump over the noise of a group difference; 0 tells the false positives.
SIZES = (0.0, 1.0, 2.0, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 7.0, 8.0, 10.0, 15.0, 25.0)


def random_of(*key):
    """Return the random numbers of a row."""
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def slope_rows():
    """Yield method, regime, groups and ramps of each row of slopes.csv."""
    for method in METHODS:
        for regime, (rate, noise) in REGIMES.items():
            for n_groups in GROUPS:
                if method == "OLS" or n_groups > 3:
                    yield method, regime, n_groups, Ramp(n_groups, rate, noise)


def slope_data(method, regime, n_groups):
    """Return the counts of a row of slopes.csv."""
    ramp = Ramp(n_groups, *REGIMES[regime])
    return ramp, simulate(ramp, N_RAMPS, random_of("slopes", regime, n_groups))


def variance_data(rate):
    """Return the counts of a row of variances.csv."""
    ramp = Ramp(10, rate, 10.0)
    return ramp, simulate(ramp, N_RAMPS, random_of("variances", rate))


def jump_data(case, size):
    """Return the counts of a row of jumps.csv, and the size of the jump in e-."""
    ramp = JUMPS[case]
    noise = np.sqrt(ramp.rate * ramp.group_time + 2 * ramp.noise**2 / ramp.n_frames)
    n = N_JUMPS if size else 10 * N_JUMPS
    charge = size * float(noise)
    return ramp, simulate(ramp, n, random_of("jumps", case, size), charge), charge


def pull(ramp, rates):
    """Mean and standard deviation of the pulls."""
    found = pulls(ramp, rates["slope"], rates["err"])
    return [round(float(found.mean()), 4), round(float(found.std()), 4)]


def ratio(rates):
    """Mean variance over the variance of the rates."""
    return round(float(np.mean(rates["err"].astype(float) ** 2)
                       / np.var(rates["slope"].astype(float))), 4)


class Official:
    """Runs of the official package; asked for first, made all together, then taken."""

    def __init__(self):
        self.python, reason = setup.find()
        if self.python is None:
            raise SystemExit(reason)

    def _run(self, driver, arrays):
        with tempfile.TemporaryDirectory() as folder:
            np.savez(Path(folder, "in.npz"), **arrays)
            subprocess.run([str(self.python), driver.__file__, "in.npz", "out.npz"], cwd=folder,
                           check=True)
            with np.load(Path(folder, "out.npz")) as file:
                return {name: file[name] for name in file.files}

    def rates(self, ramp, data, method):
        """Return the slopes and errors that it fits, and flags."""
        arrays = {"data": data, **calibration(ramp, data),
                  "dark_current": np.zeros(data.shape[2:], np.float32)}
        options = {"algorithm": "OLS_C" if method == "OLS" else method, "instrument": "NIRCAM",
                   "frame_time": ramp.frame_time, "group_time": ramp.group_time,
                   "group_gap": ramp.group_gap, "n_frames": ramp.n_frames,
                   "suppress_one_group": True}
        found = self._run(fit_ramps, {f"a/{name}": array for name, array in arrays.items()}
                          | {"a/options": json.dumps(options)})
        return {name: found[f"a/rate.{name}"] for name in ("slope", "err", "dq")}

    def has_jump(self, ramp, data, method):
        """Tell which ramps have a jump."""
        if method == "LIKELY":
            return self.rates(ramp, data, method)["dq"] & 4 != 0
        options = {name: p.default for name, p in JumpStep.parameters(own=True).items()}
        options |= {"n_frames": ramp.n_frames, "group_time": ramp.group_time,
                    "largest_change": None, "flag_4_neighbors": False}
        arrays = {"data": data, **calibration(ramp, data)}
        found = self._run(jump_driver, {f"0_{name}": array for name, array in arrays.items()}
                          | {"n_cases": 1, "0_options": json.dumps(options)})
        return (found["0_groupdq"] & 4 != 0).any(axis=(0, 1))


def slopes(official):
    """Compute slopes.csv."""
    yield ["Fit", "Limited by", "Groups", "Mean", "Sigma", "Mean, jwst", "Sigma, jwst"]
    for method, regime, n_groups, ramp in slope_rows():
        _, data = slope_data(method, regime, n_groups)
        ours = fit(ramp, data, method).rate._asdict()
        yield [method, regime, n_groups, *pull(ramp, ours),
               *pull(ramp, official.rates(ramp, data, method))]


def variances(official):
    """Compute variances.csv."""
    yield ["Rate, e-/s", "OLS", "OLS, jwst", "LIKELY", "LIKELY, jwst"]
    for rate in RATES:
        ramp, data = variance_data(rate)
        row = [rate]
        for method in METHODS:
            row += [ratio(fit(ramp, data, method).rate._asdict()),
                    ratio(official.rates(ramp, data, method))]
        yield row


def jumps(official):
    """Compute jumps.csv."""
    yield ["Exposure", "Size, sigma", "Size, e-", "Two-point", "Two-point, jwst", "Likelihood",
           "Likelihood, jwst"]
    for case in JUMPS:
        for size in SIZES:
            ramp, data, charge = jump_data(case, size)
            row = [case, size, round(charge, 1)]
            for method in METHODS:
                row += [round(float(has_jump(ramp, data, method).mean()), 5),
                        round(float(official.has_jump(ramp, data, method).mean()), 5)]
            yield row


def write(name, rows):
    """Write a table."""
    DOCS.mkdir(exist_ok=True)
    with open(DOCS / name, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def read(name):
    """Return the rows of a table, without its head, numbers as such."""
    def value(text):
        try:
            return float(text)
        except ValueError:
            return text

    with open(DOCS / name, newline="") as file:
        return [[value(text) for text in row] for row in csv.reader(file)][1:]


def draw():
    """Draw jumps.svg and variances.svg from the tables."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams |= {"svg.hashsalt": "truth", "font.size": 9, "axes.grid": True,
                            "grid.alpha": 0.3, "figure.constrained_layout.use": True}
    from matplotlib import pyplot as plt

    colors = {"Two-point": "C0", "Likelihood": "C1", "OLS": "C0", "LIKELY": "C1"}
    figure, every = plt.subplots(1, len(JUMPS), figsize=(9, 3.2), sharey=True)
    for axes, case in zip(every, JUMPS, strict=True):
        table = np.array([row[1:] for row in read("jumps.csv") if row[0] == case and row[1]])
        none = next(row for row in read("jumps.csv") if row[0] == case and not row[1])
        for column, name in ((2, "Two-point"), (4, "Likelihood")):
            label = f"{name} ({100 * none[column + 1]:.2f} % false)"
            axes.plot(table[:, 0], table[:, column], color=colors[name], label=label)
            axes.plot(table[:, 0], table[:, column + 1], "o", color=colors[name], mfc="none", ms=5)
        axes.plot([], [], "ko", mfc="none", ms=5, label="jwst 3.0.0")
        axes.set(title=case, xlabel="size of the jump, $\\sigma$", xlim=(0, 15.5), ylim=(0, 1.02))
        axes.legend(loc="lower right", fontsize=7)
    every[0].set_ylabel("ramps in which one is found")
    figure.savefig(DOCS / "jumps.svg", metadata={"Date": None})

    figure, axes = plt.subplots(figsize=(5, 3.2))
    table = np.array(read("variances.csv"))[1:]
    for column, name in ((1, "OLS"), (3, "LIKELY")):
        axes.plot(table[:, 0], table[:, column], color=colors[name], label=name)
        axes.plot(table[:, 0], table[:, column + 1], "o", color=colors[name], mfc="none", ms=5)
    axes.plot([], [], "ko", mfc="none", ms=5, label="jwst 3.0.0")
    axes.axhline(1, color="k", lw=0.8)
    axes.set(xscale="log", xlabel="rate, e-/s", ylabel="variance given / variance of the rates")
    axes.legend()
    figure.savefig(DOCS / "variances.svg", metadata={"Date": None})


def main():
    """Write all tables and figures."""
    official = Official()
    for function in (slopes, variances, jumps):
        print(f"{function.__name__} ...", file=sys.stderr, flush=True)
        write(f"{function.__name__}.csv", function(official))
    draw()


if __name__ == "__main__":
    main()
