"""Simulated exposures of subarrays read in several stripes: rows, keywords, truth."""

import numpy as np
import pytest
from astropy.io import fits
from numpy.testing import assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal.framework import stripes
from jwst_cal.pipelines.detector1 import Detector1Pipeline
from jwst_cal.simulate import checks, striped
from jwst_cal.simulate.detectors import Window
from jwst_cal.simulate.exposures import simulate


def test_maps_are_those_of_the_rows_that_are_read():
    window = striped.windows("NRCA2", "SUB82STRIPE2_DHS")[0]
    whole = Window("NRCA2", "FULL")
    assert window.shape == (82, 2048)
    rows = window.layout.position[0]
    assert rows[[81, 80, 40, 39]].tolist() == [2047, 2047 - 1663, 2047, 2047 - 1785]
    for name in ("gain", "bias", "mask", "reference", "dark", "kind", "flaw", "saturation"):
        assert_array_equal(getattr(window, name), getattr(whole, name)[rows], err_msg=name)
    assert_array_equal(window.output, whole.output)
    assert window.reference[[40, 81]].all()


def test_superstripes_share_the_detector():
    parts = striped.windows("NIS", "SUB680STRIPE_SOSS")
    together = striped.assemble("NIS", parts[0].subarray)
    assert [part.shape for part in parts] == [(256, 684)] * 3
    assert together.shape == (256, 2048)
    for part in parts:
        assert_array_equal(part.gain, together.gain[:, part.position])
    assert parts[0].position[0] == 2047 - 683
    assert parts[2].position[0] == 2047 - 2043


@pytest.mark.parametrize(("reftype", "shape"),
                         [("superbias", (2048, 64)), ("dark", (64, 64))])
def test_references_of_superstripes_cover_what_they_need(reftype, shape):
    assert striped.reference_window("NRCA1", "SUB64P_SUPSTP008", reftype).shape == shape
    assert striped.reference_window("NRCA1", "SUB41STRIPE1_DHS", reftype).shape == (41, 2048)
    assert striped.reference_window("NRCA1", "SUB64P", reftype).shape == (64, 64)


@pytest.mark.parametrize(("subarray", "n_ints"), [("SUB41STRIPE1_DHS", 2),
                                                  ("SUB64P_SUPSTP032", 4)])
def test_keywords_tell_the_layout(tmp_path, subarray, n_ints):
    exposure = simulate("NIRCAM", subarray, n_ints=2, n_groups=2)
    path = exposure.write(tmp_path)
    with datamodels.open(path) as model:
        assert type(model) is datamodels.Level1bModel
        assert model.meta.exposure.nints == len(model.int_times) == len(model.data) == n_ints
        assert_array_equal(stripes.layout(model).position, exposure.window.layout.position)
    with fits.open(path) as file:
        assert {"MSTR_RD1", "MSTR_SK2", "SSTR_NST"} <= set(file[0].header)


def fitted(tmp_path, *args, **options):
    exposure = simulate(*args, **options)
    rate = Detector1Pipeline.call(str(exposure.write(tmp_path)), output_dir=str(tmp_path))
    return rate, exposure.truth


@pytest.mark.parametrize(("instrument", "subarray", "shape", "light"), [
    ("NIRCAM", "SUB41STRIPE1_DHS", (41, 2048), 2000.0),
    ("NIRCAM", "SUB64P_SUPSTP032", (64, 64), 2e4),
    ("NIRISS", "SUB680STRIPE_SOSS", (256, 2048), 500.0),
])
def test_stage_1_recovers_the_truth(tmp_path, instrument, subarray, shape, light):
    rate, truth = fitted(tmp_path, instrument, subarray, n_groups=6, light=light, seed=4,
                         cosmic_ray_rate=30.0)
    assert rate.data.shape == truth.rate.shape == shape
    if truth.light_curve is not None:
        truth.rate *= np.float32(truth.light_curve.mean())
    found = checks.check_rate(rate.data, rate.err, rate.dq, truth)
    assert found.n_pixels > 0.8 * truth.good.sum()
    assert abs(found.pull_median) < 0.3  # few reference pixels: the drift is not all taken off
    assert found.pull_sigma == pytest.approx(1.0, abs=0.1)
    assert abs(found.bias) < 0.01 * found.true_median


def test_light_and_jumps_of_superstripes_are_where_they_fall(tmp_path):
    light = np.zeros((64, 64), np.float32)
    light[20, 30] = light[33, 31] = 2e4
    exposure = simulate("NIRCAM", "SUB64P_SUPSTP032", n_ints=2, n_groups=3, light=light,
                        cosmic_ray_rate=0.0)
    ramp = exposure.data.astype(float)
    rise = ramp[:, 2] - ramp[:, 0]
    assert np.argwhere(rise > 100).tolist() == [[0, 21, 30], [1, 2, 31], [2, 21, 30], [3, 2, 31]]
    exposure = simulate("NIRCAM", "SUB64P_SUPSTP032", n_ints=2, n_groups=3, light=0.0, seed=3,
                        cosmic_ray_rate=3000.0)
    jumps = exposure.truth.jumps
    jumps = jumps[(jumps["group"] == 1) & (jumps["dn"] > 500) & (jumps["share"] == 1)]
    assert len(jumps) > 3
    for jump in jumps:
        superstripe, row = divmod(int(jump["row"]), 32)
        ramp = exposure.data[2 * jump["integration"] + superstripe, :, 1 + row, jump["col"]]
        step = float(ramp[1]) - float(ramp[0])
        assert step == pytest.approx(jump["dn"], rel=0.1, abs=60) or step > jump["dn"]
