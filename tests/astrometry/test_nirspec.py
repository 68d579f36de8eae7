"""Coordinates of NIRSpec's slits: known places, bounds, what is refused."""

import numpy as np
import pytest
import spectra
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry._wcs import nirspec_bounds
from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.errors import ExitStatus, InputError, ReferenceFileError, ShutterFileError

pytestmark = pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning",
                                        "ignore:Traceback")


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    made = {}

    def of(grating):
        if grating not in made:
            made[grating] = spectra.references(tmp_path_factory.mktemp(grating), grating)
        return made[grating]

    return of


@pytest.fixture(scope="module")
def run(references):
    def of(model, **parameters):
        paths = references(model.meta.instrument.grating)
        given = spectra.overrides(paths, AssignWcsStep.reference_file_types)
        return AssignWcsStep(**given | parameters).run(model)

    return of


@pytest.fixture(scope="module")
def slits(run):
    """Coordinates of all fixed slits; one exposure for all tests that only look."""
    return run(spectra.exposure(fixed_slit="S400A1"))


def number(name):
    return -101 - spectra.optics.FIXED_SLITS.index(name)


def limits(box):
    return box.bounding_box(order="F")[:2]


def pixels(box):
    return np.meshgrid(*(np.arange(np.ceil(low), high) for low, high in limits(box)))


def test_the_middle_of_a_slit_is_where_the_header_says(slits):
    """The header places the middle of S200A1."""
    info = slits.meta.wcsinfo
    for wavelength in (3e-6, 4e-6, 5e-6):
        place = slits.meta.wcs.get_transform("slit_frame", "world")(
            number("S200A1"), 0.0, 0.0, wavelength)
        assert_allclose(place[:2], (info.ra_ref, info.dec_ref), atol=1e-9)
        assert_allclose(place[2], wavelength * 1e6)


def test_slits_are_as_wide_apart_on_the_sky_as_on_the_msa(slits):
    to_telescope = slits.meta.wcs.get_transform("slit_frame", "v2v3")
    for name, place in zip(spectra.optics.FIXED_SLITS[:4], spectra.optics.PLACES, strict=False):
        found = to_telescope(number(name), 0.0, 0.0, 4e-6)[:2]
        assert_allclose(found, spectra.optics.msa_to_v2v3(place), rtol=1e-9)


@pytest.mark.parametrize("grating", ["G395H", "PRISM"])
def test_there_and_back(grating, run):
    wcs = run(spectra.exposure(grating=grating)).meta.wcs
    for name in ("S200A1", "S1600A1"):
        x, y = (values[::7, ::41] for values in pixels(wcs.bounding_box[number(name)]))
        *world, same = wcs(x, y, number(name))
        assert np.all(same == number(name))
        seen = np.isfinite(world[2])
        back = wcs.invert(*(values[seen] for values in world), number(name),
                          with_bounding_box=False)
        assert_allclose(back[:2], (x[seen], y[seen]), atol=0.01)  # a table of 5 nm


def test_wavelengths_follow_the_grating(slits):
    """Along a spectrum the direction cosine goes as the wavelength times density."""
    wcs, slit = slits.meta.wcs, number("S200A1")
    x = np.linspace(900.0, 2000.0, 12)
    y = np.full(12, np.mean(limits(wcs.bounding_box[slit])[1]))
    wavelength = wcs(x, y, slit)[2]
    assert (np.diff(wavelength) > 0).all()
    _, alpha, *_ = wcs.get_transform("detector", "gwa")(x, y, slit)
    per_micron = np.diff(alpha) / np.diff(wavelength)
    moving = 1 + slits.meta.wcsinfo.velosys / 299792458
    # alpha before the grating changes a little with y in the slit
    assert_allclose(abs(per_micron), 89400e-6 * moving, rtol=2e-3)


def test_the_telescope_moves(run, slits):
    still = spectra.exposure()
    still.meta.wcsinfo.velosys = None
    at = (1500.0, 1085.0, number("S200A1"))
    moving, at_rest = slits.meta.wcs(*at)[2], run(still).meta.wcs(*at)[2]
    assert_allclose(at_rest / moving, 1 - 12345.6 / 299792458, rtol=1e-12)


def test_the_wheel_turns(run, slits):
    turned = spectra.exposure()
    turned.meta.instrument.gwa_xtilt += 0.001  # 3.6 arcsec of the sensor are 1.8 of the grating
    at = (1500.0, 1085.0, number("S200A1"))
    wavelengths = [model.meta.wcs(*at)[2] for model in (slits, run(turned))]
    shift = np.radians(1.8 / 3600) / 89400 * 1e6
    assert_allclose(abs(np.diff(wavelengths)), 2 * shift, rtol=0.1)  # both beams are oblique


@pytest.mark.parametrize("name", ["S200A1", "S1600A1"])
def test_a_box_holds_all_pixels_that_see_the_slit(name, slits):
    wcs, slit = slits.meta.wcs, number(name)
    (x_low, x_high), (y_low, y_high) = limits(wcs.bounding_box[slit])
    x, y = np.meshgrid(np.arange(0.0, 2048, 3), np.arange(y_low - 9.5, y_high + 10))
    wavelength = wcs(x, y, slit, with_bounding_box=False)[2]
    seen = np.isfinite(wavelength) & (wavelength > 2.87) & (wavelength < 5.27)
    rows, columns = y[seen], x[seen]
    assert y_low < rows.min() < y_low + 4
    assert y_high - 4 < rows.max() < y_high
    assert x_low < columns.min() < x_low + 15
    assert columns.max() < x_high


def bowed(amplitude, shift=0.0):
    """Edges of a spectrum that bends upwards or downwards, in two slits."""
    def spectrum(wavelengths):
        at = (np.asarray(wavelengths) - 1e-6) / 1e-6
        x = 100 + 1500 * at + shift
        y = 50 + amplitude * (at - 0.4) ** 2
        found = [np.broadcast_arrays(x, y + offset) for offset in (-8.3, 9.4, 100.2, 120.1)]
        if at.ndim == 3:
            return [np.stack([[found[2 * s + e][k][s, e] for e in (0, 1)] for s in (0, 1)])
                    for k in (0, 1)]
        return [np.reshape([pair[k] for pair in found], (2, 2, -1)) for k in (0, 1)]

    return spectrum


@pytest.mark.parametrize("amplitude", [30.0, -35.0, 0.0])
def test_boxes_are_those_of_every_wavelength_and_every_pixel(amplitude):
    spectrum, waves = bowed(amplitude, shift=900.0), (1e-6, 2e-6)
    edges = spectrum(np.linspace(*waves, 10000))

    def sees(slit):
        low, high = ((-8.3, 9.4), (100.2, 120.1))[slit]

        def of(x, y):
            at = (x - 1000) / 1500
            centre = 50 + amplitude * (at - 0.4) ** 2
            return (y >= centre + low) & (y <= centre + high) & (at > -0.1) & (at < 1.1)

        return of

    found = nirspec_bounds.boxes(spectrum, waves, [sees(0), sees(1)])
    for slit, box in enumerate(found):
        x, y = edges[0][slit], edges[1][slit]
        whole = ((max(0, x.min() - 11) - 0.5, min(2047, x.max() + 9) + 0.5),
                 (max(0, y.min() - 3) - 0.5, min(2047, y.max() + 1) + 0.5))
        columns, rows = (np.arange(np.floor(a + 0.5), np.ceil(b - 0.5) + 1) for a, b in whole)
        lit = rows[sees(slit)(*np.meshgrid(columns, rows)).any(axis=1)]
        assert_allclose(box[0], whole[0], atol=1e-9)
        assert box[1] == (max(0, lit[0] - 3) - 0.5, min(2047, lit[-1] + 1) + 0.5)


def test_boxes_without_light_are_those_of_the_edges():
    dark = [lambda x, y: np.zeros(x.shape, bool)] * 2
    waves = (1e-6, 2e-6)
    found = nirspec_bounds.boxes(bowed(30.0), waves, dark)
    assert found == nirspec_bounds.boxes(bowed(30.0), waves)


def test_a_subarray_shows_what_the_full_frame_does(run, slits):
    small = run(spectra.exposure("NRS_BRIGHTOBJ", shape=(2, 64, 2048), corner=(1, 1216),
                                 subarray="SUB2048")).meta.wcs
    slit = number("S1600A1")
    assert_allclose(small(1200.0, 20.0, slit), slits.meta.wcs(1200.0, 1235.0, slit), rtol=1e-13)
    whole, part = (np.array(limits(wcs.bounding_box[slit])) for wcs in (slits.meta.wcs, small))
    assert_allclose(part[1], whole[1] - 1215)


def test_targets_are_told_by_their_slit(slits):
    found = slits.meta.wcs.get_transform("gwa", "slit_frame").slits
    assert [(slit.name, slit.source_id) for slit in found] == [
        ("S200A1", 31), ("S200A2", 32), ("S400A1", 1), ("S1600A1", 34)]


def test_coordinates_survive_a_file(slits, tmp_path):
    slits.save(tmp_path / "result.fits")
    with datamodels.open(tmp_path / "result.fits") as read:
        at = (1500.0, 1085.0, number("S200A1"))
        assert_allclose(read.meta.wcs(*at), slits.meta.wcs(*at), rtol=1e-13)
        assert limits(read.meta.wcs.bounding_box[-104]) == limits(
            slits.meta.wcs.bounding_box[-104])
        assert read.meta.wcsinfo.specsys == "BARYCENT"
        assert read.meta.wcsinfo.spectral_order == -1


def test_lamps_have_no_sky(run):
    lamp = run(spectra.exposure("NRS_LAMP", filter="OPAQUE", lamp_state="FLAT3",
                                lamp_mode="FIXEDSLIT")).meta.wcs
    assert lamp.available_frames == ["detector", "sca", "gwa", "slit_frame", "msa_frame"]
    x, y, wavelength, slit = lamp(1500.0, 1085.0, number("S200A1"))
    assert_allclose(x, spectra.optics.S200A1[0], rtol=1e-9)
    assert 3 < wavelength < 5
    assert_allclose(lamp.invert(x, y, wavelength, slit, with_bounding_box=False)[:2],
                    (1500, 1085), atol=1e-3)


def test_a_range_that_is_not_known_is_that_of_the_grating(run, caplog):
    caplog.set_level("INFO")
    result = run(spectra.exposure(filter="F170LP"))
    assert "no row for F170LP_G395H: order -1, 2.87e-06 to 5.27e-06 m" in caplog.text
    assert result.meta.wcsinfo.waverange_end == 5.27e-6


def test_nothing_on_the_detector(run):
    with pytest.raises(ExitStatus, match="NRS1 sees none of the open slits") as ended:
        run(spectra.exposure("NRS_BRIGHTOBJ", "G140M"))
    assert ended.value.status == 64


def test_a_missing_reference_is_named(run):
    with pytest.raises(ReferenceFileError, match="no CAMERA reference file, which NRS_FIXEDSLIT"):
        run(spectra.exposure(), override_camera="N/A")


def test_the_temperature_of_the_prism_is_needed(run):
    cold = spectra.exposure(grating="PRISM")
    cold.meta.instrument.gwa_tilt = None
    with pytest.raises(InputError, match=r"rate\.fits: GWA_TILT=None"):
        run(cold)


def test_lamps_through_nothing_known(run, caplog):
    result = run(spectra.exposure("NRS_LAMP", lamp_mode="GRATING-ONLY"))
    assert result.meta.cal_step.assign_wcs == "SKIPPED"
    assert "NRS_LAMP exposures have no world coordinates" in caplog.text


# shutters ---------------------------------------------------------------------------------------

#: Quadrant, row, first and last column, and source of slitlets.
SLITLETS = {1: (3, 228, 29, 31, 1), 2: (3, 228, 59, 61, -2), 3: (3, 100, 89, 90, 0)}


def many(folder, slitlets=None, fixed=None, **instrument):
    """An exposure through shutters, with the list of them."""
    model = spectra.exposure("NRS_MSASPEC", msa_metadata_id=7, **instrument)
    name = spectra.opened_shutters(folder, SLITLETS if slitlets is None else slitlets, fixed)
    model.meta.instrument.msa_metadata_file = str(folder / name)
    return model


def test_slitlets_are_as_the_list_says(run, tmp_path):
    wcs = run(many(tmp_path, fixed="S200A2")).meta.wcs
    found = {slit.slit_id: slit for slit in wcs.get_transform("gwa", "slit_frame").slits}
    assert list(found) == [1, 2, 3, -102]
    assert [slit.source_name for slit in found.values()] == [
        "1234_1", "1234_VRT2", "1234_BKG3", "1234_4"]
    assert [slit.shutter_state for slit in found.values()] == ["1x1", "1x1", "x1", "x"]
    assert [slit.source_id for slit in found.values()] == [1, -2, 3, 4]
    assert_allclose((found[1].ymin, found[1].ymax), (-2.2, 2.2))
    assert_allclose((found[3].ymin, found[3].ymax), (-1.05, 2.2))
    assert_allclose((found[1].source_xpos, found[1].source_ypos), (-0.05, 0.11), rtol=1e-6)
    pitch = np.array(spectra.optics.PITCH) / spectra.optics.OPENING
    assert_allclose((found[1].slit_xscale, found[1].slit_yscale), pitch)


def test_shutters_look_where_they_are(run, tmp_path):
    wcs = run(many(tmp_path)).meta.wcs
    place = np.array(spectra.optics.QUADRANTS[3]) + np.array([227, 29]) * spectra.optics.PITCH
    found = wcs.get_transform("slit_frame", "v2v3")(1, 0.0, 0.0, 4e-6)
    assert_allclose(found[:2], spectra.optics.msa_to_v2v3(place), rtol=1e-9)
    (x_low, x_high), (y_low, y_high) = limits(wcs.bounding_box[1])
    middle = np.round((x_low + x_high) / 2)
    rows = np.arange(y_low - 5.5, y_high + 6)
    seen = np.isfinite(wcs(np.full(rows.size, middle), rows, 1, with_bounding_box=False)[2])
    # collimator and camera
    pixels_high = spectra.optics.OPENING[1] * 1.64 / 3.54 / spectra.optics.PIXEL
    assert seen.sum() == pytest.approx(4.4 * pixels_high, abs=1.5)


def test_the_list_may_lie_beside_the_exposure(run, tmp_path, monkeypatch):
    model = many(tmp_path)
    model.meta.instrument.msa_metadata_file = "jw01234001001_01_msa.fits"
    model.save(tmp_path / "x_rate.fits")
    monkeypatch.chdir("/")
    given = spectra.overrides(spectra.references(tmp_path), AssignWcsStep.reference_file_types)
    result = AssignWcsStep(**given).run(str(tmp_path / "x_rate.fits"))
    assert result.meta.cal_step.assign_wcs == "COMPLETE"


@pytest.mark.parametrize(("change", "message"), [
    ({"msa_metadata_file": "none_msa.fits"}, r"none_msa\.fits: no such file \(MSAMETFL\)"),
    ({"msa_metadata_file": None}, r"nrs1_rate\.fits: MSAMETFL missing"),
    ({"msa_metadata_id": None}, r"nrs1_rate\.fits: MSAMETID missing"),
    ({"msa_metadata_file": __file__}, r"test_nirspec\.py: cannot be read as a list of shutters"),
])
def test_lists_that_cannot_be_used(run, tmp_path, change, message):
    model = many(tmp_path)
    for name, value in change.items():
        setattr(model.meta.instrument, name, value)
    with pytest.raises(ShutterFileError, match=message):
        run(model)


def test_one_slitlet_has_one_source(run, tmp_path):
    from astropy.io import fits

    model = many(tmp_path)
    with fits.open(tmp_path / "jw01234001001_01_msa.fits", mode="update") as file:
        file["SHUTTER_INFO"].data["primary_source"][:] = "Y"
    with pytest.raises(ShutterFileError, match="slitlet 1 has 3 primary sources in 3 shutters"):
        run(model)


def test_a_fixed_slit_without_a_source_is_left_out(run, tmp_path, caplog):
    from astropy.io import fits

    model = many(tmp_path, fixed="S200A2")
    with fits.open(tmp_path / "jw01234001001_01_msa.fits", mode="update") as file:
        table = file["SHUTTER_INFO"].data
        table["primary_source"][table["fixed_slit"] == "S200A2"] = "N"
    wcs = run(model).meta.wcs
    assert wcs.get_transform("gwa", "slit_frame").slit_ids == [1, 2, 3]
    assert "Left out the fixed slit S200A2" in caplog.text


def test_no_slitlet_was_open(run, tmp_path):
    with pytest.raises(ExitStatus, match="sees none of the open slits"):
        run(many(tmp_path, slitlets={}))


def test_an_older_list_has_no_fixed_slits(run, tmp_path):
    from astropy.io import fits

    model = many(tmp_path)
    path = tmp_path / "jw01234001001_01_msa.fits"
    with fits.open(path) as file:
        table = file["SHUTTER_INFO"].data
        kept = [name for name in table.names if name != "fixed_slit"]
        old = fits.BinTableHDU(np.rec.fromarrays([table[name] for name in kept], names=kept),
                               name="SHUTTER_INFO")
        fits.HDUList([file[0].copy(), old, file["SOURCE_INFO"].copy()]).writeto(
            tmp_path / "old_msa.fits")
    model.meta.instrument.msa_metadata_file = str(tmp_path / "old_msa.fits")
    assert run(model).meta.wcs.get_transform("gwa", "slit_frame").slit_ids == [1, 2, 3]


# slices -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def field(run):
    """Coordinates of an exposure of the IFU, for all tests that only look."""
    return run(spectra.exposure("NRS_IFU"))


def test_slices_lie_side_by_side(field):
    """Each is 0.1 arcsec wide on the sky and looks at its own strip of it."""
    wcs = field.meta.wcs
    middles = []
    for slice_ in (1, 15, 16, 30):
        rows, columns = np.nonzero(field.regions == slice_)
        v2, v3, _ = wcs.get_transform("coordinates", "v2v3")(columns[::501], rows[::501])
        middles.append((v2.mean(), v3.mean()))
    steps = np.hypot(*np.diff(middles, axis=0).T)
    assert_allclose(steps, [1.4, 0.1, 1.4], rtol=0.05)


def test_pixels_between_slices_see_nothing(field):
    rows, columns = np.nonzero(field.regions == 0)
    with pytest.warns(UserWarning, match="not inside any region"):
        assert np.isnan(field.meta.wcs(columns[::9001], rows[::9001])[2]).all()
    rows, columns = np.nonzero(field.regions)
    assert np.isfinite(field.meta.wcs(columns[::9001], rows[::9001])[2]).all()
    assert 0.3 < (field.regions > 0).mean() < 0.6
    assert set(np.unique(field.regions)) == set(range(31))


def test_slices_there_and_back(field):
    rows, columns = (at[::10007] for at in np.nonzero(field.regions))
    back = field.meta.wcs.invert(*field.meta.wcs(columns, rows), with_bounding_box=False)
    assert_allclose(back, (columns, rows), atol=0.15)  # positions are those of one wavelength


def test_the_outline_holds_all_slices(field):
    corners = np.array(field.meta.wcsinfo.s_region.split()[2:], float).reshape(4, 2)
    rows, columns = (at[::997] for at in np.nonzero(field.regions))
    ra, dec, wavelength = field.meta.wcs(columns, rows)
    for found, values in zip(corners.T, (ra, dec), strict=True):
        assert_allclose((found.min(), found.max()), (values.min(), values.max()), atol=0.1 / 3600)
        assert found.min() - 1e-9 <= values.min()
        assert values.max() <= found.max() + 1e-9
    low, high = field.meta.wcsinfo.spectral_region
    assert low <= wavelength.min() < wavelength.max() <= high


def test_an_outline_across_zero_hours(run):
    model = spectra.exposure("NRS_IFU")
    model.meta.wcsinfo.ra_ref = 360 - field_offset(run)
    result = run(model)
    west, east = np.array(result.meta.wcsinfo.s_region.split()[2:6:2], float)
    assert west > 359.99
    assert 0 <= east < 0.01


def field_offset(run):
    """Right ascension of the middle of the IFU, from that of the header, at this declination."""
    at = spectra.optics.msa_to_v2v3(spectra.optics.FIELD)
    wcs = run(spectra.exposure()).meta.wcs
    return wcs.get_transform("v2v3", "world")(*at, 4.0, 0)[0] - 210.0


def test_coordinates_by_slice(run, field):
    result = run(spectra.exposure("NRS_IFU"), nrs_ifu_slice_wcs=True)
    assert_array_equal(result.regions, field.regions)
    rows, columns = (at[::100] for at in np.nonzero(field.regions == 7))
    *found, same = result.meta.wcs(columns, rows, 6)
    assert_allclose(found, field.meta.wcs(columns, rows), rtol=1e-13)
    assert same == 6


def test_the_field_survives_a_file(field, tmp_path):
    field.save(tmp_path / "result.fits")
    with datamodels.open(tmp_path / "result.fits") as read:
        rows, columns = (at[::90001] for at in np.nonzero(field.regions))
        assert_allclose(read.meta.wcs(columns, rows), field.meta.wcs(columns, rows), rtol=1e-13)
        assert_array_equal(read.regions, field.regions)


@pytest.mark.parametrize(("grating", "change"), [("G140M", {}),
                                                 ("G395H", {"grating": "G140H",
                                                            "filter": "F070LP"})])
def test_gratings_that_send_nothing_to_nrs2(run, grating, change, references):
    model = spectra.exposure("NRS_IFU", grating, "NRS2")
    for name, value in change.items():
        setattr(model.meta.instrument, name, value)
    given = spectra.overrides(references(grating), AssignWcsStep.reference_file_types)
    with pytest.raises(ExitStatus, match="NRS2 sees no slice of the IFU through G140"):
        AssignWcsStep(**given).run(model)


def test_lamps_through_the_ifu(run):
    model = spectra.exposure("NRS_LAMP", filter="OPAQUE", lamp_state="FLAT3", lamp_mode="IFU")
    wcs = run(model).meta.wcs
    assert wcs.available_frames == ["detector", "sca", "gwa", "slit_frame", "slicer", "msa_frame"]
    (x_low, x_high), (y_low, y_high) = limits(wcs.bounding_box[14])
    x, y = np.round((x_low + x_high) / 2), np.round((y_low + y_high) / 2)
    place = wcs(x, y, 14)
    assert_allclose(place[0], spectra.optics.FIELD[0], atol=0.1 * spectra.optics.ARCSEC)
    assert_allclose(wcs.invert(*place, with_bounding_box=False)[:2], (x, y), atol=0.1)
