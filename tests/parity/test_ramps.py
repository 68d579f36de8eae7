"""Thousands of random ramps, fitted here and by the official package."""

import json
import subprocess

import numpy as np
import pytest

from jwst_cal.detector import _likelihood, _slopes
from jwst_cal.detector.ramp_fit import FLAGS
from tests.parity import fit_ramps, setup

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

DNU, SAT, JUMP, DROPOUT, PERS, FLOOR, CHARGE = 1, 2, 4, 8, 32, 64, 128
NAMES = ("slope", "dq", "var_poisson", "var_rnoise", "err")


def ramps(seed, n_ints, n_groups, kind):
    """Ramps with every flag and bad pixels of every sort, and how they were taken."""
    rng = np.random.default_rng(seed)
    shape = n_ints, n_groups, 6, 60
    n_frames, gap = ((1, 0), (4, 1))[seed % 2] if kind != "miri" else (1, 0)
    options = {"instrument": "MIRI" if kind == "miri" else "NIRCAM", "frame_time": 10.7,
               "group_time": 10.7 * (n_frames + gap), "n_frames": n_frames, "group_gap": gap,
               "suppress_one_group": kind not in ("zeroframe", "single"), "algorithm": "OLS_C"}
    rate = 10 ** rng.uniform(-2, 3, shape[2:])
    gain, noise = rng.uniform(1, 4, shape[2:]), rng.uniform(5, 25, shape[2:])
    steps = rng.poisson(rate * gain * options["group_time"], shape) / gain
    hits = rng.random(shape) < rng.choice([0, 0.02, 0.1, 0.4], shape[2:])
    data = np.cumsum(steps + hits * rng.exponential(2000, shape), 1)
    data += rng.normal(0, 1, shape) * noise / np.sqrt(2 * n_frames)
    groupdq = np.where(hits, JUMP, 0).astype(np.uint8)
    for flag, odds in ((DNU, 0.03), (PERS, 0.01), (FLOOR, 0.01), (DROPOUT, 0.005)):
        groupdq[rng.random(shape) < odds] |= flag
    groups = np.arange(n_groups)[:, None, None]
    groupdq[groups >= rng.integers(0, 3 * n_groups, (n_ints, 1, *shape[2:]))] |= SAT
    if kind == "charge":
        groupdq[groups >= rng.integers(1, 3 * n_groups, (n_ints, 1, *shape[2:]))] |= CHARGE | DNU
    if kind == "miri":
        groupdq[:, [0, -1]] |= DNU
    pixeldq = rng.choice(np.array([0, 0, 0, 0, 0, DNU, SAT, 1 << 20], np.uint32), shape[2:])
    gain[0, :9] = [np.nan, -1, 0] * 3
    noise[1, :4] = [np.nan, 0, np.nan, 0]
    arrays = {"data": data, "gain": gain, "read_noise": noise,
              "dark_current": rng.uniform(-0.01, 0.05, shape[2:])}
    if kind == "zeroframe":
        zero = rng.normal(rate * 10.7, 5, (n_ints, *shape[2:]))
        arrays["zeroframe"] = np.where(rng.random(zero.shape) < 0.2, 0, zero)
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    return {**arrays, "groupdq": groupdq, "pixeldq": pixeldq}, options


CASES = {
    f"{kind}-{n_ints}x{n_groups}": (n_ints, n_groups, kind)
    for kind in ("plain", "single", "zeroframe", "charge", "miri")
    for n_groups in (1, 2, 3, 4, 6, 9, 10, 17, 40)
    for n_ints in (1, 3)
    if not (kind == "miri" and n_groups < 4)
}


LIKELY = {f"likely-{kind}-{n_ints}x{n_groups}": (n_ints, n_groups, kind)
          for kind in ("plain", "zeroframe") for n_groups in (5, 6, 9, 10, 17, 40)
          for n_ints in (1, 3)}


def likely_ramps(name):
    """Return ramps of few flags and no darkness, which the official search can divide by."""
    seed = list(LIKELY).index(name) + 1000
    arrays, options = ramps(seed, *LIKELY[name])
    cleared = np.random.default_rng(seed).random(arrays["groupdq"].shape) < 0.75
    arrays["groupdq"][cleared & (arrays["groupdq"] != SAT)] = 0
    arrays["dark_current"] = np.abs(arrays["dark_current"])
    arrays["data"] += 5 * options["group_time"] * np.arange(arrays["data"].shape[1],
                                                            dtype=np.float32)[:, None, None]
    if "zeroframe" in arrays:
        arrays["zeroframe"][arrays["zeroframe"] != 0] += np.float32(5 * 10.7)
    return arrays, {**options, "algorithm": "LIKELY"}


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ramps")
    made = {}
    every = {name: ramps(seed, *case) for seed, (name, case) in enumerate(CASES.items())}
    every |= {name: likely_ramps(name) for name in LIKELY}
    for name, (arrays, options) in every.items():
        made.update({f"{name}/{key}": array for key, array in arrays.items()})
        made[f"{name}/options"] = json.dumps(options)
    np.savez(folder / "in.npz", **made)
    subprocess.run([str(setup.find()[0]), fit_ramps.__file__, "in.npz", "out.npz"], check=True,
                   cwd=folder, capture_output=True)
    with np.load(folder / "out.npz") as file:
        return {name: file[name] for name in file.files}


def fit(arrays, options):
    if options["algorithm"] == "LIKELY":
        return _likelihood.fit_likelihood(
            arrays["data"], arrays["groupdq"], arrays["pixeldq"], arrays["gain"],
            arrays["read_noise"], flags=FLAGS, dark_current=arrays["dark_current"],
            zeroframe=arrays.get("zeroframe"),
            times=_likelihood.read_times(arrays["data"].shape[1], options["n_frames"],
                                         options["group_gap"], options["frame_time"]))
    return _slopes.fit_slopes(
        arrays["data"], arrays["groupdq"], arrays["pixeldq"], arrays["gain"],
        arrays["read_noise"], flags=FLAGS, dark_current=arrays["dark_current"],
        zeroframe=arrays.get("zeroframe"), drop_unused_groups=options["instrument"] == "MIRI",
        **{key: options[key] for key in ("group_time", "frame_time", "n_frames", "group_gap",
                                         "suppress_one_group")})


def differs_on_purpose(arrays, options):
    """Pixels to which an entry of docs/differences.rst applies, by entry."""
    groupdq, single = arrays["groupdq"].copy(), not options["suppress_one_group"]
    if options["instrument"] == "MIRI":
        first, used = _slopes.usable_groups(groupdq, flags=FLAGS, suppress_one_group=not single)
        groupdq = groupdq[:, first : first + used]
        groupdq[:, 0] &= ~np.uint8(JUMP)
    none = ((groupdq & ~np.uint8(PERS)) != 0).all(axis=1)
    if "zeroframe" in arrays:
        none &= arrays["zeroframe"] == 0
    empty = none & ~((groupdq & (DNU | SAT)) != 0).all(axis=1)
    return {
        "no segment": empty.any(axis=0),
        "persistence": (single or groupdq.shape[1] == 1) & (groupdq & PERS != 0).any(axis=(0, 1)),
        "one group": (groupdq.shape[1] == 1) & (groupdq != 0).any(axis=(0, 1)),
        "no gain": (groupdq & CHARGE != 0).any(axis=(0, 1)) & ~(arrays["gain"] > 0),
    }


@pytest.mark.parametrize("name", CASES)
def test_random_ramps(official, name):
    arrays, options = ramps(list(CASES).index(name), *CASES[name])
    ours = fit(arrays, options)
    same = ~np.any(list(differs_on_purpose(arrays, options).values()), axis=0)
    assert same.sum() > 40
    for product in ("rate", "rateints"):
        for key in NAMES:
            got = getattr(getattr(ours, product), key)[..., same]
            want = official[f"{name}/{product}.{key}"][..., same]
            if key == "dq":
                np.testing.assert_array_equal(got, want)
            else:
                np.testing.assert_allclose(got, want, rtol=1e-6, err_msg=f"{product}.{key}")


@pytest.mark.parametrize("name", LIKELY)
def test_random_ramps_by_likelihood(official, name):
    arrays, options = likely_ramps(name)
    groupdq = arrays["groupdq"]
    used = ((groupdq[:, 1:] | groupdq[:, :-1]) == 0).sum(axis=1)
    ours = fit(arrays, options)
    same = (used > 3) & (arrays["gain"] > 0) & (arrays["read_noise"] > 0)
    for product, where in (("rateints", same), ("rate", same.all(axis=0))):
        assert where.sum() >= 10
        err = np.nanmin(official[f"{name}/{product}.err"][where])
        for key in NAMES:
            got = getattr(getattr(ours, product), key)[where]
            want = official[f"{name}/{product}.{key}"][where]
            if key == "dq":
                np.testing.assert_array_equal(got, want)
            elif key == "slope":
                np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * err)
            else:
                np.testing.assert_allclose(got, want, rtol=1e-5, err_msg=f"{product}.{key}")


def test_rates_by_likelihood_near_zero_agree_within_their_errors(tmp_path):
    """They are what is left of sums that cancel: 1e-5 of such a rate may be less than rounding."""
    rng, shape = np.random.default_rng(8), (1, 10, 60, 60)
    _, options = likely_ramps("likely-plain-1x10")
    options = {**options, "n_frames": 4, "group_gap": 1, "group_time": 53.5}
    hits = np.cumsum(rng.random(shape) < 0.03, axis=1)
    arrays = {"data": (20000 + rng.normal(0, 6, shape) + 500 * hits).astype(np.float32),
              "groupdq": np.zeros(shape, np.uint8), "pixeldq": np.zeros(shape[2:], np.uint32)}
    for name, value in {"gain": 2, "read_noise": 10, "dark_current": 0}.items():
        arrays[name] = np.full(shape[2:], value, np.float32)
    there, here = fit_there(tmp_path, arrays, options), fit(arrays, options).rate
    np.testing.assert_array_equal(here.dq, there["rate.dq"])
    near_zero = abs(there["rate.slope"]) < there["rate.err"]
    assert near_zero.sum() > 1000
    apart = abs(here.slope.astype(float) - there["rate.slope"]) / there["rate.err"]
    assert apart[near_zero].max() < 1e-6


def test_a_second_jump_of_a_faint_ramp_is_lost_there(tmp_path):
    """The trial of a pair beside the first jump divides by 0 there, and NaN ends the search."""
    steps = [-1.6, -3.1, 8.0, -0.1, 497.5, 4.3, -4.3, 504.9, -0.8]
    _, options = likely_ramps("likely-plain-1x10")
    options = {**options, "n_frames": 4, "group_gap": 1, "group_time": 53.5}
    data = (20000 + np.cumsum([0, *steps])).astype(np.float32)[None, :, None, None]
    arrays = {"data": data, "groupdq": np.zeros(data.shape, np.uint8),
              "pixeldq": np.zeros((1, 1), np.uint32)}
    for name, value in {"gain": 2, "read_noise": 10, "dark_current": 0}.items():
        arrays[name] = np.full((1, 1), value, np.float32)
    there, here = fit_there(tmp_path, arrays, options), fit(arrays, options).rate
    assert here.dq == there["rate.dq"] == JUMP
    assert abs(here.slope) < here.err                 # there is no light in it
    assert there["rate.slope"] > 20 * there["rate.err"]


def test_a_ramp_without_a_segment_is_zero_there_and_flagged_here(official):
    name = "plain-1x2"
    arrays, options = ramps(list(CASES).index(name), *CASES[name])
    empty = differs_on_purpose(arrays, options)["no segment"] & (arrays["pixeldq"] == 0)
    empty &= arrays["gain"] > 0
    assert empty.sum() > 5
    ours = fit(arrays, options).rate
    assert np.isnan(ours.slope[empty]).all()
    assert (ours.dq[empty] & DNU).all()
    assert not official[f"{name}/rate.slope"][empty].any()
    assert not (official[f"{name}/rate.dq"][empty] & DNU).any()


def nan_in_a_ramp():
    arrays, options = ramps(0, 1, 5, "plain")
    arrays["data"][:] = 100.0 * np.arange(5)[:, None, None]
    arrays["data"][0, 1] = np.nan
    arrays["groupdq"][:] = arrays["pixeldq"][:] = 0
    arrays["gain"][:], arrays["read_noise"][:] = 0.001, 10
    return arrays, options


def saturated_integration_of_one_group():
    arrays, options = ramps(0, 2, 1, "single")
    arrays["data"][:] = 100.0
    arrays["groupdq"][:] = np.array([0, SAT])[:, None, None, None]
    arrays["pixeldq"][:] = arrays["dark_current"][:] = 0
    arrays["gain"][:], arrays["read_noise"][:] = 2, 10
    return arrays, {**options, "suppress_one_group": False}


@pytest.mark.parametrize(
    ("make", "key", "here", "there"),
    [
        (nan_in_a_ramp, "slope", 100 / 10.7, 110 / 10.7),
        (saturated_integration_of_one_group, "var_poisson", 50 / 10.7**2 / 2, 0.0),
    ],
)
def test_other_differences(tmp_path, make, key, here, there):
    arrays, options = make()
    np.testing.assert_allclose(getattr(fit(arrays, options).rate, key), here, rtol=1e-5)
    found = fit_there(tmp_path, arrays, options)
    np.testing.assert_allclose(found[f"rate.{key}"], there, rtol=1e-5)


def test_jumps_of_faint_ramps_are_all_found(tmp_path):
    """There the trial of a pair divides 0 by 0, or by what rounding left of it."""
    arrays, options = ramps(0, 1, 5, "plain")
    arrays["data"][:] = np.reshape([1443.7, 1438.9, 1433.3, 1427.4, 3169.0], (5, 1, 1))
    arrays["groupdq"][:] = arrays["pixeldq"][:] = arrays["dark_current"][:] = 0
    arrays["gain"][:], arrays["read_noise"].flat = 2, np.linspace(5, 25, 360)
    options = {**options, "algorithm": "LIKELY"}
    assert (fit(arrays, options).rate.dq == JUMP).all()
    assert 0.02 < (fit_there(tmp_path, arrays, options)["rate.dq"] == 0).mean() < 0.98


def fit_there(tmp_path, arrays, options):
    np.savez(tmp_path / "in.npz", **{f"case/{k}": a for k, a in arrays.items()},
             **{"case/options": json.dumps(options)})
    subprocess.run([str(setup.find()[0]), fit_ramps.__file__, "in.npz", "out.npz"], check=True,
                   cwd=tmp_path, capture_output=True)
    with np.load(tmp_path / "out.npz") as file:
        return {name.partition("/")[2]: file[name] for name in file.files}
