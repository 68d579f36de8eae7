"""What is done to each pixel of calibrated images: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import pixels as twins

from jwst_cal.kernels import pixels

BOTH = pytest.mark.parametrize("kernels", [pixels, twins], ids=["kernel", "twin"])


def scene(seed, shape, n, odd=0.1):
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(0, 9, shape).astype(np.float32) for _ in range(n)]
    for array in arrays:
        for value in (np.nan, -np.nan, np.inf, 0, 1e-40, -1):
            array[rng.random(shape) < odd / 6] = value
    return arrays, rng.choice(np.uint32([0, 1, 2, 2**31, 7]), shape, p=[1 - odd] + [odd / 4] * 4)


@BOTH
def test_nan_and_flag_say_the_same(kernels):
    data, err = np.float32([[1, np.nan, 3, 4]]), np.float32([[1, 2, np.nan, 4]])
    flags = np.uint32([[4, 0, 0, 5]])
    kernels.reconcile([data, err], flags, 1)
    assert flags.tolist() == [[4, 1, 1, 5]]
    for array in (data, err):
        wanted = np.float32([[1, np.nan, np.nan, np.nan]])
        assert array.tobytes() == wanted.tobytes()


@BOTH
def test_without_flags(kernels):
    data, err = np.float32([1, np.nan, 3]), np.float32([1, 2, np.nan])
    kernels.reconcile([data, err], None, 1)
    assert np.isnan(data).tolist() == np.isnan(err).tolist() == [False, True, True]


@BOTH
def test_weights(kernels):
    variance = np.float32([[4, 0, np.nan, np.inf, 1e-40, -2, 2]])
    flags = np.uint32([[0, 0, 0, 0, 0, 2, 1]])
    assert kernels.inverse_variance(variance, flags, 1).tolist() == [[0.25, 0, 0, 0, 0, -0.5, 0]]


@BOTH
def test_chosen_pixels_are_flagged_and_counted(kernels):
    flags = np.uint32([[[0, 4, 1]], [[0, 0, 0]]])
    assert kernels.flag(flags, np.array([[[True, True, False]], [[False, False, True]]]), 5) == 3
    assert flags.tolist() == [[[5, 5, 1]], [[0, 0, 5]]]


@BOTH
def test_values_of_low_weight_are_left_out(kernels):
    values = np.float32([[1, 2, 3, 4]])
    weight = np.float32([[0.5, 1, np.nan, 2]])
    kernels.leave_out(values, weight, np.nan)
    assert values.tolist() == [[1, 2, 3, 4]]
    kernels.leave_out(values, weight, 1.0000000001)  # compared in float64
    np.testing.assert_array_equal(values, np.float32([[np.nan, np.nan, 3, 4]]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60), st.floats(-9, 9))
def test_flagged_and_left_out_as_the_twin_does(seed, n_rows, n_cols, limit):
    found, wanted = (scene(seed, (n_rows, n_cols), 2, 0.3) for _ in range(2))
    counts = []
    for kernels, ((values, weight), flags) in ((pixels, found), (twins, wanted)):
        counts.append(kernels.flag(flags, weight < limit, 6))
        kernels.leave_out(values, weight, limit)
    assert counts[0] == counts[1]
    assert found[1].tobytes() == wanted[1].tobytes()
    assert found[0][0].tobytes() == wanted[0][0].tobytes()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60), st.integers(1, 8),
       st.sampled_from([1, 3, 2**31 + 2]), st.sampled_from([0.0, 0.001, 0.3]), st.booleans())
def test_kernel_and_twin_agree(seed, n_rows, n_cols, n, bits, odd, flagged):
    found, wanted = (scene(seed, (n_rows, n_cols), n, odd) for _ in range(2))
    for kernels, (arrays, flags) in ((pixels, found), (twins, wanted)):
        kernels.reconcile(arrays, flags if flagged else None, bits)
    for one, other in zip([*found[0], found[1]], [*wanted[0], wanted[1]], strict=True):
        assert one.tobytes() == other.tobytes()
    (variance, *_), flags = scene(seed, (n_rows, n_cols), 1, odd)
    assert (pixels.inverse_variance(variance, flags, bits).tobytes()
            == twins.inverse_variance(variance, flags, bits).tobytes())


@BOTH
def test_factors(kernels):
    data, variance = np.float32([1, np.nan, -3]), np.float32([1, 2, np.inf])
    kernels.scale([data, variance], [0.5, 4])
    np.testing.assert_array_equal(data, np.float32([0.5, np.nan, -1.5]))
    np.testing.assert_array_equal(variance, np.float32([4, 8, np.inf]))
    kernels.scale([data, variance], [0.5, 4], divide=True)
    np.testing.assert_array_equal(data, np.float32([1, np.nan, -3]))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3000), st.integers(1, 8), st.booleans(),
       st.floats(width=32) | st.floats(), st.sampled_from([1, 2, 7]))
def test_scaled_as_numpy_does(seed, size, n, divide, factor, n_threads):
    """A float32 factor gives what float32 arithmetic gives."""
    arrays = scene(seed, (size,), n)[0]
    with np.errstate(all="ignore"):
        apply = np.divide if divide else np.multiply
        narrow = np.float32(factor)
        number = narrow if float(narrow) == factor else np.float64(factor)
        wanted = [apply(array, number).astype(np.float32) for array in arrays]
    twins.scale(twin := [array.copy() for array in arrays], [factor] * n, divide=divide)
    pixels.scale(arrays, [factor] * n, divide=divide, n_threads=n_threads)
    for one, other, numpy in zip(arrays, twin, wanted, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, numpy)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    (arrays, flags), (wanted, marked) = (scene(2, (77, 65), 3) for _ in range(2))
    pixels.reconcile(arrays, flags, 1, n_threads=n_threads)
    twins.reconcile(wanted, marked, 1)
    assert np.array(arrays).tobytes() == np.array(wanted).tobytes()
    assert flags.tobytes() == marked.tobytes()
    assert (pixels.inverse_variance(arrays[0], flags, 2, n_threads=n_threads).tobytes()
            == twins.inverse_variance(arrays[0], flags, 2).tobytes())
    assert pixels.flag(flags, arrays[1] > 0, 64, n_threads=n_threads) == (arrays[1] > 0).sum()
    twins.flag(marked, arrays[1] > 0, 64)
    assert flags.tobytes() == marked.tobytes()
    pixels.leave_out(arrays[0], arrays[1], 1.5, n_threads=n_threads)
    twins.leave_out(wanted[0], wanted[1], 1.5)
    assert np.array(arrays).tobytes() == np.array(wanted).tobytes()


def test_clean_memory_is_not_written_to():
    """It may be that of a file."""
    arrays, flags = [np.ones((4, 5), np.float32)], np.zeros((4, 5), np.uint32)
    arrays[0].flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        pixels.reconcile(arrays, flags, 1)


@pytest.mark.parametrize(("run", "error", "message"), [
    (lambda: pixels.reconcile([], None, 1), ValueError, "arrays: 0 where 1 to 8"),
    (lambda: pixels.reconcile([np.ones(3, np.float32)] * 9, None, 1), ValueError, "arrays: 9"),
    (lambda: pixels.reconcile([np.ones(3)], None, 1), TypeError, r"arrays\[0\]: dtype float64"),
    (lambda: pixels.reconcile([np.ones(3, np.float32)], np.zeros(2, np.uint32), 1), ValueError,
     "flags: shape"),
    (lambda: pixels.inverse_variance(np.ones((2, 3), np.float32), np.zeros((3, 2), np.uint32), 1),
     ValueError, "flags: shape"),
    (lambda: pixels.inverse_variance(np.ones((2, 3), np.float32), np.zeros((2, 3)), 1), TypeError,
     "flags: dtype"),
    (lambda: pixels.scale([np.ones(3, np.float32)], [1, 2]), ValueError, "factors: shape"),
    (lambda: pixels.scale([], []), ValueError, "arrays: 0"),
    (lambda: pixels.flag(np.zeros(3, np.uint32), np.zeros(2, bool), 1), ValueError,
     "chosen: shape"),
    (lambda: pixels.leave_out(np.ones((2, 3), np.float32), np.ones((3, 2), np.float32), 1.0),
     ValueError, "weight: shape")],
    ids=["no array", "too many", "float64", "other flags", "other shape", "float flags",
         "other factors", "nothing to scale", "other choice", "other weights"])
def test_refuses(run, error, message):
    with pytest.raises(error, match=message):
        run()
