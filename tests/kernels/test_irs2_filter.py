"""Noise of a frame of IRS2, kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import irs2_filter as twins

from jwst_cal.kernels import irs2_filter as kernels

BOTH = pytest.mark.parametrize("run", [kernels, twins], ids=["kernel", "twin"])
N_LINES, SLOTS = 256, kernels.SLOTS
N = N_LINES * SLOTS


def table(alpha, beta, n_outputs=1):
    """The same complex filters for all outputs, as reference files have them."""
    rows = np.zeros((2 * N, 2, n_outputs), np.float32)
    for k, filter_ in enumerate((alpha, beta)):
        rows[0::2, k], rows[1::2, k] = np.real(filter_)[:, None], np.imag(filter_)[:, None]
    return rows


def passband(keep):
    """A filter by frequency as the kernel wants it."""
    by_place = keep.reshape(SLOTS, N_LINES)[kernels.PLACES, : N_LINES // 2 + 1] / SLOTS
    padded = np.zeros((SLOTS, (N_LINES // 32 + 1) * 16), np.float32)
    padded[:, : N_LINES // 2 + 1] = by_place
    return np.ascontiguousarray(padded.reshape(SLOTS, -1, 16).swapaxes(0, 1))


def low(limit):
    """Frequencies below a limit, and as far from Nyquist's."""
    away = np.abs(np.fft.fftfreq(N, 1 / N))
    return (np.minimum(away, N / 2 - away) < limit).astype(float)


def noise(run, output, pixels, filters, keep=None, *, wanted=(3, 100, 711), **options):
    pixels = np.asarray(pixels, np.float32)
    result = np.full((len(pixels), len(wanted), N_LINES), np.nan, np.float32)
    put = np.array([[10 * k + 1, 10 * k + 3] for k in range(pixels.shape[1])], np.int32)
    known = options.pop("known", np.arange(SLOTS) % 5 > 0)
    run.noise_of_frame(
        np.asarray(output, np.float32), pixels, result, turn=run.turns(N_LINES),
        passband=passband(np.zeros(N) if keep is None else keep),
        weights=run.real_filters(filters, N_LINES), known=known, put=put,
        wanted=np.array(wanted, np.int32), **options)
    return result


def samples(rng, *shape):
    return rng.normal(0, 10, (*shape, N_LINES)).astype(np.float32)


@BOTH
def test_filters_of_one_pass_the_samples(run):
    """beta: pixels appear in both their slots; alpha: the reference output, where it is known."""
    rng = np.random.default_rng(1)
    output, pixels = samples(rng, SLOTS), samples(rng, 2, 3)
    wanted = (1, 3, 13, 20, 44, 711)
    passed = noise(run, output, pixels, table(np.zeros(N), np.ones(N), 2), wanted=wanted)
    np.testing.assert_allclose(passed[:, 0], pixels[:, 0], atol=2e-5)
    np.testing.assert_allclose(passed[:, 1], pixels[:, 0], atol=2e-5)
    np.testing.assert_allclose(passed[:, 2], pixels[:, 1], atol=2e-5)
    np.testing.assert_allclose(passed[:, 3:], 0, atol=2e-5)
    passed = noise(run, output, pixels, table(np.ones(N), np.zeros(N), 2), wanted=wanted)
    known = np.array(wanted) % 5 > 0
    np.testing.assert_allclose(passed[:, known], [output[list(wanted)][known]] * 2, atol=2e-5)
    np.testing.assert_allclose(passed[:, ~known], 0, atol=2e-5)


@BOTH
def test_a_delay_of_one_sample_crosses_the_ends_of_lines(run):
    rng = np.random.default_rng(2)
    output = samples(rng, SLOTS)
    late = np.exp(-2j * np.pi * np.arange(N) / N)
    passed = noise(run, output, samples(rng, 1, 1), table(late, np.zeros(N)),
                   wanted=(0, 7), known=np.ones(SLOTS, bool))[0]
    np.testing.assert_allclose(passed[1], output[6], atol=2e-5)
    np.testing.assert_allclose(passed[0], np.roll(output[711], 1), atol=2e-5)


@BOTH
def test_gaps_are_filled_by_what_the_pass_band_lets_through(run):
    """A slow signal sampled in four slots of five; in the gaps is a poor guess."""
    rng = np.random.default_rng(3)
    spectrum = np.fft.fft(rng.normal(0, 10, N)) * low(0.02 * N)
    signal = np.fft.ifft(spectrum).real.reshape(N_LINES, SLOTS).T
    known = np.arange(SLOTS) % 5 > 0
    guess = np.where(known[:, None], signal, 0.7 * signal).astype(np.float32)
    left = []
    for n_repeats in (0, 1, 3):
        completed = np.empty((SLOTS, N_LINES), np.float32)
        noise(run, guess, samples(rng, 1, 1), table(np.ones(N), np.zeros(N)), low(0.025 * N),
              n_repeats=n_repeats, completed=completed)
        np.testing.assert_allclose(completed[known], guess[known], atol=1e-5)
        left.append(np.std(completed[~known] - signal[~known]) / signal.std())
    assert left[0] == pytest.approx(0.3, rel=0.02)
    assert left[1] < 0.1
    assert left[2] < 0.01


def test_a_filter_that_is_no_real_one_acts_as_its_real_part():
    """The reference release takes the real part of the result."""
    rng = np.random.default_rng(4)
    alpha, beta = (rng.normal(size=(2, N)).view() for _ in range(2))
    alpha, beta = alpha[0] + 1j * alpha[1], beta[0] + 1j * beta[1]
    output, pixels = samples(rng, SLOTS), samples(rng, 1, 2)
    stream = np.zeros((N_LINES, SLOTS))
    stream[:, [1, 3]], stream[:, [11, 13]] = pixels[0, :1].T, pixels[0, 1:].T
    sum_ = np.fft.fft(stream.ravel()) * beta + np.fft.fft(output.T.ravel()) * alpha
    wanted = np.fft.ifft(sum_).real.reshape(N_LINES, SLOTS)[:, [3, 100, 711]].T
    found = noise(kernels, output, pixels, table(alpha, beta), known=np.ones(SLOTS, bool))[0]
    assert np.abs(found - wanted).max() < 3e-6 * wanted.std()


@pytest.mark.parametrize("n_outputs", [1, 4])
def test_kernel_is_its_twin_up_to_rounding(n_outputs):
    rng = np.random.default_rng(5)
    output, pixels = samples(rng, SLOTS), samples(rng, n_outputs, 3)
    filters = rng.normal(size=(2 * N, 2, n_outputs)).astype(np.float32)
    keep = low(0.1 * N) * 0.6
    whole = [np.empty((SLOTS, N_LINES), np.float32) for _ in range(2)]
    ours, wanted = (noise(run, output, pixels, filters, keep, completed=completed)
                    for run, completed in zip((kernels, twins), whole, strict=True))
    assert np.abs(ours - wanted).max() < 5e-6 * wanted.std()
    assert np.abs(whole[0] - whole[1]).max() < 5e-6 * whole[1].std()
    np.testing.assert_allclose(kernels.real_filters(filters, N_LINES),
                               twins.real_filters(filters, N_LINES), rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(kernels.turns(N_LINES), twins.turns(N_LINES), atol=1e-7)


def test_the_byte_order_of_the_table_does_not_matter():
    filters = np.random.default_rng(6).normal(size=(2 * N, 2, 2)).astype(np.float32)
    np.testing.assert_array_equal(kernels.real_filters(filters.astype(">f4"), N_LINES),
                                  kernels.real_filters(filters, N_LINES))


@pytest.mark.parametrize("n_threads", [2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    results = []
    for team in (1, n_threads):
        rng = np.random.default_rng(7)
        filters = rng.normal(size=(2 * N, 2, 3)).astype(np.float32)
        completed = np.empty((SLOTS, N_LINES), np.float32)
        found = noise(kernels, samples(rng, SLOTS), samples(rng, 3, 3), filters, low(0.1 * N),
                      completed=completed, n_threads=team)
        results.append([found, completed, kernels.real_filters(filters, N_LINES, n_threads=team),
                        kernels.turns(N_LINES, n_threads=team)])
    for one, many in zip(*results, strict=True):
        np.testing.assert_array_equal(one, many)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99), st.integers(1, 4), st.integers(1, 5), st.booleans(),
       st.sampled_from([0.0, 1e-15, 1.0, 1e15]))
def test_any_numbers(seed, n_outputs, n_pixels, all_known, scale):
    rng = np.random.default_rng(seed)
    output, pixels = samples(rng, SLOTS) * np.float32(scale), samples(rng, n_outputs, n_pixels)
    known = np.ones(SLOTS, bool) if all_known else rng.random(SLOTS) < rng.random()
    filters = rng.normal(size=(2 * N, 2, n_outputs)).astype(np.float32)
    wanted = rng.permutation(SLOTS)[: rng.integers(1, 40)]
    ours, expected = (noise(run, output, pixels, filters, low(0.04 * N), wanted=wanted,
                            known=known) for run in (kernels, twins))
    assert np.abs(ours - expected).max() <= 1e-5 * max(expected.std(), 1e-30)


def test_a_value_that_is_no_number_costs_its_output():
    """Slots are transformed in pairs, which those of an output fill."""
    rng = np.random.default_rng(8)
    pixels = samples(rng, 2, 2)
    pixels[1, 0, 3] = np.nan
    found = noise(kernels, samples(rng, SLOTS), pixels, table(np.ones(N), np.ones(N), 2),
                  wanted=(3, 100))
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"output": np.zeros((SLOTS, 128), np.float32)}, ValueError, "n_lines: 128"),
        ({"output": np.zeros((SLOTS, 257), np.float32)}, ValueError, "n_lines: 257"),
        ({"output": np.zeros((711, N_LINES), np.float32)}, ValueError, "output: shape"),
        ({"pixels": np.zeros((1, 2, N_LINES), np.float32)}, ValueError, "pixels: shape"),
        ({"noise": np.zeros((1, 3, N_LINES))}, TypeError, "noise: dtype float64"),
        ({"noise": np.zeros((2, 3, N_LINES), np.float32)}, ValueError, "noise: shape"),
        ({"put": np.array([[1, 712]], np.int32)}, ValueError, "out of its range"),
        ({"wanted": np.array([-1, 2, 3], np.int32)}, ValueError, "out of its range"),
        ({"known": np.ones(700, bool)}, ValueError, "known: shape"),
        ({"n_repeats": -1}, ValueError, "out of its range"),
        ({"turn": np.zeros((9, SLOTS, 2, 15), np.float32)}, ValueError, "turn: shape"),
        ({"completed": np.zeros((SLOTS, 9), np.float32)}, ValueError, "completed: shape"),
    ],
)
def test_refusals(change, error, message):
    filters = table(np.zeros(N), np.zeros(N))
    given_ = {
        "output": np.zeros((SLOTS, N_LINES), np.float32),
        "pixels": np.zeros((1, 1, N_LINES), np.float32),
        "noise": np.zeros((1, 3, N_LINES), np.float32), "turn": kernels.turns(N_LINES),
        "passband": passband(np.zeros(N)), "weights": kernels.real_filters(filters, N_LINES),
        "known": np.ones(SLOTS, bool), "put": np.array([[1, 2]], np.int32),
        "wanted": np.array([1, 2, 3], np.int32)}
    kernels.noise_of_frame(**given_)
    with pytest.raises(error, match=message):
        kernels.noise_of_frame(**given_ | change)


def test_refusals_of_tables():
    with pytest.raises(ValueError, match="n_lines: 100 where a power of two"):
        kernels.turns(100)
    with pytest.raises(ValueError, match="table: shape"):
        kernels.real_filters(np.zeros((N, 2, 1), np.float32), N_LINES)
    with pytest.raises(TypeError, match="table: dtype"):
        kernels.real_filters(np.zeros((2 * N, 2, 1), complex), N_LINES)
