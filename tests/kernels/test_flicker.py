"""Medians of lines and boxes, Hermitian systems: kernel and numpy twin through one body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from twins import flicker as twin

from jwst_cal.kernels.flicker import box_medians, hermitian_solve, line_medians

BOTH_MEDIANS = pytest.mark.parametrize("run", [line_medians, twin.line_medians])
BOTH_BOXES = pytest.mark.parametrize("run", [box_medians, twin.box_medians])
BOTH_SOLVE = pytest.mark.parametrize("run", [hermitian_solve, twin.hermitian_solve])


@BOTH_MEDIANS
def test_median_of_each_row(run):
    image = np.float32([[1, 5, 3, 9], [2, 2, 8, 4], [7, 7, 7, 7]])
    chosen = np.array([[1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
    assert run(image, chosen).tolist() == [[3, 3, 0]]
    assert run(image.T.copy(), chosen.T.copy(), columns=True).tolist() == [[3, 3, 0]]


@BOTH_MEDIANS
def test_parts_are_taken_one_by_one(run):
    image = np.arange(24, dtype=np.float32).reshape(4, 6)
    chosen = np.ones((4, 6), bool)
    assert run(image, chosen, n_parts=2).tolist() == [[1, 7, 13, 19], [4, 10, 16, 22]]
    assert run(image, chosen, columns=True, n_parts=4).tolist() == image.tolist()


@BOTH_MEDIANS
def test_two_in_the_middle_are_added_in_float32(run):
    image = np.float32([[16777216, 1, 1, 16777219]])
    assert run(image, np.ones((1, 4), bool)) == np.float32(16777217) / 2


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("n_parts", [1, 4])
def test_kernel_is_its_twin_to_the_byte_for_any_team(n_threads, columns, n_parts):
    rng = np.random.default_rng(5)
    image = rng.standard_cauchy((52, 68)).astype(np.float32)
    image[rng.random(image.shape) < 0.01] = np.inf
    chosen = rng.random(image.shape) < rng.random(52)[:, None]
    options = {"columns": columns, "n_parts": n_parts}
    np.testing.assert_array_equal(line_medians(image, chosen, n_threads=n_threads, **options),
                                  twin.line_medians(image, chosen, **options))


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 20)),
              elements=st.floats(-(2.0**126), 2.0**126, width=32)), st.data())
def test_medians_of_odd_shapes_and_values(image, data):
    chosen = data.draw(arrays(bool, image.shape))
    for columns in (False, True):
        np.testing.assert_array_equal(line_medians(image, chosen, columns=columns),
                                      twin.line_medians(image, chosen, columns=columns))


@BOTH_BOXES
def test_median_of_each_box_without_outliers(run):
    image = np.float32([[5, 5, 5, 1, 2, 9], [5, 900, 6, 3, 4, 8], [7, 7, 7, np.nan, 6, np.inf]])
    chosen = np.ones((3, 6), bool)
    chosen[2, :3] = False
    median, std, count = run(image, chosen, box_rows=2, box_cols=3, sigma=2.0)
    np.testing.assert_array_equal(median, [[5, 3.5], [np.nan, 6]])
    np.testing.assert_allclose(std, [[0, np.std([1, 2, 9, 3, 4, 8])], [np.nan, 0]],
                               rtol=1e-6)
    np.testing.assert_array_equal(count, [[4, 6], [0, 1]])


@pytest.mark.parametrize("n_threads", [1, 2, 7])
@pytest.mark.parametrize("size", [(1, 1), (7, 9), (52, 5), (100, 100)])
def test_boxes_are_their_twin_for_any_team(n_threads, size):
    rng = np.random.default_rng(10)
    image = rng.standard_cauchy((52, 68)).astype(np.float32)
    image[rng.random(image.shape) < 0.02] = np.nan
    chosen = rng.random(image.shape) < rng.random(52)[:, None]
    options = {"box_rows": size[0], "box_cols": size[1], "sigma": 2.7}
    found = box_medians(image, chosen, n_threads=n_threads, **options)
    (median, std, count), expected = found, twin.box_medians(image, chosen, **options)
    np.testing.assert_array_equal(median, expected[0])
    np.testing.assert_allclose(std, expected[1], rtol=1e-6)  # sums of another order
    np.testing.assert_array_equal(count, expected[2])
    alone = box_medians(image, chosen, n_threads=1, **options)
    assert [part.tobytes() for part in alone] == [part.tobytes() for part in found]


def systems(rng, n, size, rank=None):
    a = rng.normal(size=(n, size, rank or size + 3)) + 1j * rng.normal(size=(n, size, 1))
    return a @ a.conj().swapaxes(1, 2), rng.normal(size=(n, size)) * (1 + 2j)


@BOTH_SOLVE
def test_solves(run):
    matrix, right = systems(np.random.default_rng(6), 5, 7)
    wanted = np.linalg.solve(matrix, right[..., None])[..., 0]
    solution, determined = run(matrix + np.triu(np.full((7, 7), 1e9), 1), right)
    assert determined.all()
    np.testing.assert_allclose(solution, wanted, rtol=1e-9)


@BOTH_SOLVE
def test_what_is_not_determined_is_0_and_told(run):
    rng = np.random.default_rng(7)
    matrix, right = systems(rng, 4, 6)
    matrix[1] = systems(rng, 1, 6, rank=4)[0]
    matrix[2] = 0
    solution, determined = run(matrix, right)
    assert determined.tolist() == [True, False, False, True]
    assert not solution[1:3].any()
    assert solution[3].all()


def test_nan_is_not_determined():
    matrix = np.full((1, 2, 2), np.nan + 0j)
    solution, determined = hermitian_solve(matrix, np.ones((1, 2)) + 0j)
    assert not determined[0]
    assert (solution == 0).all()


@pytest.mark.parametrize("n_threads", [2, 7])
def test_solutions_do_not_depend_on_threads(n_threads):
    matrix, right = systems(np.random.default_rng(8), 9, 33)
    np.testing.assert_array_equal(hermitian_solve(matrix, right, n_threads=n_threads)[0],
                                  hermitian_solve(matrix, right, n_threads=1)[0])


IMAGE, CHOSEN = np.ones((4, 6), np.float32), np.ones((4, 6), bool)


@pytest.mark.parametrize(
    ("run", "error", "message"),
    [
        (lambda: line_medians(IMAGE + 0j, CHOSEN), TypeError, "image: dtype complex"),
        (lambda: line_medians(IMAGE, CHOSEN[:3]), ValueError, "chosen: shape"),
        (lambda: line_medians(IMAGE, CHOSEN.astype(np.uint8)), TypeError, "chosen: dtype"),
        (lambda: line_medians(IMAGE, CHOSEN, n_parts=4), ValueError, "out of its range"),
        (lambda: line_medians(IMAGE, CHOSEN, n_parts=0), ValueError, "out of its range"),
        (lambda: box_medians(IMAGE, CHOSEN, box_rows=0, box_cols=2, sigma=3.0), ValueError,
         "box: 0 x 2 where at least 1 x 1 is needed"),
        (lambda: box_medians(IMAGE, CHOSEN, box_rows=1, box_cols=2, sigma=0.0), ValueError,
         "out of its range"),
        (lambda: box_medians(IMAGE, CHOSEN[:3], box_rows=1, box_cols=2, sigma=3.0), ValueError,
         "chosen: shape"),
        (lambda: hermitian_solve(np.ones((2, 3, 4)) + 0j, np.ones((2, 3)) + 0j), ValueError,
         "matrix: shape"),
        (lambda: hermitian_solve(np.ones((2, 3, 3)) + 0j, np.ones((2, 4)) + 0j), ValueError,
         "right: shape"),
    ],
    ids=["complex", "low mask", "integer mask", "uneven parts", "no parts", "no box", "no sigma",
         "low mask of boxes", "not square", "long right"],
)
def test_refuses(run, error, message):
    with pytest.raises(error, match=message):
        run()
