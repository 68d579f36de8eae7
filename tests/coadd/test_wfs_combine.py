"""Pairs of images for wavefront sensing: offsets, means, flags, names."""

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import ImageModel

from jwst_cal.associations import io
from jwst_cal.coadd import WfsCombineStep, _wfs
from jwst_cal.errors import InputError
from jwst_cal.pipelines import Image2Pipeline
from tests import images

SHAPE = (96, 128)


def star(shape, x, y, sigma=2.5, flux=2000.0):
    row, column = np.indices(shape)
    return flux * np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma**2))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A pair of calibrated images, 9 pixels apart in x and 4 in y; the star a pixel farther."""
    return make_pair(tmp_path_factory.mktemp("pair"))


def make_pair(folder):
    """Write the pair and its association; return the folder."""
    paths = images.references("NIRCAM", folder)
    steps = images.overrides(Image2Pipeline, paths, {"resample": {"skip": True}})
    steps["flat_field"] = {"skip": True}
    rng = np.random.default_rng(8)
    first = None
    for number, (dx, dy) in enumerate([(0, 0), (9, 4)], 1):
        rate = images.image(seed=number)
        rate.data = (rng.normal(2, 0.02, SHAPE) + star(SHAPE, 61 + dx, 50 + dy)).astype(np.float32)
        rate.dq = (rng.random(SHAPE) < 0.02).astype(np.uint32)
        (cal,) = Image2Pipeline.call(rate, steps=steps)
        if first is None:
            first = cal
        else:  # a pointing that shows 8 and 4 pixels less of the sky
            at = cal.meta.wcs.invert(*cal.meta.wcs(64 - 8, 48 - 4))
            ra0, dec0 = cal.meta.wcs(64, 48)
            ra1, dec1 = cal.meta.wcs(64 - 8, 48 - 4)
            assert np.allclose(at, (56, 44), atol=1e-3)
            info = rate.meta.wcsinfo
            info.ra_ref += ra1 - ra0
            info.dec_ref += dec1 - dec0
            (cal,) = Image2Pipeline.call(rate, steps=steps)
        cal.meta.filename = f"jw00001001001_02101_0000{number}_nrca1_cal.fits"
        cal.save(folder / cal.meta.filename)
    for name, order in (("asn", (1, 2)), ("reversed", (2, 1))):
        members = [{"expname": f"jw00001001001_02101_0000{k}_nrca1_cal.fits",
                    "exptype": "science"} for k in order]
        io.write({"asn_type": "wfs-image3", "asn_rule": "test", "asn_pool": "pool.csv",
                  "asn_id": "a3001", "program": "00001", "version_id": None,
                  "degraded_status": "none", "constraints": "none", "asn_rule_version": "1",
                  "products": [{"name": "jw00001-a3001_t001_nircam_f200w_{suffix}-02",
                                "members": members}]}, folder / f"{name}.json")
    return folder


@pytest.fixture(scope="module")
def members(pair):
    return [ImageModel(path) for path in sorted(pair.glob("*_cal.fits"))]


def run(pair, name="asn", **parameters):
    (result,) = WfsCombineStep.call(str(pair / f"{name}.json"), **parameters)
    return result


def by_hand(members, by):
    """Mean after moving the second image, written as loops over the cases."""
    one, two = ({k: np.nan_to_num(getattr(m, k)) for k in ("data", "err", "dq")} for m in members)
    expected = np.zeros(SHAPE)
    flags = one["dq"].copy()
    for row, column in np.ndindex(SHAPE):
        there = row + by[1], column + by[0]
        good1 = not one["dq"][row, column] & 1
        good2 = all(0 <= t < s for t, s in zip(there, SHAPE, strict=True)) \
            and not two["dq"][there] & 1
        values = [v for v, good in ((one["data"][row, column], good1),
                                    (two["data"][there] if good2 else 0, good2)) if good]
        expected[row, column] = np.mean(values) if values else 0
        if good2 and not good1:
            flags[row, column] = two["dq"][there]
    return expected, flags


def test_mean_by_the_coordinates(pair, members):
    result = run(pair)
    expected, flags = by_hand(members, (8, 4))
    assert np.allclose(result.data, expected, rtol=1e-6)
    assert np.array_equal(result.dq, flags)


def test_refined_by_the_star(pair, members):
    result = run(pair, do_refine=True, psf_size=30)
    expected, _ = by_hand(members, (9, 4))
    assert np.allclose(result.data, expected, rtol=1e-6)


def test_order_does_not_matter_but_when_asked(pair, members):
    usual, flipped = run(pair), run(pair, "reversed")
    assert np.array_equal(usual.data, flipped.data)
    kept = run(pair, "reversed", flip_dithers=False)
    expected, _ = by_hand(members[::-1], (-8, -4))
    assert np.allclose(kept.data, expected, rtol=1e-6)


def test_product(pair, tmp_path):
    run(pair, save_results=True, output_dir=str(tmp_path))
    (path,) = tmp_path.iterdir()
    assert path.name == "jw00001-a3001_t001_nircam_f200w_wfscmb-02.fits"
    with ImageModel(path) as model:
        assert model.meta.cal_step.wfs_combine == "COMPLETE"
        assert model.meta.asn.pool_name == "pool.csv"
        assert model.meta.asn.table_name == "asn.json"
        assert model.meta.wcs(3, 4) == ImageModel(
            pair / "jw00001001001_02101_00001_nrca1_cal.fits").meta.wcs(3, 4)


@pytest.mark.parametrize("by", [(0, 0), (3, -2), (-5, 1), (200, 0)])
def test_moving_back_and_forth(by):
    image = np.arange(96 * 128).reshape(SHAPE) + 1
    back = _wfs.shifted(_wfs.shifted(image, by), (-by[0], -by[1]))
    kept = max(128 - abs(by[0]), 0) * (96 - abs(by[1]))
    assert np.count_nonzero(back) == kept
    assert np.array_equal(back[back > 0], image[back > 0])


def test_bad_pixels_are_interpolated():
    row, column = np.indices((12, 14))
    plane = 3.0 * row - 2.0 * column
    bad = np.zeros(plane.shape, bool)
    bad[[3, 6, 6], [4, 8, 9]] = True
    found = _wfs.interpolated(np.where(bad, 1e6, plane), bad, 2)
    assert found[3, 4] == pytest.approx(plane[3, 4])
    assert np.array_equal(found[~bad], plane[~bad])


def test_refused(pair, tmp_path):
    asn = {"asn_type": "wfs-image3", "asn_rule": "t", "asn_pool": "none", "asn_id": "a3001",
           "program": "1", "products": [{"name": "x", "members": []}]}
    name = str(pair / "jw00001001001_02101_00001_nrca1_cal.fits")
    asn["products"][0]["members"] = [{"expname": name, "exptype": "science"}]
    with pytest.raises(InputError, match="product x: 1 science members where 2 are needed"):
        WfsCombineStep.call(asn)
    with ImageModel(name) as model:
        small = ImageModel(data=model.data[:50])
        small.update(model)
        small.meta.wcs = model.meta.wcs
        small.save(tmp_path / "small_cal.fits")
        none = ImageModel(data=model.data)
        none.update(model)
        none.meta.instance.pop("wcs", None)
        none.save(tmp_path / "none_cal.fits")
    for other, message in (("small", "pixels where"), ("none", "no coordinates")):
        asn["products"][0]["members"] = [{"expname": n, "exptype": "science"} for n in
                                         (name, str(tmp_path / f"{other}_cal.fits"))]
        with pytest.raises(InputError, match=message):
            WfsCombineStep.call(asn)
