"""Cutouts: what is cut out, coordinates that begin in their corner, refusals."""

import numpy as np
import pytest
import spectra
import star_series
from astropy.modeling.models import Polynomial1D
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.errors import ExitStatus, InputError, ReferenceFileError
from jwst_cal.spectroscopy.extract_2d import Extract2dStep

pytestmark = pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning")
GRISM, SLIT = star_series.KINDS


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    """Series of both kinds with coordinates, and their references."""
    found = {}
    for kind in star_series.KINDS:
        paths = star_series.references(kind, tmp_path_factory.mktemp(kind))
        given = spectra.overrides(paths, AssignWcsStep.reference_file_types)
        found[kind] = AssignWcsStep(**given).run(star_series.rates(kind)), paths
    return found


@pytest.fixture(scope="module")
def slits(tmp_path_factory):
    """A full frame of fixed slits with coordinates."""
    paths = spectra.references(tmp_path_factory.mktemp("slits"))
    given = spectra.overrides(paths, AssignWcsStep.reference_file_types)
    exposure = spectra.exposure(fixed_slit="S400A1")
    exposure.meta.dither.x_offset, exposure.meta.dither.y_offset = 0.1, -0.2
    return AssignWcsStep(**given).run(exposure)


def cut(model, paths=None, **parameters):
    given = spectra.overrides(paths or {}, Extract2dStep.reference_file_types)
    return Extract2dStep(**given, **parameters).run(model)


def test_the_grism_s_rows(placed):
    model, paths = placed[GRISM]
    slit = cut(model, paths, tsgrism_extract_height=50)
    assert type(slit).__name__ == "SlitModel"
    assert_array_equal(slit.data, model.data[:, :50])
    assert (slit.xstart, slit.ystart, slit.xsize, slit.ysize) == (1, 1, 256, 50)
    assert (slit.source_ypos, slit.source_name, slit.source_type) == (34, "a star", "POINT")
    assert_array_equal(slit.int_times, model.int_times)
    assert slit.meta.cal_step.extract_2d == "COMPLETE"
    assert model.data.shape == (4, 80, 256)


def test_the_grism_s_wavelengths(placed):
    """Linear, from the place of the star; at the barycentre."""
    model, paths = placed[GRISM]
    slit = cut(model, paths)
    columns = np.arange(256)
    low, high = star_series.REACH
    t = (columns - star_series.GRISM_STAR[0] - low) / (high - low)
    expected = (star_series.RANGE[0] + t * np.diff(star_series.RANGE)) / (1 + 12345.6 / 299792458)
    assert_allclose(slit.wavelength, np.tile(expected, (64, 1)), rtol=1e-6)
    back = slit.meta.wcs.invert(*slit.meta.wcs(100.0, 30.0))
    assert_allclose(back[0], 100.0, atol=1e-6)


def test_a_series_read_from_a_file(placed, tmp_path):
    model, paths = placed[GRISM]
    model.save(tmp_path / "jw_rateints.fits")
    expected = cut(model, paths).wavelength
    assert_array_equal(cut(str(tmp_path / "jw_rateints.fits"), paths).wavelength, expected)


def test_a_bent_dispersion_read_from_a_file(placed, tmp_path):
    """A file does not keep the inverse, without which the wavelengths would be wrong."""
    paths, bent = placed[GRISM][1], star_series.dispersion()
    bent.dispx = [Polynomial1D(2, c0=-100.0, c1=200.0, c2=10.0)]
    given = spectra.overrides(paths, AssignWcsStep.reference_file_types)
    model = AssignWcsStep(**given | {"override_specwcs": bent}).run(star_series.rates(GRISM))
    cut(model, paths)
    model.save(tmp_path / "jw_rateints.fits")
    with pytest.raises(InputError, match="read from a file, without the inverse of the disp"):
        cut(str(tmp_path / "jw_rateints.fits"), paths)


def test_the_slit_of_bright_objects(placed):
    model, _ = placed[SLIT]
    slit = cut(model)
    assert (slit.name, slit.shutter_id, slit.source_id) == ("S1600A1", 3, 1)
    rows, columns = (slice(start - 1, start - 1 + size) for start, size in (
        (slit.ystart, slit.ysize), (slit.xstart, slit.xsize)))
    assert_array_equal(slit.data, model.data[:, rows, columns])
    x, y = 200.0, 12.0
    whole = model.meta.wcs(x + slit.xstart - 1, y + slit.ystart - 1, -104)
    assert_allclose(slit.meta.wcs(x, y), whole[:3], rtol=1e-12)
    assert_allclose(slit.wavelength[12, 200], whole[2], rtol=1e-6)
    assert np.isnan(slit.wavelength).any()


def test_the_source_is_where_the_dither_put_it(placed):
    """Offsets of 0.02 and 0.11 arcsec, of a slit of 6.3e-4 m, 1.6 arcsec."""
    slit = cut(placed[SLIT][0])
    away = np.hypot(slit.source_xpos, slit.source_ypos)
    assert_allclose(away, np.hypot(0.02, 0.11) / (6.3e-4 / spectra.optics.ARCSEC), rtol=0.02)


def test_every_slit_is_cut_out(slits):
    product = cut(slits)
    assert [slit.name for slit in product.slits] == list(spectra.optics.FIXED_SLITS[:4])
    assert type(product).__name__ == "MultiSlitModel"
    for slit in product.slits:
        rows, columns = (slice(start - 1, start - 1 + size) for start, size in (
            (slit.ystart, slit.ysize), (slit.xstart, slit.xsize)))
        assert_array_equal(slit.data, slits.data[rows, columns])
        assert (slit.source_xpos != 0.0) == (slit.name == "S400A1")
        assert "POLYGON" in slit.meta.wcsinfo.s_region


def test_slits_by_name_and_by_source(slits, caplog):
    product = cut(slits, slit_names=["S200A2", "S9"], source_ids="1")
    assert [slit.name for slit in product.slits] == ["S200A2", "S400A1"]
    assert "No open slit has the name S9" in caplog.text
    with pytest.raises(ExitStatus, match="none of the wanted slits") as told:
        cut(slits, slit_names="S9")
    assert told.value.status == 64


def test_shutters_tell_of_their_sources(tmp_path):
    paths = spectra.references(tmp_path)
    model = spectra.exposure("NRS_MSASPEC")
    model.meta.instrument.msa_metadata_id = 7
    model.meta.instrument.msa_metadata_file = str(
        tmp_path / spectra.opened_shutters(tmp_path, {1: (3, 228, 29, 31, 1)}, "S400A1"))
    given = spectra.overrides(paths, AssignWcsStep.reference_file_types)
    product = cut(AssignWcsStep(**given).run(model))
    shutter, fixed = product.slits
    assert (shutter.name, shutter.slitlet_id, shutter.source_name) == ("1", 1, "1234_1")
    assert (shutter.quadrant, shutter.xcen, shutter.shutter_state) == (3, 228, "1x1")
    assert (fixed.name, fixed.slitlet_id) == ("S400A1", 2)


def test_images_are_skipped():
    model = datamodels.ImageModel((8, 8))
    model.meta.exposure.type = "NRC_IMAGE"
    assert cut(model).meta.cal_step.extract_2d == "SKIPPED"


def test_wide_fields_are_refused():
    model = datamodels.ImageModel((8, 8))
    model.meta.exposure.type = "NRC_WFSS"
    with pytest.raises(InputError, match="EXP_TYPE=NRC_WFSS; this release"):
        cut(model)


def test_coordinates_are_needed(placed, caplog):
    with pytest.raises(InputError, match=r"rateints.fits: no coordinates \(WCS\)"):
        cut(star_series.rates(GRISM), placed[GRISM][1])
    assert cut(star_series.rates(SLIT)).meta.cal_step.extract_2d == "SKIPPED"
    assert "assign_wcs was skipped" in caplog.text


@pytest.mark.parametrize(("parameters", "message"), [
    ({"tsgrism_extract_height": 0}, "tsgrism_extract_height=0"),
    ({"extract_orders": [1, 2]}, "no range of wavelengths of the filter F322W2 in order 2"),
])
def test_parameters_of_the_grism(parameters, message, placed):
    model, paths = placed[GRISM]
    with pytest.raises((InputError, ReferenceFileError), match=message):
        cut(model, paths, **parameters)


def test_a_reference_of_another_mode(placed, tmp_path):
    model, _ = placed[GRISM]
    with pytest.raises(ReferenceFileError, match="no WAVELENGTHRANGE reference"):
        cut(model)
    other = spectra.references(tmp_path)["wavelengthrange"]
    with pytest.raises(ReferenceFileError, match=r"of NIRSPEC, .* where one of NIRCAM"):
        cut(model, {"wavelengthrange": other})
