"""What steps ask of an image: data, two axes, coordinates on the sky."""

import gwcs
import numpy as np
import pytest
from astropy import units as u
from astropy.modeling.models import Identity
from gwcs import coordinate_frames
from stdatamodels.jwst.datamodels import CubeModel

from jwst_cal.astrometry.assign_wcs import AssignWcsStep
from jwst_cal.background.skymatch import SkyMatchStep
from jwst_cal.coadd import OutlierDetectionStep, ResampleStep
from jwst_cal.errors import InputError
from jwst_cal.models._files import open_light
from jwst_cal.models.requirements import changeable, image_of_the_sky
from tests import images


@pytest.fixture
def image(tmp_path):
    """A file with coordinates."""
    references = images.references("NIRCAM", tmp_path)
    given = {f"override_{kind}": references.get(kind, "N/A") for kind in AssignWcsStep.references}
    model = AssignWcsStep(**given).run(images.image())
    model.save(tmp_path / "a_cal.fits")
    return str(tmp_path / "a_cal.fits")


def in_metres():
    frame = coordinate_frames.Frame2D(name="detector")
    focal = coordinate_frames.Frame2D(name="focal", unit=(u.m, u.m))
    return gwcs.WCS([(frame, Identity(2)), (focal, None)])


def test_images_of_the_sky_are_taken(image):
    from stdatamodels.jwst import datamodels

    image_of_the_sky(open_light(image), "resample")
    with datamodels.open(image) as model:
        image_of_the_sky(model, "resample")


def test_what_is_none_is_named():
    cube = CubeModel((2, 5, 5))
    cube.meta.filename = "cube.fits"
    with pytest.raises(InputError, match=r"cube.fits: resample takes 2-D images, this"):
        image_of_the_sky(cube, "resample")
    model = images.image()
    with pytest.raises(InputError, match=r"_rate.fits: no coordinates; assign_wcs must come first"):
        image_of_the_sky(model, "resample")


@pytest.mark.parametrize("step", [SkyMatchStep, OutlierDetectionStep, ResampleStep])
def test_coordinates_that_are_not_of_the_sky_are_refused(step, image):
    from stdatamodels.jwst import datamodels

    with datamodels.open(image) as first, datamodels.open(image) as second:
        second.meta.wcs, second.meta.filename = in_metres(), "b_cal.fits"
        with pytest.raises(InputError, match=r"b_cal.fits: its coordinates lead to 'focal', which"):
            step().run([first, second])


def test_a_file_without_data(image, tmp_path):
    from astropy.io import fits

    with fits.open(image) as file:
        del file["SCI"]
        file.writeto(tmp_path / "b_cal.fits")
    with pytest.raises(InputError, match=r"b_cal.fits: no data \(SCI\)"):
        image_of_the_sky(open_light(tmp_path / "b_cal.fits"), "skymatch")


def test_an_array_that_a_kernel_can_change():
    class Model:
        data = np.ones((3, 4), np.float32)
        err = np.ones((3, 4), ">f4")[:, ::2]
        dq = None
        var_flat = np.zeros((0, 0), np.float32)

    model = Model()
    assert changeable(model, "data") is Model.data
    found = changeable(model, "err")
    assert found is model.err
    assert found.flags.carray
    assert found.dtype == np.float32
    assert found.tolist() == [[1, 1]] * 3
    for name in ("dq", "var_flat", "var_rnoise"):
        assert changeable(model, name) is None
