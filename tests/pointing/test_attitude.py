"""Attitudes and velocity aberration: inverses, known cases, other people's functions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from jwst_cal.pointing import attitude, siaf, velocity_aberration, wcsinfo

angles = st.floats(0, 360, exclude_max=True)
latitudes = st.floats(-89, 89)
offsets = st.floats(-1500, 1500)


@given(v2=offsets, v3=offsets, ra=angles, dec=latitudes, roll=angles)
def test_the_point_is_where_it_should_be(v2, v3, ra, dec, roll):
    matrix = attitude.attitude(v2, v3, ra, dec, roll)
    assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-14)
    found = attitude.to_sky(matrix, v2, v3)
    assert_allclose((found[0] - ra + 180) % 360 - 180, 0, atol=1e-9)
    assert_allclose(found[1], dec, atol=1e-10)
    assert_allclose((attitude.position_angle(matrix, v2, v3) - roll + 180) % 360 - 180, 0,
                    atol=1e-9)
    assert_allclose(attitude.to_telescope(matrix, *found), (v2, v3), atol=1e-6)


def test_as_the_transformation_of_assign_wcs():
    from stdatamodels.jwst.datamodels import ImageModel

    from jwst_cal.astrometry._wcs import pointing

    model = ImageModel((2, 2))
    info = model.meta.wcsinfo
    info.v2_ref, info.v3_ref, info.ra_ref, info.dec_ref, info.roll_ref = 120, -500, 350, -70, 200
    matrix = attitude.attitude(120, -500, 350, -70, 200)
    v2, v3 = np.random.default_rng(1).uniform(-600, 600, (2, 40))
    assert_allclose(attitude.to_sky(matrix, v2, v3), pointing.to_sky(model)(v2, v3), atol=1e-11)


def test_at_rest_nothing_changes():
    assert velocity_aberration.aberration((0, 0, 0), 12.0, 34.0) == (1.0, 12.0, pytest.approx(34.0))


@given(ra=angles, dec=latitudes)
def test_apparent_places_move_towards_the_velocity(ra, dec):
    velocity = np.array([0.0, 0.0, 30.0])
    scale, _, apparent = velocity_aberration.aberration(velocity, ra, dec)
    beta = 30 / velocity_aberration.SPEED_OF_LIGHT
    assert_allclose(np.radians(apparent - dec), beta * np.cos(np.radians(dec)), rtol=1e-3,
                    atol=1e-12)
    assert_allclose(scale - 1, beta * np.sin(np.radians(dec)), atol=1e-8)


def test_keywords_of_an_aperture_describe_its_projection():
    """The linear description is the gnomonic projection of what the aperture sees."""
    from astropy.wcs import WCS

    at = siaf.aperture("NRCB1_SUB160")
    matrix = attitude.attitude(at.v2_ref, at.v3_ref, 200.0, 35.0, 77.0)
    values = wcsinfo.of_aperture(at) | wcsinfo.on_sky(matrix, at)
    described = WCS({key.upper(): value for key, value in values.items()
                     if key[:2] in ("cr", "cd", "ct", "cu", "pc", "wc")})
    whole = siaf.distortion("NRCB1_FULL")
    for x, y in ((79.5, 79.5), (0, 0), (159, 0), (0, 159), (159, 159)):
        ra, dec = attitude.to_sky(matrix, *whole.to_telescope(x, y))
        assert_allclose(described.wcs_world2pix(ra, dec, 0), (x, y), atol=0.6)
    assert_allclose(described.wcs_world2pix(values["ra_ref"], values["dec_ref"], 1),
                    (at.x_ref, at.y_ref), atol=1e-6)
