"""Transformations beside astropy and gwcs: evaluation, inverse, and what is in a file."""

import io

import asdf
import gwcs
import numpy as np
import pytest
import yaml
from astropy import coordinates, units
from astropy.modeling import bind_bounding_box
from astropy.modeling import models as astropy_models
from gwcs import coordinate_frames as frames
from gwcs import geometry
from gwcs.fitswcs import FITSImagingWCSTransform
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from jwst_cal.models import _asdf, transforms
from jwst_cal.models.transforms import NoInverseError

NUMBER = st.floats(-500, 500).map(lambda value: round(value, 6))
NOT_ZERO = NUMBER.filter(lambda value: abs(value) > 1e-3)


def polynomial(degree, values):
    names = [f"c{i}_{j}" for i in range(degree + 1) for j in range(degree + 1 - i)]
    return astropy_models.Polynomial2D(degree, **dict(zip(names, values, strict=False)))


POLYNOMIALS = st.builds(polynomial, st.integers(0, 5), st.lists(st.floats(-1, 1), max_size=21))
MATRIX = st.tuples(*[NUMBER] * 4).filter(lambda m: abs(m[0] * m[3] - m[1] * m[2]) > 1)
AFFINE = st.builds(lambda m, x, y: astropy_models.AffineTransformation2D(
    [m[:2], m[2:]], [x, y]), MATRIX, NUMBER, NUMBER)
ONE = st.one_of(st.builds(astropy_models.Shift, NUMBER), st.builds(astropy_models.Scale, NOT_ZERO),
                st.just(astropy_models.Identity(1)), st.builds(astropy_models.Const1D, NUMBER),
                st.builds(lambda values: astropy_models.Polynomial1D(
                    len(values) - 1, **{f"c{n}": value for n, value in enumerate(values)}),
                    st.lists(st.floats(-1, 1), min_size=1, max_size=4)))
PLANE = st.one_of(
    AFFINE, st.builds(lambda a, b: a & b, ONE, ONE),
    st.builds(lambda a, b: astropy_models.Mapping((0, 1, 0, 1)) | a & b, POLYNOMIALS, POLYNOMIALS),
    st.just(astropy_models.Mapping((1, 0))), st.just(astropy_models.Identity(2)))


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(parts=st.lists(PLANE, min_size=1, max_size=4), seed=st.integers(0, 99))
def test_trees_of_planes_are_those_of_astropy(parts, seed):
    model = parts[0]
    for part in parts[1:]:
        model = model | part
    ours = _asdf.transform_of(model)
    x, y = np.random.default_rng(seed).uniform(-3, 3, (2, 7))
    expected = np.array(model(x, y))
    assert_allclose(ours(x, y), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    assert (ours.inputs, ours.outputs) == (model.inputs, model.outputs)
    try:
        inverse = model.inverse
    except NotImplementedError:
        with pytest.raises(NoInverseError):
            ours.inverse  # noqa: B018
    else:
        expected = np.array(inverse(x, y))
        assert_allclose(ours.inverse(x, y), expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


SPHERE = {
    "native to sky": astropy_models.RotateNative2Celestial(202.5, 10.25, 180),
    "sky to native": astropy_models.RotateCelestial2Native(2.5, -70.25, 123),
    "turns": geometry.SphericalToCartesian(wrap_lon_at=180) | astropy_models.RotationSequence3D(
        [1.0, -20.0, 33.0, 10.0, -200.0], axes_order="zyxyz") | geometry.CartesianToSpherical(
            wrap_lon_at=360),
    "turns about x": geometry.SphericalToCartesian(wrap_lon_at=360)
    | astropy_models.RotationSequence3D([30.0, 5.0], axes_order="xz")
    | geometry.CartesianToSpherical(wrap_lon_at=180),
    "spherical turns": astropy_models.SphericalRotationSequence([3.0, 4.0, 5.0], axes_order="xyz"),
    "projection and back": astropy_models.Sky2Pix_TAN() | astropy_models.Pix2Sky_TAN(),
}


@pytest.mark.parametrize("name", SPHERE)
def test_the_sphere_is_that_of_astropy(name):
    model = SPHERE[name]
    ours = _asdf.transform_of(model)
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(-180, 360, 200), rng.uniform(5, 89, 200)
    assert_allclose(ours(lon, lat), model(lon, lat), rtol=0, atol=1e-11)
    assert_allclose(ours.inverse(lon, lat), model.inverse(lon, lat), rtol=0, atol=1e-11)


def test_poles_and_places_behind_the_plane():
    pole = transforms.SphericalCartesian("cartesian_to_spherical", 360)
    assert_array_equal(pole([0.0], [0.0], [1.0]), [[0.0], [90.0]])
    assert np.isnan(transforms.Gnomonic("sky2pix")(10.0, -1.0)).all()
    assert np.isnan(astropy_models.Sky2Pix_TAN()(10.0, -1.0)).all()


def test_a_matrix_without_inverse():
    with pytest.raises(NoInverseError):
        transforms.Affine([[1.0, 2.0], [2.0, 4.0]]).inverse  # noqa: B018


def test_the_quotient_of_two():
    model = astropy_models.Const1D(3.0) / astropy_models.Scale(2.0)
    assert_array_equal(_asdf.transform_of(model)(np.array([1.0, 2.0])), [[1.5, 0.75]])


@pytest.mark.parametrize("model", [
    astropy_models.Legendre2D(1, 1), astropy_models.Rotation2D(3.0),
    astropy_models.Shift(3 * units.pix), astropy_models.Shift(1) - astropy_models.Shift(2),
    astropy_models.Pix2Sky_SIN(), astropy_models.Const2D(1.0),
    astropy_models.EulerAngleRotation(1, 2, 3, "zxz"), astropy_models.Shift(1, fixed={
        "offset": True})], ids=lambda model: type(model).__name__)
def test_what_is_not_known_is_refused(model):
    with pytest.raises(_asdf.Unusual):
        _asdf.transform_of(model)


def image(transform=None):
    """Coordinates with all that images have, by the libraries."""
    shift, scale = astropy_models.Shift, astropy_models.Scale
    rng = np.random.default_rng(0)
    bent = [polynomial(4, rng.normal(0, 1e-7, 15)) for _ in range(2)]
    for part, name in zip(bent, ("c1_0", "c0_1"), strict=True):
        setattr(part, name, 0.03)
    distortion = (shift(-1023.5) & shift(-1023.5) | astropy_models.Mapping((0, 1, 0, 1))
                  | bent[0] & bent[1])
    distortion.inverse = scale(33.3) & scale(33.4)
    distortion = (shift(0.3) & astropy_models.Identity(1) | distortion) if transform is None else (
        transform)
    bind_bounding_box(distortion, ((-0.5, 2047.5), (-0.5, 1023.5)), order="F")
    moved = scale(1.00001, name="a") & scale(1.00001, name="b")
    moved.name = "c"
    arcsec = {"axes_order": (0, 1), "axes_names": ("v2", "v3"), "unit": (units.arcsec,) * 2}
    found = gwcs.WCS([
        (frames.Frame2D(name="detector", axes_order=(0, 1), unit=(units.pix,) * 2), distortion),
        (frames.Frame2D(name="v2v3", **arcsec), moved),
        (frames.Frame2D(name="v2v3vacorr", **arcsec),
         scale(1 / 3600) & scale(1 / 3600) | SPHERE["turns"]),
        (frames.CelestialFrame(name="world", reference_frame=coordinates.ICRS()), None)])
    found.pixel_shape = (2048, 1024)
    return found


def plane():
    """A mosaic's coordinates, by the libraries."""
    found = image(FITSImagingWCSTransform(
        astropy_models.Pix2Sky_TAN(), crpix=(1000.5, 500.25), crval=(5.63, -72.05),
        cdelt=[1.1e-5, 1.2e-5], pc=np.array([[-0.8, 0.6], [0.6, 0.8]])))
    return gwcs.WCS([(found.pipeline[0].frame, found.pipeline[0].transform),
                     (found.pipeline[-1].frame, None)], name="plane")


def written(content):
    file = io.BytesIO()
    asdf.AsdfFile({"thing": content}).write_to(file, include_block_index=False)
    file.seek(0)
    return file


class Plain(yaml.SafeLoader):
    """Each tagged part of a file as tag and content."""


def tagged(loader, suffix, node):
    construct = {"mapping": loader.construct_mapping, "sequence": loader.construct_sequence}.get(
        node.id)
    return suffix, loader.construct_scalar(node) if construct is None else construct(node, True)


Plain.add_multi_constructor("tag:", tagged)


def parts(file):
    """Coordinates of a file, whatever parts of it are aliases; what is after the tree."""
    tree, mark, blocks = file.getvalue().partition(b"\n...\n")
    return yaml.load(tree + mark, Plain)[1]["thing"], blocks


@pytest.mark.parametrize("make", [image, plane])
def test_what_is_written_is_what_asdf_writes(make):
    """Tags, their versions and the bytes of the arrays are those of the installed libraries."""
    assert parts(_asdf.document(_asdf.from_gwcs(make()))) == parts(written(make()))


def test_the_extensions_are_those_that_asdf_names():
    mine = _asdf.document(_asdf.from_gwcs(image()))
    mine.seek(0)
    with asdf.open(written(image())) as theirs, asdf.open(mine) as ours:
        named = [{str(item) for item in file.tree["history"]["extensions"]}
                 for file in (theirs, ours)]
    assert named[0] == named[1]
    assert len(named[0]) == 5


@pytest.mark.parametrize("make", [image, plane])
def test_coordinates_answer_as_gwcs(make):
    theirs, ours = make(), _asdf.from_gwcs(make())
    x, y = np.random.default_rng(2).uniform(-60, 1200, (2, 3, 50))
    sky = np.array(theirs(x, y))
    assert np.isnan(sky).any()
    assert_allclose(ours(x, y), sky, rtol=0, atol=1e-11)
    everywhere = theirs(x, y, with_bounding_box=False)
    assert_allclose(ours(x, y, with_bounding_box=False), everywhere, rtol=0, atol=1e-11)
    assert_allclose(ours.invert(*everywhere, with_bounding_box=False),
                    theirs.invert(*everywhere, with_bounding_box=False), rtol=0, atol=1e-7)
    assert np.isnan(ours.invert(*everywhere)).any()
    assert all(isinstance(part, float) for part in ours(3, 4))
    assert_allclose(ours(3, 4), theirs(3, 4), rtol=0, atol=1e-11)
    assert ours.available_frames == theirs.available_frames
    assert ours.pixel_shape == theirs.pixel_shape
    for order in "CF":
        assert (ours.bounding_box.bounding_box(order=order)
                == theirs.bounding_box.bounding_box(order=order))


def test_between_frames():
    theirs, ours = image(), _asdf.from_gwcs(image())
    for pair in (("v2v3", "world"), ("world", "v2v3vacorr"), ("detector", "v2v3")):
        assert_allclose(ours.get_transform(*pair)(20.0, 30.0),
                        theirs.get_transform(*pair)(20.0, 30.0), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("make", [image, plane])
def test_the_gwcs_object_is_the_same_again(make):
    theirs, again = make(), _asdf.as_gwcs(_asdf.from_gwcs(make()))
    x, y = np.random.default_rng(2).uniform(0, 1000, (2, 50))
    assert_array_equal(again(x, y), theirs(x, y))
    assert again.bounding_box == theirs.bounding_box
    assert parts(written(again)) == parts(written(theirs))
    assert _asdf.as_gwcs(theirs) is theirs


def test_the_model_of_astropy_is_the_same_again():
    theirs = image().get_transform("detector", "v2v3")
    again = _asdf.as_astropy(_asdf.transform_of(theirs))
    assert parts(written(again)) == parts(written(theirs))
    assert _asdf.as_astropy(theirs) is theirs


def test_a_box_can_be_set():
    wcs = _asdf.from_gwcs(plane())
    wcs.bounding_box = (0, 5), (1, 7)
    assert wcs.bounding_box.bounding_box(order="F") == ((0.0, 5.0), (1.0, 7.0))
    wcs.array_shape = (7, 5)
    assert wcs.pixel_shape == (5, 7)


@pytest.mark.parametrize("content", [
    b"no file", b"#ASDF 1.0.0\n--- [1, 2]\n...\n", b"#ASDF 1.0.0\n--- {a: !core/x-1.0.0 1\n...\n",
    b"#ASDF 1.0.0\n%TAG ! tag:stsci.edu:asdf/\n--- {a: !transform/shift-1.2.0 {}}\n...\n",
    b"#ASDF 1.0.0\n%TAG ! tag:stsci.edu:asdf/\n--- {a: !core/ndarray-1.0.0 {source: 0, datatype: "
    b"float64, byteorder: little, shape: [2]}}\n...\n"])
def test_files_that_are_not_understood(content):
    with pytest.raises(_asdf.Unusual):
        _asdf.loads(content)


@pytest.mark.parametrize("compression", [None, "zlib", "bzp2"])
def test_arrays_of_a_file(compression):
    file = io.BytesIO()
    values = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(3, dtype=">i2")}
    asdf.AsdfFile(values).write_to(file, all_array_compression=compression)
    found = _asdf.loads(file.getvalue())
    for name, value in values.items():
        assert_array_equal(found[name], value)
    file = io.BytesIO()
    asdf.AsdfFile(values).write_to(file, all_array_storage="inline")
    assert_array_equal(_asdf.loads(file.getvalue())["a"], values["a"])
