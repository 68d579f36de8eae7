"""Two-point differences: kernel and numpy twin through one body, and what they must find."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins.jump import jump as twin

from jwst_cal.kernels.jump import METHODS, dead_groups, jump, typical

DNU, SAT, JUMP = 1, 2, 4
RULES = {
    "n_frames": 1, "method": "clip", "threshold": 4.0, "threshold_three": 5.0,
    "threshold_two": 6.0, "flag_neighbors": True, "min_neighbor": 10.0, "max_neighbor": 1000.0,
    "after_electrons": (0.0, 0.0), "after_groups": (0, 0), "jump": JUMP, "unusable": DNU | SAT,
    "do_not_use": DNU,
}


def ramps(shape, rate=50.0, noise=5.0, seed=1):
    """Noisy ramps without a jump: data, groupdq and the calibration of the pixels."""
    rng = np.random.default_rng(seed)
    data = np.cumsum(rng.poisson(rate, shape), axis=1) + rng.normal(0, noise / np.sqrt(2), shape)
    planes = {"gain": np.full(shape[2:], 1.0, np.float32),
              "read_noise": np.full(shape[2:], noise, np.float32)}
    return data.astype(np.float32), np.zeros(shape, np.uint8), planes


def quiet(shape):
    """Ramps of exactly 100 a group and read noise 10: sigma is sqrt(200)."""
    data = np.broadcast_to(100 * np.arange(shape[1], dtype=np.float32)[:, None, None], shape)
    planes = {"gain": np.ones(shape[2:], np.float32),
              "read_noise": np.full(shape[2:], 10, np.float32)}
    return data.copy(), np.zeros(shape, np.uint8), planes


both = pytest.mark.parametrize("find", [jump, twin], ids=["kernel", "twin"])
SIGMA = np.sqrt(200)


@both
@pytest.mark.parametrize("method", METHODS)
def test_a_large_jump_is_found_where_it_is(find, method):
    data, dq, planes = ramps((12, 12, 3, 20))
    data[4, 7:, 1, 9] += 500
    found = find(data, dq, **planes, **RULES | {"method": method, "flag_neighbors": False,
                                                "threshold": 3.2 if "sigma" in method else 5.5})
    assert dq[4, 7, 1, 9] == JUMP
    assert found == np.count_nonzero(dq)
    assert found < 20


@both
def test_a_negative_jump_is_found(find):
    data, dq, planes = quiet((1, 12, 1, 1))
    data[0, 6:] -= 1000
    find(data, dq, **planes, **RULES)
    assert np.flatnonzero(dq).tolist() == [6]


@both
@pytest.mark.parametrize(("n_groups", "threshold"), [(3, 6), (4, 5), (5, 4), (9, 4)])
def test_threshold_depends_on_the_number_of_groups(find, n_groups, threshold):
    data, dq, planes = quiet((1, n_groups, 1, 2))
    for col, excess in enumerate([0.99, 1.01]):
        data[0, 2:, 0, col] += excess * threshold * SIGMA
    find(data, dq, **planes, **RULES | {"flag_neighbors": False})
    assert np.argwhere(dq).tolist() == [[0, 2, 0, 1]]


@both
def test_two_groups_give_one_difference_and_nothing_to_compare_it_with(find):
    data, dq, planes = quiet((1, 2, 1, 1))
    data[0, 1] += 1e5
    assert find(data, dq, **planes, **RULES) == 0
    assert not dq.any()


@both
def test_integrations_share_their_median(find):
    data, dq, planes = quiet((2, 2, 1, 1))
    data[1, 1] += 1.01 * 6 * SIGMA
    find(data, dq, **planes, **RULES)
    assert np.argwhere(dq).tolist() == [[1, 1, 0, 0]]


@both
def test_several_jumps_of_a_pixel_are_clipped_one_after_the_other(find):
    data, dq, planes = quiet((1, 9, 1, 1))
    for group, size in [(2, 5000), (5, 300), (7, 90)]:
        data[0, group:] += size
    find(data, dq, **planes, **RULES)
    assert np.flatnonzero(dq).tolist() == [2, 5, 7]


@both
def test_equal_jumps_are_clipped_together(find):
    data, dq, planes = quiet((1, 6, 1, 1))
    for group in (2, 4):
        data[0, group:] += 500
    find(data, dq, **planes, **RULES)
    assert np.flatnonzero(dq).tolist() == [2, 4]


@both
@pytest.mark.parametrize("method", METHODS)
def test_unusable_groups_spoil_both_their_differences(find, method):
    data, dq, planes = quiet((3, 12, 1, 4))
    data[0, 5:, 0, 0] += 1e4
    dq[0, 5, 0, 0] = DNU
    data[1, 5, 0, 1] = np.nan
    data[2, 6:, 0, 2] = 65535
    dq[2, 6:, 0, 2] = SAT
    before = dq.copy()
    find(data, dq, **planes, **RULES | {"method": method})
    np.testing.assert_array_equal(dq, before)


@both
@pytest.mark.parametrize("col", [0, 1, 3])
@pytest.mark.parametrize("row", [0, 1, 2])
def test_neighbours_stop_at_the_edges(find, row, col):
    data, dq, planes = quiet((1, 6, 3, 4))
    data[0, 3:, row, col] += 50 * SIGMA
    find(data, dq, **planes, **RULES)
    rows, cols = np.indices((3, 4))
    near = abs(rows - row) + abs(cols - col) <= 1
    np.testing.assert_array_equal(dq[0, 3] == JUMP, near)
    assert not dq[0, [0, 1, 2, 4, 5]].any()


@both
@pytest.mark.parametrize(("size", "grows"), [(9, False), (11, True), (990, True), (1010, False)])
def test_neighbours_only_of_middling_jumps(find, size, grows):
    data, dq, planes = quiet((1, 6, 3, 3))
    data[0, 3:, 1, 1] += size * SIGMA
    find(data, dq, **planes, **RULES)
    assert np.count_nonzero(dq) == (5 if grows else 1)


@both
def test_neighbours_of_neighbours_are_not_flagged(find):
    data, dq, planes = quiet((1, 6, 1, 9))
    data[0, 3:, 0, 4] += 50 * SIGMA
    data[0, 3:, 0, 5] += 3.9 * SIGMA
    find(data, dq, **planes, **RULES | {"min_neighbor": 1.0})
    assert np.flatnonzero(dq[0, 3]).tolist() == [3, 4, 5]


@both
def test_unusable_neighbours_are_left_alone(find):
    data, dq, planes = quiet((1, 6, 1, 3))
    data[0, 3:, 0, 1] += 50 * SIGMA
    dq[0, 3:, 0, 0] = SAT
    find(data, dq, **planes, **RULES)
    assert dq[0, 3].tolist() == [[SAT, JUMP, JUMP]]


@both
def test_groups_after_large_jumps_are_flagged(find):
    data, dq, planes = quiet((2, 9, 1, 3))
    for col, size in enumerate([300, 3000, 30000]):
        data[0, 2:, 0, col] += size
    dq[0, 5, 0, 2] = DNU
    find(data, dq, **planes, **RULES | {"flag_neighbors": False, "after_groups": (2, 20),
                                        "after_electrons": (1000.0, 10000.0)})
    flagged = [np.flatnonzero(dq[0, :, 0, col] == JUMP).tolist() for col in range(3)]
    assert flagged == [[2], [2, 3, 4], [2, 3, 4, 6, 7, 8]]
    assert not dq[1].any()


@both
def test_a_jump_bit_on_an_unusable_sample_is_removed(find):
    data, dq, planes = quiet((1, 5, 1, 3))
    dq[0, 2, 0] = JUMP | DNU, JUMP | SAT, JUMP | 32
    found = find(data, dq, **planes, **RULES)
    assert dq[0, 2, 0].tolist() == [DNU, SAT, JUMP | 32]
    assert found == 3


@both
@pytest.mark.parametrize("bad", [0.0, np.nan])
def test_pixels_without_gain_have_no_jumps(find, bad):
    data, dq, planes = quiet((1, 5, 1, 3))
    data[0, 3:] += 1e4
    planes["gain"][0, 1] = bad
    find(data, dq, **planes, **RULES | {"flag_neighbors": False})
    assert dq[0, 3].tolist() == [[JUMP, 0, JUMP]]


@both
def test_pixels_without_any_noise_have_no_jumps(find):
    data, dq, planes = quiet((1, 5, 1, 2))
    data[...] = 0
    data[0, 3:] += 1e4
    planes["read_noise"][0, 0] = 0
    find(data, dq, **planes, **RULES)
    assert np.argwhere(dq).tolist() == [[0, 3, 0, 1]]


@both
@pytest.mark.parametrize("method", ["sigma_ints", "sigma_all"])
def test_a_group_that_sigma_clipping_loses_everywhere_is_given_back(find, method):
    data, dq, planes = quiet((30, 3, 2, 2))
    data += np.random.default_rng(2).normal(0, 1, data.shape).astype(np.float32)
    data[7, 1:] += 1e4
    data[9, 2, 1, 1] += 1e4
    find(data, dq, **planes, **RULES | {"method": method, "flag_neighbors": False})
    assert np.argwhere(dq).tolist() == [[9, 2, 1, 1]]


@both
def test_more_reads_in_a_group_mean_less_noise(find):
    data, dq, planes = quiet((1, 9, 1, 1))
    data[...] = 0
    data[0, 4:] += 30  # three times the read noise
    find(data, dq, **planes, **RULES)
    assert not dq.any()
    find(data, dq, **planes, **RULES | {"n_frames": 4})
    assert np.flatnonzero(dq).tolist() == [4]


def test_kernel_counts_what_was_flagged_on_input():
    data, dq, planes = quiet((1, 5, 1, 4))
    dq[0, 0, 0, 0] = dq[0, 2, 0, 1] = JUMP
    data[0, 3:, 0, 3] += 1e4
    assert jump(data, dq, **planes, **RULES) == 3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads, method):
    data, dq, planes = ramps((7, 11, 13, 300))
    rng = np.random.default_rng(3)
    for _ in range(3000):
        i, g, row, col = (rng.integers(n) for n in data.shape)
        data[i, g:, row, col] += 10 ** rng.uniform(1, 4)
    rules = RULES | {"method": method, "threshold": 2.0, "after_groups": (2, 0),
                     "after_electrons": (500.0, 0.0)}
    wanted = dq.copy()
    n_wanted = jump(data, wanted, **planes, **rules, n_threads=1)
    if n_threads > 1:  # references are read in either byte order
        planes = {name: plane.astype(">f4") for name, plane in planes.items()}
    found = jump(data, dq, **planes, **rules, n_threads=n_threads)
    assert n_wanted > 1000
    assert found == n_wanted
    assert dq.tobytes() == wanted.tobytes()


VALUES = st.sampled_from([0.0, 1.0, -3.0, 7.0, 8.0, 100.0, 1e5, 3e38, np.nan, np.inf, -np.inf])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 4), st.integers(2, 12), st.integers(1, 3), st.integers(1, 18),
    st.sampled_from(list(METHODS)), st.integers(0, 2**32 - 1), st.lists(VALUES, max_size=12),
    st.booleans(),
)
def test_kernel_and_twin_agree(n_ints, n_groups, n_rows, n_cols, method, seed, odd, integers):
    rng = np.random.default_rng(seed)
    shape = n_ints, n_groups, n_rows, n_cols
    data, dq, planes = ramps(shape, rate=10 ** rng.uniform(-1, 3), seed=seed)
    hit = rng.random(shape) < 0.1
    data += np.cumsum(hit * 10 ** rng.uniform(0, 4, shape), axis=1).astype(np.float32)
    data = np.round(data) if integers else data
    for value in odd:
        data[tuple(rng.integers(n) for n in shape)] = value
    dq |= rng.choice(np.array([0, DNU, SAT, JUMP, 32], np.uint8), shape,
                     p=[0.9, 0.03, 0.03, 0.02, 0.02])
    for plane in planes.values():
        plane[rng.random(plane.shape) < 0.1] = rng.choice([0, -1, np.nan, np.inf])
    rules = RULES | {
        "method": method, "threshold": rng.choice([0.0, 1.5, 4.0]), "min_neighbor": 2.0,
        "threshold_two": 1.5, "threshold_three": 2.0,
        "after_groups": rng.integers(0, 4, 2), "after_electrons": rng.choice([0.0, 100.0], 2),
    }
    wanted = dq.copy()
    with np.errstate(all="ignore"):
        twin(data, wanted, **planes, **rules)
    jump(data, dq, **planes, **rules, n_threads=3)
    np.testing.assert_array_equal(dq, wanted)


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.floats(width=32, allow_infinity=False), min_size=1, max_size=40))
def test_typical_is_the_median_of_what_is_not_nan(values):
    values = np.array([values], np.float32)
    usable = values[~np.isnan(values)]
    with np.errstate(over="ignore"):
        wanted = np.median(usable) if usable.size else np.nan
    np.testing.assert_array_equal(typical(values), wanted)


def test_typical_of_many_numbers_that_start_alike():
    values = (2 + 1e-4 * np.random.default_rng(4).random((300, 200))).astype(np.float32)
    values[::7, 3] = np.nan
    assert typical(values) == np.nanmedian(values)


def test_dead_groups():
    dq = np.zeros((2, 3, 4, 5), np.uint8)
    dq[0, 1] = DNU
    dq[1, 2] = DNU | 32
    dq[1, 0] = DNU
    dq[1, 0, 3, 4] = SAT
    wanted = [[False, True, False], [False, False, True]]
    np.testing.assert_array_equal(dead_groups(dq, bits=DNU), wanted)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"data": np.zeros((5, 3, 4), np.float32)}, ValueError, r"data: shape \(5, 3, 4\)"),
        ({"data": np.zeros((1, 1, 3, 4), np.float32), "groupdq": np.zeros((1, 1, 3, 4), np.uint8)},
         ValueError, "argument"),
        ({"groupdq": np.zeros((1, 5, 3, 3), np.uint8)}, ValueError, r"groupdq: shape \(1, 5, 3"),
        ({"groupdq": np.zeros((1, 5, 3, 4), np.int32)}, TypeError, "groupdq: dtype int32"),
        ({"gain": np.zeros((4, 3), np.float32)}, ValueError, r"gain: shape \(4, 3\)"),
        ({"read_noise": np.zeros(4, np.float32)}, ValueError, r"read_noise: shape \(4,\)"),
        ({"n_frames": 0}, ValueError, "argument"),
        ({"method": "median"}, ValueError, "method: 'median' where one of clip"),
        ({"n_threads": 0}, ValueError, "n_threads: 0"),
    ],
    ids=["three axes", "one group", "narrow flags", "flags not uint8", "gain transposed",
         "read noise of a row", "no reads", "unknown method", "no threads"],
)
def test_refuses(change, error, message):
    data, dq, planes = quiet((1, 5, 3, 4))
    given_ = {"data": data, "groupdq": dq, **planes, **RULES} | change
    with pytest.raises(error, match=message):
        jump(given_.pop("data"), given_.pop("groupdq"), **given_)
