"""Guide-star exposures: where the two packages differ on purpose."""

import pytest
from astropy.io import fits
from stdatamodels.jwst import datamodels

from jwst_cal.errors import InputError
from jwst_cal.simulate import exposures
from tests.parity import guider, oracle, setup

REASON = setup.find()[1]
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]


@pytest.fixture
def results(tmp_path):
    (tmp_path / "ours").mkdir()
    return tmp_path / "ours"


def test_only_the_official_package_takes_another_mode_for_an_acquisition(tmp_path, results):
    exposure = exposures.simulate("NIRCAM", "SUB64P", n_ints=2).write(tmp_path)
    header = fits.getheader(exposure)
    given = guider.write_references("FGS_ACQ1", tmp_path, (2, 2, 64, 64),
                                    (header["SUBSTRT1"], header["SUBSTRT2"]))
    options = {"pipeline": "GuiderPipeline", "overrides": given}
    with pytest.raises(InputError, match="takes GuiderRawModel or GuiderCalModel, this is Ramp"):
        oracle.ours(exposure, results, **options)
    assert oracle.official(exposure, **options).product("cal").exists()


def test_only_the_official_package_keeps_var_flat_and_rules_that_chose_nothing(tmp_path, results):
    exposure = guider.write_exposure("FGS_TRACK", tmp_path)
    options = {"pipeline": "GuiderPipeline",
               "overrides": guider.write_references("FGS_TRACK", tmp_path)}
    ours, official = oracle.ours(exposure, results, **options), oracle.official(exposure, **options)
    with (datamodels.open(ours.product("cal")) as mine,
          datamodels.open(official.product("cal")) as theirs):
        assert ("var_flat" in mine.instance, "var_flat" in theirs.instance) == (False, True)
        rules = [model.meta.ref_file.crds.context_used for model in (mine, theirs)]
    assert rules == [None, "jwst_0000.pmap"]
