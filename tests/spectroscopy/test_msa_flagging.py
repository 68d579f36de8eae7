"""Shutters that do not close: which pixels are flagged, refusals."""

import numpy as np
import pytest
import spectra
from numpy.testing import assert_array_equal

from jwst_cal import flags
from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.errors import InputError, ReferenceFileError
from jwst_cal.spectroscopy.msa_flagging import MSAFlagOpenStep

pytestmark = pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning",
                                        "ignore:Traceback")
OPEN = flags.pixel["MSA_FAILED_OPEN"]


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    """An exposure of a fixed slit with coordinates; shutters are what is looked at here."""
    folder = tmp_path_factory.mktemp("references")
    paths = spectra.references(folder)
    given = spectra.overrides(paths, AssignWcsStep.reference_file_types)
    return AssignWcsStep(**given).run(spectra.exposure())


def flag(model, folder, places):
    path = places if isinstance(places, str) else spectra.failed_shutters(folder, places)
    return MSAFlagOpenStep(override_msaoper=path).run(model)


def test_pixels_that_see_a_shutter_are_flagged(placed, tmp_path):
    """Along the whole spectrum, as many rows as the shutter is high."""
    placed.dq[1500, 1500] = 1
    result = flag(placed, tmp_path, [(3, 228, 120)])
    flagged = result.dq & OPEN != 0
    assert result.meta.cal_step.msa_flagging == "COMPLETE"
    columns = np.nonzero(flagged)[1]
    height = spectra.optics.OPENING[1] * 1.64 / 3.54 / spectra.optics.PIXEL  # collimator and camera
    assert np.median(np.bincount(columns)[columns.min():]) == pytest.approx(height, abs=1)
    assert columns.max() - columns.min() > 1000
    other = flag(placed, tmp_path, [(3, 228, 121)]).dq & OPEN != 0
    assert not (flagged & other).any()
    assert result.dq[1500, 1500] == 1
    assert not placed.dq[flagged].any()


def test_every_integration_is_flagged(placed, tmp_path):
    from stdatamodels.jwst.datamodels import CubeModel

    cube = CubeModel(data=np.stack([placed.data] * 2))
    cube.update(placed)
    cube.dq = np.zeros(cube.data.shape, np.uint32)
    expected = flag(placed, tmp_path, [(3, 228, 120)]).dq & OPEN
    assert_array_equal(flag(cube, tmp_path, [(3, 228, 120)]).dq, [expected] * 2)


def test_shutters_that_close_are_not(placed, tmp_path):
    result = flag(placed, tmp_path, [])
    assert_array_equal(result.dq, placed.dq)
    assert result.meta.cal_step.msa_flagging == "COMPLETE"


def test_skipped_without_a_reference(placed, caplog):
    result = MSAFlagOpenStep(override_msaoper="N/A").run(placed)
    assert result.meta.cal_step.msa_flagging == "SKIPPED"
    assert "no MSAOPER reference file" in caplog.text


def test_coordinates_are_needed(tmp_path):
    with pytest.raises(InputError, match=r"nrs1_rate\.fits: msa_flagging needs assign_wcs before"):
        flag(spectra.exposure(shape=(64, 64)), tmp_path, [(3, 228, 120)])


def test_another_file_is_refused(placed, tmp_path):
    (tmp_path / "other.json").write_text('{"shutters": []}')
    with pytest.raises(ReferenceFileError, match=r"other\.json: no list of the states of shutters"):
        flag(placed, tmp_path, str(tmp_path / "other.json"))


def test_a_reference_of_the_header_that_is_gone_is_named(placed, tmp_path):
    moved = placed.copy()
    moved.meta.ref_file.camera.name = "/nowhere/camera.asdf"
    with pytest.raises(ReferenceFileError, match=r"/nowhere/camera\.asdf: no such file, which the"):
        flag(moved, tmp_path, [(3, 228, 120)])
