"""The guider_cds step: rates and errors of every guide-star mode, tables, refusals."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import GainModel, GuiderRawModel, ReadnoiseModel

from jwst_cal.detector.guider_cds import GuiderCdsStep
from jwst_cal.errors import InputError, ReferenceFileError


def exposure(mode, n_ints=2, n_groups=10):
    """10 DN a group, and 100 DN more in one pixel of the first integration."""
    data = np.broadcast_to(10.0 * np.arange(n_groups)[:, None, None], (n_ints, n_groups, 6, 8))
    model = GuiderRawModel(data=data.astype(np.float32))
    model.data[0, -1, 2, 3] += 100
    model.meta.instrument.name, model.meta.exposure.type = "FGS", mode
    model.meta.exposure.group_time = 2.0
    place(model, (6, 8))
    model.dq[1, 1] = 1
    model.meta.filename = "gs.fits"
    return model


def place(model, shape, start=1):
    subarray = model.meta.subarray
    subarray.xstart = subarray.ystart = start
    subarray.ysize, subarray.xsize = shape


def run(model, shape=(6, 8)):
    gain = GainModel(data=np.full(shape, 2, np.float32))
    noise = ReadnoiseModel(data=np.full(shape, 6, np.float32))
    for reference in (gain, noise):
        place(reference, shape)
    return GuiderCdsStep(override_gain=gain, override_readnoise=noise).run(model)


@pytest.mark.parametrize(("mode", "n_groups", "rate", "photons"), [
    ("FGS_ACQ1", 2, 5, 2.5), ("FGS_TRACK", 2, 5, 2.5), ("FGS_FINEGUIDE", 10, 30, 15)])
def test_rates_of_each_integration(mode, n_groups, rate, photons):
    result = run(exposure(mode, n_groups=n_groups))
    assert result.data.shape == (2, 6, 8)
    assert (result.data[1] == rate).all()
    assert result.data[0, 2, 3] == rate + (12.5 if n_groups == 10 else 50)
    np.testing.assert_allclose(result.err[1], np.sqrt(2 * 9 + photons), rtol=1e-6)
    assert result.meta.cal_step.guider_cds == "COMPLETE"
    assert result.meta.bunit_data == "DN/s"
    assert type(result).__name__ == "GuiderCalModel"
    assert result.dq[1, 1] == 1


def test_identification_takes_the_least_of_two_integrations():
    model = exposure("FGS_ID-IMAGE", n_groups=2)
    model.data[:, 1, 0, 0] = -30
    result = run(model)
    assert result.data.shape == (1, 6, 8)
    assert result.data[0, 2, 3] == 5
    assert result.data[0, 0, 0] == -15
    assert result.err[0, 0, 0] == pytest.approx(np.sqrt(18))


def test_a_stack_takes_the_mean_of_references_that_do_not_cover_it():
    result = run(exposure("FGS_ID-STACK", n_groups=2), shape=(4, 4))
    np.testing.assert_allclose(result.err, np.sqrt(2 * 9 + 2.5), rtol=1e-6)


def test_refuses_references_that_do_not_cover_another_mode():
    with pytest.raises(ReferenceFileError, match="does not cover"):
        run(exposure("FGS_ACQ1", n_groups=2), shape=(4, 4))


@pytest.mark.parametrize(("mode", "n_ints", "n_groups", "needed"), [
    ("FGS_ACQ2", 2, 1, "1 of 2"), ("FGS_ID-IMAGE", 1, 2, "2 of 2"),
    ("FGS_FINEGUIDE", 2, 3, "1 of 4")])
def test_refuses_too_few_groups_or_integrations(mode, n_ints, n_groups, needed):
    with pytest.raises(InputError, match=rf"gs.fits: .* {needed} are needed, for {mode}"):
        run(exposure(mode, n_ints, n_groups))


def test_refuses_an_exposure_without_group_time():
    model = exposure("FGS_ACQ1")
    model.meta.exposure.group_time = None
    with pytest.raises(InputError, match="TGROUP is missing"):
        run(model)


def test_without_gain_the_step_is_skipped():
    step = GuiderCdsStep(override_gain="N/A", override_readnoise="N/A")
    result = step.run(exposure("FGS_ACQ1", n_groups=2))
    assert result.meta.cal_step.guider_cds == "SKIPPED"
