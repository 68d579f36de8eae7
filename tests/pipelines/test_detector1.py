"""Stage 1: the order of the steps, and what is returned and saved."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal import models, registry
from jwst_cal.errors import ParameterError
from jwst_cal.framework import Step
from jwst_cal.pipelines import Detector1Pipeline
from jwst_cal.simulate import exposures

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "steps.json").read_text("utf-8"))
ORDERS = FACTS["steps"]["Detector1Pipeline"]["execution_order"]
STEM = "jw00001001001_02101_00001_nrca1"


def _fit(ramp):
    rate = datamodels.ImageModel(data=ramp.data[0, -1])
    rateints = datamodels.CubeModel(data=ramp.data[:, -1])
    for product in (rate, rateints):
        product.update(ramp)
        product.meta.cal_step.ramp_fit = "COMPLETE"
    return rate, rateints


@pytest.fixture
def ran(monkeypatch):
    """Replace every step by one that only writes down that it ran; returns the names."""
    names = []

    def run(self, model):
        if isinstance(self, Detector1Pipeline):
            return original(self, model)
        names.append(self.name)
        if self.name != "ramp_fit":
            return model
        return (model, None) if self.skip else _fit(models.full(model))

    original = Step.run
    monkeypatch.setattr(Step, "run", run)
    monkeypatch.setattr(Detector1Pipeline, "prefetch_references", False)
    return names


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


@pytest.mark.parametrize("instruments", ORDERS)
def test_order_is_that_of_the_reference_release(instruments, ran, small_ramp):
    for instrument in instruments.split("|"):
        ran.clear()
        small_ramp.meta.instrument.name = instrument
        Detector1Pipeline().run(small_ramp)
        expected = [name.partition(" ")[0] for name in ORDERS[instruments] if name[0] != "["]
        assert ran == expected


@pytest.mark.parametrize(("instrument", "before", "after"), [
    ("NIRISS", "linearity", "dark_current"), ("MIRI", "clean_flicker_noise", "ramp_fit")])
def test_trap_model_runs_before_the_dark_as_in_older_releases(
        instrument, before, after, ran, small_ramp):
    small_ramp.meta.instrument.name = instrument
    steps = {"persistence": {"skip": False, "save_trapsfilled": True}}
    Detector1Pipeline(steps=steps).run(small_ramp)
    at = ran.index("persistence")
    assert ran.count("persistence") == 1
    assert (ran[at - 1], ran[at + 1]) == (before, after)


def test_references_of_the_trap_model_are_wanted_only_by_it():
    pipe = Detector1Pipeline(steps={"persistence": {"skip": False}})
    traps = {"persat", "trapdensity", "trappars"}
    assert not traps & set(pipe.wanted_references())
    pipe.persistence.flag_pers_cutoff = 40.0
    assert traps < set(pipe.wanted_references())


def test_steps_off_by_default_are_those_of_the_reference_release():
    pipe = Detector1Pipeline()
    facts = FACTS["steps"]["Detector1Pipeline"]["steps"]
    assert {alias: step.skip for alias, step in pipe.steps.items()
            if registry.by_alias[alias].exists or facts[alias]} == {
        alias: skip for alias, skip in facts.items()
        if registry.by_alias[alias].exists or skip}


@pytest.mark.usefixtures("here", "ran")
class TestProducts:
    def test_rate_is_returned_and_both_are_saved(self, uncal_file):
        result = Detector1Pipeline(save_results=True).run(uncal_file)
        assert isinstance(result, datamodels.ImageModel)
        assert sorted(os.listdir()) == [f"{STEM}_rate.fits", f"{STEM}_rateints.fits"]

    def test_nothing_is_saved_unasked(self, uncal_file):
        Detector1Pipeline(save_calibrated_ramp=True).run(uncal_file)
        assert os.listdir() == []

    def test_calibrated_ramp(self, uncal_file):
        Detector1Pipeline(save_results=True, save_calibrated_ramp=True).run(uncal_file)
        assert sorted(os.listdir()) == [
            f"{STEM}_ramp.fits", f"{STEM}_rate.fits", f"{STEM}_rateints.fits"]

    def test_without_the_fit_the_ramp_is_the_product(self, uncal_file):
        pipe = Detector1Pipeline(save_results=True, steps={"ramp_fit": {"skip": True}})
        assert isinstance(pipe.run(uncal_file), datamodels.RampModel)
        assert os.listdir() == [f"{STEM}_ramp.fits"]

    def test_output_file_names_both(self, uncal_file):
        Detector1Pipeline(output_file="stage1_processed").run(uncal_file)
        assert sorted(os.listdir()) == ["stage1_processed_rate.fits",
                                        "stage1_processed_rateints.fits"]


@pytest.mark.usefixtures("here")
def test_trap_model_adds_the_third_file_of_older_releases(tmp_path, monkeypatch):
    monkeypatch.setenv("JWST_CAL_CRDS", "embedded")
    uncal = exposures.simulate("NIRCAM", "SUB64P", n_groups=3, n_ints=1).write(tmp_path)
    options = {"configure_log": False, "steps": {
        "persistence": {"skip": False, "flag_pers_cutoff": 0.005, "save_persistence": True}}}
    Detector1Pipeline.call(str(uncal), output_file="stage1_processed", **options)
    assert sorted(os.listdir()) == [
        f"stage1_processed_{suffix}.fits"
        for suffix in ("output_pers", "rate", "rateints", "trapsfilled")]
    with fits.open(uncal, mode="update") as file:  # the same stars a minute later
        header = file[0].header
        header["EXPSTART"] = header["EXPEND"] + 60 / 86400
        header["EXPEND"] = header["EXPSTART"] + 1 / 86400
    options["steps"]["persistence"]["input_trapsfilled"] = "stage1_processed_trapsfilled.fits"
    again = Detector1Pipeline.call(str(uncal), save_results=True, **options)
    assert again.meta.cal_step.persistence == "COMPLETE"
    assert again.meta.ref_file.trapdensity.name == "crds://jwst_nircam_trapdensity_9001.fits"
    flag = datamodels.dqflags.pixel["PERSISTENCE"]
    with datamodels.open(f"{uncal.name[:-11]}_output_pers.fits") as released:
        lost = np.array(released.data).max(axis=(0, 1))
    assert lost.max() > 0.01
    assert ((again.dq & flag != 0) == (lost >= 0.005)).all()


def test_output_dir_of_a_step_is_kept():
    pipe = Detector1Pipeline(output_dir="a", steps={"dark_current": {"output_dir": "b"}})
    assert pipe.dark_current.output_dir == "b"


def test_absent_steps_can_be_skipped_and_not_asked_for():
    absent = [alias for alias in Detector1Pipeline.step_defs
              if not registry.by_alias[alias].exists]
    for alias in absent:
        Detector1Pipeline(steps={alias: {"skip": "true"}})
        with pytest.raises(ParameterError, match="not part of this release"):
            Detector1Pipeline(steps={alias: {"skip": False}})


def test_rates_are_the_same_whoever_holds_the_ramp(tmp_path):
    path = str(exposures.simulate("NIRCAM", "SUB64P", n_groups=6, n_ints=2, seed=4)
               .write(tmp_path))
    found = {}
    for name in ("file", "model"):
        folder = tmp_path / name
        folder.mkdir()
        pipe = Detector1Pipeline(save_calibrated_ramp=True, save_results=True,
                                 output_dir=str(folder))
        if name == "file":
            rate = pipe.run(path)
        else:
            with models.open(path) as model:
                rate = pipe.run(model)
        with fits.open(next(folder.glob("*rateints.fits"))) as ints, \
                fits.open(next(folder.glob("*ramp.fits"))) as ramp:
            found[name] = [rate.data, rate.err, *(hdus[key].data.copy() for hdus, key in (
                (ints, "SCI"), (ints, "ERR"), (ints, "DQ"), (ints, "VAR_RNOISE"), (ramp, "SCI")))]
    for mine, theirs in zip(*found.values(), strict=True):
        assert np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")
