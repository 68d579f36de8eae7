"""Pairs of images for wavefront sensing beside the official step."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import ImageModel

from jwst_cal.coadd import WfsCombineStep
from tests.coadd.test_wfs_combine import make_pair
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

CASES = {
    "plain": ("asn", {}),
    "refined": ("asn", {"do_refine": True, "psf_size": 30}),
    "narrow": ("reversed", {"do_refine": True, "psf_size": 20, "blur_size": 6, "n_size": 3}),
    "as-given": ("reversed", {"flip_dithers": False, "do_refine": True, "psf_size": 30}),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def official(pair, tmp_path_factory):
    folders = {case: tmp_path_factory.mktemp(case) for case in CASES}
    oracle.run_steps(tmp_path_factory.mktemp("official"), [
        ("jwst.wfs_combine.WfsCombineStep", [pair / f"{name}.json"], folders[case], parameters)
        for case, (name, parameters) in CASES.items()])
    return folders


@pytest.mark.parametrize("case", CASES)
def test_same_image(case, pair, official):
    name, parameters = CASES[case]
    (ours,) = WfsCombineStep.call(str(pair / f"{name}.json"), **parameters)
    (path,) = official[case].glob("*wfscmb*.fits")
    assert path.name == ours.meta.filename
    with ImageModel(path) as theirs:
        for array in ("data", "err"):
            mine, his = getattr(ours, array), getattr(theirs, array)
            edge = outside(ours.data.shape, case)
            assert np.allclose(mine[~edge], his[~edge], rtol=1e-6, atol=0)
            # there the second image counts as 0 where it does not reach
            halved = edge & (ours.dq & 1 == 0)
            assert np.allclose(his[halved], mine[halved] / 2, rtol=1e-6)
        assert np.array_equal(ours.dq[~edge], theirs.dq[~edge])
        assert ours.meta.cal_step.wfs_combine == theirs.meta.cal_step.wfs_combine
        for key in ("wcsinfo.ra_ref", "asn.pool_name", "asn.table_name", "exposure.exposure_time"):
            assert ours[f"meta.{key}"] == theirs[f"meta.{key}"]


def outside(shape, case):
    """Where the second image, 8 or refined 9 pixels and 4 away, does not reach."""
    x = 8 if case == "plain" else 9
    edge = np.zeros(shape, bool)
    if case == "as-given":
        edge[:4], edge[:, :x] = True, True
    else:
        edge[-4:], edge[:, -x:] = True, True
    return edge
