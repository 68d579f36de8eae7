"""Linearity recovers the polynomial that was put in, to the rounding of float32."""

import numpy as np
import pytest
from numpy.polynomial import polynomial

from jwst_cal.detector import _linearity

SHAPE = (40, 50)
FULL_WELL = 6e4


@pytest.fixture(scope="module")
def coeffs():
    """Polynomials as detectors have them: counts are lost, up to ten per cent at the full well."""
    rng = np.random.default_rng(8)
    bend = rng.uniform(0.7, 1.3, SHAPE)
    powers = [c * bend / FULL_WELL ** (k + 1) for k, c in enumerate((0.021, 0.012, 0.034, 0.005))]
    return np.array([np.zeros(SHAPE), np.ones(SHAPE), *powers], np.float32)


def measured(linear, coeffs):
    """Solve the polynomials for measured counts, by Newton's method."""
    terms = coeffs.astype(float)
    slope = polynomial.polyder(terms)
    counts = linear.copy()
    for _ in range(12):
        counts -= ((polynomial.polyval(counts, terms, tensor=False) - linear)
                   / polynomial.polyval(counts, slope, tensor=False))
    return counts


def linearised(data, coeffs, **options):
    pixeldq = np.zeros(SHAPE, np.uint32)
    _linearity.linearise(data, np.zeros(data.shape, np.uint8), pixeldq, coeffs=coeffs,
                         dq=np.zeros(SHAPE, np.uint32), saturated=2, no_correction=1 << 20,
                         **options)
    assert not pixeldq.any()
    return data


def test_counts_up_to_the_full_well(coeffs):
    linear = np.linspace(5, FULL_WELL, 60)[:, None, None] * np.ones(SHAPE)
    counts = measured(linear, coeffs)
    assert (1 - counts[-1] / linear[-1]).max() > 0.05
    found = linearised(counts[None].astype(np.float32), coeffs)[0]
    np.testing.assert_allclose(found, linear, rtol=5e-7)


@pytest.mark.parametrize(("n_frames", "gap"), [(4, 1), (8, 12)])
def test_means_of_reads(coeffs, n_frames, gap):
    """What is left of the loss is a thousandth of what the polynomial of the mean leaves."""
    n = n_frames + gap
    times = 1 + n * np.arange(5)[:, None] + np.arange(n_frames)
    linear = (5e4 / times.max() * times)[..., None, None] * np.ones(SHAPE)
    data = measured(linear, coeffs).mean(axis=1)[None].astype(np.float32)
    grid = np.linspace(0, 1, 400)
    inverse = np.empty((8, *SHAPE), np.float32)
    for row, col in np.ndindex(SHAPE):
        level = polynomial.polyval(FULL_WELL * grid, coeffs[:, row, col].astype(float))
        fit = polynomial.polyfit(level / FULL_WELL, FULL_WELL * grid, 7)
        inverse[:, row, col] = fit / FULL_WELL ** np.arange(8.0)
    truth = linear.mean(axis=1)
    plain = linearised(data.copy(), coeffs)[0] - truth
    by_read = linearised(data.copy(), coeffs, inverse=inverse, frames_per_group=n_frames,
                         group_gap=gap)[0] - truth
    assert np.abs(by_read).max() < 0.05
    assert np.abs(plain).max() > 20 * np.abs(by_read).max()
