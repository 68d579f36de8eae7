"""Rates, their errors and variances against the truth of ramps; docs/truth.rst shows it."""

import numpy as np
import pytest

from tests.truth import ramps, report

#: What a fit of few groups cannot give has no row.
ROWS = [pytest.param(*row[:3], id=f"{row[0]}-{row[1]}-{row[2]}") for row in report.slope_rows()]
LIMITS = [row for row in ROWS if row.values[1] != "read noise, 10 e-"]
DARK = [row for row in ROWS if row.values[1] == "read noise, 10 e-"]


@pytest.mark.parametrize(("method", "regime", "n_groups"), LIMITS)
def test_pulls_are_those_of_a_normal_distribution(method, regime, n_groups):
    ramp, data = report.slope_data(method, regime, n_groups)
    rates = ramps.fit(ramp, data, method).rate
    found = ramps.pulls(ramp, rates.slope, rates.err)
    assert abs(found.mean()) < 0.01
    assert abs(found.std() - 1) < 0.02


@pytest.mark.parametrize(("method", "regime", "n_groups"), DARK)
def test_without_light_the_read_noise_is_right_and_the_error_known_to_be_large(
        method, regime, n_groups):
    """Noise makes half of the median rates positive, and each is taken for photons."""
    ramp, data = report.slope_data(method, regime, n_groups)
    rates = ramps.fit(ramp, data, method).rate
    alone = ramps.pulls(ramp, rates.slope, np.sqrt(rates.var_rnoise))
    assert abs(alone.mean()) < 0.01
    assert abs(alone.std() - 1) < 0.02
    mean, sigma = report.pull(ramp, rates._asdict())
    row = next(row for row in report.read("slopes.csv")
               if row[:3] == [method, regime, n_groups])
    assert [mean, sigma] == pytest.approx(row[3:5], abs=2e-3)
    assert row[3:5] == pytest.approx(row[5:7], abs=2e-4)  # jwst's numbers
    assert sigma < 0.98
    assert mean < -0.01


@pytest.mark.parametrize("method", ramps.METHODS)
@pytest.mark.parametrize(("regime", "n_ints"), [
    ("read noise, 1000 e-", 1), ("photons", 1), ("photons", 3)])
def test_variances_are_the_scatter_of_a_thousand_realisations(method, regime, n_ints):
    """Each column is a pixel, each row a realisation of its noise."""
    ramp = ramps.Ramp(6, *report.REGIMES[regime])
    rng = report.random_of("realisations", regime, n_ints)
    data = np.concatenate([ramps.simulate(ramp, 400_000, rng) for _ in range(n_ints)])
    fit = ramps.fit(ramp, data, method)
    for rates in (fit.rate, *[type(fit.rate)(*[plane[i] for plane in fit.rateints])
                              for i in range(n_ints)]):
        scatter = rates.slope.astype(float).var(axis=0, ddof=1)
        given = rates.var_poisson.astype(float) + rates.var_rnoise
        ratio = given.mean(axis=0) / scatter
        assert abs(ratio.mean() - 1) < 0.02
        assert ratio.std() == pytest.approx(np.sqrt(2 / 999), rel=0.15)
        np.testing.assert_allclose(rates.err.astype(float) ** 2, given, rtol=1e-5)


def test_variances_of_a_ramp_that_jumps_in_the_middle_are_those_of_its_two_halves():
    ramp = ramps.Ramp(10, *report.REGIMES["photons"])
    data = ramps.simulate(ramp, 400_000, report.random_of("halves"))
    data[0, 5:] += 3000
    arrays = ramps.calibration(ramp, data)
    arrays["groupdq"][0, 5] = 4
    rates = ramps.fit(ramp, data, "OLS", groupdq=arrays["groupdq"]).rate
    scatter = rates.slope.astype(float).var(axis=0, ddof=1)
    given = rates.err.astype(float) ** 2
    assert abs((given.mean(axis=0) / scatter).mean() - 1) < 0.02
    assert abs(ramps.pulls(ramp, rates.slope, rates.err).mean()) < 0.01


def test_between_the_limits_the_variance_of_least_squares_is_off_as_the_page_says():
    """Its weights go in steps; the likelihood's do not, and its variance is right."""
    for rate, *row in report.read("variances.csv"):
        if rate not in (0.0, 3.0, 1000.0):
            continue
        ramp, data = report.variance_data(rate)
        for method, ours, official in zip(ramps.METHODS, row[::2], row[1::2], strict=True):
            rates = ramps.fit(ramp, data, method).rate
            assert report.ratio(rates._asdict()) == pytest.approx(ours, abs=2e-3)
            assert ours == pytest.approx(official, abs=2e-4)
            assert 0.93 < ours < 1.15
            if method == "LIKELY":
                assert abs(ours - 1) < 0.04
