"""Photom: the right row, units, time, pixel areas, undoing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels as dm

from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.response import _time_dependence
from jwst_cal.response.photom import PhotomStep
from tests import images


@pytest.fixture(scope="module", params=images.KINDS)
def instrument(request, tmp_path_factory):
    return request.param, images.references(request.param, tmp_path_factory.mktemp("references"))


def run(science, photom, area="N/A", **parameters):
    return PhotomStep(override_photom=photom, override_area=area, **parameters).run(science)


def nircam_photom(rows, names=("filter", "pupil", "photmjsr", "uncertainty")):
    model = dm.NrcImgPhotomModel()
    kinds = {"filter": "S12", "pupil": "S15", "subarray": "S15"}
    model.phot_table = np.array(rows, dtype=[(n, kinds.get(n, "f4")) for n in names])
    return model


def test_every_instrument(instrument):
    name, paths = instrument
    science = images.image(name)
    result = run(science, paths["photom"], paths["area"], apply_time_correction=False)
    factor = np.float32(0.6)
    good = ~np.isnan(result.data)
    assert_array_equal(result.data[good], (science.data * factor)[good])
    assert_array_equal(result.err[good], (science.err * factor)[good])
    assert_array_equal(result.var_rnoise[good], (science.var_rnoise * (factor * factor))[good])
    meta = result.meta
    assert meta.bunit_data == meta.bunit_err == "MJy/sr"
    assert meta.photometry.conversion_megajanskys == pytest.approx(0.6, rel=1e-6)
    assert meta.photometry.conversion_microjanskys == pytest.approx(0.6 * 23.5045, rel=1e-5)
    assert meta.photometry.pixelarea_steradians == pytest.approx(2.2e-14)
    x, y = (corner - 1 for corner in images.CORNER)
    with dm.open(paths["area"]) as area:
        assert_array_equal(result.area, area.data[y:y + 96, x:x + 128])


def test_areas_of_the_photom_file_where_there_is_no_map(instrument):
    name, paths = instrument
    result = run(images.image(name), paths["photom"])
    assert result.meta.photometry.pixelarea_steradians == pytest.approx(2.3e-14)


def test_throughput_is_lost_with_time(tmp_path):
    paths = images.references("MIRI", tmp_path)
    science = images.image("MIRI")
    now, always = (run(science, paths["photom"], apply_time_correction=on) for on in (True, False))
    days = science.meta.exposure.mid_time - 59800
    loss = 0.9 * ((days + 250) / (365 + 250)) ** -0.1
    ratio = now.meta.photometry.conversion_megajanskys / (
        always.meta.photometry.conversion_megajanskys)
    assert ratio == pytest.approx(1 / loss, rel=1e-6)


@pytest.mark.parametrize(("law", "row", "expected"), [
    ("linear", (59800.0, 0.02), 1 - 0.02 * 500 / 365),
    ("exponential", (59800.0, 0.3, 200.0, 0.7), 0.3 * np.exp(-2.5) + 0.7),
    ("powerlaw", (59800.0, 0.9, 250.0, -0.1), 0.9 * (750 / 615) ** -0.1),
])
def test_laws(law, row, expected):
    model = dm.FgsImgPhotomModel()
    model.phot_table = np.array([(0.6, 0.1)], model.get_dtype("phot_table"))
    name = f"timecoeff_{law}"
    setattr(model, name, np.array([row], model.get_dtype(name)))
    assert_allclose(_time_dependence.factors(model, 60300.0), expected, rtol=1e-6)


def test_a_time_table_of_another_length():
    model = nircam_photom([("F200W", "CLEAR", 0.6, 0.1)])
    dtype = model.get_dtype("timecoeff_linear")
    rows = np.zeros(2, dtype)
    model.timecoeff_linear = rows
    with pytest.raises(ReferenceFileError, match="timecoeff_linear has 2 rows, phot_table 1"):
        run(images.image(), model)


def test_the_subarray_counts_where_the_table_has_one():
    names = ("filter", "pupil", "subarray", "photmjsr", "uncertainty")
    model = nircam_photom([("F200W", "CLEAR", "FULL", 9.0, 0.1),
                           ("F200W", "CLEAR", "SUB256", 0.5, 0.1)], names)
    assert run(images.image(), model).meta.photometry.conversion_megajanskys == 0.5


def test_miri_falls_back_to_the_generic_row(tmp_path):
    paths = images.references("MIRI", tmp_path)
    science = images.image("MIRI")
    science.meta.subarray.name = "SUB128"
    result = run(science, paths["photom"])
    assert result.meta.photometry.conversion_megajanskys == pytest.approx(9.0)


def test_undone():
    model = nircam_photom([("F200W", "CLEAR", 0.6, 0.1)])
    science = images.image()
    back = run(run(science, model), model, inverse=True)
    good = ~np.isnan(back.data)
    assert_allclose(back.data[good], science.data[good], rtol=1e-6)
    assert back.meta.bunit_data == "DN/s"


def test_no_row_leaves_the_rates(caplog):
    science = images.image()
    science.meta.instrument.filter = "F070W"
    result = run(science, nircam_photom([("F200W", "CLEAR", 0.6, 0.1)]))
    assert "no row for filter F070W, pupil CLEAR" in caplog.text
    assert_array_equal(result.data, science.data)
    assert result.meta.bunit_data != "MJy/sr"


def test_two_rows_are_refused():
    model = nircam_photom([("F200W", "CLEAR", 0.6, 0.1)] * 2)
    with pytest.raises(ReferenceFileError, match="2 rows for filter F200W, pupil CLEAR"):
        run(images.image(), model)


def test_a_file_without_the_table():
    model = dm.NrcImgPhotomModel()
    model.meta.filename = "other.fits"
    with pytest.raises(ReferenceFileError, match=r"other.fits: no table of photometry \(PHOTOM\)"):
        run(images.image(), model)


@pytest.mark.parametrize("why", ["no reference", "ramp", "NIRISS cube"])
def test_skipped(why, small_ramp):
    science = {"ramp": small_ramp, "NIRISS cube": images.image("NIRISS", n_ints=2)}.get(
        why, images.image())
    photom = "N/A" if why == "no reference" else nircam_photom([("F200W", "CLEAR", 0.6, 0.1)])
    assert run(science, photom).meta.cal_step.photom == "SKIPPED"


def test_spectra_are_refused():
    science = images.image()
    science.meta.exposure.type = "NRC_WFSS"
    with pytest.raises(InputError, match="EXP_TYPE=NRC_WFSS"):
        run(science, nircam_photom([("F200W", "CLEAR", 0.6, 0.1)]))
