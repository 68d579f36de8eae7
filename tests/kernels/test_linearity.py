"""Linear counts from measured ones, kernel and numpy twin through one body."""

import numpy as np
import pytest
from twins.linearity import linearity as twin

from jwst_cal.kernels.linearity import linearity

SATURATED, NO_LIN_CORR, OTHER = 2, 1 << 20, 1 << 4
BITS = {"saturated": SATURATED, "no_correction": NO_LIN_CORR}
BOTH = pytest.mark.parametrize("run", [linearity, twin], ids=["kernel", "twin"])


def coefficients(n_terms, n_rows, n_cols, rng):
    """A detector that loses a few per cent at 40000 DN, a little different in each pixel."""
    coeffs = np.zeros((n_terms, n_rows, n_cols), np.float32)
    coeffs[1] = 1
    for power in range(2, n_terms):
        coeffs[power] = rng.uniform(0.5, 1, (n_rows, n_cols)) * 0.03 * 4e4 ** (1.0 - power) / power
    return coeffs


def measured(linear, coeffs):
    """Invert the polynomial by Newton's method, in float64."""
    coeffs = coeffs.astype(np.float64)
    value = linear.astype(np.float64)
    for _ in range(30):
        f = sum(c * value**k for k, c in enumerate(coeffs)) - linear
        slope = sum(k * c * value ** (k - 1) for k, c in enumerate(coeffs) if k)
        value = value - f / slope
    return value


@pytest.fixture
def rng():
    return np.random.default_rng(8)


@pytest.fixture
def exposure(rng):
    shape = (2, 6, 4, 301)
    rate = rng.uniform(100, 5000, shape[2:])
    linear = rate * np.arange(1, 7)[:, None, None] * np.array([1.0, 0.7])[:, None, None, None]
    coeffs = coefficients(6, *shape[2:], rng)
    data = measured(linear, coeffs).astype(np.float32)
    return data, np.zeros(shape, np.uint8), np.zeros(shape[2:], np.uint32), coeffs, linear


@BOTH
def test_recovers_the_injected_polynomial(run, exposure):
    data, groupdq, pixeldq, coeffs, linear = exposure
    assert np.abs(data - linear).max() > 300
    run(data, groupdq, pixeldq, coeffs, np.zeros_like(pixeldq), **BITS)
    np.testing.assert_allclose(data, linear, rtol=2e-6)
    assert not pixeldq.any()


@BOTH
def test_saturated_groups_keep_their_counts(run, exposure):
    data, groupdq, pixeldq, coeffs, linear = exposure
    groupdq[0, 3:, 1, 5] = SATURATED | 4
    groupdq[0, :, 1, 6] = 4
    before = data.copy()
    run(data, groupdq, pixeldq, coeffs, np.zeros_like(pixeldq), **BITS)
    np.testing.assert_array_equal(data[0, 3:, 1, 5], before[0, 3:, 1, 5])
    np.testing.assert_allclose(data[0, :3, 1, 5], linear[0, :3, 1, 5], rtol=2e-6)
    np.testing.assert_allclose(data[0, :, 1, 6], linear[0, :, 1, 6], rtol=2e-6)


@BOTH
def test_pixels_without_a_polynomial_are_left_and_flagged(run, exposure):
    data, groupdq, pixeldq, coeffs, _ = exposure
    dq = np.zeros_like(pixeldq)
    dq[0, 7], dq[0, 8] = NO_LIN_CORR, OTHER
    coeffs[5, 1, 2] = np.nan
    coeffs[1, 2, 3] = 0
    pixeldq[0, 8] = 1
    before = data.copy()
    run(data, groupdq, pixeldq, coeffs, dq, **BITS)
    for row, col in [(0, 7), (1, 2), (2, 3)]:
        np.testing.assert_array_equal(data[:, :, row, col], before[:, :, row, col])
        assert pixeldq[row, col] == NO_LIN_CORR
    assert pixeldq[0, 8] == OTHER | 1
    assert np.count_nonzero(pixeldq) == 4


@BOTH
def test_zeroframe_is_corrected_but_for_its_zeros(run, exposure):
    data, groupdq, pixeldq, coeffs, linear = exposure
    zeroframe = data[:, 0].copy()
    zeroframe[1, 2, 3] = 0
    run(data, groupdq, pixeldq, coeffs, np.zeros_like(pixeldq), zeroframe=zeroframe, **BITS)
    assert zeroframe[1, 2, 3] == 0
    np.testing.assert_allclose(zeroframe[0], linear[0, 0], rtol=2e-6)


@BOTH
def test_groups_of_several_reads_are_corrected_read_by_read(run, rng):
    """A mean of non-linear reads: the plain polynomial is off by more than the read-level one."""
    reads = np.arange(1, 25.0).reshape(6, 4)
    coeffs = coefficients(3, 3, 70, rng)
    coeffs[2] *= 20
    rate = rng.uniform(300, 1500, (3, 70))
    linear = rate * reads[..., None, None]
    data = measured(linear, coeffs).mean(axis=1)[None].astype(np.float32)
    wanted = linear.mean(axis=1)
    grid = np.linspace(0, linear.max() * 1.05, 400)
    inverse = np.empty((8, 3, 70), np.float32)
    for row, col in np.ndindex(3, 70):
        fit = np.polynomial.Polynomial.fit(grid, measured(grid, coeffs[:, row, col]), 7)
        inverse[:, row, col] = fit.convert().coef
    groupdq = np.zeros(data.shape, np.uint8)
    pixeldq = np.zeros((3, 70), np.uint32)
    plain, by_read = data.copy(), data.copy()
    run(plain, groupdq, pixeldq, coeffs, pixeldq.copy(), **BITS)
    run(by_read, groupdq, pixeldq, coeffs, pixeldq.copy(), inverse=inverse, reads=reads, **BITS)
    error_plain = np.abs(plain[0] / wanted - 1).max()
    error_by_read = np.abs(by_read[0] / wanted - 1).max()
    assert error_plain > 4e-3
    assert error_by_read < error_plain / 10


def awkward(rng, n_terms=6):
    data = rng.uniform(0, 3e4, (2, 5, 7, 290)).astype(np.float32)
    data[rng.random(data.shape) < 0.01] = np.nan
    first_saturated = rng.integers(0, 7, (2, 1, 7, 290))
    groupdq = np.where(np.arange(5)[:, None, None] >= first_saturated, SATURATED, 0)
    groupdq = (groupdq | rng.integers(0, 2, data.shape) * 4).astype(np.uint8)
    coeffs = coefficients(n_terms, 7, 290, rng)
    coeffs[-1][rng.random((7, 290)) < 0.05] = np.nan
    coeffs[1][rng.random((7, 290)) < 0.05] = 0
    dq = (rng.random((7, 290)) < 0.05).astype(np.uint32) * NO_LIN_CORR
    pixeldq = rng.integers(0, 8, (7, 290)).astype(np.uint32)
    return data, groupdq, pixeldq, coeffs, dq


@pytest.mark.parametrize("n_terms", [2, 3, 5, 6, 10, 13])
@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("by_read", [False, True])
def test_kernel_is_its_twin_to_the_byte_for_any_team(n_terms, n_threads, by_read, rng):
    data, groupdq, pixeldq, coeffs, dq = awkward(rng, n_terms)
    extra = {"zeroframe": np.where(rng.random((2, 7, 290)) < 0.1, 0, data[:, 0])}
    if by_read:
        inverse = coefficients(5, 7, 290, rng)
        inverse[2, 3, 4] = np.nan
        extra |= {"inverse": inverse, "reads": np.arange(20.0).reshape(5, 4)}
    other = [a.copy() for a in (data, groupdq, pixeldq)]
    other_extra = {name: array.copy() for name, array in extra.items()}
    linearity(data, groupdq, pixeldq, coeffs, dq, **BITS, **extra, n_threads=n_threads)
    twin(*other, coeffs, dq, **BITS, **other_extra)
    np.testing.assert_array_equal(data, other[0])
    np.testing.assert_array_equal(pixeldq, other[2])
    np.testing.assert_array_equal(extra["zeroframe"], other_extra["zeroframe"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"coeffs": np.ones((1, 7, 290), np.float32)}, ValueError, "1 terms where at least 2"),
        ({"coeffs": np.ones((6, 7, 289), np.float32)}, ValueError, "coeffs: shape"),
        ({"dq": np.zeros((7, 289), np.uint32)}, ValueError, "dq: shape"),
        ({"groupdq": np.zeros((2, 5, 7, 289), np.uint8)}, ValueError, "groupdq: shape"),
        ({"data": np.zeros((2, 5, 7, 290))}, TypeError, "data: dtype float64"),
        ({"inverse": np.ones((3, 7, 290), np.float32)}, ValueError, "both or neither"),
        ({"zeroframe": np.zeros((7, 290), np.float32)}, ValueError, "zeroframe: shape"),
    ],
    ids=["one term", "narrow coeffs", "narrow dq", "narrow groupdq", "float64 data",
         "inverse without reads", "flat zeroframe"],
)
def test_refuses(change, error, message, rng):
    names = ("data", "groupdq", "pixeldq", "coeffs", "dq")
    arguments = dict(zip(names, awkward(rng), strict=True)) | change
    with pytest.raises(error, match=message):
        linearity(**arguments, **BITS)


def test_refuses_read_level_correction_of_one_group(rng):
    data, groupdq, pixeldq, coeffs, dq = awkward(rng)
    data, groupdq = data[:, :1].copy(), groupdq[:, :1].copy()
    with pytest.raises(ValueError, match="1 group where two are needed"):
        linearity(data, groupdq, pixeldq, coeffs, dq, inverse=coeffs, reads=np.ones((1, 2)), **BITS)


def test_big_endian_coefficients_are_read_as_they_lie(rng):
    data, groupdq, pixeldq, coeffs, dq = awkward(rng)
    inverse, reads = coefficients(5, 7, 290, rng), np.arange(20.0).reshape(5, 4)
    results = []
    for order in "=>":
        values = data.copy()
        linearity(values, groupdq, pixeldq.copy(), coeffs.astype(f"{order}f4"), dq, **BITS,
                  inverse=inverse.astype(f"{order}f4"), reads=reads)
        results.append(values.tobytes())
    assert results[0] == results[1]


def test_rows_wider_than_a_block(rng):
    data = rng.uniform(0, 3e4, (1, 2, 2, 4500)).astype(np.float32)
    coeffs = coefficients(5, 2, 4500, rng)
    groupdq, pixeldq = np.zeros(data.shape, np.uint8), np.zeros((2, 4500), np.uint32)
    wanted = data.copy()
    twin(wanted, groupdq, pixeldq.copy(), coeffs, pixeldq.copy(), **BITS)
    linearity(data, groupdq, pixeldq, coeffs, pixeldq.copy(), **BITS)
    assert data.tobytes() == wanted.tobytes()
