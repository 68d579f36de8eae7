"""A slitlet of NIRSpec in flight: the coordinates that its product holds, made anew.

The product of an older official release is in ``../shared/data`` beside the checkout, or where
``JWST_CAL_REAL_DATA`` says. Its coordinates hold the genuine reference models; these are taken out,
given to our step with the genuine list of shutters, and the results compared.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.modeling.models import Identity
from gwcs.utils import to_index
from numpy.testing import assert_allclose
from stdatamodels.jwst import datamodels as dm

from jwst_cal.astrometry.assign_wcs import AssignWcsStep

DATA = Path(os.environ.get("JWST_CAL_REAL_DATA")
            or Path(__file__).parents[2].parent / "shared" / "data")
FOLDER = DATA / "03_nirspec_mos_prism_chain"
PRODUCT = FOLDER / "jw02565007001_03101_00002_nrs2_cal.fits"
pytestmark = [
    pytest.mark.skipif(not PRODUCT.exists(), reason=f"no real data: {PRODUCT} is not there"),
    pytest.mark.filterwarnings("ignore::stdatamodels.exceptions.ValidationWarning",
                               "ignore:Traceback"),
]
COLUMNS = [("NO", "i4"), ("XC", "f8"), ("YC", "f8"), ("SIZEX", "f8"), ("SIZEY", "f8")]


def references(wcs, slit):
    """The reference models that coordinates hold, as open models by type."""
    to_gwa, to_slit = wcs.get_transform("sca", "gwa"), wcs.get_transform("gwa", "slit_frame")
    to_telescope = wcs.get_transform("oteip", "v2v3")
    collimator = Identity(2)
    collimator.inverse = to_slit[18:27]
    prism = to_slit.inverse[20]
    disperser = dm.DisperserModel(**dict(zip(
        ("theta_x", "theta_y", "theta_z"), map(float, to_gwa[13].angles.value[:3]), strict=True)))
    disperser.tilt_x, disperser.tilt_y = 0.0, float(to_gwa[13].angles.value[3])
    disperser.angle, disperser.tref, disperser.pref = prism.prism_angle, prism.tref, prism.pref
    for name in ("kcoef", "lcoef", "tcoef"):
        setattr(disperser, name, [float(value) for value in getattr(prism, name)])
    shutters = np.ones(365 * 171, COLUMNS)
    width, height, x, y = (to_slit[k].parameters[0] for k in range(11, 15))
    shutters[slit.shutter_id - 1] = (slit.shutter_id, x, y, width, height)
    quadrants = {f"Q{k}": Identity(2) for k in range(1, 6)} | {f"Q{slit.quadrant}": to_slit[15:18]}
    ranges = dm.WavelengthrangeModel()
    ranges.waverange_selector, ranges.order = ["CLEAR_PRISM"], [0]
    ranges.wavelengthrange = [[6e-7, 5.3e-6]]
    return {
        "fpa": dm.FPAModel(nrs1_model=Identity(2), nrs2_model=to_gwa[0:3]),
        "camera": dm.CameraModel(model=to_gwa[3:12]),
        "collimator": dm.CollimatorModel(model=collimator), "disperser": disperser,
        "msa": dm.MSAModel(models=quadrants, data=dict.fromkeys(quadrants, shutters)),
        "fore": dm.FOREModel(model=wcs.get_transform("msa_frame", "oteip")[1:20]),
        "ote": dm.OTEModel(model=to_telescope[1:12]), "wavelengthrange": ranges}


def exposure(product, slit):
    """The exposure of the whole detector that the slitlet was cut from."""
    model = dm.ImageModel((2048, 2048))
    model.update(product)
    model.meta.wcsinfo.instance.update(slit.meta.wcsinfo.instance)
    model.meta.instrument.instance.update({
        "gwa_xtilt": None, "gwa_ytilt": None,  # the angles have the readings in them
        "msa_metadata_file": str(FOLDER / "jw02565007001_01_msa.fits")})
    model.meta.subarray.xstart = model.meta.subarray.ystart = 1
    return model


def test_a_slitlet_in_flight():
    with dm.open(PRODUCT) as product:
        slit = product.slits[0]
        theirs = slit.meta.wcs
        given = {f"override_{reftype}": model
                 for reftype, model in references(theirs, slit).items()}
        given = {f"override_{reftype}": "N/A" for reftype in AssignWcsStep.references} | given
        mine = AssignWcsStep(**given).run(exposure(product, slit)).meta.wcs
        (found,) = mine.get_transform("gwa", "slit_frame").slits
        assert (found.name, found.shutter_id, found.quadrant, found.xcen, found.ycen) == (
            slit.slitlet_id, slit.shutter_id, slit.quadrant, slit.xcen, slit.ycen)
        assert (found.source_name, found.shutter_state) == (slit.source_name, slit.shutter_state)
        assert_allclose((found.ymin, found.ymax), (slit.slit_ymin, slit.slit_ymax))
        assert_allclose((found.source_xpos, found.source_ypos),
                        (slit.source_xpos, slit.source_ypos), rtol=1e-6)

        box = mine.bounding_box[found.slit_id]
        edges = np.array([to_index(tuple(box[axis])) for axis in (0, 1)])
        assert edges.tolist() == [[slit.xstart - 1, slit.xstart - 1 + slit.xsize],
                                  [slit.ystart - 1, slit.ystart - 1 + slit.ysize]]

        x, y = np.meshgrid(np.arange(0.0, slit.xsize, 7), np.arange(0.0, slit.ysize))
        there = theirs.get_transform("detector", "slit_frame")(x, y)
        here = mine.get_transform("detector", "slit_frame")(
            x + slit.xstart - 1, y + slit.ystart - 1, found.slit_id)
        assert np.isfinite(there[2]).mean() > 0.5
        for got, want in zip(here[1:], there, strict=True):
            assert_allclose(got, want, rtol=1e-10, atol=1e-12)
        # the wavelength of the product was corrected for the source's place in the slit since
        telescope = [theirs.get_transform(start, end) for start, end in (
            ("msa_frame", "oteip"), ("oteip", "v2v3"))]
        place = mine.get_transform("slit_frame", "msa_frame")(
            found.slit_id, *(values[np.isfinite(there[2])] for values in here[1:]))
        at = telescope[1](*telescope[0](*place[:3]))
        assert_allclose(mine.get_transform("msa_frame", "v2v3")(*place)[:3], at, rtol=1e-12)
