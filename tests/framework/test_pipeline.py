"""Pipelines: chains, sub-steps, prefetch, names of products."""

import os

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.errors import InputError, ParameterError, ReferenceFileError
from jwst_cal.framework import Chain, Pipeline, Reference, Step, param, reference_store


class OneStep(Step):
    """Add one."""

    class_alias = "one"
    references = {"gain": Reference("GainModel", required=False)}

    gain: int = param(5, "A number")

    def process(self, ramp, *, refs):
        ramp.data[...] += 1
        return ramp


class TwoStep(Step):
    """Double."""

    class_alias = "two"

    gain: float = param(0.5, "A number")

    def process(self, ramp, *, refs):
        ramp.data[...] *= 2
        return ramp


class BothPipeline(Pipeline):
    """Add, then double."""

    class_alias = "both"

    ppar: int = param(0, "A number")
    forward = Chain(OneStep, TwoStep)
    backward = Chain(TwoStep, OneStep)

    def process(self, ramp):
        ramp = self.prepare_output(ramp)
        ramp = self.backward(ramp) if self.ppar else self.forward(ramp)
        self.suffix = "cal"
        return ramp


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.fixture(autouse=True)
def no_lookup(monkeypatch):
    """No reference applies, and nobody is asked."""
    monkeypatch.setattr(reference_store, "find", lambda dataset, reftype: "N/A")


class TestChains:
    def test_order_is_that_of_the_chain(self, small_ramp):
        assert BothPipeline().run(small_ramp).data[0, 0, 0, 0] == 202
        assert BothPipeline(ppar=1).run(small_ramp).data[0, 0, 0, 0] == 201

    def test_step_of_two_chains_is_one_instance(self):
        pipe = BothPipeline()
        assert list(pipe.forward) == [pipe.one, pipe.two]
        assert list(pipe.backward) == [pipe.two, pipe.one]

    def test_step_defs_come_from_the_chains(self):
        assert BothPipeline.step_defs == {"one": OneStep, "two": TwoStep}
        assert BothPipeline.forward.aliases() == ("one", "two")

    def test_input_is_not_changed(self, small_ramp):
        BothPipeline().run(small_ramp)
        assert small_ramp.data[0, 0, 0, 0] == 100
        assert small_ramp.meta.cal_step.instance.get("one") is None

    def test_input_is_copied_once(self, small_ramp, monkeypatch):
        copies = []
        original = datamodels.RampModel.copy
        monkeypatch.setattr(datamodels.RampModel, "copy",
                            lambda self, *a: copies.append(1) or original(self, *a))
        BothPipeline().run(small_ramp)
        assert len(copies) == 1

    def test_opened_file_is_not_copied(self, uncal_file, monkeypatch):
        monkeypatch.setattr(datamodels.RampModel, "copy", None)
        assert BothPipeline().run(uncal_file).data[0, 0, 0, 0] == 202

    def test_absent_step_can_only_be_skipped(self):
        class GapPipeline(Pipeline):
            """Name a step that this release lacks."""

            only = Chain("wfs_gap")

        assert GapPipeline().wfs_gap.skip is True

    @pytest.fixture(autouse=True)
    def _gap(self, monkeypatch):
        from jwst_cal import registry

        row = registry.Row("wfs_gap", "WfsGapStep", "detector.no_such_module", "jwst.x")
        monkeypatch.setitem(registry.by_alias, "wfs_gap", row)

    @pytest.mark.parametrize("value", [False, "false"])
    def test_absent_step_cannot_be_asked_for(self, value):
        class GapPipeline(Pipeline):
            """Name a step that this release lacks."""

            only = Chain("wfs_gap")

        with pytest.raises(ParameterError, match="step 'wfs_gap' is not part of this release"):
            GapPipeline(steps={"wfs_gap": {"skip": value}})
        pipe = GapPipeline()
        with pytest.raises(ParameterError, match="not part of this release"):
            pipe.wfs_gap.skip = value
        assert pipe.wfs_gap.skip is True


class TestParameters:
    def test_of_steps(self):
        pipe = BothPipeline(steps={"one": {"gain": "7"}})
        pipe.two.gain = 3
        assert (pipe.one.gain, pipe.two.gain) == (7, 3.0)
        assert pipe.get_pars()["steps"]["one"]["gain"] == 7
        assert pipe.get_pars(full_spec=False) == {
            "ppar": 0, "steps": {"one": {"gain": 7}, "two": {"gain": 3.0}}}

    def test_wrong_value_of_a_step_names_the_step(self):
        with pytest.raises(ParameterError, match="'gain' of one: 'x' is not an integer"):
            BothPipeline(steps={"one": {"gain": "x"}})

    def test_unknown_step_suggests_the_nearest(self):
        with pytest.raises(ParameterError, match="no step 'twoz'; did you mean 'two'"):
            BothPipeline(steps={"twoz": {}})

    def test_steps_are_no_keywords(self):
        with pytest.raises(ParameterError, match="no parameter 'two'"):
            BothPipeline(two={"gain": 1})

    @pytest.mark.parametrize("given", [5, ["jump"], {"one": 5}])
    def test_steps_must_be_parameters_by_step(self, given):
        with pytest.raises(ParameterError, match="where parameters by step are needed"):
            BothPipeline(steps=given)

    def test_update(self):
        pipe = BothPipeline()
        pipe.update_pars({"ppar": 1, "steps": {"one": {"gain": 2}, "three": {}}})
        assert (pipe.ppar, pipe.one.gain) == (1, 2)

    @pytest.mark.parametrize("name", ["p.asdf", "p.cfg"])
    def test_export_survives_a_round_trip(self, tmp_path, name):
        pipe = BothPipeline(ppar=4, steps={"two": {"gain": 9, "skip": True}})
        pipe.export_config(tmp_path / name)
        assert BothPipeline.from_config_file(tmp_path / name).get_pars() == pipe.get_pars()

    def test_call_takes_steps(self, small_ramp):
        result = BothPipeline.call(small_ramp, steps={"two": {"skip": True}})
        assert result.data[0, 0, 0, 0] == 101
        assert result.meta.cal_step.two == "SKIPPED"


CASES = {
    "plain": ({}, ["X_cal.fits"]),
    "name": ({"output_file": "foo"}, ["foo_cal.fits"]),
    "step saved": ({"steps": {"one": {"save_results": True}}}, ["X_cal.fits", "X_one.fits"]),
    "step saved, name": (
        {"output_file": "foo", "steps": {"one": {"save_results": True}}},
        ["foo_cal.fits", "foo_one.fits"]),
    "step named": ({"steps": {"one": {"output_file": "bar"}}}, ["X_cal.fits", "bar_one.fits"]),
    "step named with suffix": (
        {"steps": {"one": {"output_file": "bar_rate"}}}, ["X_cal.fits", "bar_one.fits"]),
    "both named": (
        {"output_file": "foo", "steps": {"one": {"output_file": "bar"}}},
        ["bar_one.fits", "foo_cal.fits"]),
    "folder": (
        {"output_dir": "pd", "steps": {"one": {"save_results": True}}},
        ["pd/X_cal.fits", "pd/X_one.fits"]),
    "folder of the step": (
        {"output_dir": "pd", "steps": {"one": {"save_results": True, "output_dir": "sd"}}},
        ["pd/X_cal.fits", "sd/X_one.fits"]),
    "suffix of the step": (
        {"steps": {"one": {"save_results": True, "suffix": "uuu"}}},
        ["X_cal.fits", "X_uuu.fits"]),
    "suffix of the pipeline": ({"suffix": "uuu"}, ["X_cal.fits"]),
    "format": (
        {"output_ext": "asdf", "steps": {"one": {"save_results": True}}},
        ["X_cal.asdf", "X_one.fits"]),
    "skipped": (
        {"steps": {"one": {"save_results": True, "skip": True}}}, ["X_cal.fits"]),
    "own search": (
        {"output_file": "foo", "steps": {
            "one": {"save_results": True},
            "two": {"save_results": True, "search_output_file": False}}},
        ["foo_cal.fits", "foo_one.fits", "foo_one_two.fits"]),
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("given", "expected"), CASES.values(), ids=CASES)
def test_names_of_products(given, expected, uncal_file):
    BothPipeline.call(uncal_file, save_results=True, configure_log=False, **given)
    found = [os.path.join(folder, name).removeprefix("./")
             for folder, _, names in os.walk(".") for name in names]
    stem = "jw00001001001_02101_00001_nrca1"
    assert sorted(name.replace(stem, "X") for name in found) == expected


class TestPrefetch:
    def test_skipped_steps_want_nothing(self):
        pipe = BothPipeline()
        assert list(pipe.wanted_references()) == ["gain"]
        pipe.one.skip = True
        assert not pipe.wanted_references()

    def test_missing_overrides_are_all_named_before_anything_runs(self, uncal_file):
        class GainlessPipeline(BothPipeline):
            """Must not run."""

            def process(self, ramp):
                raise AssertionError("ran")

        pipe = GainlessPipeline(steps={"one": {"override_gain": "none.fits"}})
        with pytest.raises(ReferenceFileError, match=r"none.fits: no such file \(override_gain"):
            pipe.run(uncal_file)

    def test_failures_are_told_in_one_line(self, uncal_file, monkeypatch):
        def fail(header, reftype):
            raise reference_store.LookupFailure(header, reftype, "no match")

        monkeypatch.setattr(reference_store, "find", fail)
        monkeypatch.setattr(OneStep, "reference_file_types", ("dark", "gain"))
        with pytest.raises(ReferenceFileError, match="no DARK, GAIN reference file: no match"):
            BothPipeline().run(uncal_file)

    def test_override_is_not_looked_up(self, small_ramp, monkeypatch):
        monkeypatch.setattr(reference_store, "find", None)
        done = BothPipeline(steps={"one": {"override_gain": "N/A"}}).run(small_ramp)
        assert done.data[0, 0, 0, 0] == 202

    def test_input_is_checked_first(self, uncal_file, monkeypatch):
        monkeypatch.setattr(reference_store, "find", None)
        with open(uncal_file, "r+b") as file:
            file.truncate(os.path.getsize(uncal_file) // 2)
        with pytest.raises(InputError, match="truncated"):
            BothPipeline().run(uncal_file)

    def test_missing_input(self):
        with pytest.raises(InputError, match=r"none_uncal.fits: no such file"):
            BothPipeline().run("none_uncal.fits")


def test_log_is_kept_under_the_alias_of_the_pipeline(uncal_file, here):
    BothPipeline.call(uncal_file, save_results=True, steps={"one": {"save_results": True}})
    for name in os.listdir():
        with datamodels.open(name) as model:
            lines = model.cal_logs.both
            assert any("Step one running" in line for line in lines)
            assert list(model.cal_logs.instance) == ["both"]


def test_overhead_is_small(small_ramp):
    import time

    pipe = BothPipeline()
    pipe.one.skip = pipe.two.skip = True
    pipe.run(small_ramp)
    pipe._running = True
    started = time.process_time()
    for _ in range(50):
        pipe.one.run(small_ramp)
    assert (time.process_time() - started) / 50 < 0.005


def test_result_has_the_type_that_the_steps_gave(small_ramp):
    assert np.isfinite(BothPipeline().run(small_ramp).data).all()
