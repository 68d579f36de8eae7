"""Segments that are several sources: kernel and twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from twins import segments as twin

from jwst_cal.kernels.segments import survey, take_apart

BOTH = pytest.mark.parametrize("run", [survey, twin.survey])
APART = pytest.mark.parametrize("run", [take_apart, twin.take_apart])
ROW = np.float32([[1, 5, 6, 2, 7, 8, 1, 9]])
ONES = np.ones((1, 8), np.int32)


@BOTH
def test_what_is_told_of_a_segment(run):
    image = np.float32([[9, 1, np.nan, 2], [9, 3, 9, 9], [9, 9, 9, 9], [5, 5, 9, 9]])
    labels = np.int32([[0, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0], [3, 3, 0, 0]])
    found = run(image, labels, n_pixels=1)
    assert found[0].tolist() == (0, 1, 2, 3, 4, 1.0, 3.0, 6.0, 1)
    assert found[1].tolist() == (0,) * 9
    assert found[2].tolist() == (3, 0, 1, 2, 2, 5.0, 5.0, 10.0, 0)
    assert len(run(image, labels, n_pixels=1, n_labels=5)) == 5


@BOTH
def test_two_parts_of_enough_pixels(run):
    def divisible(labels, n_pixels):
        return run(ROW, labels, n_pixels=n_pixels)["divisible"].tolist()

    assert divisible(ONES, 2) == [1]
    assert divisible(ONES, 3) == [0]
    assert divisible(np.int32([[1, 1, 1, 2, 2, 2, 0, 3]]), 1) == [0] * 3  # the saddle goes to 2


@BOTH
def test_neighbours(run):
    image = np.float32([[9, 1], [1, 8]])
    labels = np.ones((2, 2), np.int32)
    assert run(image, labels, n_pixels=1, connectivity=4)["divisible"].tolist() == [1]
    assert run(image, labels, n_pixels=1, connectivity=8)["divisible"].tolist() == [0]


@BOTH
def test_none(run):
    assert run(ROW, np.zeros((1, 8), np.int32), n_pixels=1).shape == (0,)


def both(image, segments, *, n_levels, n_threads=1, n_pixels, contrast, connectivity):
    """What kernels and twins find."""
    for measure, divide in ((survey, take_apart), (twin.survey, twin.take_apart)):
        of = {"n_pixels": n_pixels, "connectivity": connectivity, "n_threads": n_threads}
        found = measure(image, segments, **of)
        which = np.flatnonzero(found["divisible"])
        with np.errstate(all="ignore"):
            steps = np.linspace(found["low"][which], found["high"][which], n_levels + 2,
                                dtype=np.float64)[1:-1].T
            cubes = found["low"][which, None] + (steps - found["low"][which, None]) ** 3
        yield found, divide(image, segments, found, which + 1, cubes, steps, contrast=contrast,
                            **of)


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_kernel_is_its_twin_for_any_team(n_threads, connectivity):
    rng = np.random.default_rng(6)
    image = ndimage.gaussian_filter(rng.normal(size=(70, 90)), 1.5).astype(np.float32)
    image[rng.random(image.shape) < 0.01] = np.nan
    labels = ndimage.label(image > 0, ndimage.generate_binary_structure(2, connectivity // 4))[0]
    for n_pixels, contrast in ((1, 0), (4, 0.1), (15, 0.01)):
        (found, ours), (expected, theirs) = both(
            image, labels.astype(np.int32), n_levels=7, n_threads=n_threads, n_pixels=n_pixels,
            contrast=contrast, connectivity=connectivity)
        assert 0 < found["divisible"].sum() < len(found)
        assert found.tobytes() == expected.tobytes()
        np.testing.assert_array_equal(ours, theirs)
        assert ours.max() > labels.max()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_odd_shapes_and_values(data):
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 9)))
    image = data.draw(arrays(np.float32, shape, elements=st.one_of(
        st.integers(0, 4).map(float), st.floats(width=32, allow_subnormal=False))))
    connectivity = data.draw(st.sampled_from([4, 8]))
    inside = data.draw(arrays(bool, shape, elements=st.booleans(), fill=st.just(True)))
    labels = ndimage.label(inside, ndimage.generate_binary_structure(2, connectivity // 4))[0]
    (found, ours), (expected, theirs) = both(
        image, labels.astype(np.int32), n_levels=data.draw(st.integers(1, 6)),
        n_pixels=data.draw(st.integers(1, 4)), contrast=data.draw(st.sampled_from([0, 0.1, 0.9])),
        connectivity=connectivity)
    for field in found.dtype.names:
        np.testing.assert_array_equal(found[field], expected[field], err_msg=field)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 127, 128, 129, 1000, 4097])
def test_sums_are_those_of_numpy(n):
    image = np.random.default_rng(n).lognormal(0, 3, (1, n)).astype(np.float32)
    assert survey(image, np.ones((1, n), np.int32), n_pixels=1)["sum"] == image[0].sum()


@APART
def test_order_of_the_numbers(run):
    image = np.float32([[1, 9, 1, 8, 0, 3, 0, 7, 1, 7]])
    labels = np.int32([[1, 1, 1, 1, 0, 2, 0, 3, 3, 3]])
    found = twin.survey(image, labels, n_pixels=1)
    levels = np.full((2, 1), 5.0)
    apart = run(image, labels, found, np.int32([1, 3]), levels, levels, n_pixels=1, contrast=0)
    assert apart.tolist() == [[2, 2, 2, 3, 0, 1, 0, 4, 4, 5]]
    apart = run(image, labels, found, np.int32([1, 3]), levels, levels, n_pixels=1, contrast=0.5)
    assert apart.tolist() == [[1, 1, 1, 1, 0, 2, 0, 3, 3, 3]]


@APART
def test_many_markers_are_found_again(run):
    image = np.float32([[1, 2] * 150])
    image[0, 1::2] += np.arange(150)
    image = np.concatenate([image, np.zeros_like(image), image], axis=0)
    labels = np.ones(image.shape, np.int32)
    found = twin.survey(image, labels, n_pixels=1)
    low, high = np.float64([[1.5]]), np.float64([[100.5]])
    whole = run(image, labels, found, np.int32([1]), low, high, n_pixels=1, contrast=0)
    assert whole.max() == 2 * np.sum(image[0] > 100.5)
    found = twin.survey(image[:1], labels[:1], n_pixels=1)
    assert run(image[:1], labels[:1], found, np.int32([1]), low, high, n_pixels=1,
               contrast=0).max() == 150


def test_refusals():
    with pytest.raises(ValueError, match="range"):
        survey(ROW, ONES, n_pixels=0)
    with pytest.raises(ValueError, match="range"):
        survey(ROW, ONES, n_pixels=1, connectivity=6)
    with pytest.raises(ValueError, match="range"):
        survey(ROW, -ONES, n_pixels=1)
    with pytest.raises(ValueError, match="range"):
        survey(ROW, ONES + 1, n_pixels=1, n_labels=1)
    with pytest.raises(ValueError, match="segments"):
        survey(ROW, ONES[:, :5], n_pixels=1)
    with pytest.raises(TypeError, match="int32"):
        survey(ROW, ONES.astype(float), n_pixels=1)


def test_refusals_of_a_division():
    found, which, levels = survey(ROW, ONES, n_pixels=1), np.int32([1]), np.full((1, 1), 4.0)
    given_ = {"image": ROW, "segments": ONES, "found": found, "which": which, "levels": levels,
              "second": levels, "n_pixels": 1, "contrast": 0}
    assert take_apart(**given_).max() == 3
    apart = np.int32([[1, 1, 1, 0, 1, 1, 1, 1]])
    for name, wrong, error, message in (
            ("contrast", 1.5, ValueError, "range"), ("contrast", np.nan, ValueError, "range"),
            ("which", np.int32([2]), ValueError, "range"),
            ("which", np.int32([0]), ValueError, "range"),
            ("levels", np.zeros((2, 1)), ValueError, "levels"),
            ("second", np.zeros((1, 2)), ValueError, "second"),
            ("segments", 2 * ONES, ValueError, "range"),  # of which nothing is known
            ("segments", apart, ValueError, "range"),
            ("found", found[:0], ValueError, "range"),
            ("found", np.ones(1), TypeError, "survey")):
        with pytest.raises(error, match=message):
            take_apart(**{**given_, name: wrong})
    with pytest.raises(ValueError, match="range"):  # not connected
        take_apart(**{**given_, "segments": apart, "found": survey(ROW, apart, n_pixels=1),
                      "levels": levels + 2.5})
    assert take_apart(**{**given_, "which": []}).tolist() == ONES.tolist()
