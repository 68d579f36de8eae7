"""Between the array of IRS2 and its samples in time, kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import irs2 as twins

from jwst_cal.kernels import irs2 as kernels

BOTH = pytest.mark.parametrize("run", [kernels, twins], ids=["kernel", "twin"])
WEIGHTS = np.sin(np.pi * np.arange(1, 8) / 8)


def lists(rng, n_rows=12, n_slots=14, used=9):
    """Rows in any order to distinct slots and places, with trends."""
    return {"row": rng.permutation(n_rows)[:used].astype(np.int32),
            "slot": rng.permutation(n_slots)[:used].astype(np.int32),
            "to": rng.permutation(used).astype(np.int32),
            "line": rng.normal(0, 0.01, (used, 2)).astype(np.float32), "n_slots": n_slots}


def group(rng, shape=(12, 23)):
    mean = rng.normal(5000, 300, shape)
    plane = (mean + rng.normal(0, 20, shape)).astype(np.float32)
    mean[3, 4:9] = plane[3, 4:9]
    plane[5, 6], plane[7, 2], mean[8, 1] = np.nan, np.inf, np.nan
    return plane, mean


@BOTH
def test_pairs_that_differ_and_that_are_noisy(run):
    rng = np.random.default_rng(3)
    data = rng.normal(0, 1, (4, 20, 300)).astype(np.float32)
    data[:, 6] += 30
    data[:, 11] *= 50
    found = run.pair_statistics(data, np.array([0, 6, 10], np.int32))
    np.testing.assert_allclose(found[0], [1.13, 0, 1], atol=0.08)
    np.testing.assert_allclose(found[1], [30, 15, 15], rtol=0.05)
    np.testing.assert_allclose(found[2], [40, 0, 35.4], rtol=0.1, atol=2)


@BOTH
def test_a_pair_with_nan_has_none(run):
    data = np.ones((2, 4, 9), np.float32)
    data[1, 2, 3] = np.nan
    found = run.pair_statistics(data, np.array([0, 2], np.int32))
    np.testing.assert_array_equal(found, [[0, 1, 0], [np.nan] * 3])


@BOTH
def test_mean_over_the_groups(run):
    data = np.arange(24, dtype=np.float32).reshape(3, 2, 4)
    data[2, 0, 1] = np.nan
    mean = run.group_mean(data)
    np.testing.assert_array_equal(mean[1], [12, 13, 14, 15])
    np.testing.assert_array_equal(mean[0], [8, np.nan, 10, 11])


@BOTH
@pytest.mark.parametrize("backwards", [False, True])
def test_samples_lie_in_time_and_count_from_mean_and_trend(run, backwards):
    """A ramp in time over two slots of five is its trend; what is missing is 0."""
    n_lines, rows, slots = 6, [2, 0], [1, 4]
    time = 5 * np.arange(n_lines) + np.array(slots)[:, np.newaxis] - 14.5
    order = slice(None, None, -1 if backwards else 1)
    mean = np.full((3, n_lines), 1000.0)
    plane = mean.astype(np.float32)
    plane[rows] += (2 + 0.5 * time)[:, order].astype(np.float32)
    plane[0, 3], plane[2, 0] = 1000, np.inf
    stream = np.full((4, n_lines), -1, np.float32)
    line = np.array([[0, 0.5]] * 2, np.float32)
    run.put_in_time_order(plane, mean, stream, row=np.array(rows, np.int32),
                          slot=np.array(slots, np.int32), to=np.array([3, 1], np.int32),
                          line=line, n_slots=5, backwards=backwards)
    wanted = np.full((4, n_lines), -1.0)
    wanted[[3, 1]] = 2
    wanted[1, 2 if backwards else 3] = 0
    wanted[3, 5 if backwards else 0] = 0
    np.testing.assert_allclose(stream, wanted, atol=1e-5)


@BOTH
def test_missing_samples_are_means_of_those_around_in_time(run):
    stream = np.full((5, 4), 3, np.float32)
    stream[2] = 0  # a slot without samples
    stream[0, 0] = stream[4, 3] = stream[1, 2] = 0  # first and last sample, and another
    np.testing.assert_allclose(run.fill_missing(stream, WEIGHTS), 3, rtol=1e-6)
    step = np.repeat(np.float32([1, 5]), 10).reshape(4, 5).T.copy()
    step[0, 0] = 0
    around = (WEIGHTS[:3].sum() * 1 + WEIGHTS[4:].sum() * 5) / (WEIGHTS.sum() - WEIGHTS[3])
    assert run.fill_missing(step, WEIGHTS)[0, 0] == pytest.approx(around)


@BOTH
def test_weights_before_belong_to_later_samples(run):
    stream = np.array([[7], [0], [9]], np.float32)
    filled = run.fill_missing(stream, np.array([1.0, 0, 0]))
    np.testing.assert_array_equal(filled[:, 0], [7, 9, 9])


@BOTH
def test_without_a_known_sample_around_it_stays_missing(run):
    stream = np.zeros((3, 40), np.float32)
    stream[0, 0] = 2
    filled = run.fill_missing(stream, WEIGHTS)
    assert filled[1, 0] == 2
    assert not filled[:, 5:30].any()


@BOTH
@pytest.mark.parametrize("backwards", [False, True])
def test_what_is_written_on_the_data_is_read_first(run, backwards):
    """Without noise and trend the rows of the image move together and are what they were."""
    rng = np.random.default_rng(4)
    plane, mean = group(rng)
    plane, mean = np.nan_to_num(plane, posinf=3), np.nan_to_num(mean)
    rows = np.array([11, 1, 2, 5, 7], np.int32)
    before = plane.copy()
    run.subtract_noise(plane, mean, np.zeros((5, 23), np.float32), plane[:5], row=rows,
                       slot=np.arange(5, dtype=np.int32), to=np.array([4, 0, 1, 2, 3], np.int32),
                       line=np.zeros((5, 2), np.float32), with_mean=np.ones(5, bool), n_slots=5,
                       backwards=backwards)
    np.testing.assert_allclose(plane[:5], before[[1, 2, 5, 7, 11]], atol=2e-3)
    np.testing.assert_array_equal(plane[5:], before[5:])


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("backwards", [False, True])
def test_kernel_is_its_twin_to_the_byte_for_any_team(n_threads, backwards):
    results = []
    for run in (kernels, twins):
        rng = np.random.default_rng(5)
        plane, mean = group(rng)
        where = lists(rng) | {"backwards": backwards, "n_threads": n_threads}
        stream = np.full((14, 23), np.float32(-1))
        run.put_in_time_order(plane, mean, stream, **where | {"to": where["slot"]})
        stream[3, :11] = stream[4, ::9] = stream[5] = 0
        noise, out = rng.normal(0, 9, (9, 23)).astype(np.float32), np.zeros((9, 23), np.float32)
        run.subtract_noise(plane, mean, noise, out, with_mean=np.arange(9) % 3 > 0, **where)
        data = rng.normal(10, 99, (6, 12, 23)).astype(np.float32)
        results.append([stream, run.fill_missing(stream, WEIGHTS, n_threads=n_threads), out,
                        run.group_mean(data, n_threads=n_threads)])
    for ours, wanted in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("n_threads", [2, 7])
def test_pair_statistics_do_not_depend_on_the_team(n_threads):
    data = np.random.default_rng(6).normal(3, 7, (5, 64, 1001)).astype(np.float32)
    first = np.arange(0, 64, 2, dtype=np.int32)
    one = kernels.pair_statistics(data, first, n_threads=1)
    np.testing.assert_array_equal(kernels.pair_statistics(data, first, n_threads=n_threads), one)
    np.testing.assert_allclose(one, twins.pair_statistics(data, first), rtol=1e-12)


FLOATS = st.sampled_from([0.0, 1.5, -3e4, 65535.0, 1e30, -1e38, np.nan, np.inf, -np.inf])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_samples(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    n_rows, n_lines = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 19))
    n_slots = data.draw(st.integers(1, 9))
    used = min(n_rows, n_slots, data.draw(st.integers(1, 6)))
    plane = np.float32(data.draw(st.lists(FLOATS, min_size=n_rows * n_lines,
                                          max_size=n_rows * n_lines))).reshape(n_rows, n_lines)
    mean = rng.choice([0.0, 1.5, 100.0, np.nan, 1e30], plane.shape)
    where = lists(rng, n_rows, n_slots, used) | {"backwards": data.draw(st.booleans())}
    results = []
    with np.errstate(all="ignore"):
        for run in (kernels, twins):
            stream = np.zeros((n_slots, n_lines), np.float32)
            run.put_in_time_order(plane, mean, stream, **where | {"to": where["slot"]})
            out = np.zeros((used, n_lines), np.float32)
            run.subtract_noise(plane, mean, stream[where["slot"]], out,
                               with_mean=np.arange(used) % 2 > 0, **where)
            results.append([stream, out, run.fill_missing(stream, WEIGHTS)])
    assert np.isfinite(results[0][0]).all()
    for ours, wanted in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, wanted)


def arguments():
    rng = np.random.default_rng(1)
    plane, mean = group(rng)
    return {"plane": plane, "mean": mean, "noise": np.zeros((9, 23), np.float32),
            "out": np.zeros((9, 23), np.float32), "with_mean": np.ones(9, bool), **lists(rng)}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"plane": np.ones((12, 23))}, None, ""),  # float64 is cast
        ({"plane": np.ones((12, 23), complex)}, TypeError, "plane: dtype complex128"),
        ({"mean": np.ones((12, 22))}, ValueError, "mean: shape"),
        ({"noise": np.zeros((9, 23))}, TypeError, "noise: dtype float64"),
        ({"out": np.zeros((9, 22), np.float32)}, ValueError, "out: shape"),
        ({"out": np.zeros((8, 23), np.float32)}, ValueError, "out of its range"),
        ({"slot": np.zeros(8, np.int32)}, ValueError, "slot: shape"),
        ({"slot": np.full(9, 14, np.int32)}, ValueError, "out of its range"),
        ({"row": np.full(9, 12, np.int32)}, ValueError, "out of its range"),
        ({"row": np.full(9, -1, np.int32)}, ValueError, "out of its range"),
        ({"line": np.zeros((9, 1), np.float32)}, ValueError, "line: shape"),
        ({"n_slots": 1 << 20}, ValueError, "out of its range"),
        ({"n_threads": 0}, ValueError, "n_threads"),
    ],
)
def test_refusals(change, error, message):
    given_ = arguments() | change
    if error is None:
        kernels.subtract_noise(**given_)
        return
    with pytest.raises(error, match=message):
        kernels.subtract_noise(**given_)


def test_refusals_of_pairs_and_weights():
    data = np.zeros((1, 4, 5), np.float32)
    with pytest.raises(ValueError, match="out of its range"):
        kernels.pair_statistics(data, np.array([3], np.int32))
    with pytest.raises(ValueError, match="out of its range"):
        kernels.fill_missing(data[0], np.ones(4))
    with pytest.raises(ValueError, match="data: shape"):
        kernels.group_mean(data[0])
