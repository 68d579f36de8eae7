"""Pictures of all kinds of products, and the page that tells a run."""

import base64
import importlib.util
import re

import numpy as np
import pytest
from stdatamodels.jwst.datamodels import ImageModel, RampModel

from jwst_cal import quicklook
from jwst_cal.cli import strun
from jwst_cal.framework import commandline
from jwst_cal.pipelines import Image2Pipeline
from jwst_cal.quicklook import _figures, _page
from tests import images

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One exposure through stage 2, with --quicklook."""
    folder = tmp_path_factory.mktemp("run")
    paths = images.references("NIRCAM", folder)
    rate = images.image()
    rate.save(folder / rate.meta.filename)
    words = [f"--steps.{alias}.{name}={value}"
             for alias, given in images.overrides(Image2Pipeline, paths).items()
             for name, value in given.items()]
    (folder / "out").mkdir()
    commandline.run(["calwebb_image2", str(folder / rate.meta.filename), *words, "--quicklook",
                     f"--output_dir={folder / 'out'}", "--steps.resample.weight_type=exptime"])
    return folder / "out"


@pytest.fixture(scope="module")
def page(folder):
    (path,) = folder.glob("*.html")
    assert path.name == "jw00001001001_02101_00001_nrca1_quicklook.html"
    return path.read_text("utf-8")


def test_a_picture_beside_each_product(folder):
    assert sorted(p.name for p in folder.iterdir() if p.suffix != ".html") == [
        f"jw00001001001_02101_00001_nrca1_{name}" for name in (
            "cal.fits", "cal.png", "i2d.fits", "i2d.png")]
    for path in folder.glob("*.png"):
        assert path.read_bytes().startswith(PNG)


def test_the_page_holds_all_by_itself(page):
    pictures = re.findall(r"src='data:image/png;base64,([^']+)'", page)
    assert len(pictures) == 2
    assert all(base64.b64decode(text).startswith(PNG) for text in pictures)
    assert not re.findall(r"(src|href)=['\"]?(http|file|/)", page)


def test_the_page_tells_steps_references_and_parameters(page):
    for step in ("assign_wcs", "flat_field", "photom", "resample"):
        assert re.search(rf"<td>{step}</td><td class='COMPLETE'>COMPLETE</td>", page)
    assert re.search(r"<td>flat</td><td>nircam_flat.fits</td><td><code>[0-9a-f]{40}", page)
    assert "<td>weight_type</td><td><code>&#x27;exptime&#x27;</code>" in page
    assert "N/A</td>" not in page.split("<h2>References")[1].split("<h2>")[0]
    assert "Step Image2Pipeline done" in page


def test_warnings_come_first_and_are_escaped(tmp_path):
    step = Image2Pipeline()
    step._log_records = ["2026 - jwst_cal.x - WARNING - a < b & c", "2026 - x - INFO - fine"]
    step.set_primary_input(str(tmp_path / "x_rate.fits"))
    step.output_dir = str(tmp_path)
    path = quicklook.of_run(step, [])
    with open(path) as file:
        text = file.read()
    assert "Warnings (1)" in text
    assert "a &lt; b &amp; c" in text
    assert text.index("a &lt; b") < text.index("<h2>Steps")


MEMBERS = ["jw1_a_cal.fits", "jw1_a_i2d.fits", "jw1_b_cal.fits", "jw1_b_i2d.fits"]
MOSAIC = ["jw1_a_o001_crf.fits", "jw1_b_o001_crf.fits", "jw1-o001_t1_i2d.fits",
          "jw1-o001_t1_cat.ecsv"]


@pytest.mark.parametrize(("saved", "given", "name", "order"), [
    (MEMBERS, "x_asn.json", "x_quicklook.html", MEMBERS),
    (MEMBERS[:2], "x_asn.json", "jw1_a_quicklook.html", MEMBERS[:2]),
    (MEMBERS[:2], "jw1_a_rate.fits", "jw1_a_quicklook.html", MEMBERS[:2]),
    (MOSAIC, "x_asn.json", "jw1-o001_t1_quicklook.html", MOSAIC[2:] + MOSAIC[:2]),
    (MOSAIC[:1] + MOSAIC[2:], "x_asn.json", "jw1-o001_t1_quicklook.html",
     MOSAIC[2:] + MOSAIC[:1]),
])
def test_the_page_has_a_name_and_an_order(saved, given, name, order, tmp_path, monkeypatch):
    monkeypatch.setattr(_page, "picture", lambda path: None)
    step = Image2Pipeline()
    step._log_records = []
    step.set_primary_input(given)
    path = quicklook.of_run(step, [str(tmp_path / file) for file in saved])
    assert path == str(tmp_path / name)
    with open(path) as file:
        text = file.read().split("<h2>Products")[1].split("<h2>")[0]
    assert re.findall(r"<b>([^<]+)</b>", text) == order


@pytest.mark.parametrize(("shape", "stacked"), [((100, 400), True), ((400, 100), False),
                                                ((100, 100), False)])
def test_wide_images_are_drawn_one_above_the_other(shape, stacked):
    figure, (first, second) = _figures.beside(shape)
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    for axis in (first, second):
        _figures.show(figure, axis, image, image > 0, "Image", "DN", "magma")
    figure.canvas.draw()
    boxes = [axis.get_window_extent() for axis in (first, second)]
    assert (boxes[0].y0 > boxes[1].y1) == stacked
    assert (boxes[0].x1 < boxes[1].x0) != stacked
    bar = figure.axes[0].child_axes[0].get_window_extent()
    assert bar.height == pytest.approx(boxes[0].height)
    assert boxes[0].x1 < bar.x0


def test_a_mosaic_with_its_sources_and_inputs(folder, tmp_path):
    from astropy.table import QTable

    with ImageModel(next(folder.glob("*_i2d.fits"))) as model:
        outline = model.meta.wcsinfo.s_region
        model.save(tmp_path / "x_i2d.fits")
    from astropy.io import fits

    with fits.open(tmp_path / "x_i2d.fits", mode="append") as file:
        file.append(fits.BinTableHDU.from_columns(
            [fits.Column("S_REGION", f"{len(outline)}A", array=[outline])], name="HDRTAB"))
    QTable({"xcentroid": [20.0, 60.0], "ycentroid": [30.0, 40.0], "is_extended": [True, False]},
           units={"xcentroid": "pix"}).write(tmp_path / "x_cat.ecsv")
    plain = quicklook.picture(str(folder / next(folder.glob("*_i2d.fits"))))
    drawn = quicklook.picture(str(tmp_path / "x_i2d.fits"))
    with open(plain, "rb") as one, open(drawn, "rb") as two:
        assert one.read() != two.read()


def test_time_series_light_curve_and_ramp(tmp_path):
    from astropy.table import QTable

    cube = images.time_series(5)
    cube.data[2] = np.nan
    cube.save(tmp_path / "x_calints.fits")
    ramp = RampModel(data=np.arange(2 * 3 * 8 * 9, dtype=np.float32).reshape(2, 3, 8, 9))
    images.describe(ramp, "NIRCAM")
    ramp.save(tmp_path / "x_ramp.fits")
    QTable({"MJD": [1.0, 2.0], "net_aperture_sum": [3.0, 4.0], "net_aperture_sum_err": [0.1, 0.1],
            "aperture_x": [5.0, 5.0], "aperture_y": [6.0, 6.0]},
           units={"net_aperture_sum": "Jy", "net_aperture_sum_err": "Jy", "aperture_x": "pix",
                  "aperture_y": "pix"}).write(tmp_path / "x_phot.ecsv")
    for name in ("x_calints.fits", "x_ramp.fits", "x_phot.ecsv"):
        path = quicklook.picture(str(tmp_path / name))
        with open(path, "rb") as file:
            assert file.read(4) == PNG


def test_a_cube_of_one_integration_is_drawn_as_an_image(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(_figures, "save", lambda figure, path: drawn.append(figure))
    for count in (1, 3):
        images.time_series(count).save(tmp_path / f"{count}_calints.fits")
        quicklook.picture(str(tmp_path / f"{count}_calints.fits"))
    alone, several = ([axis.get_title() for axis in figure.axes] for figure in drawn)
    assert alone == ["Image", "Flags"]
    assert (several[0], several[2]) == ("Median of 3 of 3 integrations", "Flagged")


@pytest.mark.parametrize(("days", "unit"), [(1e-4, "Seconds"), (1e-2, "Minutes"), (1.0, "Hours")])
def test_the_light_curve_has_a_fitting_unit_of_time(days, unit, tmp_path, monkeypatch):
    from astropy.table import QTable

    drawn = []
    monkeypatch.setattr(_figures, "save", lambda figure, path: drawn.append(figure))
    QTable({"MJD": [1.0, 1.0 + days], "net_aperture_sum": [3.0, 4.0],
            "net_aperture_sum_err": [0.1, 0.1], "aperture_x": [5.0, 5.0]}, units={
                "net_aperture_sum": "Jy", "net_aperture_sum_err": "Jy",
                "aperture_x": "pix"}).write(tmp_path / "x_phot.ecsv")
    quicklook.picture(str(tmp_path / "x_phot.ecsv"))
    assert drawn[0].axes[1].get_xlabel() == f"{unit} from the first integration"


def test_needs_matplotlib(monkeypatch, capsys, folder):
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec",
                        lambda name, *a: None if name == "matplotlib" else found(name, *a))
    assert strun.main(["calwebb_image2", str(next(folder.glob("*_cal.fits"))), "--quicklook"]) == 1
    assert "--quicklook needs matplotlib: pip install 'jwst_cal[plot]'" in capsys.readouterr().err
