"""The official package's columns in the tables of docs/truth, made again."""

import pytest

from tests.parity import setup
from tests.truth import report

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]


@pytest.mark.parametrize("method", ["OLS", "LIKELY"])
def test_pulls_without_light(method):
    """Too narrow there as here: noise is taken for photons."""
    regime, n_groups = "read noise, 10 e-", 10
    ramp, data = report.slope_data(method, regime, n_groups)
    found = report.pull(ramp, report.Official().rates(ramp, data, method))
    row = next(row for row in report.read("slopes.csv") if row[:3] == [method, regime, n_groups])
    assert found == pytest.approx(row[5:7], abs=2e-4)
    assert found[1] < 0.97
