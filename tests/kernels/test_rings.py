"""The background around sources: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import rings as twins

from jwst_cal.kernels.rings import ring_medians

BOTH = pytest.mark.parametrize("run", [ring_medians, twins.ring_medians])


def scene(seed, shape, n_sources, odd=0.05):
    rng = np.random.default_rng(seed)
    image = rng.normal(3, 2, shape).astype(np.float32)
    image[rng.random(shape) < odd] = rng.choice([np.nan, np.inf, 1e30, -1e4])
    positions = rng.uniform(-9, max(shape) + 9, (n_sources, 2))
    positions[::7] = np.rint(positions[::7])
    return image, positions


def agree(found, wanted):
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found[2], wanted[2])


@BOTH
def test_a_ring(run):
    image = np.zeros((11, 11), np.float32)
    image[5, 2:9] = [1, 2, 90, 90, 90, 4, 8]
    image[3, 3] = np.nan
    median, std, count = run(image, np.array([[5.0, 5.0], [5.0, -40.0], [np.nan, 5.0]]),
                             inner=2, outer=4, sigma=100.0)
    rows, cols = np.mgrid[-5:6, -5:6]
    ring = image[(np.hypot(rows, cols) >= 2) & (np.hypot(rows, cols) < 4) & np.isfinite(image)]
    assert count.tolist() == [len(ring), 0, 0]
    assert median[0] == 0
    assert std[0] == pytest.approx(ring.std(), rel=1e-6)
    assert np.isnan(median[1:]).all()
    assert np.isnan(std[1:]).all()


@BOTH
def test_what_is_far_from_the_median_is_left_out(run):
    image = np.full((9, 9), 5, np.float32)
    image[::2] = 7
    image[4, 7], image[1, 4] = 1000, -1000
    median, std, count = run(image, np.array([[4.0, 4.0]]), inner=0, outer=4.5)
    assert median[0] in (5, 6, 7)
    assert 0.9 < std[0] < 1.1
    whole = run(image, np.array([[4.0, 4.0]]), inner=0, outer=4.5, max_passes=0)
    assert count[0] == whole[2][0] - 2
    assert whole[1][0] > 100


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.floats(0, 9),
       st.floats(0, 15), st.integers(0, 6), st.floats(0, 1))
def test_kernel_and_twin_agree(seed, n_rows, n_cols, inner, outer, passes, odd):
    image, positions = scene(seed, (n_rows, n_cols), 12, odd)
    positions[0] = 1e300, -1e300
    with np.errstate(over="ignore", invalid="ignore"):
        found, wanted = (run(image, positions, inner=inner, outer=outer, sigma=2.9,
                             max_passes=passes) for run in (ring_medians, twins.ring_medians))
    np.testing.assert_array_equal(np.isnan(found[0]), np.isnan(wanted[0]))
    if odd == 0:  # else a limit may lie on a value, within the rounding of a sum of 1e60
        agree(found, wanted)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    image, positions = scene(3, (120, 90), 80)
    found, one = (ring_medians(image, positions, inner=3.5, outer=8.0, n_threads=n)
                  for n in (n_threads, 1))
    for part, other in zip(found, one, strict=True):
        assert part.tobytes() == other.tobytes()
    agree(found, twins.ring_medians(image, positions, inner=3.5, outer=8.0))


@BOTH
@pytest.mark.parametrize("change", [{"inner": -1.0}, {"outer": 4096.0}, {"outer": np.nan},
                                    {"sigma": 0.0}, {"max_passes": -1}])
def test_refuses(run, change):
    given = {"inner": 1.0, "outer": 3.0, "sigma": 3.0, "max_passes": 5} | change
    with pytest.raises(ValueError, match="argument"):
        run(np.ones((4, 6), np.float32), np.ones((2, 2)), **given)


def test_refuses_positions_of_another_shape():
    with pytest.raises(ValueError, match=r"positions: shape \(2, 3\)"):
        ring_medians(np.ones((4, 6), np.float32), np.ones((2, 3)), inner=1, outer=3)
