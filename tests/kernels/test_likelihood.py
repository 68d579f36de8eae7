"""Rates by likelihood: known answers and known truth, kernel and numpy twin through one body."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from twins.likelihood import likelihood as twin

from jwst_cal.detector import _likelihood
from jwst_cal.kernels.likelihood import likelihood
from jwst_cal.kernels.slope import Flags

DNU, SAT, JUMP = 1, 2, 4
FLAGS = Flags(DNU, SAT, JUMP, 32, 128, 1 << 19)
BOTH = pytest.mark.parametrize("run", [likelihood, twin], ids=["kernel", "twin"])


def fit(run, data, groupdq=None, gain=2.0, read_noise=8.0, n_frames=1, group_gap=0, **options):
    data = np.asarray(data, np.float32)
    image = data.shape[2:]
    times = _likelihood.read_times(data.shape[1], n_frames, group_gap, 10.0)
    if options.get("first_frames"):
        times[:1] = [times[0][:1], times[0][1:]]
    return run(
        data, np.zeros(data.shape, np.uint8) if groupdq is None else groupdq,
        np.zeros(image, np.uint32), np.broadcast_to(np.float32(gain), image),
        np.broadcast_to(np.float32(read_noise), image),
        **{"flags": FLAGS, "one": 20.25, "two": 23.8, **_likelihood.covariance(times)._asdict(),
           **options})


def one(run, y, q=None, **options):
    y = np.atleast_2d(np.asarray(y, np.float32))[:, :, None, None]
    q = None if q is None else np.atleast_2d(np.asarray(q, np.uint8)).reshape(y.shape)
    rate, rateints, chi_squared = fit(run, y, q, **options)
    return [p[0, 0] for p in rate], [p[:, 0, 0] for p in rateints], chi_squared[0, 0]


@BOTH
@pytest.mark.parametrize("n_groups", [4, 5, 9, 40])
def test_a_dark_ramp_is_fitted_as_by_least_squares(run, n_groups):
    x = np.arange(n_groups) * 10.0
    y = np.where(np.arange(n_groups) % 2, -5.0, 3.0)
    (value, dq, vp, vr, err), _, _ = one(run, y, gain=1e9)
    assert_allclose(value, np.polyfit(x, y, 1)[0], rtol=1e-5, atol=1e-7)
    assert_allclose(vr, 32 / ((x - x.mean()) ** 2).sum(), rtol=1e-5)
    assert_allclose([vp, err], [0, np.sqrt(vr)], rtol=1e-5, atol=1e-6)
    assert dq == 0


@BOTH
@pytest.mark.parametrize(("n_frames", "gap"), [(1, 0), (4, 1)])
def test_a_bright_ramp_has_the_noise_of_its_photons(run, n_frames, gap):
    step = 10 * (n_frames + gap)
    y = 1000.0 * step * np.arange(6)
    (value, dq, vp, vr, err), _, chi_squared = one(run, y, read_noise=1e-3, n_frames=n_frames,
                                                   group_gap=gap)
    assert_allclose([value, chi_squared], [1000, 0], rtol=1e-6, atol=1e-3)
    assert_allclose(vp, 1000 / 2 / (step * 5), rtol=0.2 if gap else 1e-4)
    assert_allclose(err**2, vp + vr, rtol=1e-5)
    assert dq == 0


@BOTH
@pytest.mark.parametrize("n_frames", [1, 4])
def test_a_jump_is_found_and_left_out(run, n_frames):
    y = 1.0 * 10 * n_frames * np.arange(9)
    y[5:] += 500
    (value, dq, *_), _, _ = one(run, y, n_frames=n_frames)
    assert_allclose(value, 1.0, rtol=1e-4)
    assert dq == JUMP


@BOTH
def test_two_jumps_are_found_one_after_the_other(run):
    y = 10.0 * np.arange(12)
    y[4:] += 500
    y[9:] += 300
    (value, dq, *_), _, _ = one(run, y)
    assert_allclose(value, 1.0, rtol=1e-5)
    assert dq == JUMP


@BOTH
@pytest.mark.parametrize(("flags", "dq"), [
    ([0, 0, 0, DNU, 0, 0], 0), ([0, 0, 0, SAT, SAT, SAT], SAT), ([0, 0, JUMP, 0, 0, 0], JUMP),
    ([SAT] * 6, SAT | DNU), ([0, DNU, 0, DNU, 0, DNU], DNU),
])
def test_differences_that_touch_a_flagged_group_are_left_out(run, flags, dq):
    y = np.where(flags, 7e4, 10.0 * np.arange(6))
    (value, found, *_), each, _ = one(run, y, flags)
    assert found == dq
    assert each[1] == [dq]
    assert np.isnan(value) == bool(dq & DNU)
    if not dq & DNU:
        assert_allclose(value, 1.0, rtol=1e-6)


@BOTH
def test_of_two_or_three_differences_that_disagree(run):
    (value, dq, *_), _, _ = one(run, [0, 10, 510, 0, 0], [0, 0, 0, DNU, DNU])
    assert_allclose(value, 25.5, rtol=1e-5)
    assert dq == 0
    (value, dq, *_), _, _ = one(run, [0, 40, 80, 1080], n_frames=4)
    assert np.isfinite(value)
    assert dq == JUMP


@BOTH
def test_faint_ramps_of_four_differences_are_searched(run):
    (value, dq, *_), _, _ = one(run, [1443.7, 1438.9, 1433.3, 1427.4, 3169.0], read_noise=11.2)
    assert value < 0
    assert dq == JUMP


@BOTH
def test_a_nan_group_is_left_out(run):
    (value, dq, *_), _, _ = one(run, [0, 10, np.nan, 30, 40, 50])
    assert_allclose(value, 1.0, rtol=1e-6)
    assert dq == 0


@BOTH
def test_zero_frame_is_the_first_difference(run):
    y = 5.0 + 40.0 * np.arange(5)
    zero = np.full((1, 1, 1), y[0] - 15.0, np.float32)  # mean of 4 reads, 10 apart
    (value, dq, *_), _, _ = one(run, y, n_frames=4, zeroframe=zero, first_frames=4)
    assert_allclose(value, 1.0, rtol=1e-6)
    assert dq == 0


@BOTH
def test_integrations_are_weighted_with_their_variance(run):
    y = [10.0 * np.arange(6), 30.0 * np.arange(6)]
    (value, dq, vp, vr, err), each, _ = one(run, y, [[0] * 6, [0, 0, 0, 0, DNU, DNU]], gain=1e6)
    assert_allclose(value, np.average([1, 3], weights=1 / each[3]), rtol=1e-4)
    assert_allclose(err**2, vp + vr, rtol=1e-6)
    assert dq == 0


@pytest.mark.parametrize("n_groups", [4, 6, 7, 20])
@pytest.mark.parametrize(("n_ints", "n_frames", "split"), [(1, 1, 0), (3, 1, 0), (2, 4, 0),
                                                          (1, 4, 4)])
def test_kernel_equals_twin(n_groups, n_ints, n_frames, split):
    rng = np.random.default_rng(n_groups + n_ints + split)
    shape = (n_ints, n_groups, 3, 21)
    rate = 10 ** rng.uniform(-1, 3, shape[2:])
    hits = (rng.random(shape) < 0.05) * rng.exponential(500, shape)
    data = np.cumsum(rng.poisson(rate * 20 * n_frames, shape) / 2 + hits, axis=1)
    data += rng.normal(0, 5, shape)
    groupdq = rng.choice(np.array([0] * 20 + [DNU, SAT, JUMP], np.uint8), shape)
    zero = np.cumsum(data, 1)[:, 0].astype(np.float32) / n_frames
    options = {"n_frames": n_frames, "dark_current": np.full(shape[2:], 0.1, np.float32),
               "zeroframe": zero if split else None, "first_frames": split}
    ours, theirs = (fit(run, data, groupdq, **options) for run in (likelihood, twin))
    for got, want in zip(ours[:2], theirs[:2], strict=True):
        assert_array_equal(got.dq, want.dq)
        for name in ("slope", "var_poisson", "var_rnoise", "err"):
            a, b = getattr(got, name), getattr(want, name)
            scale = np.nanmax(np.abs(b[np.isfinite(b)]))
            assert_allclose(a, b, rtol=2e-5, atol=1e-7 * scale, err_msg=name)
    assert_allclose(ours[2], theirs[2], rtol=1e-3, atol=1e-2)


def test_the_twin_has_the_kernel_s_arguments():
    text = likelihood.__doc__.splitlines()[0]
    assert all(name in text for name in inspect.signature(twin).parameters)


@pytest.mark.parametrize(("electrons", "read_noise", "n_frames"), [
    (0.0, 20.0, 1), (2000.0, 1.0, 1), (2000.0, 1.0, 4), (3.0, 10.0, 4),
])
def test_pulls_of_the_slope_are_standard_normal(electrons, read_noise, n_frames):
    rng = np.random.default_rng(5)
    gain, n_groups, shape = 2.0, 8, (300, 300)
    reads = np.cumsum(rng.poisson(electrons * 10, (n_groups * n_frames, *shape)) / gain, axis=0)
    reads = reads + rng.normal(0, read_noise / np.sqrt(2), reads.shape)
    data = reads.reshape(1, n_groups, n_frames, *shape).mean(axis=2)
    rate, _, _ = fit(likelihood, data, gain=gain, read_noise=read_noise, n_frames=n_frames,
                     one=1e9, two=1e9)
    pull = (rate.slope.astype(float) - electrons / gain) / rate.err
    bias = np.mean(rate.slope, dtype=float) - electrons / gain
    assert abs(bias) < 0.012 * np.std(rate.slope, dtype=float)  # 3.5 times the sampling error
    assert abs(pull.std() - 1) < 0.02
    assert_allclose(np.std(rate.slope, dtype=float) ** 2, np.mean(rate.err.astype(float) ** 2),
                    rtol=0.03)


def test_bytes_do_not_depend_on_threads_and_inputs_stay():
    rng = np.random.default_rng(3)
    data = np.cumsum(rng.poisson(50, (2, 9, 11, 37)), axis=1).astype(np.float32)
    data[:, 5:, 3, 3] += 400
    data.flags.writeable = False
    kept = data.copy()
    def from_file(data, groupdq, pixeldq, gain, read_noise, **options):
        return likelihood(data, groupdq, pixeldq, gain.astype(">f4"), read_noise.astype(">f4"),
                          **options)

    runs = [fit(run, data, n_threads=n)
            for run, n in [(likelihood, 1), (likelihood, 2), (from_file, 7)]]
    for other in runs[1:]:
        for first, second in zip((*runs[0][0], *runs[0][1], runs[0][2]),
                                 (*other[0], *other[1], other[2]), strict=True):
            assert first.tobytes() == second.tobytes()
    assert_array_equal(data, kept)


GOOD = np.zeros((1, 5, 2, 4), np.float32)


@pytest.mark.parametrize(("change", "message"), [
    ({"data": GOOD[:, :3]}, "data: 3 groups where at least 4"),
    ({"groupdq": np.zeros((1, 5, 2, 5), np.uint8)}, "groupdq: shape"),
    ({"interval": np.ones(3)}, "interval: shape"),
    ({"interval": np.zeros(4)}, "out of its range"),
    ({"pair": np.ones(4, np.uint8)}, "pair: shape"),
    ({"zeroframe": np.zeros((2, 2, 4), np.float32)}, "zeroframe: shape"),
], ids=lambda value: next(iter(value)) if isinstance(value, dict) else None)
def test_wrong_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fit(likelihood, **{"data": GOOD, **change})


def test_read_times_that_do_not_increase_are_refused():
    with pytest.raises(ValueError, match="mean times do not increase"):
        _likelihood.covariance([[1.0], [2.0], [2.0]])
