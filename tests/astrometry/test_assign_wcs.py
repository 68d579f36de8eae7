"""World coordinates of images: known positions, subarrays, what is refused."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from jwst_cal.astrometry import _fits_sip, _s_region
from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.errors import InputError, ReferenceFileError
from tests import images, star_series


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    return images.references("NIRCAM", tmp_path_factory.mktemp("references"))


def step(references, **parameters):
    given = {f"override_{kind}": references.get(kind, "N/A") for kind in AssignWcsStep.references}
    return AssignWcsStep(**given | parameters)


def test_the_reference_point_is_where_the_header_says(references):
    image = images.image()
    wcs = step(references).run(image).meta.wcs
    info = image.meta.wcsinfo
    to_telescope = wcs.get_transform("world", "v2v3")
    assert_allclose(to_telescope(info.ra_ref, info.dec_ref), (info.v2_ref, info.v3_ref), atol=1e-7)


def test_a_subarray_looks_where_its_pixels_of_the_full_frame_do(references):
    small = images.image()
    large = images.image(shape=(256, 288))
    large.meta.subarray.xstart = large.meta.subarray.ystart = 1
    a, b = (step(references).run(image).meta.wcs for image in (small, large))
    dx, dy = (corner - 1 for corner in images.CORNER)
    assert_allclose(a(10.0, 20.0), b(10.0 + dx, 20.0 + dy), rtol=0, atol=1e-12)
    assert a.bounding_box.bounding_box(order="F") == ((-0.5, 127.5), (-0.5, 95.5))


def test_the_filter_shifts_the_image(references):
    with_filter = step(references).run(images.image()).meta.wcs
    without = step(references, override_filteroffset="N/A").run(images.image()).meta.wcs
    assert_allclose(with_filter(10.0, 20.0), without(10.31, 19.83), rtol=0, atol=1e-12)


def test_velocity_scales_about_the_reference_point(references):
    fast, still = images.image(), images.image()
    still.meta.velocity_aberration.scale_factor = None
    a, b = (step(references).run(image).meta.wcs for image in (fast, still))
    v = np.array(b.get_transform("detector", "v2v3")(3.0, 90.0))
    scaled = np.array(a.get_transform("detector", "v2v3vacorr")(3.0, 90.0))
    at = np.array([120.0, -500.0])
    assert_allclose(scaled - at, 1.00005 * (v - at), rtol=1e-9)


def test_the_header_describes_the_same_place(references):
    from astropy.wcs import WCS

    image = step(references).run(images.image())
    header = {key.upper(): value for key, value in image.meta.wcsinfo.instance.items()
              if not key.startswith(("v", "s_", "roll", "ra_", "dec_"))}
    x, y = np.mgrid[0:128:9, 0:96:9].astype(float)
    from astropy.io import fits

    described = WCS(fits.Header(header)).all_pix2world(x, y, 0)
    back = image.meta.wcs.invert(*described)
    assert_allclose(back, (x, y), atol=0.01)


def test_no_description_when_none_is_wanted(references):
    image = step(references, sip_approx=False).run(images.image())
    assert "a_order" not in image.meta.wcsinfo.instance
    assert image.meta.wcsinfo.ctype1 == "RA---TAN"


def test_a_description_that_cannot_be_met_is_a_warning(references, caplog):
    image = step(references, sip_max_pix_error=1e-14, sip_max_inv_pix_error=1e-14).run(
        images.image())
    assert "Failed to achieve requested SIP approximation accuracy" in caplog.text
    assert image.meta.wcsinfo.instance["sipmxerr"] > 1e-14
    assert image.meta.cal_step.assign_wcs == "COMPLETE"


def test_outline(references):
    image = step(references).run(images.image())
    numbers = np.array(image.meta.wcsinfo.s_region.split()[2:], float).reshape(4, 2)
    x, y = image.meta.wcs.invert(*numbers.T, with_bounding_box=False)
    assert_allclose(x, [-0.5, -0.5, 127.5, 127.5], atol=1e-3)
    assert_allclose(y, [-0.5, 95.5, 95.5, -0.5], atol=1e-3)


def test_an_outline_with_nan_is_none():
    assert _s_region.polygon(np.array([[1.0, np.nan]])) is None


@pytest.mark.parametrize("kind", ["NRC_DARK", "MIR_FLATIMAGE", "FGS_DARK", "NIS_LAMP"])
def test_skipped_where_there_is_no_sky(kind, references, caplog):
    image = images.image()
    image.meta.exposure.type = kind
    result = step(references).run(image)
    assert result.meta.cal_step.assign_wcs == "SKIPPED"
    assert kind in caplog.text


def test_a_distortion_without_a_transformation(references, tmp_path):
    images.image().save(tmp_path / "other.fits")
    with pytest.raises(ReferenceFileError, match=r"other.fits: no transformation \('model'\)"):
        step(references, override_distortion=str(tmp_path / "other.fits")).run(images.image())


def test_skipped_without_a_distortion(references):
    result = step(references, override_distortion="N/A").run(images.image())
    assert result.meta.cal_step.assign_wcs == "SKIPPED"


def test_skipped_for_a_ramp(small_ramp, references):
    result = step(references).run(small_ramp)
    assert result.meta.cal_step.assign_wcs == "SKIPPED"


def test_missing_pointing_is_named(references):
    image = images.image()
    image.meta.wcsinfo.ra_ref = image.meta.wcsinfo.roll_ref = None
    with pytest.raises(InputError, match=r"00001_nrca1_rate.fits: ROLL_REF, RA_REF missing"):
        step(references).run(image)


def test_a_scale_that_is_not_positive(references):
    image = images.image()
    image.meta.velocity_aberration.scale_factor = -1.0
    with pytest.raises(InputError, match=r"VA_SCALE=-1.0"):
        step(references).run(image)


def test_spectra_are_refused(references):
    image = images.image()
    image.meta.exposure.type = "NRC_WFSS"
    with pytest.raises(InputError, match="EXP_TYPE=NRC_WFSS"):
        step(references).run(image)


@pytest.mark.parametrize(("change", "message"), [
    ({"instrument.module": "B"}, "MODULE=B; grism time series are those of module A"),
    ({"instrument.pupil": "GDHS0"}, "PUPIL=GDHS0, SUBARRAY=SUBGRISM64; this release"),
    ({"wcsinfo.siaf_yref_sci": None}, "YREF_SCI missing: the place of the star"),
])
def test_grism_time_series_that_are_refused(change, message):
    series = star_series.rates("NRC_TSGRISM")
    for name, value in change.items():
        series[f"meta.{name}"] = value
    with pytest.raises(InputError, match=message):
        step({}).run(series)


@pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning")
def test_grism_time_series(tmp_path):
    """The star is where the image of it would be; its light is dispersed along rows."""
    paths = star_series.references("NRC_TSGRISM", tmp_path)
    series = star_series.rates("NRC_TSGRISM")
    wcs = step(paths).run(series).meta.wcs
    ra, dec, wavelength, order = wcs(np.array([100.0, 200.0]), np.array([30.0, 40.0]), 1)
    assert np.ptp(ra) == np.ptp(dec) == np.ptp(order) == 0
    assert 2.3 < wavelength[0] < wavelength[1] < 4.2
    x, y, _ = wcs.invert(ra[0], dec[0], wavelength[0], 1)
    assert_allclose(x, 100.0, atol=1e-4)
    assert_allclose(wcs.get_transform("grism_detector", "direct_image")(x, y, 1)[:2],
                    star_series.GRISM_STAR)
    of_place = star_series.dispersion(of_place=True)
    with pytest.raises(ReferenceFileError, match="depends on the place without INVDISPX"):
        step({**paths, "specwcs": of_place}).run(series)
    result = step({**paths, "specwcs": "N/A"}).run(series)
    assert result.meta.cal_step.assign_wcs == "SKIPPED"


def test_ambiguous_filter_offsets(references, tmp_path):
    from stdatamodels.jwst.datamodels import FilteroffsetModel

    offsets = FilteroffsetModel(references["filteroffset"])
    offsets.filters = [dict(offsets.filters[0].instance)] * 2
    with pytest.raises(ReferenceFileError, match="2 rows for F200W CLEAR"):
        step(references, override_filteroffset=offsets).run(images.image())


def test_a_distortion_that_only_astropy_knows(references):
    """A transformation that our own evaluation does not know: the same, by gwcs."""
    from astropy.modeling.models import Legendre1D
    from stdatamodels.jwst.datamodels import DistortionModel

    from jwst_cal.models import _asdf

    straight = Legendre1D(1, c0=0.0, c1=1.0)  # changes nothing
    straight.inverse = Legendre1D(1, c0=0.0, c1=1.0)
    distortion = DistortionModel(references["distortion"])
    model = distortion.model
    distortion.model = (straight & straight.copy()) | model
    distortion.model.inverse = model.inverse
    with pytest.raises(_asdf.Unusual, match="ortho_polynomial"):
        _asdf.transform_of(distortion.model)
    known = step(references).run(images.image())
    unknown = step(references, override_distortion=distortion).run(images.image())
    at = np.array([3.0, 90.0]), np.array([50.0, 4.0])
    assert_allclose(unknown.meta.wcs(*at), known.meta.wcs(*at), rtol=0, atol=1e-12)
    assert unknown.meta.wcs.bounding_box == known.meta.wcs.bounding_box
    assert unknown.meta.wcs.available_frames == known.meta.wcs.available_frames
    assert str(unknown.meta.wcs.pipeline[1].frame) == str(known.meta.wcs.pipeline[1].frame)
    assert unknown.meta.wcsinfo.s_region == known.meta.wcsinfo.s_region


@pytest.mark.parametrize("options", [
    {}, {"degree": 3, "inverse_degree": 2}, {"max_error": 1e-12, "max_inverse_error": 1e-12},
    {"degree": 1, "max_inverse_error": None}], ids=str)
def test_the_description_is_that_of_gwcs(references, options):
    wcs = step(references).run(images.image()).meta.wcs
    given = SimpleNamespace(crpix1=30.5, crpix2=40.0, instance={})
    _fits_sip.describe(given, wcs, **options)
    degree, inverse = (options.get(key) or range(1, 6) for key in ("degree", "inverse_degree"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = wcs.to_fits_sip(
            max_pix_error=options.get("max_error", 0.01), degree=degree, inv_degree=inverse,
            max_inv_pix_error=options.get("max_inverse_error", 0.01), npoints=12,
            crpix=(30.5, 40.0), projection="TAN")
    expected = {key.lower(): value for key, value in header.items() if not key.startswith("NAXIS")}
    assert given.instance.keys() == expected.keys()
    for key, value in expected.items():
        powers = key.partition("_")[2].split("_") if key[0] in "ab" else ()
        if len(powers) == 2:  # what moves a pixel by less than 1e-6
            assert given.instance[key] == pytest.approx(
                value, rel=0, abs=1e-6 / 128 ** sum(map(int, powers)))
        elif not key.startswith("sip"):
            assert given.instance[key] == (value if isinstance(value, str)
                                           else pytest.approx(value, rel=1e-11))
        else:
            assert given.instance[key] == pytest.approx(value, rel=0, abs=1e-6)


@pytest.mark.parametrize(("points", "degree", "message"), [
    (7, None, "7 points"), (12, 0, "degree 0"), (12, 10, "degree 10")])
def test_descriptions_that_are_refused(references, points, degree, message):
    wcs = step(references).run(images.image()).meta.wcs
    info = SimpleNamespace(crpix1=1.0, crpix2=1.0, instance={})
    with pytest.raises(ValueError, match=message):
        _fits_sip.describe(info, wcs, points=points, degree=degree)
