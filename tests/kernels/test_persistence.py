"""Groups after a saturation, kernel and numpy twin through one body."""

import numpy as np
import pytest
from twins.persistence import persistence as twin

from jwst_cal.kernels.persistence import persistence

BOTH = pytest.mark.parametrize("run", [persistence, twin])
SATURATED, FLAG = 2, 32
OPTIONS = {"saturated": SATURATED, "flags": FLAG}
TIMES = 1000 + 10.0 * np.arange(8).reshape(2, 4)


def exposure():
    shape = (2, 4, 3, 5)
    return np.ones(shape, np.float32), np.zeros(shape, np.uint8), np.zeros(shape[2:])


@BOTH
def test_groups_within_the_window_of_a_saturation_are_flagged(run):
    """Saturated from 1010 s on, twice counted: the window stays that of the first time."""
    data, groupdq, window = exposure()
    groupdq[0, 1:, 1, 2] = SATURATED
    assert run(data, groupdq, window, time=TIMES, duration=45, **OPTIONS) == (5, 0)
    assert (groupdq[:, :, 1, 2] & FLAG != 0).ravel().tolist() == [0, 1, 1, 1, 1, 1, 0, 0]
    assert np.count_nonzero(groupdq & FLAG) == 5
    assert not window.any()


@BOTH
def test_bright_counts_open_a_window_unless_one_is_open(run):
    data, groupdq, window = exposure()
    data[0, 0, 0, 0], data[0, 1, 0, 0] = 5000.1, 9000
    data[0, 0, 0, 1] = 5000
    assert run(data, groupdq, window, time=TIMES, duration=15, threshold=5000, **OPTIONS) == (2, 0)
    assert (groupdq[0, :, 0, 0] & FLAG != 0).tolist() == [1, 1, 0, 0]


@BOTH
def test_windows_of_earlier_exposures_go_on_and_those_of_later_ones_are_dropped(run):
    data, groupdq, window = exposure()
    window[0, 0], window[0, 1], window[0, 2] = 1025, 999, 5000
    assert run(data, groupdq, window, time=TIMES, duration=100, **OPTIONS) == (3, 1)
    assert (groupdq[0, :, 0, 0] & FLAG != 0).tolist() == [1, 1, 1, 0]
    assert not window.any()


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("threshold", [None, 4000.05])
def test_kernel_is_its_twin_to_the_byte_for_any_team(n_threads, threshold):
    results = []
    for run in (persistence, twin):
        rng = np.random.default_rng(2)
        data = rng.lognormal(8, 0.3, (2, 4, 33, 70)).astype(np.float32)
        data[rng.random(data.shape) < 0.02] = np.nan
        groupdq = rng.choice(np.array([0, 0, 0, 1, SATURATED], np.uint8), data.shape)
        window = np.where(rng.random((33, 70)) < 0.2, rng.uniform(900, 1200, (33, 70)), 0)
        counts = run(data, groupdq, window, time=TIMES, duration=31.5, threshold=threshold,
                     n_threads=n_threads, **OPTIONS)
        results.append((groupdq, window, counts))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"duration": 0}, ValueError, "out of its range"),
        ({"time": TIMES[:1]}, ValueError, "time: shape"),
        ({"window": np.zeros((3, 4))}, ValueError, "window: shape"),
        ({"window": np.zeros((3, 5), np.float32)}, TypeError, "window: dtype float32"),
    ],
    ids=["no duration", "times of one integration", "narrow window", "float32 window"],
)
def test_refuses(change, error, message):
    data, groupdq, window = exposure()
    given = {"window": window, "time": TIMES, "duration": 10} | change
    with pytest.raises(error, match=message):
        persistence(data, groupdq, given.pop("window"), **given, **OPTIONS)
