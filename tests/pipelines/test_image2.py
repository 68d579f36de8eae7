"""Stage 2 of images: products by name, associations, what is refused."""

import subprocess
import sys

import numpy as np
import pytest

from jwst_cal.associations import io, level2
from jwst_cal.errors import InputError
from jwst_cal.pipelines import Image2Pipeline
from tests import images


@pytest.fixture
def folder(tmp_path):
    """Three exposures and the overrides for the pipeline."""
    for number in (1, 2, 3):
        model = images.image(seed=number)
        model.save(tmp_path / model.meta.filename)
    return tmp_path


@pytest.fixture
def steps(tmp_path_factory):
    paths = images.references("NIRCAM", tmp_path_factory.mktemp("references"))
    return images.overrides(Image2Pipeline, paths, {"resample": {"skip": True}})


def name(number):
    return f"jw00001001001_02101_{number:05d}_nrca1_rate.fits"


def association(folder, *products):
    asn = {"asn_id": "a3001", "asn_pool": "pool.csv", "products": [
        {"name": product, "members": [{"expname": name(n), "exptype": role} for n, role in members]}
        for product, members in products]}
    io.write(asn, folder / "asn.json")
    return str(folder / "asn.json")


def run(given, steps, out, **parameters):
    out.mkdir()
    results = Image2Pipeline.call(given, steps=steps, save_results=True, output_dir=str(out),
                                  **parameters)
    return results, sorted(p.name for p in out.iterdir())


def test_one_exposure(folder, steps):
    (result,), names = run(str(folder / name(1)), steps, folder / "out")
    assert names == ["jw00001001001_02101_00001_nrca1_cal.fits"]
    assert result.meta.bunit_data == "MJy/sr"
    assert result.meta.asn.table_name == "singleton"


def test_integrations(tmp_path, steps):
    model = images.image(n_ints=2)
    _, names = run(model, steps, tmp_path / "out")
    assert names == ["jw00001001001_02101_00001_nrca1_calints.fits"]
    assert model.meta.cal_step.photom is None


def test_an_association_of_two_products(folder, steps):
    asn = association(folder, ("first", [(1, "science")]), ("second_rate", [(2, "science")]))
    results, names = run(asn, steps, folder / "out", output_file="zed")
    assert names == ["first_cal.fits", "second_cal.fits"]
    assert [model.meta.asn.pool_name for model in results] == ["pool.csv"] * 2
    assert results[0].meta.asn.table_name == "asn.json"


def test_the_output_file_names_a_single_product(folder, steps):
    asn = association(folder, ("first", [(1, "science")]))
    assert run(asn, steps, folder / "out", output_file="zed")[1] == ["zed_cal.fits"]


def test_backgrounds_are_subtracted_and_saved(folder, steps):
    asn = association(folder, ("p", [(1, "science"), (2, "background"), (3, "background")]))
    steps["bkg_subtract"]["save_results"] = True
    (result,), names = run(asn, steps, folder / "out")
    assert names == ["p_bsub.fits", "p_cal.fits"]
    assert result.meta.cal_step.bkg_subtract == "COMPLETE"
    assert abs(np.nanmedian(result.data)) < 0.2


def test_save_bsub_is_deprecated(folder, steps):
    asn = association(folder, ("p", [(1, "science"), (2, "background")]))
    (result,), names = run(asn, steps, folder / "out", save_bsub=True)
    assert names == ["p_bsub.fits", "p_cal.fits"]
    assert any("save_bsub is deprecated" in line for line in result.cal_logs.calwebb_image2)


def test_the_model_of_the_caller_stays_as_it_is(steps):
    model = images.image()
    before = model.data.copy()
    Image2Pipeline.call(model, steps=steps)
    np.testing.assert_array_equal(model.data, before)
    assert model.meta.bunit_data is None
    assert model.meta.cal_step.assign_wcs is None


def test_missing_members_are_all_named(folder, steps):
    asn = association(folder, ("p", [(1, "science"), (7, "background"), (8, "background")]))
    with pytest.raises(InputError, match=f"{name(7)}, {name(8)}"):
        Image2Pipeline.call(asn, steps=steps)


def test_a_product_without_science(folder, steps):
    asn = association(folder, ("p", [(1, "background")]))
    with pytest.raises(InputError, match="product 'p' has no member of the role 'science'"):
        Image2Pipeline.call(asn, steps=steps)


def test_a_product_without_a_name(folder):
    given = {"products": [{"members": [{"expname": str(folder / name(1)), "exptype": "science"}]}]}
    with pytest.raises(InputError, match="product 0 has no 'name'"):
        Image2Pipeline.call(given)


def test_what_comes_before_a_bad_exposure_is_saved(folder, steps):
    (folder / name(2)).write_text("no image")
    asn = association(folder, ("first", [(1, "science")]), ("second", [(2, "science")]))
    with pytest.raises(InputError, match=r"00002_nrca1_rate.fits: is neither a FITS"):
        run(asn, steps, folder / "out")
    assert [path.name for path in (folder / "out").iterdir()] == ["first_cal.fits"]


def test_a_hook_after_the_pipeline_changes_what_is_saved(folder, steps):
    from stdatamodels.jwst import datamodels

    def double(images):
        for image in images:
            image.data *= 2
        return images

    (result,), names = run(str(folder / name(1)), steps, folder / "out", post_hooks=[double])
    assert names == ["jw00001001001_02101_00001_nrca1_cal.fits"]
    with datamodels.open(folder / "out" / names[0]) as saved:
        np.testing.assert_array_equal(saved.data, result.data)


def test_a_raw_exposure_is_refused(folder, steps):
    from stdatamodels.jwst.datamodels import RampModel

    ramp = RampModel((1, 2, 8, 8))
    ramp.update(images.image())
    with pytest.raises(InputError, match="takes ImageModel or CubeModel, this is RampModel"):
        Image2Pipeline.call(ramp, steps=steps)


def test_a_file_without_count_rates(folder, steps):
    from astropy.io import fits

    with fits.open(folder / name(1)) as file:
        del file["SCI"]
        file.writeto(folder / name(4))
    with pytest.raises(InputError, match=r"no count rates \(SCI\)"):
        Image2Pipeline.call(str(folder / name(4)), steps=steps)


def test_what_is_calibrated_already_is_told(folder, steps, caplog):
    (once,), _ = run(str(folder / name(1)), steps, folder / "out")
    assert "already" not in caplog.text
    Image2Pipeline.call(once, steps=steps)
    assert "has been through flat_field and photom already" in caplog.text


def test_names_of_several_inputs():
    found = level2.products(["a_rate.fits", "b_rate.fits"], "zed.fits")
    assert [product.name for product in found] == ["zed", "zed_2"]
    assert level2.products("d/a_rate.fits")[0].name == "a_rate.fits"


def without(header):
    """Keywords and comments, but for those of the moment."""
    left_out = {"DATE"} if header.get("EXTNAME") != "ASDF" else {"DATE", "NAXIS1", "TFORM1"}
    return [(card.keyword, card.value, card.comment) for card in header.cards
            if card.keyword not in left_out]


def rounded(word):
    """A value of a header with the digits in which coordinates of two sorts agree."""
    if isinstance(word, float):
        return f"{word:.7g}"
    if isinstance(word, str) and word.startswith("POLYGON"):
        return [f"{float(value):.7f}" for value in word.split()[2:]]
    return word


@pytest.mark.parametrize("instrument", ["NIRCAM", "MIRI"])
def test_light_models_give_the_same_products(instrument, tmp_path, monkeypatch):
    from astropy.io import fits
    from stdatamodels.jwst import datamodels

    from jwst_cal.models import _reading, _writing

    paths = images.references(instrument, tmp_path)
    given = images.overrides(Image2Pipeline, paths)
    model = images.image(instrument, seed=1)
    path = str(tmp_path / model.meta.filename)
    model.save(path)
    with datamodels.open(path) as opened:
        run(opened, given, tmp_path / "full")

    def refused(model):
        raise AssertionError(f"{model} is not written as a light model")

    with monkeypatch.context() as patch:
        patch.setattr(_writing, "full", refused)
        results, names = run(path, given, tmp_path / "light")
    assert [name.split("_")[-1] for name in names] == ["cal.fits", "i2d.fits"]
    assert isinstance(results[0], datamodels.ImageModel)
    for product in names:
        ours, theirs = tmp_path / "light" / product, tmp_path / "full" / product
        with fits.open(ours) as a, fits.open(theirs) as b:
            assert [hdu.name for hdu in a] == [hdu.name for hdu in b]
            for one, other in zip(a, b, strict=True):
                cards = without(one.header), without(other.header)
                if product.endswith("i2d.fits"):  # by coordinates that agree within 1e-9 pixel
                    cards = [[tuple(rounded(word) for word in card) for card in part]
                             for part in cards]
                assert cards[0] == cards[1]
                if one.name in ("PRIMARY", "ASDF"):
                    continue
                if product.endswith("i2d.fits"):
                    largest = np.nanmax(np.abs(other.data.astype(float)))
                    np.testing.assert_allclose(one.data, other.data, rtol=1e-5,
                                               atol=1e-6 * largest, err_msg=one.name)
                else:
                    np.testing.assert_array_equal(one.data, other.data, err_msg=one.name)
        again = _reading.read_product(str(ours))
        with datamodels.open(ours) as a, datamodels.open(theirs) as b:
            places = np.array([[-0.4, 3, 90], [0, 50, 80]])
            np.testing.assert_allclose(again.meta.wcs(*places), a.meta.wcs(*places), rtol=1e-15,
                                       atol=0)
            np.testing.assert_allclose(a.meta.wcs(*places), b.meta.wcs(*places), atol=1e-12)
            np.testing.assert_allclose(a.meta.wcs.invert(*a.meta.wcs(*places)),
                                       b.meta.wcs.invert(*b.meta.wcs(*places)), atol=1e-6)
            assert a.meta.wcs.available_frames == b.meta.wcs.available_frames
            assert a.meta.wcs.bounding_box == b.meta.wcs.bounding_box
            flat = [{key: value for key, value in one.to_flat_dict(include_arrays=False).items()
                     if not key.startswith(("history.", "_fits_hash", "meta.date", "cal_logs",
                                            "meta.provenance", "meta.wcs"))}
                    for one in (a, b)]
            assert flat[0] == (pytest.approx(flat[1], rel=1e-7) if product.endswith("i2d.fits")
                               else flat[1])


def test_strun_imports_no_coordinates(folder, tmp_path_factory):
    """Stage 2 of an image, whole process: neither gwcs nor what it is made of is imported."""
    paths = images.references("NIRCAM", tmp_path_factory.mktemp("references"))
    words = ["calwebb_image2", str(folder / name(1)), "--disable-crds-steppars",
             f"--output_dir={folder}"]
    for alias, values in images.overrides(Image2Pipeline, paths).items():
        words += [f"--steps.{alias}.{key}={value}" for key, value in values.items()]
    code = ("import sys\n"
            "from jwst_cal.cli import strun\n"
            "status = strun.main(sys.argv[1:])\n"
            "print(status, *sorted({name.partition('.')[0] for name in sys.modules}))\n")
    done = subprocess.run([sys.executable, "-P", "-c", code, *words], capture_output=True,
                          text=True, check=True, cwd=folder)
    status, *imported = done.stdout.splitlines()[-1].split()
    assert status == "0"
    assert not {"astropy", "asdf", "gwcs", "scipy", "stdatamodels"} & set(imported)
    assert {path.name[32:] for path in folder.glob("*_00001_*")} == {
        "rate.fits", "cal.fits", "i2d.fits"}
