"""NIRISS SOSS: exposures and references are of the same spectra and sky."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal.framework import reference_store
from jwst_cal.pipelines import Detector1Pipeline
from jwst_cal.simulate import exposures, soss
from jwst_cal.spectroscopy import _soss_traces


@pytest.fixture(scope="module")
def exposure(tmp_path_factory):
    made = exposures.simulate("NIRISS", "SUBSTRIP96", n_ints=3, n_groups=2, cosmic_ray_rate=0)
    return made.write(tmp_path_factory.mktemp("exposure"))


def reference(exposure, reftype, kind):
    path = reference_store.find(reference_store.header_of(exposure), reftype)
    return getattr(datamodels, kind)(path)


def test_traces_are_where_the_spectra_are(exposure):
    with datamodels.open(exposure) as ramp:
        counts = (ramp.data[:, -1].astype(float) - ramp.data[:, 0]).mean(axis=0)
        traces = _soss_traces.Traces.of(reference(exposure, "pastasoss", "PastasossModel"), ramp,
                                        "it")
    rows = traces.rows(1, 2048)
    assert_allclose(rows, soss.rows(1) - 10, atol=1e-3)
    for columns in (slice(600, 700), slice(1000, 1100), slice(1500, 1600)):
        profile = np.median(counts[:, columns], axis=1)
        profile -= np.percentile(profile, 20)
        bright = profile > profile.max() / 2
        centre = np.average(np.flatnonzero(bright), weights=profile[bright])
        assert centre == pytest.approx(rows[columns].mean(), abs=2)


def test_wavelengths_are_those_of_the_orders(exposure):
    with datamodels.open(exposure) as ramp:
        traces = _soss_traces.Traces.of(reference(exposure, "pastasoss", "PastasossModel"), ramp,
                                        "it")
    for number in soss.ORDERS:
        found = traces.wavelength_map(number, (96, 2048))
        assert_allclose(found[0], soss.wavelengths(number), rtol=1e-5)
    found = reference(exposure, "wavelengthrange", "WavelengthrangeModel").wavelengthrange
    assert [tuple(row) for row in found] == [(1, "CLEAR", 0.93, 2.82), (2, "CLEAR", 0.64, 0.83)]


def test_templates_are_skies(exposure):
    model = reference(exposure, "bkg", "SossBkgModel")
    assert_array_equal(model.data, soss.templates())
    assert model.meta.subarray.name == "SUBSTRIP256"


def test_the_small_strip_shows_the_middle_of_the_large_one():
    small, large = (exposures.simulate("NIRISS", subarray, n_ints=1, n_groups=1).truth.rate
                    for subarray in ("SUBSTRIP96", "SUBSTRIP256"))
    # the star of the small one is brighter
    ratio = small[:, 400] / large[10:106, 400]
    assert ratio[np.argmax(large[10:106, 400])] == pytest.approx(2500 / 900, rel=0.1)


def test_a_time_series_is_cleaned_with_embedded_references(exposure, tmp_path):
    step = {"skip": False, "background_method": "median_image", "save_background": True}
    result = Detector1Pipeline.call(str(exposure), output_dir=str(tmp_path),
                                    steps={"clean_flicker_noise": step})
    (rate, *_) = result if isinstance(result, tuple | list) else (result,)
    assert rate.meta.cal_step.clean_flicker_noise == "COMPLETE"
    assert list(tmp_path.glob("*_flicker_bkg.fits"))
