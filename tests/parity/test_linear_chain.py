"""Linearity, dark, RSCD and EMI on arrays full of corner cases, here and officially."""

import json
import subprocess

import numpy as np
import pytest

from jwst_cal import flags
from jwst_cal.detector import _dark, _emi, _linearity, _rscd
from tests.parity import linear_chain, setup

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

SAT, DNU = flags.group["SATURATED"], flags.group["DO_NOT_USE"]
NO_LIN_CORR, ESTIMATED = flags.pixel["NO_LIN_CORR"], flags.pixel["FLUX_ESTIMATED"]


def saturating(rng, n_ints, n_groups, shape):
    first = rng.integers(0, n_groups + 3, (n_ints, 1, *shape))
    return np.where(np.arange(n_groups)[:, None, None] >= first, SAT, 0).astype(np.uint8)


class Linearity:
    """`frames` None: group by group."""

    def __init__(self, n_groups, n_terms, frames=None, gap=0):
        self.n_groups, self.n_terms, self.frames, self.gap = n_groups, n_terms, frames, gap

    def make(self, rng):
        shape = (2, self.n_groups, 70, 45)
        coeffs = np.zeros((self.n_terms, *shape[2:]))
        coeffs[0], coeffs[1] = rng.normal(0, 0.1, shape[2:]), 1
        for k in range(2, self.n_terms):
            coeffs[k] = rng.normal(0, 0.03, shape[2:]) * 3e4 ** (1.0 - k)
        coeffs[-1][rng.random(shape[2:]) < 0.05] = np.nan
        coeffs[1][rng.random(shape[2:]) < 0.05] = 0
        inverse = np.zeros((5, *shape[2:]))
        inverse[1], inverse[2] = 1, rng.normal(0, 1e-6, shape[2:])
        inverse[3][rng.random(shape[2:]) < 0.05] = np.nan
        data = rng.uniform(0, 3e4, shape) * np.linspace(0.1, 1, self.n_groups)[:, None, None]
        data[rng.random(shape) < 0.01] = np.nan
        zeroframe = np.where(rng.random((2, *shape[2:])) < 0.1, 0, data[:, 0] / 2)
        floats = {"data": data, "coeffs": coeffs, "inverse": inverse, "zeroframe": zeroframe}
        dq = np.where(rng.random(shape[2:]) < 0.1, NO_LIN_CORR, 0) | rng.integers(0, 2, shape[2:])
        return {**{name: array.astype(np.float32) for name, array in floats.items()},
                "groupdq": saturating(rng, *shape[:2], shape[2:]), "dq": dq.astype(np.uint32),
                "pixeldq": rng.integers(0, 8, shape[2:]).astype(np.uint32)}, {
                    "kind": "linearity", "frames": self.frames}

    def ours(self, a):
        _linearity.linearise(
            a["data"], a["groupdq"], a["pixeldq"], coeffs=a["coeffs"], dq=a["dq"],
            inverse=a["inverse"] if self.frames else None, frames_per_group=self.frames or 1,
            group_gap=self.gap, zeroframe=a["zeroframe"], saturated=SAT,
            no_correction=NO_LIN_CORR)
        return {name: a[name] for name in ("data", "pixeldq", "zeroframe")}


class Dark:
    """`exposure` and `dark`: groups, frames, gap."""

    def __init__(self, n_ints, exposure, dark, dark_ints=None, first=1):
        self.n_ints, self.exposure, self.dark = n_ints, exposure, dark
        self.dark_ints, self.first = dark_ints, first

    def make(self, rng):
        shape = (300, 17)
        dark = np.cumsum(rng.normal(1, 1, (self.dark_ints or 1, self.dark[0], *shape)), axis=1)
        dark[rng.random(dark.shape) < 0.01] = np.nan
        dq = rng.integers(0, 8, (self.dark_ints or 1, 1, *shape))
        return {"data": rng.normal(1e3, 99, (self.n_ints, self.exposure[0], *shape)).astype("f4"),
                "dark": (dark if self.dark_ints else dark[0]).astype(np.float32),
                "dq": (dq if self.dark_ints else dq[0, 0]).astype(np.uint32),
                "pixeldq": np.zeros(shape, np.uint32)}, {
                    "kind": "dark", "exposure": self.exposure, "dark": self.dark,
                    "first": self.first}

    def ours(self, a):
        for frames in (a["dark"].astype(">f4"), a["dark"]):
            data = a["data"].copy()
            _dark.subtract(data, frames, exposure=_dark.ReadPattern(*self.exposure),
                           dark=_dark.ReadPattern(*self.dark), first_integration=self.first)
        return {"data": data}


class Rscd:
    """Random saturation; the flags decide."""

    def __init__(self, n_ints, n_groups, skip, first=1, ordered=True):
        self.n_ints, self.n_groups, self.skip = n_ints, n_groups, skip
        self.first, self.ordered = first, ordered

    def make(self, rng):
        groupdq = saturating(rng, self.n_ints, self.n_groups, (9, 11))
        if not self.ordered:
            groupdq = (rng.integers(0, 2, groupdq.shape) * SAT).astype(np.uint8)
        return {"groupdq": groupdq, "pixeldq": np.zeros((9, 11), np.uint32)}, {
            "kind": "rscd", "skip": self.skip, "first": self.first}

    def ours(self, a):
        has_first = self.first == 1
        parts = [(slice(0, 1), self.skip[0])] * has_first
        parts += [(slice(int(has_first), None), self.skip[1])] * (self.n_ints > 1)
        for part, skip in parts:
            _rscd.flag_first_groups(
                a["groupdq"][part], a["pixeldq"],
                n_skip=_rscd.groups_to_skip(skip, self.n_groups),
                saturated=SAT, do_not_use=DNU, estimated=ESTIMATED)
        return {"groupdq": a["groupdq"], "pixeldq": a["pixeldq"]}


class Emi:
    """A wave of 6 DN in a subarray."""

    def __init__(self, shape, algorithm, readpatt="FASTR1", frequency=390.625, start=0.2,
                 **options):
        self.shape, self.algorithm, self.readpatt = shape, algorithm, readpatt
        self.frequency, self.start = frequency, start
        self.options = {"separate": False, "reference": False, "n_bins": None, "scale": True}
        self.options |= options

    CLOCKS = (1, 28, 8512)

    def make(self, rng):
        n_groups, n_cols = self.shape[1], self.shape[3]
        wave = np.sin(2 * np.pi * (np.arange(100) + 0.5) / 100)
        wave += 0.3 * np.roll(wave, 17) ** 2
        times = np.arange(64)[:, None] * 28 + np.repeat(np.arange(n_cols // 4), 4)
        phase = (times + np.arange(n_groups)[:, None, None] * 8512) * self.frequency * 1e-5
        data = 8000 + rng.exponential(20, (64, n_cols)) * np.arange(n_groups)[:, None, None]
        self.clean = data + np.zeros((self.shape[0], 1, 1, 1))
        data = data + 6 * wave[((phase + self.start) % 1 * 100).astype(int)]
        data = data + rng.normal(0, 5, self.shape)
        return {"data": np.round(data).astype(np.float32), "wave": wave,
                "pixeldq": (rng.random((64, n_cols)) < 0.05).astype(np.uint32)}, {
                    "kind": "emi", "algorithm": self.algorithm, "frequency": self.frequency,
                    "clocks": self.CLOCKS, "readpatt": self.readpatt, **self.options}

    def ours(self, a):
        clocks = _emi.Clocks(*self.CLOCKS, self.readpatt == "FASTR1")
        if self.algorithm == "joint":
            _emi.remove_by_joint_fit(a["data"], a["pixeldq"], a["wave"], frequency=self.frequency,
                                     clocks=clocks, fit_ints_separately=self.options["separate"])
        else:
            _emi.remove_sequentially(
                a["data"], frequency=self.frequency, clocks=clocks,
                reference=a["wave"] if self.options["reference"] else None,
                n_bins=self.options["n_bins"], scale_reference=self.options["scale"])
        return {"data": a["data"]}


CASES = {
    "linearity-6-terms": Linearity(5, 6),
    "linearity-2-terms": Linearity(3, 2),
    "linearity-13-terms": Linearity(3, 13),
    "linearity-one-group": Linearity(1, 5),
    "linearity-by-read-4": Linearity(5, 6, frames=4),
    "linearity-by-read-two-groups": Linearity(2, 6, frames=8),
    "dark-2": Dark(1, (5, 2, 0), (10, 1, 0)),
    "dark-2-gap": Dark(2, (5, 2, 1), (20, 1, 0)),
    "dark-deep8": Dark(1, (5, 8, 12), (120, 1, 0)),
    "dark-deep8-short": Dark(1, (5, 8, 12), (60, 1, 0)),
    "dark-alike": Dark(2, (5, 1, 0), (9, 1, 0)),
    "dark-alike-short": Dark(2, (5, 1, 0), (3, 1, 0)),
    "dark-alike-averaged-short": Dark(2, (5, 4, 1), (3, 4, 1)),
    "dark-bright1": Dark(2, (5, 1, 1), (20, 1, 0)),
    "dark-bright1-short": Dark(2, (5, 1, 1), (4, 1, 0)),
    "dark-miri": Dark(3, (5, 1, 0), (9, 1, 0), 2),
    "dark-miri-segment": Dark(3, (5, 1, 0), (9, 1, 0), 2, first=2),
    "dark-miri-short": Dark(3, (5, 1, 0), (3, 1, 0), 2),
    "dark-miri-averaged": Dark(3, (5, 4, 0), (30, 1, 0), 2),
    **{f"rscd-{n}-{first}-{'ordered' if ordered else 'any'}": Rscd(3, n, (2, 4), first, ordered)
       for n in (3, 5, 6, 8, 12) for first in (1, 3) for ordered in (True, False)},
    "rscd-nothing-to-skip": Rscd(2, 12, (0, 0)),
    "rscd-one-integration": Rscd(1, 12, (3, 5)),
    "emi-joint": Emi((2, 5, 64, 64), "joint"),
    "emi-joint-fast": Emi((3, 12, 64, 72), "joint", "FAST", 218.52055),
    "emi-joint-separate": Emi((3, 8, 64, 64), "joint", separate=True),
    "emi-sequential": Emi((2, 12, 64, 64), "sequential"),
    "emi-sequential-bins": Emi((2, 12, 64, 64), "sequential", n_bins=40),
    "emi-sequential-reference": Emi((2, 12, 64, 72), "sequential", reference=True),
    "emi-sequential-unscaled": Emi((2, 5, 64, 64), "sequential", reference=True, scale=False),
    "emi-sequential-slow-wave": Emi((2, 11, 64, 64), "sequential", "FAST", 10.039216),
    "emi-joint-end-of-period": Emi((3, 8, 64, 64), "joint", start=0, separate=True),
    "linearity-by-read-gap": Linearity(5, 6, frames=8, gap=12),
    "linearity-by-read-one-group": Linearity(1, 6, frames=4),
    "dark-miri-segment-averaged": Dark(1, (5, 4, 0), (30, 1, 0), 2, first=2),
}
#: Where the official package is wrong; see docs/differences.rst.
ON_PURPOSE = ("linearity-by-read-gap", "linearity-by-read-one-group",
              "dark-miri-segment-averaged", "emi-joint-end-of-period")


def made(name):
    return CASES[name].make(np.random.default_rng(list(CASES).index(name)))


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chain")
    every = {}
    for name in CASES:
        arrays, options = made(name)
        every.update({f"{name}/{key}": array for key, array in arrays.items()})
        every[f"{name}/options"] = json.dumps(options)
    np.savez(folder / "in.npz", **every)
    subprocess.run([str(setup.find()[0]), linear_chain.__file__, "in.npz", "out.npz"], check=True,
                   cwd=folder, capture_output=True)
    with np.load(folder / "out.npz") as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize("name", [name for name in CASES if name not in ON_PURPOSE])
def test_same_numbers(official, name):
    ours = CASES[name].ours(made(name)[0])
    for key, got in ours.items():
        want = official[f"{name}/{key}"]
        if name.startswith("emi"):  # two spline libraries
            np.testing.assert_allclose(got, want, rtol=1e-6)
        else:
            np.testing.assert_array_equal(got, want)


def test_reads_dropped_between_groups(official):
    arrays, _ = made("linearity-by-read-gap")
    theirs = official["linearity-by-read-gap/data"]
    case = Linearity(5, 6, frames=8)
    np.testing.assert_array_equal(case.ours(arrays)["data"], theirs)
    here = CASES["linearity-by-read-gap"].ours(made("linearity-by-read-gap")[0])["data"]
    assert np.nanmax(np.abs(here - theirs)) > 1


def test_a_single_averaged_group(official):
    name = "linearity-by-read-one-group"
    assert official[f"{name}/error"] == "IndexError"
    assert np.isfinite(CASES[name].ours(made(name)[0])["data"]).any()


def test_averaged_dark_of_a_later_segment(official):
    name = "dark-miri-segment-averaged"
    arrays, _ = made(name)
    np.testing.assert_array_equal(official[f"{name}/data"], arrays["data"])
    before = arrays["data"].copy()
    assert np.median(before - CASES[name].ours(arrays)["data"]) > 1


def test_wave_that_starts_at_the_end_of_the_period(official):
    """The best of the 500 trial phases of the first integration is the first one."""
    name = "emi-joint-end-of-period"
    case = CASES[name]
    here = case.ours(made(name)[0])["data"]
    there = official[f"{name}/data"]
    np.testing.assert_allclose(here[1:], there[1:], rtol=1e-6)
    rest = [np.std(data[0] - case.clean[0]) for data in (here, there)]
    assert rest[0] < rest[1] - 0.05
    assert np.abs(here[0] - there[0]).max() > 1
