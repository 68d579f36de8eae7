"""Charge traps that fill and empty, kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.traps import traps as twin

from jwst_cal.kernels.traps import traps

BOTH = pytest.mark.parametrize("run", [traps, twin])
SATURATED, JUMP, FLAG = 2, 4, 32
BITS = {"saturated": SATURATED, "jump": JUMP, "flag": FLAG}


def tables(n_families, n_groups, rng=None):
    """Tables of the kernel: of no effect, or random."""
    shapes = {"decay": (n_families,), "between": (n_families,), "slow": (n_families,),
              "instant": (n_families,), "ramp": (2, n_families, n_groups + 1),
              "soak": (n_families, n_groups + 1), "hit": (n_families, n_groups)}
    made = {name: np.zeros(shape) if rng is None else rng.uniform(0, 0.5, shape)
            for name, shape in shapes.items()}
    for name in ("decay", "between"):
        made[name] = made[name].astype(np.float32)
    return made


def exposure(n_ints=2, n_groups=4, n_families=1):
    shape = (n_ints, n_groups, 3, 5)
    return {
        "data": np.zeros(shape, np.float32), "groupdq": np.zeros(shape, np.uint8),
        "pixeldq": np.zeros(shape[2:], np.uint32),
        "filled": np.zeros((n_families, *shape[2:]), np.float32),
        "density": np.ones(shape[2:], np.float32), "full": np.full(shape[2:], 1e5, np.float32),
        "group_time": 10.0, "cutoff": 1e9, **tables(n_families, n_groups),
    }


@BOTH
def test_what_empties_is_subtracted_and_summed_up_in_an_integration(run):
    what = exposure(n_families=2)
    what["filled"][:, 1, 2] = 100, 400
    what["decay"][:], what["between"][:] = (0.5, 0.25), 0.5
    kept = np.empty_like(what["data"])
    run(**what, **BITS, persistence=kept)
    a = [50, 25, 12.5, 6.25]
    b = [100, 75, 56.25, 42.1875]
    assert kept[0, :, 1, 2].tolist() == np.cumsum(np.add(a, b)).tolist()
    left = np.array([6.25, 126.5625]) / 2
    assert kept[1, 0, 1, 2] == left[0] / 2 + left[1] / 4
    np.testing.assert_array_equal(what["data"], -kept)
    assert np.count_nonzero(kept) == 8
    np.testing.assert_allclose(what["filled"][:, 1, 2], left * (0.5**4, 0.75**4), rtol=1e-6)


@BOTH
def test_a_pixel_is_flagged_from_the_cutoff_on(run):
    what = exposure() | {"cutoff": 75.0}
    what["filled"][0, 1, 2], what["filled"][0, 0, 0] = 100, 79.9
    what["decay"][:] = 0.5
    assert run(**what, **BITS) == 1
    assert np.argwhere(what["pixeldq"]).tolist() == [[1, 2]]
    assert what["pixeldq"][1, 2] == FLAG


def slope_of(run, ramp, groupdq):
    """Take the slope from the traps that it fills: density (slope / full / time)^2."""
    what = exposure(n_ints=1, n_groups=len(ramp))
    what["data"][0] = np.array(ramp, np.float32)[:, None, None]
    what["groupdq"][0] = np.array(groupdq, np.uint8)[:, None, None]
    what["full"][:] = 1000
    what["ramp"][:] = (1000 * what["group_time"]) ** 2
    run(**what, **BITS)
    assert (what["filled"] == what["filled"][0, 0, 0]).all()
    return float(np.sqrt(what["filled"][0, 0, 0]))


@BOTH
@pytest.mark.parametrize(("ramp", "groupdq", "slope"), [
    ([10, 20, 30, 40], [0] * 4, 10),
    ([10, 20, 530, 545], [0, 0, JUMP, 0], 12.5),
    ([10, 20, 900, 900], [0, 0, SATURATED, SATURATED], 10),
    ([10, 20, 900, 40], [JUMP, SATURATED, SATURATED, SATURATED], 0),
    ([10, 20, np.nan, 40, 54], [0] * 5, 12),
    ([np.inf, 20, 33, -np.inf], [0] * 4, 13),
    ([np.nan, np.nan], [0, 0], 0),
    ([7], [0], 7),
    ([np.nan], [0], 0),
], ids=["line", "jump", "saturated", "nothing left", "nan", "infinite", "all nan", "one",
        "one nan"])
def test_slope_leaves_out_jumps_saturation_and_what_is_no_number(run, ramp, groupdq, slope):
    assert slope_of(run, ramp, groupdq) == pytest.approx(slope, rel=1e-6)


@BOTH
def test_groups_above_full_are_counted_and_soak(run):
    what = exposure(n_ints=1, n_groups=3)
    what["data"][0, :, 0, 0] = 10, 30, 50
    what["data"][0, :, 0, 1] = 50, 60, 70
    what["full"][:] = 40
    what["slow"][:], what["instant"][:] = 100, 8
    what["ramp"][0, 0] = 0, 800, 900, 1000
    what["soak"][0] = 0, 0.25, 0.5, 0.75
    run(**what, **BITS)
    line = (20 / 400) ** 2 * 800
    partly = line + (100 - (line - 8)) * 0.25
    assert what["filled"][0, 0, :3].tolist() == pytest.approx([partly, 8 + 100 * 0.75, 0])


@BOTH
def test_jumps_fill_by_their_size(run):
    what = exposure(n_ints=1, n_groups=4)
    what["data"][0, :, 0, 0] = 10, 20, 80, 90
    what["groupdq"][0, 2, 0, 0] = JUMP
    what["data"][0, :, 0, 1] = 10, 20, 15, 25  # falls: no size
    what["groupdq"][0, 2, 0, 1] = JUMP
    what["hit"][0] = 9, 1, 0.5, 0.25
    what["density"][:] = 2
    run(**what, **BITS)
    assert what["filled"][0, 0, :3].tolist() == [2 * 50 * 0.5, 0, 0]


@BOTH
def test_a_limit_that_is_nan_keeps_a_pixel_from_filling(run):
    what = exposure(n_ints=1)
    what["data"][:] = 1e6 * np.arange(4)[:, None, None]
    what["full"][1], what["full"][0, 0] = np.nan, 1
    what["slow"][:], what["soak"][:], what["ramp"][:] = 10, 1, 5
    run(**what, **BITS)
    assert (what["filled"][0, 1] == 0).all()
    assert (what["filled"][0, [0, 2]] != 0).all()


def random_exposure(seed, shape, n_families):
    rng = np.random.default_rng(seed)
    data = rng.lognormal(7, 2, shape).cumsum(axis=1).astype(np.float32)
    odd = rng.random(shape)
    data[odd < 0.05] = rng.choice([np.nan, np.inf, -np.inf, 3e38, 0], np.count_nonzero(odd < 0.05))
    return {
        "data": data, "groupdq": rng.choice(np.uint8([0, 0, 0, 1, 2, 4, 6]), shape),
        "pixeldq": rng.choice(np.uint32([0, 1]), shape[2:]),
        "filled": rng.lognormal(3, 2, (n_families, *shape[2:])).astype(np.float32),
        "density": rng.choice(np.float32([0, 0.3, 2]), shape[2:]),
        "full": rng.choice(np.float32([np.nan, 1e3, 5e4]), shape[2:]),
        "group_time": 7.3, "cutoff": 20.0, **tables(n_families, shape[1], rng),
    }


@pytest.mark.filterwarnings("ignore")
@given(st.integers(0, 2**32), st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 6),
                                        st.integers(1, 40)), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_kernel_is_its_twin_to_the_byte(seed, shape, n_families):
    results = []
    for run in (traps, twin):
        what = random_exposure(seed, shape, n_families)
        what["persistence"] = np.empty_like(what["data"])
        n_flagged = run(**what, **BITS)
        results.append([what[name] for name in ("data", "pixeldq", "filled", "persistence")])
        results[-1].append(n_flagged)
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_bytes_do_not_depend_on_threads():
    results = []
    for n_threads in (1, 2, 7):
        what = random_exposure(5, (2, 40, 37, 70), 3)
        traps(**what, **BITS, n_threads=n_threads)
        results.append(b"".join(what[name].tobytes() for name in ("data", "pixeldq", "filled")))
    assert len(set(results)) == 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"group_time": 0.0}, ValueError, "out of its range"),
        ({"group_time": np.nan}, ValueError, "out of its range"),
        ({"filled": np.zeros((0, 3, 5), np.float32)}, ValueError, "filled: shape"),
        ({"filled": np.zeros((1, 3, 4), np.float32)}, ValueError, "filled: shape"),
        ({"data": np.zeros((2, 4, 3, 5))}, TypeError, "data: dtype float64"),
        ({"ramp": np.zeros((1, 1, 5))}, ValueError, "ramp: shape"),
        ({"hit": np.zeros((1, 5))}, ValueError, "hit: shape"),
        ({"persistence": np.zeros((2, 4, 3, 4), np.float32)}, ValueError, "persistence: shape"),
    ],
    ids=["no time", "nan time", "no family", "narrow traps", "float64 data", "one table of ramps",
         "jumps of another exposure", "narrow persistence"],
)
def test_refuses(change, error, message):
    with pytest.raises(error, match=message):
        traps(**(exposure() | change), **BITS)
