"""Dark exposures: the order of the steps, and what is returned and saved."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal import models
from jwst_cal.framework import Step
from jwst_cal.pipelines import DarkPipeline
from jwst_cal.simulate import exposures

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "steps.json").read_text("utf-8"))
ORDERS = FACTS["steps"]["DarkPipeline"]["execution_order"]


@pytest.fixture
def ran(monkeypatch):
    """Replace every step by one that only writes down that it ran; returns the names."""
    names = []
    original = Step.run

    def run(self, model):
        if isinstance(self, DarkPipeline):
            return original(self, model)
        names.append(self.name)
        return model

    monkeypatch.setattr(Step, "run", run)
    monkeypatch.setattr(DarkPipeline, "prefetch_references", False)
    return names


@pytest.mark.parametrize("instruments", ORDERS)
def test_order_is_that_of_the_reference_release(instruments, ran, small_ramp):
    for instrument in instruments.split("|"):
        ran.clear()
        small_ramp.meta.instrument.name = instrument
        DarkPipeline().run(small_ramp)
        assert ran == [name.partition(" ")[0] for name in ORDERS[instruments] if name[0] != "["]


@pytest.mark.usefixtures("ran")
class TestProducts:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path, monkeypatch):
        (tmp_path / "work").mkdir()
        monkeypatch.chdir(tmp_path / "work")

    def test_ramp_is_returned_and_saved(self, uncal_file):
        result = DarkPipeline(save_results=True).run(uncal_file)
        assert isinstance(result, datamodels.RampModel)
        assert os.listdir() == ["jw00001001001_02101_00001_nrca1_darkpipeline.fits"]

    def test_suffix_of_the_archive(self, uncal_file):
        DarkPipeline(save_results=True, suffix="dark").run(uncal_file)
        assert os.listdir() == ["jw00001001001_02101_00001_nrca1_dark.fits"]

    def test_nothing_is_saved_unasked(self, uncal_file):
        DarkPipeline().run(uncal_file)
        assert os.listdir() == []


@pytest.mark.parametrize(("instrument", "subarray"), [("NIRCAM", "SUB64P"), ("MIRI", "SUB64")])
def test_a_simulated_dark_climbs_as_its_dark_current(instrument, subarray, tmp_path):
    exposure = exposures.simulate(instrument, subarray, light=0.0, cosmic_ray_rate=0.0, seed=3)
    with models.open(DarkPipeline.call(str(exposure.write(tmp_path)), configure_log=False)) as ramp:
        statuses = ramp.meta.cal_step.instance
        expected = {"dq_init", "saturation", "linearity"} | (
            {"reset", "rscd"} if instrument == "MIRI" else {"superbias", "refpix"})
        assert {name for name, status in statuses.items() if status == "COMPLETE"} >= expected
        assert statuses.get("dark_sub") is None
        data = ramp.data
    truth = exposure.truth
    settled = slice(5, -1) if instrument == "MIRI" else slice(None)
    kept = data[:, settled]
    slope = (kept[:, -1] - kept[:, 0]).mean(axis=0) / ((kept.shape[1] - 1) * truth.group_time)
    hot = truth.good & (truth.dark_rate > 20 * np.median(truth.dark_rate))
    quiet = truth.good & ~hot
    assert abs(np.median((slope - truth.dark_rate)[quiet])) < 0.1
    if hot.sum() > 5:
        np.testing.assert_allclose(np.median((slope / truth.dark_rate)[hot]), 1, atol=0.3)
