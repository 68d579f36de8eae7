"""Guide-star exposures: products of every mode, statuses, what is refused."""

import os

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal import registry
from jwst_cal.errors import InputError
from jwst_cal.pipelines import GuiderPipeline
from jwst_cal.simulate import exposures
from tests.parity import guider


def pipeline(references, **parameters):
    """The pipeline with its references."""
    steps = {}
    for name, step in GuiderPipeline.step_defs.items():
        steps[name] = {f"override_{kind}": references.get(kind, "N/A")
                       for kind in step.reference_file_types} | parameters.pop(name, {})
    return GuiderPipeline(steps=steps, **parameters)


@pytest.fixture(params=guider.MODES)
def mode(request):
    return request.param


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_product(mode, here):
    exposure = guider.write_exposure(mode, here)
    result = pipeline(guider.write_references(mode, here), save_results=True).run(str(exposure))
    assert isinstance(result, datamodels.GuiderCalModel)
    n_ints, _, *image = guider.MODES[mode].shape
    assert result.data.shape == (1 if "_ID" in mode else n_ints, *image)
    covered = guider.MODES[mode].covered
    status = result.meta.cal_step
    assert status.guider_cds == "COMPLETE"
    assert status.dq_init == status.flat_field == ("COMPLETE" if covered else "SKIPPED")
    assert result.meta.bunit_data == "DN/s"
    assert os.listdir() == [exposure.name.replace("uncal", "cal")]
    with datamodels.open(os.listdir()[0]) as saved:
        assert type(saved) is datamodels.GuiderCalModel
        np.testing.assert_array_equal(saved.data, result.data)
        for table in guider.MODES[mode].tables:
            assert len(getattr(saved, table)) == 5


def test_rates_are_divided_by_the_flat(here):
    exposure = guider.write_exposure("FGS_ACQ1", here)
    references = guider.write_references("FGS_ACQ1", here)
    with_flat = pipeline(references).run(str(exposure))
    without = pipeline(references, flat_field={"skip": True}).run(str(exposure))
    with datamodels.FlatModel(references["flat"]) as flat:
        value = flat.data[5:-5, 5:-5]
        usable = np.isfinite(value) & (value != 0) & (flat.dq[5:-5, 5:-5] & (1 | 1 << 18) == 0)
        np.testing.assert_allclose((with_flat.data * value)[:, usable], without.data[:, usable],
                                   rtol=1e-6)
    assert without.meta.cal_step.flat_field == "SKIPPED"


def test_product_of_guider_cds_is_taken_when_the_first_steps_are_skipped(here):
    exposure = guider.write_exposure("FGS_TRACK", here)
    references = guider.write_references("FGS_TRACK", here)
    whole = pipeline(references).run(str(exposure))
    half = pipeline(references, flat_field={"skip": True}, save_results=True).run(str(exposure))
    skipped = {"dq_init": {"skip": True}, "guider_cds": {"skip": True}}
    for given in (half, os.listdir()[0]):
        result = pipeline(references, **skipped).run(given)
        np.testing.assert_array_equal(result.data, whole.data)
        assert result.meta.cal_step.flat_field == "COMPLETE"


def test_exposure_of_another_mode_is_refused(small_ramp, uncal_file):
    for given, name in ((small_ramp, "nrca1_uncal.fits"), (uncal_file, uncal_file)):
        problem = rf"{name}: GuiderPipeline takes GuiderRawModel or GuiderCalModel, this is "
        with pytest.raises(InputError, match=problem + "RampModel"):
            pipeline({}).run(given)


def test_product_of_guider_cds_is_refused_for_the_whole_chain(here):
    exposure = guider.write_exposure("FGS_TRACK", here)
    references = guider.write_references("FGS_TRACK", here)
    done = pipeline(references).run(str(exposure))
    with pytest.raises(InputError, match=r"takes GuiderRawModel .* this is GuiderCalModel"):
        pipeline(references).run(done)


def test_raw_exposure_is_refused_when_the_first_steps_are_skipped(here):
    exposure = guider.write_exposure("FGS_TRACK", here)
    skipped = {"dq_init": {"skip": True}, "guider_cds": {"skip": True}}
    with pytest.raises(InputError, match=r"takes GuiderCalModel .* this is GuiderRawModel"):
        pipeline({}, **skipped).run(str(exposure))


def test_too_few_groups_are_told_of(here):
    exposure = guider.write_exposure("FGS_FINEGUIDE", here)
    with datamodels.GuiderRawModel(exposure) as raw:
        raw.data = raw.data[:, :3].copy()
        raw.save(exposure)
    references = guider.write_references("FGS_FINEGUIDE", here)
    with pytest.raises(InputError, match="4 integrations of 3 groups where 1 of 4 are needed"):
        pipeline(references).run(str(exposure))
    assert os.listdir() == []


def test_steps_are_those_of_the_chain():
    assert list(GuiderPipeline.step_defs) == ["dq_init", "guider_cds", "flat_field"]
    assert registry.load("calwebb_guider") is GuiderPipeline


@pytest.mark.parametrize(("subarray", "mode", "detector"), [
    ("32X32", "FGS_TRACK", "GUIDER1"), ("8X8", "FGS_FINEGUIDE", "GUIDER2")])
def test_light_of_a_simulated_star_is_found_again(subarray, mode, detector, tmp_path):
    exposure = exposures.simulate("FGS", subarray, exp_type=mode, detector=detector, seed=4)
    result = GuiderPipeline.call(str(exposure.write(tmp_path)), configure_log=False)
    status = result.meta.cal_step
    assert {status.dq_init, status.guider_cds, status.flat_field} == {"COMPLETE"}
    truth = exposure.truth
    expected = truth.rate + truth.dark_rate
    good = np.isfinite(result.data).all(axis=0) & truth.good
    found = result.data.mean(axis=0)
    noise = truth.cds_noise / truth.group_time / np.sqrt(len(result.data))
    np.testing.assert_allclose(found[good].sum(), expected[good].sum(), rtol=0.05,
                               atol=4 * np.sqrt((noise[good] ** 2).sum()))
    peak = np.unravel_index(np.argmax(np.where(good, expected, 0)), expected.shape)
    assert found[peak] == pytest.approx(expected[peak], rel=0.1)
