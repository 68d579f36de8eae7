"""World coordinates of flight: NIRCam after alignment, a cut-out, MIRI's distortion.

The files are in ``../shared/data`` beside the checkout, or where ``JWST_CAL_REAL_DATA`` says.
"""

import io
import os
import tarfile
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.wcs import WCS
from numpy.testing import assert_allclose
from stdatamodels.jwst import datamodels

from jwst_cal.astrometry import _wcs
from jwst_cal.coadd._pixel_map import PixelMap
from jwst_cal.pointing import attitude

DATA = Path(os.environ.get("JWST_CAL_REAL_DATA")
            or Path(__file__).parents[2].parent / "shared" / "data")
#: All that is allowed between fast and exact evaluation, pixel; what is found is below 1e-7.
ALLOWED = 1e-3
#: Every 69th of the 690 coordinates: one of each detector.
STRIDE = 69

pytestmark = pytest.mark.filterwarnings("ignore")


def there(name):
    """The path of a file, or a skipped test."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"no real data: {path} is not there")
    return path


class Plane:
    """A tangential projection as the target of a map of pixels."""

    def __init__(self, ra, dec, scale):
        self.wcs = WCS(naxis=2)
        self.wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        self.wcs.wcs.crval, self.wcs.wcs.crpix = [ra, dec], [1500, 1500]
        self.wcs.wcs.cdelt = [-scale / 3600, scale / 3600]

    def invert(self, ra, dec, with_bounding_box=False):
        """Pixels of places on the sky."""
        return self.wcs.wcs_world2pix(ra, dec, 0)


def map_error(wcs, shape, plane):
    """The largest difference between a map of pixels and the coordinates themselves, pixel."""
    found = PixelMap(wcs, plane, shape)
    assert found._coefficients is not None  # not evaluated pixel by pixel
    rng = np.random.default_rng(3)
    rows, cols = (rng.integers(0, n, 40) for n in shape)
    mapped = np.array([[axis[0, col] for axis in found.rows(int(row), int(row) + 1)]
                       for row, col in zip(rows, cols, strict=True)])
    exact = np.transpose(plane.invert(*wcs(cols.astype(float), rows.astype(float),
                                           with_bounding_box=False)))
    return np.abs(mapped - exact).max()


def flight():
    """Coordinates of NIRCam exposures: file, gwcs, keywords."""
    import asdf

    path = there("09_nircam_ceers_gwcs/ceers_tweakreg_wcs_690.tar.gz")
    with tarfile.open(path) as file:
        names = [member for member in file if member.name.endswith(".asdf")][::STRIDE]
        for member in names:
            content = io.BytesIO(file.extractfile(member).read())
            with asdf.open(content, lazy_load=False, memmap=False) as tree:
                yield member.name, tree["wcs"], tree["wcsinfo"]


def test_nircam_coordinates_are_built_as_in_flight():
    """From the distortion of the file and its keywords; the alignment is a step of its own."""
    x, y = np.random.default_rng(1).uniform(-0.5, 2047.5, (2, 200))
    detectors, worst = set(), 0.0
    for name, wcs, info in flight():
        distortion = wcs.get_transform("detector", "v2v3")
        aberration = wcs.get_transform("v2v3", "v2v3vacorr")
        model = datamodels.ImageModel((2048, 2048))
        model.meta.instrument.name, model.meta.exposure.type = "NIRCAM", "NRC_IMAGE"
        for key in ("v2_ref", "v3_ref", "roll_ref", "ra_ref", "dec_ref"):
            setattr(model.meta.wcsinfo, key, info[key])
        model.meta.velocity_aberration.scale_factor = float(aberration[0].factor.value)
        ours = _wcs.build(model, SimpleNamespace(distortion=SimpleNamespace(model=distortion),
                                                 filteroffset=None))
        ra, dec = ours(x, y)
        last = wcs.available_frames[-2]  # v2v3corr after the alignment
        true = wcs.get_transform(last, "world")(*aberration(*distortion(x, y)))
        scale = 0.063 if "long" in name else 0.031
        apart = np.hypot((ra - true[0]) * np.cos(np.radians(dec)), dec - true[1]) * 3600 / scale
        worst = max(worst, apart.max())
        detectors.add(name.split("_")[-2])
    assert len(detectors) == 10
    assert worst < 1e-6 < ALLOWED


def test_fast_maps_of_nircam_coordinates():
    errors = [map_error(wcs, (2048, 2048), Plane(info["ra_ref"], info["dec_ref"],
                                                 0.063 if "long" in name else 0.031))
              for name, wcs, info in flight()]
    assert len(errors) == 10
    assert max(errors) < 1e-6 < ALLOWED


def test_cut_out():
    path = there("08_nircam_cal_cutout/image.fits")
    with warnings.catch_warnings(), datamodels.open(path) as model:
        warnings.simplefilter("ignore")
        wcs, info = model.meta.wcs, model.meta.wcsinfo
        centre = wcs(50, 50, with_bounding_box=False)
        error = map_error(wcs, model.data.shape, Plane(*map(float, centre), 0.063))
        assert error < 1e-6 < ALLOWED
        total = model.var_poisson + model.var_rnoise + model.var_flat
        good = np.isfinite(total) & (model.dq & 1 == 0)
        assert_allclose(model.err[good], np.sqrt(total[good]), rtol=1e-4)
        # the pointing in the header is that of the coordinates
        matrix = attitude.attitude(info.v2_ref, info.v3_ref, info.ra_ref, info.dec_ref,
                                   info.roll_ref)
        v2, v3 = np.random.default_rng(2).uniform(-60, 60, (2, 30))
        sky = wcs.get_transform(wcs.available_frames[-2], "world")(info.v2_ref + v2,
                                                                   info.v3_ref + v3)
        assert_allclose(attitude.to_sky(matrix, info.v2_ref + v2, info.v3_ref + v3), sky,
                        rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "offsets"), [
    ("jwst_miri_distortion_0028.asdf", "jwst_miri_filteroffset_0004.asdf"),
    ("jwst_miri_imager_distortion_flt9.asdf", "jwst_miri_filteroffset_full_flt9.asdf"),
])
def test_distortion_of_miri_in_flight(name, offsets):
    import asdf

    folder = there("10_miri_wcs_crds_refs")
    with asdf.open(folder / offsets, lazy_load=False, memmap=False) as tree:
        rows = [dict(row) for row in tree["filters"]]
    rows = [{**row, "filter": row.get("filter", row.get("name"))} for row in rows]
    model = datamodels.ImageModel((1024, 1032))
    model.meta.instrument.name, model.meta.instrument.filter = "MIRI", "F1000W"
    model.meta.exposure.type = "MIR_IMAGE"
    info = model.meta.wcsinfo
    info.v2_ref, info.v3_ref, info.ra_ref, info.dec_ref, info.roll_ref = -453.4, -373.8, 0.01, 60, 5
    with datamodels.DistortionModel(folder / name) as distortion:
        refs = SimpleNamespace(distortion=distortion, filteroffset=SimpleNamespace(filters=rows))
        wcs = _wcs.build(model, refs)
        assert map_error(wcs, (1024, 1032), Plane(0.01, 60, 0.11)) < 1e-6 < ALLOWED
        x, y = np.random.default_rng(4).uniform(0, 1020, (2, 100))
        (offset,) = [row for row in rows if row["filter"] == "F1000W"]
        v2, v3 = distortion.model(x + offset["column_offset"], y + offset["row_offset"])
        matrix = attitude.attitude(info.v2_ref, info.v3_ref, info.ra_ref, info.dec_ref,
                                   info.roll_ref)
        expected = attitude.to_sky(matrix, v2, v3)
        found = wcs(x, y, with_bounding_box=False)
        apart = (np.array(found) - expected + 180) % 360 - 180
        assert np.abs(apart).max() * 3600 / 0.11 < 1e-6 < ALLOWED
        assert np.hypot(offset["column_offset"], offset["row_offset"]) > 0.1
