"""The ramp fit: products, parameters, edge groups, refusals."""

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels
from stdatamodels.jwst.datamodels import dqflags

from jwst_cal.detector import _slopes
from jwst_cal.detector.ramp_fit import FLAGS, RampFitStep
from jwst_cal.errors import InputError, ParameterError

DNU, SAT, JUMP = (dqflags.group[name] for name in ("DO_NOT_USE", "SATURATED", "JUMP_DET"))


def exposure(instrument="NIRCAM", detector="NRCA1", kind="NRC_IMAGE", n_ints=2, n_groups=5):
    """Straight ramps of 2 DN/s in the first integration and 4 DN/s in the second."""
    shape = (n_ints, n_groups, 6, 9)
    rate = 2.0 * np.arange(1, n_ints + 1)[:, None, None, None]
    time = 10.0 * np.arange(n_groups)[:, None, None]
    ramp = datamodels.RampModel(data=(50 + rate * time + np.zeros(shape)).astype(np.float32))
    ramp.groupdq, ramp.pixeldq = np.zeros(shape, np.uint8), np.zeros(shape[2:], np.uint32)
    ramp.int_times = np.array(
        [(i + 1, *[60000.0 + i] * 6) for i in range(n_ints)],
        [(name, "i4" if name == "integration_number" else "f8") for name in (
            "integration_number", "int_start_MJD_UTC", "int_mid_MJD_UTC", "int_end_MJD_UTC",
            "int_start_BJD_TDB", "int_mid_BJD_TDB", "int_end_BJD_TDB")])
    ramp.meta.filename = "jw00001001001_02101_00001_det_ramp.fits"
    ramp.meta.instrument.name, ramp.meta.instrument.detector = instrument, detector
    exposure = ramp.meta.exposure
    exposure.type, exposure.nints, exposure.ngroups = kind, n_ints, n_groups
    exposure.nframes, exposure.groupgap = 2, 3
    exposure.frame_time, exposure.group_time = 2.0, 10.0
    place(ramp)
    return ramp


def place(model):
    subarray = model.meta.subarray
    subarray.xstart, subarray.ystart, subarray.xsize, subarray.ysize = 11, 21, 9, 6


def references(**values):
    models = {}
    for reftype, model_class, value in (("gain", datamodels.GainModel, 2.0),
                                        ("readnoise", datamodels.ReadnoiseModel, 8.0)):
        model = model_class(data=np.full((6, 9), values.get(reftype, value), np.float32))
        place(model)
        models[f"override_{reftype}"] = model
    return models


def run(ramp, **parameters):
    return RampFitStep(**references(), **parameters).run(ramp)


def test_rate_and_rateints():
    ramp = exposure()
    rate, rateints = run(ramp)
    assert type(rate) is datamodels.ImageModel
    assert type(rateints) is datamodels.CubeModel
    assert_allclose(rateints.data[:, 0, 0], [2, 4], rtol=1e-6)
    assert_allclose(rate.data, 3, rtol=1e-6)
    assert_allclose(rate.var_poisson, 3 / (2 * 10 * 4) / 2, rtol=1e-6)
    assert_allclose(rate.var_rnoise, 64 / 4 / 100 / 10 / 2, rtol=1e-6)
    assert_allclose(rate.err, np.sqrt(rate.var_poisson + rate.var_rnoise), rtol=1e-6)
    assert not rate.dq.any()
    assert rateints.err.shape == rateints.dq.shape == (2, 6, 9)
    assert_array_equal(rateints.int_times, ramp.int_times)
    for product in (rate, rateints):
        assert product.meta.cal_step.ramp_fit == "COMPLETE"
        assert product.meta.bunit_data == product.meta.bunit_err == "DN/s"
        assert product.meta.exposure.group_time == 10.0
    assert ramp.meta.cal_step.ramp_fit is None


@pytest.mark.parametrize(
    ("kind", "lamp_mode", "expected"),
    [
        ("NRS_IFU", None, datamodels.IFUImageModel),
        ("NRS_LAMP", "IFU", datamodels.IFUImageModel),
        ("NRS_AUTOWAVE", "IFU", datamodels.IFUImageModel),
        ("NRS_AUTOFLAT", "IFU", datamodels.ImageModel),
        ("NRS_LAMP", "MSASPEC", datamodels.ImageModel),
        ("NRS_MSASPEC", None, datamodels.ImageModel),
    ],
)
def test_ifu_exposures_give_an_ifu_image(kind, lamp_mode, expected):
    ramp = exposure("NIRSPEC", "NRS1", kind)
    ramp.meta.instrument.lamp_mode = lamp_mode
    rate, rateints = run(ramp)
    assert type(rate) is expected
    assert type(rateints) is datamodels.CubeModel
    assert rate.err.shape == (6, 9)
    assert rate.var_rnoise.max() > 0


@pytest.mark.parametrize(
    ("first", "last", "groups"),
    [(1, None, 4), (None, 3, 4), (1, 3, 3), (-2, 99, 5), (0, 4, 5), (3, 2, 5), (4, None, 5),
     (None, -1, 5)],
)
def test_first_and_last_group(first, last, groups):
    rate, _ = run(exposure(), firstgroup=first, lastgroup=last)
    assert_allclose(rate.var_rnoise, 8 / (groups**3 - groups) * 12 * 2 / 100 / 2, rtol=1e-6)


def test_gain_factor_is_handed_on():
    overrides = references()
    overrides["override_gain"].meta.exposure.gain_factor = 2.0
    rate, rateints = RampFitStep(**overrides).run(exposure())
    assert rate.meta.exposure.gain_factor == rateints.meta.exposure.gain_factor == 2.0


def test_suppress_one_group():
    ramp = exposure()
    ramp.groupdq[:, 1:] = SAT
    rate, _ = run(ramp)
    assert np.isnan(rate.data).all()
    assert (rate.dq == DNU | SAT).all()
    rate, _ = run(ramp, suppress_one_group=False)
    assert_allclose(rate.data, 50 / 3, rtol=1e-6)
    assert (rate.dq == SAT).all()


def test_zeroframe_and_average_dark_current_are_used():
    ramp = exposure()
    ramp.groupdq[:, :] = SAT
    ramp.groupdq[:, 0, 0, 0] = 0
    ramp.zeroframe = np.full((2, 6, 9), 8, np.float32)
    ramp.average_dark_current = np.full((6, 9), 1.0, np.float32)
    rate, _ = run(ramp, suppress_one_group=False)
    assert_allclose(rate.data[1], 4, rtol=1e-6)
    assert_allclose(rate.var_poisson[1], 5 / (2 * 2) / 2, rtol=1e-6)


def test_every_ramp_saturated_gives_no_product(caplog):
    ramp = exposure()
    ramp.groupdq[:] = SAT
    with caplog.at_level(logging.WARNING):
        assert tuple(run(ramp)) == (None, None)
    assert "saturated from its first group on" in caplog.text


def test_skipped_step_returns_its_input():
    ramp = exposure()
    step = RampFitStep(**references())
    step.override_gain = "N/A"
    result, rateints = step.run(ramp)
    assert rateints is None
    assert result.meta.cal_step.ramp_fit == "SKIPPED"
    assert_array_equal(result.data, ramp.data)


def test_save_opt(tmp_path):
    ramp = exposure()
    ramp.groupdq[0, 2, 3, 4] = JUMP
    run(ramp, save_opt=True, output_dir=str(tmp_path))
    with datamodels.open(tmp_path / "jw00001001001_02101_00001_det_fitopt.fits") as segments:
        assert segments.slope.shape == (2, 2, 6, 9)
        assert_allclose(segments.slope[0, :, 3, 4], [2, 2], rtol=1e-6)
        assert_allclose(segments.crmag[0, 0, 3, 4], 20)
        assert segments.meta.exposure.group_time == 10.0
    run(ramp, save_opt=True, output_dir=str(tmp_path), opt_name="other.fits")
    assert (tmp_path / "other_fitopt.fits").exists()


def test_products_do_not_depend_on_maximum_cores():
    ramp = exposure()
    ramp.groupdq[:, 1:, 2, 2] = SAT
    one, many = (run(ramp, maximum_cores=cores)[1] for cores in ("1", "all"))
    assert one.data.tobytes() == many.data.tobytes()


# MIRI -------------------------------------------------------------------------------------------


def miri(n_groups=6):
    ramp = exposure("MIRI", "MIRIMAGE", "MIR_IMAGE", n_groups=n_groups)
    ramp.groupdq[:, 0] = ramp.groupdq[:, -1] = DNU
    return ramp


def test_miri_groups_that_no_pixel_can_use_are_left_out():
    ramp = miri()
    ramp.groupdq[0, 1, 2, 3] |= JUMP
    ramp.groupdq[0, 3, 4, 5] |= JUMP
    ramp.groupdq[0, 0] |= SAT
    rate, rateints = run(ramp)
    assert_allclose(rateints.data, [[[2]], [[4]]] * np.ones((6, 9)), rtol=1e-6)
    assert_array_equal(np.argwhere(rateints.dq), [[0, 4, 5]])
    assert_array_equal(np.argwhere(rate.dq), [[4, 5]])


def test_miri_needs_two_groups(caplog):
    with caplog.at_level(logging.WARNING):
        assert tuple(run(miri(3), suppress_one_group=False)) == (None, None)
    assert "1 groups are left of 3" in caplog.text


@pytest.mark.parametrize("suppress", [True, False])
def test_ramps_that_are_suppressed_do_not_keep_a_group(suppress):
    groupdq = np.full((1, 5, 1, 2), DNU, np.uint8)
    groupdq[0, 1, 0, 0] = 0
    groupdq[0, 2:4, 0, 1] = 0
    expected = (2, 2) if suppress else (1, 3)
    found = _slopes.usable_groups(groupdq, flags=FLAGS, suppress_one_group=suppress)
    assert found == expected


# likelihood -------------------------------------------------------------------------------------


def test_likelihood(tmp_path):
    ramp = exposure(n_groups=6)
    ramp.data[0, 3:, 2, 3] += 900
    rate, rateints = run(ramp, algorithm="LIKELY", save_opt=True, output_dir=str(tmp_path))
    assert_allclose(rateints.data, [[[2]], [[4]]] * np.ones((6, 9)), rtol=1e-4)
    assert_array_equal(np.argwhere(rateints.dq == JUMP), [[0, 2, 3]])
    assert_allclose(rate.err**2, rate.var_poisson + rate.var_rnoise, rtol=1e-5)
    assert rate.meta.cal_step.ramp_fit == "COMPLETE"
    path = tmp_path / "jw00001001001_02101_00001_det_likely_chisq.fits"
    with datamodels.open(path) as chi_squared:
        assert_allclose(chi_squared.data[0], 0, atol=0.01)


def test_likelihood_needs_four_groups(caplog):
    with caplog.at_level(logging.INFO):
        rate, _ = run(exposure(n_groups=3), algorithm="LIKELY")
    assert "LIKELY needs 4 groups, there are 3" in caplog.text
    assert_allclose(rate.data, 3, rtol=1e-6)


def test_uneven_groups_are_fitted_by_likelihood(caplog):
    ramp = exposure(n_groups=5)
    times = np.array([1.0, 2.0, 5.0, 9.0, 20.0])
    ramp.data[:] = (3.0 * times[:, None, None] + np.zeros(ramp.data.shape)).astype(np.float32)
    ramp.meta.exposure.read_times = [[t] for t in times]
    with caplog.at_level(logging.WARNING):
        rate, _ = run(ramp)
    assert "not evenly spaced" in caplog.text
    assert_allclose(rate.data, 3, rtol=1e-5)


# refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "keyword"), [("group_time", "TGROUP"), ("nframes", "NFRAMES")])
def test_an_exposure_without_its_times_is_refused(name, keyword):
    ramp = exposure()
    setattr(ramp.meta.exposure, name, None)
    with pytest.raises(InputError, match=f"_ramp.fits: no {keyword}"):
        run(ramp)


@pytest.mark.parametrize(
    ("name", "value"),
    [("algorithm", "OLS"), ("save_opt", "perhaps"), ("firstgroup", "one"), ("lastgroup", 1.5)],
)
def test_wrong_parameters_are_refused(name, value):
    with pytest.raises(ParameterError, match=name):
        RampFitStep(**{name: value})


def test_maximum_cores_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="maximum_cores: 'many'"):
        run(exposure(), maximum_cores="many")
