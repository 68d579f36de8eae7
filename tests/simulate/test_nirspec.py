"""NIRSpec: exposures have the optics that their science regions are found with."""

import numpy as np
import pytest
from astropy.io import fits

from jwst_cal.framework import reference_store
from jwst_cal.pipelines import Detector1Pipeline
from jwst_cal.simulate import exposures, nirspec_optics


@pytest.mark.parametrize(("exp_type", "lit", "dark"), [
    ("NRS_FIXEDSLIT", (1075, 1100), (300, 800)),  # S200A1
    ("NRS_MSASPEC", (650, 684), (300, 640)),  # a slitlet of three shutters
])
def test_science_regions_are_found_with_embedded_references(exp_type, lit, dark, tmp_path):
    """By the step's own parameters."""
    exposure = exposures.simulate("NIRSPEC", exp_type=exp_type, n_groups=2,
                                  cosmic_ray_rate=0, light=0.05).write(tmp_path)
    result = Detector1Pipeline.call(
        str(exposure), output_dir=str(tmp_path),
        steps={"picture_frame": {"skip": False, "save_mask": True}, "refpix": {"skip": True},
               "jump": {"skip": True}, "dark_current": {"skip": True}})
    (rate, *_) = result if isinstance(result, tuple | list) else (result,)
    assert rate.meta.cal_step.picture_frame == "COMPLETE"
    (path,) = tmp_path.glob("*_pctfrm_mask.fits")
    masked = fits.getdata(path)[:, 1000:1100] == 0
    assert masked[slice(*lit)].mean() > 0.9
    assert masked[slice(*dark)].mean() < 0.3


@pytest.mark.parametrize(("grating", "serial"), [
    ("G395H", 9001), ("PRISM", 9003), ("MIRROR", None)])
def test_each_grating_has_its_disperser(grating, serial):
    found = reference_store.find({
        "meta.instrument.name": "NIRSPEC", "meta.instrument.detector": "NRS2",
        "meta.instrument.grating": grating, "meta.exposure.type": "NRS_IFU",
        "meta.observation.date": "2024-07-01", "meta.observation.time": "00:00:00.000",
    }, "disperser")
    assert found == "N/A" if serial is None else found.endswith(f"_{serial}.asdf")


@pytest.mark.parametrize("reftype", ["collimator", "camera", "fore", "ote", "ifufore"])
def test_the_light_goes_both_ways(reftype):
    transform = nirspec_optics.tree(reftype)["model"]
    place = (0.01, -0.012, *([2e-6] if transform.n_inputs == 3 else []))
    back = transform.inverse(*transform(*place), *place[2:][:transform.inverse.n_inputs - 2])
    np.testing.assert_allclose(back[:2], place[:2], atol=1e-7)
