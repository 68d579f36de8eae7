"""Slopes: known answers and known truth, kernel and numpy twin through one body."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from twins.slope import slope as twin

from jwst_cal.kernels.slope import Flags, slope

DNU, SAT, JUMP, PERS, FLOOR, CHARGE, NO_GAIN = 1, 2, 4, 32, 64, 128, 1 << 19
FLAGS = Flags(DNU, SAT, JUMP, PERS, CHARGE, NO_GAIN)
TIMES = {"group_time": 10.0, "frame_time": 2.0, "first_time": 3.0, "n_frames": 2}
BOTH = pytest.mark.parametrize("run", [slope, twin], ids=["kernel", "twin"])


def fit(run, data, groupdq=None, pixeldq=None, gain=2.0, read_noise=8.0, **options):
    data = np.asarray(data, np.float32)
    image = data.shape[2:]
    return run(
        data,
        np.zeros(data.shape, np.uint8) if groupdq is None else np.asarray(groupdq, np.uint8),
        np.zeros(image, np.uint32) if pixeldq is None else pixeldq,
        np.broadcast_to(np.float32(gain), image),
        np.broadcast_to(np.float32(read_noise), image),
        **{"flags": FLAGS, **TIMES, **options},
    )


def one(run, y, q=None, **options):
    """Fit one pixel; its integrations are the rows of y."""
    y = np.atleast_2d(np.asarray(y, np.float32))[:, :, None, None]
    q = None if q is None else np.atleast_2d(np.asarray(q, np.uint8)).reshape(y.shape)
    rate, rateints, _ = fit(run, y, q, **options)
    return ([part[0, 0] for part in rate],
            [part[:, 0, 0].tolist() for part in rateints])


def read_variance(n, time=10.0, read_noise=8.0):
    """Variance of the slope of n groups, written out independently of the kernel."""
    x = np.arange(n) * time
    return read_noise**2 / 4 / ((x - x.mean()) ** 2).sum()


# known answers --------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("n_groups", [2, 3, 4, 5, 9, 10, 40])
@pytest.mark.parametrize("rate", [-3.0, 0.05, 1.0, 30.0, 1000.0])
def test_a_straight_ramp_gives_its_slope_and_variances(run, n_groups, rate):
    y = 100 + rate * 10 * np.arange(n_groups)
    (value, dq, vp, vr, err), each = one(run, [y, y + 7])
    poisson = max(rate, 0) / (2 * 10 * (n_groups - 1))
    assert_allclose([value, vp, vr], [rate, poisson / 2, read_variance(n_groups) / 2], rtol=2e-5)
    assert_allclose(err, np.sqrt((poisson + read_variance(n_groups)) / 2), rtol=2e-5)
    assert dq == 0
    assert_allclose(each[4], [np.sqrt(poisson + read_variance(n_groups))] * 2, rtol=2e-5)


@BOTH
def test_segments_are_weighted_by_their_read_noise_variance(run):
    y = [0, 10, 20, 30, 1000, 1040, 1080]
    (value, dq, vp, vr, _), _ = one(run, y, [0, 0, 0, 0, JUMP, 0, 0])
    inverse = 1 / read_variance(4), 1 / read_variance(3)
    assert_allclose(value, np.average([1.0, 4.0], weights=inverse), rtol=1e-6)
    assert_allclose(vr, 1 / sum(inverse), rtol=1e-6)
    assert_allclose(vp, 1 / (20 * 3 + 20 * 2), rtol=1e-6)
    assert dq == JUMP


@BOTH
@pytest.mark.parametrize(
    ("flags", "value", "dq"),
    [
        ([0, 0, SAT, SAT, SAT], 1.0, SAT),
        ([DNU, 0, 0, 0, 0], 10.0 / 3, 0),
        ([0, 0, 0, 0, DNU], 1.0, 0),
        ([PERS, PERS, PERS, 0, 0], 2.8, PERS),
        ([0, 0, FLOOR, FLOOR, FLOOR], 1.0, 0),
        ([0, SAT, SAT, SAT, SAT], np.nan, DNU | SAT),
        ([0, DNU, DNU, DNU, DNU], np.nan, DNU),
        ([SAT] * 5, np.nan, DNU | SAT),
        ([SAT, 0, 0, 0, 0], np.nan, DNU | SAT),
        ([DNU] * 5, np.nan, DNU),
        ([DNU, JUMP, JUMP, JUMP, JUMP], np.nan, DNU | JUMP),
        ([0, 0, JUMP | DNU, 0, 0], 3.0, JUMP),
    ],
)
def test_flags_choose_the_groups(run, flags, value, dq):
    (got, flagged, vp, vr, err), each = one(run, [0, 10, 20, 30, 80], flags, gain=1e-3)
    if np.isnan(value):
        assert np.isnan(got)
        assert (vp, vr, err) == (0, 0, 0)
    elif value == 1.0 and flags[-1] == DNU:
        assert_allclose(got, 1.0, rtol=1e-6)
    elif flags[0] == DNU:
        assert_allclose(got, np.polyfit([1, 2, 3, 4], [10, 20, 30, 80], 1)[0] / 10, rtol=1e-6)
    elif flags[0] == PERS:
        assert_allclose(got, np.polyfit(range(5), [0, 10, 20, 30, 80], 1)[0] / 10, rtol=1e-6)
    else:
        assert_allclose(got, value, rtol=1e-6)
    assert flagged == dq
    assert each[1] == [dq]


@BOTH
def test_a_nan_group_is_left_out(run):
    (value, dq, *_), _ = one(run, [0, 10, np.nan, 130, 150], gain=1e-3)
    assert_allclose(value, 1.5, rtol=1e-6)
    assert dq == 0
    (value, dq, *_), _ = one(run, [np.nan] * 5)
    assert np.isnan(value)
    assert dq == DNU


@BOTH
def test_single_good_groups(run):
    y, q = [12, 99, 99], [0, SAT, SAT]
    assert np.isnan(one(run, y, q)[0][0])
    (value, dq, vp, vr, _), _ = one(run, y, q, suppress_one_group=False)
    assert_allclose([value, vp, vr], [4.0, 4.0 / (2 * 3), read_variance(2, 3.0)], rtol=1e-6)
    assert dq == SAT
    (value, *_), _ = one(run, [9, 12, 99, 20], [DNU, 0, DNU, 0], suppress_one_group=False)
    assert_allclose(value, 1.2, rtol=1e-6)


@BOTH
def test_zeroframe_serves_ramps_without_a_good_group(run):
    zero = np.full((2, 1, 1), 6, np.float32)
    zero[1] = 0
    y, q = [[900, 900]] * 2, [[SAT, SAT]] * 2
    (value, dq, *_), each = one(run, y, q, zeroframe=zero, suppress_one_group=False)
    assert_allclose(value, 3.0, rtol=1e-6)
    assert dq == SAT
    assert np.isnan(each[0][1])
    assert each[1] == [SAT, DNU | SAT]
    assert np.isnan(one(run, y, q, zeroframe=zero)[0][0])


@BOTH
def test_one_group_exposures(run):
    (value, dq, vp, vr, _), each = one(run, [[12.0], [6.0]], suppress_one_group=False)
    assert_allclose([value, vp, vr], [3.0, 3.0 / (2 * 3) / 2, read_variance(2, 3.0) / 2],
                    rtol=1e-6)
    assert_allclose(each[0], [4.0, 2.0], rtol=1e-6)
    (value, dq, vp, *_), each = one(run, [[12.0], [6.0]], [[0], [SAT]], suppress_one_group=False)
    assert_allclose([value, vp], [4.0, 2.0 / (2 * 3)], rtol=1e-6)
    assert dq == SAT


@BOTH
@pytest.mark.parametrize("gain", [0.0, -1.0, np.nan])
def test_a_pixel_without_gain_is_not_fitted(run, gain):
    (value, dq, *rest), each = one(run, [0, 10, 20], gain=gain)
    assert np.isnan(value)
    assert dq == NO_GAIN | DNU
    assert rest == [0, 0, 0]
    assert each[1] == [NO_GAIN | DNU]


@BOTH
@pytest.mark.parametrize("bit", [DNU, SAT])
def test_a_bad_pixel_is_not_fitted_and_keeps_its_flags(run, bit):
    dq = np.full((1, 1), bit | 1 << 20, np.uint32)
    (value, found, *rest), _ = one(run, [0, 10, 20], pixeldq=dq)
    assert np.isnan(value)
    assert found == dq
    assert rest == [0, 0, 0]


@BOTH
def test_an_integration_that_fails_leaves_the_others(run):
    (value, dq, *_), each = one(run, [[0, 10, 20], [0, 30, 60]], [[0, 0, 0], [DNU, DNU, DNU]])
    assert_allclose(value, 1.0, rtol=1e-6)
    assert dq == 0
    assert each[1] == [0, DNU]


@BOTH
def test_charge_migration_does_not_raise_the_read_noise_variance(run):
    y, q = [0, 10, 20, 29, 37], [0, 0, 0, CHARGE | DNU, CHARGE | DNU]
    (value, dq, _, vr, err), each = one(run, y, q)
    assert_allclose([value, vr], [1.0, read_variance(5)], rtol=1e-6)
    assert_allclose(each[3], read_variance(5), rtol=1e-6)
    assert_allclose(err**2, 1 / (20 * 2) + read_variance(3), rtol=1e-6)
    assert dq == 0


@BOTH
def test_leading_groups_can_be_left_out_with_the_jump_behind_them(run):
    y, q = [0, 500, 510, 520, 0], [DNU, JUMP, 0, 0, DNU]
    (value, dq, *_), _ = one(run, y, q, groups=(1, 3), clear_first_jump=True)
    assert_allclose(value, 1.0, rtol=1e-6)
    assert dq == 0


@BOTH
def test_dark_current_adds_to_the_poisson_variance(run):
    dark = np.full((1, 1), 0.5, np.float32)
    (_, _, vp, *_), _ = one(run, [0, 10, 20], dark_current=dark)
    assert_allclose(vp, 1.5 / (2 * 10 * 2), rtol=1e-6)


@BOTH
def test_huge_variances_are_stored_as_zero(run):
    (value, dq, vp, vr, err), _ = one(run, [0, 10, 20], read_noise=1e6)
    assert (value, dq, vr) == (0, 0, 0)
    assert_allclose(err**2, vp, rtol=1e-6)


# twin and kernel ------------------------------------------------------------------------------


def random_exposure(rng, n_ints, n_groups, n_cols=37):
    shape = (n_ints, n_groups, 2, n_cols)
    rate = 10 ** rng.uniform(-1, 3.5, shape[2:])
    data = np.cumsum(rng.poisson(rate * 20, shape) / 2, axis=1) + rng.normal(0, 5, shape)
    odds = rng.choice([0, 0.05, 0.3], shape[2:])
    groupdq = np.zeros(shape, np.uint8)
    for bit in (DNU, JUMP, JUMP, PERS, FLOOR, CHARGE | DNU):
        groupdq[rng.random(shape) < odds] |= bit
    full = rng.integers(0, 4 * n_groups, (n_ints, 1, *shape[2:]))
    groupdq[np.arange(n_groups)[:, None, None] >= full] |= SAT
    data[rng.random(shape) < 0.01 * odds] = np.nan
    pixeldq = rng.choice(np.array([0, 0, 0, DNU, SAT, 1 << 20], np.uint32), shape[2:])
    gain = rng.choice(np.array([1.5, 2, 4, 2, 2, np.nan, -1], np.float32), shape[2:])
    zero = (rate * 2 * rng.integers(0, 2, (n_ints, *shape[2:]))).astype(np.float32)
    dark = rng.uniform(0, 0.1, shape[2:]).astype(np.float32)
    return data.astype(np.float32), groupdq, pixeldq, gain, zero, dark


@pytest.mark.parametrize("n_groups", [1, 2, 3, 4, 7, 8, 21])
@pytest.mark.parametrize("n_ints", [1, 3])
@pytest.mark.parametrize("suppress", [True, False])
def test_kernel_equals_twin(n_groups, n_ints, suppress):
    rng = np.random.default_rng(n_groups * 10 + n_ints)
    data, q, dq, gain, zero, dark = random_exposure(rng, n_ints, n_groups)
    options = {"gain": gain, "read_noise": rng.uniform(4, 12, gain.shape), "zeroframe": zero,
               "dark_current": dark, "suppress_one_group": suppress and n_groups > 1}
    ours, theirs = fit(slope, data, q, dq, **options), fit(twin, data, q, dq, **options)
    for got, want in zip(ours[:2], theirs[:2], strict=True):
        assert_array_equal(got.dq, want.dq)
        assert_allclose(got.slope, want.slope, rtol=1e-6, atol=1e-6 * np.nanmax(want.err))
        for name in ("var_poisson", "var_rnoise", "err"):
            assert_allclose(getattr(got, name), getattr(want, name), rtol=1e-6, err_msg=name)


def test_the_twin_has_the_kernel_s_arguments():
    parameters = inspect.signature(twin).parameters
    text = slope.__doc__.splitlines()[0]
    assert all(name in text for name in parameters)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_scaling_and_offset_of_any_ramp(data):
    """Twice the counts and noise give twice the slope, whatever the flags; an offset none."""
    n_groups = data.draw(st.integers(2, 12))
    y = data.draw(st.lists(st.integers(-500, 60000), min_size=n_groups, max_size=n_groups))
    q = data.draw(st.lists(st.sampled_from([0, 0, 0, DNU, SAT, JUMP, PERS]),
                           min_size=n_groups, max_size=n_groups))
    y = np.array(y, np.float32)
    (value, dq, *_), _ = one(slope, y, q)
    (doubled, dq_doubled, *_), _ = one(slope, 2 * y, q, gain=1.0, read_noise=16.0)
    (moved, dq_moved, *_), _ = one(slope, y + 1024, q)
    assert dq == dq_doubled == dq_moved
    assert_allclose(doubled, 2 * value, rtol=1e-6, atol=1e-6)
    good = (np.array(q) & ~PERS) == 0
    if (good[1:] & (good[:-1] | (np.array(q[:-1]) & ~PERS == JUMP))).any():
        assert_allclose(moved, value, rtol=1e-5, atol=1e-5)


# known truth ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("electrons", "read_noise", "n_groups"),
    [(0.0, 20.0, 8), (0.2, 20.0, 8), (2000.0, 1.0, 8), (0.0, 15.0, 33)],
)
def test_pulls_of_the_slope_are_standard_normal(electrons, read_noise, n_groups):
    """Read-noise limited and photon limited; 160000 ramps, so the mean is known to 0.0025."""
    rng = np.random.default_rng(int(electrons) + n_groups)
    shape, gain = (1, n_groups, 400, 400), 2.0
    data = np.cumsum(rng.poisson(electrons * 10, shape) / gain, axis=1)
    data = data + rng.normal(0, read_noise / np.sqrt(4), shape)
    rate, _, _ = fit(slope, data, gain=gain, read_noise=read_noise)
    truth = electrons / gain
    scatter = np.std(rate.slope, dtype=float)
    pull = (rate.slope.astype(float) - truth) / rate.err
    if electrons < 1000:
        assert_allclose(np.mean(rate.slope, dtype=float), truth, atol=0.01 * scatter)
        assert_allclose(scatter**2, rate.var_rnoise.mean(dtype=float) + truth / gain / 10
                        / (n_groups - 1), rtol=0.03 if electrons else 0.02)
    else:
        assert abs(pull.mean()) < 0.01
        assert abs(pull.std() - 1) < 0.02
        assert_allclose(scatter**2, rate.var_poisson.mean(dtype=float), rtol=0.04)


# threads, inputs ------------------------------------------------------------------------------


def from_file(data, groupdq, pixeldq, gain, read_noise, **options):
    """Fit with references as they lie in a file, in the other byte order."""
    return slope(data, groupdq, pixeldq, gain.astype(">f4"), read_noise.astype(">f4"), **options)


@pytest.mark.parametrize("n_groups", [1, 2, 5, 9, 70])
def test_ramps_fitted_in_lanes_and_one_by_one_agree_to_the_byte(n_groups):
    """Flagged ramps in the lanes of a batch, and one after the other as save_opt has them."""
    rng = np.random.default_rng(6)
    data, q, dq, gain, zero, dark = random_exposure(rng, 3, n_groups, n_cols=301)
    q[:, 0] |= JUMP  # none of them takes the path of unflagged ramps
    data[rng.random(data.shape) < 0.003] = np.inf
    for run in (slope, from_file):
        with np.errstate(invalid="ignore"):
            lanes, alone = (fit(run, data, q, dq, gain=gain, zeroframe=zero, dark_current=dark,
                                suppress_one_group=True, segments=each) for each in (False, True))
        for first, second in zip(lanes[:2], alone[:2], strict=True):
            for a, b in zip(first, second, strict=True):
                assert_array_equal(a, b)


@pytest.mark.parametrize("segments", [False, True])
def test_bytes_do_not_depend_on_threads(segments):
    rng = np.random.default_rng(4)
    data, q, dq, gain, zero, dark = random_exposure(rng, 3, 9, n_cols=301)
    runs = [fit(slope, data, q, dq, gain=gain, zeroframe=zero, dark_current=dark,
                suppress_one_group=not segments, segments=segments, n_threads=n)
            for n in (1, 2, 7)]
    for other in runs[1:]:
        for first, second in zip(runs[0][: 2 + segments], other, strict=False):
            for a, b in zip(first, second, strict=True):
                assert a.tobytes() == b.tobytes()


def test_flagged_and_unflagged_paths_agree_to_the_byte():
    """A ramp through the careful path (as save_opt takes) equals one through the fast path."""
    rng = np.random.default_rng(5)
    for n_groups in range(2, 15):
        shape = (2, n_groups, 3, 53)
        rate = 10 ** rng.uniform(-1, 4, shape[2:])
        data = np.cumsum(rng.poisson(rate * 20, shape) / 2, axis=1) + rng.normal(0, 5, shape)
        fast, careful = fit(slope, data), fit(slope, data, segments=True)
        assert fast[1].slope.tobytes() == careful[1].slope.tobytes()
        for a, b in zip(fast[0], careful[0], strict=True):
            assert_allclose(a, b, rtol=1.5e-7)


@pytest.mark.parametrize("n_ints", [1, 2])
def test_long_rows_are_fitted_as_short_ones(n_ints):
    """Rows are fitted in strips, of which the last is shorter than others."""
    rng = np.random.default_rng(8)
    data, q, dq, gain, _, dark = random_exposure(rng, n_ints, 6, n_cols=1250)
    q[..., 400:900] = 0

    def fit_rows(n_cols):
        ramps = (array.reshape(n_ints, 6, -1, n_cols) for array in (data, q))
        dq_, gain_, dark_ = (array.reshape(-1, n_cols) for array in (dq, gain, dark))
        return fit(slope, *ramps, dq_, gain=gain_, dark_current=dark_)

    for long, short in zip(fit_rows(2500)[:2], fit_rows(25)[:2], strict=True):
        for a, b in zip(long, short, strict=True):
            assert a.tobytes() == b.tobytes()


def test_inputs_are_not_changed_and_may_be_read_only():
    rng = np.random.default_rng(6)
    data, q, dq, gain, zero, _ = random_exposure(rng, 2, 5)
    kept = [array.copy() for array in (data, q, dq, gain, zero)]
    for array in (data, q, dq, gain, zero):
        array.flags.writeable = False
    fit(slope, data, q, dq, gain=gain, zeroframe=zero, suppress_one_group=False)
    for array, before in zip((data, q, dq, gain, zero), kept, strict=True):
        assert_array_equal(array, before)


def test_segments_of_a_ramp():
    y = np.array([5, 6, 7, 8, 1008, 1012], np.float32)
    q = np.array([0, 0, 0, 0, JUMP, 0], np.uint8)
    rate, _, parts = fit(slope, y.reshape(1, 6, 1, 1), q.reshape(1, 6, 1, 1), segments=True,
                         pedestal_groups=0.5)
    assert parts.slope.shape == (1, 2, 1, 1)
    assert parts.crmag.shape == (1, 1, 1, 1)
    assert_allclose(parts.slope.ravel(), [0.1, 0.4], rtol=1e-6)
    assert_allclose(parts.var_rnoise.ravel(), [read_variance(4), read_variance(2)], rtol=1e-6)
    assert_allclose(parts.weights, 1 / parts.var_rnoise, rtol=1e-6)
    assert_allclose(parts.yint.ravel(), [5, 1008 - 4 * 4], rtol=1e-6)
    assert_allclose(parts.sigslope.ravel(), [8 / np.sqrt(5), 8 * np.sqrt(2)], rtol=1e-6)
    assert_allclose(parts.crmag.ravel(), [1000])
    assert_allclose(parts.pedestal.ravel(), [5 - 0.5 * rate.slope[0, 0]], rtol=1e-6)


GOOD = np.zeros((1, 3, 2, 4), np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groupdq": np.zeros((1, 3, 2, 5), np.uint8)}, "groupdq: shape"),
        ({"pixeldq": np.zeros((2, 5), np.uint32)}, "pixeldq: shape"),
        ({"data": np.zeros((1, 0, 2, 4), np.float32), "groupdq": None}, "data: shape"),
        ({"zeroframe": np.zeros((2, 2, 4), np.float32)}, "zeroframe: shape"),
        ({"dark_current": np.zeros((2, 5), np.float32)}, "dark_current: shape"),
        ({"group_time": 0.0}, "out of its range"),
        ({"n_frames": 0}, "out of its range"),
        ({"groups": (2, 2)}, "out of its range"),
        ({"groups": (0, 0)}, "out of its range"),
        ({"groups": (-1, 2)}, "out of its range"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_wrong_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fit(slope, **{"data": GOOD, **change})


def test_integer_ramps_are_converted_and_float_flags_refused():
    assert fit(slope, GOOD.astype(np.int32))[0].slope.shape == (2, 4)
    with pytest.raises(TypeError, match="groupdq: dtype float32"):
        slope(GOOD, GOOD, np.zeros((2, 4), np.uint32), GOOD[0, 0], GOOD[0, 0], flags=FLAGS, **TIMES)


@pytest.mark.parametrize("n_groups", [4, 5, 12])
@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_rates_may_take_the_place_of_ramps(n_groups, n_threads):
    rng = np.random.default_rng(n_groups)
    data = rng.normal(0, 10, (3, n_groups, 9, 300)).cumsum(1).astype(np.float32)
    groupdq = rng.choice(np.array([0, 0, 0, 0, JUMP, DNU, SAT], np.uint8), data.shape)
    ours = data.copy()
    rate, rateints, _ = fit(slope, data, groupdq)
    found, place, _ = fit(slope, ours, groupdq, in_place=True, n_threads=n_threads)
    for mine, theirs in zip((*found, *place), (*rate, *rateints), strict=True):
        assert mine.tobytes() == theirs.tobytes()
    assert all(np.shares_memory(part, ours) for part in place) == (n_groups >= 5)
    assert np.array_equal(ours, data) == (n_groups < 5)
