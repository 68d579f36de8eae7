"""The methods of a step that scripts and steps of the older style call."""

import logging
import os

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal import models, registry
from jwst_cal.errors import ParameterError
from jwst_cal.framework import Chain, Pipeline, Reference, Step, param, reference_store
from jwst_cal.framework.configuration import parse_cfg


class ToolStep(Step):
    """A step with a reference."""

    class_alias = "jump"
    references = {"gain": Reference("GainModel", required=False)}

    level: float = param(2.0, "A number", ge=0)

    def process(self, model, *, refs):
        refs.path("gain")
        return model


class ToolPipeline(Pipeline):
    """One step."""

    class_alias = "calwebb_tool"
    prefetch_references = False
    pace: int = param(3, "A number")
    chain = Chain(ToolStep)

    def process(self, model):
        return self.chain(self.prepare_output(model))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture
def image():
    model = datamodels.ImageModel(data=np.zeros((3, 3), np.float32))
    model.meta.filename = "m_rate.fits"
    return model


class TestNames:
    def test_defaults(self):
        step = ToolStep("Nick")
        assert step.default_suffix() == "nick"
        assert step.default_output_file() == "step_Nick.fits"
        assert step.default_output_file("x.fits") == "x.fits"
        step.set_primary_input("d/X_rate.fits")
        assert step.default_output_file() == "d/X_rate.fits"

    @pytest.mark.parametrize(("options", "expected"), [
        ({}, "X_tool.fits"), ({"suffix": False}, "X_rate.fits"), ({"suffix": "cal"}, "X_cal.fits"),
        ({"ext": "asdf"}, "X_tool.asdf"), ({"ext": ".asdf"}, "X_tool.asdf"),
        ({"basepath": "e/Y_cal.fits"}, "Y_tool.fits"), ({"idx": 3}, "X_3_tool.fits"),
        ({"asn_id": "a3001", "idx": None, "suffix": "crf"}, "X_a3001_crf.fits"),
    ])
    def test_make_output_path(self, options, expected):
        step = ToolStep("tool")
        step.set_primary_input("d/X_rate.fits")
        assert step.make_output_path(**options) == expected

    def test_make_output_path_below_a_pipeline(self):
        pipe = ToolPipeline(output_dir="out", output_file="named")
        assert pipe.jump.make_output_path() == "out/named_jump.fits"

    def test_remove_suffix(self):
        assert Step.remove_suffix("a-cal") == ("a", "-")
        assert Step.remove_suffix("a_b") == ("a_b", "_")

    def test_primary_input_of_a_parent_stays(self):
        pipe = ToolPipeline()
        pipe.set_primary_input("a.fits")
        pipe.jump.set_primary_input("b.fits")
        assert pipe.jump.default_output_file() == "a.fits"
        pipe.jump.set_primary_input("b.fits", exclusive=False)
        assert pipe.jump.default_output_file() == "b.fits"

    def test_make_input_path(self, image):
        step = ToolStep(input_dir="in")
        assert step.make_input_path("a.fits") == "in/a.fits"
        assert step.make_input_path("d/a.fits") == "d/a.fits"
        assert step.make_input_path(image) is image


class TestSearch:
    def test_nearest_or_outermost(self):
        pipe = ToolPipeline(output_dir="p")
        assert pipe.jump.search_attr("output_dir") == "p"
        pipe.jump.output_dir = "s"
        assert pipe.jump.search_attr("output_dir") == "s"
        assert pipe.jump.search_attr("output_dir", parent_first=True) == "p"

    def test_default(self):
        assert ToolStep().search_attr("output_dir", default="here") == "here"
        assert ToolStep().search_attr("nothing") is None


class TestParameters:
    def test_of_a_pipeline(self):
        pipe = ToolPipeline(pace=5)
        assert pipe.get_pars(full_spec=False) == {"pace": 5, "steps": {"jump": {"level": 2.0}}}
        assert pipe.get_pars()["steps"]["jump"]["skip"] is False
        pipe.update_pars({"pace": 6, "nothing": 1, "steps": {"jump": {"level": 4}, "no": {}}})
        assert (pipe.pace, pipe.jump.level) == (6, 4.0)

    def test_are_restored_after_an_error(self):
        pipe = ToolPipeline()

        def change():
            with pipe.preserve_step_pars(pipe.jump):
                pipe.jump.level = 9
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            change()
        assert pipe.jump.level == 2.0

    def test_printed_declarations_can_be_read(self, capsys):
        ToolStep.print_configspec()
        lines = capsys.readouterr().out.splitlines()
        assert "level = float(min=0, default=2.0) # A number" in lines
        assert len(lines) == len(ToolStep.parameters())

    def test_reference_type(self):
        assert ToolStep.get_config_reftype() == "pars-toolstep"
        assert ToolPipeline.get_config_reftype() == "pars-toolpipeline"

    @pytest.mark.parametrize("name", ["saved.asdf", "saved.cfg"])
    def test_exported_ones_make_the_same_step(self, name):
        pipe = ToolPipeline(pace=5, steps={"jump": {"level": 7, "skip": True}}, name="mine")
        pipe.export_config(name)
        again = ToolPipeline.from_config_file(name)
        assert again.get_pars() == pipe.get_pars()
        assert again.name == "mine"
        assert ToolPipeline.from_config_file(name, name="other").name == "other"

    def test_metadata_to_fill_in(self):
        ToolStep().export_config("p.asdf", include_metadata=True)
        with open("p.asdf") as file:
            assert file.read().count("<SPECIFY>") == 7

    def test_overrides_are_not_exported(self):
        ToolStep(override_gain="N/A").export_config("p.cfg")
        with open("p.cfg") as file:
            assert "override" not in parse_cfg(file.read())

    def test_attributes_of_an_instance_do_not_matter_to_call(self, small_ramp):
        step = ToolStep(override_gain="N/A", level=5)
        result = step.call(small_ramp, override_gain="N/A", configure_log=False)
        assert '"level": 2.0' in result.meta.provenance.jump

    def test_files_of_sub_steps_by_keyword(self, small_ramp):
        with open("j.cfg", "w") as file:
            file.write("name = anything\nlevel = 8\n")
        result = ToolPipeline.call(small_ramp, configure_log=False, steps={
            "jump": {"config_file": "j.cfg", "override_gain": "N/A"}})
        assert '"level": 8.0' in result.meta.provenance.calwebb_tool

    def test_log_configuration_named_in_a_parameter_file(self, small_ramp):
        with open("log.cfg", "w") as file:
            file.write("handler = file:run.log\n")
        with open("p.cfg", "w") as file:
            file.write("name = jump\nlogcfg = log.cfg\n")
        ToolStep.call(small_ramp, config_file="p.cfg", override_gain="N/A")
        with open("run.log") as file:
            assert "Step jump done" in file.read()


class TestOverrides:
    def test_empty_one_is_none_and_not_recorded(self, small_ramp):
        step = ToolStep(override_gain="")
        assert step.get_reference_file(small_ramp, "gain") == ""
        assert step.run(small_ramp).meta.ref_file.gain.name is None

    def test_path_is_absolute(self):
        step = ToolStep(override_gain="g.fits")
        assert step.get_ref_override("gain") == os.path.abspath("g.fits")
        assert ToolStep().get_ref_override("gain") is None

    def test_of_a_pipeline_is_that_of_its_first_step(self):
        pipe = ToolPipeline(steps={"jump": {"override_gain": "N/A"}})
        assert pipe.get_ref_override("gain") == "N/A"

    @pytest.mark.parametrize("value", [3, ["a.fits"], object()])
    def test_of_another_type_is_refused(self, value):
        with pytest.raises(ParameterError, match="is not a file name, an open data model or None"):
            ToolStep(override_gain=value)


class TestSaving:
    def test_nothing_unasked(self, image):
        assert ToolStep().save_model(image) is None
        assert ToolStep(save_results=True).save_model(None) is None
        assert os.listdir() == []

    @pytest.mark.parametrize(("options", "expected"), [
        ({"force": True}, "m_tool.fits"), ({"output_file": "q.fits"}, "q_tool.fits"),
        ({"force": True, "suffix": "cal"}, "m_cal.fits"),
        ({"force": True, "suffix": "crf", "asn_id": "a3001"}, "m_a3001_crf.fits"),
        ({"force": True, "idx": 2}, "m_2_tool.fits"),
    ])
    def test_of_a_model(self, image, options, expected):
        step = ToolStep("tool")
        step.set_primary_input(image)
        assert step.save_model(image, **options) == expected
        assert os.listdir() == [expected]
        assert image.meta.filename == expected

    def test_of_a_container(self, image):
        step = ToolStep("tool", output_file="q")
        paths = step.save_model(models.ModelContainer([image, image.copy()]))
        assert paths == ["q_0_tool.fits", "q_1_tool.fits"]
        assert sorted(os.listdir()) == paths


class TestStatus:
    def test_of_every_member(self, image):
        container = models.ModelContainer([image, image.copy()])
        step = ToolStep()
        step.record_step_status(container, "flat_field", success=False)
        step.record_step_status(image, "flat_field")
        assert [m.meta.cal_step.flat_field for m in container] == ["COMPLETE", "SKIPPED"]
        assert step.query_step_status(container, "flat_field") == "COMPLETE"
        step.record_step_status(container, status="FAILED")
        assert step.query_step_status(container) == "FAILED"
        assert step.query_step_status(container, "photom") is None


class TestLog:
    def test_logger_and_names(self, caplog):
        pipe = ToolPipeline()
        caplog.set_level(logging.INFO, "stpipe")
        pipe.jump.log.info("hello")
        assert caplog.records[-1].name == "stpipe.ToolPipeline.jump"
        assert pipe.jump.qualified_name == "stpipe.ToolPipeline.jump"
        assert ToolPipeline(name="p").jump.qualified_name == "stpipe.p.jump"


class InnerStep(Step):
    """A step that tells its level."""

    class_alias = "inner"
    level: float = param(2.0, "A number", ge=0)

    def process(self, model, *, refs):
        return self.level


class TestOtherSteps:
    @pytest.fixture(autouse=True)
    def _recommended(self, monkeypatch):
        """CRDS recommends a level of 7."""
        with open("pars-innerstep.cfg", "w") as file:
            file.write("class = inner\nname = inner\nlevel = 7\n")
        monkeypatch.setattr(registry, "load", lambda alias: InnerStep)
        monkeypatch.setattr(reference_store, "find_parameters", lambda header, reftype:
                            f"{reftype}.cfg" if os.path.exists(f"{reftype}.cfg") else None)
        monkeypatch.delenv("STPIPE_DISABLE_CRDS_STEPPARS", raising=False)

    def test_have_coded_parameters(self, image):
        assert ToolStep().run_other("inner", image) == 2.0

    def test_have_recommended_ones_where_asked(self, image, monkeypatch):
        assert ToolStep().run_other("inner", image, recommended=True) == 7.0
        monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "true")
        assert ToolStep().run_other("inner", image, recommended=True) == 2.0
