"""The parity page: every kind of exposure, every step of stage 1 that this release has."""

import re
from pathlib import Path

import pytest

from jwst_cal import registry
from jwst_cal.simulate.exposures import configurations
from tests.parity import cases

PAGE = Path(__file__).parents[2] / "docs" / "parity.rst"
STEPS = dict.fromkeys(cases.NEAR_INFRARED + cases.MID_INFRARED + cases.GUIDE_STAR)


def compared_in(step):
    """In how many cases both packages ran a step, after the page."""
    return int(re.search(rf"^``{step}`` +(\d+) ", PAGE.read_text(), re.MULTILINE).group(1))


@pytest.mark.parametrize("step", [step for step in STEPS if registry.by_alias[step].exists])
def test_every_step_is_compared(step):
    assert compared_in(step) > 0


def test_every_section_is_a_case():
    titles = re.findall(r"^([a-z0-9-]+)\n-+$", PAGE.read_text(), re.MULTILINE)
    assert len(titles) > 60
    assert set(titles) <= set(cases.CASES)


def test_every_instrument_and_way_of_reading_is_compared():
    """Detectors of one kind, and subarrays read alike, stand for each other."""
    kinds = {(k.instrument, k.exp_type) for k in configurations()
             if "DARK" not in k.exp_type and k.exp_type not in ALIKE}
    found = set()
    for case in cases.CASES.values():
        asked = case.exposure
        if "mode" in asked:
            found.add(("FGS", asked["mode"]))
            continue
        fits = [k for k in configurations()
                if (k.instrument, k.subarray) == (asked["instrument"], asked["subarray"])
                and asked.get("detector", k.detector) == k.detector
                and asked.get("exp_type", k.exp_type) == k.exp_type]
        found.add((asked["instrument"], fits[0].exp_type))
    assert kinds <= found


#: Read as others are: full frames of MIRI's imager and of NIRSpec, small windows of NIRSpec and
#: of NIRCam.
ALIKE = {"MIR_LRS-FIXEDSLIT", "NRS_WATA", "NRC_TSIMAGE"}
