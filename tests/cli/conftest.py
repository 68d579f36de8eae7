"""A folder with one small exposure, and the demo steps importable by name."""

import sys
from pathlib import Path

import numpy as np
import pytest

DEMO = Path(__file__).with_name("demo")


@pytest.fixture(scope="session")
def rate_file(tmp_path_factory):
    """Make one small count-rate image."""
    from stdatamodels.jwst import datamodels

    file = tmp_path_factory.mktemp("input") / "X_rate.fits"
    with datamodels.ImageModel(np.zeros((8, 8), np.float32)) as model:
        model.meta.telescope = "JWST"
        model.meta.instrument.name = "NIRCAM"
        model.meta.instrument.detector = "NRCA1"
        model.meta.exposure.type = "NRC_IMAGE"
        model.save(file)
    return file


@pytest.fixture
def folder(tmp_path, monkeypatch, rate_file):
    """Work in a fresh folder that holds X_rate.fits; no parameter files from CRDS."""
    (tmp_path / "X_rate.fits").write_bytes(rate_file.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(DEMO))
    monkeypatch.setenv("STPIPE_DISABLE_CRDS_STEPPARS", "TRUE")
    monkeypatch.setenv("V", "env")
    monkeypatch.setitem(sys.modules, "demo_steps", sys.modules.get("demo_steps") or _demo())
    return tmp_path


def _demo():
    import importlib.util

    spec = importlib.util.spec_from_file_location("demo_steps", DEMO / "demo_steps.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["demo_steps"] = module
    spec.loader.exec_module(module)
    return module
