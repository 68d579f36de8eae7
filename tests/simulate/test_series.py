"""Time series of images: segments, truth, and what the pipeline makes of them."""

import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.errors import ParameterError
from jwst_cal.simulate import series


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return series.time_series(tmp_path_factory.mktemp("series"), n_ints=7, n_groups=3, seed=4)


def test_files(made):
    assert [path.name for path in made.exposures] == [
        f"jw01234001001_02101_00001-seg00{k}_nrcb1_uncal.fits" for k in (1, 2)]
    level2, level3 = (json.loads(path.read_text()) for path in (made.level2, made.level3))
    assert (level2["asn_type"], level3["asn_type"]) == ("tso-image2", "tso3")
    assert [product["members"][0]["expname"][-14:] for product in level2["products"]] == [
        "_rateints.fits"] * 2
    (product,) = level3["products"]
    assert product["name"] == "jw01234-o001_t001_nircam_clear-f210m-sub64p"
    assert [member["expname"][-13:] for member in product["members"]] == ["_calints.fits"] * 2


def test_light_curve(made):
    table = Table.read(made.light_curve)
    assert_array_equal(table["integration"], np.arange(1, 8))
    assert_allclose(table["factor"].mean(), 1)
    assert table["factor"].min() < 0.995
    seen = np.concatenate([fits.getdata(path, "INT_TIMES") for path in made.exposures])
    assert_allclose(seen["int_mid_MJD_UTC"], table["mjd_mid"], rtol=0, atol=1e-8)
    header = fits.getheader(made.exposures[1], "SCI")
    assert_allclose((header["XREF_SCI"] - 1 - table["x"][0],
                     header["YREF_SCI"] - 1 - table["y"][0]), (-0.27, 0.18), atol=1e-4)


def test_photometry_finds_it(made, tmp_path, monkeypatch):
    from jwst_cal.photometry.tso_photometry import TSOPhotometryStep
    from jwst_cal.pipelines import Detector1Pipeline, Image2Pipeline

    monkeypatch.setenv("JWST_CAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("JWST_CAL_CRDS", "embedded")
    folder = made.level2.parent
    for path in made.exposures:
        Detector1Pipeline.call(str(path), save_results=True, output_dir=str(folder),
                               steps={"persistence": {"skip": True}})
    found = Image2Pipeline.call(str(made.level2))
    assert [type(one).__name__ for one in found] == ["CubeModel"] * 2
    curves = [TSOPhotometryStep.call(one, radius=8.0, radius_inner=10.0, radius_outer=14.0)
              for one in found]
    truth = Table.read(made.light_curve)
    flux = np.concatenate([curve["net_aperture_sum"].to_value("uJy") for curve in curves])
    ratio = flux / truth["flux_ujy"]
    assert_allclose(np.median(ratio), 0.975, atol=0.01)  # the rest of the light is outside
    assert np.std(ratio) < 0.01
    assert_allclose(np.concatenate([curve["MJD"] for curve in curves]), truth["mjd_mid"],
                    rtol=0, atol=1e-8)
    assert_allclose(curves[0]["centroid_x"][0].value, truth["x"][0], atol=0.05)
    assert_allclose(curves[0]["centroid_y"][0].value, truth["y"][0], atol=0.05)


@pytest.mark.parametrize("given", [{"n_segments": 0}, {"n_ints": 2, "n_segments": 3},
                                   {"field": (0, 100, 0)}])
def test_refused(tmp_path, given):
    with pytest.raises(ParameterError):
        series.time_series(tmp_path, **given)
