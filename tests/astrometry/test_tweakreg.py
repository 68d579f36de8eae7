"""Tweakreg: injected shifts recovered, catalogues of all kinds, what is skipped and refused."""

import http.server
import logging
import threading

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table

from jwst_cal.astrometry import _catalogs, _match
from jwst_cal.astrometry.tweakreg import TweakRegStep
from jwst_cal.errors import InputError, ParameterError
from jwst_cal.models import ModelContainer, ModelLibrary
from tests import star_fields

MAS = 1e-3


@pytest.fixture(scope="module")
def made():
    """Three exposures; they are copied before use."""
    return [star_fields.exposure(number) for number in (1, 2, 3)]


@pytest.fixture
def exposures(made):
    return [model.copy() for model in made]


@pytest.fixture(scope="module")
def truth():
    """Coordinates without errors of the pointing, by exposure number."""
    return {n: star_fields.exposure(n, ([], [], []), error=(0, 0, 0)).meta.wcs for n in (1, 2, 3)}


def models_of(library):
    return list(library.map_function(lambda model, index: model, modify=False))


def statuses(library):
    return [model.meta.cal_step.tweakreg for model in models_of(library)]


def rms(model, truth):
    number = int(model.meta.observation.exposure_number)
    return np.sqrt(np.mean(star_fields.residuals(model.meta.wcs, truth[number]) ** 2))


def absolute(path, moved=(0.0, 0.0), names=("RA", "DEC")):
    """Write a catalogue of the stars."""
    ra, dec, _ = star_fields.sky()
    ra, dec = ra + moved[0] / 3600 / np.cos(np.deg2rad(dec)), dec + moved[1] / 3600
    Table([ra, dec], names=names).write(path)
    return str(path)


@pytest.mark.parametrize("finder", ["iraf", "dao", "segmentation"])
def test_pointing_errors_are_taken_out(exposures, truth, finder, caplog):
    caplog.set_level(logging.INFO)
    before = [model.meta.wcsinfo.s_region for model in exposures]
    sip = [model.meta.wcsinfo.crval1 for model in exposures]
    assert rms(exposures[1], truth) > 50 * MAS
    # the marginal fits of DAOFIND are not symmetric: more stars are round with a wider limit
    result = TweakRegStep(starfinder=finder, roundlo=-0.5, roundhi=0.5).run(exposures)
    found = models_of(result)
    assert statuses(result) == ["COMPLETE"] * 3
    assert rms(found[0], truth) == 0
    for model in found[1:]:
        assert rms(model, truth) < 2 * MAS
        assert "v2v3corr" in model.meta.wcs.available_frames
    assert found[0].meta.wcsinfo.s_region == before[0]
    assert all(model.meta.wcsinfo.s_region != old
               for model, old in zip(found[1:], before[1:], strict=True))
    assert found[1].meta.wcsinfo.crval1 != sip[1]
    assert "_00001_nrca1_cal is the reference" in caplog.text
    assert "of them fitted, shift" in caplog.text


def test_the_input_is_not_changed(exposures):
    before = [model.meta.wcs for model in exposures]
    data = exposures[0].data.copy()
    TweakRegStep().run(ModelContainer(exposures))
    assert all(model.meta.wcs is wcs for model, wcs in zip(exposures, before, strict=True))
    assert exposures[0].meta.cal_step.tweakreg is None
    np.testing.assert_array_equal(exposures[0].data, data)


@pytest.mark.parametrize(("geometry", "expand"), [("shift", True), ("rscale", False),
                                                  ("general", True)])
def test_other_fits(exposures, truth, geometry, expand):
    result = TweakRegStep(fitgeometry=geometry, expand_refcat=expand).run(exposures)
    for model in models_of(result)[1:]:
        # the roll is in error by 0.03 degrees, 5 mas at the edge
        assert rms(model, truth) < (6 * MAS if geometry == "shift" else 2 * MAS)


def test_without_a_histogram_the_guess_counts(exposures, truth):
    step = TweakRegStep(use2dhist=False, xoffset=0.1, yoffset=0.0, tolerance=0.5)
    assert all(rms(model, truth) < 2 * MAS for model in models_of(step.run(exposures)))


def test_images_on_disk(tmp_path, monkeypatch, made, truth):
    monkeypatch.chdir(tmp_path)
    path = star_fields.association(tmp_path, [model.copy() for model in made])
    result = TweakRegStep.call(str(path), in_memory=False, save_results=True)
    assert result.on_disk
    assert all(rms(model, truth) < 2 * MAS for model in models_of(result))
    assert len(list(tmp_path.glob("jw*_tweakregstep.fits"))) == 3


def test_detectors_of_an_exposure_move_together(made, truth):
    """A detector with few stars goes where the others of its exposure go."""
    ra, dec, flux = star_fields.sky()
    few = ra[:4], dec[:4], flux[:4]
    images = [made[0].copy(), made[1].copy(), star_fields.exposure(2, few, detector="nrca3")]
    result = TweakRegStep().run(images)
    assert statuses(result) == ["COMPLETE"] * 3
    both = [star_fields.residuals(model.meta.wcs, truth[2]) for model in models_of(result)[1:]]
    assert np.abs(both).max() < 6 * MAS
    assert np.abs(both[0] - both[1]).max() < 1 * MAS


def test_one_exposure_alone_fails(exposures, caplog):
    wcs = exposures[0].meta.wcs
    result = TweakRegStep().run(exposures[:1])
    assert statuses(result) == ["FAILED"]
    assert isinstance(result, ModelLibrary)
    assert models_of(result)[0].meta.wcs.available_frames == wcs.available_frames
    assert "at least two exposures are needed" in caplog.text


def test_without_stars_it_fails(caplog):
    empty = [star_fields.exposure(number, ([], [], [])) for number in (1, 2)]
    assert statuses(TweakRegStep().run(empty)) == ["FAILED"] * 2
    assert "_00001_nrca1_cal.fits: no sources found" in caplog.text
    assert "two exposures with sources are needed" in caplog.text


def test_all_pixels_flagged(exposures, truth, caplog):
    exposures[1].dq |= 1
    result = TweakRegStep().run(exposures)
    assert "The background cannot be measured" in caplog.text
    found = models_of(result)
    assert rms(found[1], truth) > 50 * MAS
    assert rms(found[2], truth) < 2 * MAS


def test_an_image_that_does_not_match_stays(exposures, truth, caplog):
    exposures.append(star_fields.exposure(4, tuple(part[:12] for part in star_fields.sky())))
    found = models_of(TweakRegStep().run(exposures))
    assert "00004_nrca1_cal is not aligned" in caplog.text
    assert found[3].meta.wcs.available_frames == exposures[3].meta.wcs.available_frames
    assert rms(found[2], truth) < 2 * MAS


def test_a_large_shift_is_refused(exposures, caplog, monkeypatch):
    wcs = exposures[1].meta.wcs
    monkeypatch.setattr(_match, "_displacement", lambda image: 5.5)
    found = models_of(TweakRegStep().run(exposures))
    assert {model.meta.cal_step.tweakreg for model in found} == {"FAILED"}
    assert found[1].meta.wcs.available_frames == wcs.available_frames
    assert "would move by 5.5 arcsec, more than 5.4" in caplog.text


def test_displacement_is_that_of_the_corners(exposures):
    exposures[0].meta.group_id = "one"
    image = _match.corrector(exposures[0], star_table(exposures[0]))
    assert _match._displacement(image) == 0
    image.set_correction(shift=[0.3, -0.4])
    assert _match._displacement(image) == pytest.approx(0.5, rel=1e-3)
    assert _match._displacement(_match.renewed(image)) == 0
    fit = _match.Fit(searchrad=2, separation=1, tolerance=0.5, use2dhist=False, minobj=5,
                     fitgeometry="shift", nclip=0, sigma=3.0, xoffset=0.2, yoffset=-0.3)
    assert fit.largest == 1.6


def star_table(model):
    ra, dec, _ = star_fields.sky()
    x, y = model.meta.wcs.invert(ra, dec, with_bounding_box=False)
    return Table({"x": np.array(x), "y": np.array(y)}, meta={"name": model.meta.filename})


def test_copies_do_not_follow_the_correction(exposures):
    """Nor do they change what they are copies of: in large groups tweakwcs takes their bounds."""
    from copy import deepcopy

    exposures[0].meta.group_id = "one"
    image = _match.corrector(exposures[0], star_table(exposures[0]))
    before = image.det_to_tanp(100.0, 50.0)
    for _ in range(2):  # without a correction, and with one
        kept = deepcopy(image)
        image.set_correction(shift=[0.3, -0.4])
        np.testing.assert_allclose(kept.det_to_tanp(100.0, 50.0), before, rtol=1e-12)
        before = image.det_to_tanp(100.0, 50.0)
    assert np.hypot(*np.subtract(kept.det_to_world(9, 9), image.det_to_world(9, 9))) > 0
    image = _match.renewed(image)
    image.is_shared = False
    deepcopy(image).wcs.bounding_box = None
    assert image.wcs.bounding_box is not None
    assert deepcopy(image).original_wcs is image.original_wcs


@pytest.mark.parametrize("to_the_sky", [False, True])
def test_images_in_order_are_aligned_as_by_tweakwcs(exposures, tmp_path, monkeypatch, to_the_sky):
    from tweakwcs.imalign import align_wcs

    def of_tweakwcs(correctors, catalogue, options):
        align_wcs(correctors, refcat=catalogue, enforce_user_order=True, expand_refcat=False,
                  **options)

    options = {}
    if to_the_sky:
        options["abs_refcat"] = absolute(tmp_path / "stars.ecsv", moved=(1.5, -0.8))
    exposures[1].meta.group_id = exposures[2].meta.group_id = "both"
    found, ours = [], _match._align_in_order
    for run in (ours, of_tweakwcs):
        monkeypatch.setattr(_match, "_align_in_order", run)
        models = models_of(TweakRegStep(**options).run([model.copy() for model in exposures]))
        assert [model.meta.cal_step.tweakreg for model in models] == ["COMPLETE"] * 3
        found.append([model.meta.wcs(*np.mgrid[0:300:50, 0:300:50]) for model in models])
    np.testing.assert_array_equal(*found)


def test_a_group_without_sources_stays(exposures, caplog):
    exposures[1].data[:] = 1
    before = [model.meta.wcs(9.0, 9.0) for model in exposures]
    found = models_of(TweakRegStep().run(exposures))
    assert "is not aligned: FAILED: empty source catalog" in caplog.text
    assert [model.meta.wcs(9.0, 9.0) == place
            for model, place in zip(found, before, strict=True)] == [True, True, False]


def test_large_groups_keep_their_bounds(exposures, truth, monkeypatch):
    from tweakwcs.wcsimage import WCSGroupCatalog

    monkeypatch.setattr(_match, "SHARED", 1)
    monkeypatch.setattr(WCSGroupCatalog, "bb_approx_threshold", 1)
    for model in exposures[:2]:
        model.meta.group_id = "both"
    exposures[1].meta.wcs = exposures[0].meta.wcs
    found = models_of(TweakRegStep(expand_refcat=True).run(exposures))
    assert all(model.meta.wcs.bounding_box is not None for model in found)


def test_separation_must_exceed_tolerance(exposures, caplog):
    assert statuses(TweakRegStep(separation=0.9).run(exposures)) == ["FAILED"] * 3
    assert "separation = 0.9 must be larger than 1.41 times tolerance = 0.7" in caplog.text


# catalogues of the images -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ecsv", "fits"])
def test_catalogues_are_written_and_read(tmp_path, monkeypatch, made, truth, kind):
    monkeypatch.chdir(tmp_path)
    path = star_fields.association(tmp_path, [model.copy() for model in made])
    first = TweakRegStep.call(str(path), save_catalogs=True, catalog_format=kind,
                              output_dir=str(tmp_path))
    names = [f"{model.meta.filename[:-5]}_cat.{kind}" for model in made]
    assert [model.meta.tweakreg_catalog for model in models_of(first)] == names
    assert Table.read(names[0]).colnames == ["id", "x", "y", "flux"]
    (tmp_path / "which.txt").write_text("# image catalogue\n" + "".join(
        f"{model.meta.filename} {name}\n" for model, name in zip(made, names, strict=True)))
    again = TweakRegStep.call(str(path), use_custom_catalogs=True, catfile="which.txt",
                              snr_threshold=1e9)
    for one, other in zip(models_of(first), models_of(again), strict=True):
        x, y = np.mgrid[0:300:50, 0:300:50]
        np.testing.assert_allclose(one.meta.wcs(x, y), other.meta.wcs(x, y), rtol=1e-13)
        assert other.meta.tweakreg_catalog == str(tmp_path / f"{one.meta.tweakreg_catalog}")


def test_catalogues_of_the_association(tmp_path, made, truth, caplog):
    import json

    caplog.set_level(logging.INFO)
    path = star_fields.association(tmp_path, [model.copy() for model in made])
    asn = json.loads(path.read_text())
    members = asn["products"][0]["members"]
    for member, model in zip(members[:2], made, strict=False):
        star_table(model).write(tmp_path / f"{member['expname']}.ecsv")
        member["tweakreg_catalog"] = f"{member['expname']}.ecsv"
    members[2]["tweakreg_catalog"] = ""
    path.write_text(json.dumps(asn))
    result = TweakRegStep.call(str(path), use_custom_catalogs=True)
    assert caplog.text.count(": sources of ") == 2
    # the stars are in the catalogue where the header says they are: nothing is in error
    wrong = models_of(result)[1].meta.wcs
    assert np.abs(star_fields.residuals(wrong, made[1].meta.wcs)).max() < 1e-6


def test_an_empty_catfile_is_said(tmp_path, exposures, caplog):
    (tmp_path / "none.txt").write_text("# nothing\n\n")
    TweakRegStep(use_custom_catalogs=True, catfile=str(tmp_path / "none.txt")).run(exposures)
    assert "none.txt names no catalogues: sources are searched for" in caplog.text


def test_catfile_of_the_wrong_form_is_refused(tmp_path, exposures):
    (tmp_path / "three.txt").write_text("a.fits a.ecsv b.ecsv\n")
    step = TweakRegStep(use_custom_catalogs=True, catfile=str(tmp_path / "three.txt"))
    with pytest.raises(ParameterError, match=r"three.txt, line 1: 3 words where"):
        step.run(exposures)
    step.catfile = str(tmp_path / "absent.txt")
    with pytest.raises(ParameterError, match=r"absent.txt cannot be read: No such file"):
        step.run(exposures)


def test_a_catalogue_of_the_wrong_format_is_refused(tmp_path, exposures):
    exposures[0].meta.tweakreg_catalog = str(tmp_path / "bad.ecsv")
    step = TweakRegStep(use_custom_catalogs=True)
    with pytest.raises(InputError, match=r"bad\.ecsv: no such catalogue"):
        step.run(exposures)
    (tmp_path / "bad.ecsv").write_text("nothing\n")
    with pytest.raises(InputError, match=r"bad\.ecsv: cannot be read as a catalogue"):
        step.run(exposures)
    Table({"x": [1.0], "z": [2.0]}).write(tmp_path / "bad.ecsv", overwrite=True)
    with pytest.raises(InputError, match=r"needs one of the columns y, ycentroid.*has x, z"):
        step.run(exposures)


def test_catalog_format_is_refused_before_work(exposures):
    with pytest.raises(ParameterError, match="'catalog_format' of tweakreg: 'csv' where ecsv or"):
        TweakRegStep(save_catalogs=True, catalog_format="csv").run(exposures)


# absolute catalogues ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3])
def test_images_move_to_an_absolute_catalogue(tmp_path, exposures, truth, n):
    path = absolute(tmp_path / "stars.ecsv", moved=(1.5, -0.8))
    found = models_of(TweakRegStep(abs_refcat=path).run(exposures[:n]))
    for model in found:
        assert model.meta.wcs.name == f"FIT-LVL3-{path}"
        number = int(model.meta.observation.exposure_number)
        away = star_fields.residuals(model.meta.wcs, truth[number])
        np.testing.assert_allclose(away[0], 1.5, atol=4 * MAS)
        np.testing.assert_allclose(away[1], -0.8, atol=4 * MAS)


def test_names_of_positions(tmp_path, exposures, truth):
    ra, dec, _ = star_fields.sky()
    QTable({"sky_centroid": SkyCoord(ra, dec, unit="deg"), "ra": ra, "Dec": dec + 9}).write(
        tmp_path / "both.ecsv")
    QTable({"SKY_centroid": SkyCoord(ra, dec, unit="deg")}).write(tmp_path / "centroid.ecsv")
    absolute(tmp_path / "small.csv", names=("ra", "dEc"))
    for name in ("centroid.ecsv", "small.csv"):
        table = _catalogs.reference(str(tmp_path / name), np.array([[80.1, -69.4]]), None)
        np.testing.assert_allclose([table["RA"], table["DEC"]], [ra, dec], rtol=1e-12)
        assert table.meta["name"] == name
    assert len(_catalogs.reference(str(tmp_path / "both.ecsv"), np.zeros((1, 2)), None)) == len(ra)
    Table({"ra": ra, "RA": ra, "dec": dec}).write(tmp_path / "twice.ecsv")
    with pytest.raises(InputError, match=r"twice.ecsv: has several columns RA"):
        _catalogs.reference(str(tmp_path / "twice.ecsv"), np.zeros((1, 2)), None)
    Table({"ra": ra, "d": dec}).write(tmp_path / "no.ecsv")
    with pytest.raises(InputError, match=r"no.ecsv: a reference catalogue needs columns RA and DE"):
        TweakRegStep(abs_refcat=str(tmp_path / "no.ecsv")).run(exposures)


def test_a_directory_of_catalogues(tmp_path, exposures, truth, caplog):
    caplog.set_level(logging.INFO)
    folder = tmp_path / "gaia"
    folder.mkdir()
    ra, dec, _ = star_fields.sky()
    half = len(ra) // 2
    Table({"ra": ra[:half], "dec": dec[:half], "mag": ra[:half]}).write(folder / "a.csv")
    Table({"RA": ra[half:], "DEC": dec[half:]}).write(folder / "b.fits")
    Table({"RA": ra + 3, "DEC": dec}).write(folder / "far.ecsv")
    (folder / "readme.md").write_text("no catalogue")
    step = TweakRegStep(abs_refcat=str(folder), save_abs_catalog=True, output_dir=str(tmp_path))
    found = models_of(step.run(exposures))
    assert all(rms(model, truth) < 2 * MAS for model in found)
    assert f"{len(ra)} sources of 2 catalogues are in the field" in caplog.text
    assert len(Table.read(tmp_path / "fit_gaia_ref.ecsv")) == len(ra)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no catalogues in this directory"):
        TweakRegStep(abs_refcat=str(tmp_path / "empty")).run(exposures)


def test_too_few_absolute_sources_fail(tmp_path, exposures, caplog):
    Table({"RA": [80.1] * 3, "DEC": [-69.4] * 3}).write(tmp_path / "three.ecsv")
    result = TweakRegStep(abs_refcat=str(tmp_path / "three.ecsv")).run(exposures)
    assert statuses(result) == ["FAILED"] * 3
    assert "3 sources in the reference catalogue three.ecsv, 15 are needed" in caplog.text


def test_absolute_sources_without_a_position_are_left_out(tmp_path, exposures, truth, caplog):
    path = absolute(tmp_path / "stars.ecsv", moved=(1.5, -0.8))
    stars = Table.read(path)
    stars["RA"][3], stars["DEC"][5] = np.nan, np.nan
    stars.write(path, overwrite=True)
    (found,) = models_of(TweakRegStep(abs_refcat=path).run(exposures[:1]))
    np.testing.assert_allclose(
        star_fields.residuals(found.meta.wcs, truth[1])[0], 1.5, atol=4 * MAS)
    assert f"2 of {len(stars)} sources have no position and are left out" in caplog.text
    stars["RA"] = np.nan
    stars.write(path, overwrite=True)
    assert statuses(TweakRegStep(abs_refcat=path).run(exposures)) == ["FAILED"] * 3
    assert "0 sources in the reference catalogue stars.ecsv, 15 are needed" in caplog.text


@pytest.mark.parametrize("columns", [("RA", "DEC"), ("x", "y")])
def test_positions_that_are_no_numbers_are_refused(tmp_path, exposures, columns):
    path = str(tmp_path / "words.csv")
    Table({columns[0]: ["05:20:21"] * 20, columns[1]: [1.0] * 20}).write(path)
    given = {"abs_refcat": path}
    if columns == ("x", "y"):
        exposures[0].meta.tweakreg_catalog, given = path, {"use_custom_catalogs": True}
    with pytest.raises(InputError, match=rf"words.csv: column {columns[0]} holds '05:20:21' where"):
        TweakRegStep(**given).run(exposures)


def test_images_that_catfile_does_not_name_are_told(tmp_path, exposures, caplog):
    (tmp_path / "other.txt").write_text("other_cal.fits stars.ecsv\n")
    with caplog.at_level("INFO"):
        TweakRegStep(use_custom_catalogs=True, catfile=str(tmp_path / "other.txt")).run(exposures)
    assert caplog.text.count("no catalogue is given for it, sources are searched for") == 3


def test_unknown_absolute_catalogue_is_refused(exposures):
    with pytest.raises(ParameterError, match=r"'abs_refcat' .*'no.ecsv' is no file, no directory"):
        TweakRegStep(abs_refcat="no.ecsv").run(exposures)


@pytest.fixture
def service(monkeypatch):
    """A catalogue service; ``answers`` is what it says, ``asked`` what it was asked."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.answer.encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer = [], "No data records found"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv(_catalogs.SERVICE_VARIABLE, f"http://127.0.0.1:{server.server_port}")
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def gaia(n_moving=36):
    """What the service answers; only stars of known proper motion have positions of the epoch."""
    lines = ["# Gaia", "objID,ra,dec,mag,epoch,pmra,pmdec"]
    for i, (ra, dec, flux) in enumerate(zip(*star_fields.sky(), strict=True)):
        motion = "0.1,0.2" if i < n_moving else ","
        lines.append(f"{i},{ra!r},{dec!r},{20 - np.log10(flux)},2016.0,{motion}")
    return "\n".join(lines).replace("np.float64(", "").replace(")", "")


def test_gaia_from_the_service(tmp_path, exposures, truth, service, caplog):
    service.answer = gaia(30)
    step = TweakRegStep(abs_refcat="gaiadr3", save_abs_catalog=True, output_dir=str(tmp_path))
    found = models_of(step.run(exposures))
    assert all(rms(model, truth) < 2 * MAS for model in found)
    assert found[0].meta.wcs.name == "FIT-LVL3-gaiadr3"
    (asked,) = service.asked
    assert asked.startswith("/vo/CatalogSearch.aspx?RA=80.")
    assert "&EPOCH=2024.0&" in asked
    assert asked.endswith("&FORMAT=CSV&CAT=GAIADR3")
    saved = Table.read(tmp_path / "fit_gaiadr3_ref.ecsv")
    assert saved.colnames == ["RA", "DEC", "mag", "objID", "epoch"]
    assert len(saved) == 30
    assert (np.diff(saved["mag"]) <= 0).all()
    service.answer = "No data records"
    assert statuses(step.run(exposures[:1])) == ["FAILED"]
    assert "0 sources in the reference catalogue GAIADR3, 15 are needed" in caplog.text
    service.answer = "<html>out of order</html>"
    assert statuses(step.run(exposures[:1])) == ["FAILED"]
    assert "answers '<html>out of order</html>' where a catalogue is needed" in caplog.text


def test_without_network_images_are_aligned_to_each_other(exposures, truth, caplog, monkeypatch):
    monkeypatch.setenv(_catalogs.SERVICE_VARIABLE, "http://127.0.0.1:9")
    found = models_of(TweakRegStep(abs_refcat="GAIADR3").run(exposures))
    assert all(rms(model, truth) < 2 * MAS for model in found)
    assert found[1].meta.wcs.name != "FIT-LVL3-GAIADR3"
    line = "GAIADR3: http://127.0.0.1:9 does not answer: "
    assert sum(line in record.getMessage() for record in caplog.records) == 1
    assert statuses(TweakRegStep(abs_refcat="GAIADR3").run(exposures[:1])) == ["FAILED"]


def test_without_a_date_the_service_is_not_asked(exposures):
    for model in exposures:
        model.meta.observation.date = None
    with pytest.raises(InputError, match="GAIADR3: DATE-OBS of the images is missing"):
        TweakRegStep(abs_refcat="GAIADR3").run(exposures)


# input ------------------------------------------------------------------------------------------


def test_missing_coordinates_are_refused(exposures):
    exposures[1].meta.wcs = None
    with pytest.raises(InputError, match=r"00002_nrca1_cal.fits: no coordinates; assign_wcs must"):
        TweakRegStep().run(exposures)


def test_coordinates_of_another_kind_are_refused(exposures):
    import gwcs
    from astropy import coordinates
    from astropy.modeling.models import Identity
    from gwcs import coordinate_frames

    sky = coordinate_frames.CelestialFrame(name="world", reference_frame=coordinates.ICRS())
    exposures[1].meta.wcs = gwcs.WCS([
        (coordinate_frames.Frame2D(name="detector"), Identity(2)), (sky, None)])
    with pytest.raises(InputError, match=r"00002_nrca1_cal.fits: its coordinates cannot be"):
        TweakRegStep().run(exposures)


def test_an_unreadable_member_is_named(tmp_path, made):
    path = star_fields.association(tmp_path, [model.copy() for model in made])
    bad = tmp_path / made[1].meta.filename
    bad.write_bytes(bad.read_bytes()[:3000])
    with pytest.raises(InputError, match=made[1].meta.filename):
        TweakRegStep.call(str(path))


def test_cubes_are_refused(exposures):
    from stdatamodels.jwst.datamodels import CubeModel

    cube = CubeModel((2, 5, 5))
    cube.meta.filename = "cube.fits"
    with pytest.raises(InputError, match=r"cube.fits: tweakreg takes 2-D images, this is"):
        TweakRegStep().run([cube, exposures[0]])
