"""Large tables of reference files: mapped where they can be, read where not."""

import gzip
import shutil

import numpy as np
import pytest
from astropy.io import fits
from stdatamodels.jwst.datamodels import IRS2Model

from jwst_cal.errors import ReferenceFileError
from jwst_cal.framework import mapped

NAMES = [f"{kind}_{k}" for kind in ("alpha", "beta") for k in range(4)]


@pytest.fixture
def path(tmp_path):
    """A small file of the refpix type."""
    rows = np.zeros(6, [(name, "f4") for name in NAMES])
    for k, name in enumerate(NAMES):
        rows[name] = k + np.arange(6) / 8
    flagged = np.array([(1, 2, 5)], [("OUTPUT", "u2"), ("ODD_EVEN", "u2"), ("MASK", "u4")])
    file = tmp_path / "refpix.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(rows, name="IRS2"),
                  fits.BinTableHDU(flagged, name="DQ")]).writeto(file)
    return file


def test_the_table_is_that_of_the_model(path):
    model, table, release = mapped.open_mapped_table(str(path), IRS2Model, "IRS2")
    with IRS2Model(path) as whole:
        for name in NAMES:
            np.testing.assert_array_equal(table[name], whole.irs2_table[name])
    assert model.dq_table["MASK"][0] == 5
    assert not table.flags.writeable
    release()
    np.testing.assert_array_equal(table["beta_3"], 7 + np.arange(6) / 8)


def test_what_cannot_be_mapped_is_left_to_the_model(path, tmp_path):
    zipped = tmp_path / "refpix.fits.gz"
    with open(path, "rb") as source, gzip.open(zipped, "wb") as target:
        shutil.copyfileobj(source, target)
    assert mapped.open_mapped_table(str(zipped), IRS2Model, "IRS2") is None
    assert mapped.open_mapped_table(str(path), IRS2Model, "TABLE") is None
    assert mapped.open_mapped_table(str(path), IRS2Model, "DQ") is None  # unsigned: offset


def test_a_file_that_ends_too_early(path):
    with fits.open(path) as hdus:
        begin = hdus["IRS2"].fileinfo()["datLoc"]
    path.write_bytes(path.read_bytes()[: begin + 100])
    with pytest.raises(ReferenceFileError, match=r"refpix\.fits: the file"):
        mapped.open_mapped_table(str(path), IRS2Model, "IRS2")


def test_no_fits_file(path):
    path.write_text("something else")
    with pytest.raises(ReferenceFileError, match=r"refpix\.fits: the file cannot be read"):
        mapped.open_mapped_table(str(path), IRS2Model, "IRS2")
