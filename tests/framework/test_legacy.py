"""Third-party steps: a spec text, process without references, a logger, free attributes."""

import logging

import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.errors import ParameterError
from jwst_cal.framework import Pipeline, Step
from jwst_cal.framework.legacy import parse_spec


class OutsideStep(Step):
    """A step as its users write it today."""

    class_alias = "outside"
    spec = """
        # a comment
        threshold = float(min=0, max=10, default=3.0)   # Threshold # in sigma
        method = option('mean', "median", default='mean')
        names = string_list(default=None)
        box = int_list(min=2, max=2, default=list(1, 2))
        label = string(default=plain)
        suffix = string(default='out')
        needed = integer()
        override_thing = is_string_or_datamodel(default=None)
    """
    reference_file_types = ["gain"]

    def process(self, input):
        self.log.info("working on %s", type(input).__name__)
        with datamodels.RampModel(input) as model:
            self.my_state = self.threshold * 2
            result = model.copy()
        result.data += self.threshold
        result.meta.cal_step.jump = "COMPLETE"
        self.found = self.get_reference_file(result, "gain")
        return result


def test_declarations():
    found = OutsideStep.parameters(own=True)
    assert {name: p.type_name for name, p in found.items()} == {
        "threshold": "float", "method": "str", "names": "list[str] or None", "box": "list[int]",
        "label": "str", "needed": "int or None"}
    assert found["threshold"].help == "Threshold # in sigma"
    assert found["label"].default == "plain"
    assert OutsideStep.parameters()["suffix"].default == "out"


@pytest.mark.parametrize(("name", "value"), [
    ("threshold", 11), ("threshold", "x"), ("method", "mode"), ("box", [1]), ("names", "one")])
def test_values_are_checked(name, value):
    with pytest.raises(ParameterError, match=f"'{name}'"):
        setattr(OutsideStep(), name, value)


def test_runs(uncal_file, caplog, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "g.fits").touch()
    step = OutsideStep(needed=1, override_gain="g.fits", save_results=True)
    with caplog.at_level(logging.INFO, logger="stpipe"):
        result = step.run(uncal_file)
    assert step.my_state == 6.0
    assert step.found == str(tmp_path / "g.fits")
    assert result.meta.cal_step.jump == "COMPLETE"
    assert result.meta.ref_file.gain.name == str(tmp_path / "g.fits")
    assert "working on str" in caplog.text
    assert (tmp_path / "jw00001001001_02101_00001_nrca1_out.fits").exists()


def test_gets_what_run_was_given(small_ramp):
    class EchoStep(Step):
        """Return the arguments."""

        def process(self, *args):
            return args

    assert EchoStep().run(small_ramp, 3) == (small_ramp, 3)


def test_missing_required_parameter_is_named(uncal_file):
    with pytest.raises(ParameterError, match="'needed' of OutsideStep: missing"):
        OutsideStep().run(uncal_file)


def test_prepare_output_copies_an_open_model(small_ramp):
    class CarefulStep(Step):
        """Use the helper of the reference release."""

        def process(self, input):
            result = self.prepare_output(input, open_as_ramp=True)
            result.data += 1
            return result

    assert CarefulStep().run(small_ramp).data[0, 0, 0, 0] == 101
    assert small_ramp.data[0, 0, 0, 0] == 100


def test_in_a_pipeline_of_the_older_style(uncal_file):
    class OldPipeline(Pipeline):
        """Declare steps by a table."""

        class_alias = "old"
        spec = """
            more = boolean(default=False)
        """
        step_defs = {"outside": OutsideStep}

        def process(self, input):
            return self.outside.run(input)

    pipe = OldPipeline(steps={"outside": {"needed": 1, "override_gain": "N/A"}})
    assert pipe.run(uncal_file).meta.cal_step.jump == "COMPLETE"
    assert pipe.more is False


def test_spec_is_inherited_and_may_be_redefined():
    class MoreStep(OutsideStep):
        """Redefine a default."""

        spec = """
            threshold = float(default=7)
        """

    assert MoreStep().threshold == 7.0
    assert MoreStep().method == "mean"


@pytest.mark.parametrize(("line", "problem"), [
    ("x = floating(default=1)", "unknown type 'floating'"),
    ("x = float(default=", "cannot read x"),
    ("just words", "cannot read the line"),
    ("x = 5", "a type with brackets is needed"),
])
def test_bad_spec_is_found_when_the_class_is_made(line, problem):
    with pytest.raises(TypeError, match=problem):
        type("BadStep", (Step,), {"spec": line})


@pytest.mark.parametrize(("text", "value"), [
    ("force_list(default=None)", None), ("force_list(default='a')", ["a"]),
    ("list(default=list())", []), ("float(0, 1, default=0.5)", 0.5),
    ("boolean(default=true)", True),
    ("option(4, 8, default=8)", "8"), ("tuple(default=list(1,2))", [1, 2]),
])
def test_spec_forms(text, value):
    made = type("FormStep", (Step,), {"spec": f"x = {text}"})
    assert made().x == value


def test_every_universal_declaration_can_be_read_back():
    read = parse_spec(Step.configspec(), "Step")
    assert {name: p.default for name, p in read.items()} == {
        name: p.default for name, p in Step.parameters().items()}
