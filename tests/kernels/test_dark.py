"""Subtraction of an averaged dark, kernel and numpy twin through one body."""

import numpy as np
import pytest
from twins.dark import subtract_dark as twin

from jwst_cal.kernels.dark import subtract_dark

BOTH = pytest.mark.parametrize("run", [subtract_dark, twin], ids=["kernel", "twin"])


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.fixture
def data(rng):
    return rng.normal(1000, 50, (3, 4, 6, 37)).astype(np.float32)


@pytest.fixture
def frames(rng):
    frames = np.cumsum(rng.normal(1, 0.3, (2, 20, 6, 37)), axis=1).astype(np.float32)
    frames[rng.random(frames.shape) < 0.02] = np.nan
    return frames


@BOTH
def test_a_dark_of_known_rate_leaves_the_light(run):
    light = np.repeat(np.float32([7, 14, 21, 28]), 6).reshape(1, 4, 2, 3)
    dark = np.repeat(np.arange(1, 13, dtype=np.float32), 6).reshape(1, 12, 2, 3)
    # groups of two frames, one dropped after each
    data = light + np.repeat(np.float32([1.5, 4.5, 7.5, 10.5]), 6).reshape(1, 4, 2, 3)
    run(data, dark, frames_per_group=2, group_step=3)
    np.testing.assert_array_equal(data, light)


@BOTH
def test_a_short_dark_goes_on_in_a_straight_line(run):
    dark = np.repeat(np.arange(0.5, 2, 0.5, np.float32), 6).reshape(1, 3, 2, 3)
    data = np.zeros((1, 6, 2, 3), np.float32)
    run(data, dark, extrapolate=True)
    np.testing.assert_array_equal(data[0, :, 0, 0], -0.5 * np.arange(1, 7))


@BOTH
def test_nan_of_the_dark_subtracts_nothing(run):
    data = np.ones((1, 2, 1, 3), np.float32)
    dark = np.ones((1, 4, 1, 3), np.float32)
    dark[0, 0, 0, 1] = np.nan
    run(data, dark, frames_per_group=2, group_step=2)
    np.testing.assert_array_equal(data[0, :, 0], [[0, 0.5, 0], [0, 0, 0]])


@BOTH
def test_each_integration_takes_its_own(run, data, frames):
    averaged = np.empty((2, 4, 6, 37), np.float32)
    wanted = data.copy()
    run(data, frames, frames_per_group=4, group_step=5, which=[0, 1, 1], averaged=averaged)
    wanted -= averaged[[0, 1, 1]]
    np.testing.assert_array_equal(data, wanted)
    assert np.isfinite(data).all()


@BOTH
def test_only_the_rows_asked_for_change(run, data, frames):
    before, whole = data.copy(), data.copy()
    run(whole, frames)
    run(data, frames, rows=(2, 4))
    np.testing.assert_array_equal(data[:, :, 2:4], whole[:, :, 2:4])
    np.testing.assert_array_equal(data[:, :, :2], before[:, :, :2])
    np.testing.assert_array_equal(data[:, :, 4:], before[:, :, 4:])


@BOTH
@pytest.mark.parametrize("extrapolate", [False, True])
def test_only_the_groups_asked_for_change(run, extrapolate, data, frames):
    frames = frames[:, :3] if extrapolate else frames
    before, whole = data.copy(), data.copy()
    averaged, part = np.zeros((2, 2, 4, 6, 37), np.float32)
    options = {"extrapolate": extrapolate, "frames_per_group": 2, "group_step": 3}
    run(whole, frames, averaged=averaged, **options)
    run(data, frames, groups=(1, 3), rows=(2, 4), averaged=part, **options)
    inside = np.zeros(data.shape, bool)
    inside[:, 1:3, 2:4] = True
    np.testing.assert_array_equal(data, np.where(inside, whole, before))
    np.testing.assert_array_equal(part, np.where(inside[:2], averaged, 0))


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("extrapolate", [False, True])
@pytest.mark.parametrize(("frames_per_group", "group_step"),
                         [(1, 1), (1, 2), (2, 2), (3, 5), (4, 5), (5, 5), (8, 4)])
def test_kernel_is_its_twin_to_the_byte_for_any_team(
    n_threads, extrapolate, frames_per_group, group_step, data, frames
):
    frames = frames[:, :3] if extrapolate else frames
    options = {"frames_per_group": frames_per_group, "group_step": group_step,
               "extrapolate": extrapolate, "which": [1, 0, 1]}
    wanted, averaged, wanted_averaged = data.copy(), *np.empty((2, 2, 4, 6, 37), np.float32)
    twin(wanted, frames, averaged=wanted_averaged, **options)
    subtract_dark(data, frames, averaged=averaged, n_threads=n_threads, **options)
    assert data.tobytes() == wanted.tobytes()
    assert averaged.tobytes() == wanted_averaged.tobytes()


@pytest.mark.parametrize("view", [
    lambda f: f.astype(">f4"),
    lambda f: np.pad(f, ((0, 0), (1, 0), (2, 3), (4, 5)))[:, 1:, 2:-3, 4:-5],
    lambda f: np.pad(f, ((0, 0), (1, 0), (2, 3), (4, 5))).astype(">f4")[:, 1:, 2:-3, 4:-5],
    lambda f: np.repeat(f, 2, axis=3)[..., ::2],
], ids=["big-endian", "a window", "a big-endian window", "strided columns"])
def test_frames_are_read_as_they_lie(view, data, frames):
    wanted = data.copy()
    subtract_dark(wanted, frames, frames_per_group=2, group_step=3)
    seen = view(frames)
    seen.flags.writeable = False
    subtract_dark(data, seen, frames_per_group=2, group_step=3)
    assert data.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"frames": np.zeros((2, 20, 6, 36), np.float32)}, ValueError, "frames: shape"),
        ({"frames": np.zeros((20, 6, 37), np.float32)}, ValueError, "frames: shape"),
        ({"frames": np.zeros((2, 20, 6, 37))}, TypeError, "frames: dtype float64"),
        ({"group_step": 6, "frames_per_group": 3}, ValueError, "20 frames where 21 are needed"),
        ({"which": [0, 1, 2]}, ValueError, "which: 0 to 2"),
        ({"rows": (2, 7)}, ValueError, "rows: 2 to 7 where 0 to 6"),
        ({"groups": (2, 5)}, ValueError, "groups: 2 to 5 where 0 to 4"),
        ({"group_step": 0}, ValueError, "out of its range"),
        ({"frames_per_group": 0}, ValueError, "out of its range"),
        ({"averaged": np.zeros((1, 4, 6, 37), np.float32)}, ValueError, "averaged: shape"),
        ({"frames": np.zeros((2, 1, 6, 37), np.float32), "extrapolate": True}, ValueError,
         "out of its range"),
    ],
    ids=["narrow frames", "flat frames", "float64 frames", "too few frames", "which too large",
         "rows outside", "groups outside", "no step", "no frames in a group",
         "small averaged", "one frame"],
)
def test_refuses(change, error, message, data, frames):
    with pytest.raises(error, match=message):
        subtract_dark(**{"data": data, "frames": frames} | change)
