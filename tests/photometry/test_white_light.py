"""White light: fluxes, times and columns of light curves of spectra."""

import numpy as np
import pytest
from astropy import units
from astropy.table import QTable
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.photometry import WhiteLightStep, _light_curves
from tests.spectral_series import ranges, spectra

ORDERS = [(1, None), (2, None)]


def light_curve(model, **parameters):
    return WhiteLightStep.call(model, **{"override_wavelengthrange": "N/A", **parameters})


def total(spec, low=0.0, high=9.0):
    inside = (spec.spec_table["WAVELENGTH"] >= low) & (spec.spec_table["WAVELENGTH"] <= high)
    return np.nansum(np.where(inside, spec.spec_table["FLUX"], 0), axis=1)


def test_one_order_has_plain_columns_and_the_header():
    model = spectra("NRC_TSGRISM", [(1, None)])
    table = light_curve(model)
    assert isinstance(table, QTable)
    assert list(table.columns) == ["MJD_UTC", "BJD_TDB", "whitelight_flux"]
    assert table["whitelight_flux"].unit == units.MJy
    assert np.allclose(table["whitelight_flux"].value, total(model.spec[0]))
    assert np.array_equal(table["MJD_UTC"], model.spec[0].spec_table["MJD-AVG"])
    assert np.array_equal(table["BJD_TDB"], model.spec[0].spec_table["TDB-MID"])
    assert table.meta == {"instrument": "NIRCAM", "exp_type": "NRC_TSGRISM",
                          "subarray": "SUBSTRIP256", "filter": "F444W", "pupil": "GRISMR",
                          "target_name": "a star"}


def test_flux_without_a_unit():
    table = light_curve(spectra("NRC_TSGRISM", [(1, None)], unit=None))
    assert table["whitelight_flux"].unit is None


def test_each_order_counts_its_own_wavelengths():
    model = spectra("NIS_SOSS", ORDERS)
    table = light_curve(model, override_wavelengthrange=ranges())
    for spec, low, high in zip(model.spec, (0.93, 0.64), (2.82, 0.83), strict=True):
        found = table[f"whitelight_flux_order_{spec.spectral_order}"].value
        assert np.allclose(found, total(spec, low, high))
    assert not np.isclose(total(model.spec[1], 0.64, 0.83), total(model.spec[1], 0.93, 2.8)).any()


def test_parameters_win_over_the_reference():
    model = spectra("NIS_SOSS", ORDERS)
    below = light_curve(model, override_wavelengthrange=ranges(), max_wavelength=0.8)
    assert np.array_equal(below["whitelight_flux_order_1"].value, np.zeros(5))
    assert np.allclose(below["whitelight_flux_order_2"].value, total(model.spec[1], 0.64, 0.8))
    both = light_curve(model, override_wavelengthrange=ranges(), min_wavelength=1.0,
                       max_wavelength=1.5)
    for spec in model.spec:
        assert np.allclose(both[f"whitelight_flux_order_{spec.spectral_order}"].value,
                           total(spec, 1.0, 1.5))


def test_reference_is_of_soss_only():
    model = spectra("NRC_TSGRISM", [(1, None)])
    table = light_curve(model, override_wavelengthrange="no-such-file.asdf")
    assert np.allclose(table["whitelight_flux"].value, total(model.spec[0]))


def test_all_wavelengths_without_a_reference(caplog):
    model = spectra("NIS_SOSS", [(1, None)])
    table = light_curve(model)
    assert "No WAVELENGTHRANGE reference" in caplog.text
    assert np.allclose(table["whitelight_flux"].value, total(model.spec[0]))


@pytest.mark.parametrize("rows", [[(2, "CLEAR", 0.6, 0.8)], [(1, "CLEAR", 0.6, 0.8)] * 2,
                                  [(1, "F277W", 2.4, 2.8)]])
def test_reference_without_one_range_for_an_order_is_refused(rows):
    with pytest.raises(ReferenceFileError, match="ranges of wavelength of order 1, filter CLEAR"):
        light_curve(spectra("NIS_SOSS", [(1, None)]), override_wavelengthrange=ranges(rows))


def test_detectors_of_nirspec_have_their_own_times():
    model = spectra("NRS_BRIGHTOBJ", [(1, "NRS1"), (1, "NRS2")])
    model.spec[0].spec_table["MJD-AVG"][1] = np.nan
    model.spec[1].spec_table["MJD-AVG"][2] += 0.002
    table = light_curve(model)
    assert list(table.columns) == [
        "MJD_UTC_NRS1", "BJD_TDB_NRS1", "whitelight_flux_NRS1",
        "MJD_UTC_NRS2", "BJD_TDB_NRS2", "whitelight_flux_NRS2"]
    first = [0, 2, 3, 4]
    assert np.allclose(table["whitelight_flux_NRS1"].value,
                       [*total(model.spec[0])[first], np.nan], equal_nan=True)
    assert np.allclose(table["BJD_TDB_NRS1"],
                       [*model.spec[0].spec_table["TDB-MID"][first], np.nan], equal_nan=True)
    assert np.allclose(table["MJD_UTC_NRS2"], model.spec[1].spec_table["MJD-AVG"])
    assert np.allclose(table["whitelight_flux_NRS2"].value, total(model.spec[1]))


def test_one_detector_of_nirspec_is_named():
    table = light_curve(spectra("NRS_BRIGHTOBJ", [(1, "NRS1")]))
    assert list(table.columns) == ["MJD_UTC_NRS1", "BJD_TDB_NRS1", "whitelight_flux_NRS1"]


def test_times_of_either_order_share_rows(caplog):
    model = spectra("NIS_SOSS", ORDERS)
    model.spec[0].spec_table["MJD-AVG"][2] = np.nan
    model.spec[1].spec_table["MJD-AVG"][4] = model.spec[1].spec_table["MJD-AVG"][3]
    table = light_curve(model)
    assert "Order 1: left out 1 of 5 spectra" in caplog.text
    assert "Order 2: left out 1 of 5 spectra" in caplog.text
    assert np.isnan(table["whitelight_flux_order_1"].value).tolist() == [0, 0, 1, 0, 0]
    assert np.isnan(table["whitelight_flux_order_2"].value).tolist() == [0, 0, 0, 0, 1]


def test_segments_in_any_order_of_time():
    model = spectra("NRC_TSGRISM", [(1, None), (1, None)])
    model.spec[0].spec_table["MJD-AVG"] += 1
    table = light_curve(model)
    assert (np.diff(table["MJD_UTC"]) > 0).all()
    assert np.allclose(table["whitelight_flux"].value,
                       [*total(model.spec[1]), *total(model.spec[0])])


def test_the_same_segment_twice_counts_once():
    model = spectra("NRC_TSGRISM", [(1, None), (1, None)])
    table = light_curve(model)
    assert np.allclose(table["whitelight_flux"].value, total(model.spec[0]))


def test_the_input_is_not_changed():
    model = spectra("NRC_TSGRISM", [(1, None)])
    model.spec[0].spec_table["MJD-AVG"][3] = model.spec[0].spec_table["MJD-AVG"][1]
    before = model.spec[0].spec_table["MJD-AVG"].copy()
    light_curve(model)
    assert np.array_equal(model.spec[0].spec_table["MJD-AVG"], before)


def test_no_spectra_no_table(caplog):
    assert light_curve(spectra("NIS_SOSS", [])) is None
    assert "no spectra" in caplog.text


def test_other_models_are_refused(small_ramp):
    with pytest.raises(InputError, match="takes TSOMultiSpecModel, this is RampModel"):
        light_curve(small_ramp)


def test_saved_from_a_file(tmp_path):
    path = tmp_path / "jw00001001001_04101_00001_nis_x1dints.fits"
    model = spectra("NIS_SOSS", ORDERS, unit="Jy")
    model.save(path)
    table = WhiteLightStep.call(str(path), save_results=True, output_dir=str(tmp_path),
                                override_wavelengthrange="N/A")
    saved = QTable.read(tmp_path / "jw00001001001_04101_00001_nis_whtlt.ecsv")
    assert list(saved.columns) == list(table.columns)
    assert saved["whitelight_flux_order_2"].unit == units.Jy
    for name in table.columns:
        assert np.array_equal(saved[name], table[name])
    assert dict(saved.meta) == table.meta


times = arrays.arrays(np.float64, st.integers(0, 6), elements=st.one_of(
    st.integers(0, 4).map(float), st.just(np.nan)))


@given(st.lists(st.tuples(st.sampled_from((1, 2)), st.sampled_from(("A", "B")), times),
                max_size=5))
def test_every_flux_stands_beside_its_time(parts):
    """The flux tells order, detector and time."""
    curves = []
    for order, detector, mjd in parts:
        mjd = mjd[_light_curves.first_of_each_time(mjd)]
        curves.append(_light_curves.Curve(order, detector, mjd, mjd + 0.5,
                                          1000 * order + mjd + (500 if detector == "B" else 0)))
    found = _light_curves.columns(curves)
    two_detectors, two_orders = (len({part[i] for part in parts}) > 1 for i in (1, 0))
    for order, detector in {part[:2] for part in parts}:
        end = f"_{detector}" if two_detectors else ""
        flux = found["whitelight_flux" + (f"_order_{order}" if two_orders else "") + end]
        mjd = found[f"MJD_UTC{end}"]
        expected = np.unique(np.concatenate([c.mjd for c in curves
                                             if (c.order, c.detector) == (order, detector)]))
        there = ~np.isnan(flux)
        assert np.array_equal(mjd[there], expected)
        assert np.array_equal(found[f"BJD_TDB{end}"][there], expected + 0.5)
        assert np.array_equal(flux[there],
                              1000 * order + expected + (500 if detector == "B" else 0))
