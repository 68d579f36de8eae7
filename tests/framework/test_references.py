"""References: opened at first use, cut to the subarray, closed."""

import gzip
import shutil

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal.errors import ReferenceFileError
from jwst_cal.framework.references import Reference, References, crop_to, open_reference


def _reference(model_class, shape, x=1, y=1, **arrays):
    model = model_class()
    rows, columns = shape[-2:]
    model.data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for name, array in arrays.items():
        setattr(model, name, array)
    model.meta.instrument.name = "NIRCAM"
    model.meta.subarray.xstart, model.meta.subarray.ystart = x, y
    model.meta.subarray.xsize, model.meta.subarray.ysize = columns, rows
    model.meta.description = model.meta.author = model.meta.reftype = "TEST"
    model.meta.pedigree, model.meta.useafter = "GROUND", "2020-01-01T00:00:00"
    return model


class TestCrop:
    """The small ramp has 6 rows from 5 and 8 columns from 3."""

    def test_cuts_primary_array_error_and_flags(self, small_ramp):
        shape = (20, 30)
        model = _reference(datamodels.SuperBiasModel, shape, dq=np.arange(600).reshape(shape),
                           err=np.arange(600.0).reshape(shape))
        cut = crop_to(small_ramp, model, "ref.fits")
        assert cut is not model
        assert model.data.shape == shape
        for name in ("data", "err", "dq"):
            array = getattr(cut, name)
            assert array.shape == (6, 8)
            assert array[0, 0] == 4 * 30 + 2
            assert array.dtype.isnative
            assert array.flags.c_contiguous
        assert (cut.meta.subarray.xstart, cut.meta.subarray.ystart) == (3, 5)
        assert (cut.meta.subarray.xsize, cut.meta.subarray.ysize) == (8, 6)

    def test_cuts_the_coefficients_of_the_linearity(self, small_ramp):
        coeffs = np.arange(3 * 20 * 30, dtype=np.float32).reshape(3, 20, 30)
        model = _reference(datamodels.LinearityModel, (20, 30), coeffs=coeffs, inv_coeffs=coeffs,
                           dq=np.zeros((20, 30), np.uint32))
        cut = crop_to(small_ramp, model, "ref.fits", in_place=True)
        assert cut is model
        assert cut.coeffs.shape == cut.inv_coeffs.shape == (3, 6, 8)
        assert cut.coeffs[1, 0, 0] == 600 + 4 * 30 + 2

    def test_same_window_is_used_as_it_is(self, small_ramp):
        model = _reference(datamodels.GainModel, (6, 8), x=3, y=5)
        assert crop_to(small_ramp, model, "ref.fits") is model

    def test_same_size_at_another_corner_is_refused(self, small_ramp):
        model = _reference(datamodels.GainModel, (6, 8), x=4, y=5)
        with pytest.raises(ReferenceFileError, match="does not cover"):
            crop_to(small_ramp, model, "ref.fits")

    def test_refusal_names_file_shapes_and_subarray(self, small_ramp):
        model = _reference(datamodels.GainModel, (9, 10))
        with pytest.raises(ReferenceFileError) as error:
            crop_to(small_ramp, model, "/refs/gain.fits")
        for part in ("/refs/gain.fits", "(9, 10)", "(6, 8)", "SUB64", "SUBSTRT1=3",
                     "jw00001001001_02101_00001_nrca1_uncal.fits"):
            assert part in str(error.value)

    def test_actual_size_beats_the_keywords(self, small_ramp):
        model = _reference(datamodels.GainModel, (20, 30))
        model.meta.subarray.xsize = 2048
        small_ramp.meta.subarray.ysize = 64
        assert crop_to(small_ramp, model, "ref.fits").data.shape == (6, 8)

    def test_missing_corner_of_no_full_frame_is_refused(self, small_ramp):
        model = _reference(datamodels.GainModel, (20, 30))
        model.meta.subarray.xstart = None
        with pytest.raises(ReferenceFileError, match="is no full frame and SUBSTRT1"):
            crop_to(small_ramp, model, "ref.fits")

    def test_missing_corner_of_a_full_frame_is_one(self, small_ramp):
        model = _reference(datamodels.GainModel, (2048, 2048))
        model.meta.subarray.xstart = None
        assert crop_to(small_ramp, model, "ref.fits").data.shape == (6, 8)

    def test_corner_before_the_first_pixel_is_refused(self, small_ramp):
        model = _reference(datamodels.GainModel, (20, 30), x=0)
        with pytest.raises(ReferenceFileError, match="corners count from 1"):
            crop_to(small_ramp, model, "ref.fits")

    def test_arrays_of_different_shape_are_refused(self, small_ramp):
        model = _reference(datamodels.SuperBiasModel, (20, 30))
        model.dq = np.zeros((19, 30), np.uint32)
        with pytest.raises(ReferenceFileError, match=r"dq has shape \(19, 30\) where data has"):
            crop_to(small_ramp, model, "ref.fits")

    def test_interleaved_readout_needs_the_same_columns(self):
        science = datamodels.RampModel((1, 1, 3200, 2048))
        science.meta.subarray.xstart = science.meta.subarray.ystart = 1
        model = _reference(datamodels.GainModel, (30, 20))
        with pytest.raises(ReferenceFileError, match="does not cover"):
            crop_to(science, model, "ref.fits")

    def test_interleaved_readout_is_never_cut(self):
        science = datamodels.RampModel((1, 1, 3200, 2048))
        science.meta.subarray.xstart = science.meta.subarray.ystart = 1
        model = _reference(datamodels.GainModel, (2048, 2048))
        assert crop_to(science, model, "ref.fits") is model


class TestOpen:
    def test_missing_file(self, tmp_path):
        with pytest.raises(ReferenceFileError, match=r"gain.fits: the reference file does not"):
            open_reference(str(tmp_path / "gain.fits"), datamodels.GainModel)

    def test_text_file(self, tmp_path):
        path = tmp_path / "gain.fits"
        path.write_text("x" * 100)
        with pytest.raises(ReferenceFileError, match="cannot be read as a GainModel"):
            open_reference(str(path), datamodels.GainModel)

    def test_truncated_file(self, tmp_path):
        path = tmp_path / "gain.fits"
        _reference(datamodels.GainModel, (400, 400)).save(path)
        path.write_bytes(path.read_bytes()[:200000])
        with pytest.raises(ReferenceFileError, match="cannot be read as a GainModel"):
            open_reference(str(path), datamodels.GainModel)


def test_model_may_be_named():
    assert Reference("GainModel").model_class is datamodels.GainModel
    assert Reference(datamodels.GainModel).model_class is datamodels.GainModel


class TestMappedTable:
    """Large tables: mapped where they can be, read where not."""

    NAMES = tuple(f"{kind}_{k}" for kind in ("alpha", "beta") for k in range(4))

    @pytest.fixture
    def path(self, tmp_path, small_ramp):
        """A small file of the refpix type."""
        self.ramp = small_ramp
        rows = np.zeros(6, [(name, "f4") for name in self.NAMES])
        for k, name in enumerate(self.NAMES):
            rows[name] = k + np.arange(6) / 8
        flagged = np.array([(1, 2, 5)], [("OUTPUT", "u2"), ("ODD_EVEN", "u2"), ("MASK", "u4")])
        file = tmp_path / "refpix.fits"
        fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(rows, name="IRS2"),
                      fits.BinTableHDU(flagged, name="DQ")]).writeto(file)
        return file

    def open(self, path):
        class Step:
            references = {"refpix": Reference("IRS2Model", required=False)}
            _works_light = False

            def get_reference_file(self, *_):
                return str(path)

        return References(Step(), self.ramp).mapped_table("refpix", "irs2_table")

    def test_the_table_is_that_of_the_model(self, path):
        model, table, release = self.open(path)
        with datamodels.IRS2Model(path) as whole:
            for name in self.NAMES:
                np.testing.assert_array_equal(table[name], whole.irs2_table[name])
        assert model.dq_table["MASK"][0] == 5
        assert model.dq_table.dtype["MASK"] == np.uint32
        assert not table.flags.writeable
        release()
        np.testing.assert_array_equal(table["beta_3"], 7 + np.arange(6) / 8)

    def test_what_cannot_be_mapped_is_left_to_the_model(self, path, tmp_path):
        zipped = tmp_path / "refpix.fits.gz"
        with open(path, "rb") as source, gzip.open(zipped, "wb") as target:
            shutil.copyfileobj(source, target)
        model, table, release = self.open(zipped)
        assert release is None
        assert type(model) is datamodels.IRS2Model
        np.testing.assert_array_equal(table["beta_3"], 7 + np.arange(6) / 8)

    def test_a_file_that_ends_too_early(self, path):
        with fits.open(path) as hdus:
            begin = hdus["IRS2"].fileinfo()["datLoc"]
        path.write_bytes(path.read_bytes()[: begin + 100])
        with pytest.raises(ReferenceFileError, match=r"refpix\.fits: the file"):
            self.open(path)

    def test_no_fits_file(self, path):
        path.write_text("something else")
        with pytest.raises(ReferenceFileError, match=r"refpix\.fits: the file cannot be read"):
            self.open(path)

    def test_none_is_needed(self, path):
        assert self.open("N/A") is None
