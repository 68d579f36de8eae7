"""Coordinates of a moving target: it has one place in all exposures."""

import numpy as np
import pytest

from jwst_cal.astrometry import AssignMTWcsStep
from jwst_cal.errors import InputError
from jwst_cal.models import ModelLibrary
from jwst_cal.pipelines import Image2Pipeline
from tests import images


@pytest.fixture(scope="module")
def steps(tmp_path_factory):
    paths = images.references("NIRCAM", tmp_path_factory.mktemp("references"))
    return images.overrides(Image2Pipeline, paths, {"resample": {"skip": True}})


def exposures(steps, places, ra=80.1):
    found = []
    for number, (target_ra, target_dec) in enumerate(places, 1):
        rate = images.image(seed=number)
        rate.meta.wcsinfo.ra_ref = ra
        rate.meta.wcsinfo.mt_ra, rate.meta.wcsinfo.mt_dec = target_ra, target_dec
        rate.meta.target.type = "MOVING"
        (cal,) = Image2Pipeline.call(rate, steps=steps)
        found.append(cal)
    return found


@pytest.mark.parametrize("ra", [80.1, 0.0])
def test_the_target_stands_still(steps, ra):
    places = [((ra - 1e-4) % 360, -69.4), ((ra + 3e-4) % 360, -69.4002)]
    given = exposures(steps, places, ra)
    pixels = [m.meta.wcs.invert(*place, with_bounding_box=False)
              for m, place in zip(given, places, strict=True)]
    assert not np.allclose(*pixels, atol=0.1)
    library = AssignMTWcsStep.call(given)
    assert isinstance(library, ModelLibrary)
    with library:
        for index, (x, y) in enumerate(pixels):
            model = library.borrow(index)
            found = np.array(model.meta.wcs(x, y, with_bounding_box=False))
            found[0] = (found[0] + 180 - ra) % 360 - 180 + ra
            assert np.allclose(found, (ra + 1e-4, -69.4001), atol=1e-9)
            assert model.meta.wcs.output_frame.name == "moving_target"
            assert (model.meta.wcsinfo.mt_avra + 90) % 360 == pytest.approx(ra + 1e-4 + 90)
            assert model.meta.wcsinfo.mt_avdec == pytest.approx(-69.4001)
            assert model.meta.cal_step.assign_mtwcs == "COMPLETE"
            corner = model.meta.wcs(-0.5, -0.5)
            assert f"{corner[0] % 360:.6f}"[:9] in model.meta.wcsinfo.s_region
            library.shelve(model, index)


def test_skipped_without_the_place_of_the_target(steps, caplog):
    given = exposures(steps, [(80.1, -69.4), (None, None)])
    result = AssignMTWcsStep.call(given)
    assert "MT_RA or MT_DEC missing" in caplog.text
    first = next(iter(result))
    assert first.meta.cal_step.assign_mtwcs == "SKIPPED"
    assert first.meta.wcs.output_frame.name == "world"


def test_needs_coordinates(steps):
    rate = images.image()
    rate.meta.wcsinfo.mt_ra, rate.meta.wcsinfo.mt_dec = 80.1, -69.4
    with pytest.raises(InputError, match=r"rate.fits: no coordinates \(WCS\)"):
        AssignMTWcsStep.call([rate])
