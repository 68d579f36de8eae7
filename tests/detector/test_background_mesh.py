"""The smooth background: what it follows, what it fills, where there is none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from jwst_cal.detector._background_mesh import smooth_background

RNG = np.random.default_rng(8)


def sloped(shape):
    rows, cols = np.indices(shape)
    return (100 + 0.3 * rows - 0.2 * cols).astype(np.float32)


@pytest.mark.parametrize("box", [(8, 8), (16, 10), (7, 9)])
def test_follows_a_slope_but_at_the_edges(box):
    image = sloped((160, 120))
    model = smooth_background(image, np.ones(image.shape, bool), box=box)
    assert model.dtype == np.float32
    assert model.shape == image.shape
    inner = np.s_[4 * box[0] : -5 * box[0], 4 * box[1] : -5 * box[1]]
    assert_allclose(model[inner], image[inner], atol=0.1)


def test_is_not_led_astray_by_stars_and_noise():
    image = sloped((128, 128)) + RNG.normal(0, 1, (128, 128)).astype(np.float32)
    image[RNG.random(image.shape) < 0.02] += 1000
    model = smooth_background(image, np.ones(image.shape, bool), box=(16, 16))
    assert np.abs(model - sloped((128, 128)))[56:-56, 56:-56].max() < 0.3


def test_boxes_without_background_are_filled():
    image = sloped((128, 128))
    mask = np.ones(image.shape, bool)
    image[48:64, 48:80], mask[48:64, 48:80] = 1e6, False
    model = smooth_background(image, mask, box=(16, 16))
    assert np.abs(model - sloped((128, 128)))[40:72, 40:88].max() < 3


def test_a_constant_is_kept_to_the_bit():
    image = np.full((40, 50), 0.1, np.float32)
    model = smooth_background(image, np.ones(image.shape, bool), box=(8, 8))
    assert (model == image).all()


@pytest.mark.parametrize(("shape", "box"), [
    ((5, 7), (32, 32)), ((1, 64), (1, 8)), ((9, 1), (2, 1))])
def test_small_and_narrow_images(shape, box):
    model = smooth_background(sloped(shape), np.ones(shape, bool), box=box)
    assert model.shape == shape
    assert np.isfinite(model).all()


def test_no_box_with_enough_background():
    mask = np.ones((32, 32), bool)
    mask[::4, ::2] = False
    assert smooth_background(sloped((32, 32)), mask, box=(16, 16)) is None
