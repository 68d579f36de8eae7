"""Every step of stage 1 with a wrong exposure or reference: one clear line, and no nonsense.

What the official package does with each: ``bad_input.py`` prints it. Where it completes without a
word, or ends in an error of the language, here a line says what is wrong.
"""

import logging
import re

import numpy as np
import pytest
from detector import bad_input

from jwst_cal import registry
from jwst_cal.errors import JwstCalError
from jwst_cal.models import _schemas
from jwst_cal.pipelines import Detector1Pipeline

ALL = [(alias, name) for alias in bad_input.CLASSES for name in bad_input.wrongs(alias)]

NOT_COVERED = r"the open \w+: shape \(16, 20\) \(SUBSTRT1=200 .* does not cover .*any_uncal\.fits"
#: What ends the step: the text of the error, or of the line that tells why it was skipped.
REFUSED = {
    ("saturation", "no NFRAMES"): "NFRAMES=None, at least 1 is needed",
    ("refpix", "no FASTAXIS"): "FASTAXIS=None SLOWAXIS=2, one of 1 and one of 2 is needed",
    ("refpix", "no SLOWAXIS"): "FASTAXIS=-1 SLOWAXIS=None, one of 1 and one of 2 is needed",
    ("dark_current", "no NFRAMES"): "NFRAMES or GROUPGAP is missing",
    ("dark_current", "no GROUPGAP"): "NFRAMES or GROUPGAP is missing",
    ("dark_current", "without groups"): "1 frames where 6 are needed, and too few to extrapolate",
    ("jump", "no NFRAMES"): "NFRAMES is missing",
    ("jump", "no TGROUP"): "TGROUP is missing",
    ("clean_flicker_noise", "no SLOWAXIS"): "SLOWAXIS is None where 1 or 2 is needed",
    ("persistence", "no TGROUP"): "TGROUP is missing",
    ("guider_cds", "no TGROUP"): "TGROUP is missing",
    **{(alias, f"no {name}"): f"no {name}, which the ramp fit needs"
       for alias in ("ramp_fit", "clean_flicker_noise")
       for name in ("NFRAMES", "GROUPGAP", "TGROUP", "TFRAME")},
    **{(alias, "other corner"): NOT_COVERED for alias, name in ALL if name == "other corner"},
    ("guider_cds", "other corner"): r"the open reference: shape .* does not cover",
}
SKIPPED = {
    ("group_scale", "no NFRAMES"): "NFRAMES is missing",
    ("emicorr", "no READPATT"): "READPATT=; FAST, FASTR1, SLOW, SLOWR1 can be corrected",
    ("emicorr", "no SUBARRAY"): "has no frequencies for no SUBARRAY",
    ("picture_frame", "no SUBARRAY"): "only full frames of NIRSpec have a picture frame",
    ("rscd", "no READPATT"): "no row for SUB64 with None",
    ("rscd", "no SUBARRAY"): "no row for None with FASTR1",
}
#: What is said where the step completes, by what is wrong.
SAID = {
    "other detector": r"the open \w+ is of \w+ NRCB4, the exposure of \w+",
    "more groups promised": "NGROUPS is 9 and the data have 6 groups: the data count",
    "fewer groups promised": "NGROUPS is 3 and the data have 6 groups: the data count",
    "bad gain": "The gain of 3 of 320 pixels is NaN, 0 or less",
    "bad read noise": "The read noise of 3 of 320 pixels is NaN, 0 or less",
    "fewer groups": "3 groups extrapolated from its last two|Corrected 3 of 6 groups",
}
#: Where the result is another one than with good input.
CHANGED = {"bad gain", "bad read noise", "fewer groups"}


def nothing(model, made):
    """Nothing is wrong."""


def run(alias, wrong):
    """Run a step; return its product."""
    model, made = bad_input.exposure(alias), bad_input.references(alias)
    wrong(model, made)
    step_class = registry.load(alias)
    parameters = bad_input.PARAMETERS.get(alias, {}) | {
        f"override_{reftype}": reference for reftype, reference in made.items()
        if reftype in step_class.references}
    if alias == "refpix":
        parameters |= {"override_refpix": "N/A", "override_sirskernel": "N/A"}
    if alias == "clean_flicker_noise":
        fit = {f"override_{reftype}": made[reftype] for reftype in ("gain", "readnoise")}
        pipeline = Detector1Pipeline(steps={"ramp_fit": fit, alias: parameters | {
            "skip": False, "override_pastasoss": "N/A"}})
        return pipeline.clean_flicker_noise.run(model)
    result = step_class(**parameters).run(model)
    return result[0] if isinstance(result, tuple) else result


def status(alias, product):
    return getattr(product.meta.cal_step, {"dark_current": "dark_sub"}.get(alias, alias))


def test_every_step_is_here():
    rows = {row.alias for row in registry.ROWS
            if row.exists and not row.is_pipeline and row.module.startswith("detector.")}
    assert rows == set(bad_input.CLASSES)


@pytest.fixture(scope="module", autouse=True)
def _schemas_read_once():
    with _schemas.parsed_once():
        yield


@pytest.fixture(scope="module")
def good():
    """The product of each step with good input, made once."""
    made = {}

    def product(alias):
        if alias not in made:
            made[alias] = run(alias, nothing)
            assert status(alias, made[alias]) == "COMPLETE"
        return made[alias]

    return product


@pytest.mark.parametrize(("alias", "name"), ALL, ids=[" ".join(names) for names in ALL])
def test_one_clear_line(alias, name, good, caplog):
    expected = good(alias)
    caplog.clear()
    wrong = bad_input.wrongs(alias)[name]
    with caplog.at_level(logging.INFO):
        if (alias, name) in REFUSED:
            with pytest.raises(JwstCalError) as refusal:
                run(alias, wrong)
            assert re.search(REFUSED[alias, name], str(refusal.value))
            assert "\n" not in str(refusal.value)
            return
        product = run(alias, wrong)
    if (alias, name) in SKIPPED:
        assert status(alias, product) == "SKIPPED"
        assert SKIPPED[alias, name] in caplog.text
        return
    assert status(alias, product) == "COMPLETE"
    if name in SAID:
        assert re.search(SAID[name], caplog.text)
    if name not in CHANGED:
        for array in ("data", "dq", "groupdq", "pixeldq", "err"):
            if expected.hasattr(array):
                np.testing.assert_array_equal(getattr(product, array), getattr(expected, array))


def test_pixels_without_gain_are_flagged_and_have_no_rate():
    jumps, rate = (run(alias, bad_input.bad_gain) for alias in ("jump", "ramp_fit"))
    no_gain = 1 << 19 | 1
    assert np.argwhere(jumps.pixeldq & no_gain == no_gain).tolist() == [[6, 6], [6, 7], [6, 8]]
    assert np.isnan(rate.data[6, 6:9]).all()
    assert (rate.dq[6, 6:9] & no_gain == no_gain).all()
    assert np.isfinite(rate.data[7]).all()


def test_pixels_without_read_noise_have_no_jumps():
    """As in the official package: a NaN makes no difference an outlier."""
    def wrong(model, made):
        made["readnoise"].data[12, 12] = np.nan

    assert run("jump", nothing).groupdq[1, 3, 12, 12] == 4
    assert not run("jump", wrong).groupdq[1, :, 12, 12].any()
