"""Stage 3 of images: from calibrated dithers to the mosaic and its catalogue, against the truth."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import QTable
from stdatamodels.jwst import datamodels

from jwst_cal.errors import InputError, ParameterError
from jwst_cal.models import ModelLibrary
from jwst_cal.pipelines import Image3Pipeline
from tests import images, mosaics


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory):
    """Four dithers of one detector, with a pointing error of 20 mas and steps of the sky."""
    return mosaics.make(tmp_path_factory.mktemp("set"), subarray="SUB320", detectors=["NRCB1"],
                        n_dithers=4, stars=40, n_groups=6, sky_step=0.4, seed=11)


def run(mosaic, given=None, tweakreg=None, catalogue=False, **parameters):
    # a field of 10 arcsec is crowded
    near = {"tolerance": 0.15, "separation": 0.3, "searchrad": 0.5, "abs_tolerance": 0.15,
            "abs_separation": 0.3, "abs_searchrad": 0.5, "abs_minobj": 8, "minobj": 8}
    steps = images.overrides(Image3Pipeline, mosaic.references,
                             {"tweakreg": near | (tweakreg or {}),
                              "source_catalog": {"skip": not catalogue}})
    return Image3Pipeline.call(mosaic.asn if given is None else given, steps=steps, **parameters)


@pytest.fixture(scope="module")
def products(mosaic, tmp_path_factory):
    """Folder of the products; aligned to the truth as the absolute catalogue."""
    out = tmp_path_factory.mktemp("out")
    result = run(mosaic, tweakreg={"abs_refcat": str(mosaic.truth.sources)}, save_results=True,
                 output_dir=str(out), catalogue=True)
    assert result.meta.cal_step.source_catalog in (None, "COMPLETE")
    return out


def one(products, ending):
    (path,) = products.glob(f"*{ending}")
    return path


def truth(mosaic):
    table = QTable.read(mosaic.truth.sources)
    return table[table["kind"] == "star"]


def test_products(products):
    names = sorted(p.name for p in products.iterdir())
    root = "jw01234-o001_t001_nircam_clear-f200w-sub320"
    assert names == sorted(
        [f"{root}_{name}" for name in ("cat.ecsv", "i2d.fits", "segm.fits")]
        + [f"jw01234001001_02101_0000{n}_nrcb1_o001_crf.fits" for n in (1, 2, 3, 4)])


def test_positions_of_the_catalogue(mosaic, products):
    """Stars of the mosaic where they are in the sky: rms in milliarcseconds."""
    table, stars = QTable.read(one(products, "_cat.ecsv")), truth(mosaic)
    sky = SkyCoord(stars["RA"], stars["DEC"])
    at, distance, _ = table["sky_centroid"].match_to_catalog_sky(sky)
    bright = (distance.to_value("arcsec") < 0.06) & (stars["flux_ujy"][at].value > 5)
    assert bright.sum() > 20
    mas = distance[bright].to_value("mas")
    assert np.sqrt(np.mean(mas**2)) < 6
    assert np.median(mas) < 3


def test_fluxes_of_the_catalogue(mosaic, products):
    table, stars = QTable.read(one(products, "_cat.ecsv")), truth(mosaic)
    at, distance, _ = table["sky_centroid"].match_to_catalog_sky(
        SkyCoord(stars["RA"], stars["DEC"]))
    flux = stars["flux_ujy"][at].value
    alone = distance.to_value("arcsec") < 0.06
    chosen = alone & (flux > 10) & (table["nn_dist"].value > 20)
    ratio = table["aper_total_flux"].to_value("uJy")[chosen] / flux[chosen]
    assert chosen.sum() > 8
    assert np.median(ratio) == pytest.approx(1, abs=0.05)
    assert np.std(ratio) < 0.1


def test_steps_of_the_sky(mosaic, products):
    pointings = QTable.read(mosaic.truth.pointings)
    levels, sky = [], []
    for row in pointings:
        (path,) = products.glob(f"{row['file'][:31]}*_crf.fits")
        with datamodels.open(path) as model:
            levels.append(model.meta.background.level)
        sky.append(row["sky_mjysr"])
    assert np.ptp(sky) > 0.3
    assert np.allclose(np.diff(levels), np.diff(sky), atol=0.1)


def test_light_models_give_the_same_products(mosaic, tmp_path, monkeypatch):
    from jwst_cal.models import _writing

    def refused(model):
        raise AssertionError(f"{model} is not written as a light model")

    with monkeypatch.context() as patch:
        patch.setattr(_writing, "full", refused)
        result = run(mosaic, catalogue=True, save_results=True, output_dir=str(tmp_path / "light"))
    assert type(result) is datamodels.ImageModel
    assert result.hdrtab["FILENAME"][0].endswith("_crf.fits")
    run(mosaic, ModelLibrary(mosaic.asn), catalogue=True, save_results=True,
        output_dir=str(tmp_path / "full"))
    names = sorted(path.name for path in (tmp_path / "light").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "full").iterdir())
    for name in names:
        ours, theirs = tmp_path / "light" / name, tmp_path / "full" / name
        if name.endswith(".ecsv"):
            a, b = QTable.read(ours), QTable.read(theirs)
            assert a.colnames == b.colnames
            assert len(a) == len(b)
            np.testing.assert_allclose(a["xcentroid"].value, b["xcentroid"].value, atol=1e-3)
            np.testing.assert_allclose(a["aper_total_flux"].value, b["aper_total_flux"].value,
                                       rtol=1e-3)
            continue
        with fits.open(ours) as a, fits.open(theirs) as b:
            assert [hdu.name for hdu in a] == [hdu.name for hdu in b]
            for one_, other in zip(a, b, strict=True):
                if one_.name == "ASDF":
                    continue
                assert_cards(one_.header, other.header)
                if one_.name == "HDRTAB":
                    for column in one_.columns.names:
                        assert column == "DATE" or str(one_.data[column]) == str(
                            other.data[column]), column
                elif one_.data is not None:
                    # by coordinates that agree within 1e-6 pixel
                    largest = np.nanmax(np.abs(other.data.astype(float)))
                    same = np.isclose(one_.data, other.data, rtol=1e-5, atol=1e-5 * largest,
                                      equal_nan=True)
                    assert (~same).sum() <= 1e-4 * same.size, one_.name
        with datamodels.open(ours) as a, datamodels.open(theirs) as b:
            at = np.array([[3.0, 90], [50, 80]])
            np.testing.assert_allclose(a.meta.wcs(*at), b.meta.wcs(*at), rtol=0, atol=1e-9)
            assert a.meta.wcs.available_frames == b.meta.wcs.available_frames


def assert_cards(*headers):
    """The same keywords and comments; numbers that follow from a fit agree."""
    cards = [[card for card in header.cards if card.keyword != "DATE"] for header in headers]
    for a, b in zip(*cards, strict=True):
        assert (a.keyword, a.comment) == (b.keyword, b.comment)
        if isinstance(a.value, float):
            assert a.value == pytest.approx(b.value, rel=1e-5, abs=1e-9), a.keyword
        elif a.keyword != "S_REGION":
            assert a.value == b.value, a.keyword


def test_nothing_is_written_unless_asked_for(mosaic, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(mosaic)
    assert result.meta.cal_step.resample == "COMPLETE"
    assert not list(tmp_path.iterdir())


def test_on_disk_gives_the_same_mosaic(mosaic, products, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(mosaic, tweakreg={"abs_refcat": str(mosaic.truth.sources)}, memory_limit="2GB")
    with datamodels.open(one(products, "_i2d.fits")) as expected:
        for name in ("data", "err", "wht", "con"):
            np.testing.assert_array_equal(getattr(result, name), getattr(expected, name))
    assert not list(tmp_path.glob("library_*"))


def test_a_library_and_open_models_that_stay_as_they_are(mosaic, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    library = ModelLibrary(mosaic.asn)
    first = run(mosaic, library)
    folder = Path(mosaic.asn).parent
    found = [datamodels.open(path) for path in sorted(folder.glob("*_cal.fits"))]
    before = [model.meta.wcs(3, 4) for model in found]
    second = run(mosaic, found)
    np.testing.assert_array_equal(first.data, second.data)
    assert [model.meta.wcs(3, 4) for model in found] == before
    assert found[0].meta.cal_step.tweakreg is None


def test_members_of_another_filter_are_named(mosaic, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    models = [datamodels.open(path)
              for path in sorted(Path(mosaic.asn).parent.glob("*_cal.fits"))]
    models[1].meta.instrument.filter = "F115W"
    result = run(mosaic, models, tweakreg={"skip": True}, outlier_detection={"skip": True})
    assert result.meta.cal_step.resample == "COMPLETE"
    warning, = (line for line in caplog.messages if "Different filters" in line)
    assert "1 of " in warning
    assert f"not of NIRCAM F200W CLEAR: {models[1].meta.filename} (NIRCAM F115W CLEAR)" in warning


def test_exposures_resampled_one_by_one(mosaic):
    steps = images.overrides(Image3Pipeline, mosaic.references, {
        "tweakreg": {"skip": True}, "outlier_detection": {"skip": True},
        "resample": {"single": True}})
    assert len(Image3Pipeline.call(mosaic.asn, steps=steps)) == 4


@pytest.mark.parametrize(("parameters", "message"), [
    ({"output_wcs": "nowhere.asdf"}, r"nowhere.asdf cannot be read: No such file"),
    ({"fillval": "many"}, "'fillval' of resample: 'MANY'")])
def test_a_wrong_output_is_told_at_once(mosaic, parameters, message, caplog):
    with pytest.raises(ParameterError, match=message):
        Image3Pipeline.call(mosaic.asn, steps={"resample": parameters})
    assert "Step tweakreg running" not in caplog.text


def test_an_unreadable_member_is_named(mosaic, tmp_path):
    folder = Path(mosaic.asn).parent
    asn = json.loads(Path(mosaic.asn).read_text())
    for member in asn["products"][0]["members"]:
        shutil.copy(folder / member["expname"], tmp_path)
    name = asn["products"][0]["members"][2]["expname"]
    (tmp_path / name).write_bytes(b"SIMPLE  = nonsense")
    (tmp_path / "asn.json").write_text(json.dumps(asn))
    with pytest.raises(InputError, match=name):
        run(mosaic, str(tmp_path / "asn.json"))


def test_a_member_that_lost_its_coordinates_is_named(mosaic, tmp_path):
    asn = json.loads(Path(mosaic.asn).read_text())
    names = [member["expname"] for member in asn["products"][0]["members"]]
    for name in names:
        shutil.copy(Path(mosaic.asn).parent / name, tmp_path)
    with fits.open(tmp_path / names[1]) as hdus:
        del hdus["ASDF"]
        hdus.writeto(tmp_path / "bare.fits")
    (tmp_path / "bare.fits").rename(tmp_path / names[1])
    (tmp_path / "asn.json").write_text(json.dumps(asn))
    with pytest.raises(InputError, match=f"{names[1]}: no coordinates; assign_wcs must come"):
        run(mosaic, str(tmp_path / "asn.json"))
