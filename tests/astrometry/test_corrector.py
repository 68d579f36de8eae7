"""Light coordinates are corrected as tweakwcs corrects those of gwcs."""

import copy

import numpy as np
import pytest
from tweakwcs.correctors import JWSTWCSCorrector

from jwst_cal.astrometry import _corrector
from jwst_cal.models import _asdf
from tests import star_fields

PLACES = np.array([[-0.3, 12.0, 60.5], [0.4, 40.0, 90.25]])
TURN = np.array([[0.9999, -2e-4], [2.1e-4, 1.0001]])
SHIFT = np.array([0.21, -0.34])


def pair(dither=(0.0, 0.0, 0.0)):
    """Correctors of both kinds of the same image."""
    image = star_fields.exposure(stars=((), (), ()), error=dither)
    info = {name: getattr(image.meta.wcsinfo, name) for name in ("v2_ref", "v3_ref", "roll_ref")}
    light = _asdf.from_gwcs(image.meta.wcs)
    return (_corrector.light_corrector()(light, info, {"name": "light"}),
            JWSTWCSCorrector(image.meta.wcs, info, {"name": "full"}))


def assert_same(ours, theirs):
    sky = np.array(theirs.det_to_world(*PLACES))
    np.testing.assert_allclose(ours.det_to_world(*PLACES), sky, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ours.world_to_det(*sky), PLACES, rtol=0, atol=2e-5)
    plane = np.array(theirs.det_to_tanp(*PLACES))
    np.testing.assert_allclose(ours.det_to_tanp(*PLACES), plane, rtol=0, atol=1e-8)
    np.testing.assert_allclose(ours.world_to_tanp(*sky), plane, rtol=0, atol=1e-7)
    np.testing.assert_allclose(ours.tanp_to_world(*plane), sky, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ours.tanp_to_det(*plane), PLACES, rtol=0, atol=2e-5)
    assert ours.wcs.available_frames == theirs.wcs.available_frames
    assert ours.tanp_center_pixel_scale == pytest.approx(theirs.tanp_center_pixel_scale, rel=1e-6)


def test_before_a_correction():
    assert_same(*pair())


@pytest.mark.parametrize("times", [1, 2])
def test_after_corrections(times):
    both = pair()
    for corrector in both:
        for _ in range(times):
            corrector.set_correction(TURN, SHIFT, meta={"fit": 1}, kind="rshift")
    assert_same(*both)
    np.testing.assert_allclose(both[0].meta["matrix"], both[1].meta["matrix"])
    assert both[0].meta["fit"] == 1


def test_in_the_plane_of_another_image():
    both, references = pair(), pair((3.0, -2.0, 17.0))
    for corrector, reference in zip(both, references, strict=True):
        corrector.set_correction(TURN, SHIFT, ref_tpwcs=reference)
    assert_same(*both)
    np.testing.assert_allclose(both[0].meta["shift"], both[1].meta["shift"], atol=1e-8)


def test_the_product_is_that_of_gwcs():
    """What is written of a correction is what asdf writes of it; a later one goes on from it."""
    ours, theirs = pair()
    for corrector in (ours, theirs):
        corrector.set_correction(TURN, SHIFT)
    again = _asdf.as_gwcs(ours.wcs)
    names = [[part.name for part in wcs.forward_transform.traverse_postorder()]
             for wcs in (again, theirs.wcs)]
    assert names[0] == names[1]
    info = theirs.ref_angles
    both = (_corrector.light_corrector()(_asdf.from_gwcs(theirs.wcs), info),
            JWSTWCSCorrector(again, info))
    for corrector in both:
        corrector.set_correction(TURN, -SHIFT)
    assert_same(*both)


def test_a_copy_shares_nothing_that_is_changed():
    ours, _ = pair()
    other = copy.deepcopy(ours)
    before = ours.det_to_world(*PLACES)
    other.set_correction(TURN, SHIFT)
    other.wcs.bounding_box = None
    np.testing.assert_array_equal(ours.det_to_world(*PLACES), before)
    assert ours.wcs.bounding_box is not None
    assert "shift" not in ours.meta


def test_refusals():
    ours, _ = pair()
    info, wcs = ours.ref_angles, ours.wcs
    ours.set_correction(TURN, SHIFT)
    with pytest.raises(ValueError, match="another reference point"):
        _corrector.light_corrector()(ours.wcs, info | {"roll_ref": 3.0})
    with pytest.raises(ValueError, match="v2v3 must be"):
        _corrector.light_corrector()(type(wcs)(wcs.steps[1:]), info)
    moved = [wcs.steps[0], wcs.steps[2], wcs.steps[1], wcs.steps[3]]
    with pytest.raises(ValueError, match="v2v3vacorr is not in its place"):
        _corrector.light_corrector()(type(wcs)(moved), info)


def test_corners_of_either_kind():
    ours, theirs = pair()
    np.testing.assert_array_equal(_corrector.corner_pixels(ours.wcs),
                                  _corrector.corner_pixels(theirs.wcs))
