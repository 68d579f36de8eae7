"""Cost of the kernels that see whole ramps, over groups, integrations and threads.

    python -m benchmarks.scaling [--repeats 5] [--kernel NAME ...] [--plot FILE.png] [--json FILE]

Ramps of :mod:`benchmarks.ramps` in memory; results go where memory was touched before. The unit is
one copy of the float32 cube on one thread, measured in turn with the kernels, so that machines
compare: the least of the repeats of both, in CPU seconds. Threads are compared by the clock. First
the shapes of three exposures (a full frame, many short integrations, long ramps), then the scaling.
"""

import argparse
import json
import time

import numpy as np

from benchmarks import ramps as made
from jwst_cal.detector import (
    _large_events,
    _likelihood,
    _linearity,
    _refpix,
    _saturation,
    _slopes,
    _two_point,
)
from jwst_cal.detector._slopes import Flags
from jwst_cal.kernels import memory
from jwst_cal.kernels.dark import subtract_dark
from jwst_cal.kernels.subtract import subtract

BITS = {"jump": made.JUMP, "saturated": made.SATURATED, "do_not_use": made.DO_NOT_USE}
FLAGS = Flags(made.DO_NOT_USE, made.SATURATED, made.JUMP, 32, 128, 1 << 19)
#: Rows and columns of the ramps that groups and integrations are varied of.
IMAGE = (512, 1024)


class Kernels:
    """The kernels by name, on one set of ramps; each returns the seconds of its call alone."""

    def __init__(self, shape, clock=time.process_time, n_threads=1, **options):
        self.ramps, self.clock, self.n_threads = made.make(shape, **options), clock, n_threads
        self.data = memory.empty(shape, np.float32)  # where the pipeline has them, too
        self.groupdq = memory.empty(shape, np.uint8)
        image = shape[2:]
        self.limit = np.full(image, 0.9 * made.FULL_WELL, np.float32)
        self.no_flags = np.zeros(image, np.uint32)
        self.plane = np.full(image, 0.1, np.float32).astype(">f4")
        self.coeffs = np.stack([np.full(image, c, np.float32)
                                for c in (0, 1, 1e-6, 1e-12, 1e-18, 1e-24)]).astype(">f4")
        self.dark_planes = np.broadcast_to(self.plane, (shape[1], *image)).copy()
        self.hit = self.ramps.groupdq.copy()
        self._find(self.hit)

    def _timed(self, call, *args, **options):
        np.copyto(self.data, self.ramps.data)
        np.copyto(self.groupdq, self.ramps.groupdq)
        begin = self.clock()
        call(*args, n_threads=self.n_threads, **options)
        return self.clock() - begin

    def _find(self, groupdq, n_threads=None, **options):
        r = self.ramps
        _two_point.flag(r.data, groupdq, gain=r.gain, read_noise=r.read_noise, n_frames=1,
                        group_time=r.group_time, n_threads=n_threads or 1, **BITS, **options)

    def copy(self):
        """One copy of the cube."""
        begin = self.clock()
        np.copyto(self.data, self.ramps.data)
        return self.clock() - begin

    def saturation(self):
        """Flags with one ring of neighbours, groups of two reads."""
        self.groupdq[...] = 0
        begin = self.clock()
        _saturation.flag(
            self.ramps.data, self.groupdq, self.no_flags.copy(), limit=self.limit,
            limit_dq=self.no_flags, no_check=1 << 21, saturated=made.SATURATED, low=65,
            do_not_use=made.DO_NOT_USE, frames_per_group=2, n_threads=self.n_threads)
        return self.clock() - begin

    def superbias(self):
        """Subtraction of one plane."""
        return self._timed(subtract, self.data, self.plane)

    def refpix(self):
        """Drifts from the reference pixels on all sides."""
        usable = np.ones(self.plane.shape, bool)
        plan = _refpix.plan_near_infrared(usable, fast_axis=1, slow_axis=2,
                                          side_smoothing_length=11)
        return self._timed(_refpix.correct, self.data, plan)

    def linearity(self):
        """Polynomials of six terms."""
        return self._timed(
            _linearity.linearise, self.data, self.groupdq, self.no_flags.copy(), coeffs=self.coeffs,
            dq=self.no_flags, saturated=made.SATURATED, no_correction=1 << 20)

    def dark(self):
        """Subtraction of a plane for each group."""
        return self._timed(subtract_dark, self.data, self.dark_planes[np.newaxis])

    def jump(self):
        """Two-point differences, with neighbours."""
        return self._timed(self._find, self.groupdq)

    def jump_and_after(self):
        """The same, and groups after large jumps."""
        time = self.ramps.group_time
        return self._timed(self._find, self.groupdq, after_jump_flag_dn1=500.0,
                           after_jump_flag_time1=3 * time, after_jump_flag_dn2=5000.0,
                           after_jump_flag_time2=5 * time)

    def snowballs(self):
        """Large events."""
        np.copyto(self.groupdq, self.hit)
        begin = self.clock()
        _large_events.flag_snowballs(self.groupdq, group_time=self.ramps.group_time,
                                     jump=made.JUMP, saturated=made.SATURATED,
                                     n_threads=self.n_threads)
        return self.clock() - begin

    def slopes(self):
        """OLS_C, with three variances, of exposure and integrations, these in place."""
        r = self.ramps
        return self._timed(_slopes.fit_slopes, self.data, self.hit, r.pixeldq, r.gain, r.read_noise,
                           flags=FLAGS, group_time=r.group_time, frame_time=r.group_time,
                           n_frames=1, in_place=True)

    def likelihood(self):
        """LIKELY, with the search for jumps."""
        r = self.ramps
        times = _likelihood.read_times(r.data.shape[1], 1, 0, r.group_time)
        return self._timed(_likelihood.fit_likelihood, r.data, r.groupdq, r.pixeldq, r.gain,
                           r.read_noise, flags=FLAGS, times=times)


#: Kernels, and the copies that each is to take at most, of a NIRCam full frame.
LIMITS = {"saturation": 2, "superbias": 1.5, "refpix": 6, "linearity": 2, "dark": 2, "jump": 3,
          "jump_and_after": np.inf, "snowballs": 8, "slopes": 4, "likelihood": 20}
NAMES = tuple(LIMITS)
#: The kernels of the default parameters, from raw counts to rates.
CHAIN = ("saturation", "superbias", "refpix", "linearity", "dark", "jump", "snowballs", "slopes")
CHAIN_LIMIT = 20


def least(kernels, names, repeats):
    """Least seconds of each kernel and of a copy, in turns."""
    *_, n_groups, n_rows, n_cols = kernels.ramps.data.shape
    names = [name for name in names if (name != "likelihood" or n_groups > 3)
             and (name != "refpix" or n_rows == n_cols == 2048)]
    found = dict.fromkeys(("copy", *names), np.inf)
    for _ in range(repeats):
        for name in found:
            found[name] = min(found[name], getattr(kernels, name)())
    return found


def shapes(names, repeats):
    """Measure the three exposures on one thread; return copies by kernel, by exposure."""
    rows = {}
    for exposure, (shape, hit, group_time, first, last) in made.SHAPES.items():
        kernels = Kernels(shape, hit=hit, group_time=group_time, unused_first=first,
                          unused_last=last)
        times = least(kernels, names, repeats)
        rows[exposure] = {name: times[name] / times["copy"] for name in times}
        del kernels
    return rows


def scaling(names, repeats):
    """Measure nanoseconds per pixel and group over groups and integrations, speed over threads."""
    found = {"groups": {}, "integrations": {}, "threads": {}}
    for n_groups in (3, 5, 8, 10, 12, 16, 24, 40, 80):
        kernels = Kernels((1, n_groups, *IMAGE))
        found["groups"][n_groups] = _per_sample(kernels, least(kernels, names, repeats))
    for n_ints in (1, 2, 5, 10, 20, 40):
        kernels = Kernels((n_ints, 6, *IMAGE))
        found["integrations"][n_ints] = _per_sample(kernels, least(kernels, names, repeats))
    for n_threads in (1, 2, 4, 8):
        kernels = Kernels((1, 10, 2048, 2048), time.perf_counter, n_threads)
        found["threads"][n_threads] = least(kernels, names, repeats)
    return found


def _per_sample(kernels, times):
    return {name: 1e9 * seconds / kernels.ramps.data.size for name, seconds in times.items()}


def plot(found, path):
    """Draw the scaling."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(15, 5), layout="constrained")
    names = [*next(iter(found["groups"].values())) | dict.fromkeys(NAMES)]
    for number, name in enumerate(names):  # there are ten colours
        for axis, what in zip(axes, found, strict=True):
            table = found[what]
            at = [n for n in table if name in table[n]]
            values = [table[n][name] for n in at]
            if what == "threads" and at:
                values = [table[1][name] / value for value in values]
            axis.plot(at, values, "o-" if number < 10 else "s--", label=name)
    for axis, what in zip(axes, found, strict=True):
        axis.set(xlabel=what, xscale="log", xticks=list(found[what]),
                 xticklabels=list(map(str, found[what])))
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set(ylabel="ns per pixel and group, one thread", yscale="log",
                title=f"1 integration of {IMAGE[0]} x {IMAGE[1]}")
    axes[1].set(ylabel="ns per pixel and group, one thread", yscale="log", title="6 groups")
    axes[2].plot(list(found["threads"]), list(found["threads"]), "k:", label="ideal")
    axes[2].set(ylabel="speed over that of one thread", yscale="log",
                title="1 x 10 groups of 2048 x 2048, by the clock")
    axes[2].legend(fontsize="small")
    figure.savefig(path, dpi=100)


def main(words=None):
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kernel", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--plot", help="measure the scaling, too, and draw it in this file")
    parser.add_argument("--json", help="file for all numbers")
    given = parser.parse_args(words)
    rows = shapes(given.kernel, given.repeats)
    sizes = {name: int(np.prod(shape[0])) for name, shape in made.SHAPES.items()}
    print(f"{'copies of the cube':20}" + "".join(f"{name:>10}" for name in rows)
          + "  limit of nircam   dearest per pixel and group, over nircam")
    for name in given.kernel:
        values = [row.get(name, np.nan) for row in rows.values()]
        print(f"{name:20}" + "".join(f"{v:10.2f}" for v in values)
              + f"{LIMITS[name]:17.1f}{np.nanmax(values) / values[0]:10.2f}", flush=True)
    chain = sum(next(iter(rows.values())).get(name, np.nan) for name in CHAIN)
    print(f"{'one after the other':20}{chain:10.2f}{CHAIN_LIMIT:37.1f}")
    found = {"shapes": rows, "sizes": sizes}
    if given.plot:
        found |= scaling(given.kernel, given.repeats)
        plot({what: found[what] for what in ("groups", "integrations", "threads")}, given.plot)
    if given.json:
        with open(given.json, "w") as file:
            json.dump(found, file)


if __name__ == "__main__":
    main()
