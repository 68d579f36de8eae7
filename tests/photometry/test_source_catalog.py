"""Source catalogue: fluxes and positions recovered, references, products, what is refused."""

import logging
import warnings

import numpy as np
import pytest
from astropy.table import QTable
from numpy.testing import assert_allclose, assert_array_equal
from stdatamodels.jwst import datamodels

from jwst_cal.errors import InputError, ParameterError, ReferenceFileError
from jwst_cal.kernels.convolve import peaks
from jwst_cal.photometry import (
    _apertures,
    _background,
    _finders,
    _isophotes,
    _segmentation,
    _sky,
    source_catalog,
)
from jwst_cal.photometry.source_catalog import SourceCatalogStep
from tests import star_fields

#: Columns of photutils that have other names here.
THEIRS = {"id": "label", "xcentroid": "x_centroid", "ycentroid": "y_centroid",
          "flux": "segment_flux"}
PIXEL = (0.031 / 3600 * np.pi / 180) ** 2


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return star_fields.catalogue_references("NIRCAM", tmp_path_factory.mktemp("references"))


def overrides(references):
    return {f"override_{kind}": path for kind, path in references.items()}


@pytest.fixture(scope="module")
def made():
    return star_fields.mosaic()


@pytest.fixture
def mosaic(made):
    return made.copy()


@pytest.fixture(scope="module")
def catalogue(made, references):
    step = SourceCatalogStep(ci1_star_threshold=1.8, ci2_star_threshold=1.55,
                             **overrides(references))
    return step.run(made.copy())


def matched(catalogue):
    """Row of each star that is far from edges and galaxies; its truth."""
    ra, dec, flux = star_fields.sky()
    wcs = star_fields.mosaic(stars=([], [], [])).meta.wcs
    x, y = wcs.invert(ra, dec)
    galaxies = np.array([wcs.invert(*galaxy[:2]) for galaxy in star_fields.GALAXIES])
    far = np.min([np.hypot(x - gx, y - gy) for gx, gy in galaxies], axis=0) > 35
    use = far & (x > 30) & (x < 320) & (y > 30) & (y < 300) & (flux > 400)
    away = np.hypot(catalogue["xcentroid"][None] - x[use, None],
                    catalogue["ycentroid"][None] - y[use, None])
    assert use.sum() > 10
    assert (away.min(axis=1) < 0.2).all()
    return away.argmin(axis=1), x[use], y[use], flux[use] * 1e6 * PIXEL


def test_stars_are_where_they_are_with_their_fluxes(catalogue):
    rows, x, y, flux = matched(catalogue)
    found = catalogue[rows]
    assert np.sqrt(np.mean((found["xcentroid"] - x) ** 2)) * 31 < 2  # mas
    assert np.sqrt(np.mean((found["ycentroid"] - y) ** 2)) * 31 < 2
    assert_allclose(found["aper_total_flux"].to_value("Jy"), flux, rtol=0.03)
    assert_allclose(found["aper_total_abmag"], -2.5 * np.log10(flux) + 8.9, atol=0.03)
    assert_allclose(found["aper_total_vegamag"], found["aper_total_abmag"] - 1.69, rtol=1e-12)
    assert_allclose(found["isophotal_flux"].to_value("Jy"), flux, rtol=0.1)
    assert_allclose(found["aper_bkg_flux"].to_value("Jy"), 1e6 * PIXEL, rtol=0.02)
    error = found["aper50_flux_err"].to_value("Jy")
    radius = star_fields.encircled(50)[0]
    assert_allclose(error, 0.1e6 * PIXEL * np.sqrt(np.pi) * radius, rtol=0.05)


def test_stars_and_galaxies_are_told_apart(catalogue):
    rows, *_ = matched(catalogue)
    assert not catalogue["is_extended"][rows].any()
    assert_allclose(catalogue["CI_50_30"][rows], 5 / 3, rtol=0.04)
    width = np.hypot(star_fields.WIDTH, 2.0 / 2.3548)  # of the convolved image
    assert_allclose(catalogue["semimajor_sigma"][rows].value, width, rtol=0.03)
    wcs = star_fields.mosaic(stars=([], [], [])).meta.wcs
    for ra, dec, _, wide, high in star_fields.GALAXIES:
        x, y = wcs.invert(ra, dec)
        away = np.hypot(catalogue["xcentroid"] - x, catalogue["ycentroid"] - y)
        galaxy = catalogue[int(np.argmin(away))]
        assert galaxy["is_extended"]
        assert galaxy["semimajor_sigma"].value > 1.4 * width
        turned = galaxy["orientation"].value % 180
        assert min(abs(turned - (90 if high > wide else 0)), abs(turned - 180)) < 10


def test_columns_units_and_labels(catalogue):
    assert catalogue.colnames[:5] == ["label", "xcentroid", "ycentroid", "sky_centroid",
                                      "aper_bkg_flux"]
    assert catalogue.colnames[-4:] == ["sky_bbox_ll", "sky_bbox_ul", "sky_bbox_lr", "sky_bbox_ur"]
    assert len(catalogue.colnames) == 54
    assert catalogue["aper30_flux"].unit == "Jy"
    assert_array_equal(catalogue["label"], np.arange(1, len(catalogue) + 1))
    assert catalogue.meta["aperture_params"]["bkg_aperture_inner_radius"] == pytest.approx(10)
    assert catalogue.meta["abvega_offset"] == 1.69
    assert catalogue.meta["version"].keys() == {"Python", "numpy", "scipy", "astropy", "gwcs",
                                                "jwst_cal"}
    nearest = catalogue["nn_label"] - 1
    assert_allclose(np.hypot(catalogue["xcentroid"] - catalogue["xcentroid"][nearest],
                             catalogue["ycentroid"] - catalogue["ycentroid"][nearest]),
                    catalogue["nn_dist"].value)


@pytest.mark.parametrize("instrument", ["MIRI", "NIRISS", "FGS"])
def test_rows_of_other_instruments(instrument, tmp_path):
    paths = star_fields.catalogue_references(instrument, tmp_path)
    found = SourceCatalogStep(**overrides(paths)).run(star_fields.mosaic(instrument))
    assert found.meta["abvega_offset"] == 1.69
    assert_allclose(found.meta["aperture_params"]["aperture_radii"],
                    [star_fields.encircled(p)[0] for p in (30, 50, 70)], rtol=1e-6)


@pytest.mark.parametrize("finder", ["iraf", "dao"])
def test_star_finders(mosaic, references, finder):
    step = SourceCatalogStep(starfinder=finder, roundlo=-0.5, roundhi=0.5, snr_threshold=10,
                             peakmax=1000.0, **overrides(references))
    found = step.run(mosaic)
    rows, x, *_ = matched(SourceCatalogStep(starfinder=finder, roundlo=-0.5, roundhi=0.5,
                                            **overrides(references)).run(mosaic))
    assert len(rows) == len(x)
    # limits are in the unit of the image
    assert 10 < len(found) < len(star_fields.sky()[0])
    assert np.isnan(found["isophotal_area"]).all()
    assert np.isnan(found["sky_bbox_ll"]).all()


def test_without_convolution(mosaic, references):
    found = SourceCatalogStep(kernel_fwhm=0.0, snr_threshold=6, **overrides(references)).run(mosaic)
    rows, *_ = matched(found)
    assert (found["sharpness"][rows] > 0).all()


def test_products(tmp_path, mosaic, references):
    mosaic.save(tmp_path / "mosaic_i2d.fits")
    step = SourceCatalogStep(save_results=True, output_dir=str(tmp_path), **overrides(references))
    given = datamodels.open(tmp_path / "mosaic_i2d.fits")
    step.parent = None
    found = step.run(str(tmp_path / "mosaic_i2d.fits"))
    saved = QTable.read(tmp_path / "mosaic_cat.ecsv")
    assert saved.colnames == found.colnames
    assert_allclose(saved["aper70_flux"].value, found["aper70_flux"].value, rtol=1e-15)
    with datamodels.open(tmp_path / "mosaic_segm.fits") as segments:
        assert type(segments).__name__ == "SegmentationMapModel"
        assert segments.data.max() == len(found)
        assert segments.meta.wcs(3, 4) == given.meta.wcs(3, 4)
    given.close()


def test_the_image_is_not_changed(mosaic, references):
    data, err = mosaic.data.copy(), mosaic.err.copy()
    SourceCatalogStep(**overrides(references)).run(mosaic)
    assert_array_equal(mosaic.data, data)
    assert_array_equal(mosaic.err, err)
    assert mosaic.meta.bunit_data == "MJy/sr"


# references -------------------------------------------------------------------------------------


def test_without_references_apertures_are_plain(mosaic, caplog):
    found = SourceCatalogStep(override_apcorr="N/A", override_abvegaoffset="N/A").run(mosaic)
    assert "aper1_flux" in found.colnames
    assert_array_equal(found["aper3_abmag"], found["aper3_vegamag"])
    assert "No APCORR reference file: apertures of 1, 2 and 3 pixels" in caplog.text
    assert "No ABVEGAOFFSET reference file" in caplog.text


@pytest.mark.parametrize(("change", "told"), [
    (lambda image: setattr(image.meta.instrument, "filter", "F444W"),
     "The APCORR reference file has no row for filter F444W, pupil CLEAR"),
    (lambda image: setattr(image.meta.instrument, "name", "NIRSPEC"),
     "There are no apertures for NIRSPEC"),
])
def test_without_a_row_there_is_no_catalogue(mosaic, references, caplog, change, told):
    change(mosaic)
    assert SourceCatalogStep(**overrides(references)).run(mosaic) is None
    assert f"{told}. There will be no catalogue" in caplog.text


def test_an_energy_that_the_reference_lacks(mosaic, references, caplog):
    assert SourceCatalogStep(aperture_ee1=40, **overrides(references)).run(mosaic) is None
    assert "has 0 rows for an encircled energy of 40 % where one is needed" in caplog.text


def test_two_rows_of_the_offset(tmp_path, mosaic, references, caplog):
    from astropy.table import Table

    model = datamodels.ABVegaOffsetModel(references["abvegaoffset"])
    rows = {"filter": ["F200W"] * 2, "pupil": ["CLEAR"] * 2, "abvega_offset": [1.0, 2.0]}
    model.abvega_offset = Table(rows)
    model.save(tmp_path / "two.asdf")
    given = {**references, "abvegaoffset": str(tmp_path / "two.asdf")}
    assert SourceCatalogStep(**overrides(given)).run(mosaic) is None
    assert "has 2 rows for filter F200W, pupil CLEAR where one is needed" in caplog.text


def test_a_column_that_a_reference_lacks():
    with pytest.raises(ReferenceFileError, match="The APCORR reference file has no column pupil"):
        source_catalog._matching(QTable({"filter": ["F200W"]}),
                                 {"filter": "F200W", "pupil": "CLEAR"}, "APCORR")


def test_a_reference_without_its_table():
    with pytest.raises(ReferenceFileError, match="The APCORR reference file has no table"):
        source_catalog._matching(None, {"filter": "F200W"}, "APCORR")


def test_energies_must_increase(mosaic, references):
    for energies in ((50, 30, 70), (30, 30, 70), (0, 30, 70), (30, 70, 100)):
        step = SourceCatalogStep(**overrides(references), **{
            f"aperture_ee{k}": value for k, value in enumerate(energies, 1)})
        with pytest.raises(ParameterError, match="where percentages that increase are needed"):
            step.run(mosaic)


def test_a_source_has_pixels(mosaic, references):
    with pytest.raises(ParameterError, match="'npixels': 0 where at least 1 is needed"):
        SourceCatalogStep(npixels=0, **overrides(references)).run(mosaic)


def test_the_scale_of_the_pixels_is_missing(mosaic, references, caplog):
    mosaic.meta.resample.pixel_scale_ratio = None
    found = SourceCatalogStep(**overrides(references)).run(mosaic)
    assert found.meta["aperture_params"]["bkg_aperture_outer_radius"] == 13.5
    assert "(PXSCLRT) is missing; it is taken to be 1" in caplog.text


# input ------------------------------------------------------------------------------------------


def test_no_sources(references, caplog):
    empty = star_fields.mosaic(stars=([], [], []), galaxies=())
    assert SourceCatalogStep(**overrides(references), snr_threshold=20).run(empty) is None
    assert "No sources found: there will be no catalogue" in caplog.text


def test_no_data(mosaic, references, caplog):
    mosaic.wht[:] = 0
    assert SourceCatalogStep(**overrides(references)).run(mosaic) is None
    assert "The background cannot be measured" in caplog.text


@pytest.mark.parametrize(("change", "told"), [
    (lambda meta: setattr(meta, "bunit_data", "DN/s"), "the unit of SCI is DN/s; source_catalog"),
    (lambda meta: setattr(meta, "bunit_err", None), "the unit of ERR is None"),
    (lambda meta: setattr(meta.photometry, "pixelarea_steradians", None), "no pixel area"),
    (lambda meta: setattr(meta, "wcs", None), "no coordinates"),
    (lambda meta: setattr(meta.wcsinfo, "crpix2", None), "no reference pixel .CRPIX2."),
])
def test_what_is_missing_is_named(mosaic, references, change, told):
    change(mosaic.meta)
    with pytest.raises(InputError, match=rf"mosaic_i2d\.fits: {told}"):
        SourceCatalogStep(**overrides(references)).run(mosaic)


def test_a_single_exposure_has_no_weights(references):
    image = star_fields.exposure(1)
    with pytest.raises(InputError, match="no WHT or ERR; source_catalog takes an image"):
        SourceCatalogStep(**overrides(references)).run(image)
    with pytest.raises(InputError, match="takes ImageModel, this is CubeModel"):
        SourceCatalogStep(**overrides(references)).run(datamodels.CubeModel((2, 4, 4)))


# arrays -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("box", [50, 97, 120, 400])
def test_background_is_that_of_photutils(box):
    from photutils.background import Background2D, MedianBackground

    rng = np.random.default_rng(4)
    image = rng.normal(3, 1, (230, 310)).astype(np.float32) + np.arange(310) / 50
    image[rng.random(image.shape) < 0.01] = 500
    uncovered = np.zeros(image.shape, bool)
    uncovered[:60, :110] = True
    image = image.astype(np.float32)
    image[100, 100] = np.nan
    ours = _background.measure(image, uncovered, box=box)
    with pytest.warns(match="non-finite"):
        theirs = Background2D(image, box, coverage_mask=uncovered, filter_size=3,
                              exclude_percentile=100.0 if ours.whole else 10.0,
                              bkg_estimator=MedianBackground())
    assert ours.whole == (box == 400)
    assert_allclose(ours.above, image - theirs.background, rtol=0, atol=1e-5)
    assert_allclose(ours.scatter, theirs.background_rms, rtol=2e-6)
    assert np.array_equal(ours.above[uncovered], image[uncovered])


@pytest.mark.parametrize("fwhm", [0.1, 0.3, 1 / 3, 1.2, 2.0, 3.5, 17.3])
def test_the_gaussian_is_that_of_astropy(fwhm):
    from astropy.convolution import Gaussian2DKernel
    from astropy.stats import gaussian_fwhm_to_sigma

    assert_allclose(_segmentation.gaussian(fwhm),
                    Gaussian2DKernel(fwhm * gaussian_fwhm_to_sigma).array, rtol=1e-12)


@pytest.mark.parametrize("apart", [2, 3, 5])
def test_peaks_are_those_of_photutils(apart):
    from photutils.detection import find_peaks

    rng = np.random.default_rng(apart)
    image = rng.integers(-3, 9, (40, 50)).astype(np.float32)  # many are equal
    image[rng.random(image.shape) < 0.05] = np.nan
    unusable = rng.random(image.shape) < 0.1
    for threshold in (3.0, 7.5, -2.0):
        found = np.argwhere(peaks(image, unusable, threshold, apart))[:, ::-1]
        theirs = find_peaks(image, threshold, mask=unusable, min_separation=apart)
        assert_array_equal(found, np.stack([theirs["x_peak"], theirs["y_peak"]], axis=1))
    assert not peaks(image, unusable, 99.0, apart).any()


def test_rings_are_those_of_photutils():
    from astropy.stats import SigmaClip
    from photutils.aperture import CircularAnnulus

    rng = np.random.default_rng(8)
    image = rng.standard_cauchy((60, 70)).astype(np.float32)
    image[rng.random(image.shape) < 0.05] = np.nan
    places = np.concatenate([rng.uniform(-8, 75, (30, 2)), [[np.nan, 3], [20.5, 20.5]]])
    median, error = _apertures.local_background(image, places, 4.0, 7.3)
    for place, one, width in zip(places, median, error, strict=True):
        if np.isnan(place).any():
            assert np.isnan([one, width]).all()
            continue
        values = CircularAnnulus(place, 4.0, 7.3).to_mask(method="center").get_values(image)
        values = SigmaClip(3.0)(values[np.isfinite(values)], masked=False)
        if not values.size:
            assert np.isnan(one)
            continue
        assert one == pytest.approx(np.median(values), rel=1e-6)
        assert width == pytest.approx(np.sqrt(np.pi / 2 / values.size) * values.std(), rel=1e-5)


@pytest.mark.parametrize("radius", [0.3, 1.0, 2.5, 7.4])
def test_sums_are_those_of_photutils(radius):
    from photutils.aperture import CircularAperture

    rng = np.random.default_rng(9)
    image, error = rng.uniform(1, 2, (2, 60, 70)).astype(np.float32)
    image[20, 20] = np.nan
    error[40, 50] = np.inf
    places = np.concatenate([rng.uniform(-8, 75, (200, 2)), rng.integers(0, 60, (50, 2)),
                             [[np.nan, 3], [20, 20.5]]])
    with np.errstate(invalid="ignore"):  # they square in the precision of what they are given
        theirs = CircularAperture(_apertures.known(places), radius).do_photometry(
            image, error=error.astype(np.float64))
    (ours,), (width,) = _apertures.sums(image, error, places, [radius])
    assert np.isnan(ours).any()
    assert np.isinf(width).any()
    assert_allclose(ours, theirs[0], rtol=1e-12)
    assert_allclose(width, theirs[1], rtol=1e-12)


@pytest.mark.parametrize("width", [0, 4])
@pytest.mark.parametrize("seed", range(3))
def test_segments_are_measured_as_photutils_does(seed, width, made):
    from astropy.utils.exceptions import AstropyUserWarning
    from photutils import use_future_column_names
    from photutils.segmentation import SegmentationImage, SourceCatalog

    rng = np.random.default_rng(seed)
    segments = np.zeros((90, 110), np.int32)
    for label in range(1, 30):
        row, col = rng.integers(0, 85), rng.integers(0, 105)
        segments[row:row + rng.integers(1, 12), col:col + rng.integers(1, 12)] = label
    segments[3:30, 50], segments[80, 90] = 31, 32  # a column, a pixel
    segments[np.arange(40, 60), np.arange(20, 40)] = 33
    image, error, convolved = rng.uniform(-0.1, 3, (3, *segments.shape)).astype(np.float32)
    uncovered = rng.random(segments.shape) < 0.05
    image[rng.random(segments.shape) < 0.05] = np.nan
    convolved[rng.random(segments.shape) < 0.05] = np.nan
    uncovered[segments == 5] = True
    convolved[segments == 6] = -1
    wcs = made.meta.wcs
    step = SourceCatalogStep(localbkg_width=width)
    search = _finders.Search(**step.options_for(_finders.Search))
    ours = _isophotes.measure(image, error, uncovered, convolved, segments, search, wcs=wcs)
    with warnings.catch_warnings(), use_future_column_names():
        warnings.simplefilter("ignore", AstropyUserWarning)
        theirs = SourceCatalog(
            image, SegmentationImage(segments), convolved_data=convolved,
            error=error.astype(np.float64), mask=uncovered, wcs=_sky.OnTheSky(wcs),
            local_bkg_width=width, kron_params=_isophotes.KRON).to_table(
                columns=[THEIRS.get(name, name) for name in ours.colnames])
    assert {name: value for name, value in theirs.meta.items()
            if name not in ("date", "version")} == ours.meta
    assert np.isnan(ours["flux"]).sum() == 1
    for name in ours.colnames:
        a, b = ours[name], theirs[THEIRS.get(name, name)]
        if name.startswith("sky"):
            np.testing.assert_array_equal(np.isnan(a.ra), np.isnan(b.ra))
            assert np.nanmax(a.separation(b).to_value("arcsec")) < 1e-9
            continue
        assert getattr(a, "unit", None) == getattr(b, "unit", None)
        a, b = (np.asarray(getattr(part, "value", part)) for part in (a, b))
        if name in ("semimajor_axis", "semiminor_axis", "orientation", "ellipticity"):
            # a line, whose determinant of 0 is rounded to less: there NaN
            assert np.isfinite(a[-1])
            a, b = a[:-1], b[:-1]
        assert_allclose(a, b, err_msg=name, rtol=3e-7 if name == "segment_flux_err" else 1e-11,
                        atol=1e-11 if name in ("ellipticity", "orientation") else 0)


def test_magnitudes_of_what_has_none():
    flux, error = np.array([3631.0, -1, 0, np.nan]), np.array([36.31, 1, 1, 1])
    magnitude, width = _apertures.magnitudes(flux, error)
    assert magnitude[0] == pytest.approx(0, abs=1e-4)
    assert width[0] == pytest.approx(2.5 * np.log10(1.01))
    assert np.isnan(magnitude[[1, 3]]).all()
    assert magnitude[2] == np.inf


def test_shapes_near_the_edges():
    """A symmetric star is round, and so is one at a corner but for what is cut off."""
    y, x = np.mgrid[:30, :30]
    image = np.float32(100 * np.exp(-((x - 15) ** 2 + (y - 15) ** 2) / 2))
    places = np.array([[15.0, 15.0], [15.4, 14.6], [0.0, 29.0], [np.nan, 2.0]])
    sharpness, roundness = _apertures.shapes(image, places, 2.0)
    assert abs(roundness[0]) < 1e-6
    assert sharpness[0] == sharpness[1]  # the same pixel
    assert 0.2 < sharpness[0] < 1
    assert np.isnan(roundness[3])


def test_log_tells_the_number_of_sources(mosaic, references, caplog):
    caplog.set_level(logging.INFO)
    found = SourceCatalogStep(**overrides(references)).run(mosaic)
    assert f"{len(found)} sources" in caplog.text
