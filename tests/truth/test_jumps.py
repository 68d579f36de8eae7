"""Jumps that are found, and found where there are none; docs/truth.rst has the curves."""

import numpy as np
import pytest

from tests.truth import ramps, report

TABLE = report.read("jumps.csv")


def curve(case, column):
    """Sizes and shares of a curve; the first is that of ramps without a jump."""
    rows = [row for row in TABLE if row[0] == case]
    return np.array([row[1] for row in rows]), np.array([row[column] for row in rows])


@pytest.mark.parametrize("case", report.JUMPS)
@pytest.mark.parametrize("column", [3, 5], ids=["two-point", "likelihood"])
class TestCurves:
    def test_all_large_jumps_are_found_and_few_where_there_are_none(self, case, column):
        sizes, found = curve(case, column)
        assert sizes.tolist() == list(report.SIZES)
        assert (found[sizes >= 25] > 0.999).all()
        if case != "groups of four frames":  # in which a jump may be split between two
            assert (found[sizes >= 8] > 0.998).all()
        assert (np.diff(found) >= 0).all()
        assert found[0] < 0.002

    def test_half_are_found_near_the_threshold(self, case, column):
        sizes, found = curve(case, column)
        assert 3.8 < np.interp(0.5, found[1:], sizes[1:]) < 5.5

    def test_those_of_the_official_package_are_the_same(self, case, column):
        _, found = curve(case, column)
        _, official = curve(case, column + 1)
        np.testing.assert_allclose(found, official, atol=5e-4)


@pytest.mark.parametrize("method", ramps.METHODS)
@pytest.mark.parametrize(("case", "size"), [("faint", 0.0), ("bright", 4.5),
                                            ("groups of four frames", 6.0)])
def test_the_table_is_what_the_search_finds_today(case, size, method):
    ramp, data, _ = report.jump_data(case, size)
    row = next(row for row in TABLE if row[:2] == [case, size])
    found = ramps.has_jump(ramp, data, method).mean()
    assert found == pytest.approx(row[3 if method == "OLS" else 5], abs=2e-3)


@pytest.mark.parametrize(("method", "sigma"), [("OLS", 1.05), ("LIKELY", 1.0)])
def test_rates_of_struck_ramps_are_right(method, sigma):
    """Least squares averages the parts as read noise asks, and gives the error of the best way."""
    ramp, data, _ = report.jump_data("bright", 25.0)
    rates = ramps.fit_without_jumps(ramp, data, method).rate
    found = ramps.pulls(ramp, rates.slope, rates.err)
    assert abs(np.median(found)) < 0.05
    assert np.std(found) == pytest.approx(sigma, abs=0.03)
