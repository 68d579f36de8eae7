"""A small dithered set of a field of known sources, calibrated: what stage 3 of images works on."""

import os
from typing import NamedTuple

import pytest

from jwst_cal import models
from jwst_cal.framework import reference_store
from jwst_cal.pipelines import Detector1Pipeline, Image2Pipeline
from jwst_cal.simulate import dithers


class Mosaic(NamedTuple):
    """The association of calibrated images, the truth, the reference files of stage 3 by type."""

    asn: str
    truth: dithers.Set
    references: dict


def make(folder, **options):
    """Simulate a set and calibrate it with the embedded reference files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JWST_CAL_CRDS", "embedded")
        for name in ("CRDS_PATH", "CRDS_SERVER_URL", "CRDS_CONTEXT"):
            patch.delenv(name, raising=False)
        made = dithers.dithers(folder, **options)
        for path in made.exposures:
            Detector1Pipeline.call(str(path), save_results=True, output_dir=str(folder))
        Image2Pipeline.call(str(made.level2), save_results=True, output_dir=str(folder),
                            steps={"resample": {"skip": True}})
        header = models.read_header(str(made.exposures[0]).replace("_uncal", "_cal"))
        found = {kind: reference_store.find(header, kind)
                 for kind in ("apcorr", "abvegaoffset", "gain", "readnoise")}
    for path in folder.iterdir():
        if path.name.endswith(("_uncal.fits", "_rate.fits", "_rateints.fits")):
            os.remove(path)
    return Mosaic(str(made.level3), made, found)
