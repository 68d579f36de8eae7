"""Means and side signals of reference pixels and their subtraction, kernel and numpy twin."""

import numpy as np
import pytest
from twins import refpix as twins

from jwst_cal.kernels import refpix as kernels

BOTH = pytest.mark.parametrize("run", [kernels, twins], ids=["kernel", "twin"])


@pytest.fixture
def rng():
    return np.random.default_rng(12)


def planes(rng, shape=(4, 30, 41)):
    return rng.normal(20, 8, shape).astype(np.float32)


@BOTH
@pytest.mark.parametrize("n_single", [0, 2])
def test_mean_of_a_set_leaves_outliers_out(run, rng, n_single):
    data = planes(rng)
    data[:, 0, ::20] = 5000
    data[1, 0, 3] = np.nan
    means = run.reference_means(data, [0, 41, 82], np.arange(82), limit=3.0, n_single=n_single)
    kept = np.where(data[:, 0] < 1000, data[:, 0], np.nan)
    np.testing.assert_allclose(means[:, 0], np.nanmean(kept, axis=1), rtol=1e-6)
    np.testing.assert_allclose(means[:, 1], data[:, 1].mean(axis=1), rtol=0.05)


@BOTH
def test_mean_of_equal_values_is_their_value_and_of_none_nan(run):
    data = np.full((1, 2, 9), 7.3, np.float32)
    data[0, 1] = np.nan
    means = run.reference_means(data, [0, 0, 9, 18], np.arange(18), limit=3.0)
    assert means[0, 1] == np.float32(7.3)
    assert np.isnan(means[0, [0, 2]]).all()


@BOTH
def test_counts_above_a_base(run, rng):
    data = planes(rng)
    base = rng.normal(1000, 100, data.shape[1:]).astype(np.float32)
    pixels = np.arange(0, 300, 3)
    plain = run.reference_means(data, [0, 100], pixels, limit=9.0)
    above = run.reference_means(data + base, [0, 100], pixels, limit=9.0, base=base)
    np.testing.assert_allclose(above, plain, atol=1e-4)


@BOTH
def test_side_signal_follows_a_slow_drift(run, rng):
    """Eight pixels at the sides of each row carry 10 sin(row / 20) and one is bad."""
    drift = 10 * np.sin(np.arange(90) / 20)
    data = (drift[:, None] + rng.normal(0, 0.1, (2, 90, 20))).astype(np.float32)
    data[:, 40, 2] = 1e6
    cols = np.array([[0, 1, 2, 3], [16, 17, 18, 19]])
    rows = np.abs(np.arange(-5, 95))
    rows = np.where(rows > 89, 178 - rows, rows)
    pixels = rows[:, None] * 20 + cols[:, None]
    pixels[0, 30 + 5, 0] = -1
    values = np.full((2, 1), 3.0)
    signal = run.side_signal(data, values, pixels, np.zeros_like(pixels), window=11, gain=0.5)
    wanted = np.tile(0.5 * (drift - 3), (2, 1))
    np.testing.assert_allclose(signal[:, 8:-8], wanted[:, 8:-8], atol=0.1)


@BOTH
def test_a_side_without_usable_pixels_leaves_the_other_or_nothing(run):
    data = np.tile(np.arange(6, dtype=np.float32), (1, 8, 1))
    pixels = np.full((2, 10, 1), -1)
    pixels[0, :5, 0] = 1
    pixels[1, :7, 0] = 3
    signal = run.side_signal(data, np.zeros((1, 1)), pixels, np.full_like(pixels, -1), window=3)
    assert signal[0].tolist() == [2, 2, 2, 2, 2, 3, 3, 0]


@BOTH
@pytest.mark.parametrize("along_rows", [False, True])
def test_values_and_signals_are_taken_off_their_pixels(run, rng, along_rows):
    data = planes(rng, (2, 5, 7))
    along, across = (5, 7) if along_rows else (7, 5)
    values, signal = rng.normal(0, 9, (2, 3)), rng.normal(0, 9, (2, 2, across))
    which = rng.integers(-1, 3, (1, along))
    channel = rng.integers(0, 2, along)
    off = np.append(values, np.zeros((2, 1)), axis=1)[:, which[0]][:, np.newaxis]
    off = off + signal[:, channel].transpose(0, 2, 1)
    wanted = data - (off.transpose(0, 2, 1) if along_rows else off)
    run.subtract_reference(data, values, which, along_rows=along_rows, signal=signal,
                           channel=channel)
    np.testing.assert_allclose(data, wanted, rtol=1e-5, atol=1e-5)


@BOTH
def test_rows_may_take_turns_and_the_base_comes_back(run, rng):
    data = planes(rng, (3, 6, 8))
    base = rng.normal(1000, 100, (6, 8)).astype(np.float32)
    values = np.arange(12.0).reshape(3, 4)
    which = np.array([[0, 1] * 4, [2, 3] * 4])
    wanted = data.astype(float)
    for (r, c), k in np.ndenumerate(which):
        wanted[:, r::2, c] -= values[:, k, np.newaxis]
    run.subtract_reference(data, values, which, base=base)
    np.testing.assert_allclose(data, wanted, atol=1e-3)


@BOTH
def test_missing_values_stay_zero(run, rng):
    data = planes(rng)
    data[:, 3, 4] = 0
    which = np.zeros((1, 41), int)
    run.subtract_reference(data, np.full((4, 1), 5.0), which, keep_zeros=True)
    assert (data[:, 3, 4] == 0).all()
    assert np.count_nonzero(data) == data.size - 4


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("n_single", [0, 1, 9])
@pytest.mark.parametrize("base", [False, True])
def test_kernels_are_their_twins_to_the_byte_for_any_team(n_threads, n_single, base):
    results = []
    for run in (kernels, twins):
        rng = np.random.default_rng(4)
        data = planes(rng, (5, 40, 333))
        data[rng.random(data.shape) < 0.02] += 400
        data[rng.random(data.shape) < 0.005] = np.nan
        below = rng.normal(1000, 50, (40, 333)).astype(np.float32) if base else None
        common = {"n_single": n_single, "n_threads": n_threads}
        start, pixels = [0, 3, 9, 500, 2500], rng.permutation(40 * 333)[:2500]
        means = run.reference_means(data, start, pixels, limit=2.7, base=below, **common)
        sides = rng.integers(-1, 40 * 333, (2, 50, 4))
        signal = run.side_signal(data, means, sides, sides % 5 - 1, window=11, gain=0.9, **common)
        which = rng.integers(-1, 4, (1, 333))
        run.subtract_reference(data, means, which, signal=None if base else signal[:, None],
                               base=below, keep_zeros=True, **common)
        results.append((means, signal, data))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("function", "change", "error", "message"),
    [
        ("reference_means", {"start": [0]}, ValueError, r"start: \[0\] where two and more"),
        ("reference_means", {"start": [0, 9]}, ValueError, "up to 4 are needed"),
        ("reference_means", {"start": [2, 1, 4]}, ValueError, "out of its range"),
        ("reference_means", {"pixels": [0, 1, 2, 99]}, ValueError, "out of its range"),
        ("reference_means", {"limit": 0.0}, ValueError, "out of its range"),
        ("reference_means", {"limit": np.nan}, ValueError, "out of its range"),
        ("reference_means", {"base": np.zeros((3, 2), np.float32)}, ValueError, "base: shape"),
        ("side_signal", {"window": 9}, ValueError, "window: 9 where 1 to 8"),
        ("side_signal", {"window": 0}, ValueError, "window: 0"),
        ("side_signal", {"values": np.zeros((2, 1))}, ValueError, "values: shape"),
        ("side_signal", {"pixels": np.full((2, 8, 1), 30)}, ValueError, "out of its range"),
        ("side_signal", {"value": np.ones((2, 8, 1), int)}, ValueError, "out of its range"),
        ("subtract_reference", {"which": np.ones((1, 6), int)}, ValueError, "out of its range"),
        ("subtract_reference", {"which": np.zeros((1, 5), int)}, ValueError, "which: shape"),
        ("subtract_reference", {"signal": np.zeros((1, 1, 6))}, ValueError, "signal: shape"),
        ("subtract_reference", {"channel": np.ones(6, int), "signal": np.zeros((1, 1, 5))},
         ValueError, "out of its range"),
        ("subtract_reference", {"data": np.zeros((1, 5, 6))}, TypeError, "data: dtype float64"),
    ],
)
def test_refuses(function, change, error, message):
    given = {
        "reference_means": {"start": [0, 4], "pixels": [0, 1, 2, 3], "limit": 3.0},
        "side_signal": {"values": np.zeros((1, 1)), "pixels": np.zeros((2, 8, 1), int),
                        "value": np.zeros((2, 8, 1), int), "window": 3},
        "subtract_reference": {"values": np.zeros((1, 1)), "which": np.zeros((1, 6), int)},
    }[function]
    given = {"data": np.zeros((1, 5, 6), np.float32)} | given | change
    with pytest.raises(error, match=message):
        getattr(kernels, function)(**given)
