"""Opening exposures and saving products, the wrong inputs first of all."""

import os
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal import models
from jwst_cal.errors import InputError, OutputError
from jwst_cal.models import _files


class TestRefusals:
    """One line that names the file."""

    def expect_refusal(self, path, message):
        with pytest.raises(InputError, match=message) as error:
            models.open_exposure(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)

    def test_missing_file(self, tmp_path):
        self.expect_refusal(tmp_path / "none_uncal.fits", "no such file")

    def test_directory(self, tmp_path):
        self.expect_refusal(tmp_path, "is a directory")

    def test_empty_file(self, tmp_path):
        path = tmp_path / "empty.fits"
        path.touch()
        self.expect_refusal(path, "is empty")

    def test_text_file(self, tmp_path):
        path = tmp_path / "text.fits"
        path.write_text("no FITS here")
        self.expect_refusal(path, "neither a FITS nor an ASDF file")

    def test_unreadable_file(self, uncal_file):
        os.chmod(uncal_file, 0)
        if os.access(uncal_file, os.R_OK):
            pytest.skip("this user may read everything")
        self.expect_refusal(uncal_file, "cannot be read")

    @pytest.mark.parametrize("kept", [0.1, 0.5, 0.97])
    def test_truncated_file(self, uncal_file, kept):
        size = os.path.getsize(uncal_file)
        with open(uncal_file, "r+b") as file:
            file.truncate(int(kept * size))
        self.expect_refusal(uncal_file, ".")

    def test_fits_of_another_telescope(self, tmp_path):
        path = tmp_path / "hst.fits"
        fits.PrimaryHDU(np.zeros((3, 3))).writeto(path)
        self.expect_refusal(path, "no JWST exposure: no TELESCOP, INSTRUME, EXP_TYPE in its header")
        with fits.open(path, mode="update") as hdus:
            hdus[0].header.update(TELESCOP="HST", INSTRUME="ACS", EXP_TYPE="x")
        self.expect_refusal(path, "TELESCOP is 'HST'")

    def test_fits_without_science(self, uncal_file):
        with fits.open(uncal_file, mode="update") as hdus:
            del hdus["SCI"], hdus[0].header["DATAMODL"]
        self.expect_refusal(uncal_file, "no SCI extension")

    def test_broken_asdf(self, tmp_path):
        path = tmp_path / "broken.asdf"
        path.write_text("#ASDF 1.0.0\n%YAML 1.1\n--- {a: [\n...\n")
        self.expect_refusal(path, "cannot be read as an exposure")

    def test_header_of_a_missing_file(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            models.read_header(tmp_path / "none.fits")

    def test_open_of_a_missing_file(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            models.open(tmp_path / "none.fits")


class TestOpen:
    def test_raw_exposure_is_a_ramp(self, uncal_file):
        with models.open_exposure(uncal_file) as model:
            assert type(model) is datamodels.RampModel
            for name, dtype in (("data", "f4"), ("groupdq", "u1"), ("pixeldq", "u4")):
                array = getattr(model, name)
                assert array.dtype == np.dtype(dtype)
                assert array.dtype.isnative
                assert array.flags.writeable
                assert array.flags.c_contiguous

    def test_ramp_product_has_native_arrays(self, small_ramp, tmp_path):
        small_ramp.save(tmp_path / "x_ramp.fits")
        with models.open_exposure(tmp_path / "x_ramp.fits") as model:
            assert type(model) is datamodels.RampModel
            assert model.data.dtype.isnative
            assert model.pixeldq.dtype.isnative

    def test_guider_exposure(self, uncal_file):
        with fits.open(uncal_file, mode="update") as hdus:
            hdus[0].header["EXP_TYPE"] = "FGS_ACQ1"
            hdus[0].header["INSTRUME"] = "FGS"
        with models.open_exposure(uncal_file) as model:
            assert type(model) is datamodels.GuiderRawModel

    def test_superstripe_exposure(self, uncal_file):
        with fits.open(uncal_file, mode="update") as hdus:
            hdus[0].header["SSTR_NST"] = 1
        with models.open_exposure(uncal_file) as model:
            assert type(model) is datamodels.SuperstripeRampModel
            assert model.data.dtype == np.float32
            assert model.data[0, :, 0, 0].tolist() == [100, 200, 300]
            assert (model.pixeldq.shape, model.groupdq.shape) == ((1, 6, 8), (1, 3, 6, 8))
            assert not model.pixeldq.any()

    def test_old_file_without_model_name_is_a_ramp(self, uncal_file):
        with fits.open(uncal_file, mode="update") as hdus:
            del hdus[0].header["DATAMODL"]
        with models.open_exposure(uncal_file) as model:
            assert type(model) is datamodels.RampModel

    def test_rate_is_an_image(self, small_ramp, tmp_path):
        rate = datamodels.ImageModel(data=small_ramp.data[0, 0])
        rate.update(small_ramp)
        rate.save(tmp_path / "x_rate.fits")
        with models.open_exposure(tmp_path / "x_rate.fits") as model:
            assert type(model) is datamodels.ImageModel

    def test_header_has_dotted_names(self, uncal_file):
        header = models.read_header(uncal_file)
        assert header["meta.instrument.name"] == "NIRCAM"
        assert header["meta.exposure.ngroups"] == 3

    def test_names_of_the_data_models_are_here(self):
        assert models.RampModel is datamodels.RampModel
        assert "RampModel" in dir(models)
        with pytest.raises(AttributeError):
            _ = models.NoSuchModel


class TestSave:
    def test_file_name_is_recorded(self, small_ramp, tmp_path):
        path = models.save(small_ramp, tmp_path / "out.fits")
        assert fits.getheader(path)["FILENAME"] == "out.fits"
        assert os.listdir(tmp_path) == ["out.fits"]

    def test_failure_leaves_the_old_file(self, small_ramp, tmp_path, monkeypatch):
        path = tmp_path / "out.fits"
        path.write_text("old")

        def half(self, path, **options):
            with open(path, "w") as file:
                file.write("half")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(datamodels.RampModel, "save", half)
        with pytest.raises(OutputError, match=r"out.fits: cannot be written: the disk is full"):
            models.save(small_ramp, path)
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["out.fits"]

    def test_other_errors_leave_nothing_behind(self, small_ramp, tmp_path, monkeypatch):
        def broken(self, path, **options):
            open(path, "w").close()
            raise KeyError("x")

        monkeypatch.setattr(datamodels.RampModel, "save", broken)
        with pytest.raises(KeyError):
            models.save(small_ramp, tmp_path / "out.fits")
        assert os.listdir(tmp_path) == []

    def test_missing_folder(self, small_ramp, tmp_path):
        with pytest.raises(OutputError, match="the folder does not exist"):
            models.save(small_ramp, tmp_path / "none" / "out.fits")

    def test_folder_that_is_a_file(self, small_ramp, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match="cannot be written"):
            models.save(small_ramp, tmp_path / "file" / "out.fits")

    def test_unwritable_folder(self, small_ramp, tmp_path):
        tmp_path.chmod(0o500)
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(OutputError, match="the folder is not writable"):
            models.save(small_ramp, tmp_path / "out.fits")


def test_import_is_light():
    code = ("import jwst_cal.models, sys; "
            "print([name for name in ('astropy', 'asdf') if name in sys.modules])")
    out = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True,
                         check=True,
                         env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert out.stdout.strip() == "[]"


def test_is_model_imports_nothing():
    assert not _files.is_model(3)


def test_raw_counts_are_those_that_the_data_model_reads(tmp_path):
    from jwst_cal.simulate.exposures import simulate

    simulate("NIRCAM", "SUB64P", n_ints=2, n_groups=3, seed=4).write(tmp_path / "x_uncal.fits")
    ours = models.open_exposure(tmp_path / "x_uncal.fits")
    theirs = datamodels.RampModel(tmp_path / "x_uncal.fits")
    np.testing.assert_array_equal(ours.data, theirs.data)
    assert ours.data.dtype == np.float32
    assert ours.data.flags.carray
    assert ours.groupdq.shape == ours.data.shape
    assert ours.pixeldq.shape == ours.data.shape[2:]
    metadata = [m.to_flat_dict(include_arrays=False) for m in (ours, theirs)]
    assert metadata[0] == metadata[1]


def test_a_wrong_keyword_is_left_out_with_a_warning(tmp_path):
    from stdatamodels.exceptions import ValidationWarning

    from jwst_cal.simulate.exposures import simulate

    path = tmp_path / "x_uncal.fits"
    simulate("NIRCAM", "SUB64P", n_ints=1, n_groups=3, seed=4).write(path)
    fits.setval(path, "FILTER", value="PINK")
    with pytest.warns(ValidationWarning, match="PINK"):
        model = models.open_exposure(path)
    assert model.meta.instrument.filter is None
    assert model.data.shape == (1, 3, 64, 64)
