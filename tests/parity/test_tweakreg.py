"""Tweakreg beside the official step: finders, fits, catalogues, what is aligned and what is not."""

import http.server
import threading

import numpy as np
import pytest
from astropy.table import Table
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry import _catalogs
from jwst_cal.astrometry.tweakreg import TweakRegStep
from tests import star_fields
from tests.parity import oracle, setup

_, REASON = setup.find()
pytestmark = [
    pytest.mark.parity,
    pytest.mark.skipif(REASON is not None, reason=f"no official package: {REASON}"),
]

#: Association and parameters; files are named relative to the folder of the inputs.
CASES = {
    "iraf": ("three", {"save_catalogs": True}),
    "dao": ("three", {"starfinder": "dao", "roundlo": -0.5, "roundhi": 0.5, "kernel_fwhm": 3.0,
                      "minsep_fwhm": 1.5, "brightest": 22, "peakmax": 600.0, "fitgeometry":
                      "general", "save_catalogs": True, "expand_refcat": True, "sip_degree": 3}),
    "segmentation": ("three", {"starfinder": "segmentation", "npixels": 6, "connectivity": "4",
                               "snr_threshold": 4.0, "fitgeometry": "rscale", "nclip": 1,
                               "save_catalogs": True, "catalog_format": "ecsv"}),
    "boxes": ("three", {"bkg_boxsize": 70, "sigma_radius": 2.5, "sharplo": 0.7, "save_catalogs":
                        True, "use2dhist": False, "xoffset": 0.1, "yoffset": 0.05, "sigma": 1.5,
                        "fitgeometry": "shift", "enforce_user_order": True}),
    "detectors": ("pairs", {"sip_approx": False, "minobj": 8}),
    "absolute": ("three", {"abs_refcat": "stars.ecsv"}),
    "one-absolute": ("one", {"abs_refcat": "stars.ecsv", "abs_fitgeometry": "shift",
                             "abs_searchrad": 3.0, "abs_nclip": 0}),
    "service": ("three", {"abs_refcat": "GAIADR3", "save_abs_catalog": True}),
    "few-absolute": ("three", {"abs_refcat": "few.ecsv"}),
    "one": ("one", {}),
    "custom": ("three", {"use_custom_catalogs": True, "catfile": "catalogues.txt"}),
    "unmatched": ("unmatched", {}),
    "empty": ("empty", {}),
    "confused": ("three", {"separation": 0.5}),
}


@pytest.fixture(scope="module")
def service():
    """Serve a catalogue to both."""
    ra, dec, flux = star_fields.sky()
    rows = "".join(f"{i},{float(ra[i])!r},{float(dec[i])!r},{20 - np.log10(flux[i])},2016.0,"
                   f"{'1.0,2.0' if i % 9 else ','}\n" for i in range(len(ra)))

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(("# Gaia\nobjID,ra,dec,mag,epoch,pmra,pmdec\n" + rows).encode())

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(_catalogs.SERVICE_VARIABLE, f"http://127.0.0.1:{server.server_port}")
        yield
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Folder of images, associations and catalogues."""
    folder = tmp_path_factory.mktemp("images")
    ra, dec, flux = star_fields.sky()
    # two stars that overlap, and a group of pixels that is none
    stars = np.append(ra, ra[3] + 1e-4), np.append(dec, dec[3] + 3e-5), np.append(flux, 900)
    images = [star_fields.exposure(number, stars) for number in (1, 2, 3)]
    images[1].data[40:43, 60] += 80
    star_fields.association(folder, images, "three.json")
    star_fields.association(folder, images[:1], "one.json")
    pairs = images[:2] + [
        star_fields.exposure(n, stars, detector="nrca3", dither=(n - 0.5, 2.0, 0), shape=(300, 280))
        for n in (1, 2)]
    star_fields.association(folder, pairs, "pairs.json")
    other = star_fields.exposure(4, tuple(part[:12] for part in stars))
    star_fields.association(folder, [*images, other], "unmatched.json")
    empty = [star_fields.exposure(n, ([], [], []), error=(0, 0, 0), detector="nrca2")
             for n in (1, 2)]
    empty[0].dq |= 1
    star_fields.association(folder, empty, "empty.json")
    moved = ra + 1.2 / 3600 / np.cos(np.deg2rad(dec)), dec - 0.7 / 3600
    Table(moved, names=["ra", "dec"]).write(folder / "stars.ecsv")
    Table(moved, names=["ra", "dec"])[:9].write(folder / "few.ecsv")
    lines = []
    for image in images[:2]:
        x, y = image.meta.wcs.invert(*stars[:2], with_bounding_box=False)
        shift = 3.0 * len(lines)
        name = f"{image.meta.filename[:-5]}_own.ecsv"
        Table({"xcentroid": x + shift, "ycentroid": y}).write(folder / name)
        lines.append(f"{image.meta.filename} {name}\n")
    lines.append(f"{images[2].meta.filename}\n")
    (folder / "catalogues.txt").write_text("# image, catalogue\n\n" + "".join(lines))
    return folder


def parameters(folder, name):
    given = dict(CASES[name][1])
    for key in ("abs_refcat", "catfile"):
        if given.get(key) and given[key] not in _catalogs.SERVICES:
            given[key] = str(folder / given[key])
    return given


@pytest.fixture(scope="module")
def official(inputs, service, tmp_path_factory):
    """Folders of the official products."""
    targets = {name: tmp_path_factory.mktemp(f"official-{name}") for name in CASES}
    oracle.run_steps(tmp_path_factory.mktemp("official"), [
        ("jwst.tweakreg.TweakRegStep", [inputs / f"{asn}.json"], targets[name],
         parameters(inputs, name)) for name, (asn, _) in CASES.items()])
    return targets


@pytest.fixture(scope="module", params=CASES)
def products(request, inputs, official, tmp_path_factory):
    """Name of the case, our folder and the official one."""
    ours = tmp_path_factory.mktemp("ours")
    TweakRegStep.call(str(inputs / f"{CASES[request.param][0]}.json"), save_results=True,
                      output_dir=str(ours), **parameters(inputs, request.param))
    assert ({path.name for path in ours.iterdir()}
            == {path.name for path in official[request.param].iterdir()})
    return request.param, ours, official[request.param]


def test_coordinates_and_headers_agree(products):
    name, ours, official = products
    moved = 0
    for path in sorted(ours.glob("*.fits")):
        with datamodels.open(path) as a, datamodels.open(official / path.name) as b:
            y, x = np.mgrid[0:280:40, 0:280:40]
            (ra, dec), (ra0, dec0) = a.meta.wcs(x, y), b.meta.wcs(x, y)
            away = np.hypot((ra - ra0) * np.cos(np.deg2rad(dec0)), dec - dec0) * 3600 / 0.031
            assert away.max() < 1e-4, path.name  # pixels
            assert a.meta.wcs.available_frames == b.meta.wcs.available_frames
            assert a.meta.wcs.name == b.meta.wcs.name
            moved += "v2v3corr" in a.meta.wcs.available_frames
            mine, theirs = (model.to_flat_dict(include_arrays=False) for model in (a, b))
            own = ("meta.date", "meta.calibration_software", "meta.ref_file", "meta.provenance",
                   "meta.cal_logs", "cal_logs", "meta.wcs", "_fits_hash", "history", "asdf")
            different = {key: (mine.get(key), theirs.get(key)) for key in {*mine, *theirs}
                         if not key.startswith(own) and mine.get(key) != theirs.get(key)}
            assert not different
            for key in a.meta.wcsinfo.instance:
                one, other = a.meta.wcsinfo.instance[key], b.meta.wcsinfo.instance.get(key)
                if key == "s_region":
                    one, other = (np.array(text.split()[2:], float) for text in (one, other))
                if isinstance(one, str):
                    assert one == other
                elif one is not None:
                    # errors of the SIP fit: what is left of fits to places of 1e-14 degrees
                    pixels = 1e-6 if key in ("sipmxerr", "sipiverr") else 2e-9
                    np.testing.assert_allclose(one, other, rtol=1e-8, atol=pixels, err_msg=key)
            np.testing.assert_array_equal(a.data, b.data)
    skipped = name in ("few-absolute", "one", "empty", "confused")
    everywhere = {"absolute": 3, "one-absolute": 1, "service": 3}
    assert moved == (0 if skipped else everywhere.get(name, 2))


def test_catalogues_agree(products):
    _, ours, official = products
    for path in sorted(ours.glob("*.ecsv")):
        mine, theirs = Table.read(path), Table.read(official / path.name)
        assert mine.colnames == theirs.colnames
        assert len(mine) == len(theirs) > 10
        for column in theirs.colnames:
            assert mine[column].unit == theirs[column].unit
            np.testing.assert_allclose(mine[column], theirs[column], rtol=1e-5, err_msg=column)
