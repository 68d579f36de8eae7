"""The sky and the traces of NIRISS SOSS beside the official package."""

import numpy as np
import pytest
from stdatamodels.jwst import datamodels

from jwst_cal.background.bkg_subtract import BackgroundStep
from jwst_cal.spectroscopy import _soss_traces
from tests import soss
from tests.parity import compare, oracle, setup, soss_maps

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

#: Shape and parameters.
SKIES = {
    "rate": ((256, 2048), {}),
    "rateints": ((2, 256, 2048), {"soss_source_percentile": 50.0}),
    "substrip96": ((3, 96, 2048), {"soss_bkg_percentile": [10.0, 60.0]}),
    "other-size": ((128, 2048), {}),
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Exposures by name, and the reference."""
    folder = tmp_path_factory.mktemp("exposures")
    rng = np.random.default_rng(6)
    names = {}
    for name, (shape, _) in SKIES.items():
        data = (soss.scene(0, shape[-2:]) + rng.normal(0, 0.3, shape)).astype(np.float32)
        data[rng.random(shape) < 0.01] = np.nan
        kind = datamodels.ImageModel if len(shape) == 2 else datamodels.CubeModel
        model = kind(data=data, err=np.ones(shape, np.float32),
                     dq=rng.choice(np.array([0, 1, 2147483648, 4], "u4"), shape,
                                   p=[0.9, 0.05, 0.02, 0.03]))
        meta = model.meta
        meta.telescope, meta.instrument.name, meta.instrument.detector = "JWST", "NIRISS", "NIS"
        meta.exposure.type, meta.subarray.name = "NIS_SOSS", "SUBSTRIP256"
        meta.observation.date, meta.observation.time = "2026-01-02", "00:00:00.000"
        names[name] = folder / f"jw00001001001_04101_00001_{name}_nis_rate.fits"
        model.save(names[name])
    reference = folder / "jwst_niriss_bkg_0001.fits"
    datamodels.SossBkgModel(data=soss.templates()).save(reference)
    return names, str(reference)


@pytest.fixture(scope="module")
def official(inputs, tmp_path_factory):
    names, reference = inputs
    folder = tmp_path_factory.mktemp("official")
    oracle.run_steps(folder, [
        ("jwst.background.BackgroundStep", [names[name]], folder,
         {**parameters, "override_bkg": reference, "override_wavelengthrange": "N/A",
          "suffix": "bsub"})
        for name, (_, parameters) in SKIES.items()])
    return folder


@pytest.mark.parametrize("name", SKIES)
def test_the_same_sky_is_subtracted(name, inputs, official, tmp_path):
    names, reference = inputs
    ours = BackgroundStep.call(str(names[name]), override_bkg=reference, save_results=True,
                               output_dir=str(tmp_path), suffix="bsub", **SKIES[name][1])
    (mine,) = tmp_path.iterdir()
    theirs = official / mine.name
    assert ours.meta.cal_step.bkg_subtract == ("SKIPPED" if name == "other-size" else "COMPLETE")
    assert [d for d in compare.files(mine, theirs, 0.0) if d.bad] == []
    assert compare.headers(mine, theirs, (*compare.ALLOWED, "CRDS_CTX", "CRDS_VER"),
                           absent=("CRDS_CTX", "CRDS_VER", "R_BKG")) == []


ANGLES, SUBARRAYS, ORDERS = (245.76, 245.9, 245.6), ("SUBSTRIP256", "SUBSTRIP96"), (1, 2)


@pytest.fixture(scope="module")
def official_maps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    oracle.run_program(folder, soss_maps, {
        "angles": ANGLES, "subarrays": SUBARRAYS, "orders": ORDERS,
        "result": str(folder / "found.npz")})
    return np.load(folder / "found.npz")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("subarray", SUBARRAYS)
@pytest.mark.parametrize("angle", ANGLES)
def test_traces_and_wavelengths_are_the_same(angle, subarray, order, official_maps):
    exposure = datamodels.ImageModel()
    exposure.meta.instrument.pupil_position = angle
    exposure.meta.subarray.name = subarray
    traces = _soss_traces.Traces.of(soss.traces(2048), exposure, "the reference")
    points, followed, wavelengths = (official_maps[f"{subarray}_{angle}_{order}_{what}"]
                                     for what in ("points", "followed", "map"))
    np.testing.assert_allclose(traces.points(order), points, rtol=1e-12)
    np.testing.assert_allclose(traces.followed(order), followed, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(traces.wavelength_map(order, wavelengths.shape), wavelengths,
                               rtol=1e-9)
