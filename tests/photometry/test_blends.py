"""Sources that touch are taken apart as photutils does, to the label of the last pixel."""

import types
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwst_cal.kernels.labels import label
from jwst_cal.photometry import _blends

MODES = ["exponential", "linear", "sinh"]
SNAKE = "############.#..........#.#.########.#.#.#......#.#.#.######.#.#........#.##########"


def search(**changed):
    given_ = {"npixels": 3, "connectivity": "8", "nlevels": 32, "contrast": 0.001,
              "multithresh_mode": "exponential"} | changed
    return types.SimpleNamespace(**given_)


def both(image, threshold, of, masked=None):
    """What we find, and what photutils does: before and after they are taken apart."""
    from photutils.segmentation import deblend_sources, detect_sources

    connectivity = int(of.connectivity)
    levels = np.full(image.shape, threshold, np.float32)
    found, n = label(image, levels, masked, n_pixels=of.npixels, connectivity=connectivity)
    if not n:
        return found, found, found, found
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which modes are not used
        segments = detect_sources(image, levels, of.npixels, connectivity=connectivity,
                                  mask=masked)
        apart = deblend_sources(image, segments, of.npixels, n_levels=of.nlevels,
                                contrast=of.contrast, mode=of.multithresh_mode,
                                connectivity=connectivity, progress_bar=False)
    return found, segments.data, _blends.taken_apart(image, found, n, of), apart.data


def agree(*arguments):
    found, segments, apart, expected = both(*arguments)
    np.testing.assert_array_equal(found, segments)
    np.testing.assert_array_equal(apart, expected)
    return found.max(), apart.max()


def crowd(seed, shape, n, noise=0.1, sigma=(0.7, 3)):
    """Gaussians, noise, and some pixels without values."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape)
    image = rng.normal(0, noise, shape)
    for _ in range(n):
        cy, cx, width = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(*sigma)
        far = ((x - cx) ** 2 + (y - cy) ** 2) / width**2
        image += 10 ** rng.uniform(-0.5, 2) * np.exp(-far / 2)
    image[rng.random(shape) < 0.01] = np.nan
    return image.astype(np.float32)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("connectivity", ["4", "8"])
def test_a_crowded_field(mode, connectivity):
    image = crowd(3, (150, 170), 150)
    masked = np.random.default_rng(3).random(image.shape) < 0.01
    for npixels, contrast, nlevels in ((5, 0.001, 32), (1, 0, 64), (25, 0.02, 16)):
        before, after = agree(image, 0.5, search(
            npixels=npixels, contrast=contrast, nlevels=nlevels, multithresh_mode=mode,
            connectivity=connectivity), masked)
        assert after > before


@pytest.mark.parametrize("step", [0, 8])  # of the values: all differ, many are equal
@pytest.mark.parametrize("connectivity", ["4", "8"])
def test_many_parts_are_given_to_others(step, connectivity):
    image = 5 + crowd(12, (130, 120), 400, noise=0.3)
    image = np.nan_to_num(np.round(image * step) / step if step else image, nan=4.5)
    image = image.astype(np.float32)
    _, many = agree(image, 1, search(npixels=4, contrast=0, connectivity=connectivity))
    _, few = agree(image, 1, search(npixels=4, contrast=0.01, connectivity=connectivity))
    assert 2 < few < many - 40


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_field(data):
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(8, 40)))
    image = crowd(data.draw(st.integers(0, 10**6)), shape, data.draw(st.integers(0, 30)),
                  data.draw(st.sampled_from([0, 0.05, 0.5])))
    steps = data.draw(st.sampled_from([0, 1, 4]))  # exact ties, plateaus
    image = np.round(image * steps) / np.float32(steps) if steps else image
    agree(image - np.float32(data.draw(st.sampled_from([0, 0.5]))),
          data.draw(st.sampled_from([-1, 0, 0.2, 1])), search(
              npixels=data.draw(st.integers(1, 25)), nlevels=data.draw(st.integers(1, 64)),
              contrast=data.draw(st.sampled_from([0, 0.001, 0.1, 0.5, 1])),
              multithresh_mode=data.draw(st.sampled_from(MODES)),
              connectivity=data.draw(st.sampled_from(["4", "8"]))))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("connectivity", ["4", "8"])
def test_a_snake_of_one_pixel(mode, connectivity):
    inside = np.array(list(SNAKE)).reshape(7, 12) == "#"
    image = np.random.default_rng(1).uniform(1, 9, inside.shape).astype(np.float32) * inside
    before, after = agree(image, 0, search(npixels=1, contrast=0, nlevels=9, multithresh_mode=mode,
                                           connectivity=connectivity))
    assert before < after


@pytest.mark.parametrize(("rows", "sources"), [(6, 120), (11, 9)])
def test_too_many_markers_are_found_again_in_equal_steps(rows, sources):
    image = np.ones((2 * rows + 1, 41), np.float32)
    image[1::2, 1::2] = np.random.default_rng(5).uniform(3, 5, (rows, 20))  # below equal steps
    image[1:6:2, 1:6:2] = 1e4
    assert agree(image, 0, search(npixels=1, contrast=0, nlevels=8)) == (1, sources)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e30, 3e38])
def test_tiny_and_huge_values(mode, scale):
    image = crowd(9, (40, 40), 12, noise=0.02)
    image = (image / np.nanmax(image)).astype(np.float64) * scale
    agree(image.astype(np.float32), np.float32(0.01 * scale), search(multithresh_mode=mode))
    image[7, 7] = np.inf
    agree(image.astype(np.float32), np.float32(0.01 * scale), search(multithresh_mode=mode))


@pytest.mark.parametrize("mode", MODES)
def test_levels_are_those_of_each_segment(mode):
    rng = np.random.default_rng(4)
    low = np.concatenate([rng.lognormal(0, 2, 300), [0, -1, 1, 1e-44]]).astype(np.float32)
    high = np.nextafter(low, np.inf, dtype=np.float32)
    high[:200] = low[:200] * rng.lognormal(1, 0.5, 200).clip(1.01).astype(np.float32)
    first, linear = _blends.levels(low, high, 31, mode)
    assert first.shape == linear.shape == (len(low), 31)
    for k in range(len(low)):
        alone = _blends.levels(low[k:k + 1], high[k:k + 1], 31, mode)
        np.testing.assert_array_equal(alone[0][0], first[k])
        np.testing.assert_array_equal(alone[1][0], linear[k])
        steps = np.linspace(low[k], high[k], 33)[1:-1]
        np.testing.assert_array_equal(linear[k], steps)
    if mode != "linear":
        assert (first[:100] <= linear[:100]).all()
        assert (first[:100] < linear[:100]).any()
