"""Showers: kernels and numpy twins through one body, and what they must do."""

import numpy as np
import pytest
from twins import jump as twin_jump
from twins import showers as twin

from jwst_cal.detector._large_events import ring
from jwst_cal.kernels import showers as kernel
from jwst_cal.kernels.jump import median_difference

DNU, SAT, JUMP = 1, 2, 4
BITS = {"jump": JUMP, "saturated": SAT, "do_not_use": DNU}
both = pytest.mark.parametrize("code", [kernel, twin], ids=["kernel", "twin"])


def exposure(shape=(2, 8, 60, 70), noise=10.0, seed=1):
    """Ramps of 50 e- a group and 10 e- noise in each difference, gain 2."""
    rng = np.random.default_rng(seed)
    steps = 50 + rng.normal(0, noise, shape)
    data = (np.cumsum(steps, axis=1) / 2).astype(np.float32)
    planes = {
        "gain": np.full(shape[2:], 2, np.float32),
        "idle": np.zeros(shape[2:], bool),
        "masked": np.zeros(shape[2:], bool),
        "median": np.full(shape[2:], 50, np.float32),
        "sigma": np.full(shape[2:], noise, np.float32),
    }
    return data, np.zeros(shape, np.uint8), planes


def shower(data, integration=1, group=4, x=30, y=25, radius=9, electrons=40):
    rows, cols = np.indices(data.shape[2:])
    inside = np.hypot(rows - y, cols - x) <= radius
    data[integration, group:, inside] += electrons / 2
    return inside


OPTIONS = {"ring": ring(1.0, 2.6), "threshold": 1.6, "min_area": 90.0, **BITS}


def test_ring():
    assert len(ring(1, 2.6)) == 36
    assert [0, 0] not in ring(1, 2.6).tolist()
    assert sorted(map(tuple, ring(1, 0.2))) == [(-1, 0), (0, -1), (0, 1), (1, 0)]
    assert ring(0, 0).tolist() == [[0, 0]]


@both
def test_a_shower_is_found_in_its_group(code):
    data, dq, planes = exposure()
    shower(data)
    where, ellipses = code.find_showers(data, dq, **planes, **OPTIONS)
    assert where.tolist() == [[1, 4]]
    assert ellipses[0, :2] == pytest.approx([30, 25], abs=1)
    assert ellipses[0, 2:4] == pytest.approx([18, 18], abs=3)


@both
def test_noise_is_no_shower(code):
    data, dq, planes = exposure()
    where, ellipses = code.find_showers(data, dq, **planes, **OPTIONS)
    assert where.shape == (0, 2)
    assert ellipses.shape == (0, 5)


@both
@pytest.mark.parametrize("bit", [DNU, SAT, JUMP, JUMP | 32])
def test_flagged_samples_take_no_part(code, bit):
    data, dq, planes = exposure()
    inside = shower(data)
    dq[1, 4, inside] = bit
    assert len(code.find_showers(data, dq, **planes, **OPTIONS)[0]) == 0


@both
def test_masked_pixels_take_no_part(code):
    data, dq, planes = exposure()
    planes["masked"] |= shower(data)
    assert len(code.find_showers(data, dq, **planes, **OPTIONS)[0]) == 0


@both
def test_the_first_usable_group_is_not_searched(code):
    data, dq, planes = exposure()
    shower(data, group=1)
    assert len(code.find_showers(data, dq, **planes, **OPTIONS)[0]) == 1
    planes["idle"][:, :4] = True
    dq[:, 0, :, 4:] = DNU
    assert len(code.find_showers(data, dq, **planes, **OPTIONS)[0]) == 0


@both
def test_median_and_noise_may_be_those_of_each_group(code):
    data, dq, planes = exposure()
    shower(data)
    for name in ("median", "sigma"):
        planes[name] = np.repeat(planes[name][None], 7, axis=0)
    assert len(code.find_showers(data, dq, **planes, **OPTIONS)[0]) == 1
    planes["sigma"][3] *= 10
    assert len(code.find_showers(data, dq, **planes, **OPTIONS)[0]) == 0


@both
def test_flags_are_restored_where_they_change_the_rate_too_much(code):
    data, dq, planes = exposure(noise=0.0)
    data[0, 4:, 10, 10:13] += np.array([10, 100, 100]) / 2  # electrons / gain
    before, idle = dq.copy(), planes["idle"]
    idle[10, 14] = True
    dq[0, 4, 10, 10:15] = JUMP
    dq[1, :, 20, 20] = JUMP
    code.limit_showers(data, dq, before=before, gain=planes["gain"], idle=idle,
                       limit=np.full(idle.shape, 5, np.float32), bits=7)
    assert dq[0, 4, 10, 10:15].tolist() == [JUMP, 0, 0, JUMP, 0]
    assert not dq[1].any()  # no difference would be left


def flagged(seed):
    data, dq, planes = exposure(seed=seed)
    rng = np.random.default_rng(seed)
    for _ in range(6):
        shower(data, rng.integers(2), rng.integers(8), rng.uniform(0, 70), rng.uniform(0, 60),
               rng.uniform(3, 12), rng.uniform(10, 60))
    data[rng.random(data.shape) < 0.01] = np.nan
    dq |= rng.choice(np.array([0, DNU, SAT, JUMP, 32], np.uint8), dq.shape,
                     p=[0.92, 0.02, 0.02, 0.02, 0.02])
    planes["masked"] |= rng.random(planes["masked"].shape) < 0.02
    return data, dq, planes


@pytest.mark.parametrize("seed", range(6))
def test_kernels_and_twins_agree(seed):
    data, dq, planes = flagged(seed)
    options = OPTIONS | {"threshold": 1.3, "min_area": 20.0}
    found = kernel.find_showers(data, dq, **planes, **options, n_threads=3)
    wanted = twin.find_showers(data, dq, **planes, **options)
    assert len(found[0]) >= 3
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_allclose(found[1][:, :4], wanted[1][:, :4], atol=1e-6)
    after = dq | np.where(np.random.default_rng(seed).random(dq.shape) < 0.1, JUMP, 0).astype("u1")
    expected = after.copy()
    rest = {"before": dq, "gain": planes["gain"], "idle": planes["idle"], "bits": 7,
            "limit": np.full(planes["gain"].shape, 3, np.float32)}
    kernel.limit_showers(data, after, **rest, n_threads=3)
    twin.limit_showers(data, expected, **rest)
    assert np.count_nonzero(after != expected) <= 0.0001 * dq.size


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    data, dq, planes = flagged(3)
    options = OPTIONS | {"threshold": 1.3, "min_area": 20.0}
    one = kernel.find_showers(data, dq, **planes, **options, n_threads=1)
    many = kernel.find_showers(data, dq, **planes, **options, n_threads=n_threads)
    assert [a.tobytes() for a in one] == [a.tobytes() for a in many]
    a, b = (median_difference(data, dq, gain=planes["gain"], unusable=3, lone=JUMP, n_threads=n)
            for n in (1, n_threads))
    assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("shape", [(1, 2, 3, 5), (2, 8, 9, 40), (3, 21, 4, 17)])
def test_median_difference(shape):
    data, dq, planes = exposure(shape)
    dq |= np.random.default_rng(2).choice(np.array([0, DNU, SAT, JUMP, JUMP | 32], "u1"), shape)
    dq[:, -1] |= DNU
    found = median_difference(data, dq, gain=planes["gain"], unusable=3, lone=JUMP)
    spoilt = ((dq & 3) != 0) | (dq == JUMP)
    diffs = np.diff(np.where(spoilt, np.nan, data * planes["gain"]), axis=1)
    pixels = diffs.reshape(-1, planes["gain"].size).T
    wanted = [twin_jump._middle(p[~np.isnan(p)]) for p in pixels]
    np.testing.assert_array_equal(found.ravel(), np.float32(wanted))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"gain": np.ones((2, 2), np.float32)}, ValueError, r"gain: shape \(2, 2\)"),
        ({"median": np.ones((6, 60, 70), np.float32)}, ValueError, r"median: shape \(6, 60, 70\)"),
        ({"sigma": np.ones((1, 1), np.float32)}, ValueError, r"sigma: shape \(1, 1\)"),
        ({"ring": np.zeros((0, 2), np.int32)}, ValueError, "ring: shape .* is empty"),
        ({"masked": np.zeros((60, 70), np.uint8)}, TypeError, "masked: dtype uint8"),
    ],
    ids=["gain", "median of too few groups", "sigma", "empty ring", "mask not bool"],
)
def test_refuses(change, error, message):
    data, dq, planes = exposure()
    with pytest.raises(error, match=message):
        kernel.find_showers(data, dq, **planes | OPTIONS | change)
