"""Pixel maps: sums of Chebyshev polynomials beside numpy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.kernels import pixel_map as compiled
from tests.twins import pixel_map as twin


@given(st.integers(1, 14), st.integers(1, 14), st.integers(1, 20), st.integers(1, 70),
       st.integers(0, 99))
def test_kernel_and_twin_agree(n_down, n_across, n_rows, n_cols, seed):
    coefficients = np.random.default_rng(seed).normal(size=(2, n_down, n_across))
    assert_allclose(compiled.pixel_map(coefficients, (n_rows, n_cols)),
                    twin.pixel_map(coefficients, (n_rows, n_cols)), rtol=0, atol=1e-11)


@pytest.mark.parametrize("pixel_map", [compiled.pixel_map, twin.pixel_map])
def test_a_plane(pixel_map):
    plane = np.array([[[10.0, 2.0], [3.0, 0.0]]])
    values = pixel_map(plane, (3, 5))[0]
    assert_allclose(values[0], [5, 6, 7, 8, 9])
    assert_allclose(values[:, 2], [7, 10, 13])
    assert_array_equal(pixel_map(plane, (3, 5), rows=(1, 2))[0], values[1:2])


def test_bytes_do_not_depend_on_threads():
    coefficients = np.random.default_rng(1).normal(size=(2, 12, 12))
    one, two, seven = (compiled.pixel_map(coefficients, (300, 300), n_threads=n).tobytes()
                       for n in (1, 2, 7))
    assert one == two == seven


@pytest.mark.parametrize(("shape", "rows"), [((0, 3), None), ((3, 3), (2, 2)), ((3, 3), (0, 4))])
def test_refusals(shape, rows):
    with pytest.raises(ValueError, match=r"empty|needed"):
        compiled.pixel_map(np.ones((2, 2, 2)), shape, rows=rows)
