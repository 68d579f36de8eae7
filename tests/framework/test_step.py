"""The step: what run does, in order, to its input, its result and its files."""

import logging
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal import __version__
from jwst_cal.errors import InputError, ParameterError, ReferenceFileError
from jwst_cal.framework import Pipeline, Reference, SkipStep, Step, param, reference_store
from jwst_cal.models import ModelContainer


class AddStep(Step):
    """Add a number to the data."""

    class_alias = "group_scale"

    amount: float = param(1.0, "DN added")

    def process(self, ramp, *, refs):
        ramp.data[...] += self.amount
        return ramp


class GiveUpStep(Step):
    """Skip itself."""

    class_alias = "dark_current"
    cal_step = "dark_sub"

    def process(self, ramp, *, refs):
        raise SkipStep("the exposure is too short")


class Products(NamedTuple):
    rate: object
    rateints: object


class TwoStep(Step):
    """Return two products."""

    class_alias = "ramp_fit"
    produces = ("rate", "rateints")

    def process(self, ramp, *, refs):
        rate = datamodels.ImageModel(data=ramp.data[0, -1])
        rate.update(ramp)
        rateints = datamodels.CubeModel(data=ramp.data[:, -1])
        rateints.update(ramp)
        return Products(rate, rateints)


class GainStep(Step):
    """Multiply by the gain."""

    class_alias = "jump"
    references = {
        "gain": Reference("GainModel", crop=True),
        "readnoise": Reference("ReadnoiseModel", crop=True, required=False),
    }

    def process(self, ramp, *, refs):
        ramp.data[...] *= refs.gain.data
        self.seen = refs.readnoise, refs.path("gain")
        return ramp


@pytest.fixture
def gain_file(tmp_path):
    model = datamodels.GainModel(data=np.full((40, 40), 2.0, np.float32))
    model.meta.instrument.name = "NIRCAM"
    model.meta.subarray.xstart = model.meta.subarray.ystart = 1
    model.meta.subarray.xsize = model.meta.subarray.ysize = 40
    for name in ("description", "reftype", "author", "pedigree", "useafter"):
        setattr(model.meta, name, "GROUND" if name == "pedigree" else "gain")
    model.meta.useafter = "2020-01-01T00:00:00"
    path = tmp_path / "gain.fits"
    model.save(path)
    return str(path)


# input ------------------------------------------------------------------------------------------


class TestInput:
    def test_raw_file_is_opened_as_a_ramp(self, uncal_file):
        result = AddStep().run(uncal_file)
        assert isinstance(result, datamodels.RampModel)
        assert result.data.dtype == np.float32
        assert result.data.dtype.isnative
        assert result.data[0, :, 0, 0].tolist() == [101, 201, 301]
        assert result.groupdq.shape == result.data.shape

    def test_open_raw_model_becomes_a_ramp(self, uncal_file):
        with datamodels.open(uncal_file) as model:
            assert isinstance(AddStep().run(model), datamodels.RampModel)
            assert model.data.dtype == np.uint16

    def test_open_model_is_not_changed(self, small_ramp):
        result = AddStep().run(small_ramp)
        assert result is not small_ramp
        assert small_ramp.data[0, 0, 0, 0] == 100
        assert small_ramp.meta.cal_step.group_scale is None
        assert small_ramp.meta.calibration_software_version is None

    def test_file_is_not_changed(self, uncal_file):
        before = Path(uncal_file).read_bytes()
        AddStep().run(uncal_file)
        assert Path(uncal_file).read_bytes() == before

    def test_container_is_not_changed_and_each_member_is_processed(self, small_ramp):
        class EachStep(Step):
            """Add to each member."""

            class_alias = "group_scale"

            def process(self, models, *, refs):
                for model in models:
                    model.data[...] += 1
                return models

        given = ModelContainer([small_ramp, small_ramp.copy()])
        result = EachStep().run(given)
        assert given[0].data[0, 0, 0, 0] == 100
        assert [m.meta.cal_step.group_scale for m in result] == ["COMPLETE", "COMPLETE"]

    def test_input_dir_is_put_before_a_bare_name(self, uncal_file, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        folder, name = os.path.split(uncal_file)
        assert AddStep(input_dir=folder).run(name).data[0, 0, 0, 0] == 101

    def test_step_of_a_pipeline_that_does_not_run_copies_too(self, small_ramp):
        pipe = OnePipeline()
        pipe.group_scale.run(small_ramp)
        assert small_ramp.data[0, 0, 0, 0] == 100

    def test_wrong_model_is_refused(self, small_ramp):
        class RampOnlyStep(AddStep):
            """Take ramps."""

            takes = ("RampModel",)

        with pytest.raises(InputError, match="takes RampModel, this is ImageModel"):
            RampOnlyStep().run(datamodels.ImageModel((2, 2)))

    def test_no_input_is_refused(self):
        with pytest.raises(TypeError, match="AddStep needs an input"):
            AddStep().run()


class OnePipeline(Pipeline):
    """Run one step."""

    step_defs = {"group_scale": AddStep}

    def process(self, ramp):
        ramp = self.prepare_output(ramp)
        return self.group_scale.run(ramp)


# status -----------------------------------------------------------------------------------------


class TestStatus:
    def test_complete(self, small_ramp):
        assert AddStep().run(small_ramp).meta.cal_step.group_scale == "COMPLETE"

    def test_skip_step_is_recorded_under_the_attribute_and_logged(self, small_ramp, caplog):
        result = GiveUpStep().run(small_ramp)
        assert result.meta.cal_step.dark_sub == "SKIPPED"
        assert (result.data == small_ramp.data).all()
        assert "skipped: the exposure is too short" in caplog.text

    def test_status_that_process_sets_is_kept(self, small_ramp):
        class FailStep(AddStep):
            """Record failure."""

            def process(self, ramp, *, refs):
                self.record_step_status(ramp, status="FAILED")
                return ramp

        step = FailStep()
        result = step.run(small_ramp)
        assert step.query_step_status(result) == "FAILED"

    def test_query_of_several(self, small_ramp):
        step = AddStep()
        models = [small_ramp.copy() for _ in range(2)]
        assert step.query_step_status(models) is None
        step.record_step_status(models[0], success=False)
        assert step.query_step_status(models) == "SKIPPED"
        step.record_step_status(models[1])
        assert step.query_step_status(models) == "COMPLETE"

    def test_skip_of_a_step_run_alone_is_ignored(self, small_ramp):
        step = AddStep(skip=True)
        assert step.run(small_ramp).data[0, 0, 0, 0] == 101
        assert step.skip is False

    def test_skipped_steps_keep_the_shape_of_their_result(self, small_ramp):
        class NoFitStep(TwoStep):
            """Skip the fit."""

            def process(self, ramp, *, refs):
                raise SkipStep("no")

        rate, rateints = NoFitStep().run(small_ramp)
        assert rateints is None
        assert rate.meta.cal_step.ramp_fit == "SKIPPED"

    def test_error_carries_step_and_input(self, uncal_file):
        class BreakStep(AddStep):
            """Break."""

            def process(self, ramp, *, refs):
                raise ZeroDivisionError("no way")

        with pytest.raises(ZeroDivisionError) as error:
            BreakStep().run(uncal_file)
        assert error.value.__notes__ == [f"in step BreakStep, input {uncal_file}"]


# products ---------------------------------------------------------------------------------------


class TestProducts:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path, monkeypatch):
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")

    def test_nothing_is_saved_unasked(self, uncal_file):
        AddStep().run(uncal_file)
        assert os.listdir() == []

    def test_saved_product_opens_as_what_it_is(self, uncal_file):
        AddStep(save_results=True).run(uncal_file)
        name = "jw00001001001_02101_00001_nrca1_addstep.fits"
        assert os.listdir() == [name]
        with datamodels.open(name) as model:
            assert isinstance(model, datamodels.RampModel)
            assert model.meta.filename == name
            assert model.meta.cal_step.group_scale == "COMPLETE"
            assert model.meta.calibration_software_version
            assert model.meta.calibration_software_revision == "RELEASE"

    def test_result_knows_its_file(self, uncal_file):
        result = AddStep(save_results=True).run(uncal_file)
        assert result.meta.filename == "jw00001001001_02101_00001_nrca1_addstep.fits"

    def test_output_file_implies_saving(self, uncal_file):
        AddStep(output_file="foo.fits").run(uncal_file)
        assert os.listdir() == ["foo_addstep.fits"]

    def test_output_dir_is_made(self, uncal_file, monkeypatch):
        monkeypatch.setenv("PLACE", "env")
        AddStep(save_results=True, output_dir="$PLACE/deep").run(uncal_file)
        assert os.listdir("env/deep") == ["jw00001001001_02101_00001_nrca1_addstep.fits"]

    def test_several_results_are_numbered(self, uncal_file):
        TwoStep(save_results=True).run(uncal_file)
        stem = "jw00001001001_02101_00001_nrca1"
        assert sorted(os.listdir()) == [f"{stem}_0_twostep.fits", f"{stem}_1_twostep.fits"]

    def test_container_is_numbered(self, small_ramp):
        step = AddStep()
        saved = step.save_model(ModelContainer([small_ramp]), suffix="cal", force=True)
        assert saved == ["step_AddStep_0_cal.fits"]

    def test_asdf(self, uncal_file):
        AddStep(save_results=True, output_ext="asdf").run(uncal_file)
        assert os.listdir() == ["jw00001001001_02101_00001_nrca1_addstep.asdf"]

    def test_existing_file_is_replaced(self, uncal_file):
        for amount in (1.0, 5.0):
            AddStep(save_results=True, amount=amount).run(uncal_file)
        with datamodels.open(os.listdir()[0]) as model:
            assert model.data[0, 0, 0, 0] == 105

    def test_second_run_is_named_after_its_own_input(self, uncal_file, tmp_path):
        other = tmp_path / "data" / "other_uncal.fits"
        os.link(uncal_file, other)
        step = AddStep(save_results=True)
        step.run(uncal_file)
        step.run(str(other))
        assert "other_addstep.fits" in os.listdir()

    def test_objects_with_save_are_saved(self, uncal_file):
        class Table:
            def save(self, path, overwrite=False):
                open(path, "w").close()

        class TableStep(Step):
            """Return a table."""

            def process(self, given):
                return Table()

        TableStep(save_results=True, output_ext=".ecsv").run(uncal_file)
        assert os.listdir() == ["jw00001001001_02101_00001_nrca1_tablestep.ecsv"]

    @pytest.mark.parametrize("result", [None, 3, [], ()])
    def test_other_results_save_nothing(self, uncal_file, result):
        class OtherStep(Step):
            """Return something else."""

            def process(self, given):
                return result

        assert OtherStep(save_results=True).run(uncal_file) == result
        assert os.listdir() == []


# parameters in files ----------------------------------------------------------------------------


class TestConfiguration:
    @pytest.mark.parametrize("name", ["a.asdf", "a.cfg"])
    def test_export_survives_a_round_trip(self, tmp_path, name):
        step = AddStep(amount=2.5, output_dir="x", pre_hooks=["a.b"])
        step.export_config(tmp_path / name)
        again = AddStep.from_config_file(tmp_path / name)
        assert again.get_pars() == step.get_pars()
        assert again.name == "AddStep"

    def test_section(self):
        step = AddStep.from_config_section({"name": "mine", "amount": "3"})
        assert (step.name, step.amount) == ("mine", 3.0)

    def test_file_of_another_class_is_refused(self, tmp_path):
        AddStep().export_config(tmp_path / "add.asdf")
        with pytest.raises(ParameterError, match="is for AddStep, not for TwoStep"):
            TwoStep.from_config_file(tmp_path / "add.asdf")

    def test_keyword_beats_file(self, tmp_path, small_ramp):
        AddStep(amount=5.0).export_config(tmp_path / "add.asdf")
        result = AddStep.call(small_ramp, config_file=tmp_path / "add.asdf", configure_log=False)
        assert result.data[0, 0, 0, 0] == 105
        result = AddStep.call(small_ramp, config_file=tmp_path / "add.asdf", amount=7)
        assert result.data[0, 0, 0, 0] == 107

    def test_unknown_keyword_is_refused(self, small_ramp):
        with pytest.raises(ParameterError, match=r"'amont'.*did you mean 'amount'"):
            AddStep.call(small_ramp, amont=7)

    def test_update_ignores_unknown_names(self):
        step = AddStep()
        step.update_pars({"amount": 2, "unknown": 3})
        assert step.amount == 2
        assert not hasattr(step, "unknown")

    def test_parameters_can_be_preserved(self):
        step = AddStep()
        with step.preserve_step_pars():
            step.amount = 9
        assert step.amount == 1.0

    def test_own_parameters_only(self):
        assert AddStep().get_pars(full_spec=False) == {"amount": 1.0}

    def test_call_of_an_instance_runs_it(self, small_ramp):
        assert AddStep(amount=4)(small_ramp).data[0, 0, 0, 0] == 104

    def test_options_for_a_function(self):
        def function(data, *, amount, other=3):
            """Take an option."""

        assert AddStep(amount=4).options_for(function) == {"amount": 4.0}


# references -------------------------------------------------------------------------------------


class TestReferences:
    def test_override_is_opened_cut_and_recorded(self, small_ramp, gain_file):
        step = GainStep(override_gain=gain_file, override_readnoise="N/A")
        result = step.run(small_ramp)
        assert result.data[0, 0, 0, 0] == 200
        assert result.meta.ref_file.gain.name == gain_file
        assert result.meta.ref_file.readnoise.name == "N/A"
        assert step.seen == (None, gain_file)

    def test_override_may_be_an_open_model_which_stays_as_it_is(self, small_ramp, gain_file):
        with datamodels.GainModel(gain_file) as gain:
            step = GainStep(override_gain=gain, override_readnoise="N/A")
            result = step.run(small_ramp)
            assert result.meta.ref_file.gain.name == "override://GainModel"
            assert gain.data.shape == (40, 40)
            assert gain.meta.subarray.xstart == 1
            assert step.seen[1] is None

    def test_missing_required_reference_skips(self, small_ramp, caplog):
        result = GainStep(override_gain="N/A", override_readnoise="N/A").run(small_ramp)
        assert result.meta.cal_step.jump == "SKIPPED"
        assert "no GAIN reference file for this exposure (N/A)" in caplog.text
        assert result.meta.ref_file.gain.name == "N/A"

    def test_missing_override_is_an_error(self, small_ramp, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ReferenceFileError, match=r"/none.fits: no such file \(override_gain"):
            GainStep(override_gain="none.fits").run(small_ramp)

    def test_override_of_another_kind_is_refused(self):
        with pytest.raises(ParameterError, match="'override_gain' of GainStep: 5 is not"):
            GainStep(override_gain=5)

    def test_unknown_override_suggests_the_nearest(self):
        with pytest.raises(ParameterError, match="did you mean 'override_gain'"):
            GainStep(override_gian="x")

    def test_undeclared_reference_is_an_error(self, small_ramp):
        class CarelessStep(GainStep):
            """Ask for what is not declared."""

            def process(self, ramp, *, refs):
                return refs.flat

        with pytest.raises(AttributeError, match="CarelessStep declares no reference 'flat'"):
            CarelessStep().run(small_ramp)


# log --------------------------------------------------------------------------------------------


class TestLog:
    def test_lines_are_kept_in_the_product(self, small_ramp):
        result = AddStep.call(small_ramp)
        lines = result.cal_logs.group_scale
        assert any("Step AddStep running" in line for line in lines)

    def test_records_of_the_last_run(self, small_ramp, caplog):
        with caplog.at_level(logging.INFO, logger="jwst_cal"):
            step = AddStep()
            step.run(small_ramp)
        assert any("Step AddStep done" in line for line in step.log_records)

    def test_parameters_are_listed_at_top_level(self, small_ramp, caplog):
        with caplog.at_level(logging.INFO, logger="jwst_cal"):
            AddStep(amount=3).run(small_ramp)
        assert "\n  amount: 3.0" in caplog.text

    def test_parameters_that_every_step_has_are_listed_where_not_the_default(self, small_ramp,
                                                                            caplog):
        caplog.set_level(logging.INFO, "jwst_cal")
        AddStep(output_use_index=False).run(small_ramp)
        assert "\n  output_use_index: False" in caplog.text
        assert "output_ext" not in caplog.text

    def test_versions_are_the_last_line(self, small_ramp, caplog):
        caplog.set_level(logging.INFO, "jwst_cal")
        AddStep().run(small_ramp)
        assert caplog.messages[-1] == (
            f"Results used jwst_cal version: {__version__} (reproduces jwst 3.0.0)")
        assert "CRDS context" not in caplog.text  # no reference was asked for

    def test_rules_are_told(self, small_ramp, caplog, monkeypatch):
        monkeypatch.setattr(reference_store, "find", lambda *a: setattr(
            reference_store._state, "choice", reference_store.Choice("14", "jwst_1.pmap")) or "N/A")
        caplog.set_level(logging.INFO, "jwst_cal")
        result = GainStep().run(small_ramp)
        assert "Results used CRDS context: jwst_1.pmap" in caplog.text
        assert result.meta.ref_file.crds.context_used == "jwst_1.pmap"

    def test_qualified_names(self):
        assert AddStep().qualified_name == "stpipe.AddStep"
        assert OnePipeline().group_scale.qualified_name == "stpipe.OnePipeline.group_scale"


@pytest.mark.parametrize(("given", "said"), [
    (None, "of type NoneType"), (5, "of type int"), ([], "an empty list"),
    (np.zeros(3), "of type ndarray"), ({"a": 1}, "of type dict"),
    (ModelContainer(), "an empty ModelContainer")])
def test_input_that_is_no_model_is_refused(given, said):
    with pytest.raises(InputError, match=f"AddStep takes a file name, .*; the input is {said}"):
        AddStep().run(given)


def test_association_in_memory_is_opened(uncal_file, monkeypatch):
    monkeypatch.chdir(os.path.dirname(uncal_file))
    asn = {"products": [{"name": "p", "members": [
        {"expname": os.path.basename(uncal_file), "exptype": "science"}]}]}
    opened = AddStep().prepare_output(asn)
    assert isinstance(opened, ModelContainer)
    assert len(opened) == 1


def test_several_exposures_for_a_step_that_takes_one_are_refused(small_ramp):
    class TakesStep(AddStep):
        """Take ramps."""

        takes = ("RampModel",)

    several = ModelContainer([small_ramp, small_ramp.copy()])
    with pytest.raises(InputError, match=r"TakesStep takes RampModel, this is ModelContainer; give "
                                         "it one exposure at a time"):
        TakesStep().run(several)
    TakesStep.takes = ("RampModel", "ModelContainer")
    with pytest.raises(AttributeError):  # AddStep would rather not
        TakesStep().run(several)


class TestSkips:
    @pytest.mark.parametrize(("expected", "level"), [(False, "WARNING"), (True, "INFO")])
    def test_level_and_no_done(self, small_ramp, caplog, expected, level):
        class RestStep(Step):
            """Rest."""

            def process(self, model, *, refs):
                raise SkipStep("nothing to do", expected=expected)

        caplog.set_level("INFO", "jwst_cal")
        RestStep().run(small_ramp)
        (record,) = [r for r in caplog.records if "skipped" in r.getMessage()]
        assert record.getMessage() == "Step RestStep skipped: nothing to do"
        assert record.levelname == level
        assert "done" not in caplog.text


    def test_what_was_tried_has_failed(self, small_ramp, caplog):
        class VainStep(Step):
            """Try."""

            class_alias = "jump"

            def process(self, model, *, refs):
                raise SkipStep("too little", failed=True)

        step = VainStep()
        assert step.run(small_ramp).meta.cal_step.jump == "FAILED"
        assert "Step VainStep failed: too little" in caplog.text
        assert step._history[0]["status"] == "FAILED"


def test_step_without_process_is_refused(small_ramp):
    class EmptyStep(Step):
        """Do nothing."""

    with pytest.raises(TypeError, match="EmptyStep has no process"):
        EmptyStep().run(small_ramp)
