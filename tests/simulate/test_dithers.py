"""Sets of exposures of a field: what headers, associations and truth say, and whether it is so."""

import json

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.errors import ParameterError
from jwst_cal.pointing import attitude
from jwst_cal.simulate import dithers, psf, sky
from jwst_cal.simulate.detectors import Window
from jwst_cal.simulate.instruments import INSTRUMENTS

SMALL = {"n_ints": 1, "n_groups": 2, "readpatt": None, "stars": 12}


@pytest.fixture(scope="module")
def nircam(tmp_path_factory):
    """Two dithers of two short-wave detectors and the long-wave one."""
    return dithers.dithers(
        tmp_path_factory.mktemp("set"), subarray="SUB160", n_dithers=2, seed=5, sky_step=0.2,
        detectors=["nrcb1", "NRCB4", "NRCBLONG"], **(SMALL | {"readpatt": "RAPID"}))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """The embedded reference files in a folder of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JWST_CAL_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("JWST_CAL_CRDS", "embedded")
        yield


def coordinates(path):
    """Return the coordinates that assign_wcs gives an exposure."""
    from stdatamodels.jwst import datamodels

    from jwst_cal.astrometry.assign_wcs import AssignWcsStep

    with datamodels.open(path) as raw:
        rate = datamodels.ImageModel(np.zeros(raw.data.shape[-2:], np.float32))
        rate.update(raw)
    return AssignWcsStep.call(rate, sip_approx=False)


# ---- files --------------------------------------------------------------------------------------
def test_names_and_associations(nircam):
    assert [path.name for path in nircam.exposures] == [
        f"jw01234001001_02101_0000{number}_{detector}_uncal.fits"
        for number in (1, 2) for detector in ("nrcb1", "nrcb4", "nrcblong")]
    level2 = json.loads(nircam.level2.read_text())
    assert level2["asn_type"] == "image2"
    assert [[(member["expname"], member["exptype"]) for member in product["members"]]
            for product in level2["products"]] == [
        [(path.name.replace("uncal", "rate"), "science")] for path in nircam.exposures]
    (product,) = json.loads(nircam.level3.read_text())["products"]
    assert product["name"] == "jw01234-o001_t001_nircam_clear-f200w-sub160"
    assert [member["expname"][-14:] for member in product["members"]] == [
        "nrcb1_cal.fits", "nrcb4_cal.fits"] * 2
    (other,) = set(nircam.level3.parent.glob("*_image3_*_asn.json")) - {nircam.level3}
    (product,) = json.loads(other.read_text())["products"]
    assert product["name"] == "jw01234-o001_t001_nircam_clear-f356w-sub160"
    assert len(product["members"]) == 2


def test_the_pool_makes_the_associations(nircam, tmp_path):
    from jwst_cal.associations import asn_generate

    assert asn_generate.main([str(nircam.pool), "--all-candidates", "--merge", "-p",
                              str(tmp_path)]) == 0
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == sorted(path.name for path in nircam.pool.parent.glob("*_asn.json"))


def test_exposures_follow_each_other(nircam):
    starts = [fits.getval(path, "EXPSTART") for path in nircam.exposures]
    ends = [fits.getval(path, "EXPEND") for path in nircam.exposures]
    assert starts[0] == starts[1] == starts[2]
    assert starts[3] > ends[0]
    header = fits.getheader(nircam.exposures[3])
    assert header["EXPOSURE"] == "00002"
    assert (header["PATT_NUM"], header["NUMDTHPT"]) == (2, 2)
    assert header["APERNAME"] == "NRCB1_SUB160"
    assert header["DATE-OBS"] + "T" + header["TIME-OBS"] == header["DATE-BEG"]


def test_detectors_and_dithers_have_noise_of_their_own(nircam):
    frames = [fits.getdata(path, "SCI")[0, 0].astype(float) for path in nircam.exposures[:2]]
    assert not np.array_equal(*frames)
    jumps = [np.load(str(path).replace("uncal.fits", "truth.npz"))["jumps"]
             for path in (*nircam.exposures[:2], nircam.exposures[3])]
    assert len({part["electrons"].tobytes() for part in jumps}) == 3


def test_the_same_seed_gives_the_same_set(nircam, tmp_path):
    again = dithers.dithers(
        tmp_path, subarray="SUB160", n_dithers=2, seed=5, sky_step=0.2,
        detectors=["NRCB1", "NRCB4", "NRCBLONG"], **(SMALL | {"readpatt": "RAPID"}))
    assert again.exposures[4].read_bytes() == nircam.exposures[4].read_bytes()
    for name in ("sources", "places", "pointings"):
        assert getattr(again, name).read_text() == getattr(nircam, name).read_text()


# ---- truth --------------------------------------------------------------------------------------
def test_truth_of_the_sky_steps(nircam):
    table = Table.read(nircam.pointings)
    by_dither = [set(table["sky_mjysr"][table["dither"] == k]) for k in (1, 2)]
    assert [len(values) for values in by_dither] == [1, 1]
    assert by_dither[0] != by_dither[1]
    mean = Table.read(nircam.sources).meta["sky_mjysr"]
    assert all(0.3 < value.copy().pop() / mean < 1.7 for value in by_dither)


def test_headers_do_not_know_the_errors_of_the_pointing(tmp_path):
    for name, error in (("with", 0.05), ("without", 0.0)):
        dithers.dithers(tmp_path / name, subarray="SUB64P", detectors=["NRCB1"], n_dithers=2,
                        pointing_error=error, roll_error=0.0,
                        **(SMALL | {"readpatt": "RAPID"}))
    one, other = (fits.getheader(tmp_path / name / "jw01234001001_02101_00002_nrcb1_uncal.fits", 1)
                  for name in ("with", "without"))
    assert [one[key] for key in ("RA_REF", "DEC_REF", "S_REGION", "PC1_1")] == [
        other[key] for key in ("RA_REF", "DEC_REF", "S_REGION", "PC1_1")]
    places = [Table.read(tmp_path / name / "truth_places.ecsv") for name in ("with", "without")]
    rows = [{(row["file"], row["id"]): (row["x"], row["y"]) for row in table} for table in places]
    both = rows[0].keys() & rows[1].keys()
    shifts = np.array([np.subtract(rows[0][key], rows[1][key]) for key in both])
    assert 0.2 < np.hypot(*shifts.T).max() < 8


KINDS = {
    "nircam": {"subarray": "SUB160", "detectors": ["NRCB3"]},
    "nircam elsewhere": {"subarray": "SUB160", "detectors": ["NRCA1"]},
    "nircam long": {"subarray": "SUB64P", "detectors": ["NRCALONG"], "filter_name": "F444W"},
    "niriss": {"instrument": "NIRISS", "subarray": "SUB128"},
    "miri": {"instrument": "MIRI", "subarray": "SUB64", "filter_name": "F560W"},
    "fgs": {"instrument": "FGS", "detectors": ["GUIDER2"]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_assign_wcs_finds_the_sources_where_they_are(tmp_path, embedded, kind):
    made = dithers.dithers(tmp_path, pointing_error=0, roll_error=0, n_dithers=2,
                           field=(0.0003, -60.0, 250.0), **KINDS[kind], **SMALL)
    sources, places = Table.read(made.sources), Table.read(made.places)
    for path in made.exposures:
        model = coordinates(path)
        seen = places[places["file"] == path.name]
        row = sources[np.searchsorted(sources["id"], seen["id"])]
        assert len(seen) > 3
        ra, dec = model.meta.wcs(seen["x"], seen["y"], with_bounding_box=False)
        around = attitude.attitude(0, 0, 0.0003, -60.0, 0)
        there, expected = (attitude.to_telescope(around, *pair) for pair in (
            (ra, dec), (row["RA"], row["DEC"])))
        assert_allclose(there, expected, rtol=0, atol=2e-7)  # arcsec
        outline = np.array(fits.getval(path, "S_REGION", 1).split()[2:], float)
        ours = np.array(model.meta.wcsinfo.s_region.split()[2:], float)
        corners = [attitude.to_telescope(around, *part.reshape(4, 2).T)
                   for part in (outline, ours)]
        distance = np.hypot(*(a[:, None] - b[None, :] for a, b in zip(*corners, strict=True)))
        assert distance.min(axis=0).max() < 0.2  # filters shift, and corners are of a plane


# ---- light --------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def optics():
    window = Window("NRCB1", "SUB320")
    return sky.Optics(window, INSTRUMENTS["NIRCAM"].filters_of("NRCB1")[0])


def field(optics, rows):
    """Sources at places of the array: kind, x, y, flux, scale, axis ratio, angle."""
    at = optics.window.aperture
    matrix = attitude.attitude(at.v2_ref, at.v3_ref, 10.0, 20.0, 30.0)
    table = np.zeros(len(rows), sky.SOURCE)
    for k, (kind, x, y, *rest) in enumerate(rows):
        place = optics.window.distortion.to_telescope(
            x + optics.window.x[0] + optics.filter.offset[0],
            y + optics.window.y[0] + optics.filter.offset[1])
        ra, dec = attitude.to_sky(matrix, *place)
        table[k] = (1, kind, ra, dec, *rest)
    return table, matrix


@pytest.mark.parametrize("source", [
    ("star", 160.3, 150.8, 50.0, 0, 1, 0), ("galaxy", 160.0, 160.0, 50.0, 0.15, 0.5, 40.0),
])
def test_sources_have_their_flux(optics, source):
    table, matrix = field(optics, [source])
    light, x, y = sky.render(optics, table, matrix, 1.0, 0.0)
    assert_allclose((x[0], y[0]), source[1:3], atol=1e-6)
    flat = optics.window.flat_field
    total = (light / flat).sum() / optics.per_microjansky
    assert_allclose(total, 50.0, rtol=2e-3)
    rows, cols = np.indices(light.shape)
    weights = light / flat / (light / flat).sum()
    assert_allclose(((weights * cols).sum(), (weights * rows).sum()), source[1:3], atol=0.02)


def test_position_angle_of_galaxies(optics):
    table, matrix = field(optics, [("galaxy", 160.0, 160.0, 50.0, 0.2, 0.3, 35.0)])
    light, *_ = sky.render(optics, table, matrix, 1.0, 0.0)
    rows, cols = np.indices(light.shape)
    step = 1 / 3600
    north = optics.pixels(table["RA"], table["DEC"] + step, matrix, 1.0)
    east = optics.pixels(table["RA"] + step / np.cos(np.radians(table["DEC"])), table["DEC"],
                         matrix, 1.0)
    angle = np.radians(35.0)
    axis = np.array([(np.cos(angle) * (n - 160) + np.sin(angle) * (e - 160))[0]
                     for n, e in zip(north, east, strict=True)])
    axis /= np.hypot(*axis)
    dx, dy = cols - 160, rows - 160
    along, across = dx * axis[0] + dy * axis[1], dy * axis[0] - dx * axis[1]
    spread = [(light * part**2).sum() for part in (along, across)]
    assert_allclose(np.sqrt(spread[1] / spread[0]), 0.3, rtol=0.05)
    assert abs((light * along * across).sum()) < 0.02 * spread[0]


def test_sky_is_of_even_surface_brightness_after_the_flat(optics):
    from jwst_cal.simulate.makers import images

    light, *_ = sky.render(optics, np.zeros(0, sky.SOURCE), np.eye(3), 1.0, 3.0)
    rate = light * optics.window.efficiency / optics.window.gain
    _, _, hdus = images.flat(optics.window)
    flat = np.frombuffer(next(iter(hdus[0][1])), ">f4").reshape(light.shape)
    usable = np.isfinite(flat) & (optics.window.efficiency == 1)
    brightness = (rate / flat)[usable] * optics.filter.photmjsr
    assert usable.mean() > 0.9
    assert_allclose(brightness, 3.0, rtol=1e-5)


def test_velocity_changes_the_scale_around_the_reference_point(optics):
    at = optics.window.aperture
    centre = (at.x_ref - 1 - optics.filter.offset[0], at.y_ref - 1 - optics.filter.offset[1])
    table, matrix = field(optics, [("star", *centre, 1, 0, 1, 0), ("star", 300, 300, 1, 0, 1, 0)])
    slow = np.array(optics.pixels(table["RA"], table["DEC"], matrix, 1.0))
    fast = np.array(optics.pixels(table["RA"], table["DEC"], matrix, 1.001))
    assert_allclose(fast[:, 0], slow[:, 0], atol=1e-2)
    assert_allclose(fast[:, 1] - slow[:, 1], -0.001 * (slow[:, 1] - centre), rtol=0.05)


def test_curve_of_growth():
    spread = psf.of_width(2.2)
    place = np.arange(-50, 51.0)
    image = spread.share(place[:, None] + 0.3, place[None, :] - 0.2)
    assert_allclose(image.sum(), 1, rtol=1e-3)
    assert_array_equal(image[:5], 0)
    radii = spread.radius([0.3, 0.5, 0.8, 0.95])
    distance = np.hypot(place[:, None] + 0.3, place[None, :] - 0.2)
    found = [image[distance < radius].sum() for radius in radii]
    # aperture and resampling blur, which counting pixels does not
    assert_allclose(found, [0.3, 0.5, 0.8, 0.95], atol=0.12)
    assert_allclose(found[-1], 0.95, atol=0.01)


@pytest.mark.parametrize(("given", "message"), [
    ({"instrument": "NIRSPEC"}, "instrument 'NIRSPEC'"),
    ({"subarray": "SUB64P_SUPSTP008"}, "subarray 'SUB64P_SUPSTP008'"),
    ({"detectors": ["NRCB1"], "filter_name": "F770W"}, "filter 'F770W'"),
    ({"field": (0, 90, 0)}, "field"),
    ({"pointing_error": -1}, "pointing_error"),
    ({"n_dithers": 2.5}, "dithers"),
    ({"stars": -3}, "stars"),
])
def test_refused(tmp_path, given, message):
    with pytest.raises(ParameterError, match=message):
        dithers.dithers(tmp_path, **given)
    assert not any(tmp_path.iterdir())
