"""Coordinates of moving targets beside the official step."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import ImageModel

from jwst_cal.associations import io
from jwst_cal.associations.asn_from_list import asn_from_list
from jwst_cal.astrometry import AssignMTWcsStep
from jwst_cal.pipelines import Image2Pipeline
from tests import images
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]
CASES = {"apart": [(80.0999, -69.4), (80.1003, -69.4002)], "none": [(80.1, -69.4), (None, None)],
         "around-0": [(359.9999, -69.4), (0.0003, -69.4002)]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    paths = images.references("NIRCAM", tmp_path_factory.mktemp("references"))
    steps = images.overrides(Image2Pipeline, paths, {"resample": {"skip": True}})
    folders, specs = {}, []
    for case, places in CASES.items():
        folder = tmp_path_factory.mktemp(case)
        members = []
        for number, place in enumerate(places, 1):
            rate = images.image(seed=number)
            rate.meta.wcsinfo.ra_ref = round(places[0][0]) % 360
            rate.meta.wcsinfo.mt_ra, rate.meta.wcsinfo.mt_dec = place
            (cal,) = Image2Pipeline.call(rate, steps=steps)
            cal.save(folder / cal.meta.filename)
            members.append(cal.meta.filename)
        io.write(asn_from_list(members, product_name="product"), folder / "asn.json")
        folders[case] = folder
        (folder / "official").mkdir()
        specs.append(("jwst.assign_mtwcs.AssignMTWcsStep", [folder / "asn.json"],
                      folder / "official", {}))
    oracle.run_steps(tmp_path_factory.mktemp("official"), specs)
    return folders


@pytest.mark.parametrize("case", CASES)
def test_same_coordinates(case, runs):
    folder = runs[case]
    result = AssignMTWcsStep.call(str(folder / "asn.json"))
    paths = sorted((folder / "official").glob("*_assign_mtwcs.fits"))
    x, y = np.meshgrid([0, 60, 120], [0, 40, 90])
    with result:
        for index, path in enumerate(paths):
            ours = result.borrow(index)
            with ImageModel(path) as theirs:
                status = [m.meta.cal_step.assign_mtwcs for m in (ours, theirs)]
                assert status == (["SKIPPED", "COMPLETE"] if case == "none" else ["COMPLETE"] * 2)
                sky = [np.array(m.meta.wcs(x, y)) for m in (ours, theirs)]
                info = [m.meta.wcsinfo for m in (ours, theirs)]
                if case == "around-0":  # theirs is on the other side of the sky
                    assert np.allclose(np.abs(sky[0] - sky[1])[0] % 360, 180, atol=1e-3)
                else:
                    assert np.allclose(*sky, rtol=0, atol=1e-12)
                    assert info[0].s_region == info[1].s_region
                    assert info[0].mt_avra == info[1].mt_avra
            result.shelve(ours, index)
    assert len(paths) == 2
