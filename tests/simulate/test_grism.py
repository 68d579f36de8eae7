"""Simulated grism time series: their references lead from the embedded rules to the light curve."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.simulate import cache
from jwst_cal.simulate.exposures import simulate
from jwst_cal.simulate.scenes import spectra, transit
from jwst_cal.spectroscopy.extract_1d import Extract1dStep
from jwst_cal.spectroscopy.extract_2d import Extract2dStep


@pytest.fixture(scope="module")
def rates(tmp_path_factory):
    """Count rates of a transit, with the header of a simulated exposure."""
    exposure = simulate("NIRCAM", "SUBGRISM64", detector="NRCALONG", n_ints=5, n_groups=1, seed=5)
    path = exposure.write(tmp_path_factory.mktemp("raw"))
    scene = spectra((64, 2048), 5, sky=2.0, stars=1, faintest=2e4, brightest=2e4, fwhm=2.2)
    light = transit(5)[:, np.newaxis, np.newaxis] * (scene - 2.0) + 2.0
    model = datamodels.CubeModel(data=light.astype(np.float32))
    model.err = np.ones_like(model.data)
    with datamodels.open(path) as raw:
        model.update(raw)
        model.int_times = raw.int_times
    return model


@pytest.mark.parametrize(("name", "model"), [
    ("jwst_nircam_specwcs_9241.asdf", datamodels.NIRCAMGrismModel),
    ("jwst_nircam_wavelengthrange_9001.asdf", datamodels.WavelengthrangeModel),
])
def test_references_are_valid(name, model):
    with model(cache.materialise(name), strict_validation=True) as reference:
        reference.validate()
        assert reference.meta.exposure.type == "NRC_TSGRISM"


def test_the_light_curve_is_that_of_the_transit(rates):
    placed = AssignWcsStep().run(rates)
    cutout = Extract2dStep().run(placed)
    columns = np.array([900, 1900])
    assert_allclose(cutout.wavelength[30, columns], 3.95 + 0.001 * (columns - 887), rtol=1e-6)
    result = Extract1dStep().run(cutout)
    table = result.spec[0].spec_table
    flux = np.nansum(table["FLUX"], axis=1)
    assert_allclose(flux / flux.mean(), transit(5), rtol=1e-5)
    assert_allclose(table["BACKGROUND"], 2.0, atol=0.2 * 2e4)
    assert (flux > 0.9 * (rates.data - 2).sum(axis=(1, 2))).all()
    assert result.meta.ref_file.extract1d.name == "crds://jwst_nircam_extract1d_9001.json"
