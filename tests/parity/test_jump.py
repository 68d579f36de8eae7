"""Jump detection beside the official one on arrays: every rule on random exposures, flag by flag.

The last tests pin what is different on purpose, on both sides.
"""

import json
import subprocess

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import dqflags

from jwst_cal.detector import _large_events, _two_point
from jwst_cal.detector.jump import GROUP_BITS, JumpStep
from tests.parity import jump_driver, setup

PYTHON, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

DEFAULTS = {name: p.default for name, p in JumpStep.parameters(own=True).items()}
DEFAULTS |= {"n_frames": 1, "group_time": 10.0, "largest_change": 60.0}
DNU, SAT, JUMP = 1, 2, 4


def official(cases, folder):
    """Results of the official package: groupdq and counts of each case."""
    arrays = {"n_cases": len(cases)}
    for k, (data, groupdq, pixeldq, gain, read_noise, options) in enumerate(cases):
        arrays |= {f"{k}_data": data, f"{k}_groupdq": groupdq, f"{k}_pixeldq": pixeldq,
                   f"{k}_gain": gain, f"{k}_read_noise": read_noise,
                   f"{k}_options": json.dumps(options)}
    np.savez(folder / "cases.npz", **arrays)
    subprocess.run([str(PYTHON), jump_driver.__file__, "cases.npz", "results.npz"], cwd=folder,
                   check=True, capture_output=True)
    results = np.load(folder / "results.npz")
    return [(results[f"{k}_groupdq"], results[f"{k}_counts"].tolist())
            for k in range(len(cases))]


def options_for(function, options):
    """Those of the options that a function takes."""
    names = function.__kwdefaults__.keys() & options.keys()
    return {name: options[name] for name in names}


def ours(data, groupdq, pixeldq, gain, read_noise, options):
    """Our groupdq and counts of the same."""
    groupdq, pixeldq = groupdq.copy(), pixeldq.copy()
    with np.errstate(invalid="ignore"):
        pixeldq[~(gain > 0)] |= DNU
    about = {name: options[name] for name in ("group_time", "n_frames")}
    about |= {"gain": gain, "read_noise": read_noise, "n_threads": 2, **GROUP_BITS}
    found = _two_point.flag(data, groupdq, **about, **options_for(_two_point.flag, options))
    events = 0
    if options["expand_large_events"]:
        events = _large_events.flag_snowballs(
            groupdq, group_time=options["group_time"], jump=JUMP, saturated=SAT,
            **options_for(_large_events.flag_snowballs, options))
    if options["find_showers"]:
        events = _large_events.flag_showers(
            data, groupdq, pixeldq, **about, largest_change=options["largest_change"],
            reference_pixel=dqflags.pixel["REFERENCE_PIXEL"],
            **options_for(_large_events.flag_showers, options))
    return groupdq, [-99 if found is None else found, events]


def assert_same(cases, folder):
    n_flags = 0
    for k, (case, theirs) in enumerate(zip(cases, official(cases, folder), strict=True)):
        groupdq, counts = ours(*case)
        np.testing.assert_array_equal(groupdq, theirs[0], err_msg=f"case {k}: {case[-1]}")
        assert counts == theirs[1], k
        n_flags += np.count_nonzero(groupdq & JUMP)
    assert n_flags > 100 * len(cases)


def base(rng, shape, rate, noise):
    """Ramps without events and the calibration of their pixels."""
    plane = shape[2:]
    data = np.cumsum(rng.poisson(rate, shape), axis=1) + rng.normal(0, noise, shape)
    return (data.astype(np.float32), np.zeros(shape, np.uint8), np.zeros(plane, np.uint32),
            rng.uniform(1, 5, plane).astype(np.float32),
            rng.uniform(5, 20, plane).astype(np.float32))


def two_point_case(seed):
    """Any number of groups, every rule, and values that no ramp should have."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.choice([1, 1, 2, 3, 7, 20])), int(rng.choice([2, 3, 4, 5, 6, 9, 11, 20, 40])),
             int(rng.integers(1, 10)), int(rng.integers(1, 40)))
    data, dq, pixeldq, gain, noise = base(rng, shape, 10 ** rng.uniform(-1, 3), 10)
    n_rows, n_cols = shape[2:]
    hit = rng.random(shape) < 0.05
    data += np.cumsum(hit * rng.choice([1, -1], shape) * 10 ** rng.uniform(0, 5, shape),
                      axis=1).astype(np.float32)
    if rng.random() < 0.4:
        data = np.round(data)
    if rng.random() < 0.5:
        data[rng.random(shape) < 0.02] = rng.choice([np.nan, np.inf, -np.inf, 3e38])
    dq |= rng.choice(np.array([0, DNU, SAT, JUMP, JUMP | 32, 64], "u1"), shape,
                     p=[0.9, 0.03, 0.03, 0.02, 0.01, 0.01])
    dq |= SAT * (np.arange(shape[1])[:, None, None] >=
                 rng.integers(1, 3 * shape[1], (shape[0], 1, n_rows, n_cols))).astype("u1")
    for group in (0, -1):
        if rng.random() < 0.3:
            dq[:, group] |= DNU
    if rng.random() < 0.4:
        gain[rng.random(gain.shape) < 0.1] = rng.choice([0, -1.5, np.nan])
        noise[rng.random(gain.shape) < 0.1] = rng.choice([0, -3, np.nan, np.inf])
    options = DEFAULTS | {
        "rejection_threshold": float(rng.choice([4, 4, 2, 10])),
        "three_group_rejection_threshold": float(rng.choice([6, 3])),
        "four_group_rejection_threshold": float(rng.choice([5, 1.5])),
        "max_jump_to_flag_neighbors": float(rng.choice([1000, 20])),
        "min_jump_to_flag_neighbors": float(rng.choice([10, 1])),
        "flag_4_neighbors": bool(rng.random() < 0.8),
        "after_jump_flag_dn1": float(rng.choice([0, 10, 100])),
        "after_jump_flag_time1": float(rng.choice([0, 0, 25, 1000])),
        "after_jump_flag_dn2": float(rng.choice([0, 50])),
        "after_jump_flag_time2": float(rng.choice([0, 0, 15])),
        "min_diffs_single_pass": int(rng.choice([10, 2, 30])),
        "minimum_sigclip_groups": int(rng.choice([100, 3, 5])),
        "only_use_ints": bool(rng.random() < 0.5), "n_frames": int(rng.choice([1, 4])),
    }
    return data, dq, pixeldq, gain, noise, options


def discs(rng, shape, n, largest):
    rows, cols = np.indices(shape)
    mask = np.zeros(shape, bool)
    for _ in range(n):
        y, x, r = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(0.4, largest)
        far = np.hypot(rows - y, (cols - x) * rng.uniform(1, 2))
        mask |= (far < r) & (far >= rng.choice([0, 0, 0.6]) * r)
    return mask


def snowball_case(seed):
    """Discs, rings and ellipses of jumps, with and without cores, in a square subarray."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(20, 90))
    shape = (int(rng.integers(1, 4)), int(rng.integers(3, 7)), size, size)
    data, dq, pixeldq, gain, noise = base(rng, shape, 50, 5)
    for i, g in np.ndindex(shape[0], shape[1] - 1):
        data[i, g + 1 :, discs(rng, (size, size), rng.poisson(4), 7)] += 3000
        dq[i, g + 1 :, discs(rng, (size, size), rng.poisson(2), 4)] |= SAT
    options = DEFAULTS | {
        "expand_large_events": True, "min_jump_area": float(rng.choice([5, 1, 15])),
        "min_sat_area": float(rng.choice([1, 5])), "expand_factor": float(rng.choice([2, 1, 2.2])),
        "sat_required_snowball": bool(rng.random() < 0.8),
        "min_sat_radius_extend": float(rng.choice([2.5, 0])), "sat_expand": int(rng.choice([2, 0])),
        "edge_size": int(rng.choice([25, 0, 5])), "max_extended_radius": int(rng.choice([200, 5])),
        "mask_snowball_core_next_int": bool(rng.random() < 0.8),
        "snowball_time_masked_next_int": int(rng.choice([4000, 0, 25])),
    }
    return data, dq, pixeldq, gain, noise, options


def shower_case(seed):
    """Wide faint steps between cosmic rays, flagged and reference pixels."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 4)), int(rng.integers(8, 16)), *rng.integers(20, 80, 2).tolist())
    data, dq, pixeldq, gain, noise = base(rng, shape, 60, 10)
    rows, cols = np.indices(shape[2:])
    for _ in range(3):
        i, g = rng.integers(shape[0]), rng.integers(1, shape[1])
        y, x, r = rng.uniform(0, shape[2]), rng.uniform(0, shape[3]), rng.uniform(4, 15)
        data[i, g:] += rng.uniform(5, 60) * np.exp(-((rows - y)**2 + (cols - x)**2) / r**2)
    data += np.cumsum((rng.random(shape) < 0.002) * 10 ** rng.uniform(2, 4, shape), axis=1)
    dq[:, -1] = DNU
    dq |= rng.choice(np.array([0, DNU, 32], "u1"), shape, p=[0.98, 0.01, 0.01])
    pixeldq[:, :4] = dqflags.pixel["REFERENCE_PIXEL"]
    pixeldq[rng.random(shape[2:]) < 0.01] |= DNU
    options = DEFAULTS | {
        "find_showers": True, "extend_snr_threshold": float(rng.choice([1.2, 1.5])),
        "extend_min_area": int(rng.choice([90, 20])),
        "extend_inner_radius": float(rng.choice([1, 2])),
        "extend_outer_radius": float(rng.choice([2.6, 1.5])),
        "extend_ellipse_expand_ratio": float(rng.choice([1.1, 2])),
        "time_masked_after_shower": float(rng.choice([15, 0, 35])),
        "minimum_sigclip_groups": int(rng.choice([100, 2])),
        "largest_change": float(rng.choice([60, 10])),
    }
    return data.astype(np.float32), dq, pixeldq, gain, noise, options


@pytest.mark.parametrize(("make", "n"), [(two_point_case, 200), (snowball_case, 40),
                                         (shower_case, 25)])
def test_every_flag_is_the_same(make, n, tmp_path):
    assert_same([make(seed) for seed in range(n)], tmp_path)


def test_rounding_turns_circles_and_decides_about_their_tips(tmp_path):
    """Of 2.8e5 flags in these, the worst of 250, forty differ in neighbours of a flagged one."""
    cases = [snowball_case(seed) for seed in (1015, 1041, 1069, 1109, 1111, 1189)]
    for case, (theirs, counts) in zip(cases, official(cases, tmp_path), strict=True):
        groupdq, found = ours(*case)
        assert found == counts
        differ = np.argwhere(groupdq != theirs)
        assert len(differ) <= 20
        for i, g, row, col in differ:
            around = np.s_[i, g, max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2]
            for dq in (groupdq, theirs):
                assert (dq[around] & (JUMP | SAT)).any()


def test_minimum_groups_is_ignored_there(tmp_path):
    data, *rest = base(np.random.default_rng(1), (1, 5, 8, 8), 50, 5)
    data[0, 2:, 3, 3] += 3000
    case = (data, *rest, DEFAULTS | {"minimum_groups": 6})
    ((theirs, (n_theirs, _)),) = official([case], tmp_path)
    groupdq, (n_ours, _) = ours(*case)
    assert n_ours == -99
    assert n_theirs >= 1
    assert (theirs[0, 2, 3, 3], groupdq[0, 2, 3, 3]) == (JUMP, 0)


def test_there_the_right_edge_is_where_the_rows_end(tmp_path):
    data, dq, *rest = base(np.random.default_rng(1), (1, 5, 60, 200), 50, 5)
    rows, cols = np.indices((60, 200))
    for x in (30, 100, 185):
        data[0, 2:, np.hypot(rows - 30, cols - x) < 5] += 3000
    case = (data, dq, *rest, DEFAULTS | {"expand_large_events": True, "edge_size": 20})
    ((theirs, (_, n_theirs)),) = official([case], tmp_path)
    groupdq, (_, n_ours) = ours(*case)
    assert (n_ours, n_theirs) == (1, 2)  # at the true edge only; that and the one at 100
    differ = np.flatnonzero((groupdq != theirs).any(axis=(0, 1, 2)))
    assert differ.min() > 85
    assert differ.max() < 115


def test_there_the_largest_change_by_a_shower_is_six_electrons_per_second():
    """Whatever ``max_shower_amplitude`` says: the step multiplies the default of stcal."""
    code = ("import inspect; from jwst.jump.jump_step import JumpStep; "
            "from stcal.jump.jump_class import JumpData; "
            "print(JumpData().max_shower_amplitude, 'self.max_shower_amplitude' in "
            "inspect.getsource(JumpStep._setup_jump_data))")
    done = subprocess.run([str(PYTHON), "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["6", "False"]
    assert DEFAULTS["max_shower_amplitude"] == 4
