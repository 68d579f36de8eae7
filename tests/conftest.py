"""Small exposures that any test may ask for."""

import numpy as np
import pytest
from hypothesis import settings

# The same examples in every run, however long they take on a machine that is busy;
# --hypothesis-profile=default looks for new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


def _fill(model):
    meta = model.meta
    meta.telescope = "JWST"
    meta.instrument.name, meta.instrument.detector = "NIRCAM", "NRCA1"
    meta.instrument.filter, meta.instrument.pupil = "F150W", "CLEAR"
    meta.instrument.module, meta.instrument.channel = "A", "SHORT"
    meta.exposure.type, meta.exposure.readpatt = "NRC_IMAGE", "RAPID"
    meta.exposure.nints, meta.exposure.ngroups = model.data.shape[:2]
    meta.exposure.nframes, meta.exposure.groupgap = 1, 0
    meta.exposure.frame_time = meta.exposure.group_time = 10.0
    meta.observation.date, meta.observation.time = "2026-01-02", "03:04:05.678"
    meta.subarray.name = "SUB64"
    meta.subarray.xstart, meta.subarray.ystart = 3, 5
    meta.subarray.ysize, meta.subarray.xsize = model.data.shape[-2:]
    meta.subarray.fastaxis, meta.subarray.slowaxis = -1, 2
    meta.filename = "jw00001001001_02101_00001_nrca1_uncal.fits"
    return model


@pytest.fixture
def small_ramp():
    """A NIRCam ramp, [1, 3, 6, 8], that counts 100 DN a group."""
    from stdatamodels.jwst.datamodels import RampModel

    data = np.broadcast_to(100.0 * np.arange(1, 4)[:, None, None], (1, 3, 6, 8))
    return _fill(RampModel(data=data.astype(np.float32)))


@pytest.fixture
def uncal_file(tmp_path):
    """Path of the same exposure as a raw file, below ``tmp_path / 'data'``."""
    from stdatamodels.jwst.datamodels import Level1bModel

    data = np.broadcast_to(100 * np.arange(1, 4)[:, None, None], (1, 3, 6, 8))
    model = _fill(Level1bModel(data=data.astype(np.uint16)))
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / model.meta.filename
    model.save(path)
    return str(path)
