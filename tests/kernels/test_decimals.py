"""Numbers as texts: the kernel tells them as repr does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import decimals as twins

from jwst_cal.kernels.decimals import decimals

BOTH = pytest.mark.parametrize("run", [decimals, twins.decimals])


@BOTH
def test_some_numbers(run):
    told = ["0.0", "-0.0", "3.0", "0.1", "-1e-05", "0.0001", "1e+16", "9999999999999998.0", "1e+22",
            "5e-324", "123456.5", "2.5e-100", "inf", "-inf", "5.684341886080802e-14",
            "-1.7976931348623157e+308"]
    assert run(np.array(told, float)).tolist() == [text.encode() for text in told]
    assert run(np.array([np.nan, -np.nan])).tolist() == [b"nan", b"nan"]


def same(values):
    assert decimals(values).tolist() == twins.decimals(values).tolist()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_any_number(values):
    same(np.array(values))


def test_powers_and_their_neighbours():
    powers = np.concatenate([2.0 ** np.arange(-1074, 1024), 10.0 ** np.arange(-323, 309)])
    with np.errstate(over="ignore"):
        for values in (powers, np.nextafter(powers, 0), np.nextafter(powers, np.inf)):
            same(values)
            same(-values)


def test_many_numbers():
    rng = np.random.default_rng(1)
    same(rng.integers(0, 2**64 - 1, 100_000, np.uint64, endpoint=True).view(np.float64))
    same(rng.normal(0, 1, 50_000) * 10.0 ** rng.integers(-20, 20, 50_000))
    same(np.round(rng.uniform(-1e6, 1e6, 50_000), 3))
    same(np.arange(50_000.0))


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_bytes_do_not_depend_on_threads(n_threads):
    values = np.random.default_rng(2).normal(0, 1, 5000)
    assert (decimals(values, n_threads=n_threads).tobytes()
            == decimals(values, n_threads=1).tobytes())


def test_refuses():
    with pytest.raises(ValueError, match="values"):
        decimals(np.ones((2, 2)))
    with pytest.raises(TypeError, match="values: dtype complex128"):
        decimals(np.ones(2, complex))
