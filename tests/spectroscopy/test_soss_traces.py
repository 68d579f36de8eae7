"""Traces of NIRISS SOSS: where they are, their wavelengths, boxes around them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from stdatamodels.jwst import datamodels

from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.spectroscopy import _soss_traces
from tests import soss


def exposure(angle=245.76, subarray="SUBSTRIP256"):
    model = datamodels.ImageModel()
    model.meta.instrument.pupil_position, model.meta.subarray.name = angle, subarray
    return model


def of(angle=245.76, subarray="SUBSTRIP256"):
    return _soss_traces.Traces.of(soss.traces(2048), exposure(angle, subarray), "the reference")


def test_at_the_commanded_position_points_are_those_of_the_reference():
    x, y, wavelength = of().points(1)
    assert_allclose(x, np.arange(2048))
    assert_allclose(y, soss.centre(x))
    u, v = x / 2047, 0.5  # coefficients in order of degree
    assert_allclose(wavelength, 2.6 - 1.7 * u + 0.02 * v + 0.1 * u**2 + 0.01 * u * v
                    + 0.003 * v**2)


def test_points_above_the_subarray_are_left_out():
    _, y, _ = of().points(2)
    assert y.max() <= 255
    assert y.max() > 254.9


@pytest.mark.parametrize(("subarray", "offset"), [("SUBSTRIP96", -10), ("FULL", 1792)])
def test_rows_are_those_of_the_subarray(subarray, offset):
    assert_allclose(of(subarray=subarray).rows(1, 2048), of().rows(1, 2048) + offset)


def test_traces_turn_about_their_pivot():
    order = _soss_traces.Order(np.array([[0, 50], [200, 50]]), (100, 50), [0.0, 1.0, 0.0],
                               [(0, 0), (1, 1)])
    traces = _soss_traces.Traces({1: order}, 1.0, np.linspace(0, 200, 500))
    rows = traces.rows(1, 200)
    assert rows[100] == pytest.approx(50)
    assert_allclose(np.diff(rows), np.tan(np.radians(1)), rtol=1e-6)


def test_the_map_has_the_wavelengths_of_the_points():
    traces = of()
    _, _, wavelength = traces.points(1)
    found = traces.wavelength_map(1, (256, 2048))
    assert_allclose(found[7], wavelength, rtol=1e-5)
    assert (found == found[0]).all()


def test_beyond_the_last_wavelength_there_is_none():
    traces = of()._replace(wavelengths=np.linspace(1.2, 2.0, 1001))
    found = traces.wavelength_map(1, (3, 2048))[0]
    assert np.isnan(found[[0, -1]]).all()
    assert np.nanmin(found) == pytest.approx(1.2, abs=1e-3)


@pytest.mark.parametrize("angle", [None, 245.5, 246.1])
def test_positions_that_the_reference_does_not_hold_for_are_refused(angle):
    with pytest.raises(InputError, match=f"PWCPOS is {angle}, the reference holds for 245.51 to"):
        of(angle)


def test_a_missing_order_is_named():
    with pytest.raises(ReferenceFileError, match="has orders 1, 2, not order 3"):
        of().points(3)


@given(st.floats(-30, 130), st.floats(1, 40))
def test_a_box_weighs_what_is_inside(row, width):
    weights = _soss_traces.box_weights((100, 3), np.array([1]), np.array([row]), width)
    assert not weights[:, [0, 2]].any()
    assert ((weights >= 0) & (weights <= 1)).all()
    inside = min(row + width / 2, 99.5) - max(row - width / 2, -0.5)
    assert weights.sum() == pytest.approx(max(inside, 0), abs=1e-9)


def test_sums_of_a_box_leave_out_what_has_no_value():
    data = np.ones((2, 20, 3), np.float32)
    usable = np.ones(data.shape, bool)
    data[0, 10, 1], usable[1, 9, 2] = np.nan, False
    weights = _soss_traces.box_weights((20, 3), np.arange(3), np.array([10.0, 10, 10]), 4)
    assert_allclose(_soss_traces.box_sums(data, usable, weights), [[4, 3, 4], [4, 4, 3]])
